"""An attacker on published counts: an exact solver with everything that a reader knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

import highspy

from offramp.counts import Balance


class Ends(NamedTuple):
    """The least and the greatest value that a hidden count can have."""

    low: float
    high: float

    @property
    def count(self) -> float:
        """How many whole numbers lie between them, both included."""
        return self.high - self.low + 1


def possible_values(
    cells: Iterable[Hashable],
    shown: Mapping[Hashable, int],
    balances: Iterable[Balance],
    *,
    least: Mapping[Hashable, int],
    enough: float = float("inf"),
) -> dict[Hashable, Ends]:
    """Return the range of every count that isn't shown, from all the others.

    A count is whole, and at least 0 or what `least` says. A count that has `enough` values in
    solutions seen so far isn't narrowed further: its true range is at least as wide. Raises
    `AssertionError` if nothing fits.
    """
    equations = []
    for balance in balances:
        weights: Counter[Hashable] = Counter()
        known = 0
        for cell, sign in balance.cells():
            if cell in shown:
                known += sign * shown[cell]
            else:
                weights[cell] += sign
        assert weights or not known, balance
        equations.append((weights, -known))
    hidden = [cell for cell in cells if cell not in shown]
    found: dict[Hashable, Ends] = {}
    for group in _connected(hidden, [weights for weights, _ in equations]):
        mine = [(weights, end) for weights, end in equations if weights.keys() & group.keys()]
        found |= _solve(tuple(group), mine, least, enough)
    return found


def _connected(
    cells: Iterable[Hashable], equations: Iterable[Iterable[Hashable]]
) -> list[dict[Hashable, None]]:
    """Return the counts in groups that no equation joins."""
    group_of = {cell: {cell: None} for cell in cells}
    for equation in equations:
        joined: dict[Hashable, None] = {}
        for cell in equation:
            joined |= group_of[cell]
        for cell in joined:
            group_of[cell] = joined
    return list({id(group): group for group in group_of.values()}.values())


def _solve(
    cells: tuple[Hashable, ...],
    equations: Iterable[tuple[Mapping[Hashable, int], int]],
    least: Mapping[Hashable, int],
    enough: float,
) -> dict[Hashable, Ends]:
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    columns = {cell: at for at, cell in enumerate(cells)}
    for cell, at in columns.items():
        model.addVar(float(least.get(cell, 0)), highspy.kHighsInf)
        model.changeColIntegrality(at, highspy.HighsVarType.kInteger)
    for weights, end in equations:
        names = [columns[cell] for cell in weights]
        model.addRow(end, end, len(names), names, [*map(float, weights.values())])
    seen = _Seen(len(cells))
    if enough < float("inf"):
        # Two solutions at once show that most counts have enough values.
        for sense in (1.0, -1.0):
            _end(model, range(len(cells)), sense, seen)
    return {cell: _ends(model, at, seen, enough) for cell, at in columns.items()}


def _ends(model: highspy.Highs, column: int, seen: _Seen, enough: float) -> Ends:
    ends = []
    for sense in (1.0, -1.0):
        if (so_far := seen.ends(column)).count >= enough:
            return so_far
        ends.append(_end(model, [column], sense, seen))
    return Ends(*ends)


class _Seen:
    """The least and the greatest value of each count in the solutions so far."""

    def __init__(self, size: int) -> None:
        self.low, self.high = [float("inf")] * size, [float("-inf")] * size

    def add(self, values: Iterable[float]) -> None:
        """Take a solution."""
        for column, value in enumerate(values):
            self.low[column] = min(self.low[column], round(value))
            self.high[column] = max(self.high[column], round(value))

    def ends(self, column: int) -> Ends:
        """Return the ends of one count. Before any solution it has no values."""
        return Ends(self.low[column], self.high[column])


def _end(model: highspy.Highs, columns: Sequence[int], sense: float, seen: _Seen) -> float:
    """Return the least value of the counts' sum, or with `sense` -1 the greatest."""
    for column in columns:
        model.changeColCost(column, sense)
    model.run()
    status = model.getModelStatus()
    for column in columns:
        model.changeColCost(column, 0.0)
    if status in (
        highspy.HighsModelStatus.kUnbounded,
        highspy.HighsModelStatus.kUnboundedOrInfeasible,
    ):
        return sense * float("-inf")
    assert status == highspy.HighsModelStatus.kOptimal, status
    values = model.getSolution().col_value
    seen.add(values)
    return float(round(sum(values[column] for column in columns)))
