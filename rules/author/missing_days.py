"""Scenarios for the days of change that no scenario lies beside.

Each is a scenario of the same decision, moved to the day. Its answer is the pack's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rules.author.scenarios import Scenario, decide_scenario, first_difference
from rules.author.time_coverage import OUTSIDE, Stretch
from rules.decide.program import Program
from rules.decide.scene_day import DAY
from rules.errors import Place, Refusal
from rules.frozen import replace
from rules.input.printing import plain

_A_DAY = timedelta(days=1)


def missing_days(
    program: Program, scenarios: Sequence[Scenario], lacking: Iterable[Stretch]
) -> tuple[Scenario, ...]:
    """Return a scenario for each stretch without one, none where no case can be decided then."""
    names = {scenario.id for scenario in scenarios}
    added: dict[tuple[str, date], Scenario] = {}
    for stretch in lacking:
        is_after = stretch.begins == stretch.changes
        day = stretch.begins if is_after else stretch.changes - _A_DAY
        # The stretch between two changes lies beside both of them.
        if not (stretch.is_outside or stretch.is_last_day) and any(
            name == stretch.decision and stretch.begins <= other < stretch.ends
            for name, other in added
        ):
            continue
        scenario = _scenario(program, scenarios, stretch, day)
        if scenario is not None:
            added[stretch.decision, day] = _named(scenario, names)
    return tuple(added.values())


def _named(scenario: Scenario, names: set[str]) -> Scenario:
    stem, number, name = scenario.id, 1, scenario.id
    while name in names:
        number += 1
        name = f"{stem}-{number}"
    names.add(name)
    return replace(scenario, id=name)


def _scenario(
    program: Program, scenarios: Sequence[Scenario], stretch: Stretch, day: date
) -> Scenario | None:
    """Return the first case that is decided on the day, or else the first that can be asked."""
    side = f"from {stretch.changes} on" if day == stretch.changes else f"before {stretch.changes}"
    if stretch.is_outside:
        return _outside(program, scenarios, stretch)
    open_case: Scenario | None = None
    for facts in _cases(scenarios, stretch.decision):
        dated, as_of = moved_to(program, stretch.decision, facts, day)
        scenario = Scenario(
            f"auto-{stretch.decision.replace('_', '-')}-{day}",
            f"This pack's own answer is taken as right, under the rules {side}.",
            stretch.decision,
            as_of,
            dated,
            {},
            Place(),
        )
        try:
            decision = decide_scenario(program, scenario)
            status = decision.status
        except Refusal:
            continue
        if decision.as_of is None or not stretch.begins <= decision.as_of < stretch.ends:
            continue
        expect: dict[str, Any] = {"status": status}
        if status == "decided":
            return _expecting(scenario, {**expect, "outcome": plain(decision.outcome)})
        open_case = open_case or _expecting(scenario, {**expect, "possible": decision.possible})
    return open_case


def _outside(program: Program, scenarios: Sequence[Scenario], stretch: Stretch) -> Scenario | None:
    """Return a case that is refused on the day, as the program doesn't run then."""
    for facts in _cases(scenarios, stretch.decision):
        dated, as_of = moved_to(program, stretch.decision, facts, stretch.begins)
        scenario = Scenario(
            f"auto-{stretch.decision.replace('_', '-')}-{stretch.begins}",
            f"The program has ended: its last day is the one before {stretch.begins}.",
            stretch.decision,
            as_of,
            dated,
            {"error": OUTSIDE},
            Place(),
        )
        if first_difference(program, scenario) is None:
            return scenario
    return None


def _expecting(scenario: Scenario, expect: Mapping[str, Any]) -> Scenario:
    return replace(scenario, expect=expect)


def _cases(scenarios: Sequence[Scenario], decision: str) -> Iterator[dict[str, Any]]:
    """Yield the facts of a decision's scenarios, each also without its case's events, and none."""
    for scenario in scenarios:
        if scenario.decision == decision and "error" not in scenario.expect:
            facts = dict(scenario.facts)
            yield facts
            yield {name: value for name, value in facts.items() if name != "case"}
    yield {}


def moved_to(
    program: Program, decision: str, facts: Mapping[str, Any], day: date
) -> tuple[dict[str, Any], str | None]:
    """Return the facts on the day that governs the decision, and the day if it is given apart."""
    governed_by = program.pack.decisions[decision].governed_by
    if governed_by == "as_of":
        return dict(facts), day.isoformat()
    if governed_by == DAY:
        kept = {name: value for name, value in facts.items() if name != "now"}
        encounter = {
            name: value for name, value in facts.get("encounter", {}).items() if name != "at"
        }
        return {**kept, "encounter": {**encounter, "date": day.isoformat()}}, None
    noon = datetime.combine(day, time(12), ZoneInfo(program.pack.time_zone))
    return {**facts, "now": plain(noon.astimezone(UTC))}, None
