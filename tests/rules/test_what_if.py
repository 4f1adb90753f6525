"""The smallest change that gives another outcome, held against every change of small facts."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rules
from rules.author.scenarios import read_scenarios
from rules.errors import Refusal
from rules.language import tree
from rules.shelf import find
from tests.conftest import ROOT
from tests.support import written
from tests.support.written import SMALL, TINY, WORDS, Flat, pack_of

what_if = pytest.importorskip(
    "rules.prove.what_if", reason="the solver isn't installed", exc_type=ImportError
)
EXAMPLES = ROOT.parent / "shared" / "contract" / "change-examples.jsonl"
MOST = 3_000  # changes that are tried of one case


def changed_cases(case: Flat, read: dict[str, Any]) -> Any:
    """Yield every case with other values in some facts, with the number of them."""
    places: list[tuple[str, int | None, str | None, list[Any]]] = []
    for path in (path for path in read if path in case):
        fact = WORDS.facts[path]
        if fact.type != "list":
            places.append((path, None, None, written.domain(fact)))
            continue
        for place, record in enumerate(case[path]):
            for name, field in fact.fields.items():
                if field.path in read and name in record:
                    places.append((path, place, name, written.domain(field)))
    for values in product(*(values for *_, values in places)):
        changed: Flat = json.loads(json.dumps(case, default=str))
        moved = 0
        for (path, place, name, _), value in zip(places, values, strict=True):
            before = case[path] if place is None else case[path][place][name]
            moved += before != value
            if place is None:
                changed[path] = value
            else:
                changed[path][place][name] = value
        yield moved, changed


@settings(deadline=None)
@given(written.conditions(SMALL), written.conditions(SMALL), written.complete(TINY))
def test_no_change_of_fewer_facts_gives_the_outcome(
    first: str, second: str, complete: Flat
) -> None:
    assert_fewest(first, second, complete)


@pytest.mark.parametrize("operator", written.OPERATORS)
def test_no_change_of_fewer_facts_gives_the_outcome_at_a_limit(operator: str) -> None:
    record = {"n": 0, "yes": False, "kind": "a"}
    complete = {"tiny.yes": True, "tiny.kind": "a", "tiny.score": 0, "tiny.rows": [record]}
    for condition in written.at_a_limit(operator):
        assert_fewest(condition, "tiny.yes && !tiny.yes", complete)


def assert_fewest(first: str, second: str, complete: Flat) -> None:
    """Compare the smallest change with each change of small facts, decided one by one."""
    program = written.program(pack_of(first, second), as_of="2014-04-01")
    decision = program.decide("eligibility", written.nested(complete))
    conditions = [rule.condition for rule in decision.rules_in_force.rules]
    read = {path: fact for each in conditions for path, fact in tree.facts_read(each).items()}
    cases = [case for _, case in zip(range(MOST), changed_cases(complete, read), strict=False)]
    others = [
        moved
        for moved, case in cases
        if program.decide("eligibility", written.nested(case)).outcome != decision.outcome
    ]
    answers = what_if.find_what_if(decision).answers
    if len(cases) == MOST:
        return
    if not others:
        assert answers == ()
        return
    (answer,) = answers
    assert len(answer.changes) == min(others)
    assert answer.answer.outcome == answer.outcome != decision.outcome


def learned_cases(partial: Flat, read: dict[str, Any]) -> Any:
    """Yield every case with other values in some facts, also in facts that aren't known."""
    places: list[tuple[str, int | None, str | None, list[Any]]] = []
    for path, fact in read.items():
        if fact.of is not None:
            continue
        known = [partial[path]] if path in partial else [None]
        if fact.type != "list" or path not in partial:
            places.append((path, None, None, [*known, *written.domain(fact)]))
            continue
        for place, record in enumerate(partial[path]):
            for name, field in fact.fields.items():
                if field.path in read:
                    values = [record.get(name), *written.domain(field)]
                    places.append((path, place, name, values))
    for choice in product(*(range(len(values)) for *_, values in places)):
        case: Flat = json.loads(json.dumps(partial, default=str))
        moved = 0
        for (path, place, name, values), number in zip(places, choice, strict=True):
            if number == 0:
                continue
            moved += 1
            if place is None:
                case[path] = values[number]
            else:
                case[path][place][name] = values[number]
        yield moved, case


@settings(deadline=None)
@given(written.conditions(SMALL), written.complete(TINY), st.data())
def test_no_fewer_facts_have_to_be_changed_or_learned(
    condition: str, complete: Flat, data: st.DataObject
) -> None:
    """Brute force over every change and every way to learn, decided by the plain rules."""
    partial = data.draw(written.holes_in(complete))
    program = written.program(pack_of(condition), as_of="2014-04-01")
    decision = program.decide("eligibility", written.nested(partial))
    conditions = [rule.condition for rule in decision.rules_in_force.rules]
    read = {path: fact for each in conditions for path, fact in tree.facts_read(each).items()}
    cases = [case for _, case in zip(range(MOST), learned_cases(partial, read), strict=False)]
    if len(cases) == MOST:
        return
    fewest: dict[Any, int] = {}
    for moved, case in cases:
        decided = program.decide("eligibility", written.nested(case))
        if decided.status == "decided":
            fewest[decided.outcome] = min(moved, fewest.get(decided.outcome, moved))
    result = what_if.find_what_if(decision)
    answers = {answer.outcome: answer for answer in result.answers}
    for outcome in ("eligible", "ineligible"):
        if outcome == decision.outcome:
            continue
        if outcome not in answers:
            assert outcome in result.open or outcome not in fewest
            continue
        changes = answers[outcome].changes
        assert answers[outcome].answer.outcome == outcome
        lists = [change.after for change in changes if isinstance(change.after, tuple)]
        if all(len(records) <= 2 for records in lists) and outcome not in result.open:
            assert len(changes) == fewest[outcome]
        elif outcome in fewest:  # a longer list than brute force tries
            assert len(changes) <= fewest[outcome] or outcome in result.open


def test_a_missing_number_has_a_range() -> None:
    for condition, outcome, ends in (
        ("wide.heat <= 3", "eligible", ("above", 3, None)),
        ("wide.heat <= 3", "ineligible", ("at_most", 3, None)),
        ("tiny.score < 1", "ineligible", ("at_most", 0, None)),
        ("wide.heat > 3 && wide.heat <= 6", "ineligible", ("above", 3, ("at_most", 6))),
    ):
        program = written.program(pack_of(condition), as_of="2014-04-01")
        answers = what_if.find_what_if(program.decide("eligibility", {})).answers
        (change,) = next(answer for answer in answers if answer.outcome == outcome).changes
        assert (change.bound, change.limit, change.second) == ends, (condition, outcome)


def test_ranges_hold_together() -> None:
    """Two weights that aren't known: any in both ranges, and not one alone."""
    pack = pack_of("sum(encounter.drugs.map(d, d.grams)) > 3")
    program = written.program(pack, as_of="2014-04-01")
    drugs = [{"kind": "opioid"}, {"kind": "opioid"}]
    decision = program.decide("eligibility", {"encounter": {"drugs": drugs}})
    answers = {one.outcome: one for one in what_if.find_what_if(decision).answers}
    first, second = answers["eligible"].changes
    assert {first.bound, second.bound} == {"at_most"} and first.limit + second.limit == 3
    (over,) = answers["ineligible"].changes
    assert (over.bound, over.limit) == ("above", 3)


def test_an_incomplete_search_is_open_and_a_complete_one_is_not() -> None:
    day = written.program(pack_of("tiny.yes")).decide("eligibility", {"tiny": {"yes": True}})
    result = what_if.find_what_if(day)
    assert result.answers == () and set(result.open) == {"eligible", "ineligible"}
    program = written.program(pack_of("tiny.yes && !tiny.yes"), as_of="2014-04-01")
    proved = what_if.find_what_if(program.decide("eligibility", {"tiny": {"yes": True}}))
    assert (proved.answers, dict(proved.open)) == ((), {})
    slow = rules.load("santa-fe", "2014-04-01").decide("eligibility", {"person": {"age": 30}})
    assert "eligible" in what_if.find_what_if(slow, seconds=0.0).open


@pytest.mark.parametrize(
    ("condition", "unknown"),
    [
        ("tiny.yes && person.age >= 18", {"ineligible": ("person.age",)}),
        ("person.age < 18 || !tiny.yes", {"eligible": ("person.age",)}),
        ("tiny.yes && (person.age >= 18 || person.age < 18)", {"ineligible": ("person.age",)}),
        ("tiny.yes && person.age >= 18 && person.age < 18", {}),
        ("tiny.yes || person.age >= 18 && person.age < 18", {"eligible": ("person.age",)}),
    ],
)
def test_a_fact_that_no_change_names_is_never_proved_away(
    condition: str, unknown: dict[str, tuple[str, ...]]
) -> None:
    """An outcome is proved impossible only if no value of any unknown fact gives it."""
    program = written.program(pack_of(condition), as_of="2014-04-01")
    for yes in (False, True):
        decision = program.decide("eligibility", {"tiny": {"yes": yes}})
        result = what_if.find_what_if(decision)
        answered = {answer.outcome for answer in result.answers}
        assert set(result.unknown) <= set(result.open)
        for outcome in ("eligible", "ineligible"):
            reached = any(
                program.decide(
                    "eligibility", {"tiny": {"yes": tiny}, "person": {"age": age}}
                ).outcome
                == outcome
                for tiny in (False, True)
                for age in (17, 18)
            )
            is_other = outcome != decision.outcome
            assert (outcome in answered or outcome in result.open) == (reached and is_other)
            if outcome in result.unknown:
                assert result.unknown[outcome] == unknown[outcome]


def test_the_answer_is_the_same_after_the_exact_search() -> None:
    from rules.prove.exact import find_exact

    for scenario in read_scenarios(find("santa-fe"))[:30]:
        try:
            program = rules.load("santa-fe", scenario.as_of)
            decision = program.decide(scenario.decision, scenario.facts)
        except Refusal:
            continue
        alone = what_if.find_what_if(decision)
        find_exact(decision)
        beside = what_if.find_what_if(decision)
        assert [each.changes for each in alone.answers] == [
            each.changes for each in beside.answers
        ], scenario.id
        assert dict(alone.open) == dict(beside.open)


def test_a_number_moves_as_little_as_it_can() -> None:
    """Of two numbers, the one that moves by the smaller share. A side that can't be reached."""
    case = {"wide.heat": 10, "tiny.score": 1}
    for condition, side, limit in (
        ("wide.heat > 9.5", "at_most", Decimal("9.5")),
        ("wide.heat >= 9.5", "below", Decimal("9.5")),
        ("wide.heat < 11", "at_least", 11),
        ("wide.heat <= 11", "above", 11),
    ):
        program = written.program(pack_of(f"{condition} || tiny.score > 1"), as_of="2014-04-01")
        decision = program.decide("eligibility", written.nested(case))
        (answer,) = what_if.find_what_if(decision).answers
        (change,) = answer.changes
        assert (change.fact, change.bound, change.limit) == ("wide.heat", side, limit)


def test_a_side_is_stated_only_if_all_of_it_gives_the_outcome() -> None:
    program = written.program(pack_of("wide.heat > 9 || wide.heat < 8"), as_of="2014-04-01")
    decision = program.decide("eligibility", {"wide": {"heat": 10}})
    (answer,) = what_if.find_what_if(decision).answers
    (change,) = answer.changes
    assert (change.after, change.bound, change.limit) == (9, "at_least", 8)
    assert change.second == ("at_most", 9)


NEVER = ("person.age", "history.", "encounter.date", "encounter.at", "now", "case.relapses")


@pytest.mark.parametrize("pack", ["santa-fe"])
def test_what_a_person_is_and_what_is_past_never_change(pack: str) -> None:
    answered = 0
    for scenario in read_scenarios(find(pack))[:24]:
        try:
            decision = rules.load(pack, scenario.as_of).decide(scenario.decision, scenario.facts)
        except Refusal:
            continue
        for answer in what_if.find_what_if(decision).answers:
            answered += 1
            for change in answer.changes:
                assert change.before is None or not change.fact.startswith(NEVER), scenario.id
                assert not change.fact.startswith("person.age"), scenario.id
    assert answered > 10


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the contract's examples aren't here")
def test_the_contract_s_example() -> None:
    """Since that day the pack asks whose law a charge is under, and the answer says so."""
    lines = [json.loads(line) for line in EXAMPLES.read_text().splitlines()]
    (case,) = [line for line in lines if line["kind"] == "what-if"]
    program = rules.load(case["pack"], case["as_of"])
    decision = program.decide(case["decision"], case["facts"])
    expected = case["expect"]
    assert decision.outcome == expected["outcome"]
    (answer,) = what_if.find_what_if(decision).answers
    ((path, before, after),) = [
        (change.fact, change.before, change.limit)
        for change in answer.changes
        if change.before is not None
    ]
    (wanted,) = expected["change"]
    assert (path, float(before), f"at most {after}") == tuple(wanted.values())
    assert answer.rule == expected["rule"] and answer.outcome == "eligible"
    learned = [change.fact for change in answer.changes if change.before is None]
    assert learned == ["encounter.charges[0].authority"]
    # With whose law it is, the weight alone is left.
    case["facts"]["encounter"]["charges"][0]["authority"] = "state"
    (alone,) = what_if.find_what_if(program.decide(case["decision"], case["facts"])).answers
    assert [change.fact for change in alone.changes] == ["encounter.drugs[0].grams"]
