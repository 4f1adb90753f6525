"""Search the facts for a case that makes a condition true: a witness, or none.

Three-valued logic makes this exact for yes-or-no facts and choices. A condition that is false on
partial facts is false on all their completions. So the search assigns one unknown leaf at a time
and drops whatever is false already.

Conditions are evaluated by their compiled form, and only if something they read has changed. What
is true or false on partial facts stays so when more is known, so it isn't evaluated again before
the search takes back a fact.

A witness is always real. Its absence is a proof where `exact` returns True, and elsewhere holds
within the values that are tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from rules.decide import explain
from rules.decide.scene_day import DAY, MOMENT
from rules.decide.search_space import CLOCK, DECISION, Clause, SearchSpace
from rules.decide.tried_values import TriedValues
from rules.decide.value_classes import ValueClasses
from rules.decide.walk import World
from rules.frozen import cached_property
from rules.input.printing import plain
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.packs.resolve import DecisionInForce, RuleInForce

_STEP = re.compile(r"^(.*)\[(\d+)\]\.([^.]+)$")


class TooFar(Exception):
    """The search gave up before it had tried everything."""


class _Choice:
    """A leaf, the values still to be tried, and how much was settled before it had one."""

    def __init__(
        self,
        clause: Clause,
        leaf: explain.Leaf,
        values: Iterator[Any],
        settled: int,
        start: int,
    ) -> None:
        self.clause = clause  # the goal's, for which the leaf was chosen
        self.name = _name_of(leaf)
        self.leaf = leaf
        self.values = values
        self.is_made = False
        self.settled = settled
        self.start = start


class Search:
    """One search over a segment for facts that make a goal true.

    With `attested`, other decisions may have any outcome, else their own rules decide. `witnesses`
    is the number of records that one list may need.
    """

    def __init__(
        self,
        space: SearchSpace,
        goal: tree.Tree,
        budget: int = 4_000,
        *,
        attested: bool = False,
        witnesses: int = 0,
    ) -> None:
        self.space = space
        self.segment = space.segment
        self.goal = goal
        self.attested: dict[str, str] | None = {} if attested else None
        self.budget = budget
        self.known: dict[str, Any] = {}
        self.statuses: dict[str, str] = {}
        self.world = World(
            self.known,
            self.segment.parameters,
            self.outcome,
            self.statuses.get,
            time_zone=self.segment.pack.time_zone,
            waits=True,
        )
        parts = list(self._parts(goal, wanted=True))
        self._clauses = [space.clause(node) for node, _ in parts]
        # None for a clause that would have to be true and false.
        self._wanted: dict[Clause, bool | None] = {}
        for clause, (_, wanted) in zip(self._clauses, parts, strict=True):
            self._wanted[clause] = wanted if self._wanted.get(clause, wanted) is wanted else None
        points = space.points(node for node, _ in parts)
        self.tried_values = TriedValues(self.segment, points, self.known, witnesses)
        self._values: dict[str, list[Any]] = {}
        # The clauses and decisions that are settled, in the order in which they came to be so, and
        # those that were evaluated and are still unknown.
        self._settled: dict[Clause | str, Any] = {}
        self._unknown: set[Clause] = set()
        self._unknown_decisions: set[str] = set()
        self._start = 0  # the clauses before it are settled

    def _parts(self, node: tree.Tree, wanted: bool) -> Iterator[tuple[tree.Tree, bool]]:
        """Return conditions and the value that each must have to make `node` `wanted`.

        A rule's condition is left whole, since it is compiled already.
        """
        match node:
            case tree.Not(operand):
                yield from self._parts(operand, not wanted)
            case tree.And(items) if wanted and id(node) not in self.space.rule_conditions:
                for item in items:
                    yield from self._parts(item, wanted)
            case _:
                yield node, wanted

    def witness(self) -> dict[str, Any] | None:
        """Return facts, as JSON would give them, on which the goal is true.

        Returns None if there are none. Raises `TooFar`.
        """
        choices: list[_Choice] = []
        reached = self._reached(self._clauses)
        while True:
            self.budget -= 1
            if self.budget < 0:
                raise TooFar
            if reached is True:
                return self.facts()
            choice = self._choice() if reached is None else None
            if choice is not None:
                choices.append(choice)
            while choices and not self._try_next(choices[-1]):
                choices.pop()
            if not choices:
                return None
            # Most values are ruled out by the clause for which they are tried.
            changed = self._readers(choices[-1].name)
            reached = self._reached(chain((choices[-1].clause,), changed))

    def _reached(self, changed: Iterable[Clause]) -> bool | None:
        """Return the goal's value, after a change of what some clauses read."""
        for clause in changed:
            if clause in self._wanted:
                value = self._value(clause)
                if value is not None and value is not self._wanted[clause]:
                    return False
        while self._start < len(self._clauses) and self._clauses[self._start] in self._settled:
            self._start += 1
        return True if self._start == len(self._clauses) else None

    def _try_next(self, choice: _Choice) -> bool:
        """Give the leaf of a choice its next value. Return False if there is none left."""
        if choice.is_made:
            self._assign(choice.leaf, None)
            choice.is_made = False
        # A dict keeps its order, so the last ones are those settled since.
        while len(self._settled) > choice.settled:
            self._settled.popitem()
        self._start = choice.start
        for value in choice.values:
            self._assign(choice.leaf, value)
            choice.is_made = True
            self._unknown.difference_update(self._readers(choice.name))
            self._unknown_decisions = {
                name
                for name in self._unknown_decisions
                if choice.name not in self.space.names_through(DECISION + name)
            }
            return True
        return False

    def _readers(self, name: str) -> list[Clause]:
        return self.space.readers(name, self.attested is not None)

    def _value(self, clause: Clause) -> bool | None:
        value: bool | None = self._settled.get(clause)
        if value is None and clause not in self._unknown:
            value = clause.evaluate(self.known, self.outcome, self.statuses.get)
            if value is None:
                self._unknown.add(clause)
            else:
                self._settled[clause] = value
        return value

    def outcome(self, name: str) -> str | None:
        """Return another decision's outcome, None while it is unknown."""
        if self.attested is not None:
            return self.attested.get(name)
        outcome: str | None = self._settled.get(name)
        if outcome is None and name not in self._unknown_decisions:
            outcome = self._outcome(self.segment.decisions[name])
            if outcome is None:
                self._unknown_decisions.add(name)
            else:
                self._settled[name] = outcome
        return outcome

    def _outcome(self, decision: DecisionInForce) -> str | None:
        """Return the one outcome that the rules leave, None if they leave more."""
        outcomes: set[str] = set()
        for outcome, rules in decision.ranks:
            value = self._any_is_true(rules)
            if value is not False:
                outcomes.add(outcome)
            if value or len(outcomes) > 1:
                break
        else:
            outcomes.add(decision.otherwise.outcome)
        return outcomes.pop() if len(outcomes) == 1 else None

    def _any_is_true(self, rules: Iterable[RuleInForce]) -> bool | None:
        is_unknown = False
        for rule in rules:
            value = self._value(self.space.clause(rule.condition))
            if value:
                return True
            is_unknown = is_unknown or value is None
        return None if is_unknown else False

    def _choice(self) -> _Choice | None:
        """Return an unknown leaf of the goal, through the decisions that it reads, to be tried."""
        for clause in self._clauses[self._start :]:
            leaf = self._leaf_of(clause)
            if leaf is not None:
                domain = self._domain(leaf)
                return _Choice(clause, leaf, domain, len(self._settled), self._start)
        return None

    def _leaf_of(self, clause: Clause) -> explain.Leaf | None:
        if self._value(clause) is not None:
            return None
        for leaf in explain.open_leaves(clause.node, self.world, {}):
            if leaf.decision is None or self.attested is not None:
                if not self._is_held(leaf):
                    return leaf
                continue
            for rule in self.segment.decisions[leaf.decision].rules:
                inner = self._leaf_of(self.space.clause(rule.condition))
                if inner is not None:
                    return inner
        return None

    def _is_held(self, leaf: explain.Leaf) -> bool:
        """Return whether a fact has a value already, such as a citation of a chapter alone."""
        if leaf.fact is None:
            return False
        step = _STEP.match(leaf.path)
        if step is None:
            return leaf.path in self.known
        return step[3] in self.known.get(step[1], ())[int(step[2])]

    def _domain(self, leaf: explain.Leaf) -> Iterator[Any]:
        if leaf.clock is not None:
            return iter(tree.CLOCK_STATUSES[:-1])
        if leaf.decision is not None:
            return iter(self.segment.pack.decisions[leaf.decision].outcomes)
        assert leaf.fact is not None
        return self._values_of(leaf.fact)

    def _values_of(self, fact: Fact) -> Iterator[Any]:
        if fact.type == "list" or fact.path in (DAY, MOMENT):
            return self.tried_values.of(fact)  # fresh records, or what the other one leaves
        if fact.path not in self._values:
            if fact.type in ("choice", "citation"):
                words = self.space.words(fact, self.tried_values.points)
                self._values[fact.path] = self.classes.one_of_each(fact, words)
            else:
                self._values[fact.path] = list(self.tried_values.of(fact))
        return iter(self._values[fact.path])

    @cached_property
    def classes(self) -> ValueClasses:
        """The classes of words and citations that the goal tells apart."""
        return self.space.classes(self._clauses, self.attested is not None)

    def _assign(self, leaf: explain.Leaf, value: Any) -> None:
        target: dict[str, Any]
        if leaf.clock is not None:
            target, key = self.statuses, leaf.clock
        elif leaf.decision is not None:
            assert self.attested is not None
            target, key = self.attested, leaf.decision
        elif (step := _STEP.match(leaf.path)) is not None:
            target, key = self.known[step[1]][int(step[2])], step[3]
        else:
            target, key = self.known, leaf.path
        if value is None:
            del target[key]
        else:
            target[key] = value

    def facts(self) -> dict[str, Any]:
        """Return the assigned facts as facts arrive, and clocks' statuses under `clocks`."""
        nested: dict[str, Any] = {}
        for path, value in self.known.items():
            *groups, last = path.split(".")
            level = nested
            for group in groups:
                level = level.setdefault(group, {})
            level[last] = plain(value)
        if self.attested:
            nested["decisions"] = dict(self.attested)
        if self.statuses:
            nested["clocks"] = dict(self.statuses)
        return nested


def exact(*trees: tree.Tree) -> bool:
    """Return True if the values tried represent all there are.

    That is so for yes-or-no facts, choices, and comparisons with written values.
    """
    return not any(
        isinstance(part, tree.Quantifier) for condition in trees for part in tree.nodes(condition)
    ) and bounded(*trees)


def bounded(*trees: tree.Tree) -> bool:
    """Return True if the values tried represent all there are, but for the length of lists."""
    for condition in trees:
        for part in tree.nodes(condition):
            if isinstance(part, (tree.Total, tree.Arithmetic, tree.PartOf)):
                return False
            written = (
                tree.Constant,
                tree.ParameterOf,
                tree.RowOf,
                tree.OutcomeOf,
                tree.StatusOf,
            )
            if (
                isinstance(part, tree.Compare)
                and not isinstance(part.left, written)
                and not isinstance(part.right, written)
            ):
                return False
    return True


def _name_of(leaf: explain.Leaf) -> str:
    """Return the name by which a clause reads the leaf. A field is read through its list."""
    if leaf.clock is not None:
        return CLOCK + leaf.clock
    step = _STEP.match(leaf.path)
    return leaf.path if step is None else step[1]
