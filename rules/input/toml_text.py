"""Read TOML settings from a file: UTF-8, of bounded size, without hidden characters."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

from rules.errors import FactsError
from rules.input.characters import refuse_hidden

LARGEST = 64 * 1024  # bytes; settings have a few lines


def read_toml(path: Path, subject: str) -> dict[str, Any]:
    """Read a file of settings, which messages call `subject`.

    TOML itself refuses duplicate keys, numbers such as `021`, and control characters. Raises
    `OSError`; `FactsError`: `too-large`, `not-utf-8`, `not-toml`, or `hidden-character`.
    """
    with path.open("rb") as file:
        return parse_toml(file.read(LARGEST + 1), subject)


def parse_toml(data: bytes, subject: str) -> dict[str, Any]:
    """Read settings from bytes. Raises as `read_toml`."""
    if len(data) > LARGEST:
        raise FactsError("too-large", f"{subject} has over {LARGEST} bytes", fix="check the file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FactsError("not-utf-8", f"{subject} is not UTF-8 text", fix="save as UTF-8") from None
    refuse_hidden(text.replace("\r\n", "\n"), subject, "\n\t")
    try:
        settings = tomllib.loads(text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        reason = str(error) or "it nests too deep"
        raise FactsError(
            "not-toml",
            f"{subject} is not TOML: {reason[0].lower()}{reason[1:]}",
            fix="check quotes and brackets near here",
        ) from None
    _refuse_hidden_in(settings, subject)
    return settings


def _refuse_hidden_in(value: Any, subject: str) -> None:
    """Refuse hidden characters that were written as escapes."""
    match value:
        case str():
            refuse_hidden(value, subject, "\n\t")
        case dict():
            for key, inner in value.items():
                refuse_hidden(key, subject)
                _refuse_hidden_in(inner, subject)
        case list():
            for inner in value:
                _refuse_hidden_in(inner, subject)
