"""How long an answer holds while nothing happens, in seconds since 1970."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from math import ceil

from rules.decide.holding import pack_holds_until
from rules.decide.program import Program


def earliest(ends: Iterable[int | None]) -> int | None:
    """Return the earliest end, None if nothing ends."""
    return min((end for end in ends if end is not None), default=None)


def pack_end(program: Program, time: int) -> int | None:
    """Return the next time at which other rules of a pack apply, None for never."""
    return in_seconds(pack_holds_until(program, datetime.fromtimestamp(time, UTC)))


def in_seconds(moment: datetime | None) -> int | None:
    """Return the first whole second that is not before a moment."""
    return None if moment is None else ceil(moment.timestamp())
