"""Exact numbers and intervals: the arithmetic that every engine must agree on.

A number in facts or packs has at most 12 digits before the point and 6 after it. Sums and products
of such numbers are computed without rounding.

INVARIANT: `EXACT` has more digits than any condition can produce, and raises rather than rounds.
"""

from __future__ import annotations

from decimal import Context, Decimal, Inexact

from rules.frozen import frozen

EXACT = Context(prec=10_000, traps=[Inexact])
Number = int | Decimal


@frozen
class Interval:
    """The range of a total with unknown parts, never a single point. None is no bound."""

    low: Number | None
    high: Number | None


def compare(operator: str, left: object, right: object) -> bool | None:
    """Compare two numbers or intervals. The answer is None unless every pair of values agrees."""
    first, second = _as_interval(left), _as_interval(right)
    match operator:
        case "<":
            return _is_below(first, second, strictly=True)
        case "<=":
            return _is_below(first, second, strictly=False)
        case ">":
            return _is_below(second, first, strictly=True)
        case ">=":
            return _is_below(second, first, strictly=False)
    are_apart = _is_below(first, second, strictly=True) or _is_below(second, first, strictly=True)
    is_point = first.low is not None and first.low == first.high == second.low == second.high
    equal = False if are_apart else True if is_point else None
    return equal if operator == "==" or equal is None else not equal


def _as_interval(value: object) -> Interval:
    if isinstance(value, Interval):
        return value
    return Interval(value, value)  # type: ignore[arg-type]  # a number, by the types of conditions


def _is_below(first: Interval, second: Interval, *, strictly: bool) -> bool | None:
    """Return True if all values of `first` are below those of `second`, False if none is."""
    if first.high is not None and second.low is not None:
        if first.high < second.low or (not strictly and first.high == second.low):
            return True
    if first.low is not None and second.high is not None:
        if first.low > second.high or (strictly and first.low == second.high):
            return False
    return None


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
