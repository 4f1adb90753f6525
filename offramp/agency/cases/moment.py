"""One moment of a case: a day, with its time where a time is stated. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from typing import Any

from rules.decide.scene_day import DAY, MOMENT
from rules.frozen import frozen
from rules.input.values import iso_day, read_instant


@frozen
class Moment:
    """A stated day, and its time where one is stated. Both are in the program's zone."""

    day: date
    time: datetime | None = None

    def is_before(self, other: Moment) -> bool:
        """Report whether it is certainly before another one: by the time if both have one.

        People write a time to the minute, and the hub to the second. So what is written in the same
        minute is not before.
        """
        if self.time is not None and other.time is not None:
            return _minute(self.time) < _minute(other.time)
        return self.day < other.day

    def is_after_time(self, now: datetime) -> bool:
        """Report whether it is yet to come at `now`, a time in the program's zone."""
        return self.time > now if self.time is not None else self.day > now.date()

    def __str__(self) -> str:
        return f"{self.time:%Y-%m-%d %H:%M}" if self.time is not None else str(self.day)


def _minute(time: datetime) -> datetime:
    return time.replace(second=0, microsecond=0)


def read_moment(value: Any, zone: tzinfo | None) -> Moment | None:
    """Return the moment that a value states, None for what is no day or time."""
    if not isinstance(value, str):
        return None
    instant = read_instant(value)
    if instant is not None:
        local = instant.astimezone(zone)
        return Moment(local.date(), local)
    day = iso_day(value)
    return Moment(day) if day is not None else None


def encounter_of(facts: Mapping[str, Any], zone: tzinfo | None) -> Moment | None:
    """Return the moment of the encounter: its time if one is known, else its day."""
    return read_moment(facts.get(MOMENT), zone) or read_moment(facts.get(DAY), zone)
