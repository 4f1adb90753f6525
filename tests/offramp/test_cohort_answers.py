"""What a row can be answered equals every completion decided one by one, and `decide`."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rules
from offramp.policy.case_table import CaseTable
from offramp.policy.cohort.answers import Answerer, Question, Side
from offramp.policy.cohort.assumption import facts_of_changed_rules, work_out
from offramp.policy.cohort.completions import Completions
from offramp.policy.table_map import read_map
from rules.decide.decision import Decision
from tests.conftest import shared

find_exact = pytest.importorskip(
    "rules.prove.exact", reason="the solver isn't installed", exc_type=ImportError
).find_exact
SANTA_FE = [rules.load("santa-fe", day) for day in ("2014-04-01", "2018-10-01")]
BEFORE, AFTER = (Side(program, "eligibility") for program in SANTA_FE)
CHANGE = Question((BEFORE, AFTER))
KNOWN = {
    "person": {"age": 30},
    "encounter": {"date": "2019-01-01", "route": "arrest", "in_area": True},
    "judgment": {"amenable": True, "exploits_others": False},
    "approval": {"prosecutor": "approved"},
    "decisions": {"screening": "proceed"},
}
# Values that no rule of these packs tells apart from others, with those at and around the limits.
VALUES: dict[str, tuple[Any, ...]] = {
    "kind": ("opioid", "stimulant"),
    "grams": (0, Decimal("0.5"), 2, Decimal("3.5"), 7),
    "form": ("weighed", "pills"),
    "prescription": (True, False),
    "conduct": ("possession", "sale", "promoting_prostitution"),
    "above_subsistence": (True, False),
}
GIVEN_GRAMS = st.sampled_from([None, 2, 3, 4, Decimal("6.5")])


def maybe(name: str) -> st.SearchStrategy[Any]:
    return st.sampled_from([None, *VALUES[name]])


DRUG = st.fixed_dictionaries(
    {
        "kind": maybe("kind"),
        "grams": GIVEN_GRAMS,
        "form": maybe("form"),
        "prescription": maybe("prescription"),
    }
)
CASES = st.fixed_dictionaries(
    {
        "drugs": st.lists(DRUG, min_size=1, max_size=2),
        "conduct": maybe("conduct"),
        "above_subsistence": maybe("above_subsistence"),
    }
).filter(lambda case: completions_of(case) <= 1_500)


def slots(case: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Return each field that is missing, with the record that it is missing of."""
    records = [case, *case["drugs"]]
    return [(each, name) for each in records for name in each if each[name] is None]


def completions_of(case: dict[str, Any]) -> int:
    number = 1
    for _, name in slots(case):
        number *= len(VALUES[name])
    return number


def completed(case: dict[str, Any]) -> Iterator[dict[str, Any]]:
    case = deepcopy(case)
    missing = slots(case)
    for values in product(*(VALUES[name] for _, name in missing)):
        for (record, name), value in zip(missing, values, strict=True):
            record[name] = value
        yield case


def as_facts(case: dict[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = deepcopy(KNOWN)
    charge = {"conduct": case["conduct"], "violent": False, "authority": "state"}
    facts["encounter"] |= {"charges": [charge], "drugs": deepcopy(case["drugs"])}
    facts["judgment"]["above_subsistence"] = case["above_subsistence"]
    return facts


@settings(max_examples=30)
@given(CASES)
def test_pairs_of_answers_equal_those_of_every_completion(case: dict[str, Any]) -> None:
    possible = Answerer([CHANGE], Completions()).answer(as_facts(case))[0]
    by_hand = set()
    for full in completed(case):
        facts = as_facts(full)
        by_hand.add(tuple(program.outcome("eligibility", facts) for program in SANTA_FE))
    assert possible.is_sharp
    assert possible.outcomes == by_hand


@settings(max_examples=15)
@given(CASES)
def test_the_answers_of_one_side_are_the_exact_outcomes_of_the_case(case: dict[str, Any]) -> None:
    """`decide --exact` finds them by other formulas, and confirms each by the rules."""
    (possible,) = Answerer([Question((AFTER,))], Completions()).answer(as_facts(case))
    exact = find_exact(AFTER.program.decide("eligibility", as_facts(case)))
    assert {outcome for (outcome,) in possible.outcomes} == set(exact.possible)


def test_logic_on_each_side_alone_says_more_than_can_be() -> None:
    """Drugs of an unknown kind over both limits are opioids on both sides, or on neither."""
    case = {
        "drugs": [{"kind": None, "grams": 9, "form": "weighed", "prescription": False}],
        "conduct": "possession",
        "above_subsistence": False,
    }
    sharp = Answerer([CHANGE], Completions()).answer(as_facts(case))[0]
    wide = Answerer([CHANGE], Completions(seconds=0)).answer(as_facts(case))[0]
    assert sharp.outcomes == {("ineligible", "ineligible")} and sharp.is_sharp
    assert wide.outcomes > sharp.outcomes and not wide.is_sharp


def test_a_case_is_solved_once_for_all_that_are_equal_as_far_as_rules_read() -> None:
    completions = Completions()
    answerer = Answerer([CHANGE], completions)
    drugs = [{"kind": "opioid", "grams": None}, {"kind": "opioid", "grams": 2}]
    for age, order in product((20, 30, 40), (1, -1)):
        case = {"drugs": drugs[::order], "conduct": "possession", "above_subsistence": False}
        facts = as_facts(case)
        facts["person"]["age"] = age
        answerer.answer(facts)
    assert completions.groups == 1


@pytest.mark.parametrize(
    ("packs", "decision", "mapping", "file"),
    [
        (
            ["nyc-violations", "seattle", "drug-court"],
            "eligibility",
            "nypd-arrests",
            "data/nypd_arrests_2017-12.csv.gz",
        ),
        (
            ["santa-fe", "seattle", "california"],
            "offer",
            "louisiana-nibrs",
            "data/la_nibrs_arrestees_2010_2020.csv.gz",
        ),
    ],
)
def test_each_row_has_the_answer_of_decide(
    packs: list[str], decision: str, mapping: str, file: str
) -> None:
    """A decided row has its outcome alone. An open one has some of those that logic leaves."""
    day = "2023-07-01"
    programs = [rules.load(pack, day) for pack in packs]
    questions = [Question((Side(program, decision),)) for program in programs]
    answerer = Answerer(questions, Completions(seconds=5))
    table = CaseTable(read_map(mapping), str(shared(file)))
    seen, decided, left_open = set(), 0, 0
    for number, row in enumerate(table.rows()):
        if number % 23:
            continue
        case = table.case(row)
        if case.key is None or case.key.cells in seen:
            continue
        seen.add(case.key.cells)
        facts = case.read_facts()
        for program, possible in zip(programs, answerer.answer(facts), strict=True):
            answer: Decision = program.decide(decision, case.read_facts())
            if answer.status == "decided":
                assert possible.outcomes == {(answer.outcome,)}
                decided += 1
            else:
                assert {outcome for (outcome,) in possible.outcomes} <= set(answer.possible)
                assert possible.outcomes
                left_open += 1
        if len(seen) == 350:
            break
    assert decided > 50 and left_open > 20


def test_an_assumption_never_bars_and_never_has_what_a_changed_rule_reads() -> None:
    mapping = read_map("louisiana-nibrs")
    changed = facts_of_changed_rules(BEFORE, AFTER)
    assert "judgment.above_subsistence" in changed
    assumed = work_out([BEFORE, AFTER], mapping, changed)
    assert "judgment.above_subsistence" not in assumed
    assert "judgment.above_subsistence" in work_out([BEFORE, AFTER], mapping)
    drug_court = Side(rules.load("drug-court", "2018-10-01"), "eligibility")
    # A misdemeanor would make one rule false and another, `no-felony`, true.
    assert "encounter.charges.level" not in work_out([drug_court], mapping)
    given_paths = {path for path, _ in mapping.readers}
    assert not given_paths & set(assumed)


def test_a_state_is_assumed_of_a_charge_only_where_its_law_says_nothing() -> None:
    program = rules.load("nyc-violations", "2017-12-01")
    question = Question((Side(program, "eligibility"),))
    answerer = Answerer([question], Completions(), {"encounter.charges.authority": "state"})
    charge = {"code": "NYC AC 10-125", "level": "violation", "violent": False}
    facts = {"person": {"age": 30}, "encounter": {"date": "2017-12-01", "charges": [charge]}}
    assert answerer.answer(deepcopy(facts))[0].outcomes == {
        (program.outcome("eligibility", facts),)
    }
