"""The search by compiled conditions against the search by the tree walk, step by step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.decide.search import Search, TooFar
from rules.decide.search_space import SearchSpace, spaces_of
from rules.errors import PackError
from rules.language import tree
from rules.packs.resolve import segments_of
from rules.prove import counterpart, reachable, soundness
from rules.shelf import read_pack
from tests.conftest import ROOT
from tests.support import written
from tests.support.walked_search import WalkedSearch

PACKS = ROOT / "tests" / "packs"
TOO_FAR = "gave up"


def end_of(search: Search) -> tuple[Any, int]:
    """Return the case that a search ends with, and what is left of its budget."""
    try:
        return search.witness(), search.budget
    except TooFar:
        return TOO_FAR, search.budget


class Compared:
    """Both searches as one. `number` counts them."""

    number = 0

    def __init__(self, space: SearchSpace, goal: tree.Tree, *args: Any, **options: Any) -> None:
        self.walked = WalkedSearch(space, goal, *args, **options)
        self.compiled = Search(space, goal, *args, **options)

    def witness(self) -> Any:
        Compared.number += 1
        end, steps_left = end_of(self.compiled)
        assert (end, steps_left) == end_of(self.walked), tree.text(self.compiled.goal)
        if end == TOO_FAR:
            raise TooFar
        return end


@pytest.mark.parametrize(
    ("pack", "least"),
    [
        ("california", 20),
        ("clackamas-or", 20),
        ("drug-court", 20),
        ("lead", 20),
        ("santa-fe", 40),
        ("staten-island-hope", 20),
        ("bad/invariant-broken-by-own-rule", 1),
        ("bad/not-proved", 1),
        ("bad/otherwise-beside-a-total", 1),
    ],
)
def test_the_proofs_of_a_pack_take_the_same_steps_by_the_tree_walk(
    pack: str, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (soundness, reachable, counterpart):
        monkeypatch.setattr(module, "Search", Compared)
    before = Compared.number
    folder = PACKS / pack if "/" in pack else pack
    try:
        soundness.check_whole(read_pack(folder, whole=False))
    except PackError:
        assert "/" in pack
    assert Compared.number - before >= least


@st.composite
def goals(draw: st.DrawFn, conditions: Iterable[tree.Tree]) -> tree.Tree:
    """Generate a goal as proofs make them: conditions and denied ones, and other outcomes."""
    items = draw(st.lists(st.sampled_from(list(conditions)), min_size=1, max_size=4))
    denied = [item if draw(st.booleans()) else tree.Not(item) for item in items]
    return denied[0] if len(denied) == 1 else tree.And(tuple(denied))


@settings(max_examples=2 * settings().max_examples)
@given(written.packs(), st.data(), st.booleans(), st.integers(0, 3))
def test_a_search_in_a_generated_pack_takes_the_same_steps_by_the_tree_walk(
    pack: dict[str, Any], data: st.DataObject, attested: bool, witnesses: int
) -> None:
    for space in spaces_of(segments_of(written.program(pack).pack)):
        rules = list(space.rule_conditions.values())
        outcomes: list[tree.Tree] = [
            tree.Compare("==", tree.OutcomeOf(name), tree.Constant(decision.decision.outcomes[0]))
            for name, decision in space.segment.decisions.items()
            if not decision.decision.collect
        ]
        if not rules:
            continue
        goal = data.draw(goals([*rules, *outcomes]))
        options = {"budget": 300, "attested": attested, "witnesses": witnesses}
        ends = [end_of(kind(space, goal, **options)) for kind in (Search, WalkedSearch)]
        assert ends[0] == ends[1], tree.text(goal)


def test_a_search_gives_up_when_its_budget_is_spent() -> None:
    (space, *_) = spaces_of(segments_of(read_pack("lead", whole=False)))
    goal = tree.And(
        tuple(tree.Not(rule.condition) for rule in space.segment.decisions["eligibility"].rules)
    )
    search = Search(space, goal, budget=1_000, attested=True)
    assert search.witness() is not None
    spent = 1_000 - search.budget
    assert end_of(Search(space, goal, budget=spent, attested=True))[0] is not TOO_FAR
    assert end_of(Search(space, goal, budget=spent - 1, attested=True)) == (TOO_FAR, -1)


def test_what_is_false_and_true_at_once_has_no_case() -> None:
    (space, *_) = spaces_of(segments_of(read_pack("lead", whole=False)))
    condition = space.segment.decisions["eligibility"].rules[0].condition
    assert Search(space, tree.And((condition, tree.Not(condition)))).witness() is None


GROUPED = """
id: grouped
title: Grouped
time_zone: UTC
program: {{from: 2000-01-01, source: s}}
sources: {{s: {{title: S, address: here, confidence: high}}}}
facts:
{facts}
decisions:
  track:
    asks: Which?
    decided_by: police
    governed_by: encounter.date
    outcomes: [first, second, third]
    rules:
{rules}
    otherwise: {{outcome: third, because: Else., source: s}}
"""


def idle_rules(*rules: tuple[str, str]) -> list[str]:
    """Return the ids of rules that decide no case. Each rule has a condition and an outcome."""
    lines = "\n".join(
        f"      - {{id: r{number}, when: '{when}', then: {then}, because: R., source: s}}"
        for number, (when, then) in enumerate(rules)
    )
    facts = "\n".join(
        f"  case.{name}: {{type: bool, kind: record, known_by: police, category: encounter,"
        f' question: "{name}?", source: s}}'
        for name in "abc"
    )
    pack = written.assembled(GROUPED.format(facts=facts, rules=lines))
    return [rule for _, rule in reachable.idle(pack)]


@pytest.mark.parametrize(
    ("above", "is_idle"),
    [
        (["case.b"], False),
        (["case.b", "!case.b"], True),  # they share no fact with the rule below, and leave nothing
        (["case.b", "!case.b && case.c"], False),
        (["case.b && case.c", "!case.b", "!case.c"], True),
        (["case.a || case.b"], True),
        (["case.b && case.c", "!case.b && case.a", "!case.c"], True),
        (["true"], True),
        (["false"], False),
    ],
)
def test_rules_of_a_higher_outcome_can_leave_nothing_to_one_below(
    above: list[str], is_idle: bool
) -> None:
    rules = [*((when, "first") for when in above), ("case.a", "second")]
    assert (f"r{len(above)}" in idle_rules(*rules)) is is_idle
