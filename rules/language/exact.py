"""Exact numbers: the arithmetic that every engine must agree on.

A number in facts or packs has at most 12 digits before the point and 6 after it. Sums and products
of such numbers are computed without rounding.

INVARIANT: `EXACT` has more digits than any condition can produce, and raises rather than rounds.
"""

from __future__ import annotations

from decimal import Context, Inexact

from rules.input.interval import Number

EXACT = Context(prec=10_000, traps=[Inexact])


def add(left: Number, right: Number) -> Number:
    """Add two numbers exactly."""
    if isinstance(left, int) and isinstance(right, int):
        return left + right
    return EXACT.add(left, right)


def subtract(left: Number, right: Number) -> Number:
    """Subtract two numbers exactly."""
    if isinstance(left, int) and isinstance(right, int):
        return left - right
    return EXACT.subtract(left, right)


def multiply(left: Number, right: Number) -> Number:
    """Multiply two numbers exactly."""
    if isinstance(left, int) and isinstance(right, int):
        return left * right
    return EXACT.multiply(left, right)
