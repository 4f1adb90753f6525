"""The statuses that clocks have together where `now` isn't known, which is all that opens one.

An event that a row doesn't have didn't happen, as in any decision. So the statuses of all clocks
follow from `now` alone, and change only at an event, at the start of a day on which one happened,
and at the end of a clock's time. One moment between each two of these shows every combination.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rules.decide.clocks import ClockReading, read_clock
from rules.decide.ruling import Ruling
from rules.packs.pack import Clock

_A_MOMENT = timedelta(microseconds=1)
# Later than the end of every clock that counts from a day of a case.
_FIRST, _LAST = (datetime(year, 1, 1, tzinfo=UTC) for year in (1, 9999))
OpenClock = tuple[Ruling, str]  # a side's ruling, and the name of a clock that it leaves open


def statuses_together(clocks: Sequence[OpenClock]) -> set[tuple[str, ...]] | None:
    """Return the statuses that these clocks have together, for each moment that may be `now`.

    None if a clock has pauses, or an event that perhaps did not happen.
    """
    moments = {_FIRST, _LAST}
    for ruling, name in clocks:
        clock, facts = _clock(ruling, name), ruling.case.facts
        if facts.known.get(clock.tolling or "") or not facts.doubtful.keys().isdisjoint(
            events_of(clock)
        ):
            return None
        zone = ruling.rules_segment.pack.time_zone
        events = (facts.known.get(path) for path in events_of(clock))
        moments |= {moment for event in events for moment in _around(event, zone)}
    # A clock's time ends by what is recorded. What is recorded changes at events alone.
    ends = (_reading(*clock, now).due for clock in clocks for now in tuple(moments))
    moments |= {moment for due in ends for moment in _around(due, "UTC")}
    return {tuple(_reading(*clock, now).status for clock in clocks) for now in moments}


def events_of(clock: Clock) -> tuple[str, ...]:
    """Return the paths of the events that a clock reads."""
    paths = (clock.start, clock.stop, clock.repeats, clock.tolling)
    return tuple(path for path in paths if path is not None)


def events_known(ruling: Ruling, names: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Yield everything of a case on which the statuses of some clocks depend."""
    known: Mapping[str, Any] = ruling.case.facts.known
    for name in names:
        clock = ruling.rules_segment.clocks.get(name)
        for path in () if clock is None else ("now", *events_of(clock)):
            yield path, known.get(path)


def _clock(ruling: Ruling, name: str) -> Clock:
    return ruling.rules_segment.clocks[name]


def _reading(ruling: Ruling, name: str, now: datetime) -> ClockReading:
    segment = ruling.rules_segment
    clock, pack = segment.clocks[name], segment.pack
    length, unit = segment.parameters[clock.length], pack.parameters[clock.length].unit
    facts = {**ruling.case.facts.known, "now": now}
    return read_clock(clock, length, unit, facts, {}, pack.time_zone)


def _around(event: Any, zone: str) -> Iterator[datetime]:
    """Yield an event's moment, and the ones beside it. A day has those around its start."""
    if event is None:
        return
    if isinstance(event, datetime):
        at = event
    else:
        assert isinstance(event, date)
        at = datetime.combine(event, time.min, ZoneInfo(zone)).astimezone(UTC)
    yield from (at - _A_MOMENT, at, at + _A_MOMENT)
