"""Fields that a pack adds to shared lists, persons who answer, and decisions on records.

A record decision answers with one of a few words. Whoever reads it is asked for that word, and
never for the record behind it.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from offramp.documents.pack_page import pack_page
from offramp.documents.segments import segment_of
from rules.decide.interview import Interview
from rules.decide.program import Program
from rules.errors import FactsError
from tests.support.written import assembled

PACK = """
id: made-up
title: Made up
time_zone: America/Denver
program: {from: 2014-04-01, source: act}
sources: {act: {title: The act, address: here, confidence: high}}
facts:
  encounter.charges.victim_agrees: {type: choice, choices: [no_victim, agrees, refuses],
    category: third_party, asks: victim, question: Does the victim agree?, source: act}
  encounter.charges.loud: {type: bool, question: Was it loud?, source: act}
  encounter.adult: {type: bool, kind: record, known_by: police, category: encounter, asks: parent,
    question: Does an adult come?, source: act}
  history.adjudications: {type: list, kind: record, known_by: police, category: criminal_history,
    question: Which offenses are on record?, source: act,
    fields: {serious: {type: bool, question: Is it serious?}}}
decisions:
  juvenile_record:
    asks: What does the record say?
    decided_by: police
    governed_by: encounter.date
    reads: [records]
    outcomes: [serious, some, clear]
    rules:
      - {id: a-serious-one, when: 'history.adjudications.exists(a, a.serious)', then: serious,
         because: A serious offense., source: act}
      - {id: any, when: size(history.adjudications) > 0, then: some, because: An offense.,
         source: act}
    otherwise: {outcome: clear, because: None., source: act}
  victim:
    asks: Do the victims agree?
    decided_by: police
    governed_by: encounter.date
    reads: [records]
    outcomes: [refuses, agrees]
    rules:
      - {id: one-refuses, when: 'encounter.charges.exists(c, c.victim_agrees == "refuses")',
         then: refuses, because: A victim does not agree., source: act}
    otherwise: {outcome: agrees, because: Nobody refuses., source: act}
  response:
    asks: What does the officer do?
    decided_by: police
    governed_by: encounter.date
    outcomes: [complaint, warning]
    rules:
      - {id: record, when: juvenile_record != "clear", then: complaint, because: The record.,
         source: act}
      - {id: refused, when: victim == "refuses", then: complaint, because: The victim., source: act}
      - {id: alone, when: "!encounter.adult", then: complaint, because: Nobody comes., source: act}
      - {id: loud, when: 'encounter.charges.exists(c, c.loud)', then: complaint, because: Loud.,
         source: act}
    otherwise: {outcome: warning, because: Fine., source: act}
"""


@pytest.fixture(scope="module")
def program() -> Program:
    return Program(assembled(PACK, whole=True))


def facts(**more: Any) -> dict[str, Any]:
    encounter = {"date": "2015-01-01", "adult": True, "charges": [{"loud": False}]}
    return {"encounter": {**encounter, **more.pop("encounter", {})}, **more}


def asked(program: Program, decision: str, case: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {need["fact"]: need for need in program.decide(decision, case).needed}


def test_others_are_asked_for_the_word_and_never_for_the_record(program: Program) -> None:
    needs = asked(program, "response", facts())
    assert set(needs) == {"decisions.juvenile_record", "decisions.victim"}
    assert {need["ask"] for need in needs.values()} == {"police"}
    considered = str(program.decide("response", facts()).as_json(considered=True))
    assert "adjudications" not in considered and "victim_agrees" not in considered


def test_the_decider_is_asked_for_the_record_itself_and_whom_to_ask(program: Program) -> None:
    assert set(asked(program, "juvenile_record", facts())) == {"history.adjudications"}
    need = asked(program, "victim", facts())["encounter.charges[0].victim_agrees"]
    assert (need["ask"], need["of"]) == ("police", "victim")
    parent = asked(program, "response", facts(encounter={"adult": None}))["encounter.adult"]
    assert (parent["ask"], parent["of"]) == ("police", "parent")
    step = program.decide("victim", facts()).next
    assert step is not None and "Ask police, who asks the victim:" in step["text"]
    question = Interview(program, "victim", program.read(facts())).question
    assert question is not None and question.as_json()["of"] == "victim"


@pytest.mark.parametrize(
    ("record", "victim"),
    [*product(["serious", "some", "clear", None], ["refuses", "agrees", None])],
)
def test_an_attested_word_counts_as_the_record_would(
    program: Program, record: str | None, victim: str | None
) -> None:
    words = {"juvenile_record": record, "victim": victim}
    decision = program.decide(
        "response", facts(decisions={name: word for name, word in words.items() if word})
    )
    records = {"serious": [{"serious": True}], "some": [{"serious": False}], "clear": []}
    charges: dict[str, Any] = {"loud": False}
    if victim:
        charges["victim_agrees"] = victim
    history = {"history": {"adjudications": records[record]}} if record else {}
    plain = program.decide("response", facts(encounter={"charges": [charges]}, **history))
    assert (decision.outcome, decision.possible) == (plain.outcome, plain.possible)
    bars = record in ("serious", "some") or victim == "refuses"
    assert decision.outcome == ("complaint" if bars else "warning" if record and victim else None)


def test_the_page_says_whom_to_ask_and_what_is_never_sent(program: Program) -> None:
    page = repr(pack_page(segment_of(program.pack, "2015-01-01")))
    assert "police, who asks the victim" in page
    assert "records that are never sent. Others see the answer alone." in page


def test_an_added_field_is_read_as_any_other(program: Program) -> None:
    loud = facts(
        encounter={"charges": [{"loud": True}]},
        decisions={"juvenile_record": "clear", "victim": "agrees"},
    )
    assert program.decide("response", loud).outcome == "complaint"
    with pytest.raises(FactsError, match="no field `lout`"):
        program.read({"encounter": {"charges": [{"lout": True}]}})
    with pytest.raises(FactsError, match="not true or false"):
        program.read({"encounter": {"charges": [{"loud": "yes"}]}})


def test_a_parents_rules_and_a_childs_field_read_one_list() -> None:
    child = """
id: child
extends: made-up
title: Child
time_zone: America/Denver
program: {from: 2014-04-01, source: county}
sources: {county: {title: The county, address: here, confidence: high}}
facts:
  encounter.charges.late: {type: bool, question: Was it late?, source: county}
decisions:
  response:
    rules: [{id: late, when: 'encounter.charges.exists(c, c.late)', then: complaint, because: Late.,
             source: county}]
  juvenile_record:
    rules: [{id: late-and-loud, when: 'encounter.charges.exists(c, c.late && c.loud)',
             then: serious, because: Both., source: county}]
"""
    program = Program(assembled(PACK, child, whole=True))
    words = {"juvenile_record": "clear", "victim": "agrees"}
    for charge, outcome in (
        ({"loud": True, "late": False}, "complaint"),
        ({"loud": False, "late": True}, "complaint"),
        ({"loud": False, "late": False}, "warning"),
        ({"loud": False}, None),
    ):
        case = facts(encounter={"charges": [charge]}, decisions=words)
        assert program.decide("response", case).outcome == outcome
    assert set(asked(program, "response", facts(encounter={"charges": []}))) == {
        "decisions.juvenile_record"
    }
