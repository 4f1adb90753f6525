"""SQLite's result codes (sqlite.org/rescode.html), for every store of the exchange."""

from __future__ import annotations

import sqlite3
from typing import Literal


def fault_of(error: sqlite3.Error) -> Literal["disk", "busy", "content"]:
    """Return the cause of an error: the disk, another program in the way, or the content."""
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN")):
        return "disk"
    return "busy" if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) else "content"
