"""Cases in which nothing is left to do, although nobody has left a program. Pure.

Counsel mistyped a handle and took the statement back: the case is *empty*. Or every referral of the
case was asked back, as a duplicate or as one of the wrong person: the case is *withdrawn*, unless a
record of the service stands in it, such as a consent in force or an intake.
"""

from __future__ import annotations

from collections.abc import Iterator

from exchange.consent.disclosure import day_of
from exchange.consent.state import Committed
from exchange.records.statements import Answer
from offramp.agency.cases.case import Case
from offramp.agency.cases.caseload import handles, recalled_parts
from offramp.agency.folder.working_set import WorkingSet

# What counsel's statement in a wrong case leaves behind.
_LEFTOVERS = frozenset(("representation", "recall", "recall_answer", "acknowledgement"))

# What rests on a referral, so that nothing of it counts once the referral is asked back. A question
# or a request for a status waits for no answer then.
RESTS_ON_REFERRAL = frozenset(
    (
        *("question", "answer", "decision", "screening_outcome", "correction", "meeting_agenda"),
        *("acknowledgement", "recall", "recall_answer", "consent_change", "accounting"),
    )
)
# What is no service of the program, and stays whatever becomes of the referral.
_NO_SERVICE = frozenset(
    (
        *("offer", "referral", "representation", "grievance", "misuse_complaint"),
        *("premises_crime", "new_charge", "filing_decision", "charge_disposition", "sealed"),
        *("oral_disclosure", "emergency_disclosure", "court_order_disclosure"),
    )
)


def is_empty(working_set: WorkingSet, handle: str) -> bool:
    """Return True if a case has nothing but counsel's statements, and all of them were recalled."""
    records = working_set.cases.records(handle)
    if records.notes:
        return False
    parts: set[tuple[str, str]] = set()
    for outgoing in records.sent:
        if outgoing.kind not in _LEFTOVERS:
            return False
        if outgoing.kind == "representation" and outgoing.refused is None:
            parts |= {(outgoing.jti, str(part)) for part, _ in outgoing.labels}
    for received in records.received.values():
        if received.record is None or received.record.kind not in _LEFTOVERS:
            return False
        if received.record.kind == "representation":
            parts |= {(received.record.jti, part) for part in received.record.labels}
    return bool(parts) and parts <= set(recalled_parts(working_set, handle))


def is_withdrawn(working_set: WorkingSet, handle: str) -> bool:
    """Return True if every referral of a case was asked back, and no record of a service stands."""
    return bool(referrals_asked_back(working_set, handle)) and not any(
        standing_services(working_set, handle)
    )


def is_open(working_set: WorkingSet, handle: str, case: Case) -> bool:
    """Return True unless the person has left, or nothing is left to do in a case."""
    return not (case.is_ended or is_empty(working_set, handle) or is_withdrawn(working_set, handle))


def referrals_asked_back(working_set: WorkingSet, handle: str) -> tuple[str, ...]:
    """Return the agencies that asked back their referrals, if none stands. Empty otherwise.

    A referral stands while one part that states the accepted offer does. A part that was asked back
    from a wrong recipient alone stands for all others.
    """
    state = working_set.gateway.state(handle)
    referrals = state.kind("referral")
    for record in referrals:
        accepting = [
            part
            for part, statement in record.says()
            if isinstance(statement, Answer) and statement.answer == "accepted"
        ]
        if not all(state.is_recalled(record, part) for part in accepting or record.labels):
            return ()
    return tuple(dict.fromkeys(record.issuer for record in referrals))


def standing_services(working_set: WorkingSet, handle: str) -> Iterator[Committed]:
    """Yield the records of a service that stand in a case: not recalled, and consents in force."""
    gateway = working_set.gateway
    state, recalled = gateway.state(handle), recalled_parts(working_set, handle)
    in_force = _consents_in_force(working_set, handle)
    for record in state.records:
        if record.kind in RESTS_ON_REFERRAL or record.kind in _NO_SERVICE:
            continue
        if record.kind == "consent" and record.jti not in in_force:
            continue
        if any((record.jti, part) not in recalled for part in record.labels):
            yield record


def _consents_in_force(working_set: WorkingSet, handle: str) -> frozenset[str]:
    """Return the records of the grants that nobody ended, and whose last day isn't over."""
    gateway = working_set.gateway
    state = gateway.state_with_pending(handle)
    today = None
    if gateway.line is not None and gateway.history.size:
        today = day_of(gateway.line.time, gateway.history.newest.zone).isoformat()
    return frozenset(
        logged.jti
        for logged in state.grants
        if not state.changes_to(logged.grant, "end")
        and (logged.grant.expires is None or today is None or logged.grant.expires >= today)
    )


def live_handles(working_set: WorkingSet) -> tuple[str, ...]:
    """Return every case in which something is left, or a recall waits for this agency's answer."""
    return tuple(
        handle
        for handle in handles(working_set)
        if not is_empty(working_set, handle) or working_set.gateway.pending_recalls(handle)
    )
