"""The time: the machine's, or for a demonstration the one written in a file."""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from rules.errors import RequestError


class Clock:
    """A clock of seconds since 1970 (UTC).

    With a file, the time it contains (`2026-11-02T18:00:00Z`), read at each call.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        # What the file contained at the last call, and the time that it is.
        self._last: tuple[bytes, int] = (b"", 0)
        self.now()

    def now(self) -> int:
        """Return the time. Raises `RequestError` `bad-clock`."""
        if self._file is None:
            return int(time.time())
        try:
            written = _read_start(self._file)
            if written != self._last[0]:
                time_of_file = datetime.fromisoformat(written.decode("utf-8").strip())
                self._last = written, int(time_of_file.astimezone(UTC).timestamp())
            return self._last[1]
        except (OSError, ValueError):
            raise RequestError(
                "bad-clock", f"`{self._file}` holds no time", fix="write one UTC time in it"
            ) from None


def day_of_asking(text: str | None) -> date:
    """Return the day that an option `--today` names, or this machine's day without one.

    Raises `RequestError` `no-such-day`.
    """
    if text is None:
        return date.today()
    from rules.shelf import day_of

    return day_of(text)


def day_in_zone(text: str | None, zone: str) -> date:
    """Return the day that an option `--today` names, or without one the day it is in a time zone.

    Raises `RequestError` `no-such-day`.
    """
    return datetime.now(ZoneInfo(zone)).date() if text is None else day_of_asking(text)


def utc_day(now: int) -> date:
    """Return the day of a time of a `Clock`, in UTC."""
    return datetime.fromtimestamp(now, UTC).date()


def _read_start(file: Path) -> bytes:
    # At each request several times, so without what a file object costs.
    opened = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(opened, 64)
    finally:
        os.close(opened)


@lru_cache(maxsize=8)
def http_date(now: int) -> str:
    """Return a time as HTTP's `Date` header has it (RFC 9110 section 5.6.7)."""
    from email.utils import format_datetime

    return format_datetime(datetime.fromtimestamp(now, UTC), usegmt=True)


def of_http_date(text: str) -> int | None:
    """Read a `Date` header's time, None for any other text."""
    from email.utils import parsedate_to_datetime

    try:
        return int(parsedate_to_datetime(text).timestamp())
    except (TypeError, ValueError):
        return None
