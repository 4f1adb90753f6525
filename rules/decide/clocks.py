"""The clocks of a case: each time limit at `now`, from the events recorded by then.

A clock reads only events and `now`. An event later than `now` isn't recorded yet. A clock due
exactly at `now` is still running. A clock is unknown only without `now`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from rules.decide.walk import moved
from rules.frozen import frozen
from rules.input.printing import plain
from rules.packs.pack import Clock

_HOURS = {"hours": 1, "days": 24, "weeks": 168}


@frozen
class ClockReading:
    """One clock at `now`; times in UTC. `due` is None before the clock starts."""

    clock: str
    owner: str
    status: str
    started: datetime | None = None
    due: datetime | None = None
    met_at: datetime | None = None

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


def read_clock(clock: Clock, length: Any, unit: str, facts: Mapping[str, Any]) -> ClockReading:
    """Read a clock. `length` is its parameter's value in `unit`: hours, days, or weeks elapsed."""
    now = facts.get("now")
    if now is None:
        return ClockReading(clock.name, clock.owner, "unknown")

    def recorded(path: str | None) -> datetime | None:
        """Return the event's time, if it is recorded by now."""
        at: datetime | None = facts.get(path) if path else None
        return at if at is not None and at <= now else None

    started, met_at = recorded(clock.start), recorded(clock.stop)
    if started is None:
        return ClockReading(
            clock.name, clock.owner, "met" if met_at else "not_started", met_at=met_at
        )
    renewed = recorded(clock.repeats)
    counts_from = max(started, renewed) if renewed else started
    allowed = timedelta(seconds=float(length * _HOURS[unit] * 3600) // 1)
    due = _extended(
        moved(counts_from, allowed, 1), counts_from, now, facts.get(clock.tolling or "")
    )
    if met_at is not None:
        status = "met" if met_at <= due else "late"
    else:
        status = "running" if now <= due else "overdue"
    return ClockReading(clock.name, clock.owner, status, counts_from, due, met_at)


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
