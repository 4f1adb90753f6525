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
from rules.input import keys
from rules.input.yaml import Node
from rules.language import tree
from rules.packs.offenses import NO_OFFENSE
from rules.packs.pack import Pack, Rule
from rules.packs.parameters import LISTS, fixed_by, parameters_in
from rules.prove.implied import without_if_known

# Outcomes that the state's law gives. A city doesn't change their rules.
_OF_LAW = ("no_offense", "immune")
# The topic of a rule that a city changes first: the first of these that it reads.
_TOPICS = (
    ("approvals", "approval."),
    ("area", "encounter.in_area"),
    ("charges", "encounter.charges"),
)
_ORDER = ("cap", "area", "charges", "approvals")
_ABOUT = {
    "cap": (
        "CHANGE the cap. The amount itself is above, among the parameters. This rule says which",
        "drugs count toward it, and whether pills do.",
    ),
    "area": (
        "CHANGE the area. `encounter.in_area` is the officer's answer: did it happen where the",
        "program works? `encounter.route` is the entry route: an arrest, a social contact, or a",
        "referral by the community.",
    ),
    "charges": (
        "CHANGE the charges: those that the program takes, and those that keep a person out. The",
        "words for `conduct` and `level` come from the vocabulary. Your editor lists them in",
        "scenarios.yaml, and `offramp check` suggests the nearest one for a typo.",
    ),
    "approvals": (
        "CHANGE the approvals: the agencies that must agree.",
        '`approval.prosecutor == "declined"` means: unless the prosecutor says no.',
    ),
}
_EXAMPLE = (
    "    rules:",
    "      - id: a-weapon-was-found",
    "        when: encounter.weapon",
    "        then: ineligible",
    "        because: A person with a weapon is outside our program.",
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
        """Return the parameters with a value on the first day: grams, other numbers, lists.

        Those that a floor of the parent fixes are left out.
        """
        from_table = {NO_OFFENSE} if self.parent.offenses is not None else set()
        from_table |= self._of_law()
        parameters = [
            parameter
            for name, parameter in self.parent.parameters.items()
            if name not in from_table
            and parameter.on(self.city.starts) is not None
            and fixed_by(self.parent, name) is None
        ]
        parameters.sort(key=lambda parameter: (parameter.unit in LISTS, parameter.unit != "g"))
        return tuple(parameter.name for parameter in parameters)

    def _of_law(self) -> set[str]:
        """Return the parameters that only rules of law read, such as sections with immunity."""
        readers: dict[str, set[bool]] = {}
        for decision in self.parent.decisions.values():
            for rule in decision.rules.values():
                for name in parameters_in(rule.when):
                    readers.setdefault(name, set()).add(rule.then in _OF_LAW)
        return {name for name, is_of_law in readers.items() if is_of_law == {True}}

    def _rules(self) -> dict[str, dict[str, list[str]]]:
        """Return the ids of rules in force on the first day, by decision and topic."""
        ids: dict[str, dict[str, list[str]]] = {}
        for name in CITY_DECISIONS:
            decision = self.parent.decisions.get(name)
            for rule in decision.rules.values() if decision else ():
                topic = None if self._is_fixed(rule) else self._topic(rule)
                if topic is not None and rule.in_force(self.city.starts):
                    ids.setdefault(name, {}).setdefault(topic, []).append(rule.id)
        return ids

    def _is_fixed(self, rule: Rule) -> bool:
        """Test whether a rule is law, or an invariant protects its very cases or a list of them."""
        if rule.then in _OF_LAW:
            return True
        if any(fixed_by(self.parent, name) for name in parameters_in(rule.when)):
            return True
        cases = tree.text(without_if_known(rule.when))
        whens = [invariant.when for invariant in self.parent.invariants.values()]
        return any(when is not None and tree.text(when) == cases for when in whens)

    def _topic(self, rule: Rule) -> str | None:
        conditions = [rule.when, *(exemption.when for exemption in rule.unless)]
        parts = [part for condition in conditions for part in tree.nodes(condition)]
        if any(
            isinstance(part, (tree.ParameterOf, tree.RowOf))
            and self.parent.parameters[part.name].unit == "g"
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
        goals = dict.fromkeys(keys.COVERAGE.names, 0)
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

    def _pack_text(self, goals: Mapping[str, int]) -> str:
        city, parent = self.city, self.parent
        lines = [
            "# yaml-language-server: $schema=.schemas/pack.json",
            "#",
            f"# {city.title}: a variant of {parent.title} (`{parent.id}`).",
            "#",
            "# This file has what cities usually change. Everything else comes from",
            f"# `{parent.id}`. A comment that begins with CHANGE explains each change. Comments",
            "# begin with #, and Offramp skips them. Keep the indentation. Put a text in quotes if",
            "# it contains a colon or begins with a sign. After each change, run:",
            "#",
            f"#     offramp check {city.folder}      reads it and proves the program's guarantees",
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
            "  # CHANGE the date: the program's first day. Offramp decides no case from before it.",
            f"  from: {city.starts}",
            f"  source: {city.source}",
            "  # Remove this line when the program is adopted. Until then, answers are doubtful.",
            "  provisional: a draft that nobody has adopted yet",
            "",
            "# CHANGE the sources: what your city decided, and where to read it. Every item below",
            f"# names its source, which is `{parent.id}`'s at first. When you change an item, name",
            "# your own source, and remove its `provisional`, which was about the other source.",
            "# `confidence` is high, medium, or low.",
            "sources:",
            f"  {city.source}:",
            "    title: What our city decided",
            "    address: where it can be read",
            "    confidence: low",
            "",
            "# How much of this file the scenarios must touch, in percent.",
            f"coverage: {{{', '.join(f'{name}: {goal}' for name, goal in goals.items())}}}",
            "",
        ]
        lines += self._parameter_lines()
        lines += self._decision_lines()
        return "\n".join(lines).rstrip("\n") + "\n"

    def _table_lines(self) -> list[str]:
        if self.parent.offenses is None:
            return []
        return [
            "# CHANGE the offense table, if your state has another. It dates each section of law.",
            "# To list the offenses that your program takes, run:",
            f"#     offramp offenses {self.city.folder} --as-of {self.city.starts}",
            f"offenses: {self.parent.offenses.id}",
        ]

    def _parameter_lines(self) -> list[str]:
        if not self.parameters:
            return []
        lines = [
            "override:",
            "  # CHANGE the amounts and times: the number after `value`, and its source.",
            "  # If a number will change on a known day, add a second line below the first:",
            "  # `- {from: 2028-01-01, value: …, source: …}`",
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
                "# To add a rule of your own, remove the # from these lines.",
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
                    "    # To drop a rule, delete it above, remove the # here, and say why.",
                    "    # remove:",
                    f"    #   - {{id: {dropped}, because: Our council left it out., "
                    f"source: {self.city.source}}}",
                    "    # To add a rule of your own, remove the # here and change the lines.",
                    "    # Each rule needs a case in scenarios.yaml.",
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
