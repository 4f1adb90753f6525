"""An admission that this agency knows, while nobody has stated the enrollment since. Pure.

The enrollment is the act of a named person at the agency that knows who is enrolled: its decision
`admission admitted` states it. The prosecutor's word, or the rules' answer, admits a person and
enrolls nobody. Until somebody states it, it is unknown, and not a "no": a "no" from before the
admission was true then.
"""

from __future__ import annotations

from collections.abc import Iterator

from offramp.agency.cases.case import Case
from offramp.agency.cases.case_entry import CaseEntry
from offramp.agency.cases.decision_record import decision_in
from offramp.agency.cases.positions import record_position
from offramp.agency.cases.stated_facts import ENROLLED
from offramp.agency.folder.working_set import WorkingSet

ADMISSION, ADMITTED = "admission", "admitted"
# The roles of the agencies that serve a person in the program.
_SERVING = (
    "program",
    "case_management",
    "treatment_provider",
    "service_provider",
    "health_provider",
)


def serving_agencies(working_set: WorkingSet, handle: str) -> tuple[str, ...]:
    """Return the other agencies that serve a person, as far as this agency knows by the case.

    It had a record from them, sent one to them, or knows a consent of the person that names them.
    """
    records = working_set.cases.records(handle)
    met = {agency for sent in records.sent for part in sent.parts for agency in part["to"]}
    met |= {
        received.record.issuer
        for received in records.received.values()
        if received.record is not None
    }
    for logged in working_set.gateway.state_with_pending(handle).grants:
        met |= set(logged.pair)
    role = working_set.gateway.history.newest.role
    return tuple(
        agency for agency in sorted(met - {working_set.agency}) if role(agency) in _SERVING
    )


def awaits_enrollment(working_set: WorkingSet, handle: str, case: Case) -> bool:
    """Report whether a person is admitted, and nobody has stated the enrollment since.

    The rules' answer counts if it was sent, and so does the decision in force.
    """
    if case.is_ended:
        return False
    admitted_at = _admitted_at(working_set, handle, case)
    return admitted_at is not None and all(
        source.value is None or (not source.value and source.entry.position < admitted_at)
        for source in case.sources_of(ENROLLED)
    )


def outdated_enrollment(working_set: WorkingSet, handle: str, case: Case) -> Iterator[CaseEntry]:
    """Yield what withdraws each "no" that is older than the admission: it is unknown since.

    `case` is the case without it.
    """
    earlier = [source for source in case.sources_of(ENROLLED) if source.value is False]
    if not earlier or not awaits_enrollment(working_set, handle, case):
        return
    admitted_at = _admitted_at(working_set, handle, case)
    assert admitted_at is not None, "the person is admitted"
    for source in earlier:
        entry = source.entry
        yield CaseEntry(entry.by, entry.role, admitted_at, None, None, {ENROLLED: None}, {})


def _admitted_at(working_set: WorkingSet, handle: str, case: Case) -> float | None:
    """Return the place in the log of the admission in force. None if the person isn't admitted."""
    decided = case.attested.get(ADMISSION)
    if decided is not None:
        return decided.entry.position if decided.value == ADMITTED else None
    return _sent_at(working_set, handle)


def _sent_at(working_set: WorkingSet, handle: str) -> float | None:
    """Return the place of the newest sent answer on the admission. None if it isn't `admitted`."""
    position = None
    for outgoing in working_set.cases.records(handle).sent:
        if outgoing.kind != "decision" or outgoing.refused or outgoing.replaced_by:
            continue
        for part in outgoing.parts:
            sent = decision_in(part["content"])
            if sent is not None and sent["decision"] == ADMISSION and sent.get("outcome"):
                is_admitted = sent["outcome"] == ADMITTED
                position = record_position(outgoing) if is_admitted else None
    return position
