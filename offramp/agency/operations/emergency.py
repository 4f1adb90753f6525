"""Tell a health provider what it must know in a medical emergency (42 CFR 2.51).

No consent covers it, so two listed people act: one reports, and another confirms within ten
minutes. The text waits in the journal's database for those minutes alone. The confirmation signs
with another key of the agency than the record's own.
"""

from __future__ import annotations

from typing import Any, get_args

from exchange.consent.disclosure import day_of
from exchange.errors import shorten
from exchange.records.building import Part
from exchange.records.categories import EmergencyForm
from exchange.records.countersignature import countersign
from exchange.records.ids import new_id, new_short_id
from exchange.records.statements import EMERGENCY
from exchange.standards.keys import PrivateKey
from offramp.agency.cases.answering import defaults_today
from offramp.agency.cases.caseload import unknown_case, utc
from offramp.agency.cases.draft import NO_NOTICE
from offramp.agency.cases.people import find_case
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.hub_link.delivery import send_now
from offramp.agency.operations.access import EMERGENCIES, check_glass, needs
from offramp.agency.operations.confirmation import (
    Confirmation,
    draft_digest,
    keep_confirmation,
)
from offramp.agency.operations.records import SentRecord
from rules.frozen import frozen

CONFIRM_WITHIN = 600
NATURES: tuple[str, ...] = get_args(EmergencyForm.model_fields["nature"].annotation)
# Whom the rules of every program permit to be told (42 CFR 2.51).
HEALTH_PROVIDER = "health_provider"
LONGEST_TEXT = 4000
_CATEGORY, _KIND = "health", "emergency_disclosure"
# The name in the journal under which the texts wait.
_WAITING = "emergencies"


@frozen
class ReportedEmergency:
    """An emergency that a second person must confirm until a time, in seconds since 1970.

    `text` is what the provider is to be told.
    """

    number: int
    case: str
    recipient: str
    nature: str
    by: str
    at: int
    until: int
    text: str

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency emergency`."""
        return {
            "number": self.number,
            "case": self.case,
            "to": self.recipient,
            "nature": self.nature,
            "by": self.by,
            "at": self.at,
            "until": self.until,
            "text": self.text,
        }


def emergency_digest(case: str, recipient: str, nature: str, text: str) -> str:
    """Return the digest with which a person confirms a report. `case` is the whole handle."""
    report = {"case": case, "recipient": recipient, "nature": nature, "text": text}
    return draft_digest({"act": "report an emergency", **report})


def second_digest(reported: ReportedEmergency) -> str:
    """Return the digest with which the second person confirms what is told."""
    return draft_digest({"act": "confirm an emergency", **reported.as_json()})


@frozen
class HealthProvider:
    """An agency of the directory that may be told in a medical emergency."""

    id: str
    name: str


@needs(EMERGENCIES, look="list")
def list_health_providers(office: Office) -> tuple[HealthProvider, ...]:
    """List whom an emergency may be told. Raises `AgencyError` `no-glass`."""
    working_set = office.working_set()
    check_glass(office, working_set)
    return tuple(
        HealthProvider(agency.id, agency.name)
        for agency in working_set.gateway.history.newest.agencies.values()
        if agency.role == HEALTH_PROVIDER and agency.id != office.agency
    )


@needs(EMERGENCIES, look="act")
def report_emergency(
    office: Office,
    actor: str,
    case: str,
    recipient: str,
    nature: str,
    text: str,
    *,
    confirmation: Confirmation | None = None,
) -> ReportedEmergency:
    """Report that a health provider must be told something of a person in an emergency.

    A `confirmation` of `emergency_digest` is kept beside it. Nothing is sent before another person
    confirms it. `case` may be the first digits, and need not be in the own caseload. `nature` is a
    word of `NATURES`. Police and prosecutors have no such way. Raises `AgencyError` `no-glass`,
    `not-confirmed`, `no-such-case`, `ambiguous-case`, `not-a-health-provider`, `unknown-nature`,
    `bad-text`, `no-second-key`, `no-directory`.
    """
    with office.transaction() as working_set:
        check_glass(office, working_set)
        defaults_today(office, working_set)
        case = find_case(working_set, case)
        if case not in working_set.cases:
            raise unknown_case(case)
        _check_report(working_set, recipient, nature, text)
        _second_key(office, working_set)
        now = office.clock()
        body = {
            "does": "emergency",
            "case": case,
            "reason": nature,
            "until": now + CONFIRM_WITHIN,
            "by": actor,
        }
        event = office.append(working_set, "staff", body)
        reported = ReportedEmergency(
            event.at, case, recipient, nature, actor, now, now + CONFIRM_WITHIN, text
        )
        _keep(office, [*_waiting(office), reported])
        if confirmation is not None:
            expected = emergency_digest(case, recipient, nature, text)
            keep_confirmation(office, working_set, confirmation, expected, case, None)
        return reported


@needs(EMERGENCIES, look="list")
def list_emergencies(office: Office) -> tuple[ReportedEmergency, ...]:
    """List the emergencies that wait for a second person."""
    with office.transaction():
        return tuple(_waiting(office))


@needs(EMERGENCIES, look="act")
def confirm_emergency(
    office: Office, actor: str, number: int, *, confirmation: Confirmation | None = None
) -> SentRecord:
    """Confirm an emergency as the second person, and tell the provider.

    A `confirmation` of `second_digest` is kept beside the record.

    Raises `AgencyError` `no-such-emergency` for one that doesn't wait any more, `second-person`
    for the person who reported it, `no-second-key`; as `Gateway.compose`.
    """
    with office.transaction() as working_set:
        waiting = {reported.number: reported for reported in _waiting(office)}
        if (reported := waiting.pop(number, None)) is None:
            raise AgencyError(
                "no-such-emergency",
                f"no emergency with the number `{number}` waits for a second person",
                fix="report it again: a second person confirms within ten minutes",
            )
        if reported.by == actor:
            raise AgencyError(
                "second-person",
                f"`{actor}` reported this emergency",
                fix="have another listed person confirm it",
            )
        jti = new_id(office.random)
        part = _part(office, working_set, reported, jti)
        office.compose_in(working_set, _KIND, (part,), reported.case, jti=jti)
        office.append(working_set, "staff", {"does": "confirmed", "number": number, "by": actor})
        if confirmation is not None:
            expected = second_digest(reported)
            keep_confirmation(office, working_set, confirmation, expected, reported.case, jti)
        _keep(office, list(waiting.values()))
    office.journal.write_back()
    return SentRecord(jti, _KIND, reported.case, send_now(office, jti))


def forget_late_emergencies(office: Office) -> int:
    """Forget the texts of emergencies that nobody confirmed in time, and count them."""
    with office.transaction():
        stored = office.journal.get(_WAITING)
        kept = _waiting(office)
        late = len(stored["waiting"]) - len(kept) if stored is not None else 0
        if late:
            _keep(office, kept)
    if late:
        office.journal.write_back()
    return late


def _part(office: Office, working_set: WorkingSet, reported: ReportedEmergency, jti: str) -> Part:
    """Return the part that tells the provider, with the documentation of 42 CFR 2.51(c)."""
    directory = working_set.gateway.history.newest
    defaults = defaults_today(office, working_set)
    on = day_of(working_set.gateway.hub_time(office.clock()), directory.zone).isoformat()
    part_id = new_short_id(office.random)
    second = countersign(
        _second_key(office, working_set),
        jti=jti,
        part=part_id,
        told=reported.recipient,
        category=_CATEGORY,
        on=on,
    )
    is_covered = directory.part2(office.agency) != "no"
    form = {
        "recipient": directory.agencies[reported.recipient].name,
        "discloser": reported.by,
        "nature": reported.nature,
        "at": utc(reported.at),
    }
    return Part(
        category=(_CATEGORY,),
        content={_CATEGORY: {"text": reported.text, "emergency": form}},
        to={reported.recipient: ("medical_emergency", "none")},
        keep_until=defaults.last_day((_CATEGORY,)),
        sensitivity="part2" if is_covered else "health",
        use=defaults.use,
        notice=defaults.notice if is_covered else NO_NOTICE,
        says={
            "told": reported.recipient,
            "category": _CATEGORY,
            "on": on,
            "form": list(EMERGENCY),
            "countersigned": second,
        },
        id=part_id,
    )


def _second_key(office: Office, working_set: WorkingSet) -> PrivateKey:
    """Return another listed signing key of this agency. Raises `AgencyError` `no-second-key`."""
    entry = working_set.gateway.history.newest.agencies.get(office.agency)
    for kid in office.numbered("s"):
        if kid != office.signing.public.kid and entry is not None and kid in entry.signing:
            return office.keys.signing(kid)
    raise AgencyError(
        "no-second-key",
        f"`{office.agency}` has one listed signing key, and an emergency is signed with two",
        fix="tell the provider by telephone now, and make a key with `offramp agency spare` for "
        "the next time",
    )


def _check_report(working_set: WorkingSet, recipient: str, nature: str, text: str) -> None:
    role = working_set.gateway.history.newest.role(recipient)
    if role != HEALTH_PROVIDER or recipient == working_set.agency:
        raise AgencyError(
            "not-a-health-provider",
            f"`{shorten(recipient)}` is no other health provider of the directory",
            fix="name an agency whose role is `health_provider`, or tell the provider by telephone",
        )
    if nature not in NATURES:
        raise AgencyError(
            "unknown-nature", f"`{shorten(nature)}` is no nature", fix=f"use {', '.join(NATURES)}"
        )
    if not 1 <= len(text.strip()) <= LONGEST_TEXT:
        raise AgencyError(
            "bad-text",
            f"what the provider must know has 1 to {LONGEST_TEXT} characters",
            fix="write what it must know, and nothing else",
        )


def _waiting(office: Office) -> list[ReportedEmergency]:
    """Return the emergencies that still can be confirmed, within a transaction."""
    stored = office.journal.get(_WAITING)
    now = office.clock()
    entries = [ReportedEmergency(**each) for each in stored["waiting"]] if stored else []
    return [reported for reported in entries if now < reported.until]


def _keep(office: Office, waiting: list[ReportedEmergency]) -> None:
    members = ("number", "case", "recipient", "nature", "by", "at", "until", "text")
    rows = [{name: getattr(reported, name) for name in members} for reported in waiting]
    office.journal.put(_WAITING, {"waiting": rows})
