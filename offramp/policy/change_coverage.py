"""Sides that a change brings and no scenario shows, as `offramp test` counts them.

A value that returns on a later day is a value of its own there, and both sides of each comparison
with it count. So a scenario is moved to that day. A side for which no scenario can be moved is
named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from offramp.policy.change_days import Stretch
from offramp.policy.change_scenarios import AskedScenarios, ScenarioFindings, with_new_ids
from offramp.policy.change_sides import ChangeSide
from offramp.policy.change_wording import READ_FIRST
from rules.author.missing_days import moved_to
from rules.author.phrases import format_day, spell_name
from rules.author.scenarios import Coverage, Scenario, decide_scenario
from rules.decide.decision import Decision
from rules.decide.program import Program
from rules.errors import Refusal
from rules.frozen import replace
from rules.input.printing import plain


def with_covered_sides(
    findings: ScenarioFindings,
    sides: tuple[ChangeSide, ChangeSide],
    stretches: Sequence[Stretch],
    names: Iterable[str],
) -> ScenarioFindings:
    """Return the findings with a ready scenario for each side that the change leaves uncovered.

    A side that the old pack's scenarios leave uncovered too is none of the change. Nothing is added
    if two days are compared, or for a pack without scenarios.
    """
    every = findings.asked
    own = [scenario for scenario in every.scenarios if scenario.id in every.of_new]
    if sides[0].day != sides[1].day or sides[0].pack is sides[1].pack or not own:
        return findings
    program = Program(sides[1].pack)
    scenarios = [*own, *_read(findings.edges)]
    before = set(_coverage_of(Program(sides[0].pack), every.scenarios).lacking())
    coverage = _coverage_of(program, scenarios)
    # A scenario of a day without rules fails, and covers its sides once it is moved.
    for _, decision in _moved(program, _without_answer(program, own), stretches[:1]):
        coverage.add(decision)
    left = [text for text in coverage.lacking() if text not in before]
    wanted = set(names)
    added: list[dict[str, Any]] = []
    for scenario, decision in _moved(program, scenarios, stretches) if left else ():
        if scenario.decision not in wanted or not left:
            continue
        alone = Coverage(sides[1].pack)
        alone.add(decision)
        lacking = set(alone.lacking())
        if any(text not in lacking for text in left):
            left = [text for text in left if text in lacking]
            added.append(_ready(scenario, decision))
    edges = (*findings.edges, *with_new_ids(added, every, findings.edges))
    return replace(findings, edges=edges, uncovered=tuple(left))


def _coverage_of(program: Program, scenarios: Iterable[Scenario]) -> Coverage:
    coverage = Coverage(program.pack)
    for scenario in scenarios:
        try:
            coverage.add(decide_scenario(program, scenario))
        except Refusal as refusal:
            coverage.add_refused(scenario, refusal)
    return coverage


def _decided(program: Program, scenario: Scenario) -> Decision | None:
    try:
        return decide_scenario(program, scenario)
    except Refusal:
        return None


def _without_answer(program: Program, scenarios: Iterable[Scenario]) -> list[Scenario]:
    return [scenario for scenario in scenarios if _decided(program, scenario) is None]


def _moved(
    program: Program, scenarios: Sequence[Scenario], stretches: Sequence[Stretch]
) -> Iterator[tuple[Scenario, Decision]]:
    """Yield each scenario on the first day of each stretch, where the rules decide it."""
    for stretch in stretches:
        for scenario in scenarios:
            if "error" in scenario.expect or scenario.decision not in program.pack.decisions:
                continue
            day = stretch.since
            facts, as_of = moved_to(program, scenario.decision, scenario.facts, day)
            moved = replace(scenario, facts=facts, as_of=as_of)
            decision = _decided(program, moved)
            if decision is not None and decision.status == "decided" and decision.as_of == day:
                yield moved, decision


def _ready(scenario: Scenario, decision: Decision) -> dict[str, Any]:
    assert isinstance(decision.as_of, date)
    outcome = decision.outcome
    answer = ", ".join(outcome) if isinstance(outcome, list) else str(outcome)
    name = scenario.decision.replace("_", "-")
    return {
        "id": f"change-{name}-side-{decision.as_of}",
        "says": f"It is {format_day(decision.as_of)}, under a value of that day: "
        f"{spell_name(answer)}. {READ_FIRST}",
        "decision": scenario.decision,
        **({} if scenario.as_of is None else {"as_of": scenario.as_of}),
        "facts": plain(scenario.facts),
        "expect": {"outcome": plain(outcome)},
    }


def _read(edges: Iterable[Mapping[str, Any]]) -> tuple[Scenario, ...]:
    return AskedScenarios.from_json({**edge, "of": "new"} for edge in edges).scenarios
