"""The smallest change that gives another outcome, held against every change of small facts."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings

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
    answers = what_if.find_what_if(decision)
    if len(cases) == MOST:
        return
    if not others:
        assert answers == ()
        return
    (answer,) = answers
    assert len(answer.changes) == min(others)
    assert answer.answer.outcome == answer.outcome != decision.outcome


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
        (answer,) = what_if.find_what_if(decision)
        (change,) = answer.changes
        assert (change.fact, change.bound, change.limit) == ("wide.heat", side, limit)


def test_a_side_is_stated_only_if_all_of_it_gives_the_outcome() -> None:
    program = written.program(pack_of("wide.heat > 9 || wide.heat < 8"), as_of="2014-04-01")
    decision = program.decide("eligibility", {"wide": {"heat": 10}})
    (answer,) = what_if.find_what_if(decision)
    (change,) = answer.changes
    assert (change.after, change.bound) == (9, None)


NEVER = ("person.age", "history.", "encounter.date", "encounter.at", "now", "case.relapses")


@pytest.mark.parametrize("pack", ["santa-fe"])
def test_what_a_person_is_and_what_is_past_never_change(pack: str) -> None:
    answered = 0
    for scenario in read_scenarios(find(pack))[:24]:
        try:
            decision = rules.load(pack, scenario.as_of).decide(scenario.decision, scenario.facts)
        except Refusal:
            continue
        for answer in what_if.find_what_if(decision):
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
    (answer,) = what_if.find_what_if(decision)
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
    (alone,) = what_if.find_what_if(program.decide(case["decision"], case["facts"]))
    assert [change.fact for change in alone.changes] == ["encounter.drugs[0].grams"]
