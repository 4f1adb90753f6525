"""I-JSON (RFC 7493), read so that every reader sees the same value, and written in one line.

Refused: another encoding than UTF-8, a byte order mark, a key that stands twice, numbers that a double can't hold exactly,
`NaN` and `Infinity`, unpaired surrogates, deep nesting. Which members an object may have is the caller's to say.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from exchange.errors import TextError, shorten

Json = Any

DEEPEST = 32
_HALF = re.compile("[\\ud800-\\udfff]")
LARGEST_INTEGER = 2**53 - 1


def read(data: bytes) -> Json:
    """The value of one JSON text. Raises `TextError` `not-json`, `duplicate-name`, `number` or `too-deep`."""
    try:
        value = _DECODER.decode(data.decode("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise TextError(
            "not-json", "this is not JSON in UTF-8", fix="write it again with a JSON library"
        ) from None
    except RecursionError:
        raise _too_deep() from None
    # Only what has many brackets can be deep, and only an escape can hide a surrogate.
    if data.count(b"[") + data.count(b"{") > DEEPEST or b"\\u" in data:
        _walk(value, 1)
    return value


def read_object(data: bytes) -> dict[str, Json]:
    """The same, where only an object will do."""
    value = read(data)
    if not isinstance(value, dict):
        raise TextError(
            "not-json", f"`{shorten(value)}` is no JSON object", fix="write an object in braces"
        )
    return value


def write(value: Json) -> bytes:
    """One line of UTF-8 without blanks. Keys keep their order: nothing here depends on a canonical form."""
    return _ENCODER.encode(value).encode("utf-8")


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise TextError(
            "duplicate-name",
            f"the name `{shorten(twice)}` stands twice in one object",
            fix="keep one of them",
        )
    return found


def _integer(digits: str) -> int:
    # 17 characters hold every integer allowed; longer ones aren't worth turning into numbers.
    if len(digits) > 17 or abs(value := int(digits)) > LARGEST_INTEGER:
        raise _number(digits)
    return value


def _real(digits: str) -> float:
    value = float(digits) if len(digits) <= 40 else math.inf
    if not math.isfinite(value):
        raise _number(digits)
    return value


def _constant(name: str) -> NoReturn:
    raise _number(name)


def _number(digits: str) -> TextError:
    return TextError(
        "number",
        f"`{shorten(digits)}` is no number that every reader reads alike",
        fix="write a shorter one",
    )


# Made once: `json.loads` and `json.dumps` make new ones at each call where they are told anything.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_real, parse_constant=_constant
)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _too_deep() -> TextError:
    return TextError("too-deep", f"this nests more than {DEEPEST} levels", fix="flatten it")


def _walk(value: Json, level: int) -> None:
    if isinstance(value, str):
        _paired(value)
    elif isinstance(value, list | dict):
        if level > DEEPEST:
            raise _too_deep()
        for item in value.values() if isinstance(value, dict) else value:
            _walk(item, level + 1)
        for name in value if isinstance(value, dict) else ():
            _paired(name)


def _paired(text: str) -> None:
    if _HALF.search(text):
        raise TextError(
            "not-json", f"`{shorten(text)}` holds half a character", fix="write the whole character"
        )
