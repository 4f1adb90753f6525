"""Make the reader of one fact of a map: from a row to a value, or to None while it is unknown.

A reader guesses nothing. A cell that the map does not cover is refused with `unmapped-cell`, unless
the map says `else`. What a map declares wrongly is refused when the map is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NoReturn

from offramp.policy.map_dates import DayReader, read_formats, read_iso_day
from offramp.policy.map_values import (
    NUMBERS,
    checked,
    read_cells,
    read_ends,
    read_factor,
    read_mark,
    read_table,
    read_value,
)
from rules.errors import FactsError, Place, nearest
from rules.frozen import frozen
from rules.input.interval import Interval
from rules.input.number_text import read_number_text
from rules.input.printing import printable
from rules.input.vocabulary import Fact
from rules.input.yaml import Node
from rules.language.exact import EXACT

Row = Mapping[str, str]
Reader = Callable[[Row], Any]  # returns a fact's value, None while unknown
Meaning = Callable[[str, Row], Any]

CELL = (
    "column",
    "part",
    "value",
    "values",
    "patterns",
    "else",
    "times",
    "when",
    "split",
    "any_of",
    "none_of",
    "date",
    "thousands",
    "decimal",
)
# The keys that only facts of these types can have.
_ONLY = {
    "times": NUMBERS,
    "thousands": NUMBERS,
    "decimal": NUMBERS,
    "date": ("date",),
    "any_of": ("bool",),
    "none_of": ("bool",),
}
# The keys that can't be beside the first.
_APART = {
    "value": ("values", "patterns", "else", "times", "split", "any_of", "date", "thousands"),
    "any_of": ("values", "patterns"),
    "part": ("column",),
}
_MARKS = {",": ",", ".": ".", "'": "'", " ": " "}
_MILLIONTH = Decimal("0.000001")
_LARGEST = 10**12
_REFUSED = object()
# The parts of a split cell are beside the columns in a row. No column has this sign in its name.
PART = "\0"


@frozen
class Scope:
    """The names that an entry of a map can use.

    `columns` collects the columns of the whole map. `unknown` are the cells that mean unknown.
    `parts` are the parts of a split cell, None outside of it.
    """

    columns: dict[str, None]
    unknown: tuple[str, ...]
    parts: tuple[str, ...] | None = None

    def column(self, node: Node) -> str:
        """Read the name of a column, and note that the map needs it."""
        name = node.text("`column`")
        self.columns[name] = None
        return name

    def key(self, entry: Mapping[str, Node], node: Node) -> str:
        """Read the column, or the part of a split cell, that a value comes from."""
        if "part" in entry:
            name = entry["part"].text("`part`")
            if self.parts is None or name not in self.parts:
                entry["part"].fail(
                    "unknown-word",
                    f"there is no part `{name}` here",
                    nearest(name, self.parts or ()),
                )
            return PART + name
        if "column" not in entry:
            node.fail(
                "missing-key",
                "it says neither `column` nor `value`",
                "name the column that it comes from",
            )
        return self.column(entry["column"])


def read_cell(fact: Fact, node: Node, scope: Scope) -> Reader:
    """Make a reader of one value. In a list of entries, the first known value counts."""
    if isinstance(node.value, list):
        readers = [read_cell(fact, item, scope) for item in node.value]
        return lambda row: next(
            (value for reader in readers if (value := reader(row)) is not None), None
        )
    entry = node.mapping(f"`{fact.path}`", CELL)
    _refuse_misplaced(fact, entry)
    applies = read_condition(entry["when"], scope) if "when" in entry else None
    if "value" in entry:
        fixed = read_value(fact, entry["value"])
        return lambda row: fixed if applies is None or applies(row) else None
    key = scope.key(entry, node)
    meaning = _Meanings(fact, key, entry, scope).meaning()
    unknown = scope.unknown

    def read(row: Row) -> Any:
        cell = row[key].strip()
        if cell in unknown or (applies is not None and not applies(row)):
            return None
        return meaning(cell, row)

    return read


def read_condition(node: Node, scope: Scope) -> Callable[[Row], bool]:
    """Read a `when`: a test of a cell of the row."""
    entry = node.mapping("`when`", ("column", "part", "is", "is_not"))
    if ("is" in entry) == ("is_not" in entry):
        node.fail("wrong-shape", "`when` needs `is` or `is_not`", "write one of them")
    key = scope.key(entry, node)
    if "is" in entry:
        allowed = read_cells(entry["is"], "`is`")
        return lambda row: row[key].strip() in allowed
    barred = read_cells(entry["is_not"], "`is_not`")
    return lambda row: row[key].strip() not in barred


def _refuse_misplaced(fact: Fact, entry: Mapping[str, Node]) -> None:
    for key, types in _ONLY.items():
        if key in entry and fact.type not in types:
            entry[key].fail(
                "wrong-shape",
                f"`{key}` does not fit `{fact.path}`, which is of type `{fact.type}`",
                f"leave `{key}` out",
            )
    for key, excluded_keys in _APART.items():
        for excluded in excluded_keys:
            if key in entry and excluded in entry:
                entry[excluded].fail(
                    "wrong-shape", f"`{excluded}` is beside `{key}`", "keep one of them"
                )
    for key, needed in (("split", "any_of"), ("none_of", "any_of")):
        if key in entry and needed not in entry:
            entry[key].fail("missing-key", f"`{key}` is without `{needed}`", f"add `{needed}:`")


class _Meanings:
    """Makes a function of a cell that is not unknown, for one entry of a map."""

    def __init__(self, fact: Fact, key: str, entry: Mapping[str, Node], scope: Scope) -> None:
        self.fact = fact
        self.key = key
        self.entry = entry
        self.scope = scope
        self.otherwise: Any = _REFUSED
        self.as_is = False
        if "else" in entry:
            self.as_is = entry["else"].value == "as-is"
            if self.as_is and fact.type in ("bool", "list"):
                entry["else"].fail("wrong-shape", "no cell is a value of it as it is", "write one")
            if not self.as_is:
                self.otherwise = read_value(fact, entry["else"])
        self.day: DayReader = read_formats(entry["date"]) if "date" in entry else read_iso_day
        self.thousands = self.mark("thousands") if "thousands" in entry else ""
        self.point = self.mark("decimal") if "decimal" in entry else "."
        if self.thousands == self.point:
            entry["thousands"].fail(
                "wrong-shape",
                "the mark of thousands is that of decimals",
                "name the other in `decimal`",
            )

    def mark(self, key: str) -> str:
        """Read a mark inside numbers."""
        return read_mark(self.entry[key], f"mark for `{key}`", _MARKS)

    def meaning(self) -> Meaning:
        """Go by a set of codes, by a table and patterns, or by the fact's own type."""
        if "any_of" in self.entry:
            return self.any_of()
        times = _read_times(self.entry["times"], self.scope) if "times" in self.entry else None
        look_up = self.lookup()
        if times is None:
            return lambda cell, _: look_up(cell)

        def scaled(cell: str, row: Row) -> Any:
            factor = times(row)
            return None if factor is None else self.scale(cell, look_up(cell), factor)

        return scaled

    def any_of(self) -> Meaning:
        """Return true if a code is among these, and false if all are among `none_of`."""
        true_codes = frozenset(read_cells(self.entry["any_of"], "`any_of`"))
        false_codes = frozenset(
            read_cells(self.entry["none_of"], "`none_of`") if "none_of" in self.entry else ()
        )
        by = self.entry["split"].text("`split`") if "split" in self.entry else None
        otherwise = None if self.otherwise is _REFUSED else self.otherwise

        def read(cell: str, _: Row) -> Any:
            codes = {code.strip() for code in cell.split(by)} if by else {cell}
            return True if codes & true_codes else False if codes <= false_codes else otherwise

        return read

    def lookup(self) -> Callable[[str], Any]:
        """Make a function of the cell alone."""
        if "values" not in self.entry and "patterns" not in self.entry:
            if self.fact.type == "list":
                self.entry[next(iter(self.entry))].fail(
                    "missing-key",
                    f"the list `{self.fact.path}` has no `values` and no `patterns`",
                    "write which cells mean `none`, or list its records under `items`",
                )
            return self.typed
        table = self.table()
        patterns = (
            [self.pattern(item) for item in self.entry["patterns"].items("`patterns`")]
            if "patterns" in self.entry
            else []
        )

        def read(cell: str) -> Any:
            if cell in table:
                return table[cell]
            for pattern, result in patterns:
                if match := pattern.fullmatch(cell):
                    return result(cell, match)
            return self.uncovered(cell)

        return read

    def table(self) -> dict[str, Any]:
        """Read `values`."""
        if "values" not in self.entry:
            return {}
        return read_table(self.entry["values"], lambda node: read_value(self.fact, node))

    def pattern(self, node: Node) -> tuple[re.Pattern[str], Callable[[str, re.Match[str]], Any]]:
        """Read a pattern and its result: `to` a value, or `between` two numbers."""
        entry = node.mapping("a pattern", ("is", "to", "between", "times"), ("is",))
        if ("to" in entry) == ("between" in entry):
            node.fail("missing-key", "a pattern needs `to` or `between`", "write one of them")
        try:
            pattern = re.compile(entry["is"].text("`is`"), re.ASCII)
        except (re.error, OverflowError, RecursionError) as error:
            node.fail("wrong-shape", f"the pattern is not one: {error}", "check its brackets")
        result = self.result(pattern, entry)
        if "times" not in entry:
            return pattern, result
        if self.fact.type not in NUMBERS:
            entry["times"].fail("wrong-shape", "only a number has `times`", "leave `times` out")
        factor = read_factor(entry["times"])
        if factor is None:
            return pattern, lambda cell, match: None
        return pattern, lambda cell, match: self.scale(cell, result(cell, match), factor)

    def result(
        self, pattern: re.Pattern[str], entry: Mapping[str, Node]
    ) -> Callable[[str, re.Match[str]], Any]:
        """Read what a match means."""
        if "between" in entry:
            if self.fact.type not in NUMBERS:
                entry["between"].fail("wrong-shape", "only a number has a range", "write `to`")
            low, high = (_read_end(pattern, end) for end in read_ends(entry["between"]))
            return lambda cell, match: self.between(cell, low(match), high(match))
        node = entry["to"]
        if not isinstance(node.value, str) or "\\" not in node.value:
            value = self.written(node)
            return lambda cell, match: value
        expand = _read_template(pattern, node)
        return lambda cell, match: self.typed(expand(match), cell)

    def written(self, node: Node) -> Any:
        """Read a value without a group. In quotes, `to: '4.5'` is a number too."""
        if node.quoted and self.fact.type in ("bool", *NUMBERS) and node.value != "unknown":
            try:
                return checked(self.fact, node, self.typed(node.text("`to`")))
            except FactsError as error:
                node.fail("wrong-shape", error.message, "write a value of the fact")
        return read_value(self.fact, node)

    def between(self, cell: str, low: str | None, high: str | None) -> Any:
        """Return the range between two numbers in a cell."""
        first = None if low is None else self.typed(low, cell)
        last = None if high is None else self.typed(high, cell)
        if first is not None and last is not None and first > last:
            self.refuse(f"`{printable(cell)}` ends before it begins")
        return first if first is not None and first == last else Interval(first, last)

    def typed(self, text: str, cell: str | None = None) -> Any:
        """Return a text as a value of the fact's type. The cell is the text, or contains it."""
        cell = text if cell is None else cell
        match self.fact.type:
            case "bool":
                return self.truth(text, cell)
            case "int" | "decimal":
                return self.number(text, cell)
            case "date":
                return self.day_of(text, cell)
        return text

    def truth(self, text: str, cell: str) -> bool:
        """Return true or false."""
        if text.lower() not in ("true", "false", "1", "0"):
            self.refuse(f"`{printable(cell)}` is neither true nor false", "give the map `values`")
        return text.lower() in ("true", "1")

    def number(self, text: str, cell: str) -> Any:
        """Return an exact number, rounded to a millionth."""
        number = read_number_text(text, thousands=self.thousands, point=self.point)
        if number is None or not -_LARGEST < number < _LARGEST:
            self.refuse(
                f"`{printable(cell)}` is not a number",
                "give the map `values`, or list it under `unknown`",
            )
        return self.rounded(cell, Decimal(number))

    def day_of(self, text: str, cell: str) -> Any:
        """Return the day of a text in one of the formats."""
        try:
            day = self.day(text)
        except ValueError:
            self.refuse(f"`{printable(cell)}` is no day", "check the calendar", code="no-such-day")
        if day is None:
            if "date" in self.entry:
                fix = "check the calendar, or add its format to `date`"
            else:
                fix = "give the map the format, such as `date: MM/DD/YYYY`"
            self.refuse(f"`{printable(cell)}` is no day in a format that the map names", fix)
        return day

    def scale(self, cell: str, value: Any, factor: Decimal) -> Any:
        """Multiply a number, or both ends of a range."""
        if value is None:
            return None
        if isinstance(value, Interval):
            ends = (self.scale(cell, value.low, factor), self.scale(cell, value.high, factor))
            return Interval(*ends)
        product = EXACT.multiply(Decimal(value), factor)
        if abs(product) >= _LARGEST:
            self.refuse(f"`{printable(cell)}` is too large in this unit", "check the row")
        return self.rounded(cell, product)

    def rounded(self, cell: str, number: Decimal) -> Any:
        """Round to a millionth. A whole fact has no fraction."""
        if self.fact.type == "decimal":
            return number.quantize(_MILLIONTH)
        if number != number.to_integral_value():
            return self.uncovered(cell, as_is=False)
        return int(number)

    def uncovered(self, cell: str, *, as_is: bool = True) -> Any:
        """Return what the map says of every other cell, or refuse the cell."""
        if self.as_is and as_is:
            return self.typed(cell)
        if self.otherwise is _REFUSED:
            name = self.key.removeprefix(PART)
            self.refuse(
                f"the map has no word for `{printable(cell)}` in `{name}`",
                "add it to the map, or say `else: unknown`",
            )
        return self.otherwise

    def refuse(
        self, message: str, fix: str = "check the row", *, code: str = "unmapped-cell"
    ) -> NoReturn:
        """Refuse the cell."""
        raise FactsError(code, message, at=Place(path=self.fact.path), fix=fix)


def _read_times(node: Node, scope: Scope) -> Callable[[Row], Decimal | None]:
    """Make a function that looks up a factor. It returns None for an unknown one."""
    if isinstance(node.value, str):
        fixed = read_factor(node)
        return lambda row: fixed
    entry = node.mapping("`times`", ("column", "part", "values", "else"), ("values",))
    key = scope.key(entry, node)
    table: dict[str, Decimal | None] = read_table(entry["values"], read_factor)
    otherwise = read_factor(entry["else"]) if "else" in entry else None
    unknown = scope.unknown

    def read(row: Row) -> Decimal | None:
        cell = row[key].strip()
        return table.get(cell, None if cell in unknown else otherwise)

    return read


def _read_end(pattern: re.Pattern[str], node: Node) -> Callable[[re.Match[str]], str | None]:
    """Read an end of a range: a number, a group of the pattern, or null for no end."""
    if isinstance(node.value, str) and node.data() is None:
        return lambda match: None
    text = node.text("an end of `between`")
    if "\\" not in text:
        if read_number_text(text) is None:
            node.fail("wrong-shape", f"`{text}` is not a number", "write a number, or `null`")
        return lambda match: text
    return _read_template(pattern, node)


def _read_template(pattern: re.Pattern[str], node: Node) -> Callable[[re.Match[str]], str]:
    """Read a text with groups of a pattern, such as `\\1`."""
    template = node.text("`to`")
    try:
        re.sub(pattern, template, "")
        # An empty text matches.
        re.compile(f"(?:{pattern.pattern})?", re.ASCII).fullmatch("").expand(template)  # type: ignore[union-attr]  # the pattern matches the empty text
    except (re.error, IndexError, ValueError) as error:
        node.fail(
            "wrong-shape",
            f"`{template}` names no groups of the pattern: {error}",
            "check the numbers in it, and the brackets in `is`",
        )
    return lambda match: match.expand(template)
