"""A pack to the segment in force on one day: immutable, with every date settled.

Everything that runs rules (the compiler, SQL, proofs, the difference of two versions) works on a segment.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from rules.frozen import frozen
from rules.language.tree import And, Not, Tree
from rules.packs.pack import Clock, Decision, Default, Exemption, Obligation, Pack, Rule, Value


@frozen
class RuleInForce:
    """A rule on the day, with the exceptions in force. `condition` is `when` and none of them."""

    rule: Rule
    unless: tuple[Exemption, ...]
    condition: Tree


@frozen
class DecisionInForce:
    """`ranks` gives each outcome that the segment can give its rules, highest first; `otherwise` follows them."""

    decision: Decision
    ranks: tuple[tuple[str, tuple[RuleInForce, ...]], ...]
    otherwise: Default
    obligations: tuple[Obligation, ...]

    @property
    def rules(self) -> tuple[RuleInForce, ...]:
        return tuple(rule for _, rules in self.ranks for rule in rules)


@frozen
class Segment:
    """The pack on `day`. `values` holds each parameter's value then in force, `parameters` just the value."""

    pack: Pack
    day: date
    values: Mapping[str, Value]
    parameters: Mapping[str, int | Decimal | tuple[str, ...]]
    decisions: Mapping[str, DecisionInForce]
    clocks: Mapping[str, Clock]


def resolve(pack: Pack, day: date) -> Segment:
    """The segment of `pack` in force on `day`. Whether the program ran that day is the caller's question."""
    found = {name: parameter.on(day) for name, parameter in pack.parameters.items()}
    values = {name: value for name, value in found.items() if value is not None}
    decisions = {name: _in_force(decision, day) for name, decision in pack.decisions.items()}
    clocks = {name: clock for name, clock in pack.clocks.items() if clock.in_force(day)}
    parameters = {name: value.value for name, value in values.items()}
    return Segment(pack, day, values, parameters, decisions, clocks)


def _in_force(decision: Decision, day: date) -> DecisionInForce:
    rules = [_rule(rule, day) for rule in decision.rules.values() if rule.in_force(day)]
    ranks = tuple(
        (outcome, of_outcome)
        for outcome in decision.outcomes
        if (
            of_outcome := tuple(
                sorted(
                    (one for one in rules if one.rule.then == outcome), key=lambda one: one.rule.id
                )
            )
        )
    )
    held = sorted(decision.obligations.values(), key=lambda one: one.id)
    obligations = tuple(one for one in held if one.in_force(day))
    return DecisionInForce(decision, ranks, decision.otherwise, obligations)


def _rule(rule: Rule, day: date) -> RuleInForce:
    unless = tuple(one for one in rule.unless if one.in_force(day))
    if not unless:
        return RuleInForce(rule, unless, rule.when)
    first = rule.when.items if isinstance(rule.when, And) else (rule.when,)
    return RuleInForce(rule, unless, And((*first, *(Not(one.when) for one in unless))))
