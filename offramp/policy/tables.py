"""CSV rows to facts, by a map that says which column means what, and what counts as unknown.

A map only renames and looks up: it guesses nothing, and a cell that it has no word for is an error of that row unless the map
says `else`. Unknown cells become absent facts. `docs/maps.md` has the format.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO, Any

from rules.errors import FactsError, Place, RequestError, nearest
from rules.frozen import frozen
from rules.input.facts import printable
from rules.input.vocabulary import Fact
from rules.input.yaml import Node, read_file
from rules.language.exact import EXACT
from rules.shelf import jurisdictions, vocabulary

Row = Mapping[str, str]
Reader = Callable[[Row], Any]  # a fact's value, or None while unknown

CELL = ("column", "part", "value", "values", "patterns", "else", "times", "when", "split", "any_of")
_DECIMALS = Decimal("0.000001")


@frozen
class Map:
    """A map ready to read rows. `columns` are those it needs."""

    title: str
    id_column: str
    columns: tuple[str, ...]
    readers: tuple[tuple[str, Reader], ...]


def read_map(name: str) -> Map:
    """Reads a map: a file, or the id of a shipped one."""
    path = Path(name)
    shipped = jurisdictions() / "maps" / f"{name}.yaml"
    if not path.is_file() and shipped.is_file():
        path = shipped
    return _MapReader(read_file(path, path.name)).map()


class _MapReader:
    def __init__(self, top: Node) -> None:
        self.top = top
        self.columns: dict[str, None] = {}
        self.unknown: tuple[str, ...] = ("",)

    def map(self) -> Map:
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
        return Map(entry["title"].text("`title`"), id_column, tuple(self.columns), tuple(readers))

    def records(self, fact: Fact, node: Node) -> Reader:
        entry = node.mapping(f"`{fact.path}`", ("items", "split", "item"))
        if "items" in entry:
            items = [
                self.record(fact, one)
                for one in entry["items"].items(f"the items of `{fact.path}`")
            ]
            return lambda row: [item(row) for item in items]
        node.mapping(f"`{fact.path}`", (), ("split", "item"))
        split = entry["split"].mapping(
            "`split`", ("column", "by", "parts", "names", "empty"), ("column", "by")
        )
        # Several columns are one list: what an earlier one names isn't taken again from a later one.
        named = (
            split["column"].items("`column`")
            if isinstance(split["column"].value, list)
            else [split["column"]]
        )
        columns = [self.column(one) for one in named]
        if not columns:
            split["column"].fail(
                "missing-key", "the list names no column", "name the column that it comes from"
            )
        by = split["by"].text("`by`")
        parts = split["parts"].text("`parts`") if "parts" in split else None
        names = (
            tuple(one.text("a name") for one in split["names"].items("`names`"))
            if "names" in split
            else ("entry",)
        )
        empty = split["empty"].text("`empty`") if "empty" in split else "unknown"
        if empty not in ("unknown", "none"):
            split["empty"].fail(
                "unknown-word",
                f"`{empty}` is no meaning of an empty cell",
                "write `unknown` or `none`",
            )
        item = self.record(fact, entry["item"], names)

        def read(row: Row) -> Any:
            taken: list[tuple[str, str]] = []
            for column in columns:
                cell = row[column].strip()
                if cell in self.unknown:
                    if empty == "unknown":
                        return None
                    continue
                before = {text for text, _ in taken}
                taken += [(text, column) for text in cell.split(by) if text not in before]
            return [item({**row, **_split(text, parts, names, column)}) for text, column in taken]

        return read

    def record(
        self, fact: Fact, node: Node, names: tuple[str, ...] | None = None
    ) -> Callable[[Row], dict[str, Any]]:
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
            found = {key: reader(row) for key, reader in readers}
            return {key: value for key, value in found.items() if value is not None}

        return read

    def column(self, node: Node) -> str:
        name = node.text("`column`")
        self.columns[name] = None
        return name

    def key(self, entry: Mapping[str, Node], node: Node, names: tuple[str, ...] | None) -> str:
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
        """A reader of one value. A list of entries is tried in turn: the first that isn't unknown counts."""
        if isinstance(node.value, list):
            tried = [self.cell(fact, one, names) for one in node.value]
            return lambda row: next(
                (value for reader in tried if (value := reader(row)) is not None), None
            )
        entry = node.mapping(f"`{fact.path}`", CELL)
        if "value" in entry:
            fixed = entry["value"].data()
            return lambda row: fixed
        key = self.key(entry, node, names)
        where = f"`{key}`"
        unknown = self.unknown
        otherwise = entry["else"].data() if "else" in entry else _REFUSE

        def no_word(cell: str) -> Any:
            if otherwise is _REFUSE:
                raise FactsError(
                    "unmapped-cell",
                    f"the map has no word for `{printable(cell)}` in {where}",
                    at=Place(path=fact.path),
                    fix="add it to the map, or say `else: unknown`",
                )
            return None if otherwise == "unknown" else cell if otherwise == "as-is" else otherwise

        only = self.condition(entry["when"], names) if "when" in entry else None
        meaning = self.meaning(fact, entry, names, no_word)

        def read(row: Row) -> Any:
            cell = row[key].strip()
            if cell in unknown or (only is not None and not only(row)):
                return None
            value = meaning(cell, row)
            return None if value == "unknown" else value

        return read

    def meaning(
        self,
        fact: Fact,
        entry: Mapping[str, Node],
        names: tuple[str, ...] | None,
        no_word: Callable[[str], Any],
    ) -> Callable[[str, Row], Any]:
        """What a known cell means: by a set of codes, by patterns, by a table, or as the fact's own type."""
        if "any_of" in entry:
            wanted = {one.text("a code") for one in entry["any_of"].items("`any_of`")}
            by = entry["split"].text("`split`") if "split" in entry else None
            return lambda cell, _: bool(wanted & set(cell.split(by) if by else [cell]))
        if "patterns" in entry:
            patterns = [self.pattern(one) for one in entry["patterns"].items("`patterns`")]

            def matched(cell: str, _: Row) -> Any:
                for pattern, to in patterns:
                    if found := pattern.fullmatch(cell):
                        return found.expand(to)
                return no_word(cell)

            return matched
        if "values" in entry:
            table = {word: one.data() for word, one in entry["values"].mapping("`values`").items()}
            return lambda cell, _: table[cell] if cell in table else no_word(cell)
        times = self.lookup(entry["times"], names) if "times" in entry else None

        def typed(cell: str, row: Row) -> Any:
            value = _typed(fact, cell, 1 if times is None else times(row))
            return (
                no_word(cell)
                if fact.type == "int" and value is not None and value != int(value)
                else value
            )

        return typed

    def pattern(self, node: Node) -> tuple[re.Pattern[str], str]:
        entry = node.mapping("a pattern", ("is", "to"), ("is", "to"))
        to = entry["to"].text("`to`")
        try:
            pattern = re.compile(entry["is"].text("`is`"))
            re.sub(pattern, to, "")
        except (re.error, IndexError) as error:
            node.fail(
                "wrong-shape",
                f"the pattern is not one: {error}",
                "check its brackets, and the numbers in `to`",
            )
        return pattern, to

    def lookup(self, node: Node, names: tuple[str, ...] | None) -> Callable[[Row], Any]:
        """A factor by a table; None where it isn't known."""
        entry = node.mapping("`times`", ("column", "part", "values", "else"), ("values",))
        key = self.key(entry, node, names)
        table = {word: one.data() for word, one in entry["values"].mapping("`values`").items()}
        return lambda row: table.get(row[key].strip())

    def condition(self, node: Node, names: tuple[str, ...] | None) -> Callable[[Row], bool]:
        entry = node.mapping("`when`", ("column", "part", "is"), ("is",))
        key = self.key(entry, node, names)
        allowed = {str(one.value) for one in entry["is"].items("`is`")}
        return lambda row: row[key].strip() in allowed


_REFUSE = object()


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


def rows(mapping: Map, stream: IO[bytes]) -> Iterator[tuple[Any, Callable[[], Any]]]:
    """Each row's id and a reader of its facts, which may refuse."""
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    table = csv.DictReader(text, strict=True)
    try:
        header = table.fieldnames or []
        for column in mapping.columns:
            if column not in header:
                raise RequestError(
                    "no-column",
                    f"the table has no column `{printable(column)}`",
                    fix=nearest(column, list(header)),
                )
        for row in table:
            yield _case(mapping, row, table.line_num)
    except UnicodeDecodeError:
        raise RequestError(
            "not-utf-8", "the table is not UTF-8 text", fix="save it as UTF-8"
        ) from None
    except (csv.Error, EOFError, OSError) as error:
        message = f"the table breaks off at line {table.line_num}: {error}"
        raise RequestError("not-csv", message, fix="check that line") from None


def _case(mapping: Map, row: dict[str, str], line: int) -> tuple[str, Callable[[], Any]]:
    def read() -> Any:
        if None in row or None in row.values():
            raise FactsError(
                "unmapped-cell",
                f"line {line} has more or fewer cells than the head",
                at=Place(line=line),
                fix="check its commas and quotes",
            )
        facts: dict[str, Any] = {}
        for path, reader in mapping.readers:
            value = reader(row)
            if value is not None:
                *groups, last = path.split(".")
                level = facts
                for group in groups:
                    level = level.setdefault(group, {})
                level[last] = value
        return facts

    return row.get(mapping.id_column) or f"line {line}", read
