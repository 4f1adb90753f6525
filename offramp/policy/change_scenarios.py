"""Do a pack's scenarios notice a change? Those that flip, and the edges that none covers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import chain, count
from typing import Any

from offramp.policy.boundary_scenarios import clock_scenarios
from offramp.policy.change_sides import ChangeSide, naming
from offramp.policy.change_wording import READ_FIRST
from rules.author.phrases import format_amount, spell_name
from rules.author.scenarios import Scenario, first_difference, read_scenarios
from rules.decide.program import Program
from rules.errors import Place, Refusal
from rules.frozen import frozen
from rules.input.printing import plain
from rules.input.values import read_instant
from rules.prove.changes import ChangedAnswers, Edge, Example, Pair
from rules.prove.number_edges import is_at, unit_of
from rules.prove.sides import Side, decided, in_region, known_to
from rules.shelf import day_of

_OLD, _NEW = "old", "new"
_OUTSIDE = "outside-program"


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
class Unanswered:
    """A scenario that one side answers, and that is outside the program of the other, `side`."""

    id: str
    decision: str
    side: str

    def as_json(self) -> dict[str, str]:
        """Return the scenario as the memo has it."""
        return {"id": self.id, "decision": self.decision, "side": self.side}


@frozen
class ScenarioAnswers:
    """The scenarios that flip between both sides, and those of the new pack that fail.

    `unanswered` have an answer on one side, and are outside the program of the other one.
    """

    flips: tuple[Flip, ...]
    failing: tuple[Failing, ...]
    unanswered: tuple[Unanswered, ...]


@frozen
class Failing:
    """A scenario of the new pack that fails, and the first thing that differs from it."""

    id: str
    why: str

    def as_json(self) -> dict[str, str]:
        """Return the scenario as the memo has it."""
        return {"id": self.id, "why": self.why}

    @property
    def finding(self) -> str:
        """What contradicts the pack, as a sentence."""
        return f"the scenario `{self.id}` of the new pack fails: {self.why}"


@frozen
class AskedScenarios:
    """The scenarios that are asked on both sides. `of_new` are the ids of those of the new pack."""

    scenarios: tuple[Scenario, ...]
    of_new: frozenset[str]

    @staticmethod
    def beside(sides: tuple[ChangeSide, ChangeSide]) -> AskedScenarios:
        """Read the scenarios beside both packs. Of two with one id, the new pack's is asked."""
        old, new = (
            _scenarios_named(label, side) for label, side in zip(("OLD", "NEW"), sides, strict=True)
        )
        by_id = {scenario.id: scenario for scenario in (*old, *new)}
        return AskedScenarios(tuple(by_id.values()), frozenset(scenario.id for scenario in new))

    @staticmethod
    def from_json(entries: Iterable[Mapping[str, Any]]) -> AskedScenarios:
        """Return the scenarios of a memo. Raises as `as_json` would be misread: `KeyError`."""
        listed = list(entries)
        scenarios = tuple(
            Scenario(
                entry["id"],
                entry["says"],
                entry["decision"],
                entry.get("as_of"),
                entry["facts"],
                entry["expect"],
                Place(),
            )
            for entry in listed
        )
        return AskedScenarios(
            scenarios, frozenset(entry["id"] for entry in listed if entry["of"] == _NEW)
        )

    def as_json(self) -> list[dict[str, Any]]:
        """Return the scenarios as the memo has them, so that anybody can ask them again."""
        return [
            {
                "id": scenario.id,
                "of": _NEW if scenario.id in self.of_new else _OLD,
                "says": scenario.says,
                "decision": scenario.decision,
                **({} if scenario.as_of is None else {"as_of": scenario.as_of}),
                "facts": plain(scenario.facts),
                "expect": plain(scenario.expect),
            }
            for scenario in self.scenarios
        ]


@frozen
class ScenarioFindings:
    """The scenarios that flip, those of the new pack that fail, and a scenario for each edge.

    `uncovered` has what `offramp test` would still count as not covered, a sentence each.
    """

    asked: AskedScenarios
    flips: tuple[Flip, ...]
    failing: tuple[Failing, ...]
    edges: tuple[Mapping[str, Any], ...]
    uncovered: tuple[str, ...] = ()
    unanswered: tuple[Unanswered, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the findings as the memo has them."""
        return {
            "asked": len(self.asked.scenarios),
            "list": self.asked.as_json(),
            "flips": [flip.as_json() for flip in self.flips],
            **(
                {"unanswered": [scenario.as_json() for scenario in self.unanswered]}
                if self.unanswered
                else {}
            ),
            "failing": [scenario.as_json() for scenario in self.failing],
            "edges": list(self.edges),
            **({"uncovered": list(self.uncovered)} if self.uncovered else {}),
        }


def _scenarios_named(label: str, side: ChangeSide) -> list[Scenario]:
    """Return the scenarios beside a pack. A refusal names the side, as it was typed."""
    with naming(label, side.name):
        return scenarios_of(side)


def scenarios_of(side: ChangeSide) -> list[Scenario]:
    """Return the scenarios beside a pack, none without the file."""
    if not (side.folder / "scenarios.yaml").exists():
        return []
    return read_scenarios(side.folder)


def ask_scenarios(
    asked: AskedScenarios,
    sides: tuple[ChangeSide, ChangeSide],
    formal: tuple[Side, Side],
    answers_on_days: Sequence[tuple[tuple[Side, Side], Mapping[str, ChangedAnswers]]],
    on_edges_of_days: Iterable[dict[str, Any]] = (),
) -> ScenarioFindings:
    """Decide scenarios on both sides, and find the edges that none covers.

    `answers_on_days` has both sides on each compared day, with what changes then.
    `on_edges_of_days` are ready scenarios beside days of change.
    """
    edges = [
        edge
        for own, answers in answers_on_days
        for answer in answers.values()
        for edge in _edges(answer, own[1].space.segment.day, asked.scenarios, own, formal)
    ]
    for own, answers in answers_on_days:
        edges += _clock_edges(own, asked, answers)
    edges += [
        edge for edge in on_edges_of_days if not any(_is_same_case(edge, kept) for kept in edges)
    ]
    found = ask_again(asked, sides, formal, answers_on_days[0][1])
    return ScenarioFindings(
        asked,
        found.flips,
        found.failing,
        tuple(with_new_ids(edges, asked)),
        unanswered=found.unanswered,
    )


def _is_same_case(edge: Mapping[str, Any], kept: Mapping[str, Any]) -> bool:
    keys = ("decision", "as_of", "facts", "expect")
    return all(edge.get(key) == kept.get(key) for key in keys)


def with_new_ids(
    edges: Iterable[dict[str, Any]],
    asked: AskedScenarios,
    others: Iterable[Mapping[str, Any]] = (),
) -> Iterator[dict[str, Any]]:
    """Yield scenarios under ids that no other has, so that they can be added as they are."""
    used_ids = {scenario.id for scenario in asked.scenarios} | {edge["id"] for edge in others}
    for edge in edges:
        ids = chain([edge["id"]], (f"{edge['id']}-{number}" for number in count(2)))
        free = next(name for name in ids if name not in used_ids)
        used_ids.add(free)
        yield {**edge, "id": free}


def ask_again(
    asked: AskedScenarios,
    sides: tuple[ChangeSide, ChangeSide],
    formal: tuple[Side, Side],
    names: Collection[str],
) -> ScenarioAnswers:
    """Return how the scenarios of these decisions differ, and those of the new pack that fail."""
    program = Program(sides[1].pack)
    are_two_days = sides[0].day != sides[1].day
    failing = tuple(
        Failing(scenario.id, why)
        for scenario in asked.scenarios
        if scenario.id in asked.of_new and (why := first_difference(program, scenario)) is not None
    )
    flips: list[Flip] = []
    unanswered: list[Unanswered] = []
    for scenario in asked.scenarios:
        if scenario.decision in names:
            before, after = (
                _says(scenario, side, own, are_two_days)
                for side, own in zip(sides, formal, strict=True)
            )
            if before is None or after is None or before == after:
                continue
            if _OUTSIDE in (before, after):
                side = _OLD if before == _OUTSIDE else _NEW
                unanswered.append(Unanswered(scenario.id, scenario.decision, side))
            else:
                flips.append(Flip(scenario.id, scenario.decision, before, after))
    return ScenarioAnswers(tuple(flips), failing, tuple(unanswered))


def _says(scenario: Scenario, side: ChangeSide, own: Side, is_on_its_day: bool) -> str | None:
    """Return the answer to a scenario on a side: on its own day, or on the side's if they differ.

    It is `outside-program` on a day on which the program doesn't run, and None if the side refuses
    the scenario for another reason.
    """
    try:
        program = own.program
        if not is_on_its_day:
            program = Program(side.pack, day_of(scenario.as_of) if scenario.as_of else None)
        decision = program.decide(scenario.decision, known_to(own, scenario.facts))
    except Refusal as refusal:
        return _OUTSIDE if refusal.code == _OUTSIDE else None
    outcome = decision.outcome
    if isinstance(outcome, list):
        return ", ".join(outcome) or decision.status
    return outcome or decision.status


def _edges(
    answers: ChangedAnswers,
    day: date,
    scenarios: Sequence[Scenario],
    own: tuple[Side, Side],
    first: tuple[Side, Side],
) -> Iterator[dict[str, Any]]:
    """Yield a ready scenario for each region and each number that no scenario is at."""
    cases = [
        (
            decided(own[0], answers.name, scenario.facts),
            decided(own[1], answers.name, scenario.facts),
        )
        for scenario in scenarios
        if scenario.decision == answers.name
    ]
    start = f"change-{answers.name}".replace("_", "-")
    start += "" if own is first else f"-{day}"
    edges = [
        edge
        for edge in answers.edges
        if not is_at(edge.compared, edge.value, (new for _, new in cases))
    ]
    at_edges = [edge.example.facts for edge in edges]
    number = 0
    for pair in answers.pairs:
        for region in pair.regions:
            is_there = any(in_region(region, own, case) for case in cases)
            if region.example is None or is_there or region.example.facts in at_edges:
                continue
            number += 1
            yield ready_scenario(answers.name, pair, region.example, day, f"{start}-{number}")
    for edge in edges:
        number += 1
        yield _number_scenario(answers.name, edge, day, f"{start}-{number}")


def _clock_edges(
    own: tuple[Side, Side], asked: AskedScenarios, names: Collection[str]
) -> Iterator[dict[str, Any]]:
    """Yield a case at the end of each time limit that changed, and one a second later.

    A scenario of the new pack that names the clock covers the state that it expects.
    """
    old, new = (side.space.segment for side in own)
    for name, clock in new.clocks.items():
        before = old.clocks.get(name)
        amount = new.parameters[clock.length]
        if before is not None and old.parameters[before.length] == amount:
            continue
        parameter = new.pack.parameters[clock.length]
        for scenario in clock_scenarios(own[1].program, names, clock, parameter, amount, new.day):
            if not _is_clock_asked(name, scenario, asked, own[1]):
                yield {
                    "id": f"change-{scenario.id}-{new.day}",
                    "says": f"{scenario.says} {READ_FIRST}",
                    "decision": scenario.decision,
                    "as_of": new.day.isoformat(),
                    "facts": plain(scenario.facts),
                    "expect": plain(scenario.expect),
                }


def _is_clock_asked(clock: str, wanted: Scenario, asked: AskedScenarios, new: Side) -> bool:
    """Return whether a scenario of the new pack is at the same place of a clock as another."""
    place = _place_in(clock, wanted, new)
    return any(
        _place_in(clock, scenario, new) == place
        for scenario in asked.scenarios
        if scenario.id in asked.of_new
        and scenario.decision == wanted.decision
        and clock in scenario.expect.get("clocks", {})
    )


def _place_in(clock: str, scenario: Scenario, side: Side) -> timedelta | None:
    """Return how long before its end a clock is in a scenario, None if it doesn't run there."""
    decision = decided(side, scenario.decision, scenario.facts)
    now = read_instant(str(scenario.facts.get("now")))
    readings = {} if decision is None else {item["clock"]: item for item in decision.clocks}
    due = read_instant(str(readings[clock].get("due"))) if clock in readings else None
    return None if due is None or now is None else due - now


def _number_scenario(name: str, edge: Edge, day: date, scenario_id: str) -> dict[str, Any]:
    """Return a case at a number, just under it, or just over it, as a scenario."""
    if edge.is_exact:
        place = "exactly at"
    else:
        place = "just under" if edge.value < edge.limit else "just over"
    outcome = edge.example.outcome
    answer = ", ".join(outcome) if isinstance(outcome, list) else str(outcome)
    limit = format_amount(edge.limit.normalize(), unit_of(edge.compared))
    return {
        "id": scenario_id,
        "says": f"The case is {place} {limit}: {spell_name(answer)}. {READ_FIRST}",
        "decision": name,
        "as_of": day.isoformat(),
        "facts": plain(edge.example.facts),
        "expect": {"outcome": outcome},
    }


def ready_scenario(
    name: str, pair: Pair, example: Example, day: date, scenario_id: str
) -> dict[str, Any]:
    """Return a case as a scenario that the new side passes."""
    outcomes = [spell_name(outcome) for outcome in (pair.before, pair.after)]
    subject = "The answer" if pair.outcome is None else spell_name(pair.outcome)
    return {
        "id": scenario_id,
        "says": f"{subject} is {outcomes[1]} after the change, and was {outcomes[0]} before it. "
        f"{READ_FIRST}",
        "decision": name,
        "as_of": day.isoformat(),
        "facts": plain(example.facts),
        "expect": {"outcome": example.outcome},
    }
