"""Search the facts for a case that makes a condition true: a witness, or none.

Three-valued logic makes this exact for yes-or-no facts and choices. A condition that is false on
partial facts is false on all their completions. So the search assigns one unknown leaf at a time
and drops whatever is false already. Numbers and days are tried at, between, and around the values
that the conditions name, and lists up to a few records.

A witness is always real. Its absence is a proof where `exact` returns True, and elsewhere holds
within these bounds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from rules.decide import explain
from rules.decide.moments import instant_of, local, moved
from rules.decide.scene_day import DAY, MOMENT
from rules.decide.value_classes import ValueClasses, reached
from rules.decide.walk import World, possible, walk
from rules.input.citations import GivenCitation, Section, another_section, reader_of
from rules.input.printing import plain
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.language.exact import EXACT
from rules.language.times import length_of
from rules.packs.resolve import Segment
from rules.packs.tables import Table

# Records in the longest list tried: at least, and at most where conditions mention longer lists.
SHORTEST, LONGEST = 2, 6
_STEP = re.compile(r"^(.*)\[(\d+)\]\.([^.]+)$")


class TooFar(Exception):
    """The search gave up before it had tried everything."""


class Search:
    """A search over one segment for facts that make goals true.

    With `attested`, other decisions may have any outcome, else their own rules decide. `witnesses`
    is the number of records that one list may need.
    """

    def __init__(
        self,
        segment: Segment,
        goals: list[tree.Tree],
        budget: int = 4_000,
        *,
        attested: bool = False,
        witnesses: int = 0,
    ) -> None:
        self.segment = segment
        self.attested: dict[str, str] | None = {} if attested else None
        self.budget = budget
        self.known: dict[str, Any] = {}
        self.statuses: dict[str, str] = {}
        self.outcomes: dict[str, str | None] = {}
        self.world = World(
            self.known,
            segment.parameters,
            self._outcome,
            self.statuses.get,
            time_zone=segment.pack.time_zone,
            waits=True,
        )
        trees = list(goals)
        for decision in segment.decisions.values():
            trees += [rule.condition for rule in decision.rules]
        self.points = _points(trees, segment.parameters)
        read = goals if attested else [part for goal in goals for part in reached(segment, goal)]
        self.classes = ValueClasses(read, self.world)
        lengths = [int(size) + 1 for size in self.points["size"] if size >= 0]
        self.longest = min(max(SHORTEST, witnesses, *lengths), LONGEST)

    def witness(self, goal: tree.Tree) -> dict[str, Any] | None:
        """Return facts, as JSON would give them, on which `goal` is true.

        Returns None if there are none. Raises `TooFar`.
        """
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
            case = self.witness(goal)
            if case is not None:
                return case
            self._assign(leaf, None)
        return None

    def _leaf(self, goal: tree.Tree) -> explain.Leaf | None:
        """Return an unknown leaf of the goal, through the decisions that it reads."""
        for leaf in explain.unknown(goal, self.world).values():
            if self._is_held(leaf):
                continue
            if leaf.decision is None or self.attested is not None:
                return leaf
            for rule in self.segment.decisions[leaf.decision].rules:
                inner = self._leaf(rule.condition)
                if inner is not None:
                    return inner
        return None

    def _is_held(self, leaf: explain.Leaf) -> bool:
        """Return whether the leaf has a value already, such as a citation of a chapter alone."""
        step = _STEP.match(leaf.path)
        if step is None:
            return leaf.path in self.known
        return step[3] in self.known.get(step[1], ())[int(step[2])]

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
        if leaf.fact.type in ("choice", "citation"):
            yield from self.classes.one_of_each(leaf.fact, self.values(leaf.fact))
        else:
            yield from self.values(leaf.fact)

    def values(self, fact: Fact) -> Iterator[Any]:
        """Return the values to try for a fact.

        These are all there are, or those at, between, and around the values that the conditions
        name.
        """
        match fact.type:
            case "bool":
                yield from (True, False)
            case "choice":
                yield from fact.word_tree.finest
            case "citation":
                # Unknown is what a citation brings that is not recognized: no goal needs one.
                yield from self._citations()
            case "text":
                yield from (*sorted(self.points["text"]), "(any other)")
            case "int" | "decimal":
                ends = {
                    number for number in (Decimal(0), fact.low, fact.high) if number is not None
                }
                near = {
                    number + step for number in self.points["number"] | ends for step in (-1, 0, 1)
                }
                if fact.type == "decimal":
                    in_order = sorted(near)
                    near |= {EXACT.divide(EXACT.add(*pair), 2) for pair in pairwise(in_order)}
                for number in sorted(near):
                    if (fact.low is None or number >= fact.low) and (
                        fact.high is None or number <= fact.high
                    ):
                        if fact.type == "decimal" or number == int(number):
                            yield int(number) if number == int(number) else number
            case "date":
                yield from self._days(fact)
            case "timestamp":
                yield from self._moments(fact)
            case "list":
                for length in (1, 0, *range(2, self.longest + 1)):
                    yield tuple({} for _ in range(length))

    def _days(self, fact: Fact) -> Iterator[date]:
        """Return the days to try, as `values` does. The day of the encounter has one moment."""
        moment = self.known.get(MOMENT) if fact.path == DAY else None
        if moment is not None:
            yield local(moment, self.segment.pack.time_zone).date()
            return
        days = {*self.points["date"], self.segment.day}
        days |= {
            moved(day, length, sign)
            for day in days
            for length in self.points["length"]
            for sign in (1, -1)
        }
        days |= {moved(day, timedelta(days=step), 1) for day in days for step in (-1, 0, 1)}
        yield from sorted(days | self._week())

    def _week(self) -> set[date]:
        """Return a week of days if a condition asks for the day of the week."""
        steps = range(7) if self.points["weekday"] else ()
        return {moved(self.segment.day, timedelta(days=step), 1) for step in steps}

    def _moments(self, fact: Fact) -> Iterator[datetime]:
        """Return the moments to try: noon, and at and just before each time of day named."""
        noon = time(12)
        second = timedelta(seconds=1)
        clock_times = {noon, *self.points["time"]} | {
            (datetime.combine(self.segment.day, clock_time) - second).time()
            for clock_time in self.points["time"]
        }
        days = {*self.points["date"], self.segment.day} | self._week()
        if fact.path == MOMENT and DAY in self.known:
            days = {self.known[DAY]}
        zone = self.segment.pack.time_zone
        for day in sorted(days):
            for clock_time in sorted(clock_times, key=lambda clock_time: clock_time != noon):
                moment = instant_of(day, clock_time, zone)
                if moment is not None:
                    yield moment

    def _citations(self) -> Iterator[GivenCitation]:
        """Return every section that the conditions name, and one of another chapter."""
        for section in sorted(self.points["citation"], key=str):
            yield GivenCitation(section.text, section)
        for system in self.segment.pack.vocabulary.citations.values():
            if not system.title_first:
                text = another_section(system)
                yield GivenCitation(text, reader_of(self.segment.pack.vocabulary).read(text))
                return

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


def _points(trees: list[tree.Tree], parameters: Mapping[str, Any]) -> dict[str, set[Any]]:
    """Return every number, day, length of time, and text that the conditions name."""
    points: dict[str, set[Any]] = {
        "number": set(),
        "size": set(),
        "date": set(),
        "length": set(),
        "text": set(),
        "time": set(),
        "weekday": set(),
        "citation": set(),
    }

    def add(value: Any) -> None:
        """Add a value to its kind."""
        match value:
            case bool():
                pass
            case int() | Decimal():
                points["number"].add(Decimal(value))
            case date():
                points["date"].add(value)
            case time():
                points["time"].add(value)
            case timedelta() | tree.Months():
                points["length"].add(value)
            case str():
                points["text"].add(value)
            case Section():
                points["citation"].add(value)
            case tuple():
                for item in value:
                    add(item)
            case Table():
                for item in value.rows.values():
                    add(item)

    for whole in trees:
        for part in tree.nodes(whole):
            if isinstance(part, tree.Compare):
                for side, opposite in ((part.left, part.right), (part.right, part.left)):
                    if (
                        isinstance(side, tree.Total)
                        and side.value is None
                        and isinstance(opposite, tree.Constant)
                    ):
                        points["size"].add(opposite.value)
            match part:
                case (
                    tree.Constant(value)
                    | tree.Member(_, tuple() as value)
                    | tree.Cited(_, tuple() as value)
                ):
                    add(value)
                case tree.ParameterOf(name) | tree.RowOf(name):
                    add(parameters[name])
                case tree.LengthOf(unit, tree.ParameterOf(name)):
                    add(length_of(unit, parameters[name]))
                case tree.PartOf("weekday"):
                    points["weekday"].add(True)
    return points
