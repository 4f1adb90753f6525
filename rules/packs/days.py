"""Read the days of a pack: of its items, its program, and the checks of its sources."""

from __future__ import annotations

import re
from datetime import date

from rules.input.yaml import Node


def read_day(node: Node) -> date:
    """Read a day. A month or a year alone is its first day."""
    text = node.text("the date")
    shape = re.fullmatch(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?", text)
    if shape:
        try:
            return date(int(shape[1]), int(shape[2] or 1), int(shape[3] or 1))
        except ValueError:
            pass
    node.fail("no-such-day", f"`{text}` is not a day", "write it as 2014-04-01, 2014-04 or 2014")


def reversed_days(subject: str, since: date, until: date) -> tuple[str, str]:
    """Return the message and the fix for an item that ends before it begins, or on that day."""
    if since == until:
        return (
            f"{subject} begins on {since} and ends on that day, so it is in force on no day",
            "write a later `until`, which is the first day without it",
        )
    return f"{subject} ends on {until} before it begins on {since}", "swap the dates"
