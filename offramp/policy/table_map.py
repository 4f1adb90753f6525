"""Read a map: the columns of a CSV table, and the meaning of their cells as facts.

A map renames and looks up. It guesses nothing. A cell that the map does not mention is an error of
its row, unless the map says `else`. Unknown cells become absent facts. `docs/maps.md` has the
format.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from rules.errors import FactsError, Place, nearest
from rules.frozen import frozen
from rules.input.printing import printable
from rules.input.vocabulary import Fact
from rules.input.yaml import Node, read_file
from rules.language.exact import EXACT
from rules.shelf import jurisdictions, vocabulary

Row = Mapping[str, str]
Reader = Callable[[Row], Any]  # returns a fact's value, None while unknown

CELL = ("column", "part", "value", "values", "patterns", "else", "times", "when", "split", "any_of")
_DECIMALS = Decimal("0.000001")


@frozen
class TableMap:
    """A map ready to read rows. `columns` are the columns it needs, `readers` go by fact path."""

    title: str
    id_column: str
    columns: tuple[str, ...]
    readers: tuple[tuple[str, Reader], ...]


def read_map(name: str) -> TableMap:
    """Read a map from a file, or a shipped map by its id. Raises `PackError`."""
    path = Path(name)
    shipped = jurisdictions() / "maps" / f"{name}.yaml"
    if not path.is_file() and shipped.is_file():
        path = shipped
    return _MapReader(read_file(path, path.name)).map()


class _MapReader:
    """Reads one map, and collects the columns that it names."""

    def __init__(self, top: Node) -> None:
        self.top = top
        self.columns: dict[str, None] = {}
        self.unknown: tuple[str, ...] = ("",)

    def map(self) -> TableMap:
        """Read the whole map."""
        entry = self.top.mapping(
            "the map",
            ("title", "id", "unknown", "facts", "note", "source"),
            ("title", "id", "facts"),
        )
        if "unknown" in entry:
            self.unknown = tuple(str(node.value) for node in entry["unknown"].items("`unknown`"))
        id_column = entry["id"].text("`id`")
        self.columns[id_column] = None
        readers = []
        for path, node in entry["facts"].mapping("`facts`").items():
            fact = vocabulary().facts.get(path)
            if fact is None:
                entry["facts"].keys[path].fail(
                    "unknown-fact",
                    f"there is no fact `{path}`",
                    nearest(path, tuple(vocabulary().facts)),
                )
            readers.append(
                (path, self.records(fact, node) if fact.type == "list" else self.cell(fact, node))
            )
        return TableMap(
            entry["title"].text("`title`"), id_column, tuple(self.columns), tuple(readers)
        )

    def records(self, fact: Fact, node: Node) -> Reader:
        """Make a reader of a list: written item by item, or split from the cells of columns."""
        entry = node.mapping(f"`{fact.path}`", ("items", "split", "item"))
        if "items" in entry:
            nodes = entry["items"].items(f"the items of `{fact.path}`")
            readers = [self.record(fact, item) for item in nodes]
            return lambda row: [read(row) for read in readers]
        node.mapping(f"`{fact.path}`", (), ("split", "item"))
        split = entry["split"].mapping(
            "`split`", ("column", "by", "parts", "names", "empty"), ("column", "by")
        )
        column = split["column"]
        nodes = column.items("`column`") if isinstance(column.value, list) else [column]
        columns = [self.column(name) for name in nodes]
        if not columns:
            split["column"].fail(
                "missing-key", "the list names no column", "name the column that it comes from"
            )
        by = split["by"].text("`by`")
        parts = split["parts"].text("`parts`") if "parts" in split else None
        names: tuple[str, ...] = ("entry",)
        if "names" in split:
            names = tuple(name.text("a name") for name in split["names"].items("`names`"))
        empty = split["empty"].text("`empty`") if "empty" in split else "unknown"
        if empty not in ("unknown", "none"):
            split["empty"].fail(
                "unknown-word",
                f"`{empty}` is no meaning of an empty cell",
                "write `unknown` or `none`",
            )
        read_record = self.record(fact, entry["item"], names)

        def read(row: Row) -> Any:
            """Split the row's cells and read a record from each entry."""
            # Several columns are one list. A later column does not repeat an entry of an earlier.
            entries: list[tuple[str, str]] = []
            for column in columns:
                cell = row[column].strip()
                if cell in self.unknown:
                    if empty == "unknown":
                        return None
                    continue
                earlier = {text for text, _ in entries}
                entries += [(text, column) for text in cell.split(by) if text not in earlier]
            return [
                read_record({**row, **_split(text, parts, names, column)})
                for text, column in entries
            ]

        return read

    def record(
        self, fact: Fact, node: Node, names: tuple[str, ...] | None = None
    ) -> Callable[[Row], dict[str, Any]]:
        """Make a reader of one record. `names` are the parts of a split cell."""
        readers = []
        for key, inner in node.mapping(f"a record of `{fact.path}`").items():
            if key not in fact.fields:
                node.keys[key].fail(
                    "unknown-fact",
                    f"`{fact.path}` has no field `{key}`",
                    nearest(key, tuple(fact.fields)),
                )
            readers.append((key, self.cell(fact.fields[key], inner, names)))

        def read(row: Row) -> dict[str, Any]:
            """Read the record's known fields."""
            values = {key: reader(row) for key, reader in readers}
            return {key: value for key, value in values.items() if value is not None}

        return read

    def column(self, node: Node) -> str:
        """Read the name of a column, and note that the map needs it."""
        name = node.text("`column`")
        self.columns[name] = None
        return name

    def key(self, entry: Mapping[str, Node], node: Node, names: tuple[str, ...] | None) -> str:
        """Read the column, or the part of a split cell, that a value comes from."""
        if "part" in entry:
            name = entry["part"].text("`part`")
            if names is None or name not in names:
                entry["part"].fail(
                    "unknown-word", f"there is no part `{name}` here", nearest(name, names or ())
                )
            return name
        if "column" not in entry:
            node.fail(
                "missing-key",
                "it says neither `column` nor `value`",
                "name the column that it comes from",
            )
        return self.column(entry["column"])

    def cell(self, fact: Fact, node: Node, names: tuple[str, ...] | None = None) -> Reader:
        """Make a reader of one value. In a list of entries, the first known value counts."""
        if isinstance(node.value, list):
            readers = [self.cell(fact, item, names) for item in node.value]
            return lambda row: next(
                (value for reader in readers if (value := reader(row)) is not None), None
            )
        entry = node.mapping(f"`{fact.path}`", CELL)
        if "value" in entry:
            fixed = entry["value"].data()
            return lambda row: fixed
        key = self.key(entry, node, names)
        unknown = self.unknown
        otherwise = entry["else"].data() if "else" in entry else _REFUSE

        def unmapped(cell: str) -> Any:
            """Return the meaning of a cell that the map does not mention."""
            if otherwise is _REFUSE:
                raise FactsError(
                    "unmapped-cell",
                    f"the map has no word for `{printable(cell)}` in `{key}`",
                    at=Place(path=fact.path),
                    fix="add it to the map, or say `else: unknown`",
                )
            return None if otherwise == "unknown" else cell if otherwise == "as-is" else otherwise

        applies = self.condition(entry["when"], names) if "when" in entry else None
        meaning = self.meaning(fact, entry, names, unmapped)

        def read(row: Row) -> Any:
            """Read the cell."""
            cell = row[key].strip()
            if cell in unknown or (applies is not None and not applies(row)):
                return None
            value = meaning(cell, row)
            return None if value == "unknown" else value

        return read

    def meaning(
        self,
        fact: Fact,
        entry: Mapping[str, Node],
        names: tuple[str, ...] | None,
        unmapped: Callable[[str], Any],
    ) -> Callable[[str, Row], Any]:
        """Make a function of a known cell.

        It goes by a set of codes, by patterns, by a table, or by the fact's own type.
        """
        if "any_of" in entry:
            codes = {code.text("a code") for code in entry["any_of"].items("`any_of`")}
            by = entry["split"].text("`split`") if "split" in entry else None
            return lambda cell, _: bool(codes & set(cell.split(by) if by else [cell]))
        if "patterns" in entry:
            patterns = [self.pattern(item) for item in entry["patterns"].items("`patterns`")]

            def matched(cell: str, _: Row) -> Any:
                """Return the replacement of the first pattern that matches."""
                for pattern, replacement in patterns:
                    if match := pattern.fullmatch(cell):
                        return match.expand(replacement)
                return unmapped(cell)

            return matched
        if "values" in entry:
            table = _table(entry["values"])
            return lambda cell, _: table[cell] if cell in table else unmapped(cell)
        times = self.lookup(entry["times"], names) if "times" in entry else None

        def typed(cell: str, row: Row) -> Any:
            """Return the cell as a value of the fact's type."""
            value = _typed(fact, cell, 1 if times is None else times(row))
            is_fraction = fact.type == "int" and value is not None and value != int(value)
            return unmapped(cell) if is_fraction else value

        return typed

    def pattern(self, node: Node) -> tuple[re.Pattern[str], str]:
        """Read a pattern and its replacement."""
        entry = node.mapping("a pattern", ("is", "to"), ("is", "to"))
        replacement = entry["to"].text("`to`")
        try:
            pattern = re.compile(entry["is"].text("`is`"))
            re.sub(pattern, replacement, "")
        except (re.error, IndexError) as error:
            node.fail(
                "wrong-shape",
                f"the pattern is not one: {error}",
                "check its brackets, and the numbers in `to`",
            )
        return pattern, replacement

    def lookup(self, node: Node, names: tuple[str, ...] | None) -> Callable[[Row], Any]:
        """Make a function that looks up a factor. It returns None for an unknown one."""
        entry = node.mapping("`times`", ("column", "part", "values", "else"), ("values",))
        key = self.key(entry, node, names)
        table = _table(entry["values"])
        return lambda row: table.get(row[key].strip())

    def condition(self, node: Node, names: tuple[str, ...] | None) -> Callable[[Row], bool]:
        """Read a `when`: a test of another cell of the row."""
        entry = node.mapping("`when`", ("column", "part", "is"), ("is",))
        key = self.key(entry, node, names)
        allowed = {str(item.value) for item in entry["is"].items("`is`")}
        return lambda row: row[key].strip() in allowed


_REFUSE = object()


def _table(node: Node) -> dict[str, Any]:
    return {cell: value.data() for cell, value in node.mapping("`values`").items()}


def _split(text: str, parts: str | None, names: tuple[str, ...], column: str) -> dict[str, str]:
    pieces = text.split(parts) if parts else [text]
    if len(pieces) != len(names):
        raise FactsError(
            "unmapped-cell",
            f"`{printable(text)}` in `{column}` has {len(pieces)} parts, not {len(names)}",
            at=Place(path=column),
            fix="check the row, or the map's `names`",
        )
    return dict(zip(names, pieces, strict=True))


def _typed(fact: Fact, cell: str, factor: Any) -> Any:
    if factor is None:
        return None
    if fact.type == "bool":
        if cell.lower() not in ("true", "false", "1", "0"):
            raise FactsError(
                "unmapped-cell",
                f"`{printable(cell)}` is neither true nor false",
                at=Place(path=fact.path),
                fix="give the map `values`",
            )
        return cell.lower() in ("true", "1")
    if fact.type not in ("int", "decimal"):
        return cell
    try:
        number = Decimal(cell)
        if not number.is_finite() or abs(number) >= 10**12:
            raise InvalidOperation
    except InvalidOperation:
        raise FactsError(
            "unmapped-cell",
            f"`{printable(cell)}` is not a number",
            at=Place(path=fact.path),
            fix="give the map `values`, or list it under `unknown`",
        ) from None
    exact = EXACT.multiply(number, Decimal(factor))
    return exact if fact.type == "int" else exact.quantize(_DECIMALS)
