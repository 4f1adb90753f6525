"""Sort a fact's values into classes that no condition tells apart.

A search tries one value of each class. A charge of trespass and one of burglary are one class where
no condition in question asks for either, and so are all the sections of one list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from rules.decide.compile import Condition
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.packs.resolve import Segment

_ATOMS = (tree.Compare, tree.Member, tree.IsOne, tree.Cited)
_WRITTEN = (tree.Constant, tree.ParameterOf)


def reached(segment: Segment, condition: tree.Tree) -> Iterator[tree.Tree]:
    """Return the condition, and those of every decision that it reads."""
    yield condition
    still, seen = [condition], set[str]()
    while still:
        for part in tree.nodes(still.pop()):
            if isinstance(part, tree.OutcomeOf) and part.decision not in seen:
                seen.add(part.decision)
                conditions = [rule.condition for rule in segment.decisions[part.decision].rules]
                yield from conditions
                still += conditions


class Answers:
    """What tests say of single values, whatever else is known. Each answer is worked out once."""

    def __init__(self, compiled: Callable[[tree.Tree], Condition]) -> None:
        self._compiled = compiled
        self._answers: dict[tuple[int, int], tuple[tuple[bool | None, ...], object]] = {}

    def of(self, test: tree.Tree, fact: Fact, values: tuple[Any, ...]) -> tuple[bool | None, ...]:
        """Return what a test says of each value, in order."""
        entry = self._answers.get((id(test), id(values)))
        if entry is None:
            condition = self._compiled(_of_a_fact(test))
            answers = tuple(condition({fact.path: value}, _nothing, _nothing) for value in values)
            # INVARIANT: the entry keeps what its key names alive, so an id names one object.
            entry = self._answers[id(test), id(values)] = answers, (test, values)
        return entry[0]


class ValueClasses:
    """The classes of values under some conditions."""

    def __init__(self, conditions: Iterable[tree.Tree], answers: Answers) -> None:
        self._conditions = list(conditions)
        self._answers = answers

    def one_of_each(self, fact: Fact, values: tuple[Any, ...]) -> list[Any]:
        """Return the first value of each class, in the given order."""
        tests: dict[str, tree.Tree] = {}
        for condition in self._conditions:
            own_tests = tests_in(condition).get(fact.path, {})
            if own_tests is None:
                return list(values)
            tests |= own_tests
        if not tests:
            return list(values[:1])
        firsts: dict[tuple[bool | None, ...], Any] = {}
        by_test = [self._answers.of(test, fact, values) for test in tests.values()]
        for value, answers in zip(values, zip(*by_test, strict=True), strict=True):
            firsts.setdefault(answers, value)
        return list(firsts.values())


# By a fact's path: the tests that read it by their text, or None if something else reads it too.
Tests = dict[str, dict[str, tree.Tree] | None]


def tests_in(condition: tree.Tree) -> Tests:
    """Return the tests of words and citations in a condition.

    They are found once for each tree, which keeps them.
    """
    tests: Tests | None = condition.__dict__.get("_tests")
    if tests is None:
        tests = condition.__dict__["_tests"] = {}
        _collect(condition, tests)
    return tests


def _collect(node: tree.Tree, tests: Tests) -> None:
    """Sort what reads a fact into tests against written values, and the rest."""
    read = _read_by_test(node)
    if read is not None:
        of_fact = tests.setdefault(read.path, {})
        if of_fact is not None:
            of_fact.setdefault(tree.text(node), node)
        return
    if isinstance(node, (tree.FactOf, tree.FieldOf)):
        tests[node.fact.path] = None
    for child in tree.children(node):
        _collect(child, tests)


def _of_a_fact(test: tree.Tree) -> tree.Tree:
    """Return a test of a record's field as one of a fact. It is made once for each test."""
    made: tree.Tree | None = test.__dict__.get("_of_a_fact")
    if made is None:
        made = test.__dict__["_of_a_fact"] = tree.changed(
            test, lambda part: tree.FactOf(part.fact) if isinstance(part, tree.FieldOf) else part
        )
    return made


def _nothing(_: str) -> None:
    """Name no outcome and no status: a test reads one fact."""


def _read_by_test(node: tree.Tree) -> Fact | None:
    """Return the one fact that a test compares with written values, None for any other node."""
    if not isinstance(node, _ATOMS):
        return None
    sides = (node.left, node.right) if isinstance(node, tree.Compare) else (node.item,)
    facts = [side.fact for side in sides if isinstance(side, (tree.FactOf, tree.FieldOf))]
    others = [side for side in sides if not isinstance(side, (tree.FactOf, tree.FieldOf))]
    return facts[0] if len(facts) == 1 and all(isinstance(s, _WRITTEN) for s in others) else None
