"""A search tries one value of each class: no condition tells the values of a class apart."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.decide.compile import compile_condition
from rules.decide.value_classes import Answers, ValueClasses
from rules.input.citations import GivenCitation, reader_of
from rules.input.facts import read_facts
from rules.input.vocabulary import Fact
from rules.language import tree
from tests.support import written
from tests.support.written import EVERYTHING, SMALL, TINY, WORDS, Flat

TABLES = written.parameters()
KIND = WORDS.facts["tiny.kind"]
CODE = WORDS.facts["encounter.charges"].fields["code"]


def nothing(_: str) -> None:
    """No decision and no clock is named by these conditions."""


def representatives(condition: tree.Tree, fact: Fact, values: Any) -> list[Any]:
    classes = ValueClasses([condition], Answers(lambda test: compile_condition(test, TABLES)))
    return classes.one_of_each(fact, tuple(values))


def value(condition: tree.Tree, flat: Flat) -> Any:
    known = read_facts(written.nested(flat), WORDS).known
    return compile_condition(condition, TABLES)(known, nothing, nothing)


@given(written.conditions(SMALL), written.complete(TINY))
def test_a_condition_is_the_same_for_every_value_of_a_class(text: str, flat: Flat) -> None:
    condition = written.checked(text, SMALL.scope)
    for pair in product(KIND.word_tree.finest, repeat=2):
        if len(representatives(condition, KIND, pair)) == 1:
            first, second = (value(condition, {**flat, "tiny.kind": word}) for word in pair)
            assert first == second, (text, pair)


@pytest.mark.parametrize(
    "text, expected",
    [
        ('tiny.kind == "b"', ["a1", "b"]),
        ('tiny.kind in ["b", "c"]', ["a1", "b"]),
        ('tiny.kind == "b" || tiny.kind == "c"', ["a1", "b", "c"]),
        # A row of a table is a number, so each word may have its own.
        ("kind_cap[tiny.kind] > 2", ["a1", "a21", "a22", "b", "c"]),
        ("tiny.yes", ["a1"]),
    ],
)
def test_the_first_value_of_each_class_is_tried(text: str, expected: list[str]) -> None:
    finest = sorted(KIND.word_tree.finest)
    assert representatives(written.checked(text, SMALL.scope), KIND, finest) == expected


SECTIONS = ("NY PL 1.10", "RCW 1.02.003(1)(a)", "21 USC 844", "NY PL 1.10(2)")


@pytest.mark.parametrize(
    "condition, expected",
    [
        ("c.code in sections", ["NY PL 1.10", "21 USC 844"]),
        (
            'c.code in sections && c.code != "RCW 1.02.003"',
            ["NY PL 1.10", "RCW 1.02.003(1)(a)", "21 USC 844"],
        ),
        # The first two are one class of the list, and only the first is at or below 1.10.
        (
            'c.code in sections || c.code == "NY PL 1.10(2)"',
            ["NY PL 1.10", "RCW 1.02.003(1)(a)", "21 USC 844", "NY PL 1.10(2)"],
        ),
    ],
)
def test_sections_of_one_list_are_one_class(condition: str, expected: list[str]) -> None:
    text = f"encounter.charges.exists(c, {condition})"
    given_citations = [GivenCitation(text, reader_of(WORDS).read(text)) for text in SECTIONS]
    tried = representatives(written.checked(text, EVERYTHING.scope), CODE, given_citations)
    assert [citation.given for citation in tried] == expected


@given(st.permutations(SECTIONS))
def test_a_class_is_never_left_out(sections: list[str]) -> None:
    condition = written.checked(
        'encounter.charges.exists(c, c.code in ["NY PL 1.10"])', EVERYTHING.scope
    )
    given_citations = [GivenCitation(text, reader_of(WORDS).read(text)) for text in sections]
    tried = {item.given for item in representatives(condition, CODE, given_citations)}
    assert len(tried) == 2
    assert tried & {"NY PL 1.10", "NY PL 1.10(2)"}
