"""Facts and other input as text: values as plain JSON, and values and names in messages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from rules.input.citations import GivenCitation, Section
from rules.input.interval import Interval

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


PLAIN = frozenset({bool, int, float, str, type(None)})
_LONGEST_QUOTED = 30  # characters of a text in a message
_LONGEST_PRINTED = 200


def plain(value: Any) -> Any:
    """Return a fact's value as JSON contains it: exact, and the same however it was written.

    A range is `{"from": …, "to": …}`, with null for no end.
    """
    if value.__class__ in PLAIN:
        return value
    # The usual lists and records. The classes that `match` tests below take longer.
    if value.__class__ is tuple:
        return [plain(item) for item in value]
    if value.__class__ is dict:
        return {
            key: item if item.__class__ in PLAIN else plain(item) for key, item in value.items()
        }
    if isinstance(value, Decimal):
        near, text = float(value), str(value)
        return near if repr(near) == text or Decimal(repr(near)) == value or near == value else text
    match value:
        case bool() | int() | float() | str() | None:
            return value
        case GivenCitation(given=given):
            return given
        case Section(text=text):
            return text
        case Interval(low=low, high=high):
            return {"from": plain(low), "to": plain(high)}
        case datetime():
            return (
                value.strftime("%Y-%m-%dT%H:%M:%SZ")
                if value.year > 999
                else value.isoformat().replace("+00:00", "Z")
            )
        case date():
            return value.isoformat()
        case tuple() | list():
            return [plain(item) for item in value]
        case Mapping():
            return {key: plain(item) for key, item in value.items()}
    raise TypeError(type(value))


def kind_of(value: Any) -> str:
    """Describe a JSON value in a message: "a list", "a number", or the text itself."""
    match value:
        case None:
            return "null"
        case bool():
            return "`true`" if value else "`false`"
        case int() | float() | Decimal():
            return "a number"
        case str():
            text = printable(value)
            if len(text) > _LONGEST_QUOTED:
                return f"`{text[:_LONGEST_QUOTED]}…`"
            return f"`{text}`" if text else "an empty text"
        case list() | tuple():
            return "a list"
        case Mapping():
            return "an object"
    return f"a {type(value).__name__}"


def printable(text: Any) -> str:
    """Return a text that prints on one line. Control characters and the like are written out."""
    start = str(text)[:_LONGEST_PRINTED]
    return "".join(
        character if character.isprintable() else f"\\u{ord(character):04x}" for character in start
    )
