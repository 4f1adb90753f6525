"""What the searches over one segment share: its compiled conditions, and the values they name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rules.decide import explain
from rules.decide.compile import Condition, compile_condition
from rules.decide.tried_values import Points, TriedValues, points_of
from rules.decide.value_classes import Answers, ValueClasses
from rules.frozen import cached_property
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.packs.resolve import Segment

DECISION, CLOCK = "decisions.", "clocks."


class SharedConditions:
    """Compiled conditions, shared by the segments on which their parameters have the same values.

    They are compiled for facts that will be complete: `if_known` waits.
    """

    def __init__(self) -> None:
        self._compiled: dict[tuple[int, ...], tuple[Condition, object]] = {}

    def compiled(self, node: tree.Tree, segment: Segment) -> Condition:
        """Return a condition as a function."""
        values = [segment.parameters[name] for name in explain.names(node).parameters]
        key = (id(node), *map(id, values))
        entry = self._compiled.get(key)
        if entry is None:
            condition = compile_condition(
                node, segment.parameters, segment.pack.time_zone, waits=True
            )
            # INVARIANT: the entry keeps what its key names alive, so an id names one object.
            entry = self._compiled[key] = condition, (node, values)
        return entry[0]


class Clause:
    """A condition that searches evaluate.

    `names` are those of all that can change its value: facts and lists, decisions, and clocks, also
    through the decisions that it reads. `own_names` are its own.
    """

    def __init__(
        self, node: tree.Tree, evaluate: Condition, own_names: frozenset[str], names: frozenset[str]
    ) -> None:
        self.node = node
        self.evaluate = evaluate
        self.own_names = own_names
        self.names = names


class SearchSpace:
    """One segment as searches read it."""

    def __init__(self, segment: Segment, conditions: SharedConditions | None = None) -> None:
        self.segment = segment
        self._conditions = conditions or SharedConditions()
        self._clauses: dict[int, Clause] = {}
        self._readers: dict[tuple[str, bool], list[Clause]] = {}
        self._names_through: dict[str, frozenset[str]] = {}
        self._words: dict[str, tuple[Any, ...]] = {}
        self._answers = Answers(lambda test: self._conditions.compiled(test, segment))

    @cached_property
    def rule_conditions(self) -> dict[int, tree.Tree]:
        """The conditions of all rules, by their id."""
        return {
            id(rule.condition): rule.condition
            for decision in self.segment.decisions.values()
            for rule in decision.rules
        }

    def clause(self, node: tree.Tree) -> Clause:
        """Return a condition of this segment as a clause, the same one each time."""
        # INVARIANT: a clause keeps its tree alive, so an id names one tree.
        clause = self._clauses.get(id(node))
        if clause is None:
            clause = self._clauses[id(node)] = self._new_clause(node)
        return clause

    def _new_clause(self, node: tree.Tree) -> Clause:
        own_names = _names_in(node)
        names = frozenset(name for own in own_names for name in self.names_through(own))
        clause = Clause(node, self._conditions.compiled(node, self.segment), own_names, names)
        for name in own_names:
            self._readers.setdefault((name, True), []).append(clause)
        for name in names:
            self._readers.setdefault((name, False), []).append(clause)
        return clause

    def readers(self, name: str, attested: bool) -> list[Clause]:
        """Return the clauses so far whose value a name can change.

        With `attested`, other decisions' rules change nothing.
        """
        return self._readers.get((name, attested), [])

    def names_through(self, name: str) -> frozenset[str]:
        """Return a name, and if it is a decision's, the names that its rules read."""
        cached = self._names_through.get(name)
        if cached is None:
            names = {name}
            if name.startswith(DECISION):
                for rule in self.segment.decisions[name.removeprefix(DECISION)].rules:
                    for inner in _names_in(rule.condition):
                        names |= self.names_through(inner)
            cached = self._names_through[name] = frozenset(names)
        return cached

    def classes(self, clauses: Iterable[Clause], attested: bool) -> ValueClasses:
        """Return the classes of values that the clauses tell apart.

        Without `attested`, the rules of the decisions that they read tell values apart too.
        """
        clauses = list(clauses)
        conditions = [clause.node for clause in clauses]
        if not attested:
            decisions = {
                name.removeprefix(DECISION): None
                for clause in clauses
                for name in sorted(clause.names)
                if name.startswith(DECISION)
            }
            for name in decisions:
                conditions += [rule.condition for rule in self.segment.decisions[name].rules]
        return ValueClasses(conditions, self._answers)

    def points(self, nodes: Iterable[tree.Tree]) -> Points:
        """Return every number, day, length of time, and text that the rules and `nodes` name."""
        others = [node for node in nodes if id(node) not in self.rule_conditions]
        own = points_of(others, self.segment.parameters)
        return {kind: points | own[kind] for kind, points in self._rule_points.items()}

    @cached_property
    def _rule_points(self) -> Points:
        return points_of(self.rule_conditions.values(), self.segment.parameters)

    def words(self, fact: Fact, points: Points) -> tuple[Any, ...]:
        """Return all values to try for a choice or a citation, for conditions with `points`.

        It is the same tuple each time where they name no more sections than the rules do.
        """
        if fact.type == "citation" and points["citation"] - self._rule_points["citation"]:
            return tuple(TriedValues(self.segment, points, {}).of(fact))
        cached = self._words.get(fact.path)
        if cached is None:
            cached = self._words[fact.path] = tuple(self.values(fact))
        return cached

    def values(self, fact: Fact) -> Iterator[Any]:
        """Return the values to try for a fact, around those that the rules name."""
        return TriedValues(self.segment, self._rule_points, {}).of(fact)


def spaces_of(segments: Iterable[Segment]) -> list[SearchSpace]:
    """Return the segments as searches read them. They share compiled conditions."""
    shared = SharedConditions()
    return [SearchSpace(segment, shared) for segment in segments]


def _names_in(node: tree.Tree) -> frozenset[str]:
    """Return the names in a condition: of facts and lists, of decisions, and of clocks."""
    names = explain.names(node)
    return frozenset(
        (
            *names.facts,
            *(path for path, _ in names.lists),
            *(DECISION + name for name in names.decisions),
            *(CLOCK + name for name in names.clocks),
        )
    )
