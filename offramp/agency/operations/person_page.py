"""A participant's own page: read it, take a permission back, dispute, and complain.

Each task has two forms. `my_page` and its companions are for the participant, by the hash of a code
that `use_code` accepted. `print_my_page` and its companions are for the staff member on the case,
who prints the page, or writes down what the person says. No page and no command builds a record.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from exchange.consent.disclosure import day_of
from exchange.consent.reduction import represents
from exchange.errors import ExchangeError
from offramp.agency.cases.answering import answer_case, defaults_today
from offramp.agency.cases.case import Answer
from offramp.agency.cases.caseload import case_of
from offramp.agency.cases.charge_word import FILING
from offramp.agency.cases.concerns import ANSWERS, COMPLAINT, DISPUTE, Concern, concerns_of
from offramp.agency.cases.my_page import (
    Charge,
    ToldAgency,
    charge_of,
    manager_phone,
    phone_of,
    promise_sentences,
    promises_of,
    subjects_of,
    told_agencies,
    told_rows,
)
from offramp.agency.cases.people import person_of
from offramp.agency.cases.person_words import NOT_DISPUTED, OTHER
from offramp.agency.cases.plain_words import CATEGORIES
from offramp.agency.cases.signed_ends import signed_ends
from offramp.agency.cases.text_fates import text_fates
from offramp.agency.cases.text_openings import TextOpenings
from offramp.agency.cases.told_words import told_contents
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.operations.access import CASE, GATEWAY, needs
from offramp.agency.operations.consent import (
    StandingConsents,
    TakeBack,
    list_standing_consents,
    preview_take_back,
)
from offramp.agency.operations.evidence import (
    CaseAccount,
    account_of_own_records,
    fetch_account,
    open_recall_answers,
    peek_account,
)
from offramp.agency.operations.looks import Opening, opening_sentences, openings_of
from offramp.agency.operations.person_codes import case_of_code, language_of_code, note_look
from offramp.agency.operations.records import Revocation, revoke_consent
from rules.errors import Refusal
from rules.frozen import frozen
from rules.packs.resolve import Segment, resolve

LONGEST_CONCERN = 2_000


@frozen
class MyPage:
    """A participant's own page in one language.

    `agency` is this agency's name. `is_whole` is true if `told` has what others told each other,
    as the hub's account states it. `phone` and `backup_phone` are the numbers of the case manager
    and of the backup, and `program_phone` is the program's. `cant_change` are phrases, and `stays`
    sentences, that follow from promises of the pack that are proved. `openings` are the staff who
    opened the file, and `opened_by` lists them as the account does. `subjects` is what was told,
    each category with its words, to choose what is not true.
    """

    case: str
    lang: str
    agency: str
    given_name: str | None
    is_ended: bool
    charge: Charge
    cant_change: tuple[str, ...]
    stays: tuple[str, ...]
    manager: str | None
    backup: str | None
    phone: str | None
    backup_phone: str | None
    program_phone: str | None
    counsel: tuple[str, ...]
    told: tuple[ToldAgency, ...]
    is_whole: bool
    openings: tuple[Opening, ...]
    opened_by: tuple[str, ...]
    concerns: tuple[Concern, ...]
    subjects: tuple[tuple[str, str], ...]
    at: int

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency my-page`."""
        return {
            "case": self.case,
            "lang": self.lang,
            "agency": self.agency,
            "given_name": self.given_name,
            "ended": self.is_ended,
            "charge": self.charge.as_json(),
            "cant_change": list(self.cant_change),
            "stays": list(self.stays),
            "case_manager": self.manager,
            "backup": self.backup,
            "phone": self.phone,
            "backup_phone": self.backup_phone,
            "program_phone": self.program_phone,
            "counsel": list(self.counsel),
            "told": [agency.as_json() for agency in self.told],
            "whole": self.is_whole,
            "opened_by": [opening.as_json() for opening in self.openings],
            "concerns": [concern.as_json() for concern in self.concerns],
            "at": self.at,
        }


# By the participant's code


@needs(GATEWAY)
def my_page(office: Office, code: str, lang: str, origin: str) -> MyPage:
    """Return the page of the participant whose code was used, and write a look.

    Raises `AgencyError` `code-ended`.
    """
    case = _look(office, code, origin, "my_page")
    return _page(office, case, lang)


@needs(GATEWAY)
def my_account(office: Office, code: str, origin: str) -> CaseAccount:
    """Return the account of the participant's case, fetched from the hub, as `fetch_account`.

    While the hub is away, it is made of this agency's own records, and says so.
    """
    case = _look(office, code, origin, "my_account")
    try:
        return fetch_account(office, case, for_person=True)
    except (AgencyError, ExchangeError):
        return account_of_own_records(office, case)


@needs(GATEWAY)
def my_permission(
    office: Office, code: str, recipient: str, lang: str, origin: str
) -> StandingConsents:
    """Return what one agency may be told, and what follows from taking it back.

    Raises `AgencyError` `code-ended`, `nothing-to-revoke`.
    """
    case = _look(office, code, origin, "my_permission")
    for consents in list_standing_consents(office, case, lang):
        if consents.recipient == recipient:
            return consents
    raise AgencyError(
        "nothing-to-revoke",
        "no permission to tell this agency is in force",
        fix="there is nothing to take back",
    )


@needs(GATEWAY)
def my_take_back(
    office: Office, code: str, recipient: str, line: str | None, lang: str, origin: str
) -> TakeBack:
    """Return what would stop, and what would stay, if the participant took something back.

    `line` is the id of a grant, None for all that the agency may be told. Raises `AgencyError`
    `code-ended`, `nothing-to-revoke`.
    """
    case = _look(office, code, origin, "my_take_back")
    return preview_take_back(office, case, recipient, line, lang)


@needs(GATEWAY)
def take_back(
    office: Office, code: str, recipient: str, origin: str, *, line: str | None = None
) -> Revocation:
    """End every live permission to tell one agency, or one line of them, as `revoke_consent`.

    INVARIANT: this agency's own gate is closed before the network is tried, and nothing of the line
    stays allowed: what another grant allows of it ends too.
    """
    case = _look(office, code, origin, "take_back")
    return revoke_consent(office, case, recipient=recipient, line=line)


@needs(GATEWAY)
def dispute(office: Office, code: str, about: str, text: str, origin: str) -> Concern:
    """Keep that something isn't true about the participant, for the case manager to look at.

    `about` is one of the page's `subjects`. Raises `AgencyError` `code-ended`,
    `no-such-category`, `empty-concern`.
    """
    return _keep(office, _look(office, code, origin, "dispute"), DISPUTE, about, text)


@needs(GATEWAY)
def complain(office: Office, code: str, text: str, origin: str) -> Concern:
    """Keep a complaint of the participant at this agency. No other agency is told.

    Raises `AgencyError` `code-ended`, `empty-concern`.
    """
    return _keep(office, _look(office, code, origin, "complain"), COMPLAINT, None, text)


# By the staff member on the case


@needs(CASE, look="print")
def print_my_page(office: Office, case: str, lang: str | None = None) -> MyPage:
    """Return the participant's own page, to print it for a person without a code.

    Without `lang`, it is in the language that the person prefers, or in English.
    """
    return _page(office, case, lang or language_of_code(office, case))


@needs(CASE, look="act", takes=True)
def note_dispute(office: Office, actor: str, case: str, about: str, text: str) -> Concern:
    """Write down what the person says is not true. Raises as `dispute`."""
    return _keep(office, case, DISPUTE, about, text)


@needs(CASE, look="act", takes=True)
def note_complaint(office: Office, actor: str, case: str, text: str) -> Concern:
    """Write down a complaint of the person. Raises as `complain`."""
    return _keep(office, case, COMPLAINT, None, text)


@needs(CASE, look="case")
def list_concerns(office: Office, case: str) -> tuple[Concern, ...]:
    """List the complaints and disputes of a case, the oldest first."""
    return concerns_of(office.working_set(), case)


@needs(CASE, look="act", takes=True)
def answer_concern(office: Office, actor: str, case: str, number: int, answer: str) -> Concern:
    """Close a complaint or a dispute with one of `ANSWERS`. The person's page then says so.

    Raises `AgencyError` `no-such-concern`, `no-such-answer`.
    """
    if answer not in ANSWERS:
        raise AgencyError(
            "no-such-answer",
            f"`{answer[:40]}` is no answer",
            fix=f"use one of {', '.join(ANSWERS)}",
        )
    with office.transaction() as working_set:
        _find_concern(working_set, case, number)
        body = {"case": case, "answers": number, "answer": answer, "by": actor}
        office.append(working_set, "noted", body | _kept_until(office, working_set))
    return _find_concern(office.working_set(), case, number)


# The page


def _look(office: Office, code: str, origin: str, operation: str) -> str:
    """Return the case of a code, and write a look of its participant."""
    case = case_of_code(office, code)
    with office.journal.together():
        note_look(office, case, origin, operation)
    return case


def _page(office: Office, handle: str, lang: str) -> MyPage:
    open_recall_answers(office, handle)
    account = peek_account(office, handle)
    working_set = office.working_set()
    defaults_today(office, working_set)
    case = case_of(working_set, handle)
    now = working_set.gateway.hub_time(office.clock())
    directory = working_set.gateway.history.newest
    segment = _segment(office, working_set)
    assigned = working_set.staff.assignments.get(handle)
    owner, backup = (assigned.owner, assigned.backup) if assigned is not None else (None, None)
    state = working_set.gateway.state(handle)
    name = person_of(working_set, handle).newest.given_name
    phone = segment.pack.words.phone
    rows = told_rows(working_set, handle, now, account)
    name_here, openings = directory.agencies[office.agency].name, openings_of(office, handle)
    return MyPage(
        handle,
        lang,
        name_here,
        name,
        case.is_ended,
        charge_of(
            working_set,
            handle,
            case,
            _filing(office, working_set, handle),
            rows,
            segment,
            lang,
            office.clock(),
        ),
        promises_of(segment, FILING, lang),
        promise_sentences(segment, "ejection", lang),
        owner,
        backup,
        manager_phone(working_set, handle, case, owner),
        phone_of(working_set, backup),
        phone.number if phone is not None else None,
        tuple(
            directory.agencies[agency].name
            for agency in directory.with_role("defender")
            if represents(state, agency, past_exit=True)
        ),
        told_agencies(
            working_set,
            handle,
            lang,
            rows,
            told_contents(working_set, handle),
            TextOpenings(
                state.records if account is None else account.records,
                office.agency,
                working_set.opened_automatically,
            ),
            text_fates(working_set, handle, rows, signed_ends(working_set, handle, rows), now),
            office.clock(),
        ),
        account is not None,
        openings,
        opening_sentences(name_here, openings, lang, directory.zone)[1:],
        concerns_of(working_set, handle),
        subjects_of(lang, rows),
        now,
    )


def _segment(office: Office, working_set: WorkingSet) -> Segment:
    gateway = working_set.gateway
    today: date = day_of(gateway.hub_time(office.clock()), gateway.history.newest.zone)
    return resolve(office.program(working_set).pack, today)


def _filing(office: Office, working_set: WorkingSet, handle: str) -> Answer | None:
    """Return the rules' answer on filing from what is known here. None without such rules."""
    try:
        return answer_case(office, working_set, handle, FILING, anywhere=True)
    except Refusal:
        return None


# Complaints and disputes


def _keep(office: Office, case: str, kind: str, about: str | None, text: str) -> Concern:
    text = " ".join(text.split())[:LONGEST_CONCERN]
    if about not in (None, OTHER) and (about not in CATEGORIES or about in NOT_DISPUTED):
        raise AgencyError(
            "no-such-category",
            f"`{str(about)[:40]}` is nothing that was said",
            fix="choose from the list",
        )
    if not text:
        raise AgencyError("empty-concern", "nothing was written", fix="write what is wrong")
    with office.transaction() as working_set:
        case_of(working_set, case)
        concern = {"kind": kind, "about": about, "text": text}
        body = {"case": case, "concern": concern} | _kept_until(office, working_set)
        event = office.append(working_set, "noted", body)
    return _find_concern(office.working_set(), case, event.at)


def _kept_until(office: Office, working_set: WorkingSet) -> dict[str, Any]:
    line = working_set.gateway.line
    return {
        "after": line.size if line else 0,
        "keep_until": defaults_today(office, working_set).keep_until,
    }


def _find_concern(working_set: WorkingSet, case: str, number: int) -> Concern:
    for concern in concerns_of(working_set, case):
        if concern.number == number:
            return concern
    raise AgencyError(
        "no-such-concern",
        f"no complaint `{number}` is here",
        fix="list them with `offramp agency concern DIR CASE`",
    )
