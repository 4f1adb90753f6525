"""Intervals of chance around rates, and around rates of which only a range is known.

A rate has Wilson's interval (Wilson 1927), and a difference of two groups Newcombe's hybrid of two
Wilson intervals (Newcombe 1998, Statistics in Medicine 17:873-890, method 10), both at 95 %.

A count may be a range, from `surely` to `at_most`: some rows don't say enough. That range and the
interval of chance are two kinds of not knowing. They are kept apart, and the interval of a range
goes from the low end of its least count to the high end of its greatest.
"""

from __future__ import annotations

from math import sqrt

from rules.frozen import frozen

Z = 1.959963984540054  # the standard normal distribution's 97.5th percentile
Ends = tuple[float, float]


@frozen
class CountRange:
    """How many of `rows` an answer has: `surely` at least, and `at_most`."""

    surely: int
    at_most: int
    rows: int


@frozen
class Estimate:
    """A rate, or a difference of two: the range that missing facts leave, and chance around it."""

    range: Ends
    interval: Ends


def wilson(count: int, rows: int) -> Ends:
    """Return Wilson's 95 % interval for a rate. `rows` is at least 1."""
    rate, share = count / rows, Z * Z / rows
    middle = rate + share / 2
    spread = Z * sqrt(rate * (1 - rate) / rows + share / (4 * rows))
    low = 0.0 if count == 0 else (middle - spread) / (1 + share)
    high = 1.0 if count == rows else (middle + spread) / (1 + share)
    return low, high


def newcombe(first: int, first_rows: int, second: int, second_rows: int) -> Ends:
    """Return Newcombe's 95 % interval for the first group's rate less the second's."""
    first_rate, second_rate = first / first_rows, second / second_rows
    first_low, first_high = wilson(first, first_rows)
    second_low, second_high = wilson(second, second_rows)
    difference = first_rate - second_rate
    below = sqrt((first_rate - first_low) ** 2 + (second_high - second_rate) ** 2)
    above = sqrt((first_high - first_rate) ** 2 + (second_rate - second_low) ** 2)
    return difference - below, difference + above


def estimate_rate(count: CountRange) -> Estimate | None:
    """Return the rate of a count. None if there are no rows."""
    _check(count)
    if not count.rows:
        return None
    low, high = count.surely / count.rows, count.at_most / count.rows
    interval = wilson(count.surely, count.rows)[0], wilson(count.at_most, count.rows)[1]
    return Estimate((low, high), interval)


def estimate_difference(first: CountRange, second: CountRange) -> Estimate | None:
    """Return the first group's rate less the second's. None if one of them has no rows.

    It is least where the first group has its least count and the second its greatest.
    """
    _check(first)
    _check(second)
    if not first.rows or not second.rows:
        return None
    low = first.surely / first.rows - second.at_most / second.rows
    high = first.at_most / first.rows - second.surely / second.rows
    interval = (
        newcombe(first.surely, first.rows, second.at_most, second.rows)[0],
        newcombe(first.at_most, first.rows, second.surely, second.rows)[1],
    )
    return Estimate((low, high), interval)


def _check(count: CountRange) -> None:
    if not 0 <= count.surely <= count.at_most <= count.rows:
        raise ValueError(f"{count} is no range of a count")
