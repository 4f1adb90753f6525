"""Sort a fact's values into classes that no condition tells apart.

A search tries one value of each class. A charge of trespass and one of burglary are one class where
no condition in question asks for either, and so are all the sections of one list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rules.decide.walk import World, walk
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.packs.resolve import Segment

_ATOMS = (tree.Compare, tree.Member, tree.IsOne, tree.Cited)
_WRITTEN = (tree.Constant, tree.ParameterOf)


def reached(
    segment: Segment, condition: tree.Tree, seen: frozenset[str] = frozenset()
) -> Iterator[tree.Tree]:
    """Return the condition, and those of every decision that it reads."""
    yield condition
    for name in {
        part.decision for part in tree.nodes(condition) if isinstance(part, tree.OutcomeOf)
    } - seen:
        for rule in segment.decisions[name].rules:
            yield from reached(segment, rule.condition, seen | {name})


class ValueClasses:
    """The classes of values under some conditions, in the world of one day."""

    def __init__(self, conditions: Iterable[tree.Tree], world: World) -> None:
        self._world = world
        # By a fact's path: the tests that read it, or None if something else reads it too.
        self._tests: dict[str, list[tree.Tree] | None] = {}
        for condition in conditions:
            self._collect(condition)

    def one_of_each(self, fact: Fact, values: Iterable[Any]) -> Iterator[Any]:
        """Return the first value of each class, in the given order."""
        tests = self._tests.get(fact.path, [])
        if tests is None:
            yield from values
            return
        seen = set()
        for value in values:
            answers = tuple(self._answer(test, fact, value) for test in tests)
            if answers not in seen:
                seen.add(answers)
                yield value

    def _collect(self, node: tree.Tree) -> None:
        """Sort what reads a fact into tests against written values, and the rest."""
        read = _read_by_test(node)
        if read is not None:
            tests = self._tests.setdefault(read.path, [])
            if tests is not None and node not in tests:
                tests.append(node)
            return
        if isinstance(node, (tree.FactOf, tree.FieldOf)):
            self._tests[node.fact.path] = None
        for child in tree.children(node):
            self._collect(child)

    def _answer(self, test: tree.Tree, fact: Fact, value: Any) -> Any:
        """Return what the test says of the value, whatever else is known."""
        bound = {
            part.variable: {fact.name: value}
            for part in tree.nodes(test)
            if isinstance(part, tree.FieldOf)
        }
        world = World(
            {fact.path: value}, self._world.parameters, self._world.outcome, self._world.status
        )
        return walk(test, world, bound)


def _read_by_test(node: tree.Tree) -> Fact | None:
    """Return the one fact that a test compares with written values, None for any other node."""
    if not isinstance(node, _ATOMS):
        return None
    sides = (node.left, node.right) if isinstance(node, tree.Compare) else (node.item,)
    facts = [side.fact for side in sides if isinstance(side, (tree.FactOf, tree.FieldOf))]
    others = [side for side in sides if not isinstance(side, (tree.FactOf, tree.FieldOf))]
    return facts[0] if len(facts) == 1 and all(isinstance(s, _WRITTEN) for s in others) else None
