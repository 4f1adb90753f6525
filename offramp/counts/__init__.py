"""Counts about people: which of them may be shown. Pure, and used by every report."""

from offramp.counts.suppression import (
    LEAST,
    WIDTH,
    Balance,
    Suppression,
    Table,
    is_protected,
    suppress,
    total,
)

__all__ = [
    "LEAST",
    "WIDTH",
    "Balance",
    "Suppression",
    "Table",
    "is_protected",
    "suppress",
    "total",
]
