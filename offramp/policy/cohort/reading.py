"""Read a file through a map into distinct cases, with how many rows of each group have each.

Rows with the same cells are one case, so that each is answered once. A row that can't be read is
left out and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Generic, TypeVar

from offramp.policy.case_table import CaseTable, facts_of, no_rows
from offramp.policy.cohort.left_out import REPEATED, LeftOut, LeftOutRows
from offramp.policy.cohort.missing_facts import Missing
from offramp.policy.cohort.selection import (
    MOST_GROUPS,
    Filter,
    group_of,
    read_groupings,
)
from offramp.policy.cohort.unlisted_codes import Codes, UnlistedCodes
from offramp.policy.table_map import TableMap
from rules.errors import FactsError, RequestError
from rules.frozen import frozen
from rules.input.csv_text import Row
from rules.input.printing import printable

T = TypeVar("T")
DEFAULT_SHARE = 10  # percent of the rows that may be left out
Groups = tuple[str, ...]  # a row's words, one for each way of grouping
# A row as it was taken: its case and groups, the column and reason for which it is left out, or
# None if no filter takes it.
Taken = tuple["Case[Any]", Groups] | tuple[str, str] | None


class Case(Generic[T]):
    """A distinct case: its answer, and how many rows of each group have it."""

    def __init__(self, answer: T, codes: Codes = (), missing: Sequence[Missing] = ()) -> None:
        self.answer = answer
        self.codes = codes
        self.missing = missing
        self.rows: Counter[Groups] = Counter()


@frozen
class Cohort(Generic[T]):
    """A file as it was read.

    `rows` are all rows of the file, `selected` those that the filters take, and `left_out` those of
    the selected that can't be read.
    """

    rows: int
    selected: int
    left_out: tuple[LeftOut, ...]
    cases: tuple[Case[T], ...]

    @property
    def counted(self) -> int:
        """The rows that the tables count."""
        return self.selected - sum(item.rows for item in self.left_out)


class CohortReader(Generic[T]):
    """Reads a file. `answer` makes an answer of the facts of a case, or raises `FactsError`.

    With `asks_missing` it is also given a list, for the facts that leave an answer open.
    `day_matters` returns what of a row's day can change its answer. `codes` finds the codes that
    offense tables lack.
    """

    def __init__(
        self,
        mapping: TableMap,
        name: str,
        answer: Callable[..., T],
        *,
        by: Sequence[str] = (),
        where: Sequence[Filter] = (),
        day_matters: Callable[[date | None], Hashable] = lambda day: day,
        codes: UnlistedCodes | None = None,
        asks_missing: bool = False,
    ) -> None:
        self.mapping = mapping
        self.codes = codes
        self.asks_missing = asks_missing
        self._answer = answer
        self.where = where
        self.groupings = read_groupings(mapping, by)
        self._day_matters = day_matters
        columns = [column for item in self.groupings.values() for column in item.columns]
        columns += [item.column for item in where]
        self.table = CaseTable(mapping, name, columns, needs_rows=True)
        self._read_columns = tuple(
            dict.fromkeys(column for item in mapping.columns_of.values() for column in item)
        )
        self.restart()

    def restart(self) -> None:
        """Forget the rows that were read."""
        self._left_out = LeftOutRows(self.mapping)
        self._cases: dict[Hashable, Case[T] | FactsError] = {}
        self._words: list[set[str]] = [set() for _ in self.groupings]
        self.rows = 0
        self._unlisted: list[tuple[Codes, int]] = []
        self._missing: list[tuple[Sequence[Missing], int]] = []
        self.taken: list[Taken] | None = None

    def keep_rows(self) -> None:
        """Keep how each row is taken in `taken`, in the order of the file."""
        self.taken = []

    def read(
        self,
        *,
        allowed: float = DEFAULT_SHARE,
        strict: bool = False,
        rows: Iterable[Row | FactsError] | None = None,
    ) -> Cohort[T]:
        """Read the whole file. `rows` are those of the table, so that progress can be shown.

        Raises `RequestError` for a file without rows, and if over `allowed` percent of the selected
        rows are left out, with `strict` if any is.
        """
        selected = 0
        seen: set[str] = set()
        for row in self.table.rows() if rows is None else rows:
            self.rows += 1
            cells = self._cells(row)
            if cells is not None and not all(item.takes(cells) for item in self.where):
                self.skip_row()
                continue
            selected += 1
            case = self.table.case(row)
            if cells is None:
                self._add_fault(case.id, case.read_facts, None)
                continue
            given_id = cells[self.mapping.id_column]
            if given_id and given_id in seen:
                self.add_repeated(str(case.id))
                continue
            seen.add(given_id)
            self._count(case.id, case.key, case.read_facts, cells)
        return self.finished(selected, allowed=allowed, strict=strict)

    def finished(self, selected: int, *, allowed: float, strict: bool) -> Cohort[T]:
        """Return what was read. Raises `RequestError` as `read` does."""
        if not self.rows:
            raise no_rows()
        if not selected:
            raise RequestError(
                "empty-cohort", "no row of the file is selected", fix="check each `--where`"
            )
        self._refuse_too_much(selected, allowed, strict)
        cases = tuple(case for case in self._cases.values() if isinstance(case, Case))
        return Cohort(self.rows, selected, self._left_out.listed(), cases)

    # Rows that were read elsewhere

    def skip_row(self) -> None:
        """Pass over a row that no filter takes."""
        self._keep(None)

    def add_repeated(self, case_id: str) -> None:
        """Leave out a row whose id was in an earlier row."""
        self._left_out.add(case_id, self.mapping.id_column, REPEATED)
        self._keep((self.mapping.id_column, REPEATED))

    def add_row(self, case_id: str, cells: dict[str, str]) -> None:
        """Count a row, or leave it out."""
        self._count(case_id, None, lambda: facts_of(self.mapping, cells), cells)

    def add_counts(self, answer: T, groups: Groups, rows: int) -> None:
        """Count rows of one group that have an answer."""
        case = self._cases.setdefault(("answer", answer), Case(answer))
        assert isinstance(case, Case)
        if groups not in case.rows:
            self._note_words(groups)
        case.rows[groups] += rows

    def add_unlisted(self, codes: Codes, rows: int) -> None:
        """Note the codes of rows that tables lack."""
        self._unlisted.append((codes, rows))

    def unlisted(self) -> Iterator[tuple[Codes, int]]:
        """Yield the codes that tables lack, with the rows that have them together."""
        yield from self._unlisted
        for case in self._cases.values():
            if isinstance(case, Case) and case.codes:
                yield case.codes, sum(case.rows.values())

    def add_missing(self, missing: Sequence[Missing], rows: int) -> None:
        """Note the facts that leave the answers of rows open."""
        self._missing.append((missing, rows))

    def missing(self) -> Iterator[tuple[Sequence[Missing], int]]:
        """Yield the facts that leave answers open, with the rows that lack them together."""
        yield from self._missing
        for case in self._cases.values():
            if isinstance(case, Case) and any(case.missing):
                yield case.missing, sum(case.rows.values())

    def _cells(self, row: Row | FactsError) -> dict[str, str] | None:
        if isinstance(row, FactsError) or not self.table.fits(row):
            return None
        return self.table.by_column(row)

    def _add_fault(
        self, case_id: Any, read_facts: Callable[[], Any], cells: Mapping[str, str] | None
    ) -> None:
        try:
            read_facts()
        except FactsError as fault:
            self._keep(self._left_out.add_fault(str(case_id), fault, cells))

    def _keep(self, row: Taken) -> None:
        if self.taken is not None:
            self.taken.append(row)

    def _count(
        self, case_id: Any, row_key: Any, read_facts: Callable[[], Any], cells: dict[str, str]
    ) -> None:
        key: Hashable
        if row_key is None:
            key = tuple([cells[column] for column in self._read_columns])
        else:
            key = row_key.cells, self._day_matters(row_key.day)
        case = self._cases.get(key)
        if case is None:
            try:
                facts = read_facts()
                codes = self.codes.of(facts) if self.codes is not None else ()
                missing: list[Missing] = []
                asked = [missing] if self.asks_missing else []
                case = Case(self._answer(facts, *asked), codes, missing)
            except FactsError as fault:
                case = fault
            self._cases[key] = case
        if isinstance(case, FactsError):
            self._keep(self._left_out.add_fault(str(case_id), case, cells))
            return
        groups = tuple([group_of(item, cells) for item in self.groupings.values()])
        if groups not in case.rows:
            self._note_words(groups)
        case.rows[groups] += 1
        self._keep((case, groups))

    def _note_words(self, groups: Groups) -> None:
        for name, words_of_column, group_word in zip(
            self.groupings, self._words, groups, strict=True
        ):
            words_of_column.add(group_word)
            if len(words_of_column) > MOST_GROUPS:
                raise RequestError(
                    "too-many-groups",
                    f"`{printable(name)}` has over {MOST_GROUPS} values",
                    fix="count by a column with fewer, or by a group that the map declares",
                )

    def _refuse_too_much(self, selected: int, allowed: float, strict: bool) -> None:
        left_out = self._left_out.rows
        if not left_out or (not strict and left_out * 100 <= allowed * selected):
            return
        listed = self._left_out.listed()
        first = listed[0]
        ids = ", ".join(f"`{printable(item)}`" for item in first.first)
        fault = "are left out" if any(item.is_repeated for item in listed) else "can't be read"
        most = (
            f"of {selected:,} rows, {left_out:,} {fault}, {first.rows:,} of them for "
            f"`{printable(first.column)}`: {first.reason} (rows {ids})"
        )
        if left_out > first.rows:
            most += f"; {left_out - first.rows:,} for other reasons"
        fix = "fix the file or the map"
        if not strict:
            fix += f", or allow more than {allowed:g} % with `--allow-left-out`"
        raise RequestError("too-much-left-out", most, fix=fix)


def words_of(cohort: Cohort[Any], place: int) -> tuple[str, ...]:
    """Return the groups' words of one way of grouping, those with the most rows first."""
    counts: Counter[str] = Counter()
    for case in cohort.cases:
        for groups, rows in case.rows.items():
            counts[groups[place]] += rows
    return tuple(sorted(counts, key=lambda group_word: (-counts[group_word], group_word)))
