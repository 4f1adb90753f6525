"""Days and times as people say them, in English and Spanish."""

from __future__ import annotations

from datetime import date, datetime

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
