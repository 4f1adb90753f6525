"""The time: the machine's, or for a demonstration the one written in a file."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

from rules.errors import RequestError
from rules.shelf import day_of


class Clock:
    """A clock of seconds since 1970 (UTC).

    With a file, the time it contains (`2026-11-02T18:00:00Z`), read at each call.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self.now()

    def now(self) -> int:
        """Return the time. Raises `RequestError` `bad-clock`."""
        if self._file is None:
            return int(time.time())
        try:
            return int(
                datetime.fromisoformat(self._file.read_text(encoding="utf-8").strip())
                .astimezone(UTC)
                .timestamp()
            )
        except (OSError, ValueError):
            raise RequestError(
                "bad-clock", f"`{self._file}` holds no time", fix="write one UTC time in it"
            ) from None


def day_of_asking(text: str | None) -> date:
    """Return the day that an option `--today` names, or this machine's day without one.

    Raises `RequestError` `no-such-day`.
    """
    return date.today() if text is None else day_of(text)


def utc_day(now: int) -> date:
    """Return the day of a time of a `Clock`, in UTC."""
    return datetime.fromtimestamp(now, UTC).date()


def http_date(now: int) -> str:
    """Return a time as HTTP's `Date` header has it (RFC 9110 section 5.6.7)."""
    return format_datetime(datetime.fromtimestamp(now, UTC), usegmt=True)


def of_http_date(text: str) -> int | None:
    """Read a `Date` header's time, None for any other text."""
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except (TypeError, ValueError):
        return None
