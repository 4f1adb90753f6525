"""Which statements on destroyed parts relied on one that was asked back, or count its parts. Pure.

Each destroyed part is counted in one statement of an agency. So the count of a later statement
leaves out what an earlier one counts. If the earlier one is asked back afterwards, the later count
alone says less than what is true, until the agency has stated the rest anew.

A statement that an agency signs after it asked one back counts the parts of that one too. They were
destroyed before, for the reason of the statement that doesn't count any more. See
docs/decisions/0117-what-the-persons-page-says.md.
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

    Both times are on one scale, such as seconds or the positions in the log. `ended` is the count
    that it states, None if its text isn't readable here.
    """

    place: float
    at: float
    asked_back_at: float | None
    ended: int | None = None


@frozen
class DestroyedBefore:
    """Parts in a statement's count that were destroyed for the reason of one that was asked back.

    `count` is None if that statement isn't readable here, so that their number isn't known.
    """

    count: int | None


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


def destroyed_before(statement: Signing, statements: Iterable[Signing]) -> DestroyedBefore | None:
    """Return the parts that a statement counts and that were destroyed for an earlier reason.

    `statements` are those of its agency in a case to the same recipient. None if there are none.
    """
    others = tuple(statements)
    again = _counted_again(statement, others)
    if not again or statement.ended == 0:
        return None
    counts = [_own_count(earlier, others) for earlier in again]
    known = [count for count in counts if count is not None]
    if len(known) < len(counts) or statement.ended is None:
        return DestroyedBefore(None)
    count = min(sum(known), statement.ended)
    return DestroyedBefore(count) if count else None


def _counted_again(statement: Signing, others: tuple[Signing, ...]) -> tuple[Signing, ...]:
    """Return the statements that were asked back and whose parts this one is the first to count."""
    earlier = [other for other in others if other.place < statement.place]
    return tuple(
        recalled
        for recalled in earlier
        if recalled.asked_back_at is not None
        and recalled.asked_back_at < statement.at
        and not any(
            other.at > recalled.asked_back_at
            and (other.asked_back_at is None or other.asked_back_at > statement.at)
            for other in earlier
        )
    )


def _own_count(statement: Signing, others: tuple[Signing, ...]) -> int | None:
    """Return how many parts a statement states for its own reason. None if that isn't known."""
    if statement.ended is None:
        return None
    before = destroyed_before(statement, others)
    if before is None:
        return statement.ended
    return None if before.count is None else statement.ended - before.count
