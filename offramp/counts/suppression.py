"""Hide small counts, and as many others as it takes that no reader can work a small one out.

The rule is that of the contract: a count from 1 to 10 is hidden, 0 is shown, and both kinds of
hidden counts look alike. A reader knows every shown count, every sum, that counts are whole, and
that a hidden count is at least 1. From all of that, each hidden count must keep at least `WIDTH`
possible values. Where one has fewer, the smallest shown count of its sums is hidden too.

**No solver is needed, and the guarantee is a witness.** A *move* changes some hidden counts by
whole numbers so that every sum still holds and no hidden count falls below its least value. Each
move leads to another set of counts that a reader can't tell from the real one. A hidden count is
protected once moves have led it to `WIDTH` different values. A search that gives up proves
nothing, so then more is hidden. Too much may be hidden, never too little.

**Several tables.** Two agencies may count the same thing, such as the offers that were accepted and
the referrals that arrived. Neither sees the other's table. Such counts are `shared`. They are
worked out first, by themselves, so that both agencies hide the same ones. The other counts of a
table are then protected without relying on a shared count that the other agency shows, and every
witness for a shared count must fit both tables. Then the witnesses fit together. Shared counts may
have levels: each police agency's own, and then their sum, which case managers and program count.

Earlier tables, such as last quarter's, are part of the same table as counts that are already
`printed`, and their hidden counts are protected again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from itertools import islice

from rules.frozen import field, frozen

LEAST = 11
WIDTH = 5
# The most steps in the search for one move.
_STEPS = 300
# The most counts that are tried one by one as what to hide besides.
_TRIED = 40
# The most steps in all such trials of one table, and in the search for one move of a trial.
_TRIAL_STEPS, _STEPS_OF_A_TRIAL = 40_000, 100

Cell = Hashable
Counts = dict[Cell, int]
# The moves that lead, one by one, from the real counts to others.
Witness = tuple[Counts, ...]


@frozen
class Balance:
    """An equation: the counts in `left` add up to those in `right`."""

    left: tuple[Cell, ...]
    right: tuple[Cell, ...]

    def cells(self) -> Iterator[tuple[Cell, int]]:
        """Yield each count with its sign."""
        yield from ((cell, 1) for cell in self.left)
        yield from ((cell, -1) for cell in self.right)


def total(whole: Cell, parts: Iterable[Cell]) -> Balance:
    """Return the equation of a total and its parts."""
    return Balance((whole,), tuple(parts))


@frozen
class Table:
    """Counts and the equations that a reader knows to hold between them.

    `unseen` counts are in equations and never shown, so they may be 0: the rest of a count of
    which another is a part. `shared` are the counts that another agency may show too, by level:
    what is hidden of a level follows from the counts of it and of those before. `printed` says of
    counts that were shown or hidden before which they were: True for shown. `last` are counts that
    are hidden besides only where nothing else helps, such as the number of rows of a group. `twins`
    are hidden together, since either tells the other: the rest of a number of rows.
    """

    counts: Mapping[Cell, int]
    balances: tuple[Balance, ...]
    unseen: frozenset[Cell] = frozenset()
    shared: tuple[frozenset[Cell], ...] = ()
    printed: Mapping[Cell, bool] = field(default_factory=dict)
    last: frozenset[Cell] = frozenset()
    twins: Mapping[Cell, Cell] = field(default_factory=dict)


@frozen
class Suppression:
    """The counts that are hidden.

    If `is_withheld`, no choice protects every count, and none of the table may be shown, not even
    zeros.
    """

    hidden: frozenset[Cell]
    is_withheld: bool = False


def suppress(
    table: Table,
    *,
    least: int = LEAST,
    width: int = WIDTH,
    also: Iterable[Cell] = (),
    tries_each: bool = False,
) -> Suppression:
    """Choose the counts to hide. `also` are hidden in any case, unless they are 0.

    With `tries_each`, the counts around one that isn't protected are tried one by one, the nearest
    first, which hides fewer of a table that no other agency shares.

    Raises `ValueError` for a table whose equations don't hold, or for a `least` below `LEAST`.
    """
    _check(table, least)
    chosen = set(also)
    hidden = {
        cell
        for cell, count in table.counts.items()
        if cell not in table.unseen
        and cell not in table.printed
        and (0 < count < least or (count > 0 and cell in chosen))
    }
    hidden |= {cell for cell, is_shown in table.printed.items() if not is_shown}
    hidden |= {table.twins[cell] for cell in hidden if table.counts.get(table.twins.get(cell), 0)}
    witnesses: tuple[Witness, ...] = ()
    finished: frozenset[Cell] = frozenset()
    levels = (*table.shared, frozenset(table.counts))
    for level in levels:
        block = _restricted(table, finished | level)
        search = _Search(block, hidden & set(block.counts), width, witnesses, still=finished)
        search.tries_each = tries_each
        if not search.protect(search.hidden):
            if tries_each:
                return suppress(table, least=least, width=width, also=chosen)
            return _withheld(table)
        hidden |= search.hidden
        if level is not levels[-1]:
            witnesses, finished = search.kept(), finished | level
    return Suppression(frozenset(hidden))


def is_protected(
    table: Table,
    hidden: Iterable[Cell],
    *,
    width: int = WIDTH,
    least_values: Mapping[Cell, int] | None = None,
) -> bool:
    """Return whether each hidden count is seen to keep `width` possible values.

    `least_values` are what a reader knows a hidden count to be at least, where it isn't 1. False
    doesn't prove that a count can be worked out.
    """
    search = _Search(table, set(hidden), width, lows=least_values)
    return all(search.is_protected(cell) for cell in sorted(search.hidden, key=repr))


def _withheld(table: Table) -> Suppression:
    shown_before = {cell for cell, is_shown in table.printed.items() if is_shown}
    return Suppression(frozenset(set(table.counts) - table.unseen - shown_before), True)


def _check(table: Table, least: int) -> None:
    if least < LEAST:
        raise ValueError(f"the least count may be raised from {LEAST}, never lowered")
    for balance in table.balances:
        if sum(sign * table.counts[cell] for cell, sign in balance.cells()):
            raise ValueError(f"the counts of {balance} don't add up")


def _restricted(table: Table, cells: frozenset[Cell]) -> Table:
    """Return some counts with the equations among them."""
    return Table(
        {cell: count for cell, count in table.counts.items() if cell in cells},
        tuple(
            balance
            for balance in table.balances
            if all(cell in cells for cell, _ in balance.cells())
        ),
        table.unseen & cells,
        printed={cell: is_shown for cell, is_shown in table.printed.items() if cell in cells},
        last=table.last & cells,
        twins={cell: twin for cell, twin in table.twins.items() if cell in cells and twin in cells},
    )


class _Search:
    """A search for moves in one table, and what it has hidden so far.

    In this table, the counts of `still` move only as one of the `witnesses` says.
    """

    def __init__(
        self,
        table: Table,
        hidden: set[Cell],
        width: int,
        witnesses: Iterable[Witness] = (),
        *,
        still: frozenset[Cell] = frozenset(),
        lows: Mapping[Cell, int] | None = None,
    ) -> None:
        self.table = table
        self.hidden = set(hidden)
        # What must be hidden, and what was tried in vain to hide it.
        self.given = frozenset(hidden)
        self.useless: set[Cell] = set()
        self.width = width
        self.witnesses = tuple(witnesses)
        self.still = still
        self.lows = lows or {}
        self.tries_each = False
        self._trial_steps = _TRIAL_STEPS
        self._steps = _STEPS
        # The moves of each witness as they fit here, until more is hidden.
        self._fits: dict[int, Witness] = {}
        # The values to which moves have led each count. A move for one count moves others too.
        self._reached: dict[Cell, set[int]] = defaultdict(set)
        self._is_trial = False
        self.order = {cell: at for at, cell in enumerate(sorted(table.counts, key=repr))}
        self.of_cell: dict[Cell, list[int]] = defaultdict(list)
        self.equations = [tuple(balance.cells()) for balance in table.balances]
        for at, equation in enumerate(self.equations):
            for cell, _ in equation:
                self.of_cell[cell].append(at)

    # Hiding

    def protect(self, cells: Iterable[Cell]) -> bool:
        """Hide more counts until each hidden one is protected. Return False if none is left.

        What is protected stays so while more is hidden: that takes no move away.
        """
        waiting = sorted(set(cells) - self.still, key=self._smallest)
        while waiting or (waiting := self._misfits()[:1]):
            cell = waiting[0]
            if cell not in self.still and self.is_protected(cell):
                waiting = waiting[1:]
                continue
            more = self._enough_alone(cell) if self.tries_each else None
            if more is None:
                more = self._next_to_hide(cell)
            if more is not None:
                hidden = self._hide(more)
                rest = waiting[1:] if cell in self.still else waiting
                waiting = sorted([*rest, *hidden], key=self._smallest)
            elif cell in self.given or cell in self.still:
                return False
            else:
                # It was hidden for others and can be worked out anyway, so it hides nothing.
                self._show(cell)
                waiting = sorted(self.hidden - self.still, key=self._smallest)
        return True

    def _show(self, cell: Cell) -> None:
        self.hidden.discard(cell)
        self.useless.add(cell)
        self._fits.clear()
        self._reached.clear()

    def _hide(self, cell: Cell) -> list[Cell]:
        """Hide a count with its twin. Return what was not hidden before."""
        twin = self.table.twins.get(cell)
        both = [cell] if twin is None or not self._can_be_hidden(twin) else [cell, twin]
        self.hidden.update(both)
        self._fits.clear()
        return both

    def _smallest(self, cell: Cell) -> tuple[int, int]:
        return self.table.counts[cell], self.order[cell]

    def _enough_alone(self, cell: Cell) -> Cell | None:
        """Return the nearest shown count that protects a count once it is hidden too.

        Of those equally near it is the smallest. Only the first `_TRIED` are tried.
        """
        candidates = [
            candidate for _, shown_cells in self._shown_around(cell) for candidate in shown_cells
        ]
        candidates.sort(key=lambda candidate: candidate in self.table.last)
        self._steps, self._is_trial = _STEPS_OF_A_TRIAL, True
        try:
            for more in islice(dict.fromkeys(candidates), _TRIED):
                if self._trial_steps <= 0:
                    return None
                hidden = self._hide(more)
                is_enough = self.is_protected(cell)
                self.hidden.difference_update(hidden)
                self._fits.clear()
                if is_enough:
                    return more
            return None
        finally:
            self._steps, self._is_trial = _STEPS, False

    def _next_to_hide(self, cell: Cell) -> Cell | None:
        """Return the smallest shown count of a count's sums, or of the next ones around it.

        A sum in which only one count is hidden gives it away, so such sums come first.
        """
        around = list(self._shown_around(cell))
        for last in (False, True):
            loose = None
            for is_lone, shown_cells in around:
                smallest = next(
                    (cell for cell in shown_cells if (cell in self.table.last) is last), None
                )
                if smallest is not None and is_lone:
                    return smallest
                if loose is None:
                    loose = smallest
            if loose is not None:
                return loose
        return None

    def _shown_around(self, cell: Cell) -> Iterator[tuple[bool, list[Cell]]]:
        """Yield the shown counts of a count's sums, the smallest first, then those further away.

        Those of sums in which only one count is hidden come first, with True.
        """
        near, seen, met = {cell}, {cell}, set[int]()
        while near:
            sums = {at for near_cell in near for at in self.of_cell[near_cell]} - met
            met |= sums
            lone = {at for at in sums if sum(1 for _ in self._free(at)) == 1}
            for chosen in (lone, sums - lone):
                hideable = {
                    neighbor
                    for at in chosen
                    for neighbor, _ in self.equations[at]
                    if self._can_be_hidden(neighbor)
                }
                if hideable:
                    yield chosen is lone, sorted(hideable, key=self._smallest)
            near = {neighbor for at in sums for neighbor in self._free(at)} - seen
            seen |= near

    def _free(self, at: int) -> Iterator[Cell]:
        """Yield the counts of an equation that a reader doesn't see."""
        for cell, _ in self.equations[at]:
            if cell in self.hidden or cell in self.table.unseen:
                yield cell

    def _can_be_hidden(self, cell: Cell) -> bool:
        return (
            cell not in self.hidden
            and cell not in self.table.unseen
            and cell not in self.still
            and cell not in self.table.printed
            and cell not in self.useless
            # A reader knows that a hidden count isn't 0.
            and self.table.counts[cell] > 0
        )

    # Protection

    def is_protected(self, cell: Cell) -> bool:
        """Return whether moves lead a hidden count to enough different values."""
        # Its witnesses come from an earlier level. `_misfits` finds those that don't fit here.
        if cell in self.still:
            return True
        values = self._reached[cell] | {self.table.counts[cell]}
        return len(values) >= self.width or self._reach(cell) is not None

    def kept(self) -> tuple[Witness, ...]:
        """Return a witness for every value that makes a hidden count protected, all from here."""
        kept = [self._fit(at) for at in range(len(self.witnesses))]
        for cell in sorted(self.hidden - self.still, key=self._smallest):
            kept += self._reach(cell) or ()
        return tuple({repr(witness): witness for witness in kept}.values())

    def _reach(self, cell: Cell) -> list[Witness] | None:
        """Return moves that lead a count to enough different values. None if they aren't found."""
        values = {self.table.counts[cell]}
        used = list(self._climbs(cell, (), values))
        for at in range(len(self.witnesses)):
            if len(values) >= self.width:
                break
            steps = self._fit(at)
            point = dict(self.table.counts)
            for number, step in enumerate(steps, 1):
                point = _moved(point, step)
                if point[cell] not in values:
                    values.add(point[cell])
                    used.append(steps[:number])
            used += self._climbs(cell, steps, values)
        return used if len(values) >= self.width else None

    def _climbs(self, cell: Cell, steps: Witness, values: set[int]) -> Iterator[Witness]:
        """Yield moves that lead a count up and down from where some steps have led.

        The values that it has on the way are added to `values`.
        """
        start = dict(self.table.counts)
        for step in steps:
            start = _moved(start, step)
        # A small count that grows fits into other tables, and one that shrinks may not.
        for by in (1, -1) if start[cell] < LEAST else (-1, 1):
            point, used, is_new = start, list(steps), False
            while len(values) < self.width:
                move = self._move(point, {cell: by})
                if move is None:
                    break
                point = _moved(point, move)
                if self.tries_each and not self._is_trial:
                    for moved in move:
                        self._reached[moved].add(point[moved])
                is_new = is_new or point[cell] not in values
                values.add(point[cell])
                used.append(move)
            if is_new:
                yield tuple(used)

    def _fit(self, at: int) -> Witness:
        """Return the moves of a witness, each with the changes that it takes in this table.

        They end where a move finds none.
        """
        if at not in self._fits:
            point, steps = dict(self.table.counts), []
            for step in self.witnesses[at]:
                move = self._move(point, step)
                if move is None:
                    break
                point = _moved(point, move)
                steps.append(move)
            self._fits[at] = tuple(steps)
        return self._fits[at]

    def _misfits(self) -> list[Cell]:
        """Return a count of each witness that doesn't fit into this table yet."""
        return [
            next(iter(witness[0]))
            for at, witness in enumerate(self.witnesses)
            if len(self._fit(at)) < len(witness)
        ]

    # Moves

    def _move(self, point: Counts, start: Counts) -> Counts | None:
        """Return the changes of a move that begins with `start`. None if none was found."""
        if any(not self._may_change(point, cell, by) for cell, by in start.items()):
            return None
        self._left = self._steps
        finished = self._complete(point, dict(start))
        if self._steps < _STEPS:
            self._trial_steps -= self._steps - self._left
        return finished

    def _may_change(self, point: Counts, cell: Cell, by: int) -> bool:
        if cell in self.table.unseen:
            return point[cell] + by >= 0
        return cell in self.hidden and point[cell] + by >= self.lows.get(cell, 1)

    def _complete(self, point: Counts, changes: Counts) -> Counts | None:
        """Add changes until every equation holds again."""
        self._left -= 1
        if self._left <= 0:
            return None
        ways = self._ways(point, changes)
        if ways is None:
            return changes
        for cell, by in ways:
            if (finished := self._complete(point, {**changes, cell: by})) is not None:
                return finished
        return None

    def _ways(self, point: Counts, changes: Counts) -> list[tuple[Cell, int]] | None:
        """Return the changes that mend the broken equation with the fewest of them.

        None if every equation holds.
        """
        fewest: list[tuple[Cell, int]] | None = None
        for at in dict.fromkeys(at for cell in changes for at in self.of_cell[cell]):
            excess = sum(sign * changes.get(cell, 0) for cell, sign in self.equations[at])
            if not excess:
                continue
            ways = [
                (cell, -excess * sign)
                for cell, sign in self.equations[at]
                if cell not in changes
                and cell not in self.still
                and self._may_change(point, cell, -excess * sign)
            ]
            if fewest is None or len(ways) < len(fewest):
                fewest = ways
            if not ways:
                break
        if fewest is None:
            return None
        return sorted(fewest, key=lambda way: self._ease(point, way[0]))

    def _ease(self, point: Counts, cell: Cell) -> tuple[int, int, int]:
        """Order counts by how little else a change of them would break."""
        return len(self.of_cell[cell]), -point[cell], self.order[cell]


def _moved(point: Counts, move: Counts) -> Counts:
    return {**point, **{cell: point[cell] + by for cell, by in move.items()}}
