"""Reduce the log state of a case to the flat facts that `disclosure` reads.

`reduce` answers for one part, category, sender, and recipient at one index and time. It has no
clock, so the answer about an index never changes, whatever follows in the log.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from exchange.consent.state import COLLECTORS, Committed, LoggedGrant, Passage, Roles, State
from exchange.consent.terms import named_agencies
from exchange.records.label import Label
from exchange.records.statements import About, Answer, Emergency, Representation
from rules.frozen import frozen

# The categories that 42 CFR Part 2 covers unless the sender is known to be outside it. `barriers`
# are among them, because case managers learn them in care.
FROM_CARE = (
    "barriers",
    "plan",
    "service",
    "progress",
    "attendance",
    "substance_use",
    "test_result",
    "treatment",
    "health",
    "counseling_note",
)
_SENSITIVITIES = ("plain", "health", "part2")

OFFER_LASTS = timedelta(days=30)
EMERGENCY_LASTS = timedelta(hours=24)

NONE, INVALID, LIVE, NOT_YET, ENDED = "none", "invalid", "live", "not_yet", "ended"
# The types of consent, in the order in which `grant.type` takes the first.
_TYPES = ("ordinary", "counseling_notes", "conditional", "proceedings")

# The recipients of two notices that need no consent: counsel's appearance and a person's exit.
_NOTICE_RECIPIENTS = {
    "representation": ("program", "case_management", "prosecutor"),
    "exit": ("program", "case_management"),
}


@frozen
class Query:
    """A question for `disclosure`: may this part go from `sender` to `recipient`, as `category`?

    The log state is that before `index`, and `time` is in seconds since 1970. `record` contains
    the part, and `claimed` is the basis on the sealed entry.
    """

    record: Committed
    label: Label
    category: str
    purpose: str
    claimed: str
    sender: str
    recipient: str
    index: int
    time: int


def queries_of(record: Committed, passage: Passage, *, index: int, time: int) -> tuple[Query, ...]:
    """Return the queries about one passage, one for each category of its part."""
    label = record.labels[passage.part]
    return tuple(
        Query(
            record,
            label,
            category,
            passage.purpose,
            passage.basis,
            record.issuer,
            passage.to,
            index,
            time,
        )
        for category in label.category
    )


def reduce(query: Query, state: State, roles: Roles, zone: ZoneInfo) -> dict[str, Any]:
    """Return every fact that `disclosure` reads, None for an unknown one."""
    before = state.before(query.index)
    sender, recipient = direction(query)
    status, type_, _ = grant_status(before, query, zone)
    is_emergency = emergency_report(before, query) is not None
    return {
        "sender.role": roles.role(sender),
        "recipient.role": roles.role(recipient),
        "recipient.represents": represents(before, recipient),
        "part.category": query.category,
        "part.use": query.label.use,
        "part.sensitivity": sensitivity(query.label.sensitivity, sender, query.category, roles),
        "part.question": query.record.kind == "question",
        "purpose": query.purpose,
        "grant.status": status,
        "grant.type": type_,
        "restriction": is_restricted(before, sender, recipient, query.category),
        "override": "medical_emergency" if is_emergency else NONE,
        "basis": valid_basis(before, query, roles, status),
    }


def relies(queries: Iterable[Query], state: State, zone: ZoneInfo) -> tuple[str, ...]:
    """Return the ids of the case's records that a permit of these queries rests on.

    They are the consent, the accepted offer at the scene, the report of an emergency, or the
    record that an acknowledgment is about.
    """
    records = (_record_behind(state.before(query.index), query, zone) for query in queries)
    return tuple(dict.fromkeys(record.jti for record in records if record is not None))


def _record_behind(before: State, query: Query, zone: ZoneInfo) -> LoggedGrant | Committed | None:
    match query.claimed:
        case "consent":
            return grant_status(before, query, zone)[2]
        case "offer_at_scene":
            return _accepted_offer(before, query)
        case "operation":
            about = query.label.statement
            return before.subject(about) if isinstance(about, About) else None
    return emergency_report(before, query)


def direction(query: Query) -> tuple[str, str]:
    """Return the sender and recipient of the information.

    A question is decided as its answer would be: the asked agency is the sender, and the asking
    agency is the recipient.
    """
    if query.record.kind == "question":
        return query.recipient, query.sender
    return query.sender, query.recipient


# Consent


def grant_status(
    before: State, query: Query, zone: ZoneInfo
) -> tuple[str, str, LoggedGrant | None]:
    """Return the status and type of the person's consent, with its grant.

    The consent is that for the query's pair of agencies, category, and purpose.
    """
    pair = direction(query)
    if None in before.faulty or pair in before.faulty:
        return INVALID, NONE, None
    grants = before.grants_of(pair)
    if any(not logged.entitled for logged in grants):
        return INVALID, NONE, None
    by_status: dict[str, list[LoggedGrant]] = {}
    for logged in grants:
        if _covers(before, logged, query):
            status = status_of_grant(before, logged, query.time, zone)
            by_status.setdefault(status, []).append(logged)
    for status in (LIVE, NOT_YET, ENDED):
        if status in by_status:
            first = min(by_status[status], key=lambda logged: _TYPES.index(logged.grant.type))
            return status, first.grant.type, first
    return NONE, NONE, None


def _covers(before: State, logged: LoggedGrant, query: Query) -> bool:
    """Return whether a grant lists the query's category, not narrowed since, and its purpose."""
    grant = logged.grant
    if query.category not in grant.categories or query.purpose not in grant.purposes:
        return False
    return not any(
        query.category in (narrowing.change.categories or ())
        for narrowing in before.changes_to(grant, "narrow")
    )


def status_of_grant(before: State, logged: LoggedGrant, time: int, zone: ZoneInfo) -> str:
    """Return whether a grant is live, not yet live, or ended at a time, in seconds since 1970."""
    grant = logged.grant
    if before.changes_to(grant, "end"):
        return ENDED
    # Only the agency that the consent names may certify the event that ends it.
    certificates = before.changes_to(grant, "certify")
    if any(certificate.record.issuer == grant.certifier for certificate in certificates):
        return ENDED
    if grant.expires is not None:
        if time >= _midnight_of(grant.expires, zone, 1):
            return ENDED
    return LIVE if time >= _midnight_of(grant.from_, zone, 0) else NOT_YET


def next_change(state: State, time: int, zone: ZoneInfo) -> int | None:
    """Return the first time after `time` at which the reduction may change without a record.

    Times are in seconds since 1970. The result is None for never, and it is never too late.
    """
    times = []
    for logged in state.grants:
        times.append(midnight(date.fromisoformat(logged.grant.from_), zone))
        if logged.grant.expires is not None:
            times.append(midnight(date.fromisoformat(logged.grant.expires), zone, days=1))
    for record in state.kind("referral"):
        times += [record.time, record.time + int(OFFER_LASTS.total_seconds()) + 1]
    for record in state.kind("emergency_disclosure"):
        times += [record.time, record.time + int(EMERGENCY_LASTS.total_seconds())]
    return min((change for change in times if change > time), default=None)


def is_restricted(before: State, sender: str, recipient: str, category: str) -> bool:
    """Return whether a restriction covers this category for this pair, and no grant lifts it.

    Only a later, unended grant for the same pair and category lifts a restriction, by its id.
    """
    pair = sender, recipient
    for restriction in before.changes_for(pair):
        if category in (restriction.change.categories or ()):
            is_lifted = any(
                restriction.part in logged.grant.lifts
                and logged.index > restriction.record.index
                and category in logged.grant.categories
                and not before.changes_to(logged.grant, "end")
                for logged in before.grants_of(pair)
            )
            if not is_lifted:
                return True
    return False


def midnight(day: date, zone: ZoneInfo, days: int = 0) -> int:
    """Return the first instant of a day, plus `days`, in a zone, in seconds since 1970.

    The day after the calendar's last day never comes.
    """
    try:
        shifted = day + timedelta(days=days)
        return int(datetime(shifted.year, shifted.month, shifted.day, tzinfo=zone).timestamp())
    except OverflowError:
        return 2**62


@lru_cache(maxsize=4096)
def _midnight_of(day: str, zone: ZoneInfo, days: int) -> int:
    return midnight(date.fromisoformat(day), zone, days)


# Other facts


def represents(before: State, agency: str, *, past_exit: bool = False) -> bool:
    """Return whether an agency is the person's counsel, by its own record.

    Representation lasts until an exit, or until the agency names another one or recalls it: it
    was stated in the wrong case. With `past_exit`, an exit does not end it: a person after an exit
    needs counsel most, and counsel needs the account.
    """
    is_counsel = False
    for record in before.kind("representation", "exit"):
        if record.kind == "exit":
            is_counsel = is_counsel and past_exit
        elif record.issuer == agency and record.sound:
            for part, statement in record.says():
                if isinstance(statement, Representation):
                    is_named = statement.agency == agency
                    is_counsel = is_named and not before.is_recalled(record, part)
    return is_counsel


def sensitivity(labeled: str, sender: str, category: str, roles: Roles) -> str | None:
    """Return the stricter of the label's sensitivity and the one that the sender implies.

    A sender that isn't known to be outside 42 CFR Part 2 counts as inside it.
    """
    if labeled not in _SENSITIVITIES:
        return None
    return "part2" if category in FROM_CARE and roles.part2(sender) != "no" else labeled


def emergency_report(before: State, query: Query) -> Committed | None:
    """Return the report that permits a disclosure in a medical emergency (42 CFR 2.51).

    The report must be by this sender, name this category and recipient, be complete and
    countersigned, and be less than a day old.
    """
    if query.purpose != "medical_emergency":
        return None
    sender, recipient = direction(query)
    for record in before.kind("emergency_disclosure"):
        is_fresh = 0 <= query.time - record.time < EMERGENCY_LASTS.total_seconds()
        if not (record.sound and is_fresh and record.issuer == sender):
            continue
        for _, report in record.says():
            if isinstance(report, Emergency) and report.whole and report.countersigned:
                if (report.told, report.category) == (recipient, query.category):
                    return record
    return None


def valid_basis(before: State, query: Query, roles: Roles, status: str) -> str:
    """Return the basis that the sealed entry claims if its condition is met, else `none`.

    `status` is the status of the grant.
    """
    match query.claimed:
        case "consent":
            is_met = status == LIVE
        case "offer_at_scene":
            is_met = _accepted_offer(before, query) is not None
        case "operation":
            is_met = _is_operational(before, query, roles)
        case "premises_crime":
            is_met = query.record.kind == query.claimed and roles.role(query.sender) in COLLECTORS
        case _:
            is_met = False
    return query.claimed if is_met else NONE


def _accepted_offer(before: State, query: Query) -> Committed | None:
    """Return the referral with the accepted offer on which police may disclose.

    It is at most thirty days old, and no refusal and no exit followed it. A recalled acceptance
    permits nothing. A recalled refusal or exit still ends the offer (decision record 0060).
    """
    accepted: Committed | None = None
    began: int | None = None
    includes_itself = query.record.index >= query.index
    for record in (*before.answers, query.record) if includes_itself else before.answers:
        answers = [
            (part, statement.answer)
            for part, statement in record.says()
            if isinstance(statement, Answer)
        ]
        has_declined = any(answer == "declined" for _, answer in answers)
        # A refusal goes to the recipients of the acceptance, so it must not stop itself.
        is_refusal = has_declined and not record.is_same_record(query.record)
        if record.kind == "exit" or is_refusal:
            accepted, began = None, None
            continue
        accepting = [part for part, answer in answers if answer == "accepted"]
        if record.kind == "referral" and record.role == "police" and record.sound and accepting:
            # The first acceptance counts. Police can't extend the thirty days with another one,
            # also not after they recalled the first.
            began = record.time if began is None else began
            if not all(before.is_recalled(record, part) for part in accepting):
                accepted = accepted or record
    if accepted is None or began is None:
        return None
    return accepted if 0 <= query.time - began <= OFFER_LASTS.total_seconds() else None


def _is_operational(before: State, query: Query, roles: Roles) -> bool:
    """Return whether the basis `operation` covers a query.

    It covers records about no case, records among the parties of the record that they are about,
    consent terms to the agencies that they name, and the two notices that need no consent.
    """
    sender, recipient = direction(query)
    if query.category == "consent_terms":
        return recipient in named_agencies(before, query.label.statement)
    if query.category != "operation":
        return False
    if query.record.case is None:
        return True
    kind = query.record.kind
    if kind in _NOTICE_RECIPIENTS:
        is_counsel = kind == "exit" and represents(before, recipient, past_exit=True)
        return is_counsel or roles.role(recipient) in _NOTICE_RECIPIENTS[kind]
    about = query.label.statement
    subject = before.subject(about) if isinstance(about, About) else None
    if subject is None or not isinstance(about, About):
        return False
    return {sender, recipient} <= {subject.issuer, *subject.recipients(about.about[1])}
