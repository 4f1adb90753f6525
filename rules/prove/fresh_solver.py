"""A fresh state of the solver, so that the same question gives the same case.

The solver numbers every formula that a process makes, and its choice among several solutions
follows those numbers. A number is used again once Python frees its formula. So the cases that a
question meets depended on what the process had asked before, and on when Python last collected what
it no longer needed.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import z3

from rules.prove.solver_terms import use_context


@contextmanager
def fresh_solver() -> Iterator[None]:
    """Ask the questions of this block as a new process would.

    Formulas are freed where the block lets go of them, and not when Python collects cycles.

    INVARIANT: no formula leaves the block, and none from outside is used in it. The solver has one
    state for the whole process, so only one thread may ask at a time.
    """
    module = z3.z3
    kept, module._main_ctx = z3.main_ctx(), None
    use_context(z3.main_ctx())
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
        module._main_ctx = kept
        use_context(kept)
