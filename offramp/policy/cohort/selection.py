"""Which rows of a file are counted, and by which words they are put into groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from offramp.policy.table_map import Grouping, TableMap
from rules.errors import FactsError, RequestError
from rules.frozen import frozen
from rules.input.number_text import read_number_text
from rules.input.printing import printable

UNKNOWN = "unknown"
MOST_GROUPS = 50
Row = Mapping[str, str]
Test = Callable[[str], bool]


@frozen
class Filter:
    """A column, and the cells of it that are counted, as they were asked for."""

    column: str
    wanted: tuple[str, ...]
    tests: tuple[Test, ...]

    def takes(self, row: Row) -> bool:
        """Return whether the row is counted."""
        cell = row[self.column].strip()
        return any(test(cell) for test in self.tests)


def read_filters(written: Iterable[str]) -> tuple[Filter, ...]:
    """Read `COL=VALUE` or `COL=LOW..HIGH`, of which an end may be left out.

    Several for one column count rows that meet one of them. Raises `RequestError`.
    """
    by_column: dict[str, list[str]] = {}
    for text in written:
        column, mark, value = text.partition("=")
        if not mark or not column.strip():
            raise RequestError(
                "usage",
                f"`--where {printable(text)}` names no column and value",
                fix="write `COL=VALUE`, or `COL=18..` for 18 and more",
            )
        by_column.setdefault(column.strip(), []).append(value.strip())
    return tuple(
        Filter(column, tuple(values), tuple(_test(column, value) for value in values))
        for column, values in by_column.items()
    )


def _test(column: str, value: str) -> Test:
    low_text, dots, high_text = value.partition("..")
    if not dots:
        return lambda cell: cell == value
    low, high = _end(column, value, low_text), _end(column, value, high_text)
    if low is None and high is None:
        raise _bad_range(column, value)

    def is_between(cell: str) -> bool:
        number = read_number_text(cell)
        if number is None:
            return False
        return (low is None or low <= number) and (high is None or number <= high)

    return is_between


def _end(column: str, value: str, text: str) -> Decimal | None:
    if not text.strip():
        return None
    number = read_number_text(text.strip())
    if number is None:
        raise _bad_range(column, value)
    return Decimal(number)


def _bad_range(column: str, value: str) -> RequestError:
    return RequestError(
        "usage",
        f"`{printable(value)}` of `{printable(column)}` is no range of numbers",
        fix="write `18..`, `..24`, or `18..24`",
    )


def read_groupings(mapping: TableMap, names: Iterable[str]) -> dict[str, Grouping]:
    """Return how rows are put into groups: by a group of the map, or by a column as it is."""
    return {
        name: mapping.groups[name]
        if name in mapping.groups
        else Grouping((name,), _cell_reader(name, mapping.unknown))
        for name in names
    }


def _cell_reader(column: str, unknown: tuple[str, ...]) -> Callable[[Row], str | None]:
    def read(row: Row) -> str | None:
        cell = row[column].strip()
        return None if cell in unknown else cell

    return read


def group_of(grouping: Grouping, row: Row) -> str:
    """Return the word of a row's group. A cell that the map doesn't cover is unknown."""
    try:
        group = grouping.read(row)
    except FactsError:
        return UNKNOWN
    return UNKNOWN if group is None else str(group)
