"""The words in which pages say what somebody did."""

from __future__ import annotations

from collections.abc import Iterable

from offramp.agency import operations
from offramp.agency.look_words import done_words, tried_words

# Looks of the console itself, at each page.
_OF_EACH_PAGE = frozenset(("list_tasks", "own_refused_sign_ins"))


def words_of_look(look: operations.Look) -> str:
    """Return what a person did, or was refused."""
    if look.refused is not None:
        return f"tried to {tried_words(look.operation)}"
    return done_words(look.operation)


def looks_lines(looks: Iterable[operations.SessionLook]) -> list[tuple[int, str, str | None]]:
    """Return the time, the words, and the person of each look of a session."""
    return [
        (entry.look.time, words_of_look(entry.look), entry.person)
        for entry in looks
        if entry.look.operation not in _OF_EACH_PAGE
    ]
