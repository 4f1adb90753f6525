"""The order in which solutions are looked for: simple cases first, since a person reads them."""

from __future__ import annotations

from collections.abc import Iterator

import z3

from rules.prove.formulas import Formulas

_FEW_RECORDS = (0, 1, 2)  # of each list, that are tried before any number


def simple_first(formulas: Formulas) -> Iterator[list[z3.BoolRef]]:
    """Yield what a simple case has besides, the simplest first. The last, empty, is any case.

    A clear case comes before one whose citations are of a known system, and that before any.
    """
    read = [
        formulas.unknowns[path] < len(candidates) - 1
        for path, candidates in formulas.citations.items()
        if candidates[-1] is None
    ]
    kinds = [formulas.clear, *([read] if read else []), []]
    for wanted in kinds:
        for most in _FEW_RECORDS if formulas.sizes else ():
            yield [*wanted, *(size <= most for size in formulas.sizes.values())]
        if wanted:
            yield wanted
    yield []
