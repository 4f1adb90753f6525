"""Finer words below shared choices, and tables with a row for each word.

Every word, coarse or fine, is tried against every amount. The expected answers come from the
completions: what is decided on a coarse word is what every finer word decides.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from offramp.documents.pack_page import pack_page
from offramp.documents.segments import segment_of
from rules.author.difference import differences
from rules.author.english import line, words_of
from rules.decide.interview import Interview
from rules.decide.program import Program
from rules.errors import PackError
from rules.packs.finer import words_without_rest
from rules.packs.pack import Pack
from rules.shelf import english
from tests.support.written import assembled

HEAD = """
title: Made up
time_zone: America/Denver
program: {from: 2014-04-01, source: act}
sources: {%s: {title: The act, address: here, confidence: high}}
"""
BASE = (
    "id: base\n"
    + HEAD.replace("%s", "act")
    + """
decisions:
  eligibility:
    rules:
      - {id: opioid-only, when: 'encounter.drugs.exists(d, d.kind != "opioid")', then: ineligible,
         because: Only opioids are taken., source: act}
    otherwise: {outcome: eligible, because: Fine., source: act}
invariants:
  - {id: cannabis-is-out, decision: eligibility, because: Cannabis is out.,
     when: 'encounter.drugs.exists(d, d.kind == "cannabis")', source: act,
     always: 'eligibility == "ineligible"'}
"""
)
CHILD = (
    "id: child\nextends: base\n"
    + HEAD.replace("%s", "county").replace("source: act", "source: county")
    + """
refine:
  encounter.drugs.kind: {heroin: opioid, fentanyl: opioid, carfentanil: fentanyl,
     other_fentanyl: fentanyl, other_opioid: opioid}
parameters:
  cap:
    label: largest amount
    unit: g
    by: encounter.drugs.kind
    values:
      - {value: {heroin: 1, fentanyl: 2, carfentanil: 0.1, otherwise: 3}, source: county}
      - {from: 2020-01-01, value: {otherwise: 4}, source: county}
decisions:
  eligibility:
    rules:
      - {id: over, when: 'encounter.drugs.exists(d, d.grams > cap[d.kind])', then: ineligible,
         because: "At most {cap}.", source: county}
"""
)
WORDS = {
    "heroin": {"heroin"},
    "carfentanil": {"carfentanil"},
    "other_fentanyl": {"other_fentanyl"},
    "other_opioid": {"other_opioid"},
    "fentanyl": {"carfentanil", "other_fentanyl"},
    "opioid": {"heroin", "carfentanil", "other_fentanyl", "other_opioid"},
    "stimulant": {"stimulant"},
}
CAPS = {"heroin": 1, "carfentanil": 0.1, "other_fentanyl": 2, "other_opioid": 3, "stimulant": 3}


@pytest.fixture(scope="module")
def pack() -> Pack:
    return assembled(BASE, CHILD, whole=True)


@pytest.fixture(scope="module")
def program(pack: Pack) -> Program:
    return Program(pack)


def facts(*drugs: dict[str, Any], day: str = "2015-01-01") -> dict[str, Any]:
    return {"encounter": {"date": day, "drugs": list(drugs)}}


AMOUNTS = [0, 0.1, 0.2, 1, 1.5, 2, 2.5, 3, 3.5, None]


@pytest.mark.parametrize(("word", "grams"), [*itertools.product([*WORDS, None], AMOUNTS)])
def test_a_coarse_word_decides_what_every_finer_word_decides(
    program: Program, word: str | None, grams: float | None
) -> None:
    drug = {key: value for key, value in (("kind", word), ("grams", grams)) if value is not None}
    decision = program.decide("eligibility", facts(drug))
    meant = WORDS[word] if word else {"cannabis", "other", *CAPS}
    weighed = AMOUNTS[:-1] if grams is None else [grams]
    answers = {
        "ineligible" if one not in WORDS["opioid"] or amount > CAPS.get(one, 3) else "eligible"
        for one in meant
        for amount in weighed
    }
    assert set(decision.possible) >= answers
    if grams is not None or len(answers) == 1:
        # A comparison is decided exactly where all finest words agree on each of the two rules.
        assert (decision.status == "decided") == (
            len(answers) == 1 or not meant & WORDS["opioid"]
        ), (word, grams)
    for need in decision.needed:
        assert need.get("given") == (word if need["fact"].endswith("kind") else None)


def test_a_shared_rule_of_the_parent_keeps_its_meaning(program: Program) -> None:
    for word in WORDS["opioid"]:
        decision = program.decide("eligibility", facts({"kind": word, "grams": 0}))
        assert decision.outcome == "eligible", word


def test_the_coarse_word_is_asked_for_where_it_matters_and_nowhere_else(program: Program) -> None:
    open_ = program.decide("eligibility", facts({"kind": "opioid", "grams": 1.5}))
    assert [(need["fact"], need["given"]) for need in open_.needed] == [
        ("encounter.drugs[0].kind", "opioid")
    ]
    assert program.decide("eligibility", facts({"kind": "opioid", "grams": 5})).status == "decided"
    later = facts({"kind": "opioid", "grams": 1.5}, day="2020-01-01")
    assert program.decide("eligibility", later).outcome == "eligible"


def test_an_interview_offers_the_finer_words_only(program: Program) -> None:
    start = Interview(program, "eligibility", program.read(facts({"kind": "opioid", "grams": 1.5})))
    question = start.question
    assert question is not None
    assert set(question.choices) == {
        "heroin",
        "fentanyl",
        "carfentanil",
        "other_fentanyl",
        "other_opioid",
    }
    coarser = start.answer("fentanyl")
    assert coarser.question is not None
    assert set(coarser.question.choices) == {"carfentanil", "other_fentanyl"}
    assert coarser.answer("carfentanil").decision.outcome == "ineligible"
    assert start.answer("not known").question is None


def test_the_words_and_the_table_read_well(pack: Pack) -> None:
    segment = segment_of(pack, "2015-01-01")
    words = words_of(segment, english())
    over = pack.decisions["eligibility"].rules["over"].when
    assert line(over, words) == (
        "there is a drug whose weight is over the “largest amount” for its kind "
        "(0.1 g for carfentanil, 2 g for fentanyl, 1 g for heroin, 3 g otherwise)"
    )
    page = repr(pack_page(segment))
    assert "largest amount: carfentanil (a kind of fentanyl)" in page
    reason = Program(pack).decide("eligibility", facts({"kind": "heroin", "grams": 2})).reasons[0]
    assert (
        reason["text"]
        == "At most 0.1 g for carfentanil, 2 g for fentanyl, 1 g for heroin, 3 g otherwise."
    )


def test_a_difference_names_words_and_rows(pack: Pack) -> None:
    changed = CHILD.replace("heroin: 1,", "heroin: 2,").replace(
        "other_opioid: opioid", "tar: heroin"
    )
    other = assembled(
        BASE, changed.replace("{heroin: opioid", "{other_opioid: opioid, heroin: opioid")
    )
    found = {difference.what: str(difference) for difference in differences(pack, other)}
    assert "2 for fentanyl or heroin" in found["parameter cap"]
    assert "tar (a kind of heroin)" in found["fact encounter.drugs"]


def test_a_rest_that_is_missing_is_named(pack: Pack) -> None:
    assert words_without_rest(pack) == ()
    without = assembled(BASE, CHILD.replace("other_fentanyl: fentanyl, ", ""))
    assert words_without_rest(without) == (
        "no word below `fentanyl` of `encounter.drugs.kind` means another one; "
        "add a rest, such as `other_fentanyl`",
    )


def test_a_child_keeps_the_rows_of_its_parents_table(pack: Pack) -> None:
    grandchild = (
        CHILD.split("refine:")[0]
        .replace("id: child", "id: grandchild")
        .replace("base", "child")
        .replace("county", "town")
        + "refine: {encounter.drugs.kind: {tar: heroin, other_heroin: heroin}}\n"
    )
    program = Program(assembled(BASE, CHILD, grandchild, whole=True))
    drug = {"kind": "tar", "grams": 1.5}
    assert program.decide("eligibility", facts(drug)).outcome == "ineligible"
    drug["kind"] = "heroin"
    assert program.decide("eligibility", facts(drug)).outcome == "ineligible"
    with pytest.raises(PackError, match="has rows by"):
        assembled(
            BASE,
            CHILD,
            grandchild + "override: {parameters: {cap: {label: c, unit: g, "
            "values: [{value: 1, source: town}]}}}\n",
        )


def test_two_facts_with_one_coarse_word_are_not_surely_equal() -> None:
    text = CHILD.replace(
        "encounter.drugs.exists(d, d.grams > cap[d.kind])",
        "encounter.drugs.exists(d, "
        "encounter.drugs.exists(e, d.kind == e.kind && d.form != e.form))",
    )
    program = Program(assembled(BASE, text))
    pills, powder = {"form": "pills"}, {"form": "weighed"}
    for first, second, answer in (
        ("heroin", "heroin", "ineligible"),
        ("heroin", "fentanyl", "eligible"),
        ("opioid", "opioid", None),
        ("opioid", "heroin", None),
    ):
        drugs = facts({"kind": first, **pills}, {"kind": second, **powder})
        assert program.decide("eligibility", drugs).outcome == answer, (first, second)


def test_the_digest_sees_finer_words_and_rows(pack: Pack) -> None:
    digests = {
        Program(assembled(BASE, text)).digest
        for text in (
            CHILD,
            CHILD.replace("tar", "tar"),
            CHILD.replace("carfentanil: 0.1", "carfentanil: 0.2"),
            CHILD.replace("other_opioid: opioid", "another_opioid: opioid"),
        )
    }
    assert len(digests) == 3
    assert json.loads(json.dumps(Program(pack).decide("eligibility", facts()).as_json()))
