"""Write scenarios at the boundary of each amount that a city's first draft copies.

Each amount gets a case at the boundary and one just past it, with different answers. So a changed
amount, or `>=` in place of `>`, fails a scenario. An amount is a number, a time of day, a length of
time before or after a day, or a row of a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from rules.author.phrases import format_amount, format_choice
from rules.author.scenarios import Scenario
from rules.decide.moments import moved
from rules.decide.program import Program
from rules.errors import Place, Refusal
from rules.frozen import frozen
from rules.input.printing import plain
from rules.input.values import iso_day, read_instant
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.language.lengths import length_of
from rules.packs.pack import Clock, Parameter
from rules.packs.resolve import resolve
from rules.packs.tables import word_of_each_row

_OFFER = "offer"
_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
_FINE = Decimal("0.01")


@frozen
class Spot:
    """A fact, or a field of a list's records. `path` is the fact's or the list's."""

    path: str
    field: str | None = None


@frozen
class Comparison:
    """What a rule of a decision compares with a parameter, or with a row of it.

    The parameter may be a length of time after `base`, or before it if `sign` is `-`. `key` is the
    choice of a table's row. `is_moment` is true of a comparison with the time of day of a moment.
    """

    decision: str
    spot: Spot
    step: Decimal
    base: Spot | None = None
    sign: str = "+"
    key: Spot | None = None
    is_moment: bool = False


@frozen
class Amount:
    """An amount of a parameter: its only one, or that of the row for `word`."""

    parameter: Parameter
    value: Any
    word: str | None = None

    @property
    def shown(self) -> str:
        value = self.value.normalize() if isinstance(self.value, Decimal) else self.value
        return format_amount(value, self.parameter.unit)


@frozen
class Neighbor:
    """A value at the boundary or next to it, and the words for it.

    `side` is -1 below the amount, 0 at it, and 1 above it.
    """

    value: Any
    shown: str
    side: int

    @property
    def is_exact(self) -> bool:
        """True if the value is at the boundary itself."""
        return self.side == 0


def boundary_scenarios(program: Program, day: Any, models: Sequence[Scenario]) -> list[Scenario]:
    """Return the scenarios, two for each amount that some model's answer turns on.

    `models` are scenarios that hold, and `day` is the first day of the program.
    """
    pack, scenarios = program.pack, list[Scenario]()
    for parameter in pack.parameters.values():
        value = parameter.on(day)
        if value is None or value.declared_in != pack.id:
            continue
        comparisons = list(_comparisons(program, day, parameter.name))
        for decision in dict.fromkeys(comparison.decision for comparison in comparisons):
            for amount in _amounts(program, parameter, value.value):
                pairs = (
                    _turn(program, amount, comparison, models, is_decided=is_decided)
                    for is_decided in (True, False)
                    for comparison in comparisons
                    if comparison.decision == decision
                )
                scenarios += _renamed(next((pair for pair in pairs if pair), []), scenarios)
        for clock in pack.clocks.values():
            if clock.length == parameter.name and clock.in_force(day):
                scenarios += clock_scenarios(
                    program, pack.decisions, clock, parameter, value.value, day
                )
    return scenarios


def _amounts(program: Program, parameter: Parameter, value: Any) -> Iterator[Amount]:
    """Yield the amounts of a parameter that have a boundary: not a list, and not a yes or no."""
    if isinstance(value, Mapping):
        by = program.pack.vocabulary.fact_at(parameter.by or "")
        labels = word_of_each_row(value, by.word_tree) if by is not None else {}
        for row, label in labels.items():
            yield Amount(parameter, value[row], label)
    elif isinstance(value, (int, Decimal, time)) and not isinstance(value, bool):
        yield Amount(parameter, value)


def _comparisons(program: Program, day: Any, name: str) -> Iterator[Comparison]:
    resolved = resolve(program.pack, day).decisions
    for decision in sorted(
        resolved.values(), key=lambda resolved_one: resolved_one.decision.name == _OFFER
    ):
        for rule in decision.rules:
            for part in tree.nodes(rule.condition):
                if isinstance(part, tree.Compare):
                    for side, opposite in ((part.left, part.right), (part.right, part.left)):
                        yield from _of_sides(decision.decision.name, name, side, opposite)


def _of_sides(
    decision: str, name: str, side: tree.Tree, opposite: tree.Tree
) -> Iterator[Comparison]:
    """Yield the comparison if `side` is the parameter, a row of it, or a day moved by it."""
    match side, opposite:
        case tree.ParameterOf(read), _ if read == name:
            yield from _of_value(decision, opposite)
        case tree.RowOf(read, tree.FactOf() | tree.FieldOf() as key), _ if read == name:
            for comparison in _of_value(decision, opposite):
                yield replace(comparison, key=_spot(key))
        case (
            tree.Arithmetic(sign, base, tree.LengthOf(_, tree.ParameterOf(read))),
            tree.FactOf() | tree.FieldOf(),
        ) if read == name and isinstance(base, (tree.FactOf, tree.FieldOf)):
            if isinstance(base, tree.FactOf):
                yield Comparison(decision, _spot(opposite), Decimal(1), _spot(base), sign)
            elif isinstance(opposite, tree.FactOf):
                turned = "-" if sign == "+" else "+"
                yield Comparison(decision, _spot(base), Decimal(1), _spot(opposite), turned)


def _of_value(decision: str, side: tree.Tree) -> Iterator[Comparison]:
    match side:
        case tree.FactOf(fact) | tree.FieldOf(_, fact):
            yield Comparison(decision, _spot(side), _step(fact))
        case tree.Total(over=over, value=tree.FieldOf(_, field)):
            yield Comparison(decision, Spot(over.path, field.name), _step(field))
        case tree.PartOf("time", tree.FactOf() as moment):
            yield Comparison(decision, _spot(moment), Decimal(1), is_moment=True)


def _spot(side: tree.FactOf | tree.FieldOf) -> Spot:
    if isinstance(side, tree.FactOf):
        return Spot(side.fact.path)
    over, _, name = side.fact.path.rpartition(".")
    return Spot(over, name)


def _step(fact: Fact) -> Decimal:
    return Decimal(1) if fact.type == "int" else _FINE


def _turn(
    program: Program,
    amount: Amount,
    comparison: Comparison,
    models: Sequence[Scenario],
    *,
    is_decided: bool,
) -> list[Scenario]:
    """Return two neighboring cases of one model whose answers differ, or none.

    With `is_decided` both answers are decided. Without it one of them may not be, the model may be
    of another decision, and a list that it lacks gets a record.
    """
    for model in models:
        if is_decided and model.decision != comparison.decision:
            continue
        cases: list[Scenario | None] = []
        for neighbor in _neighbors(program, amount, comparison, model.facts):
            facts = _with_value(model.facts, comparison.spot, neighbor.value, is_new=not is_decided)
            if facts is not None and comparison.key is not None:
                facts = _with_value(facts, comparison.key, amount.word, is_new=True)
            expect = _answer(program, comparison.decision, facts) if facts is not None else None
            if facts is None or expect is None or (is_decided and "outcome" not in expect):
                cases.append(None)
            else:
                cases.append(_scenario(amount, comparison, neighbor, facts, expect))
        for first, second in pairwise(cases):
            if first is not None and second is not None and first.expect != second.expect:
                return [first, second]
    return []


def _neighbors(
    program: Program, amount: Amount, comparison: Comparison, facts: Mapping[str, Any]
) -> list[Neighbor]:
    """Return the value at the boundary between the one before and the one after it."""
    if comparison.is_moment:
        return _moments(program, amount, comparison.spot, facts)
    if comparison.base is not None:
        return _days(amount, comparison, comparison.base, facts)
    if isinstance(amount.value, time):
        return []
    value = Decimal(amount.value)
    numbers = (value - comparison.step, value, value + comparison.step)
    return [
        Neighbor(
            plain(int(number) if number == number.to_integral_value() else number),
            format_amount(number.normalize(), amount.parameter.unit),
            _side(number, value),
        )
        for number in numbers
    ]


def _side(value: Any, boundary: Any) -> int:
    """Return -1 if the value is below the boundary, 0 at it, and 1 above it."""
    return int(value > boundary) - int(value < boundary)


def _moments(
    program: Program, amount: Amount, spot: Spot, facts: Mapping[str, Any]
) -> list[Neighbor]:
    """Return the moments at this time of the model's day, a minute before, and a minute after."""
    stated_time = _value_at(facts, spot)
    instant = read_instant(stated_time) if isinstance(stated_time, str) else None
    if instant is None or not isinstance(amount.value, time):
        return []
    zone = ZoneInfo(program.pack.time_zone)
    exact = datetime.combine(instant.astimezone(zone).date(), amount.value, zone)
    return [
        Neighbor(plain(moment.astimezone(UTC)), f"{moment:%H:%M}", _side(moment, exact))
        for moment in (exact - _MINUTE, exact, exact + _MINUTE)
    ]


def _days(
    amount: Amount, comparison: Comparison, base: Spot, facts: Mapping[str, Any]
) -> list[Neighbor]:
    """Return the days this length from the base, one nearer, and one farther."""
    base_day = iso_day(str(_value_at(facts, base)))
    if base_day is None or not isinstance(amount.value, (int, Decimal)):
        return []
    away = -1 if comparison.sign == "-" else 1
    exact = moved(base_day, length_of(amount.parameter.unit, amount.value), away)
    return [
        Neighbor(plain(moved(exact, _DAY, -away)), f"a day less than {amount.shown}", -1),
        Neighbor(plain(exact), amount.shown, 0),
        Neighbor(plain(moved(exact, _DAY, away)), f"a day more than {amount.shown}", 1),
    ]


def _scenario(
    amount: Amount,
    comparison: Comparison,
    neighbor: Neighbor,
    facts: dict[str, Any],
    expect: dict[str, Any],
) -> Scenario:
    parameter = amount.parameter
    place = {-1: "just under", 0: "exactly", 1: "just over"}[neighbor.side]
    at_the_scene = comparison.decision == _OFFER
    row = f"-{amount.word}" if amount.word else ""
    name = f"{parameter.name}{row}-{'exactly' if neighbor.is_exact else 'beyond'}"
    name += "-at-the-scene" if at_the_scene else ""
    capitalized = f"{neighbor.shown[:1].upper()}{neighbor.shown[1:]}"
    if comparison.is_moment:
        away = {-1: "a minute before", 0: "which is exactly", 1: "a minute after"}[neighbor.side]
        sentence = f"It is {neighbor.shown}, {away} this time: {parameter.label}"
    else:
        sentence = f"{capitalized} is {place} the {parameter.label}"
    sentence += f", for {format_choice(amount.word)}" if amount.word else ""
    sentence += ", known at the scene." if at_the_scene else "."
    return Scenario(
        name.replace("_", "-"), sentence, comparison.decision, None, facts, expect, Place()
    )


def _renamed(pair: list[Scenario], earlier: Sequence[Scenario]) -> list[Scenario]:
    """Return the pair, named for its decision too if another decision's pair has its names."""
    earlier_ids = {scenario.id for scenario in earlier}
    return [
        replace(scenario, id=f"{scenario.id}-for-{scenario.decision.replace('_', '-')}")
        if scenario.id in earlier_ids
        else scenario
        for scenario in pair
    ]


def _answer(program: Program, decision: str, facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a scenario expects of these facts, or None if no case can have them."""
    try:
        answer = program.decide(decision, facts)
    except Refusal:  # a number outside the fact's range
        return None
    if isinstance(answer.outcome, list):
        return None
    if answer.outcome is None:
        return {"status": answer.status, "possible": list(answer.possible)}
    return {"status": "decided", "outcome": answer.outcome}


def _value_at(facts: Mapping[str, Any], spot: Spot) -> Any:
    level: Any = facts
    for group in spot.path.split("."):
        level = level.get(group) if isinstance(level, Mapping) else None
    return level


def _with_value(
    facts: Mapping[str, Any], spot: Spot, value: Any, *, is_new: bool
) -> dict[str, Any] | None:
    """Return the facts with the value in place, or None where they have no one place for it.

    With `is_new` a fact that is missing is added, and a list gets a first record.
    """
    *groups, last = spot.path.split(".")
    changed = dict(facts)
    level = changed
    for group in groups:
        below = level.get(group, {} if is_new else None)
        if not isinstance(below, Mapping):
            return None
        level[group] = dict(below)
        level = level[group]
    if last not in level and not is_new:
        return None
    if spot.field is None:
        level[last] = value
        return changed
    records = level.get(last) or ([{}] if is_new else [])
    if not isinstance(records, list) or len(records) != 1:
        return None
    if spot.field not in records[0] and not is_new:
        return None
    level[last] = [{**records[0], spot.field: value}]
    return changed


def clock_scenarios(
    program: Program,
    decisions: Iterable[str],
    clock: Clock,
    parameter: Parameter,
    amount: Any,
    day: Any,
) -> list[Scenario]:
    """Return a case on the last second of a time limit, and one a second later.

    They are of the first of the decisions that reads clocks.
    """
    for decision in decisions:
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
        length_text = format_amount(amount, parameter.unit)
        return [
            _clock_scenario(program, clock, decision, facts, moment, f"{when} of the {length_text}")
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
    sentence = f"It is {when} for this: {clock.label}."
    return Scenario(
        name, sentence, decision, None, dated, {"clocks": {clock.name: status}}, Place()
    )
