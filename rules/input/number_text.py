"""Read numbers from text: one reader for tables, typed answers, and numbers in JSON and YAML.

Only ASCII digits count. `1_0`, `½`, `٣`, `0x10`, `NaN`, and `1,800` are no numbers here. Python's
own `int` and `Decimal` accept several of these, so they get no text from outside.
"""

from __future__ import annotations

import re
from decimal import Decimal

LONGEST_NUMBER = 40  # characters
LARGEST_EXPONENT = 30  # nothing that is measured is larger
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]+)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_WHOLE = re.compile(r"[+-]?[0-9]+")


def read_number_text(text: str, *, thousands: str = "", point: str = ".") -> int | Decimal | None:
    """Return the number that a text is, an int if it has no fraction and no exponent, or None.

    `thousands` is a mark that may separate groups of three digits. `point` is the decimal mark.
    """
    if len(text) > LONGEST_NUMBER:
        return None
    if thousands and thousands in text:
        whole, mark, fraction = text.partition(point)
        grouped = rf"[+-]?[0-9]{{1,3}}({re.escape(thousands)}[0-9]{{3}})+"
        if not re.fullmatch(grouped, whole):
            return None
        text = whole.replace(thousands, "") + mark + fraction
    if point != ".":
        if "." in text:
            return None
        text = text.replace(point, ".")
    if not _NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    if number and abs(number.adjusted()) > LARGEST_EXPONENT:
        return None
    return int(text) if _WHOLE.fullmatch(text) else number
