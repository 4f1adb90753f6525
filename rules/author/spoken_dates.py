"""Days and times as people say them, in English and Spanish."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_INSTANT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,15}(Z|[+-][0-9]{2}:[0-9]{2})"

SPANISH_MONTHS = (
    "enero", "febrero", "marzo", "abril", "mayo", "junio",
    "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
)  # fmt: skip
_ENGLISH_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def spoken_day(day: date, language: str, *, with_year: bool = True) -> str:
    """Return a day as `June 16, 2026` or `16 de junio de 2026`."""
    if language == "es":
        year = f" de {day.year}" if with_year else ""
        return f"{day.day} de {SPANISH_MONTHS[day.month - 1]}{year}"
    year = f", {day.year}" if with_year else ""
    return f"{_ENGLISH_MONTHS[day.month - 1]} {day.day}{year}"


def spoken_time(moment: datetime, language: str) -> str:
    """Return a local time as `June 16, 2026, 4:10 p.m.` or `16 de junio de 2026, 4:10 p. m.`."""
    half = ("a. m.", "p. m.") if language == "es" else ("a.m.", "p.m.")
    clock = f"{(moment.hour + 11) % 12 + 1}:{moment:%M} {half[moment.hour >= 12]}"
    return f"{spoken_day(moment.date(), language)}, {clock}"


def spoken_moment(moment: int | str, zone: ZoneInfo, language: str = "en") -> str:
    """Return a moment as its local time with the zone: every time that a person reads.

    `moment` is in seconds since 1970, or a text as records have it. A day stays a day, and a text
    that is neither stays as it is. JSON keeps its own form of times.
    """
    if isinstance(moment, str):
        if not re.fullmatch(_INSTANT, moment):
            return moment
        try:
            at = datetime.fromisoformat(moment.upper())
        except ValueError:
            return moment
    else:
        try:
            at = datetime.fromtimestamp(moment, UTC)
        except (OverflowError, ValueError, OSError):
            return str(moment)
    return f"{spoken_time(at.astimezone(zone), language)} ({zone.key})"


def day_of_moment(moment: int, zone: ZoneInfo) -> date:
    """Return the local day of a moment in seconds since 1970."""
    return datetime.fromtimestamp(moment, UTC).astimezone(zone).date()
