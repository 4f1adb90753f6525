"""Which adopted pack counts for somebody who is enrolled already. Pure.

Whoever entered the program did so under its rules of that day. Later rules reach an enrolled person in `filing` and `ejection`
only where the prosecutor may then do less, or after notice; in everything else the pack in force counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from rules.frozen import frozen

# How much the prosecutor may do to the person, by decision and outcome. A city's own outcome counts as the most.
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
    """The digest of the pack that counts, and why, in a few words."""

    pack: str
    why: str


def governing(
    enrolled: str | None,
    later: Sequence[str],
    decision: str,
    outcomes: Mapping[str, Sequence[str]],
    noticed: AbstractSet[str] = frozenset(),
) -> Governing:
    """Which pack counts for one decision of one case.

    `enrolled` is the digest in force when the person enrolled, None for who isn't; `later` those that came into force since,
    the oldest first (for who isn't enrolled: the one in force last). `outcomes` gives for each digest what it answers: one
    outcome, or all that are possible while it is undetermined. `noticed` are the digests of which the person had notice.

    A later pack counts only if the worst that it may answer is no worse than the best under the one before it: what isn't known
    counts against the change. Raises `ValueError` where there is no pack at all.
    """
    if enrolled is None or decision not in SEVERITY:
        if not (known := [*([enrolled] if enrolled else []), *later]):
            raise ValueError("no pack is in force")
        return Governing(known[-1], IN_FORCE)
    found = Governing(enrolled, AT_ENROLLMENT)
    for pack in later:
        if pack in noticed:
            found = Governing(pack, NOTICE)
        elif (
            _severities(decision, outcomes[pack], _MOST)[-1]
            <= _severities(decision, outcomes[found.pack], 0)[0]
        ):
            found = Governing(pack, DOES_LESS)
    return found


def _severities(decision: str, outcomes: Sequence[str], unknown: int) -> list[int]:
    """From the least to the most; what isn't known is what is safer to assume."""
    return sorted(SEVERITY[decision].get(outcome, unknown) for outcome in outcomes) or [unknown]
