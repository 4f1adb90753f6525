"""Facts that no row can say, and the values under which no rule bars because of them.

A file of arrests has no judgment and no record. With these unknown, every answer would be open, and
a table would say nothing. So they are assumed: each fact that the map never gives has a value under
which a barring rule that reads it is false whatever the row says. A fact that a changed rule reads
is never assumed. The assumption is printed in full, and the author can replace it.

Nor is anything assumed that decides the answer itself, or that follows from what the map gives. The
level of a charge and what it is of are never assumed: with a violation in each row, a program for
violations would take all of them. Where a map gives the sections of charges, the offense table
states what they are of, and a section that it lacks is not known. A decision that reads what the
map gives is worked out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any

from offramp.policy.cohort.answers import Side
from offramp.policy.offense_list import ADMITTING
from offramp.policy.table_map import TableMap
from rules.decide import explain
from rules.decide.search_space import DECISION, SearchSpace
from rules.decide.walk import World, walk
from rules.input.printing import plain
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.packs.law import AUTHORITY, CHARGES, FILLED, VIOLENT
from rules.packs.resolve import RuleInForce, Segment, segments_of

_MOST_FACTS = 4  # of one rule, that are assumed together
_TYPES = ("bool", "choice", "int", "decimal", "list")
# What a charge is of and its level. With these assumed, most answers would be.
_OF_CHARGE = tuple(f"{CHARGES}.{name}" for name in FILLED)
# What a section states of its charge, besides that it is one of homicide.
BY_SECTION = (*_OF_CHARGE, f"{CHARGES}.{AUTHORITY}")
_PREFERRED = ("approved", "proceed", "state")
Assumption = dict[str, Any]


def work_out(sides: Iterable[Side], mapping: TableMap, changed: Collection[str] = ()) -> Assumption:
    """Return the assumption for some sides, by path. `changed` are facts that are never assumed."""
    kept = _Kept(mapping, changed)
    rules = [
        _BarringRule(segment, rule, kept)
        for side in sides
        for segment in _segments(side)
        for name in kept.worked_out(segment, side.decision)
        for rule in _barring(segment, name)
    ]
    rules.sort(key=lambda rule: len(rule.candidates))
    assumed: Assumption = {}
    for rule in rules:
        if rule.is_false(assumed):
            continue
        ways = [way for way in rule.ways(assumed) if not _bars(rules, assumed | way)]
        best = max(ways, key=lambda way: _score(rules, assumed | way), default=None)
        assumed |= best or {}
    return {path: plain(value) for path, value in sorted(assumed.items())}


def facts_of_changed_rules(before: Side, after: Side) -> set[str]:
    """Return the facts and decisions that rules read which differ between two sides."""
    old, new = (_texts(side) for side in (before, after))
    return {
        name
        for key, rule in [*old.items(), *new.items()]
        if key not in old or key not in new
        for name in _names(rule)
    }


def have_the_same_rules(first: Side, second: Side) -> bool:
    """Return whether the rules of a decision, with those it reads, are alike on two sides."""
    return all(
        _texts(Side(first.program, name)).keys() == _texts(Side(second.program, name)).keys()
        for name in (first.decision, *decisions_read(first, second))
    )


def decisions_read(before: Side, after: Side) -> set[str]:
    """Return the other decisions that a decision reads on either side, also through others."""
    waiting, names = [before.decision], set[str]()
    while waiting:
        name = waiting.pop()
        for side in (before, after):
            for condition in _texts(Side(side.program, name)).values():
                inner = set(explain.names(condition).decisions) - names
                names |= inner
                waiting += inner
    return names


def _texts(side: Side) -> dict[Any, tree.Tree]:
    texts = {}
    for segment in _segments(side):
        decision = segment.decisions.get(side.decision)
        for rule in decision.rules if decision is not None else ():
            names = explain.names(rule.condition).parameters
            values = repr([(name, segment.parameters.get(name)) for name in names])
            texts[rule.rule.then, tree.text(rule.condition), values] = rule.condition
    return texts


def _names(condition: tree.Tree) -> Iterator[str]:
    """Yield the paths of what a condition reads: facts, lists, fields of records, decisions."""
    names = explain.names(condition)
    yield from names.facts
    for path, fields in names.lists:
        yield path
        yield from (f"{path}.{field}" for field in fields)
    yield from (f"{DECISION}{name}" for name in names.decisions)


def _segments(side: Side) -> Sequence[Segment]:
    day = side.program.as_of
    if day is not None:
        return (side.program.segment(day).segment,)
    return tuple(segments_of(side.program.pack))


def _barring(segment: Segment, name: str) -> Iterator[RuleInForce]:
    """Yield the rules whose outcome doesn't admit the person."""
    decision = segment.decisions.get(name)
    if decision is not None:
        admitting = ADMITTING.get(name, (decision.otherwise.outcome,))
        yield from (rule for rule in decision.rules if rule.rule.then not in admitting)


def _bars(rules: Sequence[_BarringRule], assumed: Assumption) -> bool:
    return any(rule.value(assumed) is True for rule in rules)


def _score(rules: Sequence[_BarringRule], assumed: Assumption) -> int:
    return sum(rule.is_false(assumed) for rule in rules)


class _Kept:
    """What can't be assumed: what the map gives, and what changed rules read."""

    def __init__(self, mapping: TableMap, changed: Collection[str]) -> None:
        self._given = {path for path, _ in mapping.readers}
        self._fields = mapping.fields
        self._changed = changed
        self._stated = BY_SECTION if mapping.cites_law else _OF_CHARGE

    def may_assume(self, path: str, facts: Mapping[str, Fact]) -> bool:
        """Return whether the map never gives a fact, or a field of the records that it gives."""
        if path in self._given or path in self._changed or path in self._stated:
            return False
        of_list = path.rpartition(".")[0]
        is_field = of_list in facts and facts[of_list].type == "list"
        return not is_field or (of_list in self._given and path not in self._fields)

    def worked_out(self, segment: Segment, name: str) -> list[str]:
        """Return a decision, and those it reads that follow from what the map gives."""
        decisions = [name]
        for outer in decisions:
            decisions += [
                inner
                for inner in _inner(segment, outer)
                if inner not in decisions and self.gives_a_part(segment, inner)
            ]
        return decisions

    def gives_a_part(self, segment: Segment, name: str) -> bool:
        """Return whether a decision's rules read a fact that the map gives."""
        names, seen = [name], {name}
        for item in names:
            decision = segment.decisions.get(item)
            for rule in decision.rules if decision is not None else ():
                if not self._given.isdisjoint(_names(rule.condition)):
                    return True
            new = _inner(segment, item) - seen
            seen |= new
            names += sorted(new)
        return False


def _inner(segment: Segment, name: str) -> set[str]:
    """Return the decisions that the rules of a decision read."""
    decision = segment.decisions.get(name)
    own = decision.rules if decision is not None else ()
    return {inner for rule in own for inner in explain.names(rule.condition).decisions}


class _BarringRule:
    """A rule that may bar, and the facts of it that can be assumed."""

    def __init__(self, segment: Segment, rule: RuleInForce, kept: _Kept) -> None:
        self.condition = rule.condition
        self._segment = segment
        self._facts = segment.pack.vocabulary.facts
        self.candidates = [
            path
            for path in dict.fromkeys(_names(rule.condition))
            if kept.may_assume(path, self._facts)
            and not self._follows(path, kept)
            and self._values(path)
        ]

    def _follows(self, path: str, kept: _Kept) -> bool:
        """Return whether a decision follows from what the map gives."""
        name = path.removeprefix(DECISION)
        return name != path and kept.gives_a_part(self._segment, name)

    def is_false(self, assumed: Assumption) -> bool:
        """Return whether the rule can't bar, whatever a row says."""
        return self.value(assumed) is False

    def value(self, assumed: Assumption) -> Any:
        """Return the value of the rule that holds for every row, None if rows differ."""

        def outcome(name: str) -> Any:
            return assumed.get(f"{DECISION}{name}")

        world = World(
            assumed,
            self._segment.parameters,
            outcome,
            lambda _: None,
            time_zone=self._segment.pack.time_zone,
        )

        def settled(part: tree.Tree) -> tree.Tree:
            if not isinstance(part, tree.Quantifier) or part.over.path in assumed:
                return part
            return _settled_quantifier(part, world)

        return walk(tree.changed(self.condition, settled), world)

    def ways(self, assumed: Assumption) -> Iterator[Assumption]:
        """Yield the values of as few facts as possible under which the rule can't bar."""
        free = [path for path in self.candidates if path not in assumed]
        for size in range(1, min(len(free), _MOST_FACTS) + 1):
            is_found = False
            for paths in combinations(free, size):
                for values in product(*map(self._values, paths)):
                    way = dict(zip(paths, values, strict=True))
                    if self.is_false({**assumed, **way}):
                        is_found = True
                        yield way
            if is_found:
                return

    def _values(self, path: str) -> list[Any]:
        if path.startswith(DECISION):
            decision = self._segment.decisions.get(path.removeprefix(DECISION))
            outcomes = decision.decision.outcomes if decision is not None else ()
            return sorted(outcomes, key=_preference)
        of_list, _, name = path.rpartition(".")
        fact = self._facts.get(path)
        if fact is None and of_list in self._facts:
            fact = self._facts[of_list].fields.get(name)
        if fact is None or fact.type not in _TYPES:
            return []
        if fact.type == "list":
            return [()]
        values = SearchSpace(self._segment).values(fact)
        if path == f"{CHARGES}.{VIOLENT}":
            return sorted(values)  # `False` first: no charge is violent unless a row says so
        return sorted(values, key=_preference)


def _settled_quantifier(part: tree.Quantifier, world: World) -> tree.Tree:
    """Return true or false for a quantifier that any record with the assumed fields settles."""
    prefix = f"{part.over.path}."
    record = {
        path.removeprefix(prefix): value
        for path, value in world.facts.items()
        if path.startswith(prefix)
    }
    is_alone = all(
        inner.variable == part.variable
        for inner in tree.nodes(part.body)
        if isinstance(inner, tree.FieldOf)
    )
    if not record or not is_alone:
        return part
    value = walk(part.body, world, {part.variable: record})
    if value is (part.kind == "all"):  # of no records, it is the same
        return tree.Constant(value)
    return part


def _preference(value: Any) -> bool:
    return value not in _PREFERRED
