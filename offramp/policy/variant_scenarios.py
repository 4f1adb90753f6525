"""Choose the scenarios of a city's first draft from its parent's, moved to the draft's first day.

The chosen scenarios pass on that day. Together they touch every rule of the draft that any of the
parent's scenarios touches.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from offramp.policy.boundary_scenarios import boundary_scenarios
from offramp.policy.city import City
from offramp.policy.yaml_text import to_yaml
from rules.author.scenarios import Scenario, passes, read_scenarios, run
from rules.decide.program import Program
from rules.errors import Place
from rules.frozen import frozen
from rules.input.values import iso_day, read_instant
from rules.input.yaml import read_file
from rules.packs.pack import Pack

# The decisions whose rules a city changes first.
CITY_DECISIONS = ("eligibility", "offer")

_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_YEAR = rf"(?:\d{{1,2}} )?(?:(?:{_MONTH}) )?(?:19|20)\d\d"
_DATE_PHRASE = re.compile(rf" (?:in|on|of|since|from) {_YEAR}\b")
_ABOUT_TIME = re.compile(
    r"\b(?:19|20)\d\d\b|\b(?:later|earlier|still|then on|day before|not sure)\b"
)
_ABOUT_AMOUNT = re.compile(r"\b(?:cap|limit)\b")


@frozen
class DraftScenario:
    """A scenario of the draft. `like` is the id of an earlier one whose facts it starts from."""

    scenario: Scenario
    like: str | None


class ScenarioChooser:
    """Chooses the scenarios of one city's draft.

    `folder` is the parent's. `decisions` are the decisions with rules in the draft.
    """

    def __init__(self, city: City, parent: Pack, folder: Path, decisions: Collection[str]) -> None:
        self.city = city
        self.parent = parent
        self.folder = folder
        self.decisions = decisions

    def choose(self, program: Program) -> list[DraftScenario]:
        """Return the scenarios to keep. `program` is the draft's own."""
        holding = self._holding(program)
        kept = self._from_parent(program, holding)
        kept = kept or [DraftScenario(self._fallback(program), None)]
        models = [draft.scenario for draft in kept]
        added: list[DraftScenario] = []
        # The parent's other scenarios show where the answers of other decisions turn.
        known = [*models, *holding]
        for scenario in boundary_scenarios(program, self.city.starts, known):
            earlier = [*models, *(draft.scenario for draft in added)]
            if any(scenario.id == model.id for model in models):
                continue  # a parent of the city's own has it already
            added.append(DraftScenario(scenario, _nearest(scenario, earlier)))
        return [*kept, *added]

    def _fallback(self, program: Program) -> Scenario:
        """Make the scenario of a draft whose parent has none to keep: only the day is known."""
        decision = next(
            name
            for name in (*CITY_DECISIONS, *self.parent.decisions)
            if name in self.parent.decisions
        )
        facts = {
            "now": f"{self.city.starts}T12:00:00Z",
            "encounter": {"date": self.city.starts.isoformat()},
        }
        answer = program.on(self.city.starts).decide(decision, facts)
        expect = {"status": answer.status} | (
            {"outcome": answer.outcome} if answer.outcome is not None else {}
        )
        text = "Nothing is known but the day."
        return Scenario("nothing-is-known", text, decision, None, facts, expect, Place())

    def _from_parent(self, program: Program, holding: list[Scenario]) -> list[DraftScenario]:
        if not (self.folder / "scenarios.yaml").exists():
            return []
        models = self._models()
        passing = {
            scenario.id: scenario for scenario in holding if scenario.decision in self.decisions
        }
        chosen = self._cover(program, passing)
        for name in list(chosen):  # a scenario is read together with the one it is like
            while (name := models.get(name, "")) in passing:
                chosen.add(name)
        scenarios: list[DraftScenario] = []
        for scenario in passing.values():
            if scenario.id in chosen:
                model = models.get(scenario.id, "")
                earlier = [draft.scenario for draft in scenarios]
                like = model if model in chosen else _nearest(scenario, earlier)
                scenarios.append(DraftScenario(self._reworded(scenario), like))
        return scenarios

    def _models(self) -> dict[str, str]:
        """Return the `like` of each scenario of the parent that has one."""
        return {
            node.value["id"].text("`id`"): node.value["like"].text("`like`")
            for node in read_file(self.folder / "scenarios.yaml").items("the scenarios")
            if "like" in node.value
        }

    def _holding(self, program: Program) -> list[Scenario]:
        """Return the parent's scenarios of all decisions, moved to the first day, that pass."""
        if not (self.folder / "scenarios.yaml").exists():
            return []
        moved = [self._moved(scenario) for scenario in read_scenarios(self.folder)]
        return [
            scenario
            for scenario in moved
            if scenario.as_of is None
            and "error" not in scenario.expect
            and passes(program, scenario)
        ]

    def _cover(self, program: Program, passing: Mapping[str, Scenario]) -> set[str]:
        """Choose scenarios that touch all rules, those that mention no date or cap first."""
        chosen: set[str] = set()
        undated = [scenario for scenario in passing.values() if not self._is_dated(scenario)]
        for group in (undated, list(passing.values())):
            chosen |= _covering(program, group, [passing[name] for name in sorted(chosen)])
        return chosen

    def _is_dated(self, scenario: Scenario) -> bool:
        """Test whether the scenario's sentence may be untrue on another day."""
        caps = [parameter for parameter in self.parent.parameters.values() if parameter.unit == "g"]
        return bool(_ABOUT_TIME.search(scenario.says)) or (
            bool(_ABOUT_AMOUNT.search(scenario.says))
            and any(len(parameter.values) > 1 for parameter in caps)
        )

    def _reworded(self, scenario: Scenario) -> Scenario:
        if not self._is_dated(scenario):
            return scenario
        sentence = (
            f"The case `{scenario.id}` of `{self.parent.id}`, moved to the first day. "
            "Describe the person here in a sentence."
        )
        return replace(scenario, says=sentence)

    def _moved(self, scenario: Scenario) -> Scenario:
        facts = dict(scenario.facts)
        encounter = facts.get("encounter")
        if isinstance(encounter, dict) and encounter.get("date") is not None:
            moved_by = self._moved_by(iso_day(str(encounter["date"])), "at" in encounter)
            day = (iso_day(str(encounter["date"])) or self.city.starts) + moved_by
            facts["encounter"] = {**encounter, "date": day.isoformat()}
            if encounter.get("at") is not None:
                facts["encounter"]["at"] = self._moved_time(encounter["at"], moved_by)
            # A conviction six years before the encounter stays six years before it.
            facts = {
                name: _shifted(value, moved_by) if name == "history" else value
                for name, value in facts.items()
            }
        sentence = _DATE_PHRASE.sub("", scenario.says)
        # A draft is provisional even if its parent is not, until its own sources are named.
        expect = {key: value for key, value in scenario.expect.items() if key != "provisional"}
        return replace(scenario, says=sentence, facts=facts, expect=expect)

    def _moved_by(self, day: date | None, has_time: bool) -> timedelta:
        """Return the time from a day to the first day, or to the same weekday after it.

        A time of day may decide together with its weekday, so both stay as they are.
        """
        starts = self.city.starts
        moved_by = starts - (day or starts)
        return moved_by + timedelta(days=-moved_by.days % 7) if has_time else moved_by

    def _moved_time(self, time: Any, by: timedelta) -> Any:
        """Return a time moved by whole days, at the same local time."""
        instant = read_instant(time) if isinstance(time, str) else None
        if instant is None:
            return time
        local = instant.astimezone(ZoneInfo(self.parent.time_zone)) + by
        return local.astimezone(UTC).isoformat().replace("+00:00", "Z")


def scenarios_text(city: City, parent: Pack, scenarios: list[DraftScenario]) -> str:
    """Return the text of the draft's `scenarios.yaml`."""
    lines = [
        "# yaml-language-server: $schema=.schemas/scenarios.json",
        "#",
        f"# Cases that test {city.title}'s rules. Each has a sentence about the person, the known",
        f"# facts, and the expected answer. They are `{parent.id}`'s, moved to your program's",
        "# first day.",
        "#",
        "# CHANGE the expected answer (`expect`) together with the rule that decides it, and add a",
        "# case for each rule that you add. `like` starts from the facts of an earlier case and",
        "# changes only the facts written here. A fact that isn't written is unknown. `needs: []`",
        "# says that no question may be left.",
        "",
    ]
    earlier: dict[str, Scenario] = {}
    for draft in scenarios:
        scenario, like = draft.scenario, draft.like
        facts = _changes(earlier[like].facts, scenario.facts) if like else scenario.facts
        item: dict[str, Any] = {
            "id": scenario.id,
            "says": scenario.says,
            "decision": scenario.decision,
        }
        item |= {"like": like} if like else {}
        item |= {"facts": facts} if facts else {}
        item |= {"expect": scenario.expect}
        lines += [to_yaml([item]), ""]
        earlier[scenario.id] = scenario
    return "\n".join(lines).rstrip("\n") + "\n"


def coverage_of(program: Program, scenarios: list[DraftScenario]) -> dict[str, int]:
    """Return the coverage in percent, rounded down to tens except for rules."""
    report = run(program, [draft.scenario for draft in scenarios])
    return {
        name: reached if name == "rules" else reached // 10 * 10
        for name, reached in report.coverage.items()
    }


def _covering(program: Program, candidates: list[Scenario], chosen: list[Scenario]) -> set[str]:
    """Choose a few candidates that together touch all that any of them touches.

    What the scenarios chosen before touch needs no candidate.
    """
    untouched = _untouched(program, chosen)
    touches = {scenario.id: untouched - _untouched(program, [scenario]) for scenario in candidates}
    names: set[str] = set()
    while touches:
        best = max(touches, key=lambda name: len(touches[name] & untouched))
        gained = touches.pop(best) & untouched
        if not gained:
            break
        untouched -= gained
        names.add(best)
    return names


def _untouched(program: Program, scenarios: list[Scenario]) -> set[tuple[str, str, str]]:
    report = run(program, scenarios)
    return {(entry.decision, entry.rule, entry.text) for entry in report.untouched}


def _nearest(scenario: Scenario, earlier: list[Scenario]) -> str | None:
    """Return the earlier scenario whose facts need the fewest changes, if that is shorter."""
    sizes = {model.id: len(str(_changes(model.facts, scenario.facts))) for model in earlier}
    best = min(sizes, key=lambda name: sizes[name], default=None)
    return best if best is not None and sizes[best] < len(str(scenario.facts)) // 2 else None


def facts_like(scenario: Scenario, earlier: list[Scenario]) -> tuple[str | None, Mapping[str, Any]]:
    """Return the id of an earlier scenario, and what changes its facts to those of this one.

    Without one that makes it shorter, it is None with all facts.
    """
    like = _nearest(scenario, earlier)
    model = next((model for model in earlier if model.id == like), None)
    return (
        (None, scenario.facts) if model is None else (like, _changes(model.facts, scenario.facts))
    )


def _changes(model: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes that turn the model's facts into these, as a scenario's `like` reads."""
    changed: dict[str, Any] = {key: None for key in model if key not in facts}
    for key, value in facts.items():
        below = model.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            inner = _changes(below, value)
            if inner:
                changed[key] = inner
        elif key not in model or below != value:
            changed[key] = value
    return changed


def _shifted(value: Any, by: timedelta) -> Any:
    """Return the facts with each day in them moved."""
    if isinstance(value, dict):
        return {name: _shifted(item, by) for name, item in value.items()}
    if isinstance(value, list):
        return [_shifted(item, by) for item in value]
    day = iso_day(value) if isinstance(value, str) else None
    return value if day is None else (day + by).isoformat()
