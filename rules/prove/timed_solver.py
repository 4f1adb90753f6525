"""A solver with a deadline for all its questions together."""

from __future__ import annotations

import time
from collections.abc import Iterable

import z3

from rules.prove.solver_terms import assert_all


class TimeIsUp(Exception):
    """The deadline has passed."""


class TimedSolver:
    """Makes solvers and asks them until a deadline, in seconds of `time.monotonic`."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline

    def new(self, formulas: Iterable[z3.BoolRef], *, settles_all: bool = False) -> z3.Solver:
        """Return a solver for which these formulas are true.

        It is the solver that keeps what it learned between questions. The usual one starts over at
        each, and stops some of its ways by the clock, so a busy machine would get other solutions.
        With `settles_all`, a solution settles every part, which is faster for many short questions.
        """
        solver = z3.SimpleSolver()
        if settles_all:
            solver.set("relevancy", 0)
        assert_all(solver, formulas)
        return solver

    def is_possible(self, solver: z3.Solver, *assumed: z3.BoolRef) -> bool:
        """Return whether the formulas have a solution. Raises `TimeIsUp`."""
        solver.set("timeout", self.milliseconds())
        result = solver.check(*assumed)
        if result == z3.unknown:
            raise TimeIsUp
        return bool(result == z3.sat)

    def conflict(self, solver: z3.Solver, *assumed: z3.BoolRef) -> frozenset[int] | None:
        """Return the ids of assumed formulas that rule each other out, None if a solution has all.

        Raises `TimeIsUp`.
        """
        if self.is_possible(solver, *assumed):
            return None
        return frozenset(formula.get_id() for formula in solver.unsat_core())

    def milliseconds(self) -> int:
        """Return the time that is left. Raises `TimeIsUp`."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeIsUp
        return max(1, int(left * 1000))
