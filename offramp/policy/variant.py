"""Write the text of a city's first draft: a pack that extends another.

The draft contains what cities usually change, as it applies in the parent on the draft's first day:
amounts, and the rules of the offer and of eligibility about approvals, the area, and the charges.
A city that changes nothing has the parent's program.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from offramp.policy.city import City
from offramp.policy.pack_files import PackFiles
from offramp.policy.variant_scenarios import (
    CITY_DECISIONS,
    ScenarioChooser,
    coverage_of,
    scenarios_text,
)
from offramp.policy.yaml_text import indented, scalar, to_yaml
from rules.decide.program import Program
from rules.frozen import frozen
from rules.input.yaml import Node
from rules.language import tree
from rules.packs.offenses import NO_OFFENSE
from rules.packs.pack import Pack, Rule

# The topic of a rule that a city changes first: the first of these that it reads.
_TOPICS = (
    ("approvals", "approval."),
    ("area", "encounter.in_area"),
    ("charges", "encounter.charges"),
)
_ORDER = ("cap", "area", "charges", "approvals")
_ABOUT = {
    "cap": (
        "CHANGE the cap: the amount itself stands above, among the parameters. Here is what it is held against: which drugs",
        "count, and whether pills do.",
    ),
    "area": (
        "CHANGE the area. `encounter.in_area` is the officer's answer to the question whether it happened where the",
        "program works; `encounter.route` is the door: an arrest, a social contact, or a word from the community.",
    ),
    "charges": (
        "CHANGE the charges: what somebody may be charged with and still, or no longer, come in. The words for",
        "`conduct` and `level` are the vocabulary's: your editor shows them in scenarios.yaml, `offramp check` says",
        "which one you meant.",
    ),
    "approvals": (
        'CHANGE the approvals: who must agree. `approval.prosecutor == "declined"` means: unless the prosecutor says no.',
    ),
}
_EXAMPLE = (
    "    rules:",
    "      - id: a-weapon-was-found",
    "        when: encounter.weapon",
    "        then: ineligible",
    "        because: Somebody with a weapon is outside our program.",
    "        source: {source}",
)


@frozen
class Draft:
    """The texts of a draft's files, and their contents.

    These are the names of parameters, the ids of rules by decision, and the ids of scenarios.
    """

    pack: str
    scenarios: str
    parameters: tuple[str, ...]
    rules: Mapping[str, tuple[str, ...]]
    scenario_ids: tuple[str, ...]


class Variant:
    """A draft of a city's pack. `folder` is the parent's."""

    def __init__(self, city: City, parent: Pack, folder: Path) -> None:
        self.city = city
        self.parent = parent
        self.folder = folder
        self.files = PackFiles(folder)
        self.parameters = self._parameters()
        self.rules = self._rules()

    def _parameters(self) -> tuple[str, ...]:
        """Return the parameters with a value on the first day: grams, other numbers, lists."""
        from_table = {NO_OFFENSE} if self.parent.offenses is not None else set()
        parameters = [
            parameter
            for name, parameter in self.parent.parameters.items()
            if name not in from_table and parameter.on(self.city.starts) is not None
        ]
        parameters.sort(key=lambda parameter: (parameter.unit == "codes", parameter.unit != "g"))
        return tuple(parameter.name for parameter in parameters)

    def _rules(self) -> dict[str, dict[str, list[str]]]:
        """Return the ids of rules in force on the first day, by decision and topic."""
        ids: dict[str, dict[str, list[str]]] = {}
        for name in CITY_DECISIONS:
            decision = self.parent.decisions.get(name)
            for rule in decision.rules.values() if decision else ():
                topic = self._topic(rule)
                if topic is not None and rule.in_force(self.city.starts):
                    ids.setdefault(name, {}).setdefault(topic, []).append(rule.id)
        return ids

    def _topic(self, rule: Rule) -> str | None:
        conditions = [rule.when, *(exemption.when for exemption in rule.unless)]
        parts = [part for condition in conditions for part in tree.nodes(condition)]
        if any(
            isinstance(part, tree.ParameterOf) and self.parent.parameters[part.name].unit == "g"
            for part in parts
        ):
            return "cap"
        read = [path for condition in conditions for path in tree.facts_read(condition)]
        return next(
            (topic for topic, stem in _TOPICS if any(path.startswith(stem) for path in read)), None
        )

    def leave_out(self, rules: Iterable[tuple[str, str]]) -> None:
        """Leave rules to the parent, by decision and id.

        These are rules that decided cases once, and decide none from the first day on.
        """
        omitted = set(rules)
        for name, topics in list(self.rules.items()):
            kept = {
                topic: [rule for rule in ids if (name, rule) not in omitted]
                for topic, ids in topics.items()
            }
            self.rules[name] = {topic: ids for topic, ids in kept.items() if ids}
            if not self.rules[name]:
                del self.rules[name]

    def draft(self, program: Program | None = None) -> Draft:
        """Return the texts.

        `program` is the draft's own, once its pack can be read. Without it, the draft has no
        scenarios.
        """
        scenarios = []
        goals = (0, 0)
        if program is not None:
            chooser = ScenarioChooser(self.city, self.parent, self.folder, self.rules)
            scenarios = chooser.choose(program)
            goals = coverage_of(program, scenarios)
        rules = {
            name: tuple(rule for ids in topics.values() for rule in ids)
            for name, topics in self.rules.items()
        }
        return Draft(
            self._pack_text(goals),
            scenarios_text(self.city, self.parent, scenarios),
            self.parameters,
            rules,
            tuple(draft.scenario.id for draft in scenarios),
        )

    # The pack

    def _pack_text(self, goals: tuple[int, int]) -> str:
        city, parent = self.city, self.parent
        lines = [
            "# yaml-language-server: $schema=.schemas/pack.json",
            "#",
            f"# {city.title}: a variant of {parent.title} (`{parent.id}`).",
            "#",
            f"# Whatever isn't written here is `{parent.id}`'s, as its pack has it. Written here is what cities usually",
            "# change, and each such place has a remark that begins with CHANGE. A remark begins with #; Offramp skips it.",
            "# Keep the indentation as it is, and put a text in quotes if it has a colon or begins with a sign. Afterwards:",
            "#",
            f"#     offramp check {city.folder}      reads it, and proves that the floor of the program still holds",
            f"#     offramp test {city.folder}       runs the cases in scenarios.yaml",
            "",
            f"id: {city.id}",
            "# CHANGE the name, as the public knows the program.",
            f"title: {scalar(city.title)}",
            f"extends: {parent.id}",
            "# CHANGE the time zone, if it isn't yours.",
            f"time_zone: {parent.time_zone}",
            *self._table_lines(),
            "",
            "program:",
            "  # CHANGE the date: the program's first day. Asked about a day before it, Offramp says that there was none.",
            f"  from: {city.starts}",
            f"  source: {city.source}",
            "  # Take this line away once the program is adopted; until then every answer says that it rests on a draft.",
            "  provisional: a draft that nobody has adopted yet",
            "",
            "# CHANGE the sources: what your city decided, and where one can read it. Everything below names its source, and",
            f"# what you haven't changed names `{parent.id}`'s. Where you change something, name your own source, and take",
            "# away its `provisional`, which was about the other one. `confidence` is high, medium or low.",
            "sources:",
            f"  {city.source}:",
            "    title: What our city decided",
            "    address: where it can be read",
            "    confidence: low",
            "",
            "# How much of what is written here the scenarios must touch, in per cent.",
            f"coverage: {{rules: {goals[0]}, conditions: {goals[1]}}}",
            "",
        ]
        lines += self._parameter_lines()
        lines += self._decision_lines()
        return "\n".join(lines).rstrip("\n") + "\n"

    def _table_lines(self) -> list[str]:
        if self.parent.offenses is None:
            return []
        return [
            "# CHANGE the offense table, if your state has another: what each section of law was, by day.",
            f"# `offramp offenses {self.city.folder} --as-of {self.city.starts}` lists what your program takes of it.",
            f"offenses: {self.parent.offenses.id}",
        ]

    def _parameter_lines(self) -> list[str]:
        if not self.parameters:
            return []
        lines = [
            "override:",
            "  # CHANGE the amounts and times: the number after `value`, and its source. The unit stays. A number that will",
            "  # change on a known day gets a second `- {from: 2028-01-01, value: …, source: …}` below the first.",
            "  parameters:",
        ]
        for name in self.parameters:
            node = self._from_first_day(self.files.parameter(name))
            lines += indented(f"{name}:", 4) + indented(to_yaml(node), 6)
        return [*lines, ""]

    def _decision_lines(self) -> list[str]:
        if not self.rules and "eligibility" in self.parent.decisions:
            example = ("decisions:", "  eligibility:", *_EXAMPLE)
            return [
                "# To add a rule of your own, take the # away from these lines.",
                *(f"# {line.format(source=self.city.source)}" for line in example),
            ]
        if not self.rules:
            return []
        lines = ["decisions:"]
        for name, topics in self.rules.items():
            asks = self.parent.decisions[name].asks
            lines += [f"  # {asks}", f"  {name}:", "    override:"]
            for topic, ids in sorted(topics.items(), key=lambda topic: _ORDER.index(topic[0])):
                lines += [f"      # {line}" for line in _ABOUT[topic]]
                for rule in ids:
                    item = self._from_first_day(self.files.rule(name, rule))
                    lines += indented(to_yaml([item]), 6)
            if name == "eligibility":
                dropped = next(iter(topics.values()))[0]
                lines += [
                    "    # To drop a rule, take it away above, and the # away from these lines. Say why, for whoever asks.",
                    "    # remove:",
                    f"    #   - {{id: {dropped}, because: Our council left it out., source: {self.city.source}}}",
                    "    # To add a rule of your own, take the # away from these lines and change what they say. Each rule",
                    "    # needs a case in scenarios.yaml.",
                    *(
                        f"    # {line.removeprefix('    ').format(source=self.city.source)}"
                        for line in _EXAMPLE
                    ),
                ]
            lines.append("")
        return lines

    def _from_first_day(self, node: Node) -> Any:
        """Return the parent's item without past dates and without notes on other sources."""
        starts = self.city.starts
        kept: dict[str, Any] = {}
        for key, value in node.value.items():
            if key == "other" or (key == "from" and _day(value) <= starts):
                continue
            kept[key] = value
            if key in ("values", "unless"):
                kept[key] = [
                    self._from_first_day(item)
                    for item in value.value
                    if not self._is_past(item, value.value)
                ]
                if not kept[key]:
                    del kept[key]
        return kept

    def _is_past(self, item: Node, siblings: list[Node]) -> bool:
        """Test whether an item is over on the first day, or a later value has replaced it."""
        starts = self.city.starts
        first_days = [
            _day(sibling.value["from"])
            for sibling in siblings
            if "from" in sibling.value and _day(sibling.value["from"]) <= starts
        ]
        first_day = _day(item.value["from"]) if "from" in item.value else date.min
        is_replaced = "value" in item.value and bool(first_days) and first_day < max(first_days)
        return is_replaced or ("until" in item.value and _day(item.value["until"]) <= starts)


def _day(node: Node) -> date:
    """Return a date from a pack that was read without error."""
    parts = [int(part) for part in node.text("a date").split("-")]
    return date(*[*parts, 1, 1][:3])
