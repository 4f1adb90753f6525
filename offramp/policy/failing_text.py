"""Scenarios that fail, in words: those that fail for one cause are told together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rules.frozen import frozen

_FEW = 2  # scenarios of one cause that are told apart
_NAMED = 3  # of those that are told together
_OUTSIDE = re.compile(
    r"it is refused: [^`]*`[^`]+` (?P<how>began on|is) (?P<edge>[\d-]+)"
    r"(?:, after (?P<earlier>[\d-]+)|, and (?P<later>[\d-]+) is later).*\[outside-program\]"
)


@frozen
class FailingTogether:
    """Scenarios that fail for one cause, by their ids, and that cause with what mends it.

    With `is_outside`, they are of days on which the program doesn't run.
    """

    ids: tuple[str, ...]
    why: str
    is_outside: bool = False

    @property
    def named(self) -> str:
        """The scenarios as the subject of a sentence: all of them, or the first and a number."""
        return named_scenarios(self.ids)


def named_scenarios(ids: Sequence[str]) -> str:
    """Return scenarios as the subject of a sentence: all of them, or the first and a number."""
    if len(ids) == 1:
        return f"`{ids[0]}`"
    first = ", ".join(f"`{name}`" for name in ids[:_NAMED])
    more = len(ids) - _NAMED
    listed = first if more <= 0 else f"{first} and {more} more"
    return f"{len(ids)} scenarios ({listed})"


def failing_together(failing: Iterable[tuple[str, str]]) -> list[FailingTogether]:
    """Group failing scenarios, each with the reason why, by their cause.

    A day outside the program is one cause, whichever day it is. So is one reason in equal words.
    """
    by_cause: dict[str, list[tuple[str, str]]] = {}
    for name, why in failing:
        outside = _OUTSIDE.match(why)
        cause = f"{outside['how']} {outside['edge']}" if outside is not None else why
        by_cause.setdefault(cause, []).append((name, why))
    groups: list[FailingTogether] = []
    for entries in by_cause.values():
        if len(entries) <= _FEW:
            groups += (FailingTogether((name,), why) for name, why in entries)
        else:
            names = tuple(name for name, _ in entries)
            reasons = [why for _, why in entries]
            is_outside = _OUTSIDE.match(reasons[0]) is not None
            groups.append(FailingTogether(names, _cause(reasons), is_outside))
    return groups


def _cause(reasons: Sequence[str]) -> str:
    matches = [match for why in reasons if (match := _OUTSIDE.match(why)) is not None]
    if not matches:
        return reasons[0]
    edge, is_start = matches[0]["edge"], matches[0]["how"] == "began on"
    days = sorted({match["earlier"] or match["later"] for match in matches})
    own = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    wanted = f"a day from {edge} on" if is_start else f"a day up to {edge}"
    program = f"begins on {edge}" if is_start else f"has its last day on {edge}"
    return (
        f"the program {program}, and their days are {own}, without an answer. In `scenarios.yaml`, "
        f"write {wanted} there, and move times such as `now` along"
    )
