"""Ask a person for consent by the pack's own form, record the answers, and take consent back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from exchange.consent.disclosure import day_of
from exchange.consent.state import COLLECTORS, LoggedGrant
from exchange.records.building import Part
from exchange.records.ids import new_short_id
from exchange.records.statements import ATTESTED
from offramp.agency.cases import people
from offramp.agency.cases.answering import defaults_today
from offramp.agency.cases.caseload import case_of
from offramp.agency.cases.changes import is_consent
from offramp.agency.cases.consent_form import (
    Answers,
    Form,
    Line,
    Statement,
    asked_sets,
    find_set,
    make_form,
    make_statement,
)
from offramp.agency.cases.consent_words import say, spell_day
from offramp.agency.cases.draft import Defaults
from offramp.agency.cases.plain_words import CATEGORIES
from offramp.agency.cases.revocation import MOST_PARTS, OPERATION, revocation_records
from offramp.agency.errors import AgencyError, refuse_hidden_name
from offramp.agency.folder.office import Office
from offramp.agency.folder.outgoing import SENT, WITNESSED
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.hub_link.delivery import send_now, send_together
from offramp.agency.operations.access import CASE, CASES, needs
from offramp.agency.operations.changes import check_unchanged
from offramp.agency.operations.records import SentRecord
from rules.decide.program import Program
from rules.frozen import frozen


@frozen
class ConsentSetSummary:
    """A consent set of the rules in force.

    `label` says when it is asked. `is_due` is True if its event is on record in the case. `asked`
    are the days on which this agency asked it in the case.
    """

    id: str
    label: str
    is_due: bool
    asked: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the set's JSON in `offramp agency consent --list`."""
        return {
            "set": self.id,
            "label": self.label,
            "due": self.is_due,
            "asked": list(self.asked),
        }


@frozen
class Signature:
    """How a consent was signed (42 CFR 2.31), and under which circumstances.

    `method` is `typed`, `drawn`, `paper`, `mark`, or `electronic`. A representative signs with
    `representative` and the `authority` to do so.
    """

    name: str
    method: str
    place: str
    in_custody: bool
    time_to_think: bool
    copy_given: bool
    witness: str | None = None
    interpreter: str | None = None
    representative: str | None = None
    authority: str | None = None


@frozen
class RecordedConsent:
    """The outcome of asking a consent set.

    `records` are the consents and the ends of earlier ones, in the order of sending. It is empty
    where the person allowed nothing and nothing ended. `lines` are the text that was signed.
    """

    case: str
    set_id: str
    version: str
    lines: tuple[str, ...]
    grants: tuple[str, ...]
    ended: tuple[str, ...]
    records: tuple[SentRecord, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency consent`."""
        states = [record.state for record in self.records]
        unsent = [state for state in states if state not in (SENT, WITNESSED)]
        return {
            "case": self.case,
            "set": self.set_id,
            "version": self.version,
            "text": list(self.lines),
            "grants": list(self.grants),
            "ended": list(self.ended),
            "records": [record.as_json() for record in self.records],
            "state": next(iter([*unsent, *states]), "nothing to send"),
        }


@frozen
class StandingGrant:
    """A grant in force or still to begin, with its sentence. `until` is None for an event."""

    id: str
    discloser: str
    recipient: str
    categories: tuple[str, ...]
    purposes: tuple[str, ...]
    until: str | None
    sentence: str

    def as_json(self) -> dict[str, Any]:
        """Return the grant's JSON in `offramp agency revoke --list`."""
        return {
            "grant": self.id,
            "from": self.discloser,
            "to": self.recipient,
            "categories": list(self.categories),
            "purposes": list(self.purposes),
            "until": self.until,
            "sentence": self.sentence,
        }


@needs(CASE, look="case")
def list_consent_sets(office: Office, case: str, lang: str = "en") -> tuple[ConsentSetSummary, ...]:
    """List the consent sets of the rules in force, and whether each is due in a case.

    Raises `AgencyError` `no-directory`, `not-a-collector`, `no-such-case`.
    """
    working_set = office.working_set()
    program, _ = _setting(office, working_set)
    known = case_of(working_set, case).known
    days_asked: dict[str, list[str]] = {}
    for event in working_set.statements_of(case):
        days_asked.setdefault(event.body["set"], []).append(event.body["on"])
    return tuple(
        ConsentSetSummary(
            name,
            consent_set.label.text(lang),
            consent_set.after in known,
            tuple(days_asked.get(name, ())),
        )
        for name, consent_set in asked_sets(program).items()
    )


@needs(CASE, look="case")
def person_name(office: Office, case: str) -> str | None:
    """Return the person's name from the contact details that this agency holds, or None."""
    return people.person_name(office.working_set(), case)


@needs(CASES)
def open_consent_form(office: Office, set_id: str, lang: str = "en") -> Form:
    """Return the questions of a consent set as this agency asks them today.

    Raises `AgencyError` `no-directory`, `not-a-collector`, `no-consent-set`.
    """
    return _form(office, office.working_set(), set_id, lang)


def _form(office: Office, working_set: WorkingSet, set_id: str, lang: str) -> Form:
    program, today = _setting(office, working_set)
    directory = working_set.gateway.history.newest
    return make_form(program, find_set(program, set_id), directory, office.agency, today, lang)


@needs(CASES)
def write_statement(
    office: Office, set_id: str, answers: Answers, person: str, lang: str = "en"
) -> Statement:
    """Return the exact text that the person signs. Nothing is recorded.

    Raises as `open_consent_form`, and `AgencyError` `no-such-answer`.
    """
    return _statement(office, office.working_set(), set_id, answers, person, lang)


def _statement(
    office: Office,
    working_set: WorkingSet,
    set_id: str,
    answers: Answers,
    person: str,
    lang: str,
) -> Statement:
    refuse_hidden_name(person)
    form = _form(office, working_set, set_id, lang)
    return make_statement(form, answers, person, office.program(working_set).pack.title)


@needs(CASE, look="act", takes=True)
def record_answers(
    office: Office,
    actor: str,
    case: str,
    set_id: str,
    answers: Answers,
    person: str,
    signature: Signature | None,
    lang: str = "en",
    *,
    version: str | None = None,
    seen_at: int | None = None,
) -> RecordedConsent:
    """Record a person's answers to a consent set: a grant for each line with a yes.

    `actor` is the staff member that explained the form. A line with a no ends what the person
    allowed before by it, and needs no signature. Without a signature, a yes allows nothing. A
    question without an answer adds nothing and ends nothing. All is one transaction, and this
    agency's own gate closes first. `version` is that of the statement that was signed, and
    `seen_at` the journal's last event when the form was opened. Raises as `write_statement`;
    `AgencyError` `other-text` where the text is another one by now, `case-changed` where a consent
    began or ended since and the person allows something; as a send.
    """
    with office.transaction() as working_set:
        case_of(working_set, case)
        statement = _statement(office, working_set, set_id, answers, person, lang)
        if version not in (None, statement.version):
            raise AgencyError(
                "other-text",
                "the text that was signed isn't the one that would be recorded",
                fix="show it again, and have it signed again",
            )
        # A no is recorded at once, whatever else changed.
        if signature is not None and statement.agreed:
            check_unchanged(office, working_set, case, seen_at, is_consent)
        _, today = _setting(office, working_set)
        defaults = defaults_today(office, working_set)
        ended = _contradicted(working_set, case, statement.declined)
        ends = (
            office.compose_together(
                working_set,
                "consent_change",
                revocation_records(working_set, case, None, defaults, chosen=ended),
                case,
            )
            if ended
            else ()
        )
        parts: tuple[Part, ...] = ()
        form: Mapping[str, Any] | None = None
        if signature is not None:
            form = _signed_form(statement, actor, signature, today)
            parts = tuple(
                _grant_part(line, signature, today, office.agency, defaults)
                for line in statement.agreed
            )
        consents = [
            office.compose_in(working_set, "consent", parts[first : first + MOST_PARTS], case, form)
            for first in range(0, len(parts), MOST_PARTS)
        ]
        last_days = [str(part.says["expires"]) for part in parts if part.says is not None]
        until = max([today.isoformat(), *last_days])
        body = {
            "case": case,
            "set": set_id,
            "on": today.isoformat(),
            "by": actor,
            "language": lang,
            "version": statement.version,
            "signed": signature.method if signature else None,
            "lines": list(statement.lines),
            "records": [bundle.id for bundle in (*ends, *consents)],
            "until": until,
            "keep_until": defaults.last_day(("consent_terms",), date.fromisoformat(until)),
        }
        office.append(working_set, "statement", body)
    end_ids = [bundle.id for bundle in ends]
    ended_records = [
        SentRecord(jti, "consent_change", case, state)
        for jti, state in zip(end_ids, send_together(office, end_ids) if ends else (), strict=True)
    ]
    consent_records = [
        SentRecord(bundle.id, "consent", case, send_now(office, bundle.id)) for bundle in consents
    ]
    return RecordedConsent(
        case,
        set_id,
        statement.version,
        statement.lines,
        tuple(str(part.says["id"]) for part in parts if part.says is not None),
        tuple(ended),
        (*ended_records, *consent_records),
    )


@needs(CASE, look="case")
def list_standing_grants(office: Office, case: str, lang: str = "en") -> tuple[StandingGrant, ...]:
    """List the grants of a case that are in force or will be, as far as this agency knows them.

    Raises `AgencyError` `no-directory`.
    """
    working_set = office.working_set()
    defaults_today(office, working_set)
    return tuple(
        _standing(working_set, logged, lang) for logged in working_set.gateway.unended_grants(case)
    )


def _standing(working_set: WorkingSet, logged: LoggedGrant, lang: str) -> StandingGrant:
    agencies, grant = working_set.gateway.history.newest.agencies, logged.grant

    def name(agency: str) -> str:
        return agencies[agency].name if agency in agencies else agency

    terms = {
        "sender": name(grant.discloser),
        "recipient": name(grant.recipient),
        "categories": "; ".join(
            CATEGORIES[category][1 if lang == "es" else 0] for category in grant.categories
        ),
    }
    sentence = (
        say(lang, "standing", day=spell_day(date.fromisoformat(grant.expires), lang), **terms)
        if grant.expires
        else say(lang, "standing_event", certifier=name(str(grant.certifier)), **terms)
    )
    return StandingGrant(
        grant.id,
        grant.discloser,
        grant.recipient,
        tuple(grant.categories),
        tuple(grant.purposes),
        grant.expires,
        sentence,
    )


# Parts of a record


def _grant_part(
    line: Line, signature: Signature, today: date, collector: str, defaults: Defaults
) -> Part:
    is_note = line.categories == ("counseling_note",)
    says = {
        "id": new_short_id(defaults.random),
        "discloser": line.discloser,
        "recipient": line.recipient,
        "categories": list(line.categories),
        "purposes": list(line.purposes),
        "type": "counseling_notes" if is_note else "ordinary",
        "from": today.isoformat(),
        "expires": line.until,
        "form": [*ATTESTED, *(["authority"] if signature.representative else [])],
        "signer": "representative" if signature.representative else "adult",
    }
    parties = (line.discloser, line.recipient)
    return Part(
        category=("consent_terms",),
        content={"consent_terms": {}},
        to={agency: OPERATION for agency in parties if agency != collector},
        keep_until=defaults.last_day(("consent_terms",), date.fromisoformat(line.until)),
        use=defaults.use,
        says=says,
    )


def _signed_form(
    statement: Statement, actor: str, signature: Signature, today: date
) -> Mapping[str, Any]:
    form = {
        "name": signature.name,
        "signed_on": today.isoformat(),
        "method": signature.method,
        "explained_by": actor,
        "witness": signature.witness,
        "place": signature.place,
        "language": statement.language,
        "interpreter": signature.interpreter,
        "in_custody": signature.in_custody,
        "time_to_think": signature.time_to_think,
        "copy_given": signature.copy_given,
        "texts": [
            {
                "id": statement.set_id,
                "version": statement.version,
                "language": statement.language,
            }
        ],
        "representative": signature.representative,
        "authority": signature.authority,
    }
    return {name: value for name, value in form.items() if value is not None or name == "witness"}


def _contradicted(working_set: WorkingSet, case: str, declined: Iterable[Line]) -> frozenset[str]:
    """Return the ids of the grants in force that a line with a no takes back.

    A grant is one if it lets the same agency tell the same one some of that, for some of those
    purposes.
    """
    return frozenset(
        logged.grant.id
        for line in declined
        for logged in working_set.gateway.unended_grants(case)
        if logged.pair == (line.discloser, line.recipient)
        and set(logged.grant.categories) & set(line.categories)
        and set(logged.grant.purposes) & set(line.purposes)
    )


def _setting(office: Office, working_set: WorkingSet) -> tuple[Program, date]:
    """Return the pack in force today, and today in the program's zone.

    Raises `AgencyError` `no-directory`, `not-a-collector`, `unknown-pack`.
    """
    defaults_today(office, working_set)
    gateway = working_set.gateway
    directory = gateway.history.newest
    if directory.role(office.agency) not in COLLECTORS:
        raise AgencyError(
            "not-a-collector",
            f"`{office.agency}` may not collect a consent: it is no provider",
            fix="have the person's case manager ask",
        )
    today = day_of(gateway.hub_time(office.clock()), directory.zone)
    return office.program(working_set).on(today), today
