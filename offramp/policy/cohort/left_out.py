"""Rows of a file that can't be read: left out, and counted by column and reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from offramp.policy.table_map import TableMap
from rules.errors import FactsError
from rules.frozen import frozen
from rules.input.printing import printable

NAMED = 5  # rows of each reason that are named
WHOLE_ROW = "(the whole row)"
REPEATED = "the id was in an earlier row"
_LINE = re.compile(r"line \d+", re.ASCII)
_QUOTED = re.compile("`[^`]*`")


@frozen
class LeftOut:
    """Rows left out for one reason: how many, and the ids of the first.

    A row without an id is named by its line, such as `line 7`.
    """

    column: str
    reason: str
    rows: int
    first: tuple[str, ...]

    @property
    def is_repeated(self) -> bool:
        """True if the rows can be read, and their id was in an earlier row."""
        return self.reason == REPEATED


def named_rows(id_column: str, first: Sequence[str], rows: int) -> str:
    """Return the first of some rows: those with an id, those without one, and how many more."""
    ids = [case_id for case_id in first if not _LINE.fullmatch(case_id)]
    lines = [case_id for case_id in first if _LINE.fullmatch(case_id)]
    parts = [f"{id_column} {', '.join(ids)}"] if ids else []
    parts += [f"without an id {', '.join(lines)}"] if lines else []
    more = f" and {rows - len(first):,} more" if rows > len(first) else ""
    return f"{'; '.join(parts)}{more}"


def left_out_kinds(entries: Iterable[tuple[str, int | None]], total: int | None) -> str:
    """Return how many rows were left out for which kind of fault, empty if none was.

    `entries` have a reason with its rows. A number is None if it is hidden.
    """
    kinds: dict[str, list[int | None]] = {}
    for reason, rows in entries:
        kind = "with an id of an earlier row" if reason == REPEATED else "that can't be read"
        kinds.setdefault(kind, []).append(rows)
    numbers = [number for rows in kinds.values() for number in rows if number is not None]
    if total is None or len(numbers) < sum(map(len, kinds.values())):
        number = "a hidden number" if total is None else f"{total:,}"
        return f"{number} {' or '.join(kinds)}"
    sums = {kind: sum(number or 0 for number in rows) for kind, rows in kinds.items()}
    return " and ".join(f"{rows:,} {kind}" for kind, rows in sums.items())


class LeftOutRows:
    """The rows that were left out so far."""

    def __init__(self, mapping: TableMap) -> None:
        self._mapping = mapping
        self._ids: dict[tuple[str, str], list[str]] = {}
        self._counts: dict[tuple[str, str], int] = {}
        self.rows = 0

    def add(self, case_id: str, column: str, reason: str) -> None:
        """Count a row."""
        key = column, reason
        self.rows += 1
        self._counts[key] = self._counts.get(key, 0) + 1
        ids = self._ids.setdefault(key, [])
        if len(ids) < NAMED:
            ids.append(case_id)

    def add_fault(
        self, case_id: str, fault: FactsError, cells: Mapping[str, str] | None
    ) -> tuple[str, str]:
        """Count a row by its fault. Return the column and the reason.

        `cells` are those of its columns, None for no such row.
        """
        key = WHOLE_ROW if cells is None else self._column(cells, fault), reason_of(fault)
        self.add(case_id, *key)
        return key

    def listed(self) -> tuple[LeftOut, ...]:
        """Return the reasons, the most frequent first."""
        order = sorted(self._counts, key=lambda key: (-self._counts[key], key))
        return tuple(LeftOut(*key, self._counts[key], tuple(self._ids[key])) for key in order)

    def _column(self, cells: Mapping[str, str], fault: FactsError) -> str:
        """Return the column at fault: without its cell, the fact can be read.

        The cell that the fault quotes is tried first. Without the cell of a `when`, a record isn't
        read, so that column alone tells nothing.
        """
        for path, reader in self._mapping.readers:
            try:
                reader(cells)
            except FactsError:
                columns = sorted(
                    self._mapping.columns_of[path],
                    key=lambda column: f"`{printable(cells[column].strip())}`" not in fault.message,
                )
                return next(
                    (column for column in columns if self._can_do_without(path, column, cells)),
                    " and ".join(columns),
                )
        path = fault.at.path if fault.at is not None and fault.at.path else ""
        whole = path.partition("[")[0]
        return " and ".join(self._mapping.columns_of.get(whole, (path or WHOLE_ROW,)))

    def _can_do_without(self, path: str, column: str, cells: Mapping[str, str]) -> bool:
        reader = dict(self._mapping.readers)[path]
        try:
            reader({**cells, column: self._mapping.unknown[0] if self._mapping.unknown else ""})
        except FactsError:
            return False
        return True


def reason_of(fault: FactsError) -> str:
    """Return what is wrong, without the cell, so that equal faults are counted together."""
    return re.sub(r"^line \d+", "the row", _QUOTED.sub("the cell", fault.message, count=1))
