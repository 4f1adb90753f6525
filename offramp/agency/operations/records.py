"""Compose and send records, list what arrived, and open it for a named person."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any

from exchange.agency.deliveries import Received
from exchange.consent.disclosure import day_of
from exchange.errors import RecordError
from exchange.records.building import Part
from offramp.agency.cases import draft as drafts
from offramp.agency.cases.after_exit import check_may_be_told
from offramp.agency.cases.answering import defaults_today, pack_in_force
from offramp.agency.cases.caseload import repeat_referral
from offramp.agency.cases.draft import Draft
from offramp.agency.cases.moments import check_confirmed, moments_of, stated_moments
from offramp.agency.cases.open_decisions import refuse_decided
from offramp.agency.cases.revocation import (
    ends_with_line,
    oral_notice_parts,
    revocation_records,
)
from offramp.agency.errors import AgencyError, HubAway, HubRefused
from offramp.agency.folder.notices import DEFAULT, OFFICIAL
from offramp.agency.folder.office import Office
from offramp.agency.folder.outgoing import SENT, WITNESSED
from offramp.agency.folder.settings import installed_notice
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.hub_link.delivery import (
    explain_refusal,
    send_now,
    send_together,
    send_what_waits,
)
from offramp.agency.hub_link.link import link_of
from offramp.agency.operations.access import (
    CASE,
    CASES,
    MINE,
    OFFER,
    QUEUE,
    is_inbox_number,
    needs,
    open_for_actor,
    sends_about,
    unknown_record,
    visible,
)
from offramp.agency.operations.people import Person, check_new_person
from rules.frozen import frozen


@frozen
class SentRecord:
    """A composed record. `state` is `sent`, `witnessed`, or why it is queued or refused.

    `id` has 32 hexadecimal digits, and so has `case`, None where the record concerns no case.
    """

    id: str
    kind: str
    case: str | None
    state: str

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency send`."""
        return {"id": self.id, "case": self.case, "state": self.state}


@frozen
class OralNotice:
    """The notice that a consent was ended orally.

    `record` is None where no agency may receive it, or where `refusal` says why it wasn't composed.
    """

    recipients: tuple[str, ...] = ()
    record: SentRecord | None = None
    refusal: str | None = None


@frozen
class Revocation:
    """The records that end a consent, and the notice of it where the person said so orally.

    The hub commits the records together.
    """

    records: tuple[SentRecord, ...]
    oral: OralNotice | None = None

    @property
    def record(self) -> SentRecord:
        """The first record that the hub hasn't taken yet, or the first of all."""
        unsent = (record for record in self.records if record.state not in (SENT, WITNESSED))
        return next(unsent, self.records[0])

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency revoke`."""
        value: dict[str, Any] = self.record.as_json()
        value["records"] = [{"id": record.id, "state": record.state} for record in self.records]
        if self.oral is not None:
            value["aloud_told"] = list(self.oral.recipients)
        return value


@frozen
class Retry:
    """A refused record that was sent again, and its state."""

    id: str
    state: str

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency retry`."""
        return {"id": self.id, "state": self.state}


@frozen
class RefusedRecord:
    """A record of this agency that the hub refused, and why in words."""

    id: str
    kind: str
    reason: str

    def as_json(self) -> dict[str, Any]:
        """Return the record's JSON in `refused_by_hub` of a command."""
        return {"id": self.id, "kind": self.kind, "reason": self.reason}


@frozen
class ReceivedPart:
    """A part that arrived. `state` is `closed`, `opened`, or `destroyed`."""

    id: str
    category: tuple[str, ...]
    sensitivity: str
    keep_until: str
    state: str

    def as_json(self) -> dict[str, Any]:
        """Return the part's JSON in `offramp agency inbox`."""
        return {
            "id": self.id,
            "category": list(self.category),
            "sensitivity": self.sensitivity,
            "keep_until": self.keep_until,
            "state": self.state,
        }


@frozen
class ReceivedRecord:
    """A record that arrived. `number` is its place in the inbox, from 1."""

    number: int
    id: str
    sender: str
    kind: str
    case: str | None
    parts: tuple[ReceivedPart, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the record's JSON in `offramp agency inbox`."""
        return {
            "n": self.number,
            "id": self.id,
            "from": self.sender,
            "kind": self.kind,
            "case": self.case,
            "parts": [part.as_json() for part in self.parts],
        }


@frozen
class Inbox:
    """The records that arrived, the oldest first. `withdrawn` counts those never handed out."""

    records: tuple[ReceivedRecord, ...]
    withdrawn: int

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency inbox`."""
        return {"records": [record.as_json() for record in self.records], "gone": self.withdrawn}


@frozen
class OpenedPart:
    """A part that a named person opened, and what binds that person.

    `content` is by category. `notice` is the text of the redisclosure notice of `notice_version`,
    None where none applies. `is_unwitnessed` is true until the log's witnesses have signed.
    `duplicates` are this agency's people who may be the person of the case.
    """

    record: str
    part: str
    content: Mapping[str, Any]
    obligations: tuple[str, ...]
    use: str
    keep_until: str
    notice_version: str
    notice: str | None
    is_unwitnessed: bool
    duplicates: tuple[Person, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency open`."""
        notice = {"version": self.notice_version, "text": self.notice} if self.notice else None
        return {
            "id": self.record,
            "part": self.part,
            "content": self.content,
            "obligations": list(self.obligations),
            "use": self.use,
            "keep_until": self.keep_until,
            "notice": notice,
            "unwitnessed": self.is_unwitnessed,
            "possible_duplicates": [person.as_json() for person in self.duplicates],
        }


@needs(MINE)
def parse_draft(office: Office, text: str) -> Draft:
    """Read a draft from YAML or JSON text, completed with this agency's defaults.

    Raises `AgencyError` `not-a-draft`, `no-directory`.
    """
    return drafts.parse_draft(text, defaults_today(office, office.working_set()))


@needs(MINE)
def build_draft(office: Office, members: Mapping[str, Any]) -> Draft:
    """Build a draft from its members, completed with this agency's defaults.

    Raises `AgencyError` `not-a-draft`, `no-directory`.
    """
    return drafts.build_draft(members, defaults_today(office, office.working_set()))


@needs({"begins": OFFER, "case": CASE}, variant=sends_about, look="act", takes=True)
def send_record(
    office: Office,
    kind: str,
    draft: Draft,
    case: str | None = None,
    *,
    although_odd: bool = False,
) -> SentRecord:
    """Compose a record, queue it, and send it if the hub answers.

    A `referral` or `offer` without a case begins one. Odd moments are sent only with
    `although_odd`: a person confirmed them. Raises `AgencyError` `name-the-case`, `case-ended`,
    `odd-day`, `odd-amount`, `decide-it`; `FactsError` for a moment that can't be; as
    `exchange.agency.gateway.Gateway.compose`, so `RecordError` `not-passed` where an agency may not
    receive a part.
    """
    case = drafts.case_for(kind, case, office.random)
    working_set = office.working_set()
    check_may_be_told(working_set, kind, case)
    _check_order(office, working_set, kind, draft, case, although_odd)
    parts = repeat_referral(office.working_set(), kind, case, draft.parts)
    return _compose_and_send(office, kind, parts, case, draft.form)


def _check_order(
    office: Office,
    working_set: WorkingSet,
    kind: str,
    draft: Draft,
    case: str | None,
    although_odd: bool,
) -> None:
    if working_set.gateway.history.size:
        pack = pack_in_force(office, working_set)
        moments = moments_of(working_set, pack, kind, case, office.clock())
        stated = tuple(stated_moments((part.content for part in draft.parts), moments.facts))
        if kind == "answer" and case is not None and pack is not None:
            program, now = office.program(working_set), office.clock()
            refuse_decided(working_set, program, case, (name for name, _ in stated), now)
        check_confirmed(moments, stated, although_odd=although_odd)


@needs(CASE, look="act", takes=True)
def record_consent(office: Office, case: str, draft: Draft) -> SentRecord:
    """Record a person's consent: a part for each grant, and the signed form. Raises as a send."""
    return _compose_and_send(office, "consent", draft.parts, case, draft.form)


@needs(CASE, look="act", takes=True)
def revoke_consent(
    office: Office,
    case: str,
    *,
    recipient: str | None = None,
    grants: Collection[str] | None = None,
    line: str | None = None,
    oral: bool = False,
) -> Revocation:
    """End every live grant of a case, or of those to one recipient, or the `grants` of these ids.

    With `line`, the id of a grant, end each grant that allows some of what it allows or allowed.
    However many grants there are, the ends are committed together. With `oral`, also note that the
    person said so by word of mouth, and notify the agencies that may know. Raises `AgencyError`
    `nothing-to-revoke`, `no-such-grant`, `no-directory`.
    """
    with office.transaction() as working_set:
        defaults = defaults_today(office, working_set)
        _check_known(working_set, case, grants or ())
        if line is not None:
            grants = ends_with_line(working_set, case, line)
        ends = revocation_records(working_set, case, recipient, defaults, grants)
        # INVARIANT: this agency's own gate is closed when the transaction ends, and only then is
        # the network tried.
        bundles = office.compose_together(working_set, "consent_change", ends, case)
        if oral:
            office.append(working_set, "oral", {"jti": bundles[0].id, "case": case})
    ids = [bundle.id for bundle in bundles]
    records = tuple(
        SentRecord(jti, "consent_change", case, state)
        for jti, state in zip(ids, send_together(office, ids), strict=True)
    )
    return Revocation(records, _notify_orally(office, case) if oral else None)


def _check_known(working_set: WorkingSet, case: str, grants: Collection[str]) -> None:
    """Check that each grant is one of the case. Raises `AgencyError` `no-such-grant`."""
    known = {logged.grant.id for logged in working_set.gateway.unended_grants(case)}
    for grant in grants:
        if grant not in known:
            raise AgencyError(
                "no-such-grant",
                f"no grant `{grant[:40]}` is in force in this case",
                fix="list them with `offramp agency revoke DIR CASE --list`",
            )


def _notify_orally(office: Office, case: str) -> OralNotice:
    """Send the notice as a record of its own: the end is sent, and waits for no notice."""
    working_set = office.working_set()
    gateway = working_set.gateway
    today = day_of(gateway.hub_time(office.clock()), gateway.history.newest.zone).isoformat()
    parts = oral_notice_parts(working_set, case, today, defaults_today(office, working_set))
    if not parts:
        return OralNotice()
    try:
        record = _compose_and_send(office, "consent_change", parts, case)
    except RecordError as error:
        return OralNotice(refusal=error.message)
    return OralNotice(tuple(sorted(agency for part in parts for agency in part.to)), record)


def _compose_and_send(
    office: Office,
    kind: str,
    parts: Iterable[Part],
    case: str | None,
    form: Mapping[str, Any] | None = None,
) -> SentRecord:
    bundle = office.compose(kind, parts, case=case, form=form)
    return SentRecord(bundle.id, kind, case, send_now(office, bundle.id))


@needs(QUEUE, look="act")
def retry_record(office: Office, record: str) -> Retry:
    """Send a refused record once more, as it is. Raises `AgencyError` `not-here`."""
    office.retry(record)
    return Retry(record, send_now(office, record))


def refused_here(office: Office) -> tuple[RefusedRecord, ...]:
    """Return the records that were sent since the office was opened, and that the hub refused."""
    outbox = office.working_set().outbox if office.refused_here else {}
    return tuple(
        RefusedRecord(jti, outbox[jti].kind, explain_refusal(outbox[jti].refused or {}))
        for jti in office.refused_here
    )


@needs(CASES, look="list")
def list_inbox(office: Office) -> Inbox:
    """List the records that arrived, with the state of each part.

    Those of cases outside the caseload of the person who asks are left out.
    """
    working_set = office.working_set()
    sees = visible(office, working_set)
    destroyed, rows = len(working_set.destroyed), working_set.inbox_rows
    records = []
    for number, (key, received) in enumerate(working_set.gateway.received.items(), 1):
        if received.record is not None and not sees(received.record.case):
            continue
        # A row changes only if a part of it is opened, or if something is destroyed.
        stamp = number, len(received.opened), destroyed
        kept = rows.get(key)
        if kept is None or kept[0] != stamp:
            kept = rows[key] = stamp, _received_record(working_set, number, key, received)
        records.append(kept[1])
    return Inbox(tuple(records), len(working_set.gateway.undelivered))


def _received_record(
    working_set: WorkingSet, number: int, key: tuple[str, str], received: Received
) -> ReceivedRecord:
    record = received.record
    assert record is not None, "what is listed was checked"
    issuer, jti = key
    parts = tuple(
        ReceivedPart(
            part,
            tuple(label.category),
            label.sensitivity,
            label.keep_until,
            "destroyed"
            if (issuer, jti, part) in working_set.destroyed
            else "opened"
            if part in received.opened
            else "closed",
        )
        # Their ids are chosen by chance, and a list keeps its order.
        for part, label in sorted(
            record.labels.items(), key=lambda item: (item[1].category, item[0])
        )
    )
    return ReceivedRecord(number, jti, issuer, record.kind, record.case, parts)


def find_record(office: Office, record: str) -> str:
    """Return the id of a received record, given as its id or as its number in the inbox.

    Raises `AgencyError` `not-here`.
    """
    ids = [jti for _, jti in office.working_set().gateway.received]
    if is_inbox_number(record) and 1 <= int(record) <= len(ids):
        return ids[int(record) - 1]
    if record in ids:
        return record
    raise unknown_record(record)


@needs(CASE, look="part", takes=True)
def open_part(
    office: Office,
    actor: str,
    record: str,
    *,
    part: str | None = None,
    second: str | None = None,
    because: str | None = None,
) -> OpenedPart:
    """Open a part for a named person, and queue the acknowledgement of what binds that person.

    `record` is an id or a number in the inbox. `part` may be left out where the record has one.
    `second` names the second person who must look after an emergency, one of those listed.
    `because` is the code of a supervisor's reason to open a part of care in a case of somebody
    else. Raises `AgencyError` `not-here`, `which-part`, `destroyed`, `care-part`, `reason-needed`,
    `unknown-reason`, `unlisted-person`; as `exchange.agency.gateway.Gateway.open`.
    """
    jti = find_record(office, record)
    if second is not None:
        second = office.working_set().staff.named(second).name
    reading = open_for_actor(office, jti, part, by=actor, second=second, because=because)
    label = reading.opened.label
    with suppress(HubAway, HubRefused, AgencyError):
        send_what_waits(link_of(office))
    return OpenedPart(
        record=jti,
        part=label.id,
        content=reading.opened.content,
        obligations=tuple(reading.obligations),
        use=label.use,
        keep_until=label.keep_until,
        notice_version=label.notice,
        notice=(
            notice_text(office, label.notice)
            if "redisclosure_notice" in reading.obligations
            else None
        ),
        is_unwitnessed=reading.unwitnessed,
        duplicates=(
            check_new_person(office, reading.case)
            if reading.case is not None and "contact" in label.category
            else ()
        ),
    )


def notice_text(office: Office, version: str) -> str:
    """Return the redisclosure notice that a label names.

    For a version whose text only its issuer has, return the short statement of 42 CFR 2.32(a)(2),
    so that an official statement accompanies every disclosure.
    """
    return installed_notice(office.folder, office.settings, version) or OFFICIAL[DEFAULT]
