"""I-JSON (RFC 7493): every reader sees the same value. Written in one line.

Refused: another encoding than UTF-8, a byte order mark, a key that occurs twice in an object,
numbers that a double can't represent exactly, `NaN` and `Infinity`, unpaired surrogates, and deep
nesting. The caller checks the members of an object.
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
    """Read a JSON text.

    Raises `TextError`: `not-json`, `duplicate-name`, `number`, or `too-deep`.
    """
    try:
        value = _DECODER.decode(data.decode("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise TextError(
            "not-json", "the text is not JSON in UTF-8", fix="write it again with a JSON library"
        ) from None
    except RecursionError:
        raise _too_deep() from None
    # Only a text with many brackets can be deep, and only an escape can hide a surrogate.
    if data.count(b"[") + data.count(b"{") > DEEPEST or b"\\u" in data:
        _walk(value, 1)
    return value


def read_object(data: bytes) -> dict[str, Json]:
    """Read a JSON text that must be an object. Raises as `read` does."""
    value = read(data)
    if not isinstance(value, dict):
        raise TextError(
            "not-json", f"`{shorten(value)}` is not a JSON object", fix="write an object in braces"
        )
    return value


def write(value: Json) -> bytes:
    """Write a value as one line of UTF-8 without blanks.

    Keys keep their order: nothing here depends on a canonical form.
    """
    return _ENCODER.encode(value).encode("utf-8")


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise TextError(
            "duplicate-name",
            f"the name `{shorten(repeated)}` occurs twice in one object",
            fix="keep one of them",
        )
    return members


def _integer(digits: str) -> int:
    # 17 characters suffice for every allowed integer. Longer ones aren't converted.
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
        f"`{shorten(digits)}` is a number that readers may read differently",
        fix="write a shorter number",
    )


# Made once: with options, `json.loads` and `json.dumps` make new ones at each call.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_real, parse_constant=_constant
)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _too_deep() -> TextError:
    return TextError("too-deep", f"the text nests more than {DEEPEST} levels", fix="flatten it")


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
            "not-json",
            f"`{shorten(text)}` contains half a surrogate pair",
            fix="write the whole character",
        )
