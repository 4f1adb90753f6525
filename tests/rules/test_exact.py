"""Exact outcomes: over every completion of the facts, nothing more and nothing less."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rules
from rules.author.scenarios import read_scenarios
from rules.decide.decision import Decision
from rules.decide.ruling import CaseFacts
from rules.errors import Refusal
from rules.input.facts import Facts
from rules.language import tree
from rules.packs.pack import conditions
from rules.shelf import find
from tests.conftest import ROOT
from tests.support import written
from tests.support.written import SMALL, TINY, Flat, pack_of

exact = pytest.importorskip(
    "rules.prove.exact", reason="the solver isn't installed", exc_type=ImportError
)
EXAMPLES = ROOT.parent / "shared" / "contract" / "change-examples.jsonl"
MOST = 3_000  # completions that are tried of one case


partial_cases = given(
    st.one_of(written.LIMITS, written.conditions(SMALL)),
    written.conditions(SMALL),
    written.complete(TINY).flatmap(written.holes_in),
)


def asked(first: str, second: str, partial: Flat) -> tuple[Decision, Any, Iterator[Flat]]:
    """The decision of two conditions on a partial case, its exact answer, and all completions."""
    program = written.program(pack_of(first, second), as_of="2014-04-01")
    decision = program.decide("eligibility", written.nested(partial))
    conditions = [rule.condition for rule in decision.rules_in_force.rules]
    read = {path: fact for each in conditions for path, fact in tree.facts_read(each).items()}
    return decision, exact.find_exact(decision, 20), written.completions(partial, read)


@settings(deadline=None)
@partial_cases
def test_exact_outcomes_are_those_of_all_completions(
    first: str, second: str, partial: Flat
) -> None:
    assert_exact(first, second, partial)


@pytest.mark.parametrize("operator", written.OPERATORS)
def test_exact_outcomes_are_those_of_all_completions_at_a_limit(operator: str) -> None:
    for condition in written.at_a_limit(operator):
        assert_exact(condition, "tiny.yes && !tiny.yes", {"tiny.rows": [{}]})


def assert_exact(first: str, second: str, partial: Flat) -> None:
    """Compare the exact outcomes with those of each completion, decided one by one."""
    decision, answer, completions = asked(first, second, partial)
    seen: dict[str, Flat] = {}
    for tried, filled in enumerate(completions):
        if tried == MOST:
            break
        outcome = decision.program.decide("eligibility", written.nested(filled)).outcome
        assert outcome is not None
        seen[outcome] = filled
    assert set(seen) <= set(answer.possible)
    for outcome in set(answer.possible) - set(seen):
        # The lists that were tried have two records at most.
        assert outcome in answer.examples or answer.why
    for outcome, facts in answer.examples.items():
        assert Decision(CaseFacts(decision.program, facts), "eligibility").outcome == outcome


@settings(deadline=None)
@partial_cases
def test_what_exact_needs_can_change_the_outcome_and_nothing_else_can(
    first: str, second: str, partial: Flat
) -> None:
    decision, answer, completions = asked(first, second, partial)
    cases = [*zip(range(MOST), completions, strict=False)]
    by_rest: dict[tuple[str, str], set[str]] = {}
    facts = [path for path in TINY if path != "tiny.rows"]
    for _, filled in cases:
        outcome = str(decision.program.decide("eligibility", written.nested(filled)).outcome)
        for path in facts:
            rest = json.dumps({**filled, path: None}, sort_keys=True, default=str)
            by_rest.setdefault((path, rest), set()).add(outcome)
    matters = {path for (path, _), outcomes in by_rest.items() if len(outcomes) > 1}
    needs = set(answer.needs)
    assert matters & {entry["fact"] for entry in decision.needed} <= needs
    if len(cases) < MOST and not answer.why and "tiny.rows" in partial:
        assert needs & set(facts) <= matters


def test_a_bound_that_is_not_complete_leaves_out_no_fact() -> None:
    """What is added up is worked out, so the solver looks at short lists and proves nothing."""
    pack = pack_of("sum(tiny.rows.map(a, 1)) <= kind_cap[tiny.kind]")
    decision = written.program(pack, as_of="2014-04-01").decide("eligibility", {})
    answer = exact.find_exact(decision)
    assert answer.why is not None and answer.possible == ("ineligible", "eligible")
    assert set(answer.needs) == {entry["fact"] for entry in decision.needed}


@pytest.mark.parametrize("pack", ["santa-fe", "nyc-violations"])
@given(data=st.data())
@settings(deadline=None, max_examples=10)
def test_the_scenarios_of_a_shipped_pack_never_leave_the_exact_outcomes(
    pack: str, data: st.DataObject
) -> None:
    """A scenario with holes: its own answer is one of the exact outcomes."""
    scenario = data.draw(st.sampled_from(SCENARIOS[pack]))
    program = rules.load(pack, scenario.as_of)
    try:
        whole = program.decide(scenario.decision, scenario.facts)
    except Refusal:
        return
    declared = program.pack.decisions.get(scenario.decision)
    if declared is None or whole.status != "decided" or isinstance(whole.outcome, list):
        return
    known = whole.case.original.known
    dropped = data.draw(
        st.sets(st.sampled_from(sorted(known)), max_size=4) if known else st.just(set())
    )
    fewer = {path: value for path, value in known.items() if path not in dropped}
    if "now" in known and "now" not in fewer:
        return
    facts = Facts(fewer, whole.case.original.attested, whole.case.original.doubtful)
    decision = program.decide(scenario.decision, facts)
    answer = exact.find_exact(decision, 20)
    events = [path for path in dropped if program.pack.vocabulary.facts[path].kind == "event"]
    # A missing fact inside `if_known` counts as false: nobody is asked for it.
    if_known = [
        part
        for rule in declared.rules.values()
        for condition in conditions(rule)
        for part in tree.nodes(condition)
        if isinstance(part, tree.IfKnown) and not tree.facts_read(part).keys().isdisjoint(dropped)
    ]
    if not events and not if_known and not whole.would_bar and not decision.would_bar:
        assert whole.outcome in answer.possible, (scenario.id, dropped, answer)
    for outcome, completed in answer.examples.items():
        assert Decision(CaseFacts(program, completed), scenario.decision).outcome == outcome


SCENARIOS = {pack: read_scenarios(find(pack)) for pack in ("santa-fe", "seattle", "nyc-violations")}


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the contract's examples aren't here")
def test_the_contract_s_example() -> None:
    lines = [json.loads(line) for line in EXAMPLES.read_text().splitlines()]
    (case,) = [line for line in lines if line["kind"] == "exact"]
    decision = rules.load(case["pack"], case["as_of"]).decide(case["decision"], case["facts"])
    expected = case["expect"]
    assert (decision.status, decision.possible) == tuple(expected["decide"].values())
    answer = exact.find_exact(decision)
    assert answer.possible == (expected["exact"]["outcome"],)
    assert list(answer.needs) == expected["exact"]["needs"] and answer.why is None


def test_a_day_that_is_not_known_may_be_any_of_the_program() -> None:
    """3 g to 6 g of heroin was over the cap in 2014 and is under it since 2018."""
    (case,) = [each for each in SCENARIOS["santa-fe"] if each.id == "under-the-cap"]
    facts = json.loads(json.dumps(case.facts, default=str))
    facts["encounter"] |= {"drugs": [{"kind": "opioid", "grams": 4, "form": "weighed"}]}
    facts["encounter"].pop("date")
    answer = exact.find_exact(rules.load("santa-fe").decide("eligibility", facts))
    assert answer.possible == ("ineligible", "eligible")
    assert answer.needs == ("encounter.date",)
