"""Check that an English sentence reads back, in one way only, to the tree that it came from."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings

from rules.author.english import Words, complete_phrases, line, passage, words_of
from rules.language import tree
from rules.packs.pack import Decision, conditions
from rules.packs.resolve import resolve
from rules.shelf import english, read_pack, shipped, vocabulary
from tests.support import generated, written
from tests.support.english import Reader, meaning

LABELS = {"quantity_cap": "largest amount", "codes": "codes of no offense"}
GENERATED = Words(
    complete_phrases(generated.FACTS, english()),
    LABELS,
    {"quantity_cap": "3 g"},
    {"quantity_cap": "g", "codes": "citations"},
    generated.OUTCOMES,
)
WRITTEN = Words(
    complete_phrases(written.WORDS.facts, english()),
    {name: name for name in (*written.PARAMETERS, *written.TABLES)},
    {},
    {name: parts[0] for name, parts in {**written.PARAMETERS, **written.TABLES}.items()},
    written.DECISIONS,
)


def read_back(node: tree.Tree, words: Words, reader: Reader) -> None:
    for said in (passage(node, words), line(node, words)):
        text = said if isinstance(said, str) else repr(said)
        found = [
            meaning(one)
            for one in reader.fitted(
                reader.line(said) if isinstance(said, str) else reader.passage(said)
            )
        ]
        assert found, f"can't be read back: {text}"
        assert len(set(map(repr, found))) == 1, f"has {len(found)} meanings: {text}"
        assert found[0] == meaning(node), text


def test_every_fact_of_the_vocabulary_and_every_field_has_a_phrase_of_its_kind() -> None:
    every = [one for fact in vocabulary().facts.values() for one in (fact, *fact.fields.values())]
    assert {one.path for one in every} == set(english()), (
        "jurisdictions/english.yaml says how documents speak of each fact"
    )
    for one in every:
        phrase = english()[one.path]
        assert isinstance(phrase, tuple) == (one.type in ("bool", "list")), one.path
        if one.of and one.type == "bool":
            assert all(clause.startswith("it ") for clause in phrase), one.path
    flat = [phrase for one in every if not one.of for phrase in _all(english()[one.path])]
    assert len(set(flat)) == len(flat), "no two facts are spoken of alike"


def test_the_clause_for_no_is_the_one_that_denies() -> None:
    denies = re.compile(r"\b(no|not|outside|declined)\b")
    clauses = {
        path: phrase
        for path, phrase in english().items()
        if _is_yes_or_no(path) and isinstance(phrase, tuple)
    }
    assert len(clauses) > 15
    for path, (yes, no) in clauses.items():
        assert len(denies.findall(no)) == len(denies.findall(yes)) + 1, path


def _is_yes_or_no(path: str) -> bool:
    every = [one for fact in vocabulary().facts.values() for one in (fact, *fact.fields.values())]
    return next(one.type for one in every if one.path == path) == "bool"


def _all(phrase: str | tuple[str, str]) -> tuple[str, ...]:
    return phrase if isinstance(phrase, tuple) else (phrase,)


@pytest.mark.parametrize("name", shipped())
def test_every_condition_of_a_shipped_pack_is_read_back_from_its_english(name: str) -> None:
    pack = read_pack(name)
    waiting = {id(node): node for decision in pack.decisions.values() for node in _trees(decision)}
    waiting |= {
        id(node): node
        for one in pack.invariants.values()
        for node in (one.when, one.always)
        if node is not None
    }
    assert waiting
    days = sorted({pack.program.since, *pack.boundaries()} - {None})
    for day in days:
        segment = resolve(pack, day)
        words = words_of(segment, english())
        reader = Reader(words, pack.vocabulary.facts)
        last = day == days[-1]
        now = {
            id(node)
            for held in segment.decisions.values()
            for rule in held.rules
            for node in conditions(rule.rule)
        }
        for key in [key for key in waiting if last or key in now]:
            read_back(waiting.pop(key), words, reader)
    assert not waiting


def _trees(decision: Decision) -> Iterator[tree.Tree]:
    yield from (node for rule in decision.rules.values() for node in conditions(rule))
    yield from (one.when for one in decision.obligations.values())


@given(generated.conditions())
@settings(max_examples=60, deadline=None)
def test_a_made_up_tree_is_read_back_from_its_english(node: tree.Tree) -> None:
    read_back(node, GENERATED, Reader(GENERATED, generated.FACTS))


@given(written.conditions())
@settings(max_examples=60, deadline=None)
def test_a_made_up_condition_with_lists_within_lists_is_read_back_from_its_english(
    text: str,
) -> None:
    read_back(written.checked(text), WRITTEN, Reader(WRITTEN, written.WORDS.facts))


@given(written.offer_conditions({}))
@settings(max_examples=30, deadline=None)
def test_a_made_up_condition_of_an_offer_is_read_back_from_its_english(text: str) -> None:
    read_back(written.checked(text), WRITTEN, Reader(WRITTEN, written.WORDS.facts))


def test_the_tests_above_saw_every_kind_of_node() -> None:
    """A fixed sample has every kind of node, and each one reads back."""
    texts = [
        "tiny.yes ? wide.heat < 3 : !tiny.yes",
        "sum(wide.rows.filter(a, a.count > 1).map(a, a.grams)) - 2 <= cap && wide.word in listed",
        "encounter.date + years(1) >= date('2014-04-01') || clocks.plan in ['running']",
        "day(encounter.at) - months(spell) < encounter.date && time(encounter.at) >= opens",
        "weekday(encounter.at) == 'sunday' || encounter.date - days(lookback) == day(now)",
        "encounter.at - encounter.at < hours(plain_hours) || time('23:59') > time(now)",
        "encounter.charges.exists(c, c.code in ['RCW 69.50.4013', 'NY PL 221.05(1)'])",
        "if_known(tiny.yes && wide.heat > 3) && tiny.rows.exists(a, if_known(a.yes))",
        "screening == 'stop' || tiny.rows.all(a, a.kind in ['a', 'b'])",
        "wide.heat > kind_cap[tiny.kind] || tiny.rows.exists(a, tiny.kind == 'a1' || "
        "tiny.rows.exists(b, a.kind == b.kind))",
    ]
    trees = [written.checked(text) for text in texts]
    assert {type(part) for one in trees for part in tree.nodes(one)} | {tree.FieldOf} == set(
        tree.NODES
    )
    for one in trees:
        read_back(one, WRITTEN, Reader(WRITTEN, written.WORDS.facts))
