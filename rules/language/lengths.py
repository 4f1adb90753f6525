"""Lengths of time: so many hours, days, weeks, months, or years."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from rules.language import tree


def length_of(unit: str, number: int | Decimal) -> timedelta | tree.Months:
    """Return a length of time of so many units, exact to the microsecond."""
    match unit:
        case "years":
            return tree.Months(int(number) * 12)
        case "months":
            return tree.Months(int(number))
        case "weeks":
            return timedelta(days=int(number) * 7)
        case "days":
            return timedelta(days=int(number))
    return timedelta(microseconds=int(number * 3_600_000_000))
