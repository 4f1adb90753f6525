"""Choose which counts of a new report may be shown beside the counts that others have printed.

A reader of several reports knows how many rows each shown count has, and that rows are whole. Rows
that no count tells apart are one *atom*. So each count is a sum of atoms, a reader's knowledge is
one equation for each shown count, and a hidden count that isn't 0 is at least 1.

**A count is shown only once a witness lets it be.** At first every count of the new report is
hidden. Then they are tried one by one, in the order of their importance. One is shown if each
protected number still has `WIDTH` values in worlds that fit everything shown. Such a world is the
real one with rows moved between atoms. So nothing rests on a search that gave up: what it doesn't
find stays hidden, and if even a report without numbers is too much, it is withheld.

**Where worlds come from.** The equations of the shown counts are solved for the atoms with the
most rows. Any other atom is then free: if it gains or loses a row, the large ones make up for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from math import lcm

from offramp.counts.suppression import LEAST, WIDTH
from rules.frozen import frozen

Change = dict[int, int]  # rows that an atom gains, by its place
_DEPTH, _TRIES = 4, 120  # moves that mend a change, and the most that are tried for it
_FARTHEST = 6  # times that one move is made


@frozen
class JointCount:
    """A count that some report has: the places of its atoms, as bits, and its state.

    `was_shown` is True or False for a count of an earlier report, None for a new one. A `table`
    count is protected with its differences to others. Another one is so once it is shown.
    """

    atoms: int
    was_shown: bool | None = None
    is_in_table: bool = True


def shown_beside(
    rows: Sequence[int],
    counts: Sequence[JointCount],
    order: Iterable[int],
    *,
    few: Iterable[int] = (),
    least: int = LEAST,
    width: int = WIDTH,
) -> frozenset[int] | None:
    """Return the places of the new counts that may be shown. None if the report is withheld.

    `rows` are those of each atom, and `order` has the places of new counts, the most important
    first. No two counts have the same atoms. `few` are sums of atoms that are protected too, if
    they have fewer than `least` rows. Of an atom with so few rows, which is a count of no report,
    and of a count outside of tables, the exact number is protected.
    """
    return _Reader(rows, counts, least, width).shown(order, few)


class _Reader:
    """What a reader of all reports knows, and what they must not learn."""

    def __init__(
        self, rows: Sequence[int], counts: Sequence[JointCount], least: int, width: int
    ) -> None:
        self.rows, self.counts, self.least, self.width = rows, counts, least, width
        self.values = [self._value(item.atoms) for item in counts]
        self.of_atom: list[list[int]] = [[] for _ in rows]
        for number, item in enumerate(counts):
            for at in places(item.atoms):
                self.of_atom[at].append(number)
        self.equations = _Equations(rows)
        self.is_shown = [False] * len(counts)
        # For each protected sum of atoms, the other values it has been led to. Of each value, which
        # counts change on the way.
        self.worlds: dict[int, dict[int, list[int]]] = {}
        self._may_be_shown: dict[int, int] = {}
        self._tries_left = 0
        # How many other values a sum needs, if fewer than `width`.
        self._needed: dict[int, int] = {}

    def shown(self, order: Iterable[int], few: Iterable[int]) -> frozenset[int] | None:
        """Return the new counts that may be shown, None if nothing is protected."""
        for number, item in enumerate(self.counts):
            if item.was_shown or self.values[number] == 0:
                self._learn(number)
        protected = dict.fromkeys(self._sensitive(few))
        others = [item.atoms for item in self.counts if not item.is_in_table]
        lone = [1 << at for at in range(len(self.rows))]
        for atoms in (*others, *lone):
            if 0 < self._value(atoms) < self.least and atoms not in protected:
                self._needed[atoms] = 1
        for atoms in dict.fromkeys((*protected, *self._needed)):
            if not self._is_protected(atoms):
                self._needed[atoms] = len(self.worlds[atoms])
                if not self.worlds[atoms]:
                    if atoms in protected or atoms in others:
                        return None
                    del self.worlds[atoms]  # the earlier reports tell it, and none has it
        self._may_be_shown = {
            item.atoms: number
            for number, item in enumerate(self.counts)
            if item.was_shown is None
            and self.values[number] >= self.least
            and not self.is_shown[number]
            and item.atoms not in protected
        }
        for atoms in self._may_be_shown:
            if atoms not in self.worlds and not self._is_protected(atoms):
                del self.worlds[atoms]  # as good as told by the earlier reports, and not small
        for number in order:
            if self.counts[number].atoms in self._may_be_shown:
                self._try(number)
        return frozenset(
            number
            for number, item in enumerate(self.counts)
            if item.was_shown is None and self.is_shown[number]
        )

    def _sensitive(self, few: Iterable[int]) -> Iterator[int]:
        """Yield the sums of atoms that no reader may learn."""
        for atoms in few:
            if 0 < self._value(atoms) < self.least:
                yield atoms
        for number, item in enumerate(self.counts):
            is_few = 0 < self.values[number] < self.least
            if item.is_in_table and (item.was_shown is False or is_few):
                yield item.atoms
        listed = [
            number
            for number, item in enumerate(self.counts)
            if item.is_in_table or self.is_shown[number]
        ]
        for number in listed:
            yield from self._few_beside(number, listed)

    def _value(self, atoms: int) -> int:
        return sum(self.rows[at] for at in places(atoms))

    def _few_beside(self, number: int, others: Iterable[int]) -> Iterator[int]:
        """Yield the few rows that one count has and another lacks, for each pair with one."""
        mine, value = self.counts[number].atoms, self.values[number]
        for other in others:
            theirs, difference = self.counts[other].atoms, value - self.values[other]
            if 0 < difference < self.least and theirs & mine == theirs:
                yield mine & ~theirs
            elif 0 < -difference < self.least and theirs & mine == mine:
                yield theirs & ~mine

    def _learn(self, number: int) -> None:
        self.is_shown[number] = True
        self.equations = self.equations.with_sum(places(self.counts[number].atoms))

    def _try(self, number: int) -> None:
        """Show a count if all stays protected.

        Others of the new report that it would nearly tell are then shown with it, if they are
        large enough.
        """
        if self.is_shown[number]:
            return
        before = [*self.is_shown], self.equations, self.worlds
        waiting = [number]
        while waiting:
            shown = waiting.pop()
            self._show(shown)
            for atoms in self._sums_beside(shown):
                if atoms in self.worlds and not self._is_protected(atoms):
                    other = self._may_be_shown.get(atoms)
                    if other is None:
                        self.is_shown, self.equations, self.worlds = before
                        return
                    if other not in waiting:
                        waiting.append(other)

    def _show(self, number: int) -> None:
        """Show a count, and forget the worlds in which it is another."""
        self.worlds = {
            atoms: {
                value: kept
                for value, ways in worlds_of_sum.items()
                if (kept := [way for way in ways if not way >> number & 1])
            }
            for atoms, worlds_of_sum in self.worlds.items()
            if atoms != self.counts[number].atoms
        }
        self._learn(number)

    def _sums_beside(self, number: int) -> list[int]:
        """Return what must be protected once a count is shown."""
        sums = [*self.worlds]
        if not self.counts[number].is_in_table:
            listed = [
                other
                for other, item in enumerate(self.counts)
                if item.is_in_table or self.is_shown[other]
            ]
            few = [*self._few_beside(number, listed)]
            for atoms in few:
                self.worlds.setdefault(atoms, {})
            sums += few
        return sums

    def _is_protected(self, atoms: int) -> bool:
        worlds_of_sum = self.worlds.setdefault(atoms, {})
        others = self._needed.get(atoms, self.width - 1)
        if len(worlds_of_sum) >= others:
            return True
        for change in self._changes_of(atoms):
            self._keep(atoms, change)
            if len(worlds_of_sum) >= others:
                return True
        return False

    def _keep(self, atoms: int, change: Change) -> None:
        by = _moved(change, atoms)
        if by:
            moved: dict[int, int] = {}
            for at, rows in change.items():
                for number in self.of_atom[at]:
                    moved[number] = moved.get(number, 0) + rows
            way = sum(1 << number for number, rows in moved.items() if rows)
            self.worlds[atoms].setdefault(by, []).append(way)

    # Worlds

    def _changes_of(self, atoms: int) -> Iterator[Change]:
        """Yield changes that lead a sum to other values, and that fit all that is shown."""
        effects = self.equations.effects(atoms)
        moves = sorted(
            (self.equations.move(at) for at, effect in effects.items() if effect),
            key=lambda move: (len(move), -min(self.rows[at] for at in move)),
        )
        for move in moves[:_TRIES]:
            for sign in (1, -1):
                for times in range(1, _FARTHEST):
                    change = {at: sign * times * rows for at, rows in move.items()}
                    mended = self._mended(change)
                    if mended is None:
                        break
                    yield mended
        for sign in (1, -1):
            yield from self._climb(atoms, moves, sign)

    def _climb(self, atoms: int, moves: Sequence[Change], sign: int) -> Iterator[Change]:
        """Yield sums of moves that lead a sum of atoms further and further one way."""
        change: Change = {}
        while len(change) < len(self.rows):
            for move in moves:
                toward = sign if _moved(move, atoms) > 0 else -sign
                further = self._mended(_added(change, move, toward))
                if further is not None and sign * _moved(further, atoms) > sign * _moved(
                    change, atoms
                ):
                    change = further
                    yield change
                    break
            else:
                return

    def _mended(self, change: Change) -> Change | None:
        """Add moves to a change until no atom and no hidden count has too few rows."""
        self._tries_left = _TRIES
        return self._mended_by(change, _DEPTH)

    def _mended_by(self, change: Change, depth: int) -> Change | None:
        short = self._short(change)
        if short is None:
            return change
        if depth == 0:
            return None
        effects = self.equations.effects(short)
        for at in sorted(effects, key=lambda at: -self.rows[at]):
            self._tries_left -= 1
            if self._tries_left < 0:
                return None
            if effects[at]:
                move = self.equations.move(at)
                further = _added(change, move, 1 if effects[at] > 0 else -1)
                if further and (mended := self._mended_by(further, depth - 1)) is not None:
                    return mended
        return None

    def _fits(self, change: Change) -> bool:
        return self._short(change) is None

    def _short(self, change: Change) -> int | None:
        """Return an atom or a hidden count that a change leaves with too few rows."""
        touched: set[int] = set()
        for at, rows in change.items():
            if rows < 0:
                if self.rows[at] + rows < 0:
                    return 1 << at
                touched.update(self.of_atom[at])
        for number in touched:
            if not self.is_shown[number]:
                atoms = self.counts[number].atoms
                if self.values[number] + _moved(change, atoms) < 1:
                    return atoms
        return None


class _Equations:
    """The equations of shown sums, solved for the atoms with the most rows.

    Each atom that they are solved for has a row: how it changes with each free atom. They are never
    changed, so that a count can be shown on trial.
    """

    def __init__(
        self, rows: Sequence[int], solved: Mapping[int, Mapping[int, Fraction | int]] | None = None
    ) -> None:
        self._rows = rows
        self._solved = solved or {}
        self._moves: dict[int, Change] = {}

    def with_sum(self, atoms: Iterable[int]) -> _Equations:
        """Return these equations with one more sum that is known, or these if it follows."""
        free = self._in_free_atoms(atoms)
        if not free:
            return self
        largest = max(free, key=lambda at: (self._rows[at], -at))
        by = free.pop(largest)
        row = {at: _whole(Fraction(-value) / by) for at, value in free.items()}
        solved: dict[int, Mapping[int, Fraction | int]] = {}
        for at, old in self._solved.items():
            if largest in old:
                solved[at] = _combined(
                    {other: value for other, value in old.items() if other != largest},
                    row,
                    old[largest],
                )
            else:
                solved[at] = old
        return _Equations(self._rows, {**solved, largest: row})

    def _in_free_atoms(self, atoms: Iterable[int]) -> dict[int, Fraction | int]:
        total: dict[int, Fraction | int] = {}
        for at in atoms:
            total = _combined(total, self._solved.get(at, {at: 1}), 1)
        return total

    def effects(self, atoms: int) -> dict[int, Fraction | int]:
        """Return how a sum changes with each free atom."""
        return self._in_free_atoms(places(atoms))

    def move(self, free: int) -> Change:
        """Return a change of a free atom, with what makes up for it."""
        if free not in self._moves:
            exact = {at: row[free] for at, row in self._solved.items() if free in row}
            scale = lcm(*(Fraction(value).denominator for value in exact.values()), 1)
            self._moves[free] = {
                free: scale,
                **{at: int(value * scale) for at, value in exact.items()},
            }
        return self._moves[free]


def places(bits: int) -> list[int]:
    """Return the places of the bits that are set."""
    return [at for at, bit in enumerate(reversed(f"{bits:b}")) if bit == "1"]


def _moved(change: Mapping[int, int], atoms: int) -> int:
    """Return how many rows a sum of atoms gains."""
    return sum(rows for at, rows in change.items() if atoms >> at & 1)


def _combined(
    first: Mapping[int, Fraction | int], second: Mapping[int, Fraction | int], by: Fraction | int
) -> dict[int, Fraction | int]:
    total = dict(first)
    for at, value in second.items():
        total[at] = _whole(total.get(at, 0) + value * by)
        if not total[at]:
            del total[at]
    return total


def _added(change: Change, move: Mapping[int, int], times: int) -> Change:
    total = dict(change)
    for at, rows in move.items():
        total[at] = total.get(at, 0) + rows * times
        if not total[at]:
            del total[at]
    return total


def _whole(value: Fraction | int) -> Fraction | int:
    return int(value) if value == int(value) else value
