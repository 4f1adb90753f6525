"""Ask a person for consent by the pack's own form, record the answers, and take consent back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import date
from hashlib import sha256
from itertools import starmap
from typing import Any, TypeAlias

from exchange.consent.disclosure import day_of
from exchange.consent.state import COLLECTORS, LoggedGrant
from exchange.errors import ContentError
from exchange.records.building import Part
from exchange.records.content_checks import form_faults
from exchange.records.ids import new_short_id
from exchange.records.statements import ATTESTED
from offramp.agency.cases import people
from offramp.agency.cases.answering import defaults_today
from offramp.agency.cases.by_offer import offer_sentences
from offramp.agency.cases.caseload import case_of
from offramp.agency.cases.changes import is_consent
from offramp.agency.cases.charge_word import CHARGE_STATUS
from offramp.agency.cases.consent_form import (
    Answers,
    Form,
    Line,
    Question,
    Statement,
    asked_sets,
    find_set,
    kind_words,
    make_form,
    make_statement,
    sentence_around,
    what_follows,
)
from offramp.agency.cases.consent_words import circumstances, say, spell_day
from offramp.agency.cases.draft import Defaults
from offramp.agency.cases.revocation import (
    MOST_PARTS,
    OPERATION,
    ends_with_line,
    grants_that_allow,
    revocation_records,
)
from offramp.agency.errors import AgencyError, refuse_hidden_name
from offramp.agency.folder.office import Office
from offramp.agency.folder.outgoing import SENT, WITNESSED
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.hub_link.delivery import send_now, send_together, state_of
from offramp.agency.operations.access import CASE, CASES, needs
from offramp.agency.operations.changes import check_unchanged, refuse_changed
from offramp.agency.operations.confirmation import Confirmation, draft_digest, keep_confirmation
from offramp.agency.operations.records import SentRecord
from rules.decide.program import Program
from rules.frozen import frozen

# What pages read of a form.
ConsentForm: TypeAlias = Form
ConsentQuestion: TypeAlias = Question
ConsentLine: TypeAlias = Line
ConsentStatement: TypeAlias = Statement
# A grant in force, and the categories that it still allows.
_OpenGrant: TypeAlias = tuple[LoggedGrant, tuple[str, ...]]
LONGEST_DRAWING = 16 * 1024
# Moves and lines between whole numbers: a drawing that can't contain anything else.
_DRAWING = re.compile(r"(?:M\d{1,4} \d{1,4}(?:L\d{1,4} \d{1,4})+)+")


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

    `method` is `typed`, `drawn`, `paper`, `mark`, or `electronic`. `drawing` are the lines of a
    drawn one: the data of an SVG path of moves and lines. `kept_at` says where the paper lies. Both
    stay in this agency's journal. A representative signs with `representative` and the `authority`
    to do so.
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
    drawing: str | None = None
    kept_at: str | None = None


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
    """A grant in force or still to begin, with its sentence. `until` is None for an event.

    `lead`, `kinds`, and `purpose` are the parts of the sentence as a form lists them, and `ends`
    says when it ends.
    """

    id: str
    discloser: str
    recipient: str
    categories: tuple[str, ...]
    purposes: tuple[str, ...]
    until: str | None
    lead: str
    kinds: tuple[str, ...]
    purpose: str
    ends: str

    @property
    def sentence(self) -> str:
        """The whole sentence."""
        return f"{self.sentence_without_end} {self.ends}"

    @property
    def sentence_without_end(self) -> str:
        """The sentence without the one that says when it ends."""
        return f"{self.lead} {'; '.join(self.kinds)}. {self.purpose}"

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


@frozen
class StandingConsents:
    """What one recipient may be told in a case, and what follows if all of it is taken back.

    The sentences of `follows` are worked out from the rules, as far as they prove it.
    """

    recipient: str
    name: str
    grants: tuple[StandingGrant, ...]
    follows: tuple[str, ...]

    @property
    def common_end(self) -> str | None:
        """The sentence on the end of all of them, None if they end on different days."""
        ends = {grant.ends for grant in self.grants}
        return ends.pop() if len(ends) == 1 else None


@frozen
class TakeBack:
    """A take-back of what one recipient may be told, shown to the person before anything ends.

    `line` is the id of the grant that was chosen, None for all of them. `stops` are the grants that
    would end, and `still_allowed` those that the recipient keeps. `stops_here` is true if this
    agency tells some of it, and `other_senders` are the names of those who must be told to stop.
    `stays_open` begins with what the recipient no longer learns of a charge. The rest and `stays`
    are worked out from the rules: answers that they may then lack, and what doesn't depend on it.
    `by_offer` are sentences on what the yes to the offer still lets others tell the recipient.
    """

    recipient: str
    name: str
    line: str | None
    stops: tuple[StandingGrant, ...]
    still_allowed: tuple[StandingGrant, ...]
    stops_here: bool
    other_senders: tuple[str, ...]
    stays_open: tuple[str, ...]
    stays: tuple[str, ...]
    by_offer: tuple[str, ...]


@frozen
class EndedByNo:
    """The consents that lines with a no ended, before anything else of a form was recorded.

    `seen_at` is the journal's last event now if the consents had not changed since the form was
    opened, else the event that the form was opened at.
    """

    grants: tuple[str, ...]
    records: tuple[SentRecord, ...]
    seen_at: int


@frozen
class AskedConsent:
    """A consent set that was asked in a case: the text, and how it was signed, if it was.

    `number` counts from 1 in the case. `lines` are empty once the text was destroyed.
    `circumstances` are how it was explained and signed, in its language.
    """

    number: int
    set_id: str
    label: str | None
    on: str
    by: str
    language: str
    signed: str | None
    lines: tuple[str, ...]
    circumstances: tuple[str, ...]
    drawing: str | None
    kept_at: str | None


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
    """Return the name with which a form begins, or None.

    It is the one that the person signed with last, or that was corrected here since, and else that
    of the contact details that this agency holds.
    """
    return people.name_on_forms(office.working_set(), case)


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
    confirmation: Confirmation | None = None,
) -> RecordedConsent:
    """Record a person's answers to a consent set: a grant for each line with a yes.

    `actor` is the staff member that explained the form. A line with a no ends what the person
    allowed before by it, and needs no signature. Without a signature, a yes allows nothing. A
    question without an answer adds nothing and ends nothing. All is one transaction, and this
    agency's own gate closes first. `version` is that of the statement that was signed, and
    `seen_at` the journal's last event when the form was opened. `confirmation` is the staff
    member's, of `consent_digest`. Raises as `write_statement`; `AgencyError` `other-text` where the
    text is another one by now, `case-changed` where a consent began or ended since and the person
    allows something, `not-confirmed`, `bad-signature`; as a send.
    """
    _check_drawing(signature)
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
        # A yes without a signature allows nothing, and is no no either.
        agreed = statement.agreed if signature is not None else ()
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
            **_kept_here(signature),
            "lines": list(statement.lines),
            "said": [
                {
                    "from": line.discloser,
                    "to": line.recipient,
                    "categories": list(line.categories),
                    "yes": is_yes,
                }
                for is_yes, lines in ((True, agreed), (False, statement.declined))
                for line in lines
            ],
            "records": [bundle.id for bundle in (*ends, *consents)],
            "until": until,
            "keep_until": defaults.last_day(("consent_terms",), date.fromisoformat(until)),
        }
        office.append(working_set, "statement", body)
        if confirmation is not None:
            digest = consent_digest(case, set_id, statement.version, signature)
            record = consents[0].id if consents else None
            keep_confirmation(office, working_set, confirmation, digest, case, record)
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


@needs(CASE, look="act", takes=True)
def end_declined(
    office: Office,
    actor: str,
    case: str,
    set_id: str,
    answers: Answers,
    lang: str = "en",
    *,
    seen_at: int,
) -> EndedByNo:
    """End at once what lines with a no take back, before a form is signed or confirmed.

    A no needs no signature, and waits for nobody. `actor` hands the form over. Raises as
    `open_consent_form`; `AgencyError` `no-such-answer`.
    """
    with office.transaction() as working_set:
        case_of(working_set, case)
        is_as_seen = refuse_changed(office, working_set, case, seen_at, is_consent) is None
        title = office.program(working_set).pack.title
        form = _form(office, working_set, set_id, lang)
        ended = _contradicted(working_set, case, make_statement(form, answers, "", title).declined)
        defaults = defaults_today(office, working_set)
        ends = revocation_records(working_set, case, None, defaults, ended) if ended else ()
        bundles = office.compose_together(working_set, "consent_change", ends, case) if ends else ()
    ids = [bundle.id for bundle in bundles]
    records = tuple(
        SentRecord(jti, "consent_change", case, state)
        for jti, state in zip(ids, send_together(office, ids) if ids else (), strict=True)
    )
    return EndedByNo(tuple(sorted(ended)), records, office.at if is_as_seen else seen_at)


def is_drawing(text: str) -> bool:
    """Report whether a text can be a drawn signature: moves and lines, and nothing else."""
    return len(text) <= LONGEST_DRAWING and _DRAWING.fullmatch(text) is not None


def consent_digest(case: str, set_id: str, version: str, signature: Signature | None) -> str:
    """Return the digest of a signed form that a staff member confirms to have explained.

    `version` names the exact text, with each answer.
    """
    signed = asdict(signature) if signature is not None else None
    return draft_digest(
        {"act": "consent", "case": case, "set": set_id, "text": version, "signature": signed}
    )


@needs(CASE, look="case")
def list_asked_consents(office: Office, case: str, lang: str = "en") -> tuple[AskedConsent, ...]:
    """List what was asked of the person in a case, with the texts, the oldest first.

    Raises `AgencyError` `no-directory`, `not-a-collector`, `no-such-case`.
    """
    working_set = office.working_set()
    program, _ = _setting(office, working_set)
    labels = program.pack.consent_sets
    texts = []
    for number, event in enumerate(working_set.statements_of(case), 1):
        body = event.body
        forms = [
            outgoing.form
            for record in body["records"]
            if (outgoing := working_set.outbox.get(record)) is not None
        ]
        signed = next((form for form in forms if form is not None), None)
        texts.append(
            AskedConsent(
                number,
                body["set"],
                labels[body["set"]].label.text(lang) if body["set"] in labels else None,
                body["on"],
                body["by"],
                body["language"],
                body["signed"],
                tuple(body["lines"]),
                circumstances(body["language"], {"interpreter": None, **signed}) if signed else (),
                body.get("drawing"),
                body.get("kept_at"),
            )
        )
    return tuple(texts)


def describe_circumstances(
    actor: str,
    lang: str,
    *,
    place: str,
    interpreter: str | None,
    in_custody: bool,
    time_to_think: bool,
) -> tuple[str, ...]:
    """Return how a form is explained, in the words that the person reads before signing."""
    known = {
        "explained_by": actor,
        "place": place,
        "interpreter": interpreter,
        "in_custody": in_custody,
        "time_to_think": time_to_think,
    }
    return circumstances(lang, known)


def check_form_member(name: str, value: Any) -> None:
    """Check a member of a signed form before anything is signed. Raises `ContentError`."""
    fault = form_faults({name: value}).get(name)
    if fault is not None:
        raise ContentError(
            "wrong-shape",
            f"`{name}` can't be in a signed form: {fault}",
            fix="write it in a few plain words",
        )


@needs(CASE)
def delivery_of(office: Office, case: str, records: Iterable[str]) -> tuple[str, ...]:
    """Return how far records of a case are, in words. Raises `AgencyError` `no-such-case`.

    Records of other cases are left out.
    """
    outbox = office.working_set().outbox
    return tuple(
        state_of(office, record)
        for record in records
        if record in outbox and outbox[record].case == case
    )


@needs(CASE, look="case")
def list_standing_consents(
    office: Office, case: str, lang: str = "en"
) -> tuple[StandingConsents, ...]:
    """List what each recipient may be told in a case, and what follows from taking it back.

    Raises `AgencyError` `no-directory`, `not-a-collector`.
    """
    working_set = office.working_set()
    program, today = _setting(office, working_set)
    directory = working_set.gateway.history.newest
    by_recipient: dict[str, list[tuple[LoggedGrant, tuple[str, ...]]]] = {}
    for logged, allowed in working_set.gateway.open_grants(case):
        by_recipient.setdefault(logged.grant.recipient, []).append((logged, allowed))
    return tuple(
        StandingConsents(
            recipient,
            _name(working_set, recipient),
            tuple(_standing(working_set, logged, allowed, lang) for logged, allowed in grants),
            (
                *_charge_unknown(working_set, recipient, grants, (), lang),
                *what_follows(
                    program,
                    directory,
                    office.agency,
                    today,
                    lang,
                    recipient,
                    [logged.grant for logged, _ in grants],
                ).sentences,
            ),
        )
        for recipient, grants in by_recipient.items()
    )


def preview_take_back(
    office: Office, case: str, recipient: str, line: str | None = None, lang: str = "en"
) -> TakeBack:
    """Return what stops and what stays if one line ends, or all that a recipient may be told.

    `line` is the id of a grant, in force or ended. Nothing is recorded. Raises `AgencyError`
    `no-directory`, `not-a-collector`, `nothing-to-revoke`.
    """
    working_set = office.working_set()
    program, today = _setting(office, working_set)
    directory = working_set.gateway.history.newest
    standing = [
        (logged, allowed)
        for logged, allowed in working_set.gateway.open_grants(case)
        if logged.grant.recipient == recipient
    ]
    chosen = (
        {logged.grant.id for logged, _ in standing}
        if line is None
        else ends_with_line(working_set, case, line)
    )
    stops = [(logged, allowed) for logged, allowed in standing if logged.grant.id in chosen]
    if not stops:
        raise AgencyError(
            "nothing-to-revoke",
            "no permission to tell this agency is in force",
            fix="there is nothing to take back",
        )
    left = [(logged, allowed) for logged, allowed in standing if logged.grant.id not in chosen]
    grants = [logged.grant for logged, _ in stops]
    senders = dict.fromkeys(grant.discloser for grant in grants)
    follows = what_follows(program, directory, office.agency, today, lang, recipient, grants)
    return TakeBack(
        recipient,
        _name(working_set, recipient),
        line,
        tuple(_standing(working_set, logged, allowed, lang) for logged, allowed in stops),
        tuple(_standing(working_set, logged, allowed, lang) for logged, allowed in left),
        office.agency in senders,
        tuple(_name(working_set, sender) for sender in senders if sender != office.agency),
        (*_charge_unknown(working_set, recipient, stops, left, lang), *follows.stays_open),
        follows.stays,
        offer_sentences(working_set, case, recipient, lang, office.clock()),
    )


@needs(CASE)
def allowed_by_offer(
    office: Office, case: str, recipient: str, lang: str = "en"
) -> tuple[str, ...]:
    """Return what the person's yes to the offer lets others tell an agency, as sentences.

    Raises as `read_case`.
    """
    working_set, key = office.working_set(), "by_offer_of_person"
    return offer_sentences(working_set, case, recipient, lang, office.clock(), key)


def _charge_unknown(
    working_set: WorkingSet,
    recipient: str,
    stops: Iterable[_OpenGrant],
    left: Iterable[_OpenGrant],
    lang: str,
) -> Iterator[str]:
    """Yield the sentence that a recipient learns no more of a charge, if that follows."""
    directory = working_set.gateway.history.newest

    def tells(logged: LoggedGrant, allowed: tuple[str, ...]) -> bool:
        return CHARGE_STATUS in allowed and directory.role(logged.grant.discloser) == "prosecutor"

    if any(starmap(tells, stops)) and not any(starmap(tells, left)):
        is_counsel = directory.role(recipient) == "defender"
        frozen_word = say(lang, "charge_unknown", recipient=_name(working_set, recipient))
        yield f"{frozen_word} {say(lang, 'ask_court' if is_counsel else 'ask_lawyer')}"


@needs(CASE, look="case")
def list_standing_grants(office: Office, case: str, lang: str = "en") -> tuple[StandingGrant, ...]:
    """List the grants of a case that are in force or will be, as far as this agency knows them.

    Raises `AgencyError` `no-directory`.
    """
    working_set = office.working_set()
    defaults_today(office, working_set)
    return tuple(
        _standing(working_set, logged, allowed, lang)
        for logged, allowed in working_set.gateway.open_grants(case)
    )


def _name(working_set: WorkingSet, agency: str) -> str:
    agencies = working_set.gateway.history.newest.agencies
    return agencies[agency].name if agency in agencies else agency


def _standing(
    working_set: WorkingSet, logged: LoggedGrant, allowed: tuple[str, ...], lang: str
) -> StandingGrant:
    """Return a grant with the categories that it still allows."""
    grant = logged.grant
    kinds = kind_words(allowed, lang)
    lead, purpose = sentence_around(
        _name(working_set, grant.discloser),
        _name(working_set, grant.recipient),
        grant.purposes,
        lang,
    )
    ends = (
        say(lang, "ends_on", day=spell_day(date.fromisoformat(grant.expires), lang))
        if grant.expires
        else say(lang, "ends_with", certifier=_name(working_set, str(grant.certifier)))
    )
    return StandingGrant(
        grant.id,
        grant.discloser,
        grant.recipient,
        allowed,
        tuple(grant.purposes),
        grant.expires,
        lead,
        kinds,
        purpose,
        ends,
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
        "scan": sha256(signature.drawing.encode()).hexdigest() if signature.drawing else None,
    }
    return {name: value for name, value in form.items() if value is not None or name == "witness"}


def _kept_here(signature: Signature | None) -> dict[str, str]:
    """Return what of a signature stays in the journal, and is in no record."""
    if signature is None:
        return {}
    kept = {"drawing": signature.drawing, "kept_at": signature.kept_at}
    return {name: text for name, text in kept.items() if text}


def _check_drawing(signature: Signature | None) -> None:
    """Check that a drawn signature has lines, and nothing but lines."""
    drawing = signature.drawing if signature is not None else None
    if drawing is not None and not is_drawing(drawing):
        raise AgencyError(
            "bad-signature",
            "the drawn signature can't be read",
            fix="draw it again, or type the name",
        )


def _contradicted(working_set: WorkingSet, case: str, declined: Iterable[Line]) -> frozenset[str]:
    """Return the ids of the grants in force that a line with a no takes back.

    A grant is one if it lets the same agency tell the same one some of that, for some of those
    purposes.
    """
    return frozenset().union(
        *(
            grants_that_allow(
                working_set,
                case,
                (line.discloser, line.recipient),
                line.categories,
                line.purposes,
            )
            for line in declined
        )
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
