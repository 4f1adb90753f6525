"""Finer words travel beside shared ones, and what only one program's pack has as it declares."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.errors import ContentError
from exchange.records.content_checks import check_content
from exchange.records.declared_facts import check_declared
from exchange.records.finer_words import own_form, paths_cut, shared_form, with_words_apart
from exchange.records.pack_facts import CLOSED
from offramp.agency.cases.case import Case
from offramp.agency.cases.case_entry import CaseEntry
from offramp.agency.cases.decision_record import contents
from rules.decide.program import Program
from rules.shelf import vocabulary
from tests.support.written import assembled

PACK = """
id: made-up
title: Made up
time_zone: America/Denver
program: {from: 2014-04-01, source: act}
sources: {act: {title: The act, address: here, confidence: high}}
refine:
  encounter.drugs.kind: {heroin: opioid, fentanyl: opioid, carfentanil: fentanyl,
    other_opioid: opioid}
  encounter.route: {on_foot: arrest, other_arrest: arrest}
facts:
  encounter.charges.victim_consents: {type: bool, category: third_party, asks: victim,
    question: Does the victim consent?, source: act}
  encounter.charges.loud: {type: bool, question: Was it loud?, source: act}
  encounter.park: {type: bool, kind: record, known_by: police, category: encounter,
    question: Was it in a park?, source: act}
  encounter.lot: {type: choice, choices: [lawn, path], kind: record, known_by: police,
    category: encounter, question: Where in the park?, source: act}
  encounter.juvenile: {type: bool, kind: record, known_by: police, category: criminal_history,
    question: Is there a juvenile record?, source: act}
  encounter.calls: {type: list, kind: record, known_by: police, category: encounter,
    question: Which calls were there?, source: act,
    fields: {on: {type: date, question: On what day?}}}
decisions:
  victim:
    asks: Do the victims consent?
    decided_by: police
    governed_by: encounter.date
    reads: [records]
    outcomes: [refused, agreed]
    rules:
      - {id: one-refuses, when: 'encounter.charges.exists(c, !c.victim_consents)', then: refused,
         because: A victim does not consent., source: act}
    otherwise: {outcome: agreed, because: All consent., source: act}
  screening:
    rules:
      - {id: warrant, when: person.open_warrant, then: stop, because: A warrant., source: act}
    otherwise: {outcome: proceed, because: None., source: act}
  eligibility:
    rules:
      - {id: heroin, when: 'encounter.drugs.exists(d, d.kind == "heroin")', then: ineligible,
         because: Heroin., source: act}
      - {id: refused, when: victim == "refused", then: ineligible, because: Refused., source: act}
      - {id: loud, when: 'encounter.charges.exists(c, c.loud)', then: ineligible, because: Loud.,
         source: act}
    otherwise: {outcome: eligible, because: Fine., source: act}
"""
DRUGS, CHARGES = "encounter.drugs", "encounter.charges"


@pytest.fixture(scope="module")
def program() -> Program:
    return Program(assembled(PACK, whole=True))


def encounter(**facts: Any) -> dict[str, Any]:
    return {"encounter": {"facts": {f"encounter.{name}": value for name, value in facts.items()}}}


def test_a_part_holds_the_shared_word_and_the_finer_one_beside_it(program: Program) -> None:
    words = program.pack.vocabulary
    drugs = [{"kind": "carfentanil", "grams": 1}, {"kind": "opioid"}, {"grams": 2}, {"kind": None}]
    shared = shared_form(DRUGS, drugs, words)
    assert shared == [
        {"kind": "opioid", "grams": 1, "finer": {"kind": "carfentanil"}},
        {"kind": "opioid"},
        {"grams": 2},
        {"kind": None},
    ]
    ids = [{**entry, "id": f"{number:016x}"} for number, entry in enumerate(shared)]
    check_content("referral", ("encounter",), encounter(drugs=ids))
    assert shared_form("encounter.route", "on_foot", words) == "arrest"
    assert own_form(DRUGS, shared, words) == drugs
    # An agency without the pack reads the shared word.
    assert own_form(DRUGS, shared, vocabulary())[0] == {"kind": "opioid", "grams": 1}


@pytest.mark.parametrize(
    "finer",
    [
        {"kind": "he said he is afraid"},
        {"kind": "he_said_that_he_is_afraid_of_his_brother"},
        {"grams": "heroin"},
        {"kind": 3},
        {"kind": ""},
        {"note": "heroin"},
        "heroin",
    ],
)
def test_nothing_but_a_word_of_a_choice_fits_in(finer: Any) -> None:
    entry = {"id": "0" * 16, "kind": "opioid", "finer": finer}
    with pytest.raises(ContentError):
        check_content("referral", ("encounter",), encounter(drugs=[entry]))


def test_a_word_that_is_not_below_the_shared_one_does_not_count(program: Program) -> None:
    words = program.pack.vocabulary
    for kind, finer in (("stimulant", "heroin"), ("opioid", "tar"), (None, "heroin")):
        entry = {"kind": kind, "finer": {"kind": finer}}
        assert own_form(DRUGS, [entry], words) == [{"kind": kind}]


def test_a_field_of_the_pack_travels_unless_its_category_never_does(program: Program) -> None:
    words = program.pack.vocabulary
    charges = [{"level": "felony", "victim_consents": False, "loud": True}]
    carried = shared_form(CHARGES, charges, words)
    assert carried == [{"level": "felony", "loud": True}]
    assert paths_cut(CHARGES, charges, words) == (f"{CHARGES}.victim_consents",)
    assert with_words_apart(CHARGES, charges, words) == charges

    def sent(entry: dict[str, Any]) -> dict[str, Any]:
        return {"charge": {"facts": {CHARGES: [{"id": "0" * 16, **entry}]}}}

    check_content("referral", ("charge",), sent(carried[0]))
    check_declared(sent(carried[0]), words, by_issuer=True)
    for by_issuer in (True, False):  # the victim's answer never travels
        with pytest.raises(ContentError):
            check_declared(sent(charges[0]), words, by_issuer=by_issuer)


PARK, LOT = "encounter.park", "encounter.lot"


@pytest.mark.parametrize(
    ("category", "facts"),
    [
        ("encounter", {PARK: "by the swings"}),
        ("encounter", {PARK: 3}),
        ("encounter", {LOT: "lake"}),
        ("charge", {PARK: True}),
        ("status", {PARK: True}),
        ("encounter", {"encounter.juvenile": True}),
        ("encounter", {"encounter.garden": True}),
        ("charge", {CHARGES: [{"id": "0" * 16, "quiet": True}]}),
        ("charge", {CHARGES: [{"id": "0" * 16, "loud": 2}]}),
        ("encounter", {"encounter.calls": [{"id": "0" * 16, "at": 2}]}),
    ],
)
def test_an_issuer_sends_a_fact_of_the_pack_only_as_it_is_declared(
    category: str, facts: dict[str, Any], program: Program
) -> None:
    words = program.pack.vocabulary
    good = {PARK: True, LOT: "lawn", "encounter.calls": [{"id": "0" * 16, "on": "2026-01-05"}]}
    check_content("referral", ("encounter",), {"encounter": {"facts": good}})
    check_declared({"encounter": {"facts": good}}, words, by_issuer=True)
    with pytest.raises(ContentError):
        check_content("referral", (category,), {category: {"facts": facts}})
        check_declared({category: {"facts": facts}}, words, by_issuer=True)


def test_a_recipient_reads_no_fact_that_its_pack_lacks_and_refuses_a_wrong_category(
    program: Program,
) -> None:
    words = program.pack.vocabulary
    check_declared({"encounter": {"facts": {"encounter.garden": True}}}, words, by_issuer=False)
    unread = Case(
        [entry("police", "police", 1, {"encounter.garden": True, PARK: True})], words, here="x"
    )
    assert set(unread.known) == {PARK}
    for category, asked in (("charge", PARK), ("encounter", "encounter.juvenile")):
        for content in ({"facts": {asked: True}}, {"asks": [asked]}):
            with pytest.raises(ContentError):
                check_declared({category: content}, words, by_issuer=False)


@pytest.mark.parametrize("category", CLOSED)
def test_what_states_terms_of_the_exchange_has_no_fact_of_a_pack(category: str) -> None:
    with pytest.raises(ContentError):
        check_content("answer", (category,), {category: {"facts": {PARK: True}}})


WORDS = ("opioid", "heroin", "fentanyl", "carfentanil", "stimulant", "other")


@given(st.lists(st.fixed_dictionaries({"kind": st.sampled_from(WORDS)}), max_size=4))
def test_there_and_back_every_word_is_the_same(drugs: list[dict[str, str]]) -> None:
    words = PROGRAM.pack.vocabulary
    shared = shared_form(DRUGS, drugs, words)
    assert own_form(DRUGS, shared, words) == drugs
    assert shared_form(DRUGS, shared, words) == shared
    assert {entry["kind"] for entry in shared} <= {"opioid", "stimulant", "other"}


PROGRAM = Program(assembled(PACK))


def entry(by: str, role: str, position: int, facts: dict[str, Any], **more: Any) -> CaseEntry:
    return CaseEntry(by, role, position, f"r{position}", "p", facts, more.pop("outcomes", {}))


def of(*kinds: str) -> list[dict[str, Any]]:
    drugs = [{"kind": kind} for kind in kinds]
    return list(shared_form(DRUGS, drugs, PROGRAM.pack.vocabulary))


@pytest.mark.parametrize(
    ("police", "prosecutor", "known"),
    [
        (of("opioid"), of("heroin"), "heroin"),
        (of("heroin"), of("opioid"), "heroin"),
        (of("heroin"), of("fentanyl"), None),
        (of("heroin"), of("stimulant"), None),
        (of("opioid", "stimulant"), of("stimulant", "heroin"), "heroin"),
    ],
)
def test_a_finer_word_contradicts_no_coarse_one(
    police: list[dict[str, Any]], prosecutor: list[dict[str, Any]], known: str | None
) -> None:
    case = Case(
        (
            entry("p", "police", 1, {DRUGS: police, "encounter.date": "2015-01-01"}),
            entry("d", "prosecutor", 2, {DRUGS: prosecutor}),
        ),
        vocabulary(),
    )
    assert (DRUGS in case.conflicts) == (known is None)
    own = {CHARGES: [{"loud": False, "victim_consents": True}]}
    answer = case.decide(PROGRAM, "eligibility", "2015-01-02T00:00:00Z", own)
    assert answer.outcome == ("ineligible" if known == "heroin" else None)
    other = case.decide(Program(assembled(PACK.split("refine:")[0] + REST)), "eligibility", NOW)
    assert other.status == ("undetermined" if known is None else "decided")


NOW = "2015-01-02T00:00:00Z"
# Another program without finer words: it reads the shared word.
REST = """
decisions:
  eligibility:
    rules:
      - {id: opioid, when: 'encounter.drugs.exists(d, d.kind == "opioid")', then: ineligible,
         because: An opioid., source: act}
    otherwise: {outcome: eligible, because: Fine., source: act}
"""


def decided(**outcomes: Any) -> Case:
    facts = {DRUGS: [], CHARGES: [], "encounter.date": "2015-01-01", "person.open_warrant": True}
    entries = [entry("p", "police", 1, facts)]
    entries += [
        entry(role, role, number, {}, outcomes={"victim": outcome})
        for number, (role, outcome) in enumerate(outcomes.items(), start=2)
    ]
    return Case(entries, vocabulary())


def test_the_closed_answer_counts_from_its_decider_alone() -> None:
    for outcomes, outcome in (
        ({"police": "refused"}, "ineligible"),
        ({"police": "agreed"}, "eligible"),
        ({"prosecutor": "refused"}, "eligible"),  # not its decider: the rules answer
        ({"police": "maybe"}, "eligible"),
    ):
        answer = decided(**outcomes).decide(PROGRAM, "eligibility", NOW)
        assert answer.outcome == outcome, outcomes


def test_a_closed_answer_has_a_decision_and_an_outcome_and_no_reason() -> None:
    good = {"record": {"decision": "juvenile_record", "outcome": "some"}}
    check_content("screening_outcome", ("screening_outcome",), {"screening_outcome": good})
    for bad in (
        {"record": {"decision": "juvenile_record", "outcome": "some", "reason": "rules"}},
        {"record": {"decision": "juvenile_record"}},
        {"record": {"decision": "eligibility", "outcome": "eligible"}},
        {"record": {"decision": "Juvenile record", "outcome": "some"}},
    ):
        with pytest.raises(ContentError):
            check_content("screening_outcome", ("screening_outcome",), {"screening_outcome": bad})


@pytest.mark.parametrize("decision", ["screening", "eligibility"])
def test_a_record_of_a_decision_on_what_never_travels_holds_the_outcome_alone(
    decision: str,
) -> None:
    answer = decided(police="refused").decide(PROGRAM, decision, NOW)
    parts = contents(answer)
    told = {name for content in parts.values() for name in content}
    alone = {"decision", "status", "pack", "digest", "now", "as_of", "outcome"}
    if decision == "screening":
        assert told == alone
    else:
        assert "reasons" in told and "victim_consents" not in str(parts)
