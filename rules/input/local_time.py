"""Local clock times: each names one instant, or none, or two where clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def instants_of(local: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return every instant, in UTC, at which clocks in the zone show a local time, in order.

    There is none for a time that clocks skip, and there are two for a time that they repeat.
    Raises `OverflowError` within a day of the calendar's ends.
    """
    candidates = {local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(
        instant
        for instant in candidates
        if instant.astimezone(zone).replace(tzinfo=None, fold=0) == local
    )


def first_instant(day: date, time_zone: str) -> datetime:
    """Return the instant, in UTC, at which a day begins in a zone.

    Within a day of the calendar's ends, it is the day's midnight in UTC.
    """
    midnight = datetime(day.year, day.month, day.day)
    try:
        return midnight.replace(tzinfo=ZoneInfo(time_zone)).astimezone(UTC)
    except OverflowError:
        return midnight.replace(tzinfo=UTC)


def written_in(instant: datetime, zone: ZoneInfo) -> str:
    """Return an instant as local time with its offset: `2014-11-02T01:30:00-07:00`.

    An offset with seconds, from before standard time, is written in UTC.
    """
    text = instant.astimezone(zone).isoformat()
    return text if len(text) == 25 else written(instant)


def written(instant: datetime) -> str:
    """Return an instant in UTC: `2014-11-02T08:30:00Z`."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
