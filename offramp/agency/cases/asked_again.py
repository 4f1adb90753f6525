"""Questions of an agency that has the answer already. Pure.

It asks although it has the value: the rules can't use it, as a conduct that the charge's section
contradicts, or another agency states another one. Only a person can answer that.
"""

from __future__ import annotations

from collections.abc import Mapping

from exchange.consent.disclosure import day_of
from exchange.records.finer_words import shared_form
from offramp.agency.cases.case import Case
from offramp.agency.cases.caseload import (
    AnsweringValue,
    OpenQuestion,
    answering_value,
    own_facts,
    utc,
)
from offramp.agency.cases.fact_kinds import plain_path
from offramp.agency.cases.pack_terms import terms_of
from offramp.agency.cases.told import told_parts
from offramp.agency.folder.working_set import WorkingSet
from rules.decide.program import Program
from rules.errors import Refusal
from rules.packs.law import CHARGES

CODE = "code"


def value_held(
    working_set: WorkingSet, handle: str, case: Case, question: OpenQuestion, now: int
) -> AnsweringValue | None:
    """Return this agency's value of what is asked, if the agency that asks was told it.

    It asks although it has that value: the rules can't use it, or another agency states another
    one. None where the answer would be new to it. `now` is in seconds since 1970.
    """
    terms = terms_of(working_set).vocabulary
    own = {
        path: shared_form(path, value, terms)
        for path, value in own_facts(working_set, case).items()
        if path in terms.facts and path in (question.path, question.path.rpartition(".")[0])
    }
    value = answering_value(own, question.path)
    if value is None:
        return None
    zone = working_set.gateway.history.newest.zone
    today = day_of(working_set.gateway.hub_time(now), zone).isoformat()
    for part in told_parts(working_set, handle, question.by, today):
        facts = {detail.name: stated for detail, stated in part.details.items()}
        if answering_value(facts, question.path) == value:
            return value
    return None


def contradictions(
    working_set: WorkingSet,
    program: Program,
    case: Case,
    question: OpenQuestion,
    now: int,
) -> Mapping[str, str]:
    """Return the rules' questions on own charges that contradict their section, by the detail.

    Such a question names both, as "Which is right?". `now` is in seconds since 1970.
    """
    if (
        question.path.rpartition(".")[0] != CHARGES
        or question.decision not in program.pack.decisions
    ):
        return {}
    try:
        answer = case.decide(program, question.decision, utc(working_set.gateway.hub_time(now)))
    except Refusal:
        return {}
    return {
        str(need["fact"]): str(need["question"])
        for need in answer.needed
        if plain_path(str(need["fact"])) == question.path and need.get("given") is not None
    }
