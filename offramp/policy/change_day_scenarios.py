"""Ready scenarios on both sides of each day on which the new pack changes.

Such a day is one that the old pack doesn't have: on it a rule or a value of the new pack begins or
ends, or its program does. A case with another answer from that day on is offered for the day
before, and for the day itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from offramp.policy.change_days import (
    NEW,
    OLD,
    ONE_DAY,
    DaysWithoutRules,
    OneSidedStretch,
    Stretch,
)
from offramp.policy.change_scenarios import AskedScenarios
from offramp.policy.change_sides import ChangeSide
from offramp.policy.change_wording import READ_FIRST, UNSAID, days_of
from rules.author.missing_days import missing_days, moved_to
from rules.author.phrases import format_day, spell_name
from rules.author.redline import says_the_same
from rules.author.scenarios import Scenario, days_named, decide_scenario, first_difference
from rules.author.time_coverage import OUTSIDE, entry_decisions
from rules.author.time_coverage import Stretch as Days
from rules.decide.program import Program
from rules.decide.search_space import SearchSpace
from rules.errors import Refusal
from rules.frozen import frozen, replace
from rules.input.printing import plain
from rules.packs.resolve import resolve
from rules.prove.changed_answers import changed_answers
from rules.prove.changes import Pair
from rules.prove.sides import Side, decided


@frozen
class DayScenarios:
    """Ready scenarios beside days of change. `none_possible` says of which days there is none."""

    edges: tuple[dict[str, Any], ...] = ()
    none_possible: tuple[str, ...] = ()


def day_scenarios(
    sides: tuple[ChangeSide, ChangeSide],
    stretches: Sequence[Stretch],
    names: Collection[str],
    asked: AskedScenarios,
    seconds: float,
    one_sided: Sequence[OneSidedStretch] = (),
) -> DayScenarios:
    """Return ready scenarios for the days of change that no scenario of the new pack lies beside.

    `one_sided` are the days on which one pack alone gives answers. None if two days are compared.
    """
    if sides[0].day != sides[1].day:
        return DayScenarios()
    own = [scenario for scenario in asked.scenarios if scenario.id in asked.of_new]
    edges = list(_program_days(sides, names, own))
    for stretch in stretches:
        # On the day before a program's first one, there are no rules to compare.
        if not all(side.pack.program.in_force(stretch.since - ONE_DAY) for side in sides):
            continue
        before = tuple(_on(side, stretch.since - ONE_DAY) for side in sides)
        if not says_the_same(before[1].space.segment, stretch.segments[1]):
            for name in names:
                edges += _beside(name, stretch.since, before, stretch.formal, own, seconds)
    none_possible = []
    for day, side_name, after in _days_of_one_side(sides, one_sided):
        side = sides[side_name == NEW]
        first = _on(side, day - ONE_DAY)
        if says_the_same(first.space.segment, after.space.segment):
            continue
        if side_name == OLD:
            none_possible.append(
                f"{day}: the old pack's rules change, and the new pack gives no answer on this "
                "day, so no scenario of it can show them"
            )
            continue
        offered = [
            edge for name in names for edge in _beside(name, day, (first,), (after,), own, seconds)
        ]
        edges += offered
        if not offered and not _is_shown(names, day, first, after, own):
            none_possible.append(
                f"{day}: the new pack's rules change, and no case was found that gets another "
                "answer by them, so no scenario can show it"
            )
    return DayScenarios(tuple(edges), tuple(none_possible))


def _days_of_one_side(
    sides: tuple[ChangeSide, ChangeSide], one_sided: Sequence[OneSidedStretch]
) -> Iterator[tuple[date, str, Side]]:
    """Yield the days on which rules may change beside a day of which one pack alone has rules.

    That is each first day of such a stretch, and the first day on which both packs have rules.
    """
    packs = [side.pack for side in sides]
    for stretch in one_sided:
        side = sides[stretch.side == NEW]
        if stretch.since is not None and side.pack.program.in_force(stretch.since - ONE_DAY):
            yield stretch.since, stretch.side, _on(side, stretch.since)
        if stretch.until is not None and all(
            pack.program.in_force(stretch.until) for pack in packs
        ):
            if stretch.side == NEW:
                yield stretch.until, NEW, _on(side, stretch.until)


def _is_shown(
    names: Iterable[str], day: date, before: Side, after: Side, own: Sequence[Scenario]
) -> bool:
    """Return whether a scenario of the pack is on a side of a day, with another answer beside."""
    return any(
        _shows(scenario, name, own_day, before, after)
        for name in names
        for own_day in (day - ONE_DAY, day)
        for scenario in own
    )


def _on(side: ChangeSide, day: date) -> Side:
    return Side(Program(side.pack, day), SearchSpace(resolve(side.pack, day)))


# A day on which rules change


def _beside(
    name: str,
    day: date,
    before: tuple[Side, ...],
    after: tuple[Side, ...],
    own: Sequence[Scenario],
    seconds: float,
) -> Iterator[dict[str, Any]]:
    """Yield a case with another answer from the day on: on the day before, and on the day.

    `before` and `after` have both packs, or the new pack where it alone gives answers.
    """
    new_before, new_after = before[-1], after[-1]
    pairs = changed_answers(new_before, new_after, name, seconds).pairs
    for pair in sorted(pairs, key=_statements):
        facts = pair.example.facts
        of_new = [_outcome(side, name, facts) for side in (new_before, new_after)]
        if len(before) > 1:
            of_old = [_outcome(side, name, facts) for side in (before[0], after[0])]
            if of_old == of_new:  # the old pack changes on this day too
                continue
        days = (day - ONE_DAY, "before", new_before), (day, "from", new_after)
        for (own_day, when, side), outcome in zip(days, of_new, strict=True):
            if not any(_shows(scenario, name, own_day, new_before, new_after) for scenario in own):
                answer = ", ".join(outcome) if isinstance(outcome, list) else str(outcome)
                which = "the day before the rules change" if when == "before" else "their first day"
                yield {
                    "id": f"change-{name.replace('_', '-')}-{when}-{day}",
                    "says": f"It is {format_day(own_day)}, {which}: {spell_name(answer)}. "
                    f"{READ_FIRST}",
                    "decision": name,
                    "as_of": side.space.segment.day.isoformat(),
                    "facts": plain(facts),
                    "expect": {"outcome": plain(outcome)},
                }
        return


def _statements(pair: Pair) -> int:
    """Return how much the first region of a pair says: little for a case without other bars."""
    region = pair.regions[0]
    return len(region.parts) + len(region.rules)


def _outcome(side: Side, name: str, facts: Mapping[str, Any]) -> Any:
    decision = decided(side, name, facts)
    return None if decision is None else decision.outcome


def _shows(scenario: Scenario, name: str, day: date, before: Side, after: Side) -> bool:
    """Return whether a scenario is of a day, with a case that gets another answer beside it."""
    if scenario.decision != name or _day_of(scenario, after) != day:
        return False
    answers = [_outcome(side, name, scenario.facts) for side in (before, after)]
    return None not in answers and answers[0] != answers[1]


def _day_of(scenario: Scenario, side: Side) -> date | None:
    """Return the day of the rules that decide a scenario, None if it is refused."""
    try:
        return decide_scenario(Program(side.program.pack), scenario).as_of
    except Refusal:
        return None


# A day on which a program begins or ends


def _program_days(
    sides: tuple[ChangeSide, ChangeSide], names: Collection[str], own: Sequence[Scenario]
) -> Iterator[dict[str, Any]]:
    """Yield a case on each side of the program's first and last day, where they differ."""
    old, new = (side.pack.program for side in sides)
    program = Program(sides[1].pack)
    for name in entry_decisions(names):
        if new.since is not None and new.since != old.since:
            days = Days(name, new.since, new.until or date.max, new.since)
            yield from _of_program(program, days, new.since - ONE_DAY, own)
        if new.until is not None and new.until != old.until:
            days = Days(name, new.since or date.min, new.until, new.until)
            yield from _of_program(program, days, new.until, own)


def _of_program(
    program: Program, days: Days, day_without: date, own: Sequence[Scenario]
) -> Iterator[dict[str, Any]]:
    """Yield a case on the program's day that is next to one without it, and one on that day."""
    inside = next(iter(missing_days(program, own, [days])), None)
    if inside is None:
        return
    facts, as_of = moved_to(program, days.decision, inside.facts, day_without)
    outside = replace(inside, facts=facts, as_of=as_of, expect={"error": OUTSIDE})
    is_start = days.begins == days.changes
    day_inside = days.begins if is_start else days.changes - ONE_DAY
    which = "first" if is_start else "last"
    beside = "before" if is_start else "after"
    answer = spell_name(str(inside.expect.get("outcome", inside.expect["status"])))
    for scenario, day, text in (
        (outside, day_without, f"the day {beside} the program's {which} day: no answer"),
        (inside, day_inside, f"the program's {which} day: {answer}"),
    ):
        is_shown = any(
            present.decision == days.decision
            and ("error" in present.expect) == ("error" in scenario.expect)
            and _is_dated(present, day)
            for present in own
        )
        if not is_shown and first_difference(program, scenario) is None:
            yield {
                "id": f"change-{days.decision.replace('_', '-')}-{day}",
                "says": f"It is {format_day(day)}, {text}. {READ_FIRST}",
                "decision": days.decision,
                **({} if scenario.as_of is None else {"as_of": scenario.as_of}),
                "facts": plain(scenario.facts),
                "expect": plain(scenario.expect),
            }


def unsaid_days(asked: AskedScenarios, taken_away: Iterable[DaysWithoutRules]) -> Iterator[str]:
    """Yield the days that lose their answers, and of which no scenario of the new pack says it."""
    own = [
        scenario
        for scenario in asked.scenarios
        if scenario.id in asked.of_new and scenario.expect.get("error") == OUTSIDE
    ]
    for item in taken_away:
        if not any(item.has(day) for scenario in own for day in days_named(scenario)):
            days = days_of(item.as_json())
            start = f"{days[0].lower()}{days[1:]}"
            yield f"{start} the new pack gives no answer, {UNSAID}"


def _is_dated(scenario: Scenario, day: date) -> bool:
    encounter = scenario.facts.get("encounter", {})
    return day.isoformat() in (str(scenario.as_of), str(encounter.get("date")))
