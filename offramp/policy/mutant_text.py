"""The score of a pack's scenarios against small mistakes, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rules.author.case_words import case_in_words
from rules.author.phrases import spell_name
from rules.author.scenarios import GENERATED
from rules.input.printing import plain
from rules.shelf import english

if TYPE_CHECKING:
    from rules.author.mutants import MutantScore
    from rules.author.scenarios import Scenario
    from rules.packs.pack import Pack

MOST_OPEN = 20  # that are listed


def mutants_as_json(score: MutantScore) -> dict[str, Any]:
    """Return a score as `offramp test --mutants --json` prints it."""
    value: dict[str, Any] = {
        "made": score.made,
        "equal": len(score.of("equal")),
        "noticed": score.noticed,
        "survivors": [
            {
                "rule": settled.mistake.where,
                "says": f"no scenario notices if {settled.mistake.says}",
                "scenario": _scenario_as_json(settled.scenario),
            }
            for settled in score.of("missed")
            if settled.scenario is not None
        ],
    }
    still_open = [
        {"rule": settled.mistake.where, "says": settled.mistake.says, "why": settled.why}
        for settled in score.of("open")
    ]
    return value | ({"open": still_open} if still_open else {})


def _scenario_as_json(scenario: Scenario) -> dict[str, Any]:
    return {
        "id": scenario.id,
        "decision": scenario.decision,
        **({"as_of": scenario.as_of} if scenario.as_of is not None else {}),
        "facts": plain(scenario.facts),
        "expect": plain(scenario.expect),
    }


def added_lines(name: str, pack: Pack, added: Sequence[Scenario]) -> Iterator[str]:
    """Yield the number of scenarios that were added, and each in words, to be read."""
    yield f"{name}: {len(added)} scenario{'' if len(added) == 1 else 's'} added"
    if added:
        yield (
            f"{name}: Read before you keep: each takes this pack's own answer as right. Change or "
            f"delete what is wrong in `{GENERATED}`."
        )
    for scenario in added:
        case = case_in_words(scenario.facts, pack, english())
        day = f" on {scenario.as_of}" if scenario.as_of is not None else ""
        yield f"  `{scenario.id}`: {spell_name(scenario.decision)}{day} {_expected(scenario)}"
        yield f"      if {case}"


def _expected(scenario: Scenario) -> str:
    """Return the answer that a generated scenario expects, in words."""
    expect = scenario.expect
    if "clocks" in expect:
        clocks = (f"{name} is {spell_name(status)}" for name, status in expect["clocks"].items())
        return f"has the clock {', '.join(clocks)}"
    if expect.get("status") != "decided":
        return "is undetermined"
    outcome = expect["outcome"]
    outcomes = outcome if isinstance(outcome, list) else [outcome]
    return f"is {', '.join(map(spell_name, outcomes)).upper() or 'NOTHING YET'}"


def mutant_lines(name: str, score: MutantScore) -> Iterator[str]:
    """Yield a line for each mistake that goes unnoticed or is not settled, and the score."""
    missed, still_open = score.of("missed"), score.of("open")
    for settled in missed:
        yield f"{name}: `{settled.mistake.where}`: no scenario notices if {settled.mistake.says}"
    for settled in still_open[:MOST_OPEN]:
        yield f"{name}: `{settled.mistake.where}`: {settled.why}, if {settled.mistake.says}"
    if len(still_open) > MOST_OPEN:
        yield f"{name}: {len(still_open) - MOST_OPEN} more are not settled"
    counted = score.noticed + len(missed)
    more = f" {len(still_open)} more are not settled." if still_open else ""
    yield (
        f"{name}: Of {counted} mistakes that change an answer, the scenarios notice "
        f"{score.noticed}.{more}"
    )
