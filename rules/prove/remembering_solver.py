"""A solver that answers from what it found before, where that is enough.

A solution settles every question that it solves. Assumptions that ruled each other out rule out
each question that has them all. Nothing is asserted later but a name for a formula, so both stay
right. Questions about one change of rules are much alike, and half of them are answered so.
"""

from __future__ import annotations

from collections.abc import Iterable

import z3

from rules.prove.solver_terms import is_true_in, truth
from rules.prove.timed_solver import TimedSolver

_MOST_REMEMBERED = 24  # solutions, and conflicts. The latest are the most like the next question.


class Solution:
    """A solution. It gives the truth of each formula, also of one that it leaves open."""

    def __init__(self, model: z3.ModelRef) -> None:
        self.model = model
        self._truth: dict[int, bool] = {}

    def is_true(self, formula: z3.BoolRef) -> bool:
        """Return whether a formula is true. Its solver keeps it alive, so that an id names it."""
        number = formula.get_id()
        if number not in self._truth:
            self._truth[number] = is_true_in(self.model, formula)
        return self._truth[number]

    def name(self, name: z3.BoolRef, formula: z3.BoolRef) -> None:
        """Let the name of a formula be as true as that."""
        self.model.update_value(name, truth(is_true_in(self.model, formula)))


class RememberingSolver:
    """Answers whether formulas have a solution in which all of some assumptions are true."""

    def __init__(self, timed: TimedSolver, formulas: Iterable[z3.BoolRef]) -> None:
        self._timed = timed
        self._solver = timed.new(formulas, settles_all=True)
        self._solutions: list[Solution] = []
        self._conflicts: list[frozenset[int]] = []
        self._kept: dict[int, z3.BoolRef] = {}

    def named(self, formula: z3.BoolRef) -> z3.BoolRef:
        """Return a name for a formula. A name is quicker to assume."""
        name = z3.FreshBool()
        self._solver.add(name == formula)
        self._keep((name, formula))
        for solution in self._solutions:
            solution.name(name, formula)
        return name

    def solve(self, *assumed: z3.BoolRef) -> Solution | None:
        """Return a solution in which all of these are true, None if there is none.

        Raises `TimeIsUp`.
        """
        answer = self._answer(assumed)
        return answer if isinstance(answer, Solution) else None

    def conflict(self, *assumed: z3.BoolRef) -> frozenset[int] | None:
        """Return the ids of some of these that rule each other out, None if a solution has all.

        Raises `TimeIsUp`.
        """
        answer = self._answer(assumed)
        return None if isinstance(answer, Solution) else answer

    def _answer(self, assumed: tuple[z3.BoolRef, ...]) -> Solution | frozenset[int]:
        self._keep(assumed)
        ids = frozenset(formula.get_id() for formula in assumed)
        for conflict in self._conflicts:
            if conflict <= ids:
                return conflict
        for solution in reversed(self._solutions):
            if all(map(solution.is_true, assumed)):
                return solution
        if self._timed.is_possible(self._solver, *assumed):
            return self._remember_solution()
        core = self._solver.unsat_core()
        self._keep(core)
        conflict = frozenset(formula.get_id() for formula in core)
        _append(self._conflicts, conflict)
        return conflict

    def _remember_solution(self) -> Solution:
        solution = Solution(self._solver.model())
        _append(self._solutions, solution)
        return solution

    def _keep(self, formulas: Iterable[z3.BoolRef]) -> None:
        """Keep formulas alive, so that an id names one formula."""
        for formula in formulas:
            self._kept.setdefault(formula.get_id(), formula)


def _append(remembered: list[Solution] | list[frozenset[int]], latest: object) -> None:
    remembered.append(latest)  # type: ignore[arg-type]  # it is of the list's own class
    if len(remembered) > _MOST_REMEMBERED:
        del remembered[0]
