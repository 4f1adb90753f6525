"""A condition that is shown to have no case has none, also where sums and long lists are read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.decide.search_space import SearchSpace
from rules.decide.walk import World, walk
from rules.input.facts import read_facts
from rules.language import tree
from rules.packs.resolve import segments_of
from rules.prove.no_case import has_no_case
from tests.support import written
from tests.support.written import WORDS, Flat, Readable

READABLE = Readable(decisions={})
BARE = """
id: bare
title: Bare
time_zone: UTC
program: {from: 2000-01-01, source: s}
sources: {s: {title: S, address: here, confidence: high}}
decisions:
  eligibility: {otherwise: {outcome: eligible, because: Fine., source: s}}
"""
(SEGMENT,) = segments_of(written.assembled(BARE))
SPACE = SearchSpace(replace(SEGMENT, parameters=written.parameters()))
OPPOSITE = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}


def opposite(condition: tree.Tree) -> tree.Tree:
    """Return a condition that is true where the given one is false, in other words."""
    match condition:
        case tree.Compare(operator, left, right):
            return tree.Compare(OPPOSITE[operator], left, right)
        case tree.And(items):
            return tree.Or(tuple(opposite(item) for item in items))
        case tree.Or(items):
            return tree.And(tuple(opposite(item) for item in items))
        case tree.Quantifier(kind, over, variable, body):
            other = "all" if kind == "exists" else "exists"
            return tree.Quantifier(other, over, variable, opposite(body))
    return tree.Not(condition)


def denied(text: str) -> tree.Tree:
    return tree.Not(written.checked(text))


GRAMS = "sum(encounter.drugs.map(d, d.grams))"
NUMBER = "size(encounter.drugs)"


@pytest.mark.parametrize(
    "text",
    [
        f"{NUMBER} >= 0",
        f"{NUMBER} + 1 > 0",
        f"{NUMBER} < 3 || {NUMBER} >= 3",
        f"{NUMBER} == 0 || encounter.drugs.exists(d, d.grams >= 0)",
        "size(encounter.drugs.filter(d, d.grams > 3)) >= 0",
        f"{GRAMS} >= 0",
        f"{GRAMS} > 3 || {GRAMS} <= 3",
        f"{GRAMS} * 2 > -1",
        "encounter.drugs.all(d, d.grams * 2 >= 0)",
        "encounter.drugs.exists(d, d.grams * 2 > 3) || encounter.drugs.all(d, d.grams * 2 <= 3)",
        "person.age >= 18 || person.age < 18",
        'weekday(encounter.date) == "monday" || weekday(encounter.date) != "monday"',
        f"{NUMBER} >= 0 && {GRAMS} >= 0",
        f"person.enrolled || !person.enrolled && {NUMBER} >= 0",
    ],
)
def test_what_no_facts_can_deny_is_found(text: str) -> None:
    assert has_no_case(SPACE, denied(text))


@pytest.mark.parametrize(
    "text",
    [
        "history.recorded_diversions <= 2.5",
        f"{NUMBER} <= 10",  # eleven records, more than a search tries
        f"{GRAMS} <= 100",
        f"{GRAMS} < 3 || {GRAMS} > 3",
        f"{NUMBER} < 3 || {NUMBER} > 3",
        "encounter.drugs.all(d, d.grams * 2 > 0)",
        f"{NUMBER} == 0 || encounter.drugs.exists(d, d.grams > 0)",
        "encounter.drugs.exists(d, d.grams > 1) || encounter.drugs.exists(d, d.grams <= 1)",
    ],
)
def test_what_some_facts_deny_is_not_shown_to_have_no_case(text: str) -> None:
    assert not has_no_case(SPACE, denied(text))


@settings(max_examples=5 * settings().max_examples)
@given(
    st.lists(written.conditions(READABLE, depth=1), min_size=1, max_size=2),
    st.lists(st.booleans(), min_size=3, max_size=3),
    written.complete(),
    written.cases(),
)
def test_what_is_shown_to_have_no_case_is_true_for_no_facts(
    texts: list[str], signs: list[bool], complete: Flat, case: Flat
) -> None:
    conditions = [written.checked(text, READABLE.scope) for text in texts]
    parts = [*conditions, opposite(conditions[0])]
    signed = zip(parts, signs, strict=False)
    goal = tree.And(tuple(part if sign else tree.Not(part) for part, sign in signed))
    if not has_no_case(SPACE, goal):
        return
    facts = read_facts(written.nested({**complete, **case}), WORDS).known
    for status in tree.CLOCK_STATUSES[:-1]:
        around = World(
            facts, SPACE.segment.parameters, nothing, lambda _, now=status: now, time_zone="UTC"
        )
        assert walk(goal, around) is not True, tree.text(goal)


def nothing(_: str) -> None:
    """No decision is read."""
