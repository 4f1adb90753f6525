"""Do a pack's scenarios notice a change? Those that flip, and the edges that none covers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from offramp.policy.change_sides import ChangeSide
from rules.author.phrases import format_amount, spell_name
from rules.author.scenarios import Scenario, passes, read_scenarios
from rules.decide.program import Program
from rules.errors import Refusal
from rules.frozen import frozen
from rules.input.printing import plain
from rules.prove.changes import ChangedAnswers, Edge, Example, Pair
from rules.prove.number_edges import is_at, unit_of
from rules.prove.sides import Side, decided, in_region, known_to
from rules.shelf import day_of


@frozen
class Flip:
    """A scenario whose answer differs between the two sides."""

    id: str
    decision: str
    before: str
    after: str

    def as_json(self) -> dict[str, str]:
        """Return the flip as the memo has it."""
        names = {"id": self.id, "decision": self.decision}
        return {**names, "before": self.before, "after": self.after}


@frozen
class ScenarioFindings:
    """The scenarios that flip, those of the new pack that fail, and a scenario for each edge."""

    asked: int
    flips: tuple[Flip, ...]
    failing: tuple[str, ...]
    edges: tuple[Mapping[str, Any], ...]


def scenarios_of(side: ChangeSide) -> list[Scenario]:
    """Return the scenarios beside a pack, none without the file."""
    if not (side.folder / "scenarios.yaml").exists():
        return []
    return read_scenarios(side.folder)


def ask_scenarios(
    sides: tuple[ChangeSide, ChangeSide],
    formal: tuple[Side, Side],
    answers: Mapping[str, ChangedAnswers],
) -> ScenarioFindings:
    """Decide the scenarios of both packs on both sides, and find the edges that none covers."""
    by_id: dict[str, Scenario] = {}
    for side in sides:
        by_id |= {scenario.id: scenario for scenario in scenarios_of(side)}
    new = scenarios_of(sides[1])
    program = Program(sides[1].pack)
    failing = tuple(scenario.id for scenario in new if not passes(program, scenario))
    flips = []
    for scenario in by_id.values():
        if scenario.decision in answers:
            before, after = (
                _says(scenario, side, own) for side, own in zip(sides, formal, strict=True)
            )
            if before is not None and after is not None and before != after:
                flips.append(Flip(scenario.id, scenario.decision, before, after))
    edges = [
        edge
        for answer in answers.values()
        for edge in _edges(answer, sides[1].day, list(by_id.values()), formal)
    ]
    return ScenarioFindings(len(by_id), tuple(flips), failing, tuple(edges))


def _says(scenario: Scenario, side: ChangeSide, own: Side) -> str | None:
    """Return the answer to a scenario on a side: on its own day, or on the side's if it has one.

    None if the side has no answer, as on a day before its program began.
    """
    try:
        program = own.program
        if not side.is_dated:
            program = Program(side.pack, day_of(scenario.as_of) if scenario.as_of else None)
        decision = program.decide(scenario.decision, known_to(own, scenario.facts))
    except Refusal:
        return None
    outcome = decision.outcome
    if isinstance(outcome, list):
        return ", ".join(outcome) or decision.status
    return outcome or decision.status


def _edges(
    answers: ChangedAnswers, day: date, scenarios: Sequence[Scenario], formal: tuple[Side, Side]
) -> Iterator[dict[str, Any]]:
    """Yield a ready scenario for each region and each number that no scenario is at."""
    own = [scenario for scenario in scenarios if scenario.decision == answers.name]
    cases = [
        (
            decided(formal[0], answers.name, scenario.facts),
            decided(formal[1], answers.name, scenario.facts),
        )
        for scenario in own
    ]
    number = 0
    for pair in answers.pairs:
        for region in pair.regions:
            if region.example is not None and not any(
                in_region(region, formal, case) for case in cases
            ):
                number += 1
                yield ready_scenario(answers.name, pair, region.example, day, number)

    for edge in answers.edges:
        if not is_at(edge.compared, edge.value, (new for _, new in cases)):
            number += 1
            yield _number_scenario(answers.name, edge, day, number)


def _number_scenario(name: str, edge: Edge, day: date, number: int) -> dict[str, Any]:
    """Return a case at a number, or just beyond it, as a scenario."""
    place = "exactly at" if edge.is_exact else "just beyond"
    outcome = edge.example.outcome
    answer = ", ".join(outcome) if isinstance(outcome, list) else str(outcome)
    limit = format_amount(edge.limit.normalize(), unit_of(edge.compared))
    return {
        "id": f"change-{name}-{number}".replace("_", "-"),
        "says": f"The case is {place} {limit}: {spell_name(answer)}.",
        "decision": name,
        "as_of": day.isoformat(),
        "facts": plain(edge.example.facts),
        "expect": {"outcome": outcome},
    }


def ready_scenario(
    name: str, pair: Pair, example: Example, day: date, number: int
) -> dict[str, Any]:
    """Return a case as a scenario that the new side passes."""
    outcomes = [spell_name(outcome) for outcome in (pair.before, pair.after)]
    subject = "The answer" if pair.outcome is None else spell_name(pair.outcome)
    return {
        "id": f"change-{name}-{number}".replace("_", "-"),
        "says": f"{subject} is {outcomes[1]} after the change, and was {outcomes[0]} before it.",
        "decision": name,
        "as_of": day.isoformat(),
        "facts": plain(example.facts),
        "expect": {"outcome": example.outcome},
    }
