"""Tell other agencies something of a case: a form, its check, and what was sent.

Each form of the vocabulary works here without code of its own. Its fields are its questions, and
the check shows the statement, its recipients, and the agencies that don't get it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.questions import (
    AskedField,
    Typed,
    answers_so_far,
    fault_of,
    fields_of,
    read_answers,
    typed_after,
    was_shown,
)
from offramp.console.agency.routes import OFFERERS, action, has_page, page
from offramp.console.agency.visit import Elsewhere, Invalid, NotHere, Visit
from rules.errors import Refusal

ANSWER = "answer"
ASKED = "/asked"
# The pages of a decision, in the lists of the two offices that have one.
_DECISIONS = ("/queue/{c}/{decision}", "/applications/{c}/{decision}")
_RECORDS_CHECK = "decisions.screening"
# The titles of what was told, by how far the record came.
_TITLES = {
    "sent": "Sent",
    "waiting": "Saved here",
    "refused": "Not delivered",
    "kept": "Kept here",
}
CHANGED = "Something changed since this page was shown. Check it once more"


@page(ASKED, OFFERERS)
def asked(visit: Visit) -> Response:
    """List the cases in which another agency waits for an answer."""
    waiting: dict[str, list[operations.AskedFact]] = {}
    addresses = operations.case_addresses(visit.office)
    local = {case: id_ for id_, case in addresses.items()}
    for question in operations.group_questions(operations.waiting_questions(visit.office)):
        # What a person decides is confirmed where it is decided, and no form states it.
        is_check = question.path == _RECORDS_CHECK
        decided = _page_deciding(
            visit, local[question.case], "screening" if is_check else question.decided_in
        )
        address = decided or f"/people/{local[question.case]}/tell/{ANSWER}"
        waiting.setdefault(address, []).append(question)
    cases = []
    for address, questions in waiting.items():
        case = questions[0].case
        is_answer = address.endswith(f"/tell/{ANSWER}")
        # An answer that contradicts something is confirmed or corrected in its form.
        is_new = is_answer and not any(question.earlier for question in questions)
        measurements = _measurements(visit, case, local[case]) if is_new else ()
        measured = {measurement.question.text for measurement in measurements}
        cases.append(
            {
                "address": f"{ASKED}/{local[case]}",
                "form": address,
                "is_decided": not is_answer,
                "about": questions[0].about,
                "fields": _fields_of(visit, measurements),
                "to": _askers(measurements),
                "others": [question for question in questions if question.question not in measured],
            }
        )
    return visit.show(
        "asked.html",
        "Asked",
        cases=cases,
        closed=len(operations.closed_questions(visit.office)),
    )


def _page_deciding(visit: Visit, local: str, decision: str | None) -> str | None:
    """Return the page of a decision of this office, None where it has none."""
    if decision is None:
        return None
    pages = (page_of for page_of in _DECISIONS if visit.has_page(page_of))
    return next((page_of.format(c=local, decision=decision) for page_of in pages), None)


def _measurements(visit: Visit, case: str, local: str) -> tuple[operations.AskedMeasurement, ...]:
    """Return the measurements asked for in a case. Their fields have the case in their names."""
    return tuple(
        replace(
            measurement,
            question=replace(measurement.question, name=f"{local}.{measurement.question.name}"),
        )
        for measurement in operations.measurements_asked(visit.office, case)
    )


def _fields_of(
    visit: Visit, measurements: Iterable[operations.AskedMeasurement]
) -> list[tuple[AskedField, tuple[str, ...]]]:
    """Return the field of each measurement, and the agencies that ask for it.

    The page says what happens to one that is left out.
    """
    fields = fields_of([measurement.question for measurement in measurements], {}, visit)
    return [
        (replace(field, optional=False), measurement.askers)
        for field, measurement in zip(fields, measurements, strict=True)
    ]


def _askers(measurements: Iterable[operations.AskedMeasurement]) -> list[str]:
    return sorted({name for measurement in measurements for name in measurement.askers})


@action(f"{ASKED}/{{c}}", OFFERERS)
def send_measurements(visit: Visit) -> Response:
    """Send the measurements of a case to the agencies that the list names.

    INVARIANT: what is unusual, or goes to an agency that the list didn't name, is checked first.
    """
    local = f"{visit.parts['c']}."
    measurements = _measurements(visit, visit.case, visit.parts["c"])
    if not measurements:
        raise Elsewhere(ASKED, "This was answered before. Nothing was sent now.")
    questions = [measurement.question for measurement in measurements]
    try:
        answers = read_answers(lambda _: questions, visit)
    except Invalid as invalid:
        raise Invalid(invalid.faults, ASKED) from None
    if all(value is None for value in answers.values()):
        nothing = "Write the number, or say that you can’t tell"
        raise Invalid({questions[0].name: nothing}, ASKED)
    names = [question.name.removeprefix(local) for question in questions]
    sent = {name.removeprefix(local): texts for name, texts in visit.answers.items()}
    typed = {**sent, "asked": names}
    visit.forget_typed(ASKED)
    _, preview = _preview_of(visit, typed)
    to = operations.told_by(preview).to
    if odd_of(preview) or preview.holders or {*to} != {*_askers(measurements)}:
        visit.remember(_draft_name(visit), typed)
        return visit.go(f"{_form(visit)}/check")
    return _send(visit, preview)


@action(ASKED, OFFERERS)
def open_closed(visit: Visit) -> Response:
    """Open the questions that nobody here has opened, in the person's name."""
    operations.open_questions_as(visit.office, visit.actor)
    return visit.go(f"{ASKED}?opened")


@page("/people/{c}/tell/{form}", OFFERERS, begins=True)
def form(visit: Visit) -> Response:
    """Ask what a form asks."""
    opened = _opened(visit)
    typed = visit.recall(_draft_name(visit)) or {}
    moved = visit.recall("moved") or {}
    is_moved = not typed and moved.get("form") == _name(visit) and moved.get("from") != visit.case
    if is_moved:
        typed = moved["typed"]
    if not typed and opened.about is not None:
        before = {**opened.kept, **opened.about.contact}
        typed = {name: [text] for name, text in before.items() if name in opened.paths}
        typed |= {name: [text] for name, text in opened.sections.items()}
    if operations.ABOUT in visit.query and not visit.recall(_draft_name(visit)):
        typed = {**typed, operations.ABOUT: visit.query[operations.ABOUT].split(",")}
    answers = answers_so_far(opened.questions, visit, typed)
    return visit.show(
        "tell.html",
        operations.title_of(opened),
        heading=operations.title_of(opened),
        fields=fields_of(opened.questions(answers), typed, visit),
        back=_back(visit),
        opened=opened,
        mend=_page_of(visit, "mistake"),
        is_moved=is_moved,
        again=_asked_again(visit) if _name(visit) == ANSWER else (),
        decided=_decided_elsewhere(visit) if opened.decided else (),
    )


def _decided_elsewhere(visit: Visit) -> list[tuple[str, str | None]]:
    """Return each question that a decision of this office answers, with the decision's page."""
    waiting = operations.waiting_questions(visit.office, visit.case)
    return [
        (question.question, _page_deciding(visit, visit.parts["c"], question.decided_in))
        for question in operations.group_questions(waiting)
        if question.decided_in is not None
    ]


def _asked_again(visit: Visit) -> tuple[operations.AskedFact, ...]:
    """Return the questions of agencies that have this agency's answer already."""
    waiting = operations.waiting_questions(visit.office, visit.case)
    return operations.group_questions(
        question for question in waiting if question.earlier and question.decided_in is None
    )


@action("/people/{c}/tell/{form}", OFFERERS)
def take(visit: Visit) -> Response:
    """Take the answers. More questions may follow from them, else the check."""
    opened = _opened(visit)
    typed = typed_after(visit.recall(_draft_name(visit)) or {}, visit.answers)
    answers = _answers_of(visit, opened, typed)
    visit.remember(_draft_name(visit), typed)
    questions = opened.questions(answers)
    is_whole = not _is_open(visit, opened, answers, typed)
    if is_whole:
        _refuse_draft(visit, opened, answers, questions[0].name)
    return visit.go(f"{visit.path}/check" if is_whole else f"{visit.path}?more")


def _is_open(
    visit: Visit, opened: operations.OpenedForm, answers: Mapping[str, Any], typed: Typed
) -> bool:
    """Report whether a question waits. One that an answer to other agencies leaves out stays asked.

    Only a question that follows from an answer, and wasn't shown yet, waits then.
    """
    waiting = [question for question in opened.questions(answers) if question.name not in answers]
    if _name(visit) != ANSWER:
        return bool(waiting)
    initial = {question.name for question in opened.questions({})}
    return any(
        question.name not in initial and not was_shown(question, typed) for question in waiting
    )


def _answers_of(visit: Visit, opened: operations.OpenedForm, typed: Typed) -> dict[str, Any]:
    is_answer = _name(visit) == ANSWER
    return read_answers(opened.questions, visit, typed, may_leave_out=is_answer)


def _refuse_draft(
    visit: Visit, opened: operations.OpenedForm, answers: Mapping[str, Any], first: str
) -> None:
    """Refuse what no draft may state, at its question. Raises `Invalid`.

    A form in which no answer says anything is refused at its first question.
    """
    try:
        operations.draft_form(visit.office, opened, answers)
    except Refusal as refusal:
        if refusal.code not in ("nothing-to-tell", "entries-left-out"):
            raise
        raise Invalid({refusal.at.path or first: fault_of(refusal)}) from None


@page("/people/{c}/tell/{form}/check", OFFERERS)
def check(visit: Visit) -> Response:
    """Show what is sent, to whom, and to whom not."""
    opened, preview = _preview(visit)
    return visit.show(
        "tell_check.html",
        "Check and send",
        heading=operations.title_of(opened),
        statement=operations.statement_of(preview),
        told=operations.told_by(preview),
        untold=operations.untold_by(opened, preview),
        unnamed=operations.unnamed_to(preview),
        odd=odd_of(preview),
        opened=opened,
        again=_is_once_more(opened, preview),
        seen=seen(preview),
        back=_form(visit),
        consent=_page_of(visit, "consent"),
    )


@action("/people/{c}/tell/{form}/check", OFFERERS)
def send(visit: Visit) -> Response:
    """Send what was shown, once."""
    opened, preview = _preview(visit)
    faults = {}
    if visit.field("seen") != seen(preview):
        faults["seen"] = CHANGED
    if odd_of(preview) and not visit.field("although_odd"):
        faults["although_odd"] = "Confirm that this is right, or change it"
    if _is_once_more(opened, preview) and not visit.field("again"):
        faults["again"] = "Confirm that it happened once more, or go back"
    if faults:
        raise Invalid(faults)
    visit.forget(_draft_name(visit))
    visit.forget_typed(_form(visit))
    visit.forget("moved")
    return _send(visit, preview)


def _send(visit: Visit, preview: operations.Preview) -> Response:
    """Send a draft that was shown, and lead to the page of its recipients."""
    sent = operations.send_draft(visit.office, preview.draft, although_odd=bool(preview.odd))
    names = [preview.names.get(agency, agency) for agency in sent.recipients]
    visit.remember("told", {"to": names, **delivery(sent), "back": _back(visit)})
    return visit.go("/told")


@page("/told", OFFERERS)
def told(visit: Visit) -> Response:
    """Say who has it."""
    kept = visit.recall("told")
    if not kept:
        raise NotHere
    return visit.show("told.html", _TITLES[kept["state"]], sent=kept)


def _name(visit: Visit) -> str:
    name = visit.parts.get("form", ANSWER)
    if name != ANSWER and name not in dict(operations.list_forms(visit.office)):
        raise NotHere
    return name


def _opened(visit: Visit) -> operations.OpenedForm:
    """Open the form of the address. Raises `Elsewhere` where all of it waits for a decision."""
    try:
        return operations.open_form(visit.office, _name(visit), visit.case)
    except Refusal as refusal:
        if refusal.code != operations.DECIDE_IT:
            raise
        waiting = operations.waiting_questions(visit.office, visit.case)
        decision = next(question.decided_in for question in waiting if question.decided_in)
        address = _page_deciding(visit, visit.parts["c"], decision)
        if address is None:
            raise
        raise Elsewhere(address, "You answer this by your decision, with a reason.") from None


def _draft_name(visit: Visit) -> str:
    return f"form {visit.case} {_name(visit)}"


def _form(visit: Visit) -> str:
    return f"/people/{visit.parts['c']}/tell/{_name(visit)}"


def _back(visit: Visit) -> str:
    return ASKED if _name(visit) == ANSWER else f"/people/{visit.parts['c']}"


def _preview(visit: Visit) -> tuple[operations.OpenedForm, operations.Preview]:
    """Return what would be sent. Raises `Elsewhere`, which leads to the form."""
    kept = visit.recall(_draft_name(visit))
    if not kept:
        raise Elsewhere(_form(visit), "Nothing is filled in. If you sent this before, it is sent.")
    return _preview_of(visit, kept)


def _preview_of(visit: Visit, typed: Typed) -> tuple[operations.OpenedForm, operations.Preview]:
    opened = _opened(visit)
    answers = _answers_of(visit, opened, typed)
    if _is_open(visit, opened, answers, typed):
        raise Elsewhere(_form(visit), "Answer what is still open, then check it.")
    draft = operations.draft_form(visit.office, opened, answers)
    return opened, operations.preview_draft(visit.office, draft)


def _page_of(visit: Visit, name: str) -> str | None:
    """Return a page of the case, None where there is none or it isn't for this person."""
    is_here = has_page(f"/people/{{c}}/{name}", visit.person.roles, visit.agency.kind)
    return f"/people/{visit.parts['c']}/{name}" if is_here else None


def _is_once_more(opened: operations.OpenedForm, preview: operations.Preview) -> bool:
    """Report whether something is told that was told before, or another time than was kept."""
    return bool(opened.happened) or opened.is_another_time(preview.draft.stated)


def odd_of(preview: operations.Preview) -> tuple[str, ...]:
    """Return what is unusual in a draft, in sentences. A person confirms it, or changes it."""
    return tuple(odd.text("en") for odd in preview.odd)


def seen(preview: operations.Preview) -> str:
    """Return a digest of what a check shows: the statement, the recipients, the rules' answers."""
    lines = operations.statement_of(preview)
    statement = [(line.category, line.label, line.value) for line in lines]
    rules: list[Mapping[str, Any]] = [answer.as_json() for answer in preview.answers]
    return digest_of([statement, operations.told_by(preview).as_json(), rules])


def digest_of(shown: Any) -> str:
    """Return a digest of what a check shows, so that nothing else is sent."""
    return hashlib.sha256(json.dumps(shown, default=str).encode()).hexdigest()


def delivery(sent: operations.SentForm) -> dict[str, str]:
    """Return how far a record came: `sent`, `waiting`, `refused`, or `kept`, and why."""
    if sent.record is None:
        return {"state": "kept", "why": ""}
    return delivery_of(sent.record.state)


def delivery_of(state: str) -> dict[str, str]:
    """Return how far a record came by its state: `sent`, `waiting`, or `refused`, and why."""
    state_word, _, why = state.partition(":")
    states = {"queued": "waiting", "refused": "refused"}
    return {"state": states.get(state_word, "sent"), "why": why.strip()}
