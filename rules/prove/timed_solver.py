"""A solver with a deadline for all its questions together."""

from __future__ import annotations

import time
from collections.abc import Iterable

import z3


class TimeIsUp(Exception):
    """The deadline has passed."""


class TimedSolver:
    """Makes solvers and asks them until a deadline, in seconds of `time.monotonic`."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline

    def new(self, formulas: Iterable[z3.BoolRef]) -> z3.Solver:
        """Return a solver for which these formulas are true."""
        solver = z3.Solver()
        solver.add(list(formulas))
        return solver

    def is_possible(self, solver: z3.Solver, *assumed: z3.BoolRef) -> bool:
        """Return whether the formulas have a solution. Raises `TimeIsUp`."""
        solver.set("timeout", self.milliseconds())
        result = solver.check(*assumed)
        if result == z3.unknown:
            raise TimeIsUp
        return bool(result == z3.sat)

    def milliseconds(self) -> int:
        """Return the time that is left. Raises `TimeIsUp`."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeIsUp
        return max(1, int(left * 1000))
