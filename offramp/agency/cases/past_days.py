"""Refuse a day that is yet to come where something is stated that has happened.

Forms, corrections, and minutes read days by these functions alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from offramp.agency.cases.form_terms import form_terms
from offramp.agency.errors import AgencyError
from rules.errors import FactsError, Place
from rules.input.printing import printable
from rules.input.values import iso_day, read_instant
from rules.shelf import vocabulary

_WORDS: Mapping[str, tuple[str, str]] = {
    "en": (
        "`{day}` is after today, `{today}`",
        "give the day on which it happened, or wait until it has",
    ),
    "es": (
        "`{day}` es después de hoy, `{today}`",
        "dé el día en que ocurrió, o espere hasta que ocurra",
    ),
}


def refuse_day_to_come(
    name: str, value: Any, today: date, zone: ZoneInfo, language: str = "en"
) -> None:
    """Refuse a day or time after today, also in the entries of a list.

    A time counts by its day in `zone`. What is no day passes, so check the type first. Raises
    `FactsError` `not-yet`.
    """
    if isinstance(value, list | tuple):
        for place, entry in enumerate(value):
            for field, member in entry.items() if isinstance(entry, Mapping) else ():
                refuse_day_to_come(f"{name}[{place}].{field}", member, today, zone, language)
        return
    day = _day_of(value, zone)
    if day is not None and day > today:
        message, fix = _WORDS[language]
        raise FactsError(
            "not-yet", message.format(day=day, today=today), at=Place(path=name), fix=fix
        )


def states_the_past(name: str) -> bool:
    """Return True for a detail that states what happened: a fact, or a member that forms ask for.

    The day of a meeting and the last day of a step are no such details.
    """
    return name in vocabulary().facts or name in form_terms().members


def check_last_day(name: str, value: str, today: date) -> None:
    """Check the last day of something that is still to be done.

    Raises `AgencyError` `no-such-day` for what is no day, `day-over` for a day before today.
    """
    day = iso_day(value)
    if day is None:
        raise AgencyError(
            "no-such-day",
            f"`{name}` is `{printable(value)[:40]}`, which is no day",
            fix="write a day such as `2026-06-30`",
        )
    if day < today:
        raise AgencyError(
            "day-over",
            f"`{name}` is `{day}`, before today, `{today}`",
            fix="give the last day on which it can be done",
        )


def _day_of(value: Any, zone: ZoneInfo) -> date | None:
    if not isinstance(value, str):
        return None
    instant = read_instant(value)
    return iso_day(value) if instant is None else instant.astimezone(zone).date()
