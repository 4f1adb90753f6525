"""Small mistakes in a pack, one at a time: each is a version of the pack that a typo could make.

Only what the pack itself declares is changed, since its parent's scenarios test the rest. Left out
is a mistake that the check of the pack refuses, such as a parameter without a value on some day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any

from rules.decide import explain
from rules.frozen import frozen, replace
from rules.language import tree
from rules.packs.pack import (
    Clock,
    Decision,
    Exemption,
    Item,
    Pack,
    Parameter,
    Rule,
    Value,
    conditions,
)
from rules.prove.tree_mistakes import mistakes_in, neighbors, without_one

_DAY = timedelta(days=1)


@frozen
class Mistake:
    """A version of a pack with one mistake.

    `where` names what is wrong: `offer.under-age`, or a parameter. `says` is the mistake, a clause.
    The answers of `decisions` and the states of `clocks` may differ from `since`, the first day, to
    `until`, the first day after. If one rule alone is other, `rule` is its id.
    """

    where: str
    says: str
    pack: Pack
    decisions: tuple[str, ...]
    clocks: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    rule: str | None = None


def mistakes_of(pack: Pack, parent: Pack | None) -> Iterator[Mistake]:
    """Yield the mistakes in what a pack declares. `parent` is the pack that it extends."""
    for parameter in pack.parameters.values():
        yield from _in_parameter(pack, parameter, parent)
    dated = chain(
        (
            mistake
            for clock in pack.clocks.values()
            if clock.declared_in == pack.id
            for mistake in _in_clock(pack, clock, parent)
        ),
        (
            mistake
            for decision in pack.decisions.values()
            for mistake in _in_decision(
                pack, decision, parent.decisions.get(decision.name) if parent is not None else None
            )
        ),
    )
    yield from (mistake for mistake in dated if not _lacks_a_value(mistake))


# Rules


def _in_decision(pack: Pack, decision: Decision, before: Decision | None) -> Iterator[Mistake]:
    for rule in decision.rules.values():
        # A rule that is used has the parent's name, and applies only here.
        if rule.declared_in == pack.id or (before is not None and rule.id not in before.rules):
            yield from _in_rule(pack, decision, rule, before)
    for rule in before.rules.values() if before is not None else ():
        if rule.id not in decision.rules:
            rules = {**decision.rules, rule.id: rule}
            yield _of_rules(pack, decision, rules, rule, f"`{rule.id}` is not removed")
    default = decision.otherwise
    if default.declared_in != pack.id:
        return
    if before is not None:
        others = [before.otherwise.outcome] if before.otherwise.outcome != default.outcome else []
        wording = "the override of `otherwise` is lost"
    else:
        others = [*_other_outcome(decision, default.outcome)]
        wording = "`otherwise` has the outcome `{}`"
    for outcome in others:
        changed = replace(decision, otherwise=replace(default, outcome=outcome))
        yield Mistake(
            f"{decision.name}.otherwise",
            wording.format(outcome),
            _with_decision(pack, changed),
            (decision.name,),
        )


def _in_rule(
    pack: Pack, decision: Decision, rule: Rule, before: Decision | None
) -> Iterator[Mistake]:
    overridden = before.rules.get(rule.id) if before is not None else None
    if overridden is not None:
        wording = f"the override of `{rule.id}` is lost"
        rules = {**decision.rules, rule.id: overridden}
        yield _of_rules(pack, decision, rules, rule, wording)
    else:
        rules = {name: kept_rule for name, kept_rule in decision.rules.items() if name != rule.id}
        yield _of_rules(pack, decision, rules, rule, f"the rule `{rule.id}` is lost")
    for outcome in _other_outcome(decision, rule.then):
        wording = f"`{rule.id}` has the outcome `{outcome}`"
        yield _of_rule(pack, decision, rule, replace(rule, then=outcome), wording)
    for changed in mistakes_in(rule.when):
        wording = f"{changed.says} in `{rule.id}`"
        yield _of_rule(pack, decision, rule, replace(rule, when=changed.condition), wording)
    yield from _of_dates(pack, decision, rule)
    for index, exemption in enumerate(rule.unless):
        yield from _in_exemption(pack, decision, rule, index, exemption)


def _in_exemption(
    pack: Pack, decision: Decision, rule: Rule, index: int, exemption: Exemption
) -> Iterator[Mistake]:
    def without(*others: Exemption) -> Rule:
        return replace(rule, unless=(*rule.unless[:index], *others, *rule.unless[index + 1 :]))

    name = f"the exception `{exemption.id}` of `{rule.id}`"
    yield _of_rule(pack, decision, rule, without(), f"{name} is lost", exemption)
    for changed in mistakes_in(exemption.when):
        wording = f"{changed.says} in {name}"
        changed_rule = without(replace(exemption, when=changed.condition))
        yield _of_rule(pack, decision, rule, changed_rule, wording, exemption)
    for moved, wording, day in _moved(exemption):
        yield _of_rule(
            pack, decision, rule, without(moved), f"{name} {wording}", _on(exemption, day)
        )


def _other_outcome(decision: Decision, outcome: str) -> Iterator[str]:
    """Yield the outcome that is swapped for this one: one that isn't the default, if there is."""
    others = [candidate for candidate in decision.outcomes if candidate != outcome]
    others.sort(key=lambda candidate: candidate == decision.otherwise.outcome)
    yield from others[:1]


def _of_dates(pack: Pack, decision: Decision, rule: Rule) -> Iterator[Mistake]:
    for moved, wording, day in _moved(rule):
        yield _of_rule(pack, decision, rule, moved, f"`{rule.id}` {wording}", _on(rule, day))


def _of_rule(
    pack: Pack, decision: Decision, rule: Rule, changed: Rule, wording: str, at: Item | None = None
) -> Mistake:
    return _of_rules(
        pack, decision, {**decision.rules, rule.id: changed}, at or rule, wording, rule
    )


def _of_rules(
    pack: Pack,
    decision: Decision,
    rules: Mapping[str, Rule],
    at: Item,
    wording: str,
    rule: Rule | None = None,
) -> Mistake:
    """Return the mistake of a decision with other rules while the item `at` is in force."""
    name = rule.id if rule is not None else getattr(at, "id", "")
    return Mistake(
        f"{decision.name}.{name}",
        wording,
        _with_decision(pack, replace(decision, rules=rules)),
        (decision.name,),
        since=at.since,
        until=at.until,
        rule=name,
    )


def _with_decision(pack: Pack, decision: Decision) -> Pack:
    return replace(pack, decisions={**pack.decisions, decision.name: decision})


# Dates


def _moved(item: Any) -> Iterator[tuple[Any, str, date]]:
    """Yield the item with each of its dates a day off, in words, and the day that changes."""
    for name, verb in (("since", "begins"), ("until", "ends")):
        day = getattr(item, name)
        if day is None:
            continue
        for moved, when in ((day - _DAY, "a day early"), (day + _DAY, "a day late")):
            changed = replace(item, **{name: moved})
            if changed.since is None or changed.until is None or changed.since < changed.until:
                yield changed, f"{verb} {when}, on {moved}", min(day, moved)


def _on(item: Item, day: date) -> Item:
    """Return the item as if it were in force on one day alone."""
    changed: Item = replace(item, since=day, until=day + _DAY)
    return changed


def _lacks_a_value(mistake: Mistake) -> bool:
    """Return whether what begins or ends a day off reads a parameter without a value then."""
    pack, day = mistake.pack, mistake.since
    if day is None or mistake.until != day + _DAY:
        return False
    lengths = [clock.length for clock in pack.clocks.values() if clock.in_force(day)]
    names = [
        name
        for decision in mistake.decisions
        for rule in pack.decisions[decision].rules.values()
        if rule.in_force(day)
        for condition in (
            rule.when,
            *(exemption.when for exemption in rule.unless if exemption.in_force(day)),
        )
        for name in explain.names(condition).parameters
    ]
    return any(pack.parameters[name].on(day) is None for name in (*lengths, *names))


# Parameters


def _in_parameter(pack: Pack, parameter: Parameter, parent: Pack | None) -> Iterator[Mistake]:
    own = [value for value in parameter.values if value.declared_in == pack.id]
    for value in own:
        for neighbor, neighbor_text in _other_values(parameter, value):
            values = tuple(
                replace(dated_value, value=neighbor) if dated_value is value else dated_value
                for dated_value in parameter.values
            )
            since = f" from {value.since}" if value.since is not None else ""
            wording = f"`{parameter.name}` is {neighbor_text}{since}"
            yield from _of_values(pack, parameter, values, wording, value.since, value.until)
    for first, second in zip(parameter.values, parameter.values[1:], strict=False):
        if first.until is None or first.until != second.since or second.declared_in != pack.id:
            continue
        for moved, when in ((first.until - _DAY, "early"), (first.until + _DAY, "late")):
            changed = {
                id(first): replace(first, until=moved),
                id(second): replace(second, since=moved),
            }
            values = tuple(changed.get(id(value), value) for value in parameter.values)
            wording = f"the value of `{parameter.name}` changes a day {when}, on {moved}"
            day = min(moved, first.until)
            yield from _of_values(pack, parameter, values, wording, day, day + _DAY)
    before = parent.parameters.get(parameter.name) if parent is not None else None
    if own and before is not None:
        wording = f"the override of `{parameter.name}` is lost"
        yield from _of_values(pack, parameter, before.values, wording, None, None)


def _other_values(parameter: Parameter, value: Value) -> Iterator[tuple[Any, str]]:
    """Yield the values that one mistake makes of this one, in words."""
    match value.value:
        case tuple() as entries:
            for fewer, lost in without_one(entries):
                yield fewer, f"without {tree.constant_text(lost)}"
        case Mapping() as rows:
            for name, row in rows.items():
                for neighbor in _within(parameter, row):
                    yield (
                        {**rows, name: neighbor},
                        f"{_shown(neighbor)} for {name}, not {_shown(row)}",
                    )
        case number:
            for neighbor in _within(parameter, number):
                yield neighbor, f"{_shown(neighbor)}, not {_shown(number)}"


def _within(parameter: Parameter, value: Any) -> Iterator[Any]:
    for neighbor in neighbors(value):
        if isinstance(neighbor, (int, Decimal)) and (
            (parameter.low is not None and neighbor < parameter.low)
            or (parameter.high is not None and neighbor > parameter.high)
        ):
            continue
        yield neighbor


def _shown(value: Any) -> str:
    return f"{value:%H:%M}" if isinstance(value, time) else tree.constant_text(value)


def _of_values(
    pack: Pack,
    parameter: Parameter,
    values: tuple[Value, ...],
    wording: str,
    since: date | None,
    until: date | None,
) -> Iterator[Mistake]:
    """Yield the mistake of a parameter with other values, unless no rule and no clock reads it."""
    clocks = tuple(name for name, clock in pack.clocks.items() if clock.length == parameter.name)
    decisions = tuple(
        name
        for name, decision in pack.decisions.items()
        if any(_reads(rule, parameter.name, clocks) for rule in decision.rules.values())
    )
    if decisions or clocks:
        changed = replace(parameter, values=values)
        parameters = {**pack.parameters, parameter.name: changed}
        version = replace(pack, parameters=parameters)
        yield Mistake(parameter.name, wording, version, decisions, clocks, since, until)


def _reads(rule: Rule, parameter: str, clocks: tuple[str, ...]) -> bool:
    names = [explain.names(condition) for condition in conditions(rule)]
    return any(
        parameter in read.parameters or not set(clocks).isdisjoint(read.clocks) for read in names
    )


# Clocks


def _in_clock(pack: Pack, clock: Clock, parent: Pack | None) -> Iterator[Mistake]:
    before = parent.clocks.get(clock.name) if parent is not None else None
    name = f"the clock `{clock.name}`"
    clocks = {
        clock_name: kept_clock
        for clock_name, kept_clock in pack.clocks.items()
        if clock_name != clock.name
    }
    if before is not None:
        yield _of_clocks(
            pack, clock, {**clocks, clock.name: before}, f"the override of {name} is lost", clock
        )
    else:
        yield _of_clocks(pack, clock, clocks, f"{name} is lost", clock)
    for moved, wording, day in _moved(clock):
        changed = {**pack.clocks, clock.name: moved}
        yield _of_clocks(pack, clock, changed, f"{name} {wording}", _on(clock, day))


def _of_clocks(
    pack: Pack, clock: Clock, clocks: Mapping[str, Clock], wording: str, at: Item
) -> Mistake:
    decisions = tuple(
        name
        for name, decision in pack.decisions.items()
        if any(_reads(rule, "", (clock.name,)) for rule in decision.rules.values())
    )
    version = replace(pack, clocks=clocks)
    return Mistake(
        f"clocks.{clock.name}", wording, version, decisions, (clock.name,), at.since, at.until
    )
