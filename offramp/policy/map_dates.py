"""Days in tables: the formats that a map can name, and the one that every table may use.

A format is written with `YYYY`, `MM`, `DD`, and the like. Everything else in it stands for itself.
A time of day is read past, since a fact is a day. Without a format only ISO days are read, since
no one can tell whether `6/1/2015` is in June.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from rules.input.yaml import Node

DayReader = Callable[[str], date | None]  # raises `ValueError` for a day that there isn't

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PARTS = {
    "YYYY": "(?P<year>[0-9]{4})",
    "MMM": f"(?P<name>{'|'.join(_MONTHS)})",
    "MM": "(?P<month>[0-9]{2})",
    "M": "(?P<month>[0-9]{1,2})",
    "DD": "(?P<day>[0-9]{2})",
    "D": "(?P<day>[0-9]{1,2})",
    "HH": "(?:[01][0-9]|2[0-3])",
    "H": "(?:[01]?[0-9]|2[0-3])",
    "hh": "(?:0[0-9]|1[0-2])",
    "h": "(?:0?[0-9]|1[0-2])",
    "mm": "[0-5][0-9]",
    "ss": "[0-5][0-9]",
    "SSS": "[0-9]{1,9}",
    "AM": "(?:AM|PM)",
    "T": "T",
}
_PART = re.compile("|".join(_PARTS) + r"|[A-Za-z]+|[^A-Za-z]")
_ISO = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    r"(?:[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?)?"
)


def read_iso_day(text: str) -> date | None:
    """Return the day of `2015-06-01`, `2015-06-01 00:00:00`, or `2015-06-01T00:00:00.000`.

    A time with a zone is not read, since its day may be another one where the arrest was. Raises
    `ValueError` for a day that the calendar does not have.
    """
    return _day(_ISO.fullmatch(text))


def read_formats(node: Node) -> DayReader:
    """Read a format or a list of formats. The first that fits a cell applies."""
    is_list = isinstance(node.value, list)
    patterns = [_pattern(item) for item in (node.items("`date`") if is_list else [node])]
    if not patterns:
        node.fail("missing-key", "`date` names no format", "write one, such as `MM/DD/YYYY`")

    def read(text: str) -> date | None:
        for pattern in patterns:
            if match := pattern.fullmatch(text):
                return _day(match)
        return None

    return read


def _pattern(node: Node) -> re.Pattern[str]:
    """Read one format. Each of year, month, and day occurs once."""
    written = node.text("`date`")
    pieces = []
    for piece in _PART.findall(written):
        if piece.isalpha() and piece not in _PARTS:
            node.fail(
                "unknown-word",
                f"`{piece}` is no part of a day's format",
                "write it with YYYY, MM, DD, M, D, MMM, HH, H, hh, h, mm, ss, SSS, and AM",
            )
        pieces.append(_PARTS.get(piece) or re.escape(piece))
    counts = [
        sum(piece in parts for piece in _PART.findall(written))
        for parts in (("YYYY",), ("MM", "M", "MMM"), ("DD", "D"))
    ]
    if counts != [1, 1, 1]:
        node.fail(
            "wrong-shape",
            f"`{written}` does not name the year, the month, and the day once each",
            "write a format such as `MM/DD/YYYY`",
        )
    return re.compile("".join(pieces), re.IGNORECASE | re.ASCII)


def _day(match: re.Match[str] | None) -> date | None:
    """Return the day that a match names. Raises `ValueError` if the calendar lacks it."""
    if match is None:
        return None
    parts = match.groupdict()
    name = parts.get("name")
    month = _MONTHS.index(name.lower()) + 1 if name else int(parts["month"])
    return date(int(parts["year"]), month, int(parts["day"]))
