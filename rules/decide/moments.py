"""Days and moments: moved by a length of time, and taken apart in a time zone.

Every function is total: at the ends of the calendar it returns the first or the last day or moment.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from rules.language import tree

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from zoneinfo import ZoneInfo


def moved(start: Any, by: Any, sign: int) -> Any:
    """Return a day, a moment, or a length of time, later (`sign` 1) or earlier (-1)."""
    if isinstance(by, tree.Months):
        return months_later(start, sign * by.number)
    if isinstance(by, date):
        return start - by
    try:
        return start + by if sign > 0 else start - by
    except OverflowError:
        later = (by > timedelta(0)) == (sign > 0)
        if isinstance(start, timedelta):
            return timedelta.max if later else timedelta.min
        if isinstance(start, datetime):
            return (datetime.max if later else datetime.min).replace(
                tzinfo=start.tzinfo, microsecond=0
            )
        return date.max if later else date.min


def months_later(day: date, months: int) -> date:
    """Return the same day so many months later, or the month's last day if it lacks that day."""
    count = day.year * 12 + day.month - 1 + months
    year, month = count // 12, count % 12 + 1
    if year > 9999:
        return date.max
    if year < 1:
        return date.min
    last = 31 if month == 12 else (date(year, month + 1, 1) - timedelta(days=1)).day
    return date(year, month, min(day.day, last))


def part_of(part: str, moment: Any, time_zone: str) -> Any:
    """Return the `day`, `time` of day, or `weekday` of a moment in a time zone, or of a day.

    Every instant has one local time, so a change of the clocks skips nothing. An unknown moment has
    unknown parts.
    """
    if moment is None:
        return None
    if isinstance(moment, datetime):
        moment = local(moment, time_zone)
    match part:
        case "day":
            return moment.date()
        case "time":
            return moment.time()
    return tree.WEEKDAYS[moment.weekday()]


def local(moment: datetime, time_zone: str) -> datetime:
    """Return a moment as clocks in the time zone show it."""
    try:
        return moment.astimezone(_zone(time_zone))
    except OverflowError:  # within a day of the calendar's ends
        return moment


def instant_of(day: date, clock_time: time, time_zone: str) -> datetime | None:
    """Return the first instant, in UTC, at which clocks show this time, or None if they skip it."""
    from rules.input.local_time import instants_of

    try:
        instants = instants_of(datetime.combine(day, clock_time), _zone(time_zone))
    except OverflowError:  # within a day of the calendar's ends
        return datetime.combine(day, clock_time, UTC)
    return instants[0] if instants else None


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    from zoneinfo import ZoneInfo  # slow to load, and seldom needed

    return ZoneInfo(name)
