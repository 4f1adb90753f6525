"""Exact numbers and intervals: the arithmetic that every engine must agree on.

A number in facts or packs has at most 12 digits before the point and 6 after it. Sums and products of such numbers are
computed without rounding: `EXACT` holds more digits than any condition can produce, and would raise before it rounds.
"""

from __future__ import annotations

from decimal import Context, Decimal, Inexact

from rules.frozen import frozen

EXACT = Context(prec=10_000, traps=[Inexact])
Number = int | Decimal


@frozen
class Interval:
    """What a total may be while parts of it are unknown; None is no bound on that side. Never a single point."""

    low: Number | None
    high: Number | None


def compare(operator: str, left: object, right: object) -> bool | None:
    """A comparison of numbers or intervals: decided when every pair of values agrees, else None."""
    one = left if isinstance(left, Interval) else Interval(left, left)  # type: ignore[arg-type]  # a number
    other = right if isinstance(right, Interval) else Interval(right, right)  # type: ignore[arg-type]  # a number
    match operator:
        case "<":
            return _below(one, other, strictly=True)
        case "<=":
            return _below(one, other, strictly=False)
        case ">":
            return _below(other, one, strictly=True)
        case ">=":
            return _below(other, one, strictly=False)
    apart = _below(one, other, strictly=True) or _below(other, one, strictly=True)
    point = one.low is not None and one.low == one.high == other.low == other.high
    equal = False if apart else True if point else None
    return equal if operator == "==" or equal is None else not equal


def _below(one: Interval, other: Interval, *, strictly: bool) -> bool | None:
    """Whether every value of `one` lies below every value of `other` (True), none does (False), or it depends."""
    if one.high is not None and other.low is not None:
        if one.high < other.low or (not strictly and one.high == other.low):
            return True
    if one.low is not None and other.high is not None:
        if one.low > other.high or (strictly and one.low == other.high):
            return False
    return None


def add(one: Number, other: Number) -> Number:
    return one + other if isinstance(one, int) and isinstance(other, int) else EXACT.add(one, other)


def subtract(one: Number, other: Number) -> Number:
    return (
        one - other
        if isinstance(one, int) and isinstance(other, int)
        else EXACT.subtract(one, other)
    )


def multiply(one: Number, other: Number) -> Number:
    return (
        one * other
        if isinstance(one, int) and isinstance(other, int)
        else EXACT.multiply(one, other)
    )
