"""The rows of one file by all counts of several reports, so that they can be protected together.

Each report has its own filter, groups, and questions. For each row of the file, `CountsOfReport`
names the counts of one report that the row is in. A row that its filter doesn't take is in the
number of rows of the file alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

from offramp.policy.cohort import missing_facts, unlisted_codes
from offramp.policy.cohort.possible import Possible
from offramp.policy.cohort.reading import Case, Cohort, Groups, Taken
from offramp.policy.cohort.report import LEFT_OUT, OF_FILE, SELECTED, Asked
from offramp.policy.cohort.table import (
    EVERYONE,
    Cell,
    ClassesCell,
    RowsCell,
    TableMaker,
    Tally,
    class_of,
)
from rules.frozen import frozen

# Numbers of codes and facts, with the place of their question behind the kind.
UNLISTED, LACKING = "unlisted", "lacking"
Name = Hashable  # of a count in one report: a cell of its tables, or a number beside them


class CountsOfReport:
    """The counts of one report, and for each row those that it is in."""

    def __init__(self, asked: Asked, cohort: Cohort[tuple[Possible, ...]]) -> None:
        self.asked, self.cohort = asked, cohort
        self.tally = Tally(cohort, asked.source.by)
        self.makers = [
            TableMaker(self.tally, number, question)
            for number, question in enumerate(asked.questions)
        ]
        everyone = RowsCell(EVERYONE)
        self.cells: tuple[Cell, ...] = tuple(
            dict.fromkeys(
                [everyone, *(cell for maker in self.makers for cell in maker.published())]
            )
        )
        self._classes = {member: number for number, member in enumerate(self.tally.classes)}
        self._of_group: dict[Hashable, list[tuple[frozenset[int] | None, Cell]]] = {}
        for cell in self.cells:
            inner = frozenset(cell.classes) if isinstance(cell, ClassesCell) else None
            self._of_group.setdefault(cell.group, []).append((inner, cell))
        self._named = self._most_frequent()

    def most_important(self) -> list[Name]:
        """Return the names of all counts, those that a reader needs most first."""
        longest = {cell for maker in self.makers for cell in maker.kept_longest()}
        first = [RowsCell(EVERYONE), *(cell for cell in self.cells if cell in longest)]
        by_rows = sorted(self.cells, key=lambda cell: (-self.tally.count(cell), repr(cell)))
        reasons = [(*LEFT_OUT, item.column, item.reason) for item in self.cohort.left_out]
        beside = [OF_FILE, SELECTED, LEFT_OUT, *reasons, *self._named]
        return [*dict.fromkeys([*first, *by_rows, *beside])]

    def of_row(self, row: Taken) -> Iterator[Name]:
        """Yield the counts that a row is in."""
        yield OF_FILE
        if row is None:
            return
        yield SELECTED
        first, second = row
        if not isinstance(first, Case):
            yield LEFT_OUT
            yield (*LEFT_OUT, first, second)
            return
        assert not isinstance(second, str)
        yield from self._cells_of(first, second)
        yield from (name for name in _beside_tables(first) if name in self._named)

    def path_of(self, place: int, shown: str) -> str:
        """Return the path of a fact as JSON shows it, without `[]`. Raises `KeyError`."""
        paths: dict[str, str] = {
            name[2].replace("[]", ""): name[2]
            for name in self._named
            if isinstance(name, tuple) and _is_of(name, LACKING, place, 3)
        }
        return paths[shown]

    def _cells_of(self, case: Case[Any], words: Groups) -> Iterator[Cell]:
        number = self._classes[tuple(map(class_of, case.answer))]
        for group in [EVERYONE, *zip(self.asked.source.by, words, strict=True)]:
            for inner, cell in self._of_group.get(group, ()):
                if inner is None or number in inner:
                    yield cell

    def _most_frequent(self) -> dict[Name, None]:
        """Return the codes and facts that a report can name with a number."""
        rows: Counter[Name] = Counter()
        for case in self.cohort.cases:
            rows.update(dict.fromkeys(_beside_tables(case), sum(case.rows.values())))
        named: dict[Name, None] = {}
        for place in range(len(self.asked.questions)):
            for (kind, size), most in _MOST.items():
                own = [name for name in rows if _is_of(name, kind, place, size)]
                own.sort(key=lambda name: (-rows[name], repr(name)))
                of_fact: Counter[Name] = Counter()
                for name in own:
                    assert isinstance(name, tuple)
                    of_fact[name[:-1]] += 1
                    if of_fact[name[:-1]] <= most:
                        named[name] = None
        return named


# How many a report names: of a kind, with so many words in the name.
_MOST = {
    (UNLISTED, 2): 1,
    (UNLISTED, 3): unlisted_codes.SHOWN,
    (LACKING, 3): missing_facts.SHOWN,
    (LACKING, 4): missing_facts.SHOWN_CODES,
}


def _is_of(name: Name, kind: str, place: int, size: int) -> bool:
    return isinstance(name, tuple) and len(name) == size and name[:2] == (kind, place)


def _beside_tables(case: Case[Any]) -> Iterator[Name]:
    for place, codes in enumerate(case.codes):
        if codes:
            yield UNLISTED, place
        yield from ((UNLISTED, place, code) for code in codes)
    for place, missing in enumerate(case.missing):
        yield from ((LACKING, place, path) for path, _ in missing)
        yield from ((LACKING, place, path, code) for path, code in missing if code)


@frozen
class JointRows:
    """The rows of a file in atoms. `atoms` has, as bits, the places of those of each count."""

    rows: tuple[int, ...]
    atoms: dict[tuple[int, Name], int]


def joint_rows(reports: Sequence[CountsOfReport]) -> JointRows:
    """Return the atoms of all counts of some reports, each named by its report's place."""
    rows_of = [_rows_of(report) for report in reports]
    by_names: Counter[frozenset[tuple[int, Name]]] = Counter()
    names_of: dict[tuple[int, Taken], tuple[tuple[int, Name], ...]] = {}
    for row, number in Counter(zip(*rows_of, strict=True)).items():
        own: list[tuple[int, Name]] = []
        for place, (report, part) in enumerate(zip(reports, row, strict=True)):
            if (place, part) not in names_of:
                names_of[place, part] = tuple((place, name) for name in report.of_row(part))
            own += names_of[place, part]
        by_names[frozenset(own)] += number
    atoms: dict[tuple[int, Name], int] = {}
    in_order = sorted(by_names, key=lambda names: (-by_names[names], sorted(map(repr, names))))
    for at, of_atom in enumerate(in_order):
        for name in of_atom:
            atoms[name] = atoms.get(name, 0) | 1 << at
    return JointRows(tuple(by_names[names] for names in in_order), atoms)


def _rows_of(report: CountsOfReport) -> Iterable[Taken]:
    rows = report.asked.reader.taken
    assert rows is not None, "the rows are kept"
    return rows
