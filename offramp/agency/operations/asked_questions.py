"""Other agencies' questions to this one: those that wait for an answer, and those to open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from offramp.agency.cases.asked_again import contradictions, value_held
from offramp.agency.cases.case import Case
from offramp.agency.cases.caseload import OpenQuestion, case_of, handles
from offramp.agency.cases.empty_cases import is_withdrawn
from offramp.agency.cases.fact_kinds import plain_path
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.pack_terms import terms_of
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.hub_link.delivery import send_now
from offramp.agency.operations.access import ASKED, needs, open_for_actor
from offramp.agency.operations.telling import (
    CaseAbout,
    about_case,
    agency_names,
    decided_facts,
    open_form,
    questions_here,
)
from offramp.agency.operations.value_words import ValueWords
from offramp.asking import Question
from rules.errors import Refusal
from rules.frozen import frozen


@frozen
class WaitingQuestion:
    """A fact that another agency asked for in a case. `question` is in the vocabulary's words.

    `asker` is the agency's name, and `about` the person of the case. `earlier` is the value
    that the agency has already, in words, empty where an answer is new to it. If that value
    contradicts the charge's section, `question` names both. `decided_in` is the open decision of
    this agency that states the fact: no form does. None for what the form `answer` states.
    """

    case: str
    by: str
    path: str
    decision: str
    question: str
    asker: str
    about: CaseAbout
    earlier: str = ""
    decided_in: str | None = None


@frozen
class AskedFact:
    """A fact of a case that other agencies wait for, once for all of them.

    `askers` are the agencies' names. `earlier` and `decided_in` are as in `WaitingQuestion`.
    """

    case: str
    path: str
    question: str
    askers: tuple[str, ...]
    about: CaseAbout
    earlier: str = ""
    decided_in: str | None = None


def group_questions(waiting: Iterable[WaitingQuestion]) -> tuple[AskedFact, ...]:
    """Return each fact that is asked for once, with all that ask for it, in order."""
    grouped: dict[tuple[str, str, str, str], list[WaitingQuestion]] = {}
    for question in waiting:
        key = question.case, question.path, question.question, question.earlier
        grouped.setdefault(key, []).append(question)
    return tuple(
        AskedFact(
            case,
            path,
            text,
            tuple(sorted({question.asker for question in questions})),
            questions[0].about,
            earlier,
            questions[0].decided_in,
        )
        for (case, path, text, earlier), questions in grouped.items()
    )


@frozen
class AskedMeasurement:
    """A measurement, such as a weight, that other agencies asked for in a case.

    `question` is that of the form `answer`, and `askers` are the agencies' names.
    """

    question: Question
    askers: tuple[str, ...]


@needs(ASKED, look="list")
def waiting_questions(
    office: Office, case: str | None = None, *, language: str = "en"
) -> tuple[WaitingQuestion, ...]:
    """Return the questions to this agency that wait for an answer, in one case or in all.

    What an agency asked twice is listed once.
    """
    working_set = office.working_set()
    return tuple(
        waiting
        for handle in ((case,) if case is not None else handles(working_set))
        if not is_withdrawn(working_set, handle)
        for waiting in _waiting_in(office, working_set, handle, language)
    )


def _waiting_in(
    office: Office, working_set: WorkingSet, handle: str, language: str
) -> Iterator[WaitingQuestion]:
    questions = questions_here(office, working_set, handle)
    if not questions:
        return
    program, now = office.program(working_set), office.clock()
    case_view, names = case_of(working_set, handle), agency_names(working_set)
    about = about_case(working_set, handle)
    decided = decided_facts(office, working_set, handle, questions)
    for question in {(each.by, each.path): each for each in questions}.values():
        disputes = contradictions(working_set, program, case_view, question, now)
        yield WaitingQuestion(
            handle,
            question.by,
            question.path,
            question.decision,
            " ".join(disputes.values()) or _text_of(working_set, question, language),
            names.get(question.by, question.by),
            about,
            _earlier_value(working_set, handle, case_view, question, now),
            decided.get(question.path),
        )


def _text_of(working_set: WorkingSet, question: OpenQuestion, language: str) -> str:
    terms = terms_of(working_set)
    fact = terms.fact(question.path)
    if fact is None:
        return form_terms().members["screening_outcome.outcome"].texts[language]
    return terms.text(fact, language)


def _earlier_value(
    working_set: WorkingSet, handle: str, case_view: Case, question: OpenQuestion, now: int
) -> str:
    """Return in words the value that the agency that asks has already, empty for none."""
    value = value_held(working_set, handle, case_view, question, now)
    terms = terms_of(working_set)
    fact = terms.fact(question.path)
    if value is None or fact is None:
        return ""
    wording = ValueWords(terms, working_set.gateway.history.newest.zone)
    fields = [each[0] if isinstance(each, tuple) else each for each in value]
    return "; ".join(
        wording.label(question.path, text)
        if fact.choices and isinstance(text, str)
        else wording.text(question.path, text)
        for text in fields
        if text is not None
    )


@needs(ASKED)
def measurements_asked(office: Office, case: str) -> tuple[AskedMeasurement, ...]:
    """Return the measurements that other agencies wait for in a case, none if it can't be told."""
    working_set = office.working_set()
    terms, names = terms_of(working_set), agency_names(working_set)
    askers: dict[str, set[str]] = {}
    for open_question in questions_here(office, working_set, case):
        fact = terms.fact(open_question.path)
        if fact is not None and fact.kind == "measurement":
            askers.setdefault(open_question.path, set()).add(
                names.get(open_question.by, open_question.by)
            )
    if not askers:
        return ()
    try:
        opened = open_form(office, "answer", case)
    except Refusal:
        return ()  # the form itself says why
    return tuple(
        AskedMeasurement(question, tuple(sorted(askers[path])))
        for question in opened.questions({})
        if (path := plain_path(question.name)) in askers
    )


@needs(ASKED)
def closed_questions(office: Office, case: str | None = None) -> tuple[tuple[str, str], ...]:
    """Return the record and the part of each question that nobody here has opened."""
    working_set = office.working_set()
    return tuple(
        (record.jti, part)
        for received in working_set.gateway.received.values()
        if (record := received.record) is not None
        and record.kind == "question"
        and (case is None or record.case == case)
        for part in record.labels
        if part not in received.opened
        and (record.issuer, record.jti, part) not in working_set.destroyed
    )


@needs(ASKED, look="part")
def open_questions_as(office: Office, actor: str, case: str | None = None) -> None:
    """Open the closed questions in a named person's name. Raises as `Office.open`."""
    for record, part in closed_questions(office, case):
        open_for_actor(office, record, part, by=actor)
    send_now(office, None)
