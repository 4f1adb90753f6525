"""Searching the facts for a case that makes a condition true: a witness, or none.

Three-valued logic makes this exact where the facts are yes-or-no and choices: a condition that is false on partial facts is
false on all their completions, so the search learns one unknown leaf at a time and drops whatever is false already.
Numbers and days are tried at and around every value that the conditions name, lists with up to `LONGEST` records; a witness
is always real, and "none" is a proof within those bounds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from rules import explain, tree
from rules.facts import plain
from rules.resolve import Segment
from rules.vocabulary import Fact
from rules.walk import World, moved, possible, walk

LONGEST = 2
_STEP = re.compile(r"^(.*)\[(\d+)\]\.([^.]+)$")


class TooFar(Exception):
    """The search gave up before it had tried everything."""


class Search:
    """A search over one segment for facts that make goals true. With `attested`, whoever decides another decision may
    answer it as they like; else its own rules do.
    """

    def __init__(self, segment: Segment, goals: list[tree.Tree], budget: int = 4_000, *, attested: bool = False) -> None:
        self.segment = segment
        self.attested: dict[str, str] | None = {} if attested else None
        self.budget = budget
        self.known: dict[str, Any] = {}
        self.statuses: dict[str, str] = {}
        self.outcomes: dict[str, str | None] = {}
        self.world = World(self.known, segment.parameters, self._outcome, self.statuses.get)
        trees = list(goals)
        for decision in segment.decisions.values():
            trees += [rule.condition for rule in decision.rules]
        self.points = _points(trees, segment.parameters)

    def witness(self, goal: tree.Tree) -> dict[str, Any] | None:
        """Facts, as JSON would give them, on which `goal` is true; None if there are none. Raises `TooFar`."""
        self.outcomes.clear()
        self.budget -= 1
        if self.budget < 0:
            raise TooFar
        value = walk(goal, self.world)
        if value is True:
            return self.facts()
        if value is False:
            return None
        leaf = self._leaf(goal)
        if leaf is None:
            return None
        for tried in self._domain(leaf):
            self._assign(leaf, tried)
            found = self.witness(goal)
            if found is not None:
                return found
            self._assign(leaf, None)
        return None

    def _leaf(self, goal: tree.Tree) -> explain.Leaf | None:
        """An unknown leaf of the goal, looked for through the decisions that it reads."""
        for leaf in explain.unknown(goal, self.world).values():
            if leaf.decision is None or self.attested is not None:
                return leaf
            for rule in self.segment.decisions[leaf.decision].rules:
                inner = self._leaf(rule.condition)
                if inner is not None:
                    return inner
        return None

    def _outcome(self, name: str) -> str | None:
        if self.attested is not None:
            return self.attested.get(name)
        if name not in self.outcomes:
            outcomes = possible(self.segment.decisions[name], self.world)
            self.outcomes[name] = outcomes[0] if len(outcomes) == 1 else None
        return self.outcomes[name]

    def _domain(self, leaf: explain.Leaf) -> Iterator[Any]:
        if leaf.clock is not None:
            yield from tree.CLOCK_STATUSES[:-1]
            return
        if leaf.decision is not None:
            yield from self.segment.pack.decisions[leaf.decision].outcomes
            return
        assert leaf.fact is not None
        yield from self._values(leaf.fact)

    def _values(self, fact: Fact) -> Iterator[Any]:
        match fact.type:
            case "bool":
                yield from (True, False)
            case "choice":
                yield from fact.choices
            case "text":
                yield from (*sorted(self.points["text"]), "(any other)")
            case "int" | "decimal":
                near = {one + step for one in self.points["number"] for step in (-1, 0, 1)} | {Decimal(0), fact.low}
                for number in sorted(one for one in near if one is not None):
                    if (fact.low is None or number >= fact.low) and (fact.high is None or number <= fact.high):
                        if fact.type == "decimal" or number == int(number):
                            yield int(number) if number == int(number) else number
            case "date":
                days = {*self.points["date"], self.segment.day}
                days |= {moved(day, length, sign) for day in days for length in self.points["length"] for sign in (1, -1)}
                yield from sorted({moved(day, timedelta(days=step), 1) for day in days for step in (-1, 0, 1)})
            case "timestamp":
                yield datetime(self.segment.day.year, self.segment.day.month, self.segment.day.day, 12, tzinfo=UTC)
            case "list":
                for length in (1, 0, *range(2, LONGEST + 1)):
                    yield tuple({} for _ in range(length))

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
        """What is assigned now, nested as facts arrive; clocks' statuses under `clocks`."""
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


def _points(trees: list[tree.Tree], parameters: Mapping[str, Any]) -> dict[str, set[Any]]:
    """Every number, day, length of time and text that the conditions name."""
    points: dict[str, set[Any]] = {"number": set(), "date": set(), "length": set(), "text": set()}

    def add(value: Any) -> None:
        match value:
            case bool():
                pass
            case int() | Decimal():
                points["number"].add(Decimal(value))
            case date():
                points["date"].add(value)
            case timedelta() | tree.Years():
                points["length"].add(value)
            case str():
                points["text"].add(value)
            case tuple():
                for one in value:
                    add(one)

    for whole in trees:
        for part in tree.nodes(whole):
            match part:
                case tree.Constant(value) | tree.Member(_, tuple() as value):
                    add(value)
                case tree.ParameterOf(name) | tree.Member(_, tree.ParameterOf(name)):
                    add(parameters[name])
    return points
