"""Read a map: the columns of a CSV table, and the meaning of their cells as facts.

A map renames and looks up. It guesses nothing. A cell that the map does not mention is an error of
its row, unless the map says `else`. Unknown cells become absent facts. `docs/maps.md` has the
format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from offramp.policy.map_cells import CELL, PART, Reader, Row, Scope, read_cell, read_condition
from offramp.policy.map_codes import may_cite_law
from offramp.policy.map_values import read_cells, read_mark
from rules import shelf
from rules.decide.scene_day import DAY, MOMENT
from rules.errors import FactsError, Place, RequestError, nearest
from rules.frozen import cached_property, field, frozen
from rules.input.citations import reader_of
from rules.input.csv_text import ENCODINGS, SEPARATORS
from rules.input.facts import LONGEST_LIST
from rules.input.printing import printable
from rules.input.vocabulary import DecisionTerms, Fact, Vocabulary
from rules.input.yaml import Node, empty_file_fix, read_file
from rules.packs.law import CHARGES
from rules.packs.pack import Decision, Pack

_SEPARATORS = {"tab": "\t", **{mark: mark for mark in SEPARATORS}}
_ENCODINGS = {name: name for name in ENCODINGS}
_ATTESTED = "decisions."
_KEPT = 8_192  # values of a fact that are remembered while a table is read
RecordReader = Callable[[Row], dict[str, Any] | None]  # returns None for no record


@frozen
class TableMap:
    """A map ready to read rows. `columns` are the columns it needs, `readers` go by fact path.

    `read_day` reads `encounter.date`, if its column has no other fact and the moment of the
    encounter is not mapped. `other_columns` are those that the other facts are read from. `unit` is
    what one row is. `groups` are words for counting rows, by name. Their columns are needed only
    where rows are counted by them. `cites_law` is True if its codes of charges can be sections.
    """

    title: str
    id_column: str
    columns: tuple[str, ...]
    readers: tuple[tuple[str, Reader], ...]
    separator: str = ","
    encoding: str = "utf-8"
    read_day: Reader | None = None
    other_columns: tuple[str, ...] = ()
    unit: str = "row"
    columns_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by fact path
    fields: frozenset[str] = frozenset()  # of records, by path, that the map gives
    unknown: tuple[str, ...] = ("",)
    groups: Mapping[str, Grouping] = field(default_factory=dict)
    cites_law: bool = False

    @cached_property
    def places(self) -> tuple[tuple[list[str], str, Reader], ...]:
        """The readers with the groups and the name of each fact in a case's facts."""
        parts = [(path.split("."), reader) for path, reader in self.readers]
        return tuple((groups, name, reader) for (*groups, name), reader in parts)


@frozen
class Grouping:
    """Puts a row into a group. `read` returns the group's word, None while it is unknown."""

    columns: tuple[str, ...]
    read: Reader


def read_map(name: str, pack: Pack | None = None) -> TableMap:
    """Read a map from a file, or a shipped map by its id. Raises `PackError`.

    With `pack`, the map can also fill the facts, the fields, and the decisions that the pack adds.
    """
    if not name:
        raise RequestError("usage", "`--map` names no map", fix="name a shipped map, or a file")
    path = _map_path(name)
    with empty_file_fix("start from a shipped map, as docs/maps.md shows"):
        top = read_file(path, path.name)
    if pack is None:
        return read_map_text(top, shelf.vocabulary())
    return read_map_text(top, pack.vocabulary, pack.decisions)


def map_text(name: str) -> str:
    """Return a map's file, which could be read. Raises `PackError` as `read_map` does."""
    read_map(name)
    return _map_path(name).read_text(encoding="utf-8")


def map_digest(name: str) -> str:
    """Return SHA-256 of a map's file, which could be read."""
    import hashlib

    return f"sha256:{hashlib.sha256(_map_path(name).read_bytes()).hexdigest()}"


def is_shipped_map(name: str) -> bool:
    """Return whether a map is named by its shipped id, and not by a file."""
    return not Path(name).is_file()


def _map_path(name: str) -> Path:
    path = Path(name)
    folder = shelf.jurisdictions() / "maps"
    shipped = folder / f"{name}.yaml"
    if path.is_file():
        return path
    if shipped.is_file():
        return shipped
    if "/" in name or path.exists():
        return path  # which reading it refuses by its path
    ids = sorted(file.stem for file in folder.glob("*.yaml"))
    raise RequestError(
        "no-file",
        f"there is no map `{printable(name)}`, neither a file nor a shipped one",
        fix=nearest(printable(name), ids),
    )


def read_map_text(
    top: Node, vocabulary: Vocabulary, decisions: Mapping[str, Decision] | None = None
) -> TableMap:
    """Read a map from its YAML document. `decisions` are a pack's. Raises `PackError`."""
    return _MapReader(top, vocabulary, decisions or {}).map()


class _MapReader:
    """Reads one map, and collects the columns that it names."""

    def __init__(
        self, top: Node, vocabulary: Vocabulary, decisions: Mapping[str, Decision]
    ) -> None:
        self.top = top
        self.vocabulary = vocabulary
        self.decisions: dict[str, Decision | DecisionTerms] = {
            **vocabulary.decisions,
            **decisions,
        }
        self.scope = Scope({}, ("",))
        self.fields: set[str] = set()
        self.cites_law = False

    def map(self) -> TableMap:
        """Read the whole map."""
        entry = self.top.mapping(
            "the map",
            (
                "title",
                "id",
                "unit",
                "unknown",
                "facts",
                "groups",
                "note",
                "source",
                "separator",
                "encoding",
            ),
            ("title", "id", "facts"),
        )
        if "unknown" in entry:
            self.scope = Scope({}, read_cells(entry["unknown"], "`unknown`"))
        id_column = self.scope.column(entry["id"])
        columns = dict(self.scope.columns)
        readers: dict[str, Reader] = {}
        columns_of: dict[str, tuple[str, ...]] = {}
        for path, node in entry["facts"].mapping("`facts`").items():
            self.scope = Scope({}, self.scope.unknown)
            reader = self.fact(path, node, entry["facts"])
            columns |= self.scope.columns
            columns_of[path] = tuple(self.scope.columns)
            readers[path] = _remembering(reader, columns_of[path])
        return TableMap(
            entry["title"].text("`title`"),
            id_column,
            tuple(columns),
            tuple(readers.items()),
            self.setting(entry, "separator", _SEPARATORS, ","),
            self.setting(entry, "encoding", _ENCODINGS, "utf-8"),
            readers[DAY] if _is_day_apart(columns_of) else None,
            tuple({name: None for path in columns_of if path != DAY for name in columns_of[path]}),
            entry["unit"].text("`unit`") if "unit" in entry else "row",
            columns_of,
            frozenset(self.fields),
            self.scope.unknown,
            self.groups(entry["groups"]) if "groups" in entry else {},
            self.cites_law,
        )

    def groups(self, node: Node) -> dict[str, Grouping]:
        """Read the groups that rows can be counted by."""
        groups = {}
        for name, inner in node.mapping("`groups`").items():
            self.scope = Scope({}, self.scope.unknown)
            word = Fact(name, "text", "", "", "", "")
            reader = read_cell(word, inner, self.scope)
            columns = tuple(self.scope.columns)
            groups[name] = Grouping(columns, _remembering(reader, columns))
        return groups

    def setting(
        self, entry: dict[str, Node], key: str, allowed: dict[str, str], default: str
    ) -> str:
        """Read a setting of a closed list."""
        return read_mark(entry[key], key, allowed) if key in entry else default

    def fact(self, path: str, node: Node, parent: Node) -> Reader:
        """Make the reader of one fact, or of the attested outcome of `decisions.NAME`."""
        if path.startswith(_ATTESTED):
            return read_cell(self.attested(path, parent), node, self.scope)
        fact = self.vocabulary.facts.get(path)
        if fact is None:
            parent.keys[path].fail(
                "unknown-fact",
                f"there is no fact `{path}`",
                nearest(path, tuple(self.vocabulary.facts)),
            )
        return (
            self.records(fact, node) if fact.type == "list" else read_cell(fact, node, self.scope)
        )

    def attested(self, path: str, parent: Node) -> Fact:
        """Return an attested outcome as a fact: a choice of the decision's outcomes."""
        name = path.removeprefix(_ATTESTED)
        decision = self.decisions.get(name)
        if decision is None:
            parent.keys[path].fail(
                "unknown-fact",
                f"there is no decision `{name}`",
                nearest(name, tuple(self.decisions)),
            )
        return Fact(
            path=path,
            type="choice",
            question=decision.asks,
            known_by=decision.decided_by,
            category="decision_outcome",
            kind="record",
            choices=decision.outcomes,
        )

    def records(self, fact: Fact, node: Node) -> Reader:
        """Make a reader of a list.

        Its records are written item by item, split from cells, or counted. Or a cell says that the
        list is empty.
        """
        if isinstance(node.value, list):
            readers = [self.records(fact, item) for item in node.value]
            return lambda row: next(
                (value for reader in readers if (value := reader(row)) is not None), None
            )
        entry = node.mapping(f"`{fact.path}`", ("items", "split", "item", "count", *CELL))
        forms = [key for key in ("items", "item", "count") if key in entry]
        if not forms and "split" not in entry:
            return read_cell(fact, node, self.scope)
        alone = {"items": ("items",), "item": ("split", "item"), "count": ("count",)}
        form = forms[0] if forms else "item"
        node.mapping(f"`{fact.path}`", alone[form], alone[form])
        if form == "items":
            return self.items(fact, entry["items"])
        return self.count(fact, entry["count"]) if form == "count" else self.split(fact, entry)

    def items(self, fact: Fact, node: Node) -> Reader:
        """Make a reader of records that the map lists. One with a `when` may be absent."""
        nodes = node.items(f"the items of `{fact.path}`")
        readers = [self.record(fact, item, self.scope) for item in nodes]
        return lambda row: [record for reader in readers if (record := reader(row)) is not None]

    def count(self, fact: Fact, node: Node) -> Reader:
        """Make a reader of a number of records of which nothing else is known."""
        number = Fact(
            path=fact.path,
            type="int",
            question=fact.question,
            known_by=fact.known_by,
            category=fact.category,
            kind=fact.kind,
        )
        read_number = read_cell(number, node, self.scope)

        def read(row: Row) -> list[dict[str, Any]] | None:
            size = read_number(row)
            if size is None or (isinstance(size, int) and 0 <= size <= LONGEST_LIST):
                return None if size is None else [{} for _ in range(size)]
            raise FactsError(
                "unmapped-cell",
                f"`{fact.path}` can't have {printable(size)} records",
                at=Place(path=fact.path),
                fix="check the row, or give the map `values`",
            )

        return read

    def split(self, fact: Fact, entry: dict[str, Node]) -> Reader:
        """Make a reader of records that are split from the cells of columns."""
        split = entry["split"].mapping(
            "`split`", ("column", "by", "parts", "names", "empty"), ("column", "by")
        )
        column = split["column"]
        nodes = column.items("`column`") if isinstance(column.value, list) else [column]
        columns = [self.scope.column(name) for name in nodes]
        if not columns:
            split["column"].fail(
                "missing-key", "the list names no column", "name the column that it comes from"
            )
        by = split["by"].text("`by`")
        parts = split["parts"].text("`parts`") if "parts" in split else None
        names = self.names(split)
        if parts is None and len(names) > 1:
            split["names"].fail(
                "missing-key", "several `names` are without `parts`", "add the mark between parts"
            )
        empty = split["empty"].text("`empty`") if "empty" in split else "unknown"
        if empty not in ("unknown", "none"):
            split["empty"].fail(
                "unknown-word",
                f"`{empty}` is no meaning of an empty cell",
                "write `unknown` or `none`",
            )
        scope = Scope(self.scope.columns, self.scope.unknown, names)
        read_record = self.record(fact, entry["item"], scope)
        unknown = self.scope.unknown

        def read(row: Row) -> list[dict[str, Any]] | None:
            # Several columns are one list. A later column does not repeat an entry of an earlier.
            entries: list[tuple[str, str]] = []
            for column in columns:
                cell = row[column].strip()
                if not cell and empty == "none":
                    continue
                if not cell or cell in unknown:
                    return None
                earlier = {text for text, _ in entries}
                texts = [text.strip() for text in cell.split(by)]
                entries += [(text, column) for text in texts if text not in earlier]
            records = (
                read_record({**row, **_split(text, parts, names, column)})
                for text, column in entries
            )
            return [record for record in records if record is not None]

        return read

    def names(self, split: dict[str, Node]) -> tuple[str, ...]:
        """Read the names of the parts of an entry."""
        if "names" not in split:
            return ("entry",)
        names = tuple(name.text("a name") for name in split["names"].items("`names`"))
        if not names or len(set(names)) < len(names):
            split["names"].fail("duplicate-key", "two parts have one name", "name each part")
        return names

    def record(self, fact: Fact, node: Node, scope: Scope) -> RecordReader:
        """Make a reader of one record. With `when`, it returns None where there is no record."""
        entry = dict(node.mapping(f"a record of `{fact.path}`"))
        condition = entry.pop("when", None)
        applies = read_condition(condition, scope) if condition is not None else None
        readers = []
        for key, inner in entry.items():
            if key not in fact.fields:
                node.keys[key].fail(
                    "unknown-fact",
                    f"`{fact.path}` has no field `{key}`",
                    nearest(key, tuple(fact.fields)),
                )
            readers.append((key, read_cell(fact.fields[key], inner, scope)))
            self.fields.add(f"{fact.path}.{key}")
            if (fact.path, key) == (CHARGES, "code"):
                self.cites_law = self.cites_law or may_cite_law(inner, reader_of(self.vocabulary))

        def read(row: Row) -> dict[str, Any] | None:
            if applies is not None and not applies(row):
                return None
            values = {key: reader(row) for key, reader in readers}
            return {key: value for key, value in values.items() if value is not None}

        return read


def _remembering(reader: Reader, columns: tuple[str, ...]) -> Reader:
    """Return a reader that keeps its last values. Nobody changes a value that it returned."""

    @lru_cache(maxsize=_KEPT)
    def value_of(*cells: str) -> Any:
        return reader(dict(zip(columns, cells, strict=True)))

    return lambda row: value_of(*[row[column] for column in columns])


def _is_day_apart(columns_of: Mapping[str, tuple[str, ...]]) -> bool:
    """Return True if the columns of the encounter's day have no other fact, nor its moment."""
    others = {column for path in columns_of if path != DAY for column in columns_of[path]}
    return DAY in columns_of and MOMENT not in columns_of and not others & {*columns_of[DAY]}


def _split(text: str, parts: str | None, names: tuple[str, ...], column: str) -> dict[str, str]:
    """Return the parts of an entry, under keys that no column has."""
    pieces = text.split(parts) if parts else [text]
    if len(pieces) != len(names):
        raise FactsError(
            "unmapped-cell",
            f"`{printable(text)}` in `{column}` has {len(pieces)} parts, not {len(names)}",
            at=Place(path=column),
            fix="check the row, or the map's `names`",
        )
    return {PART + name: piece for name, piece in zip(names, pieces, strict=True)}
