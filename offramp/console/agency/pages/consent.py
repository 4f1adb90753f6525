"""Hand a consent form over to a person, take it back, and record what the person signed.

These pages are for staff. Those in the person's hand are in `consent_form`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.catalogs import ENGLISH, LANGUAGES, mark
from offramp.console.agency.pages.consent_draft import (
    ASKING,
    SIGNED,
    ConsentDraft,
    draft_of,
    find_draft,
    forget_draft,
    keep_draft,
    record_draft,
)
from offramp.console.agency.routes import COLLECTORS, WORKERS, action, page
from offramp.console.agency.visit import Invalid, Visit
from rules.errors import Refusal

START = "/people/{c}/consent"
HAND = "/people/{c}/consent/person"
DETAILS = f"{HAND}/details"
LONGEST = 80  # characters of the place where a signed paper is kept
# Refusals of a form whose text, or what it changes, is another by now: the person signs it again.
_SIGNED_AGAIN = ("other-text", "no-such-answer", operations.CASE_CHANGED)
# What to write where a member of the signed form can't be read, by the field.
_UNREADABLE = {
    "name": "Write the name in at most ten words, without digits and signs",
    "place": "Write the place in at most ten words, such as: Crossroads, office #2",
    "interpreter": "Write the name in at most five words, without digits and signs",
}


@page(START, WORKERS, kinds=COLLECTORS, begins=True)
def start(visit: Visit) -> Response:
    """Ask staff for what the form states about the asking, before it is handed over."""
    sets = operations.list_consent_sets(visit.office, visit.case)
    due = [consent_set.id for consent_set in sets if consent_set.is_due and not consent_set.asked]
    chosen = (
        due if len(due) == 1 else [consent_set.id for consent_set in sets] if len(sets) == 1 else []
    )
    return visit.show(
        "consent_start.html",
        mark("Ask for consent"),
        sets=[(consent_set, _describe(visit, consent_set.id)) for consent_set in sets],
        chosen=chosen,
        name=operations.person_name(visit.office, visit.case),
        back=visit.address_of(visit.case),
        consents=visit.address_of(visit.case, "consents"),
    )


def _describe(visit: Visit, set_id: str) -> dict[str, Any]:
    form = operations.open_consent_form(visit.office, set_id)
    return {
        "count": len(form.questions),
        "recipients": list(dict.fromkeys(question.recipient_name for question in form.questions)),
        "missing": [role.replace("_", " ") for role in form.missing],
    }


@action(START, WORKERS, kinds=COLLECTORS)
def hand_over(visit: Visit) -> Response:
    """Give the form to the person: from here on this browser shows nothing else."""
    sets = {
        consent_set.id for consent_set in operations.list_consent_sets(visit.office, visit.case)
    }
    known = operations.person_name(visit.office, visit.case)
    faults = {}
    if visit.field("set") not in sets:
        faults["set"] = "Choose what is asked"
    texts, unreadable = _read_details(visit, visit.field("name") or known or "")
    faults |= unreadable
    if operations.form_faults({"explained_by": visit.actor}):
        faults["set"] = "Your name as it is here can’t be on a form. Ask an admin to correct it"
    if visit.field("lang") not in LANGUAGES:
        faults["set"] = "Choose the language of the form"
    if not visit.can_confirm:
        faults["set"] = "Add a passkey at your own page first: you need it to take this back"
    if faults:
        raise Invalid(faults)
    form = operations.open_consent_form(visit.office, visit.field("set"))
    if not form.questions:
        raise Invalid({"set": "No agency of the exchange could be told. There is nothing to ask"})
    draft = ConsentDraft(
        set_id=form.id,
        name=texts["name"],
        place=texts["place"],
        interpreter=texts["interpreter"] or None,
        in_custody=bool(visit.field("in_custody")),
        time_to_think=bool(visit.field("time_to_think")),
        seen_at=visit.office.at,
    )
    keep_draft(visit, draft)
    visit.choose_language(visit.field("lang"))
    return visit.hand_over(visit.address_of(visit.case, "consent", "person"))


def _read_details(visit: Visit, name: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the name, the place, and the interpreter of a form, and each one's fault.

    The signed form is read so when it is recorded, so that nobody signs what can't be.
    """
    texts = {"name": name, "place": visit.field("place"), "interpreter": visit.field("interpreter")}
    written = {field: text for field, text in texts.items() if text}
    faults = {field: _UNREADABLE[field] for field in operations.form_faults(written)}
    if not texts["name"]:
        faults["name"] = "Write the person’s name, as it stands on the form"
    if not texts["place"]:
        faults["place"] = "Write where you are"
    return texts, faults


@page(DETAILS, WORKERS, kinds=COLLECTORS, in_hand=True)
def details(visit: Visit) -> Response:
    """Show staff the name, the place, and the interpreter of a form, to correct them."""
    draft = draft_of(visit, (ASKING, SIGNED))
    return visit.show(
        "consent_details.html",
        mark("Correct the form"),
        draft=draft,
        is_signed=draft.stage == SIGNED,
        form=visit.session.handed,
    )


@action(DETAILS, WORKERS, kinds=COLLECTORS, in_hand=True)
def correct(visit: Visit) -> Response:
    """Correct how a form was explained, and before it is signed, the person's name on it.

    INVARIANT: the name is in the text that is signed, and doesn't change after the signature. The
    place and the interpreter aren't in it, and staff confirm them.
    """
    draft = draft_of(visit, (ASKING, SIGNED))
    is_signed = draft.stage == SIGNED
    texts, faults = _read_details(visit, draft.name if is_signed else visit.field("name"))
    if faults:
        raise Invalid(faults)
    interpreter = texts["interpreter"] or None
    keep_draft(
        visit, replace(draft, name=texts["name"], place=texts["place"], interpreter=interpreter)
    )
    return visit.go(f"{visit.session.handed}/confirm" if is_signed else visit.session.handed)


# Take the browser back


@page(f"{HAND}/leave", WORKERS, kinds=COLLECTORS, in_hand=True)
def leaving(visit: Visit) -> Response:
    """Ask staff who takes the browser back."""
    return visit.show(
        "consent_leave.html",
        mark("Take the form back"),
        draft=find_draft(visit),
        request=visit.confirmation_request(_leaving_digest(visit)),
        form=visit.session.handed,
    )


def _leaving_digest(visit: Visit) -> str:
    # The token changes whenever the browser changes hands.
    return operations.hand_back_digest(visit.case, visit.session.token)


@action(f"{HAND}/leave", WORKERS, kinds=COLLECTORS, in_hand=True)
def leave(visit: Visit) -> Response:
    """Take the browser back. What the person answered and nobody recorded is forgotten."""
    if not visit.is_handed:
        return visit.go(visit.address_of(visit.case, "consents"))
    visit.confirm(_leaving_digest(visit))
    return _taken_back(visit, visit.address_of(visit.case, "consents"))


@page(f"{HAND}/confirm", WORKERS, kinds=COLLECTORS, in_hand=True)
def check(visit: Visit) -> Response:
    """Show staff what was signed, to confirm that they explained it."""
    draft = draft_of(visit, (SIGNED,))
    copy = visit.query.get("copy") != "no"
    lang = _language(visit)
    form = operations.open_consent_form(visit.office, draft.set_id)
    return visit.show(
        "consent_confirm.html",
        mark("Confirm what was signed"),
        draft=draft,
        rows=[(question, _lines_answered(draft, question)) for question in form.questions],
        language=LANGUAGES[lang],
        copy=copy,
        request=visit.confirmation_request(_digest(visit, draft, copy)),
        form=visit.session.handed,
    )


def _lines_answered(
    draft: ConsentDraft, question: operations.ConsentQuestion
) -> list[tuple[bool | None, operations.ConsentLine]]:
    """Return each line of a question with its answer, None where the question was put off."""
    answer = draft.answers.get(question.id)
    return [
        (at in answer if isinstance(answer, tuple) else answer, line)
        for at, line in enumerate(question.lines, 1)
    ]


@action(f"{HAND}/confirm", WORKERS, kinds=COLLECTORS, in_hand=True)
def record(visit: Visit) -> Response:
    """Record what the person signed, in one transaction, and take the browser back."""
    draft = draft_of(visit, (SIGNED,))
    copy = visit.field("copy") != "no"
    confirmation = visit.confirm(_digest(visit, draft, copy))
    try:
        record_draft(visit, draft, draft.signed(copy), _language(visit), confirmation)
    except Refusal as refusal:
        if refusal.code in _SIGNED_AGAIN:
            keep_draft(visit, _to_sign_again(visit, draft))
        raise
    number = len(operations.list_asked_consents(visit.office, visit.case))
    return _taken_back(visit, visit.address_of(visit.case, "consents", str(number)))


def _to_sign_again(visit: Visit, draft: ConsentDraft) -> ConsentDraft:
    """Return a draft whose signature can't count any more, with each answer that is still asked."""
    form = operations.open_consent_form(visit.office, draft.set_id)
    lines = {question.id: len(question.lines) for question in form.questions}
    answers = {
        question: answer
        for question, answer in draft.answers.items()
        if question in lines and not (isinstance(answer, tuple) and max(answer) > lines[question])
    }
    return replace(
        draft,
        answers=answers,
        stage=ASKING,
        version=None,
        signature={},
        seen_at=visit.office.at,
    )


def _digest(visit: Visit, draft: ConsentDraft, copy: bool) -> str:
    return operations.consent_digest(
        visit.case, draft.set_id, str(draft.version), draft.signed(copy)
    )


def _language(visit: Visit) -> str:
    """Return the language that the person read, on a page of staff."""
    return str((visit.recall("language") or {}).get("lang", ENGLISH))


def _taken_back(visit: Visit, path: str) -> Response:
    forget_draft(visit)
    visit.choose_language(ENGLISH)
    return visit.take_back(path)
