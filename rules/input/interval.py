"""Intervals: numbers that are known only between two ends."""

from __future__ import annotations

from decimal import Decimal

from rules.frozen import frozen

Number = int | Decimal


@frozen
class Interval:
    """A range of numbers with its ends, never a single point. None is no bound.

    It is a total with unknown parts, or an amount that its source gives as a range. A comparison
    with a number returns None unless every number of the range agrees, as conditions require.
    """

    low: Number | None
    high: Number | None

    def __lt__(self, number: object) -> bool | None:
        return compare("<", self, number)

    def __le__(self, number: object) -> bool | None:
        return compare("<=", self, number)

    def __gt__(self, number: object) -> bool | None:
        return compare(">", self, number)

    def __ge__(self, number: object) -> bool | None:
        return compare(">=", self, number)


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
