"""A memo of a rule change as it travels: the text that its digest covers, and its checks.

The text is the memo's JSON without its digest and without the command that made it, with sorted
names and no spaces. So the SHA-256 of the bytes is the digest, and no folder of the author's is in
it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from offramp.memo_shape import MEMO, first_wrong
from rules.errors import RequestError
from rules.frozen import frozen
from rules.input.printing import plain, printable

LARGEST = 4 * 1024 * 1024  # bytes
_AHEAD = timedelta(days=31)
_DEEPEST = 64  # levels, so that no text exhausts the stack


@frozen
class MemoFile:
    """A memo whose digest was computed here. `value` has the digest as `memo`, too."""

    value: Mapping[str, Any]
    digest: str
    text: bytes

    def check_belongs(self, old: str, new: str, today: date) -> None:
        """Check that the memo is of the whole change between two packs, by their digests.

        A memo of a day after `today` leaves out the days before it, if the packs differ on them. A
        month is allowed, since a change is proposed ahead. Raises `RequestError` `another-memo`,
        `memo-of-part`, `memo-with-findings`.
        """
        sides = self.value["old"], self.value["new"]
        if [side["digest"] for side in sides] != [old, new]:
            raise RequestError(
                "another-memo",
                f"this memo is of the packs `{sides[0]['digest'][:19]}…` and "
                f"`{sides[1]['digest'][:19]}…`, and not of the pack in force and the new one",
                fix="make it with `offramp change` from the pack in force to the one to adopt",
            )
        is_ahead = date.fromisoformat(sides[1]["day"]) > today + _AHEAD
        if (
            self.value["of_decisions"]
            or sides[0]["day"] != sides[1]["day"]
            or (is_ahead and self.value["differs_from"] is not None)
        ):
            raise RequestError(
                "memo-of-part",
                "this memo leaves out a part of the change",
                fix="make it without `--decision`, for one day, which is today or soon",
            )
        if self.value["findings"]:
            raise RequestError(
                "memo-with-findings",
                f"this memo begins with a finding: {self.value['findings'][0]}",
                fix="change the pack first",
            )


def memo_text(value: Mapping[str, Any]) -> bytes:
    """Return the text of a memo that its digest covers."""
    body = {name: part for name, part in value.items() if name != "memo"}
    body["repeat"] = {name: part for name, part in value["repeat"].items() if name != "command"}
    text = json.dumps(plain(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def digest_of(value: Mapping[str, Any]) -> str:
    """Return the digest of a memo, without the digest that it states."""
    return text_digest(memo_text(value))


def text_digest(text: bytes) -> str:
    """Return the digest of a memo's text."""
    return f"sha256:{hashlib.sha256(text).hexdigest()}"


def read_memo(data: bytes, expected: str | None = None) -> MemoFile:
    """Read a memo, as `change --json` prints it or as it travels, and compute its digest.

    Raises `RequestError` `not-a-memo`, and `memo-changed` where the digest isn't the one that the
    memo states, or the `expected` one.
    """
    value = parse_object(data)
    wrong = first_wrong(value, MEMO)
    if wrong is not None:
        raise _not_a_memo(f"`{printable(wrong)}` is missing or isn't what a memo has there")
    text = memo_text(value)
    digest = text_digest(text)
    stated = value.get("memo", digest)
    if digest != stated or digest != (expected or digest):
        raise RequestError(
            "memo-changed",
            f"the memo has the digest `{digest[:19]}…` in place of "
            f"`{str(expected or stated)[:19]}…`",
            fix="make the memo again",
        )
    return MemoFile({"memo": digest, **value}, digest, text)


def parse_object(data: bytes) -> dict[str, Any]:
    """Read a JSON object of a memo or of a report. Raises `RequestError` `not-a-memo`."""
    if len(data) > LARGEST:
        raise _not_a_memo("it is too large")
    try:
        value = json.loads(data.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise _not_a_memo("it can't be read as JSON") from None
    if not isinstance(value, dict) or _is_too_deep(value):
        raise _not_a_memo("it is no memo")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            part
            for item in level
            for part in (item.values() if isinstance(item, dict) else item)
            if isinstance(part, (dict, list))
        ]
        if not level:
            return False
    return True


def _not_a_memo(why: str) -> RequestError:
    return RequestError(
        "not-a-memo",
        f"this is no memo of a rule change: {why}",
        fix="make it with `offramp change OLD NEW --json`",
    )
