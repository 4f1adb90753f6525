"""What may still be sent in a case after the person has left, or the referral was asked back.

Representation ends with an exit, so the hub hands counsel the exit's notice, and stops the rest.

INVARIANT: `needs` asks `check_may_be_told` before each record that an operation composes, so that
no new operation can forget it. A form asks earlier too, so that nobody answers in vain.
"""

from __future__ import annotations

from collections.abc import Mapping

from exchange.consent.reduction import represents
from exchange.records.building import Part
from exchange.records.statements import About
from offramp.agency.cases.caseload import case_of
from offramp.agency.cases.empty_cases import is_withdrawn, referrals_asked_back
from offramp.agency.cases.refusals import Refused
from offramp.agency.errors import AgencyError
from offramp.agency.folder.outgoing import OutgoingRecord
from offramp.agency.folder.working_set import WorkingSet

# The kinds of record that say nothing about the case's service. They correct and take back what was
# told, answer others, end or record a permission, account for what was told, or begin anew. A
# charge and its filing are the prosecutor's matter, and go on. So does the proof that parts were
# destroyed. A report of a disclosure is never refused. An exit is told once: a person who left
# can't leave again, and with two exits the recall of one would leave the case closed.
_AFTER_EXIT = frozenset(
    (
        *("correction", "recall", "recall_answer", "answer", "acknowledgement"),
        *("consent", "consent_change", "representation", "accounting"),
        *("exit", "ejection", "reinstatement", "offer", "referral"),
        *("decision", "determination", "new_charge", "filing_decision", "charge_disposition"),
        *("grievance", "misuse_complaint", "premises_crime", "sealed"),
        *("oral_disclosure", "emergency_disclosure", "court_order_disclosure"),
    )
)

# The code of a part of an exit that counsel doesn't get, and why.
ENDS_WITH_EXIT = "ends-with-exit"
_NOTICE_ALONE = (
    "With the exit it no longer represents the person, so the hub hands it the notice alone.",
    "Con la salida ya no representa a la persona, así que el centro le entrega solo el aviso.",
)

# Without a referral there is no service either, and nothing to answer, consent to, or leave.
_WITHOUT_REFERRAL = _AFTER_EXIT - {
    *("answer", "consent", "exit", "ejection", "reinstatement", "decision", "determination"),
}


def check_may_be_told(working_set: WorkingSet, kind: str, handle: str | None) -> None:
    """Check that a kind of record may be sent in a case.

    Raises `AgencyError` `case-ended` for a record about the service after an exit, `left-already`
    for a second exit, `referral-recalled` for one in a case whose referral was asked back.
    """
    if handle is None or handle not in working_set.cases:
        return
    if kind not in _WITHOUT_REFERRAL and is_withdrawn(working_set, handle):
        raise _referral_recalled(working_set, kind, handle)
    if kind in _AFTER_EXIT and kind != "exit":
        return
    case = case_of(working_set, handle)
    if not case.is_ended:
        return
    left = next(entry.by for entry in reversed(case.entries) if entry.kind == "exit")
    is_own = left == working_set.agency
    fix = "if that was a mistake, take it back with `offramp agency recall DIR CASE mistaken-exit`"
    if not is_own:
        fix = f"if that was a mistake, have `{left}` recall its exit"
    if kind == "exit":
        day = "correct the day with `offramp agency correct DIR CASE enrollment.since=DAY`; "
        raise AgencyError(
            "left-already",
            f"`{left}` has told already that the person left the program",
            fix=f"{day}{fix}" if is_own else fix,
        )
    raise AgencyError(
        "case-ended",
        f"the person has left the program, so no `{kind}` is sent in this case",
        fix=fix,
    )


def stopped_by_exit(
    working_set: WorkingSet, handle: str, outgoing: OutgoingRecord
) -> Mapping[str, tuple[str, ...]]:
    """Return what an exit of this agency states and counsel doesn't get, by the agency: categories.

    Representation ends with the exit, so the hub stops all but the notice. Counsel that opened a
    part, or that acts for the person again, isn't among them.
    """
    if outgoing.kind != "exit" or outgoing.receipt is None:
        return {}
    state, directory = working_set.gateway.state(handle), working_set.gateway.history.newest
    opened = {
        (record.issuer, statement.about)
        for record in state.kind("acknowledgement")
        for _, statement in record.says()
        if isinstance(statement, About)
    }
    stopped: dict[str, dict[str, None]] = {}
    for (part_id, label), part in zip(outgoing.labels, outgoing.parts, strict=True):
        for agency in part["to"] if label.category != ("operation",) else ():
            is_counsel = directory.role(agency) == "defender" and not represents(state, agency)
            if is_counsel and (agency, (outgoing.jti, part_id)) not in opened:
                stopped.setdefault(agency, {}).update(dict.fromkeys(label.category))
    return {agency: tuple(categories) for agency, categories in stopped.items()}


def not_past_exit(working_set: WorkingSet, kind: str, part: Part) -> tuple[Refused, ...]:
    """Return the counsel from which the hub stops a part of an exit, each with the reason."""
    if kind != "exit" or part.category == ("operation",):
        return ()
    directory = working_set.gateway.history.newest
    return tuple(
        Refused(agency, ENDS_WITH_EXIT, *_NOTICE_ALONE)
        for agency in part.to
        if directory.role(agency) == "defender"
    )


def _referral_recalled(working_set: WorkingSet, kind: str, handle: str) -> AgencyError:
    issuers = referrals_asked_back(working_set, handle)
    is_own = working_set.agency in issuers
    others = " and ".join(f"`{issuer}`" for issuer in issuers)
    again = (
        "refer the person again with `offramp agency refer DIR --case CASE`"
        if is_own
        else f"have {others} refer the person again"
    )
    return AgencyError(
        "referral-recalled",
        f"{'you' if is_own else others} asked back the referral of this case, so no `{kind}` is "
        "kept or sent in it",
        fix="work in the person's other case, which `offramp agency find DIR NAME` lists; if this "
        f"one is right, {again}",
    )
