"""Tell other agencies something of a case: a form, its check, and what was sent.

Each form of the vocabulary works here without code of its own. Its fields are its questions, and
the check shows the statement, its recipients, and the agencies that don't get it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.questions import fields_of, read_answers
from offramp.console.agency.routes import OFFERERS, action, page
from offramp.console.agency.visit import Invalid, NotHere, Visit

ANSWER = "answer"
ASKED = "/asked"


@page(ASKED, OFFERERS)
def asked(visit: Visit) -> Response:
    """List the cases in which another agency waits for an answer."""
    waiting: dict[str, list[operations.WaitingQuestion]] = {}
    for question in operations.waiting_questions(visit.office):
        waiting.setdefault(question.case, []).append(question)
    addresses = operations.case_addresses(visit.office)
    local = {case: id_ for id_, case in addresses.items()}
    return visit.show(
        "asked.html",
        "Asked",
        cases=[
            (f"/people/{local[case]}/tell/{ANSWER}", questions)
            for case, questions in waiting.items()
        ],
        closed=len(operations.closed_questions(visit.office)),
    )


@action(ASKED, OFFERERS)
def open_closed(visit: Visit) -> Response:
    """Open the questions that nobody here has opened, in the person's name."""
    operations.open_questions_as(visit.office, visit.actor)
    return visit.go(f"{ASKED}?opened")


@page("/people/{c}/tell/{form}", OFFERERS)
def form(visit: Visit) -> Response:
    """Ask what a form asks."""
    opened = _opened(visit)
    typed = visit.recall(_draft_name(visit)) or {}
    answers = read_answers(opened.questions, visit, typed)
    return visit.show(
        "tell.html",
        "A form",
        heading=operations.title_of(opened),
        fields=fields_of(opened.questions(answers)),
        typed=typed,
        back=_back(visit),
    )


@action("/people/{c}/tell/{form}", OFFERERS)
def take(visit: Visit) -> Response:
    """Take the answers. More questions may follow from them, else the check."""
    opened = _opened(visit)
    earlier = visit.recall(_draft_name(visit)) or {}
    typed = {**earlier, **visit.answers}
    typed["asked"] = list(dict.fromkeys((*earlier.get("asked", ()), *visit.fields("asked"))))
    answers = read_answers(opened.questions, visit, typed)
    visit.remember(_draft_name(visit), typed)
    is_whole = all(question.name in answers for question in opened.questions(answers))
    return visit.go(f"{visit.path}/check" if is_whole else f"{visit.path}?more")


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
        preview=preview,
        seen=seen(preview),
        back=_form(visit),
    )


@action("/people/{c}/tell/{form}/check", OFFERERS)
def send(visit: Visit) -> Response:
    """Send what was shown, once."""
    _, preview = _preview(visit)
    faults = {}
    if visit.field("seen") != seen(preview):
        faults["seen"] = "Something changed since this page was shown. Check it once more"
    if preview.odd and not visit.field("although_odd"):
        faults["although_odd"] = "Confirm the times, or change them"
    if faults:
        raise Invalid(faults)
    sent = operations.send_draft(visit.office, preview.draft, although_odd=bool(preview.odd))
    visit.remember(_draft_name(visit), {})
    names = [preview.names.get(agency, agency) for agency in sent.recipients]
    visit.remember("told", {"to": names, **delivery(sent), "back": _back(visit)})
    return visit.go("/told")


@page("/told", OFFERERS)
def told(visit: Visit) -> Response:
    """Say who has it."""
    kept = visit.recall("told")
    if not kept:
        raise NotHere
    return visit.show("told.html", "Sent", sent=kept)


def _name(visit: Visit) -> str:
    name = visit.parts["form"]
    if name != ANSWER and name not in dict(operations.list_forms(visit.office)):
        raise NotHere
    return name


def _opened(visit: Visit) -> operations.OpenedForm:
    return operations.open_form(visit.office, _name(visit), visit.case)


def _draft_name(visit: Visit) -> str:
    return f"form {visit.case} {_name(visit)}"


def _form(visit: Visit) -> str:
    return f"/people/{visit.parts['c']}/tell/{_name(visit)}"


def _back(visit: Visit) -> str:
    return ASKED if _name(visit) == ANSWER else f"/people/{visit.parts['c']}"


def _preview(visit: Visit) -> tuple[operations.OpenedForm, operations.Preview]:
    """Return what would be sent. Raises `Invalid`, which leads to the form."""
    kept = visit.recall(_draft_name(visit))
    if not kept:
        raise Invalid({}, _form(visit))
    opened = _opened(visit)
    answers = read_answers(opened.questions, visit, kept)
    if any(question.name not in answers for question in opened.questions(answers)):
        raise Invalid({}, _form(visit))
    draft = operations.draft_form(visit.office, opened, answers)
    return opened, operations.preview_draft(visit.office, draft)


def seen(preview: operations.Preview) -> str:
    """Return a digest of what a check shows: the statement, the recipients, the rules' answers."""
    lines = operations.statement_of(preview)
    statement = [(line.category, line.label, line.value) for line in lines]
    rules: list[Mapping[str, Any]] = [answer.as_json() for answer in preview.answers]
    text = json.dumps([statement, operations.told_by(preview).as_json(), rules], default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def delivery(sent: operations.SentForm) -> dict[str, str]:
    """Return how far a record came: `sent`, `waiting`, `refused`, or `kept`, and why."""
    if sent.record is None:
        return {"state": "kept", "why": ""}
    word, _, why = sent.record.state.partition(":")
    states = {"queued": "waiting", "refused": "refused"}
    return {"state": states.get(word, "sent"), "why": why.strip()}
