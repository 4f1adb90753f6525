"""Quarters of a year: the days that a report covers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from exchange.consent.disclosure import day_of
from offramp.agency.errors import AgencyError
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen

_QUARTER = re.compile(r"([0-9]{4})-?[qQ]([1-4])")


@frozen
class Quarter:
    """A quarter: `2026Q3`, its first day, and the first day after it."""

    name: str
    first: date
    after: date

    def has(self, day: date) -> bool:
        """Return whether a day lies in the quarter."""
        return self.first <= day < self.after

    @property
    def before(self) -> Quarter:
        """The quarter before this one."""
        year, month = self.first.year, self.first.month - 3
        first = date(year, month, 1) if month > 0 else date(year - 1, 10, 1)
        return Quarter(f"{first.year}Q{(first.month + 2) // 3}", first, self.first)


def quarter_of(day: date) -> Quarter:
    """Return the quarter of a day."""
    return _quarter(day.year, (day.month + 2) // 3)


def quarters_between(first: date, last: date) -> Iterator[Quarter]:
    """Yield the quarters from that of one day to that of another."""
    quarter = quarter_of(first)
    while quarter.first <= last:
        yield quarter
        quarter = quarter_of(quarter.after)


def read_quarter(text: str) -> Quarter:
    """Read a quarter such as `2026Q3`. Raises `AgencyError` `no-quarter`."""
    match = _QUARTER.fullmatch(text)
    if match is None or not match[1].isascii() or not 2000 <= int(match[1]) <= 2999:
        raise AgencyError("no-quarter", f"`{text[:20]}` is no quarter", fix="write it like 2026Q3")
    return _quarter(int(match[1]), int(match[2]))


def _quarter(year: int, number: int) -> Quarter:
    after = date(year + 1, 1, 1) if number == 4 else date(year, 3 * number + 1, 1)
    return Quarter(f"{year}Q{number}", date(year, 3 * number - 2, 1), after)


def check_over(working_set: WorkingSet, quarter: Quarter, now: int) -> None:
    """Check that a quarter is over. Raises `AgencyError` `quarter-open`."""
    gateway = working_set.gateway
    if day_of(gateway.hub_time(now), gateway.history.newest.zone) < quarter.after:
        raise AgencyError(
            "quarter-open",
            f"the quarter lasts until {quarter.after}",
            fix="count it when it is over",
        )
