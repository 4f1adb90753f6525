"""The clocks of a case: each time limit at `now`, from the events recorded by then.

A clock reads only events and `now`. An event later than `now` isn't recorded yet. A clock due
exactly at `now` is still running. A clock is unknown without `now`, or if the doubtful events that
it reads leave its status open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import product

from rules.decide.day_clocks import due_day, end_of, local_day
from rules.decide.moments import moved
from rules.frozen import frozen
from rules.input.printing import plain
from rules.packs.pack import Clock

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


_HOURS = {"hours": 1, "days": 24, "weeks": 168}
_EARLIEST = datetime.min.replace(tzinfo=UTC)

# The times at which a doubtful event may have happened, by path. None is any time up to `now`, and
# any pauses up to `now` for a list of pauses.
DoubtfulEvents = Mapping[str, Sequence[datetime] | None]


@frozen
class ClockReading:
    """One clock at `now`; times in UTC. `due` is None before the clock starts.

    `met_at` is a day if the event that stops the clock is a day.

    `doubtful` has the paths of the events that leave an unknown clock open.
    """

    clock: str
    owner: str
    status: str
    started: datetime | None = None
    due: datetime | None = None
    met_at: date | None = None
    doubtful: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the reading as decisions show it."""
        return {
            "clock": self.clock,
            "owner": self.owner,
            "status": self.status,
            "started": plain(self.started),
            "due": plain(self.due),
            "met_at": plain(self.met_at),
        }


def read_clock(
    clock: Clock,
    length: Any,
    unit: str,
    facts: Mapping[str, Any],
    doubtful: DoubtfulEvents | None = None,
    time_zone: str = "UTC",
) -> ClockReading:
    """Read a clock. `length` is its parameter's value in `unit`, elapsed or in local days.

    `doubtful` has the events that perhaps did not happen, by path, and the times at which they may
    have happened. The clock has a status only if every choice of those times gives the same one.
    """
    if facts.get("now") is None:
        return ClockReading(clock.name, clock.owner, "unknown")
    events = _doubtful_events_of(clock, doubtful)
    readings = _readings(clock, length, unit, facts, events, time_zone)
    if len(readings) == 1:
        return readings[0]
    if len({reading.status for reading in readings}) > 1 or _may_skip(clock, unit, facts, events):
        return ClockReading(clock.name, clock.owner, "unknown", doubtful=tuple(events))
    return _merge(readings)


def list_due_times(
    clock: Clock,
    length: Any,
    unit: str,
    facts: Mapping[str, Any],
    doubtful: DoubtfulEvents | None = None,
    time_zone: str = "UTC",
) -> tuple[datetime, ...]:
    """Return every time at which a clock may be due, under any choice of the doubtful events.

    The arguments are those of `read_clock`, with a known `now`.
    """
    events = _doubtful_events_of(clock, doubtful)
    readings = _readings(clock, length, unit, facts, events, time_zone)
    return tuple(reading.due for reading in readings if reading.due is not None)


def _doubtful_events_of(clock: Clock, doubtful: DoubtfulEvents | None) -> DoubtfulEvents:
    return {
        path: times
        for path, times in (doubtful or {}).items()
        if path in (clock.start, clock.stop, clock.repeats, clock.tolling)
    }


def _readings(
    clock: Clock,
    length: Any,
    unit: str,
    facts: Mapping[str, Any],
    events: DoubtfulEvents,
    time_zone: str,
) -> list[ClockReading]:
    return [
        _read_events(clock, length, unit, {**facts, **choice}, time_zone)
        for choice in _choices(clock, facts["now"], events)
    ]


def _choices(clock: Clock, now: datetime, doubtful: DoubtfulEvents) -> Iterator[Mapping[str, Any]]:
    """Yield each choice of times for doubtful events, with None for an event that did not happen.

    INVARIANT: the earliest time and `now` represent every time between them. A clock is met or
    running if an event's time does not exceed a due time, and a due time never moves back as the
    events that it counts from move forward. So the extreme times bring every status that any time
    brings. Pauses only put the due time off, so no pause and one that lasts until `now` are their
    extremes.
    """
    always: Any = ({"from": _EARLIEST, "until": now},)
    choices = [
        (None, always)
        if path == clock.tolling
        else (None, *((_EARLIEST, now) if times is None else times))
        for path, times in doubtful.items()
    ]
    for choice in product(*choices):
        yield dict(zip(doubtful, choice, strict=True))


def _may_skip(clock: Clock, unit: str, facts: Mapping[str, Any], events: DoubtfulEvents) -> bool:
    """Return True if the extreme times of a doubtful event may miss a status.

    Months differ in length. With pauses, a start a day later can make the time end earlier.
    """
    is_open = any(
        times is None for path, times in events.items() if path not in (clock.stop, clock.tolling)
    )
    has_pauses = bool(facts.get(clock.tolling or "")) or clock.tolling in events
    return is_open and unit in ("months", "years") and has_pauses


def _merge(readings: list[ClockReading]) -> ClockReading:
    """Merge readings of one status. `due` is the earliest, other times only if all agree."""
    first = readings[0]
    due_times = [reading.due for reading in readings if reading.due is not None]
    started = {reading.started for reading in readings}
    met_at = {reading.met_at for reading in readings}
    return ClockReading(
        first.clock,
        first.owner,
        first.status,
        first.started if len(started) == 1 else None,
        min(due_times) if len(due_times) == len(readings) else None,
        first.met_at if len(met_at) == 1 else None,
    )


def _read_events(
    clock: Clock, length: Any, unit: str, facts: Mapping[str, Any], time_zone: str
) -> ClockReading:
    """Read a clock whose events are known, or known not to be recorded."""
    now = facts["now"]

    def recorded(path: str | None) -> Any:
        """Return the event's time, if it is recorded by now. A stop event may be a day."""
        at = facts.get(path) if path else None
        if at is None or isinstance(at, datetime):
            return at if at is not None and at <= now else None
        return at if at <= local_day(now, time_zone) else None

    started, met_at = recorded(clock.start), recorded(clock.stop)
    if started is None:
        return ClockReading(
            clock.name, clock.owner, "met" if met_at else "not_started", met_at=met_at
        )
    renewed = recorded(clock.repeats)
    counts_from = max(started, renewed) if renewed else started
    due = _due(clock, length, unit, facts, counts_from, time_zone)
    if met_at is not None:
        status = "met" if _is_by(met_at, due, time_zone) else "late"
    else:
        status = "running" if now <= due else "overdue"
    return ClockReading(clock.name, clock.owner, status, counts_from, due, met_at)


def _is_by(met_at: date, due: datetime, time_zone: str) -> bool:
    """Return whether an event was in time. A day is in time up to the local day that is due."""
    if isinstance(met_at, datetime):
        return met_at <= due
    return met_at <= local_day(due, time_zone)


def _due(
    clock: Clock,
    length: Any,
    unit: str,
    facts: Mapping[str, Any],
    counts_from: datetime,
    time_zone: str,
) -> datetime:
    """Return the last moment of a clock's time."""
    now, pauses = facts["now"], facts.get(clock.tolling or "")
    if clock.counts == "days":
        start = local_day(counts_from, time_zone)
        return end_of(due_day(start, length, unit, pauses, now, time_zone), time_zone)
    allowed = timedelta(seconds=float(length * _HOURS[unit] * 3600) // 1)
    return _extended(moved(counts_from, allowed, 1), counts_from, now, pauses)


def _extended(due: datetime, start: datetime, now: datetime, pauses: Any) -> datetime:
    """Return `due`, put off by the pauses that began before it.

    A pause without an end lasts until now.
    """
    spans = sorted(
        (pause["from"], min(pause.get("until", now), now))
        for pause in pauses or ()
        if "from" in pause
    )
    covered = start
    for begins, ends in spans:
        counted = max(begins, covered)
        if counted < due and ends > counted:
            due = moved(due, ends - counted, 1)
            covered = ends
    return due
