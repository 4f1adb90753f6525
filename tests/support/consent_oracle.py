"""The table of EXCHANGE.md as one page of plain Python: when a part may pass, and never otherwise.

It is an oracle for the product's own reduction and rules, and shares no code with them. A story is
plain data: records in the order of the log, and a directory that changes. Where the contract leaves
room, the oracle is the more permissive reading, so every permit that it lacks is a fault.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

COLLECTORS = {"case_management", "treatment_provider", "service_provider", "health_provider"}
JUSTICE = {"police", "prosecutor"}
CARE = {
    *("plan", "service", "progress", "attendance", "substance_use", "test_result"),
    *("treatment", "health", "counseling_note"),
}
ARREST = {"encounter", "charge", "screening_outcome", "new_charge", "charge_status"}
NEVER = {
    *("criminal_history", "offense_disclosure", "immigration", "informant"),
    *("privileged", "third_party"),
}
FOR_POLICE = {
    *("contact", "encounter", "charge", "screening_outcome", "new_charge", "charge_status"),
    *("enrollment", "case_manager_contact", "status", "consent_terms", "operation"),
    "premises_crime",
}
FOR_PROSECUTOR = FOR_POLICE - {"premises_crime"} | {
    *("decision_outcome", "intake_status", "barriers"),
}
PERMITTED = {
    *("offer_and_hand_off", "screening", "admission", "diversion_coordination", "filing_status"),
    *("treatment", "service_arrangement", "legal_representation", "inform_person"),
}
# The types of a consent in the order of the table: a contradiction takes the earlier one.
TYPES = ("ordinary", "counseling_notes", "conditional", "proceedings")
DAY = 86400


@dataclass(frozen=True)
class Told:
    """A record of a case in the log. `says` has the statement of each part, `to` its recipients."""

    index: int
    time: int
    id: str
    issuer: str
    kind: str
    says: dict[str, dict[str, Any]]
    to: dict[str, list[str]]
    sound: bool = True


@dataclass(frozen=True)
class Story:
    """Records in order, and the directory as (index, agency to role and Part 2 status)."""

    records: list[Told]
    directories: list[tuple[int, dict[str, tuple[str, str]]]]
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("America/Denver"))

    def listed(self, agency: str, index: int) -> tuple[str, str] | None:
        """Return an agency's role and status in the directory in force at an index."""
        newest: dict[str, tuple[str, str]] = {}
        for since, agencies in self.directories:
            if since <= index:
                newest = agencies
        return newest.get(agency)

    def day(self, time: int) -> date:
        """Return the day of an instant where the program is."""
        return datetime.fromtimestamp(time, UTC).astimezone(self.zone).date()


@dataclass(frozen=True)
class Ask:
    """May this part pass, as of an index and a time?"""

    index: int
    time: int
    record: Told
    part: str
    recipient: str
    purpose: str
    basis: str
    categories: tuple[str, ...]
    sensitivity: str = "plain"
    use: str = "no_adverse_action"
    notice: str = "own-1"
    keep_until: str = "2030-01-01"


def may_pass(story: Story, ask: Ask) -> bool:
    """Return whether the contract lets the part pass: as each of its categories, or not at all."""
    return bool(ask.categories) and all(_may_pass_as(story, ask, each) for each in ask.categories)


def _may_pass_as(story: Story, ask: Ask, category: str) -> bool:
    sender, recipient = ask.record.issuer, ask.recipient
    if ask.record.kind == "question":  # decided as its answer would be
        sender, recipient = recipient, sender
    of_sender, of_recipient = story.listed(sender, ask.index), story.listed(recipient, ask.index)
    if of_sender is None or of_recipient is None:
        return False
    (from_role, part2), (to_role, _) = of_sender, of_recipient
    before = [record for record in story.records if record.index < ask.index]
    status, type_ = _consent(story, before, ask, sender, recipient, category)
    emergency = _emergency(before, ask, recipient)
    has_basis = _has_basis(story, before, ask, sender, recipient, category, status)
    basis = ask.basis if has_basis else "none"
    if not basis_or_override(basis, emergency):
        return False
    sensitivity = "part2" if category in CARE and part2 != "no" else ask.sensitivity
    day = story.day(ask.time)
    if day.isoformat() > ask.keep_until or (sensitivity == "part2" and ask.notice == "none"):
        return False
    is_operation = basis == "operation"
    denials = (
        category in NEVER,
        status == "invalid" and not is_operation and not emergency,
        type_ in ("conditional", "proceedings"),
        _is_restricted(story, before, sender, recipient, category)
        and not is_operation
        and not emergency,
        sensitivity == "part2" and basis not in ("consent", "premises_crime") and not emergency,
        (from_role in COLLECTORS or category in CARE)
        and not is_operation
        and basis != "premises_crime"
        and ask.use != "no_adverse_action",
        from_role not in (*JUSTICE, "defender") and to_role in JUSTICE and category == "contact",
        from_role in COLLECTORS and category in ARREST,
        to_role == "police" and category not in FOR_POLICE,
        to_role == "prosecutor" and category not in FOR_PROSECUTOR,
        to_role == "program" and category in CARE - {"plan", "service", "progress"},
        to_role in COLLECTORS - {"case_management"}
        and category in ARREST | {"decision_outcome", "disclosure_account"},
        ask.record.kind == "question" and to_role in JUSTICE and from_role not in JUSTICE,
        to_role == "defender" and not _represents(before, recipient) and not is_operation,
        category == "counseling_note"
        and (
            type_ != "counseling_notes" or to_role not in ("treatment_provider", "health_provider")
        ),
        category == "premises_crime" and (basis != "premises_crime" or to_role != "police"),
        emergency and (to_role != "health_provider" or ask.purpose != "medical_emergency"),
    )
    if any(denials):
        return False
    at_scene = category in ("contact", "encounter", "charge") and from_role == "police"
    screened = category == "screening_outcome" and from_role in JUSTICE
    return any(
        (
            basis == "consent" and status == "live" and ask.purpose in PERMITTED,
            basis == "offer_at_scene"
            and (at_scene or screened)
            and to_role in ("program", "case_management", "prosecutor")
            and ask.purpose in ("offer_and_hand_off", "screening", "admission"),
            is_operation
            and category in ("operation", "consent_terms")
            and ask.purpose == "exchange_operation",
            emergency
            and category in ("contact", "substance_use", "test_result", "treatment", "health"),
            basis == "premises_crime"
            and to_role == "police"
            and category == "premises_crime"
            and ask.purpose == "premises_crime",
        )
    )


def basis_or_override(basis: str, emergency: bool) -> bool:
    """Return whether anything at all could permit: nothing passes without a basis."""
    return basis != "none" or emergency


# Consent


def _consent(
    story: Story, before: list[Told], ask: Ask, sender: str, recipient: str, category: str
) -> tuple[str, str]:
    """Return the status and the type of the consent for a pair, category, and purpose."""
    seen: set[str] = set()
    covering: list[tuple[str, str]] = []
    for record in before:
        if record.kind != "consent":
            continue
        of_collector = story.listed(record.issuer, record.index)
        for terms in record.says.values():
            is_repeat = terms["id"] in seen
            seen.add(terms["id"])
            if (terms["discloser"], terms["recipient"]) != (sender, recipient):
                continue
            is_entitled = of_collector is not None and of_collector[0] in COLLECTORS
            if is_repeat or not record.sound or not is_entitled:
                return "invalid", "none"
            is_narrowed = any(
                category in change["categories"]
                for _, change in _changes(story, before, "narrow", terms)
            )
            if category in terms["categories"] and ask.purpose in terms["purposes"]:
                if not is_narrowed:
                    covering.append((_standing(story, before, ask, terms), terms["type"]))
    for status in ("live", "not_yet", "ended"):
        types = [type_ for standing, type_ in covering if standing == status]
        if types:
            return status, min(types, key=TYPES.index)
    return "none", "none"


def _standing(story: Story, before: list[Told], ask: Ask, terms: dict[str, Any]) -> str:
    if _changes(story, before, "end", terms):
        return "ended"
    certifier = terms.get("certifier")
    for record, _ in _changes(story, before, "certify", terms):
        if record.issuer == certifier:
            return "ended"
    today = story.day(ask.time).isoformat()
    if terms.get("expires") is not None and today > terms["expires"]:
        return "ended"
    return "live" if today >= terms["from"] else "not_yet"


def _changes(
    story: Story, before: list[Told], does: str, terms: dict[str, Any]
) -> list[tuple[Told, dict[str, Any]]]:
    """Return the changes of one sort to a grant, by an agency that may make them."""
    return [
        (record, change)
        for record in before
        for change in record.says.values()
        if record.kind == "consent_change"
        and change["does"] == does
        and change.get("grant") == terms["id"]
        and _may_change(story, record, does)
    ]


def _may_change(story: Story, record: Told, does: str) -> bool:
    listed = story.listed(record.issuer, record.index)
    if listed is None:
        return False
    return does == "certify" or listed[0] in {*COLLECTORS, "defender"}


def _is_restricted(
    story: Story, before: list[Told], sender: str, recipient: str, category: str
) -> bool:
    """Return whether a restriction covers a pair and category, and no grant names it to lift it."""
    lifted = {
        part
        for record in before
        if record.kind == "consent"
        for terms in record.says.values()
        if (terms["discloser"], terms["recipient"]) == (sender, recipient)
        for part in terms.get("lifts", ())
    }
    return any(
        record.kind == "consent_change"
        and change["does"] == "restrict"
        and [sender, recipient] in change["pairs"]
        and category in change["categories"]
        and part not in lifted
        and _may_change(story, record, "restrict")
        for record in before
        for part, change in record.says.items()
    )


# The other grounds


def _has_basis(
    story: Story,
    before: list[Told],
    ask: Ask,
    sender: str,
    recipient: str,
    category: str,
    status: str,
) -> bool:
    match ask.basis:
        case "consent":
            return status == "live"
        case "offer_at_scene":
            return _was_accepted(story, before, ask)
        case "operation":
            return _is_operation(story, before, ask, sender, recipient, category)
        case "premises_crime":
            listed = story.listed(sender, ask.index)
            return (
                ask.record.kind == "premises_crime"
                and listed is not None
                and (listed[0] in COLLECTORS)
            )
    return False


def _was_accepted(story: Story, before: list[Told], ask: Ask) -> bool:
    """Return whether an accepted offer of police is in force: thirty days, no refusal, no exit.

    Police that ask back what they sent have no offer, and win no days by sending it again.
    """
    is_itself = ask.record.index >= ask.index
    since: int | None = None
    is_in_force = False
    for record in [*before, *([ask.record] if is_itself else [])]:
        answers = [said.get("answer") for said in record.says.values()]
        listed = story.listed(record.issuer, record.index)
        is_refusal = "declined" in answers and record.id != ask.record.id
        if record.kind == "exit" or is_refusal:
            since, is_in_force = None, False
        elif record.kind == "referral" and "accepted" in answers and record.sound:
            if listed is not None and listed[0] == "police":
                since = record.time if since is None else since
                is_in_force = is_in_force or not _was_asked_back(before, record)
    return is_in_force and since is not None and 0 <= ask.time - since <= 30 * DAY


def _was_asked_back(before: list[Told], referral: Told) -> bool:
    """Return whether its issuer asked all who have the acceptance to give it back."""
    accepting = [part for part, said in referral.says.items() if said.get("answer") == "accepted"]
    return all(_part_asked_back(before, referral, part) for part in accepting)


def _part_asked_back(before: list[Told], told: Told, part: str) -> bool:
    """Return whether its issuer asked all who have a part to give it back."""
    asked = {
        agency
        for record in before
        if record.kind == "recall" and record.issuer == told.issuer
        for own, said in record.says.items()
        if said.get("about") == [told.id, part]
        for agency in record.to[own]
    }
    return all(agency in asked for agency in told.to[part])


def _is_operation(
    story: Story, before: list[Told], ask: Ask, sender: str, recipient: str, category: str
) -> bool:
    if category == "consent_terms":
        return recipient in _named(before, ask.record.says.get(ask.part, {}))
    if category != "operation":
        return False
    listed = story.listed(recipient, ask.index)
    if ask.record.kind in ("representation", "exit"):  # two notices without consent
        told = {"representation": {"program", "case_management", "prosecutor"}}
        roles = told.get(ask.record.kind, {"program", "case_management"})
        is_counsel = listed is not None and listed[0] == "defender"
        return listed is not None and (listed[0] in roles or is_counsel)
    about = ask.record.says.get(ask.part, {}).get("about")
    for record in before:
        if about is not None and record.id == about[0] and about[1] in record.to:
            return {sender, recipient} <= {record.issuer, *record.to[about[1]]}
    return False


def _named(before: list[Told], terms: dict[str, Any]) -> set[str]:
    """Return the agencies that terms name: those of the grant, or of the pairs restricted."""
    if "discloser" in terms:
        certifier = {terms["certifier"]} if terms.get("certifier") else set()
        return {terms["discloser"], terms["recipient"]} | certifier
    if terms.get("pairs") is not None:
        return {agency for pair in terms["pairs"] for agency in pair}
    for record in before:
        for grant in record.says.values() if record.kind == "consent" else ():
            if grant["id"] == terms.get("grant"):
                return _named(before, grant)
    return set()


def _emergency(before: list[Told], ask: Ask, recipient: str) -> bool:
    """Return whether a complete, countersigned report less than a day old covers the recipient."""
    return ask.purpose == "medical_emergency" and any(
        record.kind == "emergency_disclosure"
        and record.sound
        and 0 <= ask.time - record.time < DAY
        and report["told"] == recipient
        and bool(report.get("countersigned"))
        and {"nature", "recipient", "discloser"} <= set(report["form"])
        for record in before
        for report in record.says.values()
    )


def _represents(before: list[Told], agency: str) -> bool:
    represents = False
    for record in before:
        if record.kind == "exit":
            represents = False
        elif record.kind == "representation" and record.issuer == agency and record.sound:
            # A withdrawal of it: the agency names another one, or asks it back.
            represents = any(
                said.get("agency") == agency and not _part_asked_back(before, record, part)
                for part, said in record.says.items()
            )
    return represents
