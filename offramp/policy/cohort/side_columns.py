"""The conditions of all sides as SQL columns, and the columns of the facts that they read.

Facts that no row says are the same for all rows, and so are constants. What the offense table
states of charges depends on the side, so that each side has charges of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from offramp.policy.cohort.answers import Answerer, Side
from offramp.policy.cohort.sql_conditions import CannotPrint, ConditionPrinter, quoted
from offramp.policy.cohort.sql_dialects import Dialect
from offramp.policy.cohort.sql_values import Citations, as_columns, structure_of
from rules.decide import explain
from rules.decide.ruling import CHARGES, CaseFacts
from rules.frozen import cached_property, frozen
from rules.input.vocabulary import Fact, nested
from rules.language import tree
from rules.packs.resolve import DecisionInForce, Segment

Vector = tuple[int, ...]  # the value of each printed condition: 1 true, 0 false, 2 unknown
_VALUES = {1: True, 0: False, 2: None}


class SideColumns:
    """The columns of the sides of an answerer.

    `paths` are the facts that rows may differ in. Raises `CannotPrint` if nothing can be printed.
    """

    def __init__(self, answerer: Answerer, paths: Sequence[str]) -> None:
        self._answerer = answerer
        self.sides = answerer.sides
        if any(side.program.as_of is None for side in self.sides):
            raise CannotPrint("rules of the day of each row")
        # One program of each pack: facts are read by the pack alone, on any day.
        self._packs = {side.program.digest: side.program for side in self.sides}.values()
        self.segments = [_segment(side) for side in self.sides]
        self.names = [
            _names_read([side.decision], segment, answerer.attested)
            for side, segment in self._pairs()
        ]
        # With a clock, any event may matter, and the case is decided by the compiled rules.
        reads = {path for names in self.names for path in _paths(names)}
        has_clocks = any(names.clocks for names in self.names)
        self.read = [path for path in paths if has_clocks or path in reads]
        self.citations = Citations()
        self._fields = self._fields_read()

    def _pairs(self) -> Iterator[tuple[Side, Segment]]:
        return zip(self.sides, self.segments, strict=True)

    def _fields_read(self) -> dict[str, tuple[str, ...]]:
        fields: dict[str, tuple[str, ...]] = {}
        for names in self.names:
            for path, read in names.lists:
                fields[path] = tuple(dict.fromkeys((*fields.get(path, ()), *read)))
        return fields

    # Facts

    def known(self, side: int, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the known facts of a side, with what is assumed and what the law states.

        Raises `FactsError`.
        """
        checked = self._answerer.checked(self.sides[side], nested(dict(raw)))
        return CaseFacts(self.sides[side].program, checked).facts.known

    def refuse(self, path: str, value: Any) -> None:
        """Raise `FactsError` for a value that a side's vocabulary refuses."""
        for program in self._packs:
            program.read_to_decide(nested({path: value}))

    def columns_of(self, path: str) -> list[tuple[str, Any, list[str]]]:
        """Return the columns of a fact: a name, its type as `from_json` takes it, and its parts.

        Charges have one for each side. Raises `CannotPrint` for a fact without columns.
        """
        fact = self._fact(path)
        structure = structure_of(fact, self._fields.get(path, ()))
        parts = [] if fact.type == "list" else list(structure)
        if path == CHARGES:
            return [(self.column(path, side), structure, parts) for side in range(len(self.sides))]
        return [(self.column(path, 0), structure, parts)]

    def value_of(self, path: str, raw: Any) -> dict[str, Any]:
        """Return the cells of a fact's columns for a value as the map reads it."""
        fact, fields = self._fact(path), self._fields.get(path, ())
        cells = {}
        for side in range(len(self.sides)) if path == CHARGES else (0,):
            known = self.known(side, {} if raw is None else {path: raw}).get(path)
            cells[self.column(path, side)] = as_columns(fact, known, fields, self.citations)
        return cells

    def column(self, path: str, side: int) -> str:
        """Return the name of a fact's column."""
        return f"{path} of {side}" if path == CHARGES else f"value of {path}"

    def _fact(self, path: str) -> Fact:
        facts = [side.program.pack.vocabulary.facts.get(path) for side in self.sides]
        if any(fact is None or fact != facts[0] for fact in facts) or facts[0] is None:
            raise CannotPrint(path)
        return facts[0]

    # Conditions

    def conditions(
        self,
        columns: Sequence[str],
        fixed: Mapping[str, Any],
        dialect: Dialect,
    ) -> Conditions:
        """Print the rules of all sides.

        `columns` are the facts that have columns, and `fixed` those that the map gives all rows.
        """
        texts: dict[str, int] = {}
        places: list[dict[str, int | None]] = []
        attested: list[Mapping[str, str]] = []
        for number, (side, segment) in enumerate(self._pairs()):
            known = self.known(number, fixed)
            attested.append(self._given(number, fixed))
            printer = ConditionPrinter(
                {path: quoted(self.column(path, number)) for path in columns},
                _Constants(known, [path for path in self.read if path not in fixed]),
                segment.parameters,
                attested[-1],
                self.citations,
                dialect,
            )
            own: dict[str, int | None] = {}
            for rule in segment.decisions[side.decision].rules:
                try:
                    truth = printer.rule(rule.condition)
                except CannotPrint:
                    own[rule.rule.id] = None
                    continue
                text = f"CASE WHEN {truth.true} THEN 1 WHEN {truth.false} THEN 0 ELSE 2 END"
                own[rule.rule.id] = texts.setdefault(text, len(texts))
            places.append(own)
        return Conditions(
            tuple(texts),
            tuple(places),
            tuple(self.segments),
            tuple(side.decision for side in self.sides),
            tuple(attested),
            tuple(self.read),
        )

    def _given(self, number: int, fixed: Mapping[str, Any]) -> Mapping[str, str]:
        """Return the answers of other decisions that all rows of a side have.

        They are assumed, or what all rows have decides them: what is known besides changes nothing.
        """
        side, attested = self.sides[number], dict(self._answerer.attested)
        case = CaseFacts(side.program, self._answerer.checked(side, nested(dict(fixed))))
        for name in self.names[number].decisions:
            if name not in attested and _grows_with_facts(name, self.segments[number]):
                outcome = case.outcome(name)
                if isinstance(outcome, str):
                    attested[name] = outcome
        return attested


class _Constants(Mapping[str, Any]):
    """The facts that are the same for all rows: every one that rows don't differ in."""

    def __init__(self, known: Mapping[str, Any], differing: Sequence[str]) -> None:
        self._known, self._differing = known, frozenset(differing)

    def __contains__(self, path: object) -> bool:
        return path not in self._differing

    def __getitem__(self, path: str) -> Any:
        return self._known.get(path)

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


@frozen
class Conditions:
    """Printed conditions, each once, and where each side has the value of each rule.

    The place of a rule that can't be printed is None. `attested` are the answers of other decisions
    that all rows of a side have, and `read` the facts that rules read.
    """

    texts: tuple[str, ...]
    places: tuple[Mapping[str, int | None], ...]
    segments: tuple[Segment, ...]
    decisions: tuple[str, ...]
    attested: tuple[Mapping[str, str], ...]
    read: tuple[str, ...]

    @cached_property
    def in_force(self) -> tuple[DecisionInForce, ...]:
        """The rules of each side."""
        return tuple(
            segment.decisions[name]
            for segment, name in zip(self.segments, self.decisions, strict=True)
        )

    def open_facts(self, vector: Vector) -> tuple[str, ...]:
        """Return the facts that rules read whose values a vector leaves open.

        Cases with one vector and equal such facts have one answer.
        """
        paths: set[str] = set()
        sides = zip(self.in_force, self.places, self.segments, self.attested, strict=True)
        for in_force, place, segment, attested in sides:
            for rule in in_force.rules:
                if self._value(place[rule.rule.id], vector) is None:
                    own = explain.names(rule.condition)
                    inner = _names_read(own.decisions, segment, attested)
                    if own.clocks or inner.clocks:
                        return self.read
                    paths |= {*_paths(own), *_paths(inner)}
        return tuple(path for path in self.read if path in paths)

    def decided(self, vector: Vector) -> tuple[str, ...] | None:
        """Return the answer of each side, None if one depends on what isn't known.

        It is None too if a rule that can't be printed may be the one that decides.
        """
        outcomes = []
        for side in range(len(self.places)):
            outcome = self._outcome(side, vector)
            if outcome is None:
                return None
            outcomes.append(outcome)
        return tuple(outcomes)

    def _outcome(self, side: int, vector: Vector) -> str | None:
        in_force, place = self.in_force[side], self.places[side]
        outcomes: set[str] = set()
        for outcome, rules in in_force.ranks:
            values = [self._value(place[rule.rule.id], vector) for rule in rules]
            if True in values or None in values:
                outcomes.add(outcome)
            if True in values:
                break
        else:
            outcomes.add(in_force.otherwise.outcome)
        if len(outcomes) > 1:
            return None
        (outcome,) = outcomes
        unprinted = any(
            place[rule.rule.id] is None and rule.rule.then == outcome for rule in in_force.rules
        )
        return None if unprinted else outcome

    def _value(self, place: int | None, vector: Vector) -> bool | None:
        return None if place is None else _VALUES[vector[place]]


def _segment(side: Side) -> Segment:
    day = side.program.as_of
    assert day is not None
    segment = side.program.segment(day).segment
    declared = segment.decisions.get(side.decision)
    if declared is None:
        raise CannotPrint(side.decision)
    return segment


def _names_read(
    decisions: Iterable[str], segment: Segment, attested: Collection[str]
) -> explain.Names:
    """Return the names in the rules of decisions, and in those of the decisions that they read.

    The rules of a decision whose answer is `attested` aren't read.
    """
    return explain.names_of(_conditions_read(decisions, segment, attested))


def _conditions_read(
    decisions: Iterable[str], segment: Segment, attested: Collection[str]
) -> list[tree.Tree]:
    waiting = [name for name in decisions if name not in attested]
    seen, conditions = {*waiting, *attested}, list[tree.Tree]()
    while waiting:
        in_force = segment.decisions.get(waiting.pop())
        own = [rule.condition for rule in in_force.rules] if in_force is not None else []
        conditions += own
        inner = {name for condition in own for name in explain.names(condition).decisions} - seen
        seen |= inner
        waiting += inner
    return conditions


def _grows_with_facts(decision: str, segment: Segment) -> bool:
    """Return whether an answer from some facts is the answer from more facts too.

    A clock that hasn't started may start with them, and `if_known` may become true.
    """
    conditions = _conditions_read([decision], segment, ())
    if explain.names_of(conditions).clocks:
        return False
    parts = (part for condition in conditions for part in tree.nodes(condition))
    return not any(isinstance(part, tree.IfKnown) for part in parts)


def _paths(names: explain.Names) -> Iterator[str]:
    yield from names.facts
    yield from (path for path, _ in names.lists)
