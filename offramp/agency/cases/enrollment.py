"""An admission that this agency knows, while nobody here has stated the enrollment. Pure.

The enrollment is the act of a named person at the agency that knows who is enrolled: its decision
`admission admitted` states it. The prosecutor's word, or the rules' answer, admits a person and
enrolls nobody. Until somebody states it, it is unknown, and not a "no".
"""

from __future__ import annotations

from offramp.agency.cases.case import Case
from offramp.agency.cases.decision_record import decision_in
from offramp.agency.cases.stated_facts import ENROLLED
from offramp.agency.folder.working_set import WorkingSet

ADMISSION, ADMITTED = "admission", "admitted"


def awaits_enrollment(working_set: WorkingSet, handle: str, case: Case) -> bool:
    """Report whether a person is admitted, and nobody has stated the enrollment since.

    The rules' answer counts if it was sent, and so does the decision in force.
    """
    enrolled = case.known.get(ENROLLED)
    if case.is_ended or (enrolled is not None and enrolled.entry.record is not None):
        return False
    if enrolled is not None and enrolled.value:
        return False
    decided = case.attested.get(ADMISSION)
    if decided is not None:
        return bool(decided.value == ADMITTED)
    return _sent_outcome(working_set, handle) == ADMITTED


def _sent_outcome(working_set: WorkingSet, handle: str) -> object:
    """Return the outcome of the newest answer on the admission that was sent. None for none."""
    outcome: object = None
    for outgoing in working_set.cases.records(handle).sent:
        if outgoing.kind != "decision" or outgoing.refused or outgoing.replaced_by:
            continue
        for part in outgoing.parts:
            sent = decision_in(part["content"])
            if sent is not None and sent["decision"] == ADMISSION and sent.get("outcome"):
                outcome = sent["outcome"]
    return outcome
