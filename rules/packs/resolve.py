"""Resolve a pack to the segment that is in force on a day, in which no item has dates any more.

The compiler, the proofs, and the difference of two versions all work on a segment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, time
from decimal import Decimal

from rules.frozen import cached_property, frozen
from rules.input.citations import Section
from rules.language.tree import And, IfKnown, Not, Tree, nodes
from rules.packs.pack import Clock, Decision, Default, Exemption, Obligation, Pack, Rule, Value
from rules.packs.tables import Table, table_of

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


_FIRST_DAY = date(1, 1, 1)


@frozen
class RuleInForce:
    """A rule on a day, with its exceptions in force. `condition` is `when` and no exception."""

    rule: Rule
    unless: tuple[Exemption, ...]
    condition: Tree

    @cached_property
    def asks_if_known(self) -> bool:
        """True if the condition has an `if_known`."""
        return any(isinstance(part, IfKnown) for part in nodes(self.condition))


@frozen
class DecisionInForce:
    """A decision on a day: its possible outcomes, highest first, each with its rules in `ranks`.

    `otherwise` applies when no rule does.
    """

    decision: Decision
    ranks: tuple[tuple[str, tuple[RuleInForce, ...]], ...]
    otherwise: Default
    obligations: tuple[Obligation, ...]

    @cached_property
    def rules(self) -> tuple[RuleInForce, ...]:
        """All rules in force, by rank."""
        return tuple(rule for _, rules in self.ranks for rule in rules)

    @cached_property
    def asks_if_known(self) -> bool:
        """True if the condition of any rule has an `if_known`."""
        return any(rule.asks_if_known for rule in self.rules)


@frozen
class Segment:
    """A pack on a day.

    `values` are the values of parameters in force, `parameters` only their numbers, lists, times of
    day, or tables.
    """

    pack: Pack
    day: date
    values: Mapping[str, Value]
    parameters: Mapping[str, int | Decimal | tuple[str, ...] | tuple[Section, ...] | time | Table]
    decisions: Mapping[str, DecisionInForce]
    clocks: Mapping[str, Clock]


def resolve(pack: Pack, day: date) -> Segment:
    """Return the segment of a pack on a day, whether or not the program ran then."""
    dated = {name: parameter.on(day) for name, parameter in pack.parameters.items()}
    values = {name: value for name, value in dated.items() if value is not None}
    decisions = {name: _in_force(decision, day) for name, decision in pack.decisions.items()}
    clocks = {name: clock for name, clock in pack.clocks.items() if clock.in_force(day)}
    parameters = {name: _as_read(pack, name, value) for name, value in values.items()}
    return Segment(pack, day, values, parameters, decisions, clocks)


def segments_of(pack: Pack) -> Iterator[Segment]:
    """Return the pack's segments, one for each day on which something changes while it ran."""
    first = pack.program.since or _FIRST_DAY
    days = [first, *(day for day in pack.boundaries() if day > first)]
    yield from (
        resolve(pack, day) for day in days if pack.program.until is None or day < pack.program.until
    )


def _as_read(pack: Pack, name: str, value: Value) -> Any:
    """Return a parameter's value as conditions read it: a table has a row for each finest word."""
    if not isinstance(value.value, Mapping):
        return value.value
    fact = pack.vocabulary.fact_at(str(pack.parameters[name].by))
    assert fact is not None  # it was there when the parameter was read
    return table_of(value.value, fact.word_tree)


def _in_force(decision: Decision, day: date) -> DecisionInForce:
    rules = [rule_in_force(rule, day) for rule in decision.rules.values() if rule.in_force(day)]
    ranks = tuple(
        (outcome, of_outcome)
        for outcome in decision.outcomes
        if (
            of_outcome := tuple(
                sorted(
                    (rule for rule in rules if rule.rule.then == outcome),
                    key=lambda rule: rule.rule.id,
                )
            )
        )
    )
    in_order = sorted(decision.obligations.values(), key=lambda obligation: obligation.id)
    obligations = tuple(obligation for obligation in in_order if obligation.in_force(day))
    return DecisionInForce(decision, ranks, decision.otherwise, obligations)


def rule_in_force(rule: Rule, day: date) -> RuleInForce:
    """Return a rule with its exceptions in force on a day."""
    unless = tuple(exemption for exemption in rule.unless if exemption.in_force(day))
    if not unless:
        return RuleInForce(rule, unless, rule.when)
    first = rule.when.items if isinstance(rule.when, And) else (rule.when,)
    return RuleInForce(rule, unless, And((*first, *(Not(exemption.when) for exemption in unless))))
