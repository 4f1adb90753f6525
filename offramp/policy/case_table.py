"""Cases to decide, one after the other, from a CSV table and a map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import IO, Any

from offramp.policy.case_input import CaseInput, RowKey
from offramp.policy.input_files import open_input, refuse_broken
from offramp.policy.table_map import TableMap
from rules.errors import FactsError, Place, RequestError, nearest
from rules.input.csv_text import SEPARATORS, Row, read_rows
from rules.input.printing import printable

_NAMED = 500  # columns among which a like name is looked for
_SHOWN = 12  # columns of a table that a refusal names


class CaseTable:
    """A CSV table whose rows are cases. A row that can't be read is a case that is refused.

    `more_columns` are needed beside those of the map. With `needs_rows`, an empty file is refused.
    """

    def __init__(
        self,
        mapping: TableMap,
        name: str,
        more_columns: Sequence[str] = (),
        *,
        needs_rows: bool = False,
    ) -> None:
        self.mapping = mapping
        self.name = name
        self._columns = tuple(dict.fromkeys([*mapping.columns, *more_columns]))
        self._needs_rows = needs_rows
        self.stream: IO[bytes] | None = None
        self._positions: dict[str, int] = {}
        self._width = 0

    def rows(self) -> Iterator[Row | FactsError]:
        """Yield each row below the head.

        Raises `RequestError` for a table whose head does not fit the map, and for a file that
        breaks off.
        """
        with open_input(self.name) as self.stream, refuse_broken(self.name):
            yield from self.rows_of(self.stream)

    def rows_of(self, stream: IO[bytes]) -> Iterator[Row | FactsError]:
        """Yield each row of a stream below its head."""
        mapping = self.mapping
        rows = read_rows(
            stream, separator=mapping.separator, encoding=mapping.encoding, refuses_binary=True
        )
        head = next(rows, None)
        if isinstance(head, FactsError):
            raise _unreadable_head(head)
        if head is None and self._needs_rows:
            raise no_rows()
        self.find_columns(head.cells if head is not None else [])
        yield from rows

    def find_columns(self, header: list[str]) -> Mapping[str, int]:
        """Return the position of each column that is needed. Raises `RequestError`."""
        self._positions, self._width = _find_columns(self._columns, header), len(header)
        return self._positions

    @property
    def positions(self) -> Mapping[str, int]:
        """The position of each column that is needed, once the head is read."""
        return self._positions

    @property
    def width(self) -> int:
        """The number of columns of the file, once the head is read."""
        return self._width

    def case(self, row: Row | FactsError) -> CaseInput:
        """Read the case of a row."""
        if isinstance(row, FactsError):
            return _refused(f"line {row.at.line}", row)
        return _case(self.mapping, self._positions, row, self._width)

    def fits(self, row: Row) -> bool:
        """Return whether a row has as many cells as the head."""
        return len(row.cells) == self._width

    def by_column(self, row: Row) -> dict[str, str]:
        """Return the cells of a row by the names of the columns that are needed."""
        return {column: row.cells[position] for column, position in self._positions.items()}

    def likeness(self, row: Row | FactsError) -> int:
        """Return a number that rows with equal cells share, whatever their id and their day."""
        if isinstance(row, FactsError) or len(row.cells) != self._width:
            return 0
        positions = self._positions
        return hash(tuple([row.cells[positions[name]] for name in self.mapping.other_columns]))


def read_cases(mapping: TableMap, stream: IO[bytes]) -> Iterator[CaseInput]:
    """Read one case from each row of a table."""
    table = CaseTable(mapping, "-")
    return map(table.case, table.rows_of(stream))


def no_rows() -> RequestError:
    """Return the refusal of a file without rows where rows are counted."""
    return RequestError("empty-cohort", "the file has no rows", fix="check the file")


def _find_columns(columns: Sequence[str], header: list[str]) -> dict[str, int]:
    """Return the position of each column that is needed.

    A portal writes one column as `ARREST DATE` in an export and as `arrest_date` in its API. So
    where no column has the exact name, the only one with that name in other letters counts.
    """
    for column, count in Counter(header).items():
        if column and count > 1:
            raise _duplicate(column, count)
    folded = [_folded(column) for column in header]
    positions, missing = {}, []
    for column in columns:
        if column in header:
            positions[column] = header.index(column)
            continue
        count = folded.count(_folded(column))
        if count > 1:
            raise _duplicate(column, count)
        if count:
            positions[column] = folded.index(_folded(column))
        else:
            missing.append(column)
    if missing:
        raise _missing_columns(missing, header)
    return positions


def _missing_columns(missing: list[str], header: list[str]) -> RequestError:
    names = ", ".join(f"`{printable(column)}`" for column in missing)
    guess = nearest(missing[0], tuple(Counter(header))[:_NAMED])
    return RequestError(
        "no-column",
        f"the table has no column {names}"
        if len(missing) == 1
        else f"the table has no columns {names}",
        fix=_other_separator(header)
        or (guess if len(missing) == 1 else f"check the map: the table has {_named(header)}"),
    )


def _named(header: list[str]) -> str:
    """Return the columns of a table, the first ones of many."""
    listed = ", ".join(f"`{printable(column)}`" for column in header[:_SHOWN])
    return f"{listed} and {len(header) - _SHOWN} more" if len(header) > _SHOWN else listed


def _folded(column: str) -> str:
    return column.strip().casefold().replace(" ", "_")


def _duplicate(column: str, count: int) -> RequestError:
    return RequestError(
        "duplicate-column",
        f"the table has the column `{printable(column)}` {count} times",
        fix="rename or remove all but the right one",
    )


def _other_separator(header: list[str]) -> str:
    """Return the fix for a head of one column that contains another separator, or no text."""
    if len(header) != 1:
        return ""
    mark = next((mark for mark in SEPARATORS if mark in header[0]), None)
    return "" if mark is None else f"add `separator: {'tab' if mark == chr(9) else repr(mark)}`"


def _unreadable_head(fault: FactsError) -> RequestError:
    if fault.code == "not-text":
        return RequestError("not-text", fault.message, fix=fault.fix)
    message = f"the head of the table can't be read: {fault.message}"
    if fault.code == "not-utf-8":
        return RequestError("not-utf-8", message, at=fault.at, fix=fault.fix)
    return RequestError("not-csv", message, at=fault.at, fix=fault.fix)


def _refused(case_id: str, refusal: FactsError) -> CaseInput:
    def read_facts() -> Any:
        raise refusal

    return CaseInput(case_id, read_facts)


def _case(mapping: TableMap, positions: Mapping[str, int], row: Row, width: int) -> CaseInput:
    cells, line = row.cells, row.line
    if len(cells) != width:
        position = positions[mapping.id_column]
        case_id = cells[position] if position < len(cells) else ""
        refusal = FactsError(
            "unmapped-cell",
            f"line {line} has {len(cells)} cells, and the head has {width}",
            at=Place(line=line),
            fix="check its commas and quotes",
        )
        return _refused(case_id or f"line {line}", refusal)
    by_column = {column: cells[position] for column, position in positions.items()}

    def read_facts() -> Any:
        return facts_of(mapping, by_column)

    case_id = by_column[mapping.id_column] or f"line {line}"
    return CaseInput(case_id, read_facts, _key(mapping, by_column))


def facts_of(mapping: TableMap, by_column: Mapping[str, str]) -> dict[str, Any]:
    """Return the facts of a row as a map reads them. Raises `FactsError`."""
    facts: dict[str, Any] = {}
    for groups, name, reader in mapping.places:
        value = reader(by_column)
        if value is not None:
            level = facts
            for group in groups:
                level = level.setdefault(group, {})
            level[name] = value
    return facts


def _key(mapping: TableMap, by_column: Mapping[str, str]) -> RowKey | None:
    """Return what tells the row from others. None if its day is not apart or can't be read."""
    if mapping.read_day is None:
        return None
    try:
        day = mapping.read_day(by_column)
    except FactsError:
        return None
    if day is not None and not isinstance(day, date):
        return None
    return RowKey(tuple([by_column[column] for column in mapping.other_columns]), day)
