"""Parse plainly usual JSON text fast, with msgspec. `json_text.parse_json` is the meaning of it.

msgspec keeps the last of two values with one key. So the colons of the text are counted. It has one
for each key, and those in its strings. If it has as many as the keys and strings of the parsed
value, no key was there twice.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from rules.errors import FactsError

# Returns the value of a text, or None for anything unusual.
Parser = Callable[[str], Any]


def make_fast_parser(
    read_number: Callable[[str], int | Decimal], longest_number: int, deepest: int
) -> Parser | None:
    """Return a parser of usual texts, or None where msgspec is not installed.

    `read_number` reads a number that is not written as a whole one.
    """
    try:
        import msgspec  # it takes longer than a text, so it is loaded for many of them
    except ImportError:
        return None
    decode = msgspec.json.Decoder(float_hook=read_number).decode
    faults = (msgspec.MsgspecError, FactsError, RecursionError, UnicodeError)
    largest = 10 ** (longest_number - 1)

    def parse(text: str) -> Any:
        """Return the value of the text, or None."""
        if "\\u003" in text:  # a colon may be written as an escape
            return None
        try:
            value = decode(text)
        except faults:
            return None
        return value if text.count(":") == count_colons(value) else None

    def count_colons(value: Any) -> int | None:
        """Return how many colons the text of an object has if no key is in it twice.

        Returns None for a value of another kind, one too deep, or one with a long number.
        """
        if value.__class__ is not dict:
            return None
        colons, level = 0, [value]
        for _ in range(deepest):
            below: list[Any] = []
            for part in level:
                if part.__class__ is dict:
                    colons += len(part)
                for item in part.values() if part.__class__ is dict else part:
                    kind = item.__class__
                    if kind is str:
                        if ":" in item:
                            colons += item.count(":")
                    elif kind is dict or kind is list:
                        below.append(item)
                    elif kind is int and not -largest < item < largest:
                        return None
            if not below:
                return colons
            level = below
        return None

    return parse
