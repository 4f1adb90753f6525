"""Tables of a cohort: how many rows of each group have each answer, with small counts hidden.

Each count is a sum over *classes* of rows. The rows of a class can have the same answers. All
tables of a report are protected together: their counts are sums of the same classes, and the
classes of the groups add up to those of all rows. A reader is taken to know these equations, and
which classes occur. So the few rows that two printed counts tell are protected like printed ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, product

from offramp.counts import (
    LEAST,
    Balance,
    CountRange,
    Estimate,
    Table,
    estimate_difference,
    estimate_rate,
    suppress,
    total,
)
from offramp.policy.cohort.answers import NOT_RUNNING, Question
from offramp.policy.cohort.possible import Decider, Outcomes, Possible
from offramp.policy.cohort.reading import Cohort, words_of
from rules.frozen import frozen

ALL = "ALL"
Count = int | None  # None is hidden
Ends = tuple[float | None, float | None]
_Group = tuple[str, str]  # what rows are grouped by, and the word. Of all rows: ("", ALL)
EVERYONE: _Group = ("", ALL)
_Classes = tuple[int, ...]  # classes by their number, in order
_KINDS = ("rule", "several", "otherwise", "given", "open")


@frozen
class RowsCell:
    """The rows of a group."""

    group: _Group


@frozen
class ClassesCell:
    """The rows of a group that are of some classes, not of all."""

    group: _Group
    classes: _Classes


Cell = RowsCell | ClassesCell


@frozen
class ShownRange:
    """How many rows have an answer: surely, and at most. A rate is for one row.

    An end of `rate` and `interval` is None if it is hidden, or if there are no rows.
    """

    surely: Count
    at_most: Count
    is_sharp: bool
    rate: Ends
    interval: Ends


@frozen
class Answers:
    """The answers of one side: rows that surely have each, rows that can have several, ranges."""

    surely: dict[str, Count]
    either: Count
    ranges: dict[str, ShownRange]


@frozen
class DecidingRows:
    """The rows that something decides for certain on one side."""

    decider: Decider
    rows: Count


@frozen
class Flip:
    """Rows whose answer changes."""

    before: str
    after: str
    range: ShownRange


@frozen
class GroupCounts:
    """The counts of one group. `by` is empty for all rows."""

    by: str
    group: str
    rows: Count
    sides: tuple[Answers, ...]
    flips: tuple[Flip, ...]


@frozen
class Difference:
    """One group's rate less another's. An end is None if a count that it needs is hidden."""

    by: str
    group: str
    less: str
    answer: tuple[str, ...]  # an outcome, or those before and after
    range: Ends
    interval: Ends


@frozen
class AnswerTable:
    """The table of one question: all rows first, then each group by its number of rows.

    Rows on days on which a program did not run are `not_running`, and in no group. `deciders` has
    for each side what decides how many of all rows, if there are two sides. `not_sharp` has why the
    answers of some rows may be fewer, each with the number of those rows.
    """

    groups: tuple[GroupCounts, ...]
    differences: tuple[Difference, ...]
    not_running: Count = 0
    deciders: tuple[tuple[DecidingRows, ...], ...] = ()
    not_sharp: tuple[tuple[str, Count], ...] = ()


@frozen
class Tables:
    """The tables of a report, one for each question. With `is_withheld`, nothing is shown.

    `is_total_shown` is False if the number of all rows would tell a small one.
    """

    tables: tuple[AnswerTable, ...]
    is_withheld: bool
    least: int
    is_total_shown: bool


def make_tables(
    cohort: Cohort[tuple[Possible, ...]],
    questions: Sequence[Question],
    by: Sequence[str],
    *,
    least: int = LEAST,
) -> Tables:
    """Count a cohort's rows, and hide small counts. Raises `ValueError` for a `least` too low."""
    tally = Tally(cohort, by)
    made = [TableMaker(tally, number, question) for number, question in enumerate(questions)]
    everyone = RowsCell(EVERYONE)
    printed = [frozenset([*member.published(), everyone]) for member in made]
    kept_longest = {cell for member in made for cell in member.kept_longest()}
    cells, table = _numbered(tally.table(printed, kept_longest, least))
    suppression = suppress(table, least=least, tries_each=True)
    hidden = frozenset(cells[number] for number in suppression.hidden)
    return Tables(
        tuple(member.table(hidden) for member in made),
        suppression.is_withheld,
        least,
        everyone not in hidden,
    )


def _numbered(table: Table) -> tuple[dict[Hashable, Hashable], Table]:
    """Return a table with numbers for cells, which the search hashes often, and their cells."""
    # All numbers have as many digits, so that their texts are in the order of the cells' texts.
    numbers: dict[Hashable, int] = {
        cell: 10**6 + number for number, cell in enumerate(sorted(table.counts, key=repr))
    }
    return (
        {number: cell for cell, number in numbers.items()},
        Table(
            {numbers[cell]: count for cell, count in table.counts.items()},
            tuple(
                Balance(
                    tuple(numbers[cell] for cell in balance.left),
                    tuple(numbers[cell] for cell in balance.right),
                )
                for balance in table.balances
            ),
            frozenset(numbers[cell] for cell in table.unseen),
            last=frozenset(numbers[cell] for cell in table.last),
            twins={numbers[cell]: numbers[twin] for cell, twin in table.twins.items()},
        ),
    )


class Tally:
    """The rows of each group by class. A class has what rows have in common for all questions."""

    def __init__(self, cohort: Cohort[tuple[Possible, ...]], by: Sequence[str]) -> None:
        self.by = by
        self.groups: list[_Group] = [EVERYONE]
        for place, name in enumerate(by):
            self.groups += [(name, group_word) for group_word in words_of(cohort, place)]
        of_cases = [tuple(map(class_of, case.answer)) for case in cohort.cases]
        self.classes = sorted(set(of_cases), key=lambda each: [item.order() for item in each])
        numbers = {member: number for number, member in enumerate(self.classes)}
        self.rows: Counter[_Group] = Counter()
        self.counts: Counter[tuple[_Group, int]] = Counter()
        for case, classes in zip(cohort.cases, of_cases, strict=True):
            for group_words, rows in case.rows.items():
                for group in [EVERYONE, *zip(by, group_words, strict=True)]:
                    self.rows[group] += rows
                    self.counts[group, numbers[classes]] += rows

    def cell(self, group: _Group, classes: _Classes) -> Cell | None:
        """Return the cell that counts the rows of some classes. None if there are no classes."""
        if not classes:
            return None
        if len(classes) == len(self.classes):
            return RowsCell(group)
        return ClassesCell(group, classes)

    def count(self, cell: Cell | None) -> int:
        """Return the number of rows that a cell counts."""
        match cell:
            case None:
                return 0
            case RowsCell(group):
                return self.rows[group]
        return sum(self.counts[cell.group, member] for member in cell.classes)

    def table(
        self, printed: Sequence[frozenset[Cell]], kept_longest: Iterable[Cell], least: int
    ) -> Table:
        """Return the counts and the equations between them. `printed` are those of each question.

        The few rows that two printed counts can tell are protected as if they were printed. Classes
        that no count of a question tells apart in a group are one part of the group. Parts as such
        may be unseen. Those of `kept_longest` are hidden for others only where nothing else helps.
        """
        last, balances = frozenset(kept_longest), list[Balance]()
        cells, shown_cells = set[Cell](map(RowsCell, self.groups)), set[Cell]()
        for of_question in printed:
            few = [cell for cell in self._apart(of_question) if 0 < self.count(cell) < least]
            shown_cells |= {*of_question, *few}
            parts = {group: self._parts(group, of_question) for group in self.groups}
            for group, member in parts.items():
                own = [self._part(group, part) for part in member]
                cells |= set(own)
                if len(own) > 1:
                    balances.append(total(RowsCell(group), own))
            balances += self._sums_of_groups(parts)
            for cell in sorted({*of_question, *few}, key=repr):
                if isinstance(cell, ClassesCell):
                    inner = [
                        self._part(cell.group, part)
                        for part in parts[cell.group]
                        if {*part} <= {*cell.classes}
                    ]
                    if len(inner) > 1:
                        balances.append(total(cell, inner))
        for rest, balance in self._between_questions(printed):
            balances.append(balance)
            cells.add(rest)
            if 0 < self.count(rest) < least:
                shown_cells.add(rest)
        cells |= shown_cells
        counts: dict[Hashable, int] = {cell: self.count(cell) for cell in cells}
        return Table(
            counts,
            tuple(dict.fromkeys(balances)),
            frozenset(cells - shown_cells),
            last=last,
            twins=self._twins(frozenset(shown_cells - last)),
        )

    def _apart(self, printed: frozenset[Cell]) -> Iterator[Cell]:
        """Yield the rows that printed counts of one question can tell.

        They are those that one count has and another lacks, such as the rows that go from one
        answer to another at most and not surely, and those that no count tells apart.
        """
        for group in self.groups:
            sets = {self._classes(cell) for cell in printed if cell.group == group}
            apart = {first - second for first in sets for second in sets}
            for classes in {*apart, *map(frozenset, self._parts(group, printed))}:
                cell = self.cell(group, tuple(sorted(classes)))
                if cell is not None:
                    yield cell

    def _between_questions(
        self, printed: Sequence[frozenset[Cell]]
    ) -> Iterator[tuple[Cell, Balance]]:
        """Yield the rows that two counts of two questions can tell, with the equation.

        Two counts tell them if the rows of one are among those of the other, if they have no row in
        common, or if each row is in one of them.
        """
        for first, second in combinations(range(len(printed)), 2):
            for left in sorted(printed[first], key=repr):
                for right in sorted(printed[second], key=repr):
                    if left.group == right.group and left != right:
                        yield from self._rest(left, right)

    def _rest(self, first: Cell, second: Cell) -> Iterator[tuple[Cell, Balance]]:
        whole, every = RowsCell(first.group), frozenset(range(len(self.classes)))
        left, right = self._classes(first), self._classes(second)
        if every in (left, right):
            return
        equations = [
            (left < right, right - left, (second,), (first,)),
            (right < left, left - right, (first,), (second,)),
            (not left & right, every - left - right, (whole,), (first, second)),
            (left | right == every, left & right, (first, second), (whole,)),
        ]
        for holds, classes, total_cells, parts in equations:
            rest = self.cell(first.group, tuple(sorted(classes)))
            if holds and rest is not None:
                yield rest, Balance(total_cells, (*parts, rest))

    def _classes(self, cell: Cell) -> frozenset[int]:
        return frozenset(
            cell.classes if isinstance(cell, ClassesCell) else range(len(self.classes))
        )

    def _twins(self, shown_cells: frozenset[Cell]) -> dict[Hashable, Hashable]:
        """Return the cells whose rows are all the others of their group, each by the other."""
        twins: dict[Hashable, Hashable] = {}
        for cell in shown_cells:
            if isinstance(cell, ClassesCell):
                every = range(len(self.classes))
                rest = tuple(number for number in every if number not in cell.classes)
                twin = ClassesCell(cell.group, rest)
                if twin in shown_cells:
                    twins[cell] = twin
        return twins

    def _sums_of_groups(self, parts: Mapping[_Group, Sequence[_Classes]]) -> Iterator[Balance]:
        """Yield what the groups add up to: those of all rows."""
        for name in self.by:
            groups = [group for group in self.groups if group[0] == name]
            for classes in _unions(parts[group] for group in [EVERYONE, *groups]):
                left, right = (
                    tuple(
                        self._part(group, part)
                        for group in of
                        for part in parts[group]
                        if {*part} <= classes
                    )
                    for of in ([EVERYONE], groups)
                )
                yield Balance(left, right)

    def _part(self, group: _Group, classes: _Classes) -> Cell:
        cell = self.cell(group, classes)
        assert cell is not None
        return cell

    def _parts(self, group: _Group, shown_cells: frozenset[Cell]) -> tuple[_Classes, ...]:
        """Return the classes, those together that no count of a group tells apart."""
        sets = sorted(
            cell.classes
            for cell in shown_cells
            if isinstance(cell, ClassesCell) and cell.group == group
        )
        by_signature: dict[tuple[bool, ...], list[int]] = {}
        for number in range(len(self.classes)):
            signature = tuple(number in classes for classes in sets)
            by_signature.setdefault(signature, []).append(number)
        return tuple(map(tuple, by_signature.values()))


def _unions(partitions: Iterable[Sequence[_Classes]]) -> list[set[int]]:
    """Return the finest sets of classes that are unions of parts in every partition."""
    sets: list[set[int]] = []
    for part in (set(part) for partition in partitions for part in partition):
        touching = [member for member in sets if member & part]
        sets = [member for member in sets if not member & part]
        sets.append(part.union(*touching))
    return sets


@frozen
class _Class:
    """What rows have in common: the answers that they can have, and what decides on each side.

    `why` says why these may be too many answers, if so.
    """

    outcomes: frozenset[Outcomes]
    deciders: tuple[Decider, ...]
    why: str

    def order(self) -> tuple[list[Outcomes], list[tuple[str, str]], str]:
        """Return a key to sort by."""
        return sorted(self.outcomes), [(item.kind, item.rule) for item in self.deciders], self.why

    @property
    def is_running(self) -> bool:
        """True if each program ran on the day."""
        return not any(NOT_RUNNING in outcomes for outcomes in self.outcomes)


def class_of(possible: Possible) -> _Class:
    return _Class(possible.outcomes, possible.deciders, possible.why)


_Range = tuple[_Classes, _Classes]  # the classes that surely have an answer, and that can have it


class TableMaker:
    """Makes the table of one question.

    With `labels`, it has the label of each count in place of the count, and -1 where no row counts.
    """

    def __init__(
        self,
        tally: Tally,
        number: int,
        question: Question,
        labels: Mapping[Hashable, int] | None = None,
    ) -> None:
        self.tally, self.number, self.question, self._labels = tally, number, question, labels
        self.classes = [member[number] for member in tally.classes]
        self.running = tuple(
            place for place, member in enumerate(self.classes) if member.is_running
        )
        self.outcomes = [side.outcomes for side in question.sides]
        self.pairs = self._pairs()
        self.deciders = self._deciders()

    def _pairs(self) -> list[Outcomes]:
        """Return the pairs of answers that differ and that some row can have."""
        if len(self.question.sides) < 2:
            return []
        reached = {outcomes for member in self.classes for outcomes in member.outcomes}
        listed = reached | self.question.occurring
        return [pair for pair in product(*self.outcomes) if pair in listed and pair[0] != pair[1]]

    def _deciders(self) -> list[list[Decider]]:
        """Return what decides some row on each side: rules in their order, then the rest."""
        if len(self.question.sides) < 2:
            return []
        running = [self.classes[place] for place in self.running]
        return [
            sorted(
                {member.deciders[number] for member in running if member.deciders},
                key=lambda decider: (_KINDS.index(decider.kind), decider.rule),
            )
            for number in range(len(self.question.sides))
        ]

    def rows_cells(self) -> Iterator[Cell]:
        """Yield the cells that have the number of rows of each group."""
        for group in self.tally.groups:
            cell = self._rows(group)
            if cell is not None:
                yield cell

    def _rows(self, group: _Group) -> Cell | None:
        return self.tally.cell(group, self.running)

    def _apart(self) -> Cell | None:
        apart = self._where(lambda member: not member.is_running, of=range(len(self.classes)))
        return self.tally.cell(EVERYONE, apart)

    def published(self) -> Iterator[Cell]:
        """Yield the cells that the table has."""
        yield from self.rows_cells()
        if (apart := self._apart()) is not None:
            yield apart
        for side, deciders in enumerate(self.deciders):
            for decider in deciders:
                cell = self._decided_by(side, decider)
                if cell is not None:
                    yield cell
        for why in self._causes():
            if (cell := self._not_sharp(why)) is not None:
                yield cell
        for group in self.tally.groups:
            for classes in self._wanted(group):
                cell = self.tally.cell(group, classes)
                if cell is not None:
                    yield cell

    def kept_longest(self) -> Iterator[Cell]:
        """Yield the numbers that a reader needs most: of rows, and of those that change."""
        yield from self.rows_cells()
        for pair in self.pairs:
            for classes in self._with_pair(pair):
                if (cell := self.tally.cell(EVERYONE, classes)) is not None:
                    yield cell

    def _causes(self) -> list[str]:
        """Return why some rows of the table aren't sharp."""
        return sorted({self.classes[place].why for place in self.running} - {""})

    def _not_sharp(self, why: str) -> Cell | None:
        classes = self._where(lambda member: member.why == why)
        return self.tally.cell(EVERYONE, classes)

    def _wanted(self, group: _Group) -> Iterator[_Classes]:
        if self._has_sides(group):
            for side, outcomes in enumerate(self.outcomes):
                yield self._open(side)
                for outcome in outcomes:
                    yield from self._with_outcome(side, outcome)
        for pair in self.pairs:
            yield from self._with_pair(pair)

    def _has_sides(self, group: _Group) -> bool:
        """Return whether a group has the answers of each side. Before and after, only all rows do.

        With those of each group beside its flips, one small count would hide most others.
        """
        is_of_groups = len(self.outcomes) == 1 and not self.question.of_all_rows
        return is_of_groups or group == EVERYONE

    def _where(self, test: Callable[[_Class], bool], of: Iterable[int] | None = None) -> _Classes:
        """Return the classes that meet a test, of those with rows on days with the programs."""
        places = self.running if of is None else of
        return tuple(place for place in places if test(self.classes[place]))

    def _decided_by(self, side: int, decider: Decider) -> Cell | None:
        classes = self._places_decided_by(side, decider)
        return self.tally.cell(EVERYONE, classes)

    def _places_decided_by(self, side: int, decider: Decider) -> _Classes:
        return self._where(
            lambda member: bool(member.deciders) and member.deciders[side] == decider
        )

    def _with_outcome(self, side: int, outcome: str) -> _Range:
        """Return the classes whose rows surely have an outcome, and those that can have it."""
        return (
            self._where(lambda member: {row[side] for row in member.outcomes} == {outcome}),
            self._where(lambda member: outcome in {row[side] for row in member.outcomes}),
        )

    def _with_pair(self, pair: Outcomes) -> _Range:
        return self._where(lambda member: member.outcomes == {pair}), self._where(
            lambda member: pair in member.outcomes
        )

    def _open(self, side: int) -> _Classes:
        return self._where(lambda member: len({row[side] for row in member.outcomes}) > 1)

    def table(self, hidden: frozenset[Hashable]) -> AnswerTable:
        """Return the table. `hidden` are the cells that aren't shown."""
        groups = tuple(self._group(group, hidden) for group in self.tally.groups)
        deciders = tuple(
            tuple(
                DecidingRows(decider, self._shown(self._decided_by(side, decider), hidden))
                for decider in deciders
            )
            for side, deciders in enumerate(self.deciders)
        )
        not_running = self._shown(self._apart(), hidden)
        not_sharp = tuple(
            (why, self._shown(self._not_sharp(why), hidden)) for why in self._causes()
        )
        differences = tuple(self._differences(hidden))
        return AnswerTable(groups, differences, not_running, deciders, not_sharp)

    def _group(self, group: _Group, hidden: frozenset[Hashable]) -> GroupCounts:
        sides = []
        for side, outcomes in enumerate(self.outcomes if self._has_sides(group) else ()):
            ranges = {
                outcome: self._range(group, self._with_outcome(side, outcome), hidden)
                for outcome in outcomes
            }
            surely = {outcome: member.surely for outcome, member in ranges.items()}
            either = self._shown(self.tally.cell(group, self._open(side)), hidden)
            sides.append(Answers(surely, either, ranges))
        flips = tuple(
            Flip(before, after, self._range(group, self._with_pair((before, after)), hidden))
            for before, after in self.pairs
        )
        rows = self._shown(self._rows(group), hidden)
        return GroupCounts(*group, rows, tuple(sides), flips)

    def _shown(self, cell: Cell | None, hidden: frozenset[Hashable]) -> Count:
        if self._labels is not None:
            return -1 if cell is None else self._labels[cell]
        return None if cell in hidden else self.tally.count(cell)

    def _range(self, group: _Group, classes: _Range, hidden: frozenset[Hashable]) -> ShownRange:
        surely, at_most = (
            self._shown(self.tally.cell(group, member), hidden) for member in classes
        )
        is_shown = self._rows(group) not in hidden
        estimate = estimate_rate(self._count(group, classes)) if is_shown else None
        is_sharp = not any(
            self.classes[member].why and self.tally.counts[group, member] for member in classes[1]
        )
        ends = surely is not None, at_most is not None
        return ShownRange(surely, at_most, is_sharp, *_ends(estimate, *ends))

    def _count(self, group: _Group, classes: _Range) -> CountRange:
        surely, at_most = (self.tally.count(self.tally.cell(group, member)) for member in classes)
        return CountRange(surely, at_most, self.tally.count(self._rows(group)))

    def _differences(self, hidden: frozenset[Hashable]) -> Iterator[Difference]:
        """Yield each group's rates less those of the largest group."""
        answers: list[tuple[Outcomes, _Range]]
        if self.question.of_all_rows:
            return
        if len(self.outcomes) == 1:
            answers = [
                ((member,), self._with_outcome(0, member)) for member in self.outcomes[0][:1]
            ]
        else:
            answers = [(pair, self._with_pair(pair)) for pair in self.pairs]
        for name in self.tally.by:
            groups = [group for group in self.tally.groups if group[0] == name]
            for group in groups[1:]:
                for answer, classes in answers:
                    yield self._difference((group, groups[0]), answer, classes, hidden)

    def _difference(
        self,
        groups: tuple[_Group, _Group],
        answer: Outcomes,
        classes: _Range,
        hidden: frozenset[Hashable],
    ) -> Difference:
        first, second = (self._count(group, classes) for group in groups)
        estimate = estimate_difference(first, second)
        if hidden.intersection(map(self._rows, groups)):
            estimate = None
        surely, at_most = (
            [self.tally.cell(group, part) not in hidden for group in groups] for part in classes
        )
        ends = _ends(estimate, surely[0] and at_most[1], at_most[0] and surely[1])
        return Difference(*groups[0], groups[1][1], answer, *ends)


def _ends(estimate: Estimate | None, low: bool, high: bool) -> tuple[Ends, Ends]:
    """Return the ends of a rate and of its interval, those that may be shown."""
    if estimate is None:
        return (None, None), (None, None)
    rate, interval = (
        (ends[0] if low else None, ends[1] if high else None)
        for ends in (estimate.range, estimate.interval)
    )
    return rate, interval
