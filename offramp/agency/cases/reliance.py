"""Which statements on destroyed parts relied on one that was asked back. Pure.

Each destroyed part is counted in one statement of an agency. So the count of a later statement
leaves out what an earlier one counts. If the earlier one is asked back afterwards, the later count
alone says less than what is true, until the agency has stated the rest anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from rules.frozen import frozen

# `asked_back`: the count relied on a statement that was asked back. `restated`: it did, and the
# agency has signed another statement since, which counts the rest.
Reliance = Literal["none", "asked_back", "restated"]


@frozen
class Signing:
    """A statement's place in the log, when it was signed, and when it was asked back, or None.

    Both times are on one scale, such as seconds or the positions in the log.
    """

    place: float
    at: float
    asked_back_at: float | None


def reliance_of(statement: Signing, statements: Iterable[Signing]) -> Reliance:
    """Return if a statement relied on another one of its agency in a case to the same recipient."""
    others = tuple(statements)
    recalls = [
        other.asked_back_at
        for other in others
        if other.asked_back_at is not None
        and other.place < statement.place
        and other.asked_back_at >= statement.at
    ]
    if not recalls:
        return "none"
    newest = max(recalls)
    is_restated = any(
        other.asked_back_at is None and other.place > statement.place and other.at >= newest
        for other in others
    )
    return "restated" if is_restated else "asked_back"
