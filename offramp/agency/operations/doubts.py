"""The decisions on which another one rests and that may be made anew."""

from __future__ import annotations

from offramp.agency.cases.case import Case
from offramp.agency.cases.caseload import case_of
from offramp.agency.cases.next_steps import APPROVAL, APPROVING
from offramp.agency.cases.outdated import (
    ANSWER,
    FactsRead,
    OutdatedDecision,
    others_may_look_again,
    outdated_decisions,
)
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.operations.access import CASE, needs
from offramp.agency.operations.outdated_words import may_be_made_anew, out_of_date
from offramp.agency.operations.telling import agency_names
from rules.decide.program import Program

# The decisions that are out of date, and those that may be made anew though the rules agree.
Flagged = tuple[tuple[OutdatedDecision, ...], tuple[OutdatedDecision, ...]]


@needs(CASE)
def decision_doubts(office: Office, case: str, decision: str) -> tuple[str, ...]:
    """Return the sentences of `DecisionToMake.in_doubt`. A person confirms to decide all the same.

    Raises `AgencyError` `no-such-case`.
    """
    working_set = office.working_set()
    program, own_case = office.program(working_set), case_of(working_set, case)
    now = office.clock()
    flagged = flagged_decisions(working_set, program, own_case, case, now)
    return doubts_of(working_set, program, own_case, case, decision, flagged, now)


def check_no_doubt(
    office: Office, working_set: WorkingSet, case: Case, handle: str, decision: str
) -> None:
    """Check that nothing on which a decision rests may be made anew.

    Raises `AgencyError` `decision-in-doubt`.
    """
    program = office.program(working_set)
    now = office.clock()
    flagged = flagged_decisions(working_set, program, case, handle, now)
    doubts = doubts_of(working_set, program, case, handle, decision, flagged, now)
    if doubts:
        raise AgencyError(
            "decision-in-doubt",
            f"`{decision}` rests on a decision that may be made anew: {doubts[0].rstrip('.')}",
            fix="wait for it, or confirm that you decide now with `--although-in-doubt`",
        )


def flagged_decisions(
    working_set: WorkingSet, program: Program, case: Case, handle: str, now: int
) -> Flagged:
    """Return the decisions of a case that are out of date, and those that may be made anew."""
    return (
        outdated_decisions(working_set, program, handle, case, now),
        others_may_look_again(working_set, program, handle, case, now),
    )


def doubts_of(
    working_set: WorkingSet,
    program: Program,
    case: Case,
    handle: str,
    decision: str,
    flagged: Flagged,
    now: int,
) -> tuple[str, ...]:
    """Return the decisions on which one rests, and that may be made anew, as sentences.

    `flagged` are those of `flagged_decisions`, and `now` is in seconds since 1970. One of this
    office is one only if the rules read its outcome. Deciding the same again is the remedy for an
    outdated decision of its own, and isn't in doubt.
    """
    outdated, reviewed = flagged
    if not (outdated or reviewed):
        return ()
    paths = FactsRead(working_set, program, handle, case, now).of(decision)
    names = agency_names(working_set)

    def is_read(other: OutdatedDecision) -> bool:
        approves = other.decision in APPROVING and (paths is None or APPROVAL in paths)
        is_rested_on = paths is None or f"decisions.{other.decision}" in paths
        if other.agency == working_set.agency:
            return is_rested_on and other.decision != decision
        return approves or is_rested_on or other.decision == decision

    return (
        *(out_of_date(old, names) for old in outdated if old.what != ANSWER and is_read(old)),
        *(may_be_made_anew(other, names) for other in reviewed if is_read(other)),
    )
