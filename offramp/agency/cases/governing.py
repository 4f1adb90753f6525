"""Choose the adopted pack that governs a decision about an enrolled person. Pure.

A person enters the program under its rules of that day. In `filing` and `ejection`, later rules
reach an enrolled person only where the prosecutor may then do less, or after notice. In every other
decision the pack in force governs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from rules.frozen import frozen

# The severity of an outcome for the person, by decision. A city's own outcome counts as the most.
SEVERITY: Mapping[str, Mapping[str, int]] = {
    "filing": {"nothing_held": 0, "hold": 0, "prosecutor_may_file": 1},
    "ejection": {"retain": 0, "sanction": 1, "prosecutor_may_eject": 2, "terminate": 3},
}
_MOST = 99

IN_FORCE = "it is in force"
AT_ENROLLMENT = "it was in force when the person enrolled"
DOES_LESS = "the prosecutor may do no more than before"
NOTICE = "the person was given notice of it"


@frozen
class Governing:
    """The digest of the pack that governs, and why, in a few words."""

    pack: str
    why: str


def governing(
    enrolled: str | None,
    later: Sequence[str],
    decision: str,
    outcomes: Mapping[str, Sequence[str]],
    noticed: AbstractSet[str] = frozenset(),
) -> Governing:
    """Return the pack that governs one decision of one case.

    `enrolled` is the digest in force when the person enrolled, None for a person who isn't.
    `later` are the digests in force since, the oldest first. `outcomes` has for each digest the
    outcome, or all that are possible while it is undetermined. `noticed` are the digests of which
    the person had notice.

    A later pack governs only if its worst possible outcome is no worse than the best under the one
    before it: a missing fact counts against the change. Raises `ValueError` where there is no pack.
    """
    if enrolled is None or decision not in SEVERITY:
        if not (packs := [*([enrolled] if enrolled else []), *later]):
            raise ValueError("no pack is in force")
        return Governing(packs[-1], IN_FORCE)
    chosen = Governing(enrolled, AT_ENROLLMENT)
    for pack in later:
        if pack in noticed:
            chosen = Governing(pack, NOTICE)
        elif (
            _severities(decision, outcomes[pack], _MOST)[-1]
            <= _severities(decision, outcomes[chosen.pack], 0)[0]
        ):
            chosen = Governing(pack, DOES_LESS)
    return chosen


def _severities(decision: str, outcomes: Sequence[str], unknown: int) -> list[int]:
    """Return the severities from least to most, `unknown` for a city's own outcome."""
    return sorted(SEVERITY[decision].get(outcome, unknown) for outcome in outcomes) or [unknown]
