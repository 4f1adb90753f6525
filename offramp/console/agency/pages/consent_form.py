"""The consent form in the person's hand: one question a page, then all of it, and the signature.

Nothing of it is recorded before the person is at its end. A page in the person's hand leads to
these pages alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.catalogs import LANGUAGES, mark
from offramp.console.agency.pages.consent import HAND, LONGEST
from offramp.console.agency.pages.consent_draft import (
    ASKING,
    FINISHED,
    NO,
    SIGNED,
    YES,
    ConsentDraft,
    draft_of,
    form_of,
    keep_draft,
    record_draft,
)
from offramp.console.agency.routes import COLLECTORS, WORKERS, action, page
from offramp.console.agency.visit import Invalid, NotHere, Visit
from offramp.names import is_same_name

Handler = Callable[[Visit], Response]
_EACH, _LATER, _ALL_NO = "each", "later", "all-no"


def _shows(path: str) -> Callable[[Handler], Handler]:
    return page(path, WORKERS, kinds=COLLECTORS, translated=True, in_hand=True)


def _does(path: str) -> Callable[[Handler], Handler]:
    return action(path, WORKERS, kinds=COLLECTORS, translated=True, in_hand=True)


@_shows(HAND)
def go_on(visit: Visit) -> Response:
    """Lead to where the person was."""
    draft = draft_of(visit, (ASKING, SIGNED, FINISHED))
    if draft.stage != ASKING:
        return visit.go(_address(visit, "done"))
    return visit.go(_next(visit, draft, form_of(visit, draft)))


def _address(visit: Visit, *more: str) -> str:
    return visit.address_of(visit.case, "consent", "person", *more)


def _next(visit: Visit, draft: ConsentDraft, form: operations.ConsentForm) -> str:
    """Return the address of the first question without an answer, or of the end."""
    for number, question in enumerate(form.questions, 1):
        if not draft.is_decided(question.id):
            return _address(visit, str(number))
    return _address(visit, "sign")


@_does(f"{HAND}/choose/language")
def switch(visit: Visit) -> Response:
    """Go on in another language. Each answer stays, and what was typed on the page."""
    lang, _, shown = visit.field("to").partition(" ")
    if lang not in LANGUAGES or not shown.startswith(_address(visit)):
        raise NotHere
    visit.choose_language(lang)
    # Not a fault: the frame keeps the fields, and leads to the page.
    raise Invalid({}, shown)


# One question


def _open_question(
    visit: Visit,
) -> tuple[ConsentDraft, operations.ConsentForm, int, operations.ConsentQuestion]:
    """Return the draft, its form, and the question of the address. Raises `NotHere`."""
    draft = draft_of(visit)
    form = form_of(visit, draft)
    typed = visit.parts["n"]
    number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 4 else 0
    if not 1 <= number <= len(form.questions):
        raise NotHere
    return draft, form, number, form.questions[number - 1]


@_shows(f"{HAND}/{{n}}")
def show_question(visit: Visit) -> Response:
    """Ask one question, with its exact sentences."""
    draft, form, number, question = _open_question(visit)
    return visit.show(
        "consent_question.html",
        mark("Consent"),
        question=question,
        number=number,
        count=len(form.questions),
        before=_address(visit, str(number - 1)) if number > 1 else None,
        answer=_answer_word(draft, question),
        is_first=not any(draft.is_decided(question.id) for question in form.questions),
        leave=_address(visit, "leave"),
    )


def _answer_word(draft: ConsentDraft, question: operations.ConsentQuestion) -> str | None:
    """Return the answer so far in a word, None where there is none."""
    if question.id in draft.put_off:
        return _LATER
    answer = draft.answers.get(question.id)
    if answer is None:
        return None
    if isinstance(answer, bool):
        return YES if answer else NO
    return _EACH


@_does(f"{HAND}/{{n}}")
def answer(visit: Visit) -> Response:
    """Keep an answer, and lead to the next question."""
    draft, form, number, question = _open_question(visit)
    word = visit.field("answer")
    if word == _EACH and len(question.lines) > 1:
        return visit.go(_address(visit, str(number), "lines"))
    if word == _ALL_NO:
        for other in form.questions:
            if other.id == question.id or not draft.is_decided(other.id):
                draft = draft.answered(other.id, False)
    elif word in (YES, NO):
        draft = draft.answered(question.id, word == YES)
    elif word == _LATER:
        draft = draft.answered(question.id, None)
    else:
        raise Invalid({"answer": visit.translate("Choose one of the answers")})
    return _keep(visit, draft, form)


def _keep(visit: Visit, draft: ConsentDraft, form: operations.ConsentForm) -> Response:
    """Keep the answers so far, and lead to the next question."""
    keep_draft(visit, draft)
    return visit.go(_next(visit, draft, form))


@_shows(f"{HAND}/{{n}}/lines")
def lines(visit: Visit) -> Response:
    """Ask each line of a question by itself."""
    draft, form, number, question = _open_question(visit)
    answer = draft.answers.get(question.id)
    chosen = {
        at: (YES if at in answer else NO)
        for at in range(1, len(question.lines) + 1)
        if isinstance(answer, tuple)
    }
    return visit.show(
        "consent_lines.html",
        mark("Consent, line by line"),
        question=question,
        number=number,
        count=len(form.questions),
        chosen=chosen,
        back=_address(visit, str(number)),
        leave=_address(visit, "leave"),
    )


@_does(f"{HAND}/{{n}}/lines")
def answer_lines(visit: Visit) -> Response:
    """Keep the answer to each line. A line without an answer is a no."""
    draft, form, _, question = _open_question(visit)
    numbers = range(1, len(question.lines) + 1)
    agreed = tuple(number for number in numbers if visit.field(f"line-{number}") == YES)
    return _keep(visit, draft.answered(question.id, agreed or False), form)


# Read once more, and sign


@_shows(f"{HAND}/sign")
def read_once_more(visit: Visit) -> Response:
    """Show every sentence with its answer, the rights, and the ways to sign."""
    draft = draft_of(visit)
    form = form_of(visit, draft)
    if any(not draft.is_decided(question.id) for question in form.questions):
        return visit.go(_next(visit, draft, form))
    statement = _statement(visit, draft)
    texts = dict(statement.answered)
    return visit.show(
        "consent_sign.html",
        mark("Read it once more"),
        draft=draft,
        statement=statement,
        rows=[
            (
                question,
                texts.get(question.id, ()),
                _answer_word(draft, question),
                _address(visit, str(number)),
            )
            for number, question in enumerate(form.questions, 1)
        ],
        circumstances=operations.describe_circumstances(
            visit.actor,
            visit.lang,
            place=draft.place,
            interpreter=draft.interpreter,
            in_custody=draft.in_custody,
            time_to_think=draft.time_to_think,
        ),
        details=_address(visit, "details"),
        leave=_address(visit, "leave"),
    )


def _statement(visit: Visit, draft: ConsentDraft) -> operations.ConsentStatement:
    return operations.write_statement(
        visit.office, draft.set_id, draft.answers, draft.name, visit.lang
    )


@_does(f"{HAND}/sign")
def finish(visit: Visit) -> Response:
    """Take the signature, or record at once what needs none.

    INVARIANT: a no ends at once what the person allowed before, and a yes without a signature that
    a staff member confirms allows nothing.
    """
    draft = draft_of(visit)
    statement = _statement(visit, draft)
    if visit.field("version") != statement.version:
        raise Invalid({"version": visit.translate("The text changed. Read it once more")})
    if visit.field("do") not in ("sign", "not", "finish"):
        raise Invalid({"typed": visit.translate("Sign first, or choose that you don’t sign")})
    if visit.field("do") == "sign" and statement.agreed:
        signature = _signature(visit, draft)
        ended = operations.end_declined(
            visit.office,
            visit.actor,
            visit.case,
            draft.set_id,
            draft.answers,
            visit.lang,
            seen_at=draft.seen_at,
        )
        draft = replace(
            draft,
            stage=SIGNED,
            signature=signature,
            version=statement.version,
            seen_at=ended.seen_at,
        )
    else:
        draft = replace(draft, stage=FINISHED, version=statement.version)
        if draft.answers:
            record_draft(visit, draft, None, visit.lang)
    keep_draft(visit, draft)
    return visit.go(_address(visit, "done"))


def _signature(visit: Visit, draft: ConsentDraft) -> dict[str, str]:
    """Return how the person signed: drawn, typed, or on paper. Raises `Invalid`."""
    drawing, typed, kept_at = (visit.field(name) for name in ("drawing", "typed", "kept_at"))
    if sum(map(bool, (drawing, typed, kept_at))) > 1:
        text = visit.translate("Sign in one way: draw, type, or sign on paper")
        raise Invalid({"typed": text})
    if drawing:
        if not operations.is_drawing(drawing):
            raise Invalid({"typed": visit.translate("Draw it again, or type your name")})
        return {"method": "drawn", "drawing": drawing}
    if kept_at:
        if len(kept_at) > LONGEST or not kept_at.isprintable():
            text = visit.translate("Write at most %(count)s letters", count=LONGEST)
            raise Invalid({"kept_at": text})
        return {"method": "paper", "kept_at": kept_at}
    if not typed:
        raise Invalid({"typed": visit.translate("Sign first, or choose that you don’t sign")})
    if not is_same_name(typed, draft.name):
        text = visit.translate(
            "Write the name as it is on the form: %(name)s. If it is wrong, sign it so, or ask "
            "%(staff)s to correct it",
            name=draft.name,
            staff=visit.actor,
        )
        raise Invalid({"typed": text})
    return {"method": "typed"}


@_shows(f"{HAND}/done")
def done(visit: Visit) -> Response:
    """Thank the person, and say what stays possible after a no."""
    draft = draft_of(visit, (SIGNED, FINISHED))
    form = form_of(visit, draft)
    # INVARIANT: what stays as it is stays so after a no to every question.
    stays = [
        text
        for text in form.questions[0].stays
        if all(text in question.stays for question in form.questions)
    ]
    return visit.show(
        "consent_done.html",
        mark("Thank you"),
        is_signed=draft.stage == SIGNED,
        is_noted=bool(draft.answers),
        stays=[form.care, *stays],
        stays_open=list(
            dict.fromkeys(text for question in form.questions for text in question.stays_open)
        ),
        go_on=_address(visit, "confirm" if draft.stage == SIGNED else "leave"),
    )
