"""Order a decision's questions as a tree, and share its equal parts.

A question is about a fact, with its values, or about a statement: true, false, or unknown. A
question that can't change the answer is left out. The next one is, as in an interview, the one
after which the fewest outcomes stay open on average.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import product
from typing import Any

from rules.author.answer_tree.formula import (
    RuleFormula,
    Value,
    by_chance,
    live_statements,
    possible_outcomes,
    pruned,
    statements_of,
    unknown_statements,
)
from rules.author.answer_tree.nodes import Branch, Leaf, Node, Option, Path
from rules.author.answer_tree.states import (
    DAY,
    State,
    StateFinder,
    Thing,
    Values,
    too_large,
)
from rules.decide.decision import Decision
from rules.decide.program import Program
from rules.input.facts import Facts

MOST_NODES = 4_000
_EXACT = 3_000  # combinations of states that are all tried to see if the answer still changes


# What is still open: the rules, and for each thing the values of its live statements.
_Left = tuple[frozenset[int], ...]  # the states that each thing may have
_Open = tuple[tuple[RuleFormula, ...], tuple[tuple[tuple[int, ...], frozenset[Values]], ...]]


class AnswerTree:
    """A decision of one pack on one day as a tree."""

    def __init__(
        self, program: Program, decision: str, day: date, most_nodes: int, most_unknown: int = 1
    ) -> None:
        self.most_nodes, self.most_unknown = most_nodes, most_unknown
        self.program, self.decision, self.day = program, decision, day
        in_force = program.segment(day).segment.decisions[decision]
        reduced = statements_of(in_force)
        self.statements, self.otherwise = reduced.trees, reduced.otherwise
        self.by_chance = by_chance(reduced.rules)
        self._finder = StateFinder(program, decision, day, reduced.trees)
        self.things = tuple(self._finder.things())
        self._thing_of = {
            statement: index
            for index, thing in enumerate(self.things)
            for statement in thing.statements
        }
        self._nodes: dict[Any, Node] = {}
        self._open: dict[tuple[int, frozenset[int]], dict[int, frozenset[Value]]] = {}
        self._ranks = [_ranks(thing) for thing in self.things]
        self._built: dict[tuple[_Open, int], Node] = {}
        everything = tuple(frozenset(range(len(thing.states))) for thing in self.things)
        self.root = self._of_key(self._key(reduced.rules, everything), everything, 0)

    # Building

    def _key(self, rules: tuple[RuleFormula, ...], left: _Left) -> _Open:
        """Return what is still open: equal keys have equal trees."""
        rules = pruned(rules, self._open_values(left))
        live = sorted(set().union(*(live_statements(rule.formula) for rule in rules)))
        return rules, tuple(self._projected(index, left[index], live) for index in range(len(left)))

    def _of_key(self, key: _Open, left: _Left, unknown: int) -> Node:
        """Return the node for what is open. It is made once.

        `unknown` counts the answers "not known" so far on which the outcome depends.
        """
        node = self._built.get((key, unknown))
        if node is None:
            if len(self._built) > self.most_nodes:
                raise too_large(self.decision, f"it has more than {self.most_nodes} questions")
            node = self._built[key, unknown] = self._node(key, left, unknown)
        return node

    def _node(self, key: _Open, left: _Left, unknown: int) -> Node:
        rules, projected = key
        live = [statement for own, _ in projected for statement in own]
        if not live or unknown > self.most_unknown or self._is_settled(rules, projected):
            return self._leaf(rules, projected, left)
        best: tuple[Any, Any] | None = None
        for thing, statement in self._questions(live):
            options = self._options(thing, statement, left, live)
            score = self._score(rules, left, thing, options)
            if best is None or score < best[0]:
                best = score, (thing, statement, options)
        assert best is not None
        thing, statement, options = best[1]
        by_key: dict[_Open, tuple[list[Any], frozenset[int]]] = {}
        for values, states in options:
            after = self._key(rules, (*left[:thing], states, *left[thing + 1 :]))
            before = by_key.get(after, ([], frozenset()))
            by_key[after] = [*before[0], *values], before[1] | states
        merged: dict[int, tuple[list[Any], frozenset[int], Node]] = {}
        for after, (values, states) in by_key.items():
            is_unknown = all(value is None for value in values)
            narrowed = (*left[:thing], states, *left[thing + 1 :])
            next_node = self._of_key(after, narrowed, unknown + is_unknown)
            same = merged.get(id(next_node), ([], frozenset(), next_node))
            merged[id(next_node)] = [*same[0], *values], same[1] | states, next_node
        if len(merged) == 1:
            return next(iter(merged.values()))[2]
        options_left = tuple(
            Option(tuple(values), self._alike(thing, statement, states, live), next_node)
            for values, states, next_node in merged.values()
        )
        shared = thing, statement, tuple((o.values, o.states, id(o.then)) for o in options_left)
        return self._nodes.setdefault(shared, Branch(thing, statement, options_left))

    def _leaf(self, rules: tuple[RuleFormula, ...], projected: Any, left: _Left) -> Leaf:
        values: dict[int, Value] = {}
        for own, rows in projected:
            values |= dict(zip(own, _least(rows), strict=True))
        outcomes = possible_outcomes(rules, self.otherwise, values)
        possible = tuple(sorted(outcomes, key=self.program.outcomes(self.decision).index))
        if len(possible) > 1:
            unknown = self._missing(rules, values, left)
            leaf = Leaf(None, possible, (), unknown, is_unfinished=bool(values))
        else:
            true = tuple(
                rule.rule for rule in rules if rule.formula is True and rule.outcome in possible
            )
            leaf = Leaf(possible[0], possible, true or ("otherwise",))
        stored = self._nodes.setdefault(leaf, leaf)
        assert isinstance(stored, Leaf)
        return stored

    def _missing(
        self, rules: tuple[RuleFormula, ...], values: Mapping[int, Value], left: _Left
    ) -> tuple[int, ...]:
        """Return the unknown statements about which the engine asks, those that were asked first.

        Beside them there may be some that weren't asked, because they change nothing alone.
        """
        needed = {
            re.split(r"\[", entry["fact"])[0] for entry in self.decide(self.stated(left)).needed
        }

        def is_needed(statement: int) -> bool:
            """Return whether the engine asks for a fact of the statement."""
            return not needed.isdisjoint(self.things[self._thing_of[statement]].paths)

        asked_statements = set().union(*(unknown_statements(rule.formula) for rule in rules))
        unasked = (statement for statement, value in values.items() if value is None)
        return tuple(sorted(filter(is_needed, asked_statements))) or tuple(
            sorted(filter(is_needed, unasked))
        )

    def _is_settled(self, rules: Any, projected: Any) -> bool:
        """Return whether the open statements change nothing about what is possible."""
        number = 1
        for _, values in projected:
            number *= len(values)
        if number > _EXACT:
            return False
        first: tuple[str, ...] | None = None
        for combination in product(*(values for _, values in projected)):
            values = {
                statement: value
                for (own, _), row in zip(projected, combination, strict=True)
                for statement, value in zip(own, row, strict=True)
            }
            possible = possible_outcomes(rules, self.otherwise, values)
            if first is not None and possible != first:
                return False
            first = possible
        return True

    def _open_values(self, left: _Left) -> dict[int, frozenset[Value]]:
        """Return the values that each statement may still have."""
        values: dict[int, frozenset[Value]] = {}
        for index, states in enumerate(left):
            open_values = self._open.get((index, states))
            if open_values is None:
                thing = self.things[index]
                columns = zip(*(thing.states[state].values for state in states), strict=True)
                open_values = dict(zip(thing.statements, map(frozenset, columns), strict=True))
                self._open[index, states] = open_values
            values |= open_values
        return values

    def _projected(
        self, index: int, states: frozenset[int], live: list[int]
    ) -> tuple[tuple[int, ...], frozenset[Values]]:
        thing = self.things[index]
        places = [place for place, statement in enumerate(thing.statements) if statement in live]
        return tuple(thing.statements[place] for place in places), frozenset(
            tuple(thing.states[state].values[place] for place in places) for state in states
        )

    # Questions

    def _questions(self, live: list[int]) -> Iterator[tuple[int, int | None]]:
        """Yield what may be asked: facts as a whole, and statements about other things."""
        facts: dict[int, None] = {}
        for statement in live:
            index = self._thing_of[statement]
            if self.asks_whole(index) and not self._is_range_by_chance(index):
                facts[index] = None
            else:
                yield index, statement
        for index in facts:
            yield index, None

    def _is_range_by_chance(self, index: int) -> bool:
        """Return whether the thing is a number of which one statement is asked if it is known."""
        thing = self.things[index]
        return (
            len(thing.statements) == 1
            and thing.statements[0] in self.by_chance
            and self.program.pack.vocabulary.facts[thing.paths[0]].type in ("int", "decimal")
        )

    def asks_whole(self, index: int) -> bool:
        """Return whether the thing is a fact whose values are the answers."""
        thing = self.things[index]
        if not thing.is_one_fact:
            return False
        fact = self.program.pack.vocabulary.facts[thing.paths[0]]
        return fact.type in ("bool", "choice", "int")

    def _options(
        self, index: int, statement: int | None, left: Any, live: list[int]
    ) -> list[tuple[list[Any], frozenset[int]]]:
        """Return the answers to a question: their values, and the states that each leaves."""
        thing = self.things[index]
        answers: dict[Any, tuple[list[Any], set[int]]] = {}
        if statement is not None:
            place = thing.statements.index(statement)
            for state in sorted(left[index]):
                value = thing.states[state].values[place]
                answers.setdefault(value, ([value], set()))[1].add(state)
            order = [value for value in (True, False, None) if value in answers]
            return [(answers[value][0], frozenset(answers[value][1])) for value in order]
        path = thing.paths[0]
        for state in sorted(left[index]):
            key = tuple(
                value
                for value, own in zip(thing.states[state].values, thing.statements, strict=True)
                if own in live
            )
            entry = answers.setdefault(key, ([], set()))
            entry[0].append(thing.states[state].known.get(path))
            entry[1].add(state)
        return [(values, frozenset(states)) for values, states in answers.values()]

    def _alike(
        self, index: int, statement: int | None, states: frozenset[int], live: list[int]
    ) -> frozenset[int]:
        """Return all states of a thing that give the same answer as some of these.

        Another path that leads to the question may have others of them.
        """
        thing = self.things[index]
        statements_asked = live if statement is None else [statement]
        places = [place for place, own in enumerate(thing.statements) if own in statements_asked]
        keys = {tuple(thing.states[state].values[place] for place in places) for state in states}
        return frozenset(
            number
            for number, state in enumerate(thing.states)
            if tuple(state.values[place] for place in places) in keys
        )

    def _score(self, rules: Any, left: Any, index: int, options: Any) -> tuple[float, int]:
        """Return how much of the highest open outcome's rules stays open, on average."""
        top = next(rule.outcome for rule in rules if live_statements(rule.formula))
        top_rules = tuple(rule for rule in rules if rule.outcome == top)
        sure = [option for option in options if any(value is not None for value in option[0])]
        still = 0
        for _, states in sure:
            after = pruned(
                top_rules, self._open_values((*left[:index], states, *left[index + 1 :]))
            )
            still += sum(len(live_statements(rule.formula)) for rule in after)
        return still / max(len(sure), 1), index

    # Paths

    def paths(self, limit: int | None = None) -> Iterator[Path]:
        """Yield every path from the root to a leaf, at most `limit`."""
        everything = tuple(frozenset(range(len(thing.states))) for thing in self.things)
        stack: list[tuple[Node, Any, Any]] = [(self.root, (), everything)]
        number = 0
        while stack and (limit is None or number < limit):
            node, choices_made, left = stack.pop()
            if isinstance(node, Leaf):
                number += 1
                yield Path(choices_made, node, self.stated(left))
                continue
            for option in node.options:
                states = left[node.thing] & option.states
                if states:
                    narrowed = (*left[: node.thing], states, *left[node.thing + 1 :])
                    stack.append((option.then, (*choices_made, (node, option)), narrowed))

    def follow(self, facts: Mapping[str, Any]) -> Path | None:
        """Return the path that a person takes on known facts.

        None if a question has no answer for them: the tree tries sums and counts up to a number of
        records.
        """
        node, choices_made = self.root, list[tuple[Branch, Option]]()
        while isinstance(node, Branch):
            option = self._option_for(node, facts)
            if option is None:
                return None
            choices_made.append((node, option))
            node = option.then
        return Path(tuple(choices_made), node, facts)

    def _option_for(self, branch: Branch, facts: Mapping[str, Any]) -> Option | None:
        thing = self.things[branch.thing]
        statements_asked = thing.statements if branch.statement is None else (branch.statement,)
        values = self._finder.values(facts, statements_asked)
        places = [thing.statements.index(statement) for statement in statements_asked]
        for option in branch.options:
            for state in option.states:
                if tuple(thing.states[state].values[place] for place in places) == values:
                    return option
        return None

    def stated(self, left: _Left) -> dict[str, Any]:
        """Return facts that the options state, and as little more as there can be."""
        facts: dict[str, Any] = {DAY: self.day}
        for thing, ranks, states in zip(self.things, self._ranks, left, strict=True):
            facts |= thing.states[min(states, key=ranks.__getitem__)].known
        return facts

    def decide(self, facts: Mapping[str, Any]) -> Decision:
        """Decide on known facts, as the engine does."""
        return self.program.decide(self.decision, Facts(dict(facts), {}))


def _ranks(thing: Thing) -> list[int]:
    """Return the place of each state if the one with the most unknown comes first."""
    order = sorted(range(len(thing.states)), key=lambda state: _most_unknown(thing.states[state]))
    ranks = [0] * len(order)
    for rank, state in enumerate(order):
        ranks[state] = rank
    return ranks


def _most_unknown(state: State) -> tuple[Any, ...]:
    """Order states so that the one with the most unknown, and the fewest facts, comes first."""
    return _ignorance(state.values), len(str(state.known))


def _least(rows: frozenset[Values]) -> Values:
    return min(rows, key=lambda values: _ignorance(values))


def _ignorance(values: Values) -> tuple[Any, ...]:
    """Order values so that the ones with the most unknown come first."""
    return -sum(value is None for value in values), tuple(map(str, values))


def answer_tree(
    program: Program, decision: str, day: date, *, most_nodes: int = MOST_NODES
) -> AnswerTree:
    """Return the tree of a decision by the rules of a day.

    Raises `RequestError` `card-too-large` if it has more than `most_nodes` questions and answers.
    """
    return AnswerTree(program, decision, day, most_nodes)
