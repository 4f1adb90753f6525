"""The day in the zone of Santa Fe's program, which is the evening before in the first UTC hours."""

from __future__ import annotations

import time
from datetime import date, datetime
from zoneinfo import ZoneInfo

ZONE = "America/Denver"


def local_day(at: float | None = None) -> date:
    """Return the civil day at a Unix time, by default now."""
    return datetime.fromtimestamp(time.time() if at is None else at, ZoneInfo(ZONE)).date()
