"""Typed days: one reader for every day that a person types, in dialogs and in flags.

A day is `2026-11-28`, `11/28/2026` with the month first, or has its month as a word:
`Nov 28, 2026`, `28 November 2026`, `28 de noviembre de 2026`. A day that may be two days is
refused, and so asked for again: one with a year of two digits, and in Spanish one with two numbers
that may both be the month. Records have only the first form.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date

from rules.errors import FactsError, Place
from rules.input.printing import printable
from rules.input.values import iso_day

__all__ = ["fold", "possible_days", "read_flag_day", "read_typed_day"]

_NUMBERS = re.compile(r"([0-9]{1,4})([-/.])([0-9]{1,2})\2([0-9]{1,4})")
_MONTH_FIRST = re.compile(r"([a-z]{3,10})\.? ([0-9]{1,2})(?:st|nd|rd|th)?,? ([0-9]{2,4})")
_DAY_FIRST = re.compile(
    r"([0-9]{1,2})(?:st|nd|rd|th)?[- ](?:de )?([a-z]{3,10})\.?,?[- ](?:de[l]? )?([0-9]{2,4})"
)
_MONTHS: tuple[tuple[str, ...], ...] = (
    ("january", "enero"),
    ("february", "febrero"),
    ("march", "marzo"),
    ("april", "abril"),
    ("may", "mayo"),
    ("june", "junio"),
    ("july", "julio"),
    ("august", "agosto"),
    ("september", "septiembre", "sept", "setiembre"),
    ("october", "octubre"),
    ("november", "noviembre"),
    ("december", "diciembre"),
)
_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "short_year": "`{text}` has a year of two digits",
        "short_year_fix": "write all four digits of the year, such as {example}",
        "two_days": "`{text}` may be {first} or {second}",
        "two_days_fix": "write it as {first} or as {second}",
        "no_day": "`{text}` is no day",
        "no_day_fix": "check the calendar, and write the month first: 2026-11-28 or 11/28/2026",
    },
    "es": {
        "short_year": "`{text}` tiene un año de dos cifras",
        "short_year_fix": "escriba las cuatro cifras del año, como {example}",
        "two_days": "`{text}` puede ser {first} o {second}",
        "two_days_fix": "escríbalo como {first} o como {second}",
        "no_day": "`{text}` no es un día",
        "no_day_fix": "mire el calendario, y escriba 2026-11-28 o 28 de noviembre de 2026",
    },
}


def fold(text: str) -> str:
    """Return a text without capitals, accents, repeated spaces, and a point at its end."""
    letters = unicodedata.normalize("NFD", " ".join(text.split()).casefold())
    return "".join(one for one in letters if not unicodedata.combining(one)).rstrip(".")


def read_typed_day(text: str, *, language: str = "en", name: str | None = None) -> date | None:
    """Return the day that a person typed. None for a text that isn't written as a day.

    `name` is the question's, for the place of a refusal. Raises `FactsError` `no-such-day` for a
    day that the calendar lacks, and for a text that may be two days.
    """
    words, at = _WORDS[language], Place(path=name) if name else None
    typed = printable(" ".join(text.split()))[:40]
    about = f"`{name}`: " if name else ""
    year, pairs = _parts(text)
    if not pairs:
        return None
    if year is not None and len(year) == 2:
        century = "20" if year < "50" else "19"
        example = f"{pairs[0][0]}/{pairs[0][1]}/{century}{year}"
        raise FactsError(
            "no-such-day",
            about + words["short_year"].format(text=typed),
            at=at,
            fix=words["short_year_fix"].format(example=example),
        )
    days = [day for month, number in pairs if (day := _day(year, month, number)) is not None]
    if language == "es" and len(days) > 1 and days[0] != days[1]:
        raise FactsError(
            "no-such-day",
            about + words["two_days"].format(text=typed, first=days[0], second=days[1]),
            at=at,
            fix=words["two_days_fix"].format(first=days[0], second=days[1]),
        )
    first = _day(year, *pairs[0])
    if language == "es" and days:
        first = days[0]
    if first is None:
        raise FactsError(
            "no-such-day",
            about + words["no_day"].format(text=typed),
            at=at,
            fix=words["no_day_fix"],
        )
    return first


def read_flag_day(text: str) -> date:
    """Return the day that a flag gives. Raises `FactsError` `no-such-day`."""
    day = read_typed_day(text)
    if day is None:
        raise FactsError(
            "no-such-day",
            f"`{printable(text)[:40]}` is no day",
            fix="write a day such as `2026-06-30` or `6/30/2026`",
        )
    return day


def possible_days(text: str) -> frozenset[date]:
    """Return every day that a text may mean, with month and day in either order."""
    year, pairs = _parts(text)
    return frozenset(day for pair in pairs if (day := _day(year, *pair)) is not None)


def _parts(text: str) -> tuple[str | None, tuple[tuple[str, str], ...]]:
    """Return the year, and month and day: in both orders where the text may mean either."""
    folded = fold(text)
    if (numbers := _NUMBERS.fullmatch(folded)) is not None:
        first, _, middle, last = numbers.groups()
        if len(first) == 4:
            return (first, ((middle, last),)) if len(last) < 3 else (None, ())
        return (last, ((first, middle), (middle, first))) if len(first) < 3 else (None, ())
    if (worded := _MONTH_FIRST.fullmatch(folded)) is not None:
        month, day, year = worded.groups()
    elif (worded := _DAY_FIRST.fullmatch(folded)) is not None:
        day, month, year = worded.groups()
    else:
        return None, ()
    number = _month(month)
    return (year, ((number, day),)) if number is not None else (None, ())


def _month(word: str) -> str | None:
    for number, names in enumerate(_MONTHS, 1):
        if any(word == name or word == name[:3] for name in names):
            return str(number)
    return None


def _day(year: str | None, month: str, day: str) -> date | None:
    if year is None or len(year) != 4:
        return None
    return iso_day(f"{year}-{month:0>2}-{day:0>2}")
