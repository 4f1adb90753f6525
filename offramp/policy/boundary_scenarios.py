"""Write scenarios at the boundary of each amount that a city's first draft copies.

Each amount gets a case at the boundary and one just past it, with different answers. So a changed
amount, or `>=` in place of `>`, fails a scenario.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from rules.author.phrases import format_amount
from rules.author.scenarios import Scenario
from rules.decide.program import Program
from rules.errors import Place, Refusal
from rules.frozen import frozen
from rules.input.printing import plain
from rules.input.values import read_instant
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.packs.pack import Clock, Parameter
from rules.packs.resolve import resolve

_OFFER = "offer"
_SECOND = timedelta(seconds=1)
_FINE = Decimal("0.01")


@frozen
class Comparison:
    """A number that a rule of a decision compares with a parameter.

    `path` is a fact, or a list whose `field` is summed.
    """

    decision: str
    path: str
    field: str | None
    step: Decimal


def boundary_scenarios(program: Program, day: Any, models: Sequence[Scenario]) -> list[Scenario]:
    """Return the scenarios, two for each amount that some model's answer turns on.

    `models` are scenarios that hold, and `day` is the first day of the program.
    """
    pack, found = program.pack, list[Scenario]()
    for parameter in pack.parameters.values():
        value = parameter.on(day)
        if value is None or value.declared_in != pack.id:
            continue
        amount = value.value
        if isinstance(amount, bool) or not isinstance(amount, (int, Decimal)):
            continue
        comparisons = list(_comparisons(program, day, parameter.name))
        for decision in dict.fromkeys(comparison.decision for comparison in comparisons):
            pairs = (
                _turn(program, parameter, Decimal(amount), comparison, models)
                for comparison in comparisons
                if comparison.decision == decision
            )
            found += next((pair for pair in pairs if pair), [])
        for clock in pack.clocks.values():
            if clock.length == parameter.name and clock.in_force(day):
                found += _of_clock(program, clock, parameter, amount, day)
    return found


def _comparisons(program: Program, day: Any, name: str) -> Iterator[Comparison]:
    resolved = resolve(program.pack, day).decisions
    for decision in sorted(resolved.values(), key=lambda one: one.decision.name == _OFFER):
        for rule in decision.rules:
            for part in tree.nodes(rule.condition):
                if isinstance(part, tree.Compare):
                    for side, other in ((part.left, part.right), (part.right, part.left)):
                        if side == tree.ParameterOf(name):
                            yield from _of_side(decision.decision.name, other)


def _of_side(decision: str, side: tree.Tree) -> Iterator[Comparison]:
    match side:
        case tree.FactOf(fact):
            yield Comparison(decision, fact.path, None, _step(fact))
        case tree.Total(over=over, value=tree.FieldOf(_, field)):
            yield Comparison(decision, over.path, field.name, _step(field))


def _step(fact: Fact) -> Decimal:
    return Decimal(1) if fact.type == "int" else _FINE


def _turn(
    program: Program,
    parameter: Parameter,
    amount: Decimal,
    comparison: Comparison,
    models: Sequence[Scenario],
) -> list[Scenario]:
    """Return two neighboring cases of one model whose answers differ, or none."""
    for model in models:
        if model.decision != comparison.decision:
            continue
        cases: list[tuple[Decimal, dict[str, Any], str]] = []
        for number in (amount - comparison.step, amount, amount + comparison.step):
            facts = _with_number(model.facts, comparison, number)
            outcome = _outcome(program, model.decision, facts) if facts is not None else None
            if facts is None or outcome is None:
                break
            cases.append((number, facts, outcome))
        for first, second in pairwise(cases):
            if first[2] != second[2]:
                return [
                    _scenario(parameter, amount, comparison.decision, case)
                    for case in (first, second)
                ]
    return []


def _scenario(
    parameter: Parameter,
    amount: Decimal,
    decision: str,
    case: tuple[Decimal, dict[str, Any], str],
) -> Scenario:
    number, facts, outcome = case
    shown = format_amount(number.normalize(), parameter.unit)
    is_exact = number == amount
    at_the_scene = decision == _OFFER
    name = f"{parameter.name}-{'exactly' if is_exact else 'beyond'}".replace("_", "-")
    name += "-at-the-scene" if at_the_scene else ""
    says = f"{shown} is {'exactly' if is_exact else 'just beyond'} the {parameter.label}"
    says += ", known at the scene." if at_the_scene else "."
    expect = {"status": "decided", "outcome": outcome}
    return Scenario(name, says, decision, None, facts, expect, Place())


def _outcome(program: Program, decision: str, facts: Mapping[str, Any]) -> str | None:
    try:
        outcome = program.decide(decision, facts).outcome
    except Refusal:  # a number outside the fact's range
        return None
    return outcome if isinstance(outcome, str) else None


def _with_number(
    facts: Mapping[str, Any], comparison: Comparison, number: Decimal
) -> dict[str, Any] | None:
    """Return the facts with the number in place, or None where they have no one place for it."""
    *groups, last = comparison.path.split(".")
    changed = dict(facts)
    level = changed
    for group in groups:
        below = level.get(group)
        if not isinstance(below, Mapping):
            return None
        level[group] = dict(below)
        level = level[group]
    if last not in level:
        return None
    amount = plain(int(number) if number == number.to_integral_value() else number)
    if comparison.field is None:
        level[last] = amount
        return changed
    records = level[last]
    if not isinstance(records, list) or len(records) != 1 or comparison.field not in records[0]:
        return None
    level[last] = [{**records[0], comparison.field: amount}]
    return changed


def _of_clock(
    program: Program, clock: Clock, parameter: Parameter, amount: Any, day: Any
) -> list[Scenario]:
    """Return a case on the last second of a time limit, and one a second later."""
    for decision in program.pack.decisions:
        terms = program.pack.vocabulary.decisions.get(decision)
        if terms is None or not terms.reads_clocks:
            continue
        start = f"{day}T20:00:00Z"
        facts: dict[str, Any] = {"now": start, "encounter": {"date": str(day)}}
        level = facts
        *groups, last = clock.start.split(".")
        for group in groups:
            level = level.setdefault(group, {})
        level[last] = start
        readings = {reading["clock"]: reading for reading in program.decide(decision, facts).clocks}
        due = read_instant(str(readings[clock.name]["due"])) if clock.name in readings else None
        if due is None:
            continue
        shown = format_amount(amount, parameter.unit)
        return [
            _clock_scenario(program, clock, decision, facts, moment, f"{when} of the {shown}")
            for moment, when in (
                (due, "the last second"),
                (due + _SECOND, "a second after the end"),
            )
        ]
    return []


def _clock_scenario(
    program: Program,
    clock: Clock,
    decision: str,
    facts: Mapping[str, Any],
    moment: datetime,
    when: str,
) -> Scenario:
    dated = {**facts, "now": plain(moment)}
    readings = program.decide(decision, dated).clocks
    status = next(reading["status"] for reading in readings if reading["clock"] == clock.name)
    name = f"{clock.name}-{status}-at-its-end".replace("_", "-")
    says = f"It is {when} for this: {clock.label}."
    return Scenario(name, says, decision, None, dated, {"clocks": {clock.name: status}}, Place())
