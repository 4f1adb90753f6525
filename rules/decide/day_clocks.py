"""Time limits counted in local days (`counts: days`).

Day one is the day after the start. The time ends with the last second of the last day, as clocks in
the program's time zone show it. A month or a year is a calendar's. A pause takes out every local
day that it touches, once, also a day of which it touches only the first or the last instant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta

from rules.decide.moments import local, moved
from rules.language.lengths import length_of

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


_SECOND, _DAY = timedelta(seconds=1), timedelta(days=1)


def local_day(moment: date, time_zone: str) -> date:
    """Return the local day of a moment. A date is its own."""
    return local(moment, time_zone).date() if isinstance(moment, datetime) else moment


def due_day(
    start: date, length: Any, unit: str, pauses: Any, now: datetime, time_zone: str
) -> date:
    """Return the last day of a time limit that began on `start`.

    `pauses` have `from` and perhaps `until`. A pause without an end lasts until now.
    """
    due: date = moved(start, length_of(unit, length), 1)
    for first, last in _paused(pauses, now, time_zone):
        first = max(first, moved(start, _DAY, 1))
        if first <= last and first <= due:
            due = moved(due, last - first + _DAY, 1)
    return due


def _paused(pauses: Any, now: datetime, time_zone: str) -> Iterable[tuple[date, date]]:
    """Return the spans of local days that pauses touch by now, in order and apart."""
    spans: list[tuple[date, date]] = []
    for begins, ends in sorted(_spans(pauses or (), now)):
        first, last = local_day(begins, time_zone), local_day(ends, time_zone)
        if spans and first <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], last))
        else:
            spans.append((first, last))
    return spans


def _spans(
    pauses: Iterable[Mapping[str, datetime]], now: datetime
) -> Iterable[tuple[datetime, datetime]]:
    for pause in pauses:
        begins = pause.get("from")
        if begins is not None and begins <= now:
            ends = min(pause.get("until", now), now)
            if begins <= ends:
                yield begins, ends


def end_of(day: date, time_zone: str) -> datetime:
    """Return the last second of a local day, in UTC."""
    from zoneinfo import ZoneInfo

    if day == date.max:
        return datetime.max.replace(microsecond=0, tzinfo=UTC)
    midnight = datetime.combine(day + _DAY, time.min, ZoneInfo(time_zone))
    try:
        # Clocks that go back can show two midnights, and those that go forward none.
        ends = [midnight.replace(fold=fold).astimezone(UTC) - _SECOND for fold in (0, 1)]
        own = [end for end in ends if local_day(end, time_zone) == day]
        return max(own) if own else ends[0]
    except OverflowError:  # within a day of the calendar's ends
        return midnight.replace(tzinfo=UTC) - _SECOND
