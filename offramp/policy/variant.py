"""What a city's first draft says: a pack that extends another, with what cities usually change written out, and its scenarios.

Everything is taken from the parent as it holds on the draft's first day: amounts, and the rules of the offer and of the test
about approvals, the area and the charges. Whoever changes none of it has the parent's program. The scenarios are those of the
parent's that hold on that day and between them touch every rule that is written out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from rules.author.scenarios import Scenario, read_scenarios, run
from rules.decide.program import Program
from rules.errors import Place
from rules.frozen import frozen
from rules.input.facts import iso_day
from rules.input.yaml import Node, read_file
from rules.language import tree
from rules.packs.offenses import NO_OFFENSE
from rules.packs.pack import Pack, Rule
from rules.shelf import Neighbors

# The decisions whose rules a city changes first, and what such a rule is about: the first of these that it reads.
_DECISIONS = ("eligibility", "offer")
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
_YEAR = r"(?:\d{1,2} )?(?:(?:January|February|March|April|May|June|July|August|September|October|November|December) )?(?:19|20)\d\d"
_OF_A_DAY = re.compile(rf" (?:in|on|of|since|from) {_YEAR}\b")
_ABOUT_TIME = re.compile(
    r"\b(?:19|20)\d\d\b|\b(?:later|earlier|still|then on|day before|not sure)\b"
)
_ABOUT_AMOUNT = re.compile(r"\b(?:cap|limit)\b")
# What is easier to read and to change on a line of its own: items of these lists, and what holds one of these keys.
_ONE_A_LINE = ("values", "unless", "")
_OWN_LINES = ("because", "when", "says", "values", "facts", "unless")
_LONG = 90  # characters; a longer text is folded over several lines


@frozen
class Draft:
    """The texts of a variant's files, and what they hold: names of parameters, ids of rules by decision, ids of scenarios."""

    pack: str
    scenarios: str
    parameters: tuple[str, ...]
    rules: Mapping[str, tuple[str, ...]]
    cases: tuple[str, ...]


@frozen
class City:
    """Whose draft it is: the folder as its author calls it, the pack's id, and the program's first day."""

    folder: str
    id: str
    starts: date

    @property
    def source(self) -> str:
        """The id of what the city decided; no parent has it, unless it is called the same."""
        return f"{self.id}-decision"

    @property
    def title(self) -> str:
        return self.id.replace("-", " ").title()


class Variant:
    """A draft in the making. `folder` is the parent's."""

    def __init__(self, city: City, parent: Pack, folder: Path) -> None:
        self.city = city
        self.parent = parent
        self.folder = folder
        self.written = _Written(folder)
        self.parameters = self._parameters()
        self.rules = self._rules()

    def _parameters(self) -> tuple[str, ...]:
        """Those with a value on the first day: amounts in grams first, then other numbers, then lists."""
        of_table = {NO_OFFENSE} if self.parent.offenses is not None else set()
        held = [
            one
            for name, one in self.parent.parameters.items()
            if name not in of_table and one.on(self.city.starts) is not None
        ]
        return tuple(
            one.name for one in sorted(held, key=lambda one: (one.unit == "codes", one.unit != "g"))
        )

    def _rules(self) -> dict[str, dict[str, list[str]]]:
        """Ids of rules, by decision and topic, that are in force on the first day."""
        found: dict[str, dict[str, list[str]]] = {}
        for name in _DECISIONS:
            decision = self.parent.decisions.get(name)
            for rule in decision.rules.values() if decision else ():
                topic = self._topic(rule)
                if topic is not None and rule.in_force(self.city.starts):
                    found.setdefault(name, {}).setdefault(topic, []).append(rule.id)
        return found

    def _topic(self, rule: Rule) -> str | None:
        conditions = [rule.when, *(one.when for one in rule.unless)]
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
        """Leaves these to the parent, by decision and id: a rule that decided cases once, and none from the first day on."""
        left = set(rules)
        for name, topics in list(self.rules.items()):
            kept = {
                topic: [one for one in ids if (name, one) not in left]
                for topic, ids in topics.items()
            }
            self.rules[name] = {topic: ids for topic, ids in kept.items() if ids}
            if not self.rules[name]:
                del self.rules[name]

    def draft(self, program: Program | None = None) -> Draft:
        """The texts. `program` is the draft's own, once it could be read: its scenarios are chosen by asking it."""
        cases = self._cases(program) if program is not None else []
        goals = _reached(program, [case for case, _ in cases]) if program is not None else (0, 0)
        return Draft(
            self._pack_text(goals),
            self._scenarios_text(cases),
            self.parameters,
            {
                name: tuple(one for ids in topics.values() for one in ids)
                for name, topics in self.rules.items()
            },
            tuple(case.id for case, _ in cases),
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
            f"title: {_scalar(city.title)}",
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
            node = self._still_to_come(
                self.written.parameter(name), self.parent.parameters[name].on(self.city.starts)
            )
            lines += _indented(f"{name}:", 4) + _indented(_yaml(node), 6)
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
            for topic, ids in sorted(topics.items(), key=lambda one: _ORDER.index(one[0])):
                lines += [f"      # {line}" for line in _ABOUT[topic]]
                for one in ids:
                    item = self._still_to_come(self.written.rule(name, one), None)
                    lines += _indented(_yaml([item]), 6)
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

    def _still_to_come(self, node: Node, first: Any) -> Any:
        """The parent's item as it holds from the first day on: no dates that have passed, no notes on other sources."""
        starts = self.city.starts
        kept: dict[str, Any] = {}
        for key, value in node.value.items():
            if key == "other" or (key == "from" and _day(value) <= starts):
                continue
            kept[key] = value
            if key in ("values", "unless"):
                kept[key] = [
                    self._still_to_come(one, None)
                    for one in value.value
                    if not self._past(one, value.value)
                ]
                if not kept[key]:
                    del kept[key]
        return kept

    def _past(self, item: Node, among: list[Node]) -> bool:
        """Whether an item is over on the first day: by its own `until`, or since a later value has begun."""
        starts = self.city.starts
        begun = [
            _day(one.value["from"])
            for one in among
            if "from" in one.value and _day(one.value["from"]) <= starts
        ]
        replaced = (
            "value" in item.value
            and bool(begun)
            and (_day(item.value["from"]) if "from" in item.value else date.min) < max(begun)
        )
        return replaced or ("until" in item.value and _day(item.value["until"]) <= starts)

    # The scenarios

    def _cases(self, program: Program) -> list[tuple[Scenario, str | None]]:
        """The parent's scenarios to keep, moved to the first day, each with the one above it that it is like."""
        return self._parent_s_cases(program) or [(self._only_case(program), None)]

    def _only_case(self, program: Program) -> Scenario:
        """What the parent has no case for: nothing is known but the day."""
        decision = next(
            name for name in (*_DECISIONS, *self.parent.decisions) if name in self.parent.decisions
        )
        facts = {
            "now": f"{self.city.starts}T12:00:00Z",
            "encounter": {"date": self.city.starts.isoformat()},
        }
        answer = program.on(self.city.starts).decide(decision, facts)
        expect = {"status": answer.status} | (
            {"outcome": answer.outcome} if answer.outcome is not None else {}
        )
        return Scenario(
            "nothing-is-known",
            "Nothing is known but the day.",
            decision,
            None,
            facts,
            expect,
            Place(),
        )

    def _parent_s_cases(self, program: Program) -> list[tuple[Scenario, str | None]]:
        if not (self.folder / "scenarios.yaml").exists():
            return []
        likes = {
            node.value["id"].text("`id`"): node.value["like"].text("`like`")
            for node in read_file(self.folder / "scenarios.yaml").items("the scenarios")
            if "like" in node.value
        }
        moved = {one.id: self._moved(one, program) for one in read_scenarios(self.folder)}
        held = {
            name: one
            for name, one in moved.items()
            if one.decision in self.rules
            and one.as_of is None
            and "error" not in one.expect
            and not run(program, [one]).failures
        }
        chosen: set[str] = set()
        for group in (
            [one for one in held.values() if not self._is_dated(one)],
            list(held.values()),
        ):
            chosen |= _covering(program, group, [held[name] for name in sorted(chosen)])
        for name in list(chosen):  # what a scenario is like gives it its sense
            while (name := likes.get(name, "")) in held:
                chosen.add(name)
        kept: list[tuple[Scenario, str | None]] = []
        for one in held.values():
            if one.id in chosen:
                above = likes.get(one.id, "")
                kept.append(
                    (
                        self._told(one),
                        above if above in chosen else _nearest(one, [case for case, _ in kept]),
                    )
                )
        return kept

    def _is_dated(self, scenario: Scenario) -> bool:
        """Whether its sentence may be untrue on another day than its own."""
        caps = [one for one in self.parent.parameters.values() if one.unit == "g"]
        return bool(_ABOUT_TIME.search(scenario.says)) or (
            bool(_ABOUT_AMOUNT.search(scenario.says)) and any(len(one.values) > 1 for one in caps)
        )

    def _told(self, scenario: Scenario) -> Scenario:
        if not self._is_dated(scenario):
            return scenario
        says = f"The case `{scenario.id}` of `{self.parent.id}`, moved to the first day. Say here in a sentence who it is."
        return replace(scenario, says=says)

    def _moved(self, scenario: Scenario, program: Program) -> Scenario:
        facts = dict(scenario.facts)
        if isinstance(facts.get("encounter"), dict) and facts["encounter"].get("date") is not None:
            moved_by = self.city.starts - (
                iso_day(str(facts["encounter"]["date"])) or self.city.starts
            )
            facts["encounter"] = {**facts["encounter"], "date": self.city.starts.isoformat()}
            # A conviction of six years before the encounter stays one of six years before it.
            facts = {
                name: _later(value, moved_by) if name == "history" else value
                for name, value in facts.items()
            }
        says = _OF_A_DAY.sub("", scenario.says)
        # A draft is doubtful whatever the parent was, and stops being so one source at a time.
        expect = {key: value for key, value in scenario.expect.items() if key != "provisional"}
        return replace(scenario, says=says, facts=facts, expect=expect)

    def _scenarios_text(self, cases: list[tuple[Scenario, str | None]]) -> str:
        lines = [
            "# yaml-language-server: $schema=.schemas/scenarios.json",
            "#",
            f"# Cases that hold {self.city.title}'s rules: who it is, in a sentence; what is known; what must come out. They",
            f"# are `{self.parent.id}`'s, moved to your program's first day.",
            "#",
            "# CHANGE what must come out (`expect`) together with the rule that decides it, and add a case for each rule that",
            "# you add. `like` starts from the facts of another case above and changes only what is written. What isn't",
            "# written isn't known. `needs: []` says that nothing more may be asked.",
            "",
        ]
        before: dict[str, Scenario] = {}
        for case, like in cases:
            facts = _changes(before[like].facts, case.facts) if like else case.facts
            item: dict[str, Any] = {"id": case.id, "says": case.says, "decision": case.decision}
            item |= {"like": like} if like else {}
            item |= {"facts": facts} if facts else {}
            item |= {"expect": case.expect}
            lines += [_yaml([item]), ""]
            before[case.id] = case
        return "\n".join(lines).rstrip("\n") + "\n"


def _reached(program: Program, cases: list[Scenario]) -> tuple[int, int]:
    """Coverage of rules, and that of conditions rounded down to tens, in per cent."""
    report = run(program, cases)
    return report.rule_coverage, report.condition_coverage // 10 * 10


def _covering(program: Program, candidates: list[Scenario], already: list[Scenario]) -> set[str]:
    """A few candidates that between them touch all that any of them touches; shorter ones first among equals."""
    untouched = {(one.decision, one.rule, one.text) for one in run(program, already).untouched}
    touches = {
        one.id: untouched
        - {(left.decision, left.rule, left.text) for left in run(program, [one]).untouched}
        for one in candidates
    }
    chosen: set[str] = set()
    while touches:
        best = max(touches, key=lambda name: len(touches[name] & untouched))
        gained = touches.pop(best) & untouched
        if not gained:
            break
        untouched -= gained
        chosen.add(best)
    return chosen


def _nearest(scenario: Scenario, above: list[Scenario]) -> str | None:
    """The one above whose facts need the fewest changes, if that is less to read than the facts themselves."""
    sizes = {one.id: len(str(_changes(one.facts, scenario.facts))) for one in above}
    best = min(sizes, key=lambda name: sizes[name], default=None)
    return best if best is not None and sizes[best] < len(str(scenario.facts)) // 2 else None


def _changes(model: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """What laid over the model's facts gives these: the inverse of a scenario's `like`."""
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


def _later(value: Any, by: timedelta) -> Any:
    """The same facts with each day in them moved."""
    if isinstance(value, dict):
        return {name: _later(one, by) for name, one in value.items()}
    if isinstance(value, list):
        return [_later(one, by) for one in value]
    day = iso_day(value) if isinstance(value, str) else None
    return value if day is None else (day + by).isoformat()


def _day(node: Node) -> date:
    """A date as a pack that was read already may have it."""
    parts = [int(part) for part in node.text("a date").split("-")]
    return date(*[*parts, 1, 1][:3])


class _Written:
    """What a pack and its parents have in their files, the nearest first."""

    def __init__(self, folder: Path) -> None:
        self.tops: list[Mapping[str, Node]] = []
        while True:
            top = read_file(folder / "pack.yaml").value
            self.tops.append(top)
            if "extends" not in top:
                return
            folder = Neighbors(folder.resolve().parent).pack(top["extends"].text("`extends`"))

    def parameter(self, name: str) -> Node:
        return self._first(
            group.value[name]
            for top in self.tops
            for group in _below(top, ("override", "parameters"), ("parameters",))
            if name in group.value
        )

    def rule(self, decision: str, name: str) -> Node:
        return self._first(
            item
            for top in self.tops
            for group in _below(
                top, ("decisions", decision, "override"), ("decisions", decision, "rules")
            )
            for item in group.value
            if item.value["id"].text("`id`") == name
        )

    @staticmethod
    def _first(found: Iterable[Node]) -> Node:
        return next(iter(found))


def _below(top: Mapping[str, Node], *paths: tuple[str, ...]) -> Iterable[Node]:
    for path in paths:
        level: Any = top
        for step in path:
            level = level.value if isinstance(level, Node) else level
            level = level.get(step) if isinstance(level, Mapping) else None
        if level is not None:
            yield level


# YAML as the shipped packs have it: block style, short ends in one line, long texts folded, no quotes that aren't needed


def _indented(text: str, by: int) -> list[str]:
    return [f"{' ' * by}{line}" if line else line for line in text.splitlines()]


def _scalar(text: str) -> str:
    return _yaml(text).strip()


def _yaml(value: Any) -> str:
    import yaml

    class Emitter(yaml.Dumper):
        yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, False)

    emitted: str = yaml.serialize(_node(value), Dumper=Emitter, width=110, allow_unicode=True)
    return emitted.removesuffix("\n...\n").rstrip("\n")


def _node(value: Any, key: str = "") -> Any:
    """PyYAML's node for plain data or for a node of ours; `key` is the one that it stands under."""
    import yaml

    plain = value.value if isinstance(value, Node) else value
    if isinstance(plain, Mapping):
        pairs = [(_node(name), _node(one, name)) for name, one in plain.items()]
        return yaml.MappingNode(
            "tag:yaml.org,2002:map",
            pairs,
            flow_style=_is_short([one for pair in pairs for one in pair]),
        )
    if isinstance(plain, (list, tuple)):
        items = [_node(one) for one in plain]
        return yaml.SequenceNode(
            "tag:yaml.org,2002:seq", items, flow_style=key not in _ONE_A_LINE and _is_short(items)
        )
    text = _text(plain)
    if len(text) > _LONG and key == "when":
        return yaml.ScalarNode(
            "tag:yaml.org,2002:str", _at_the_signs(" ".join(text.split())), style="|"
        )
    if len(text) > _LONG:
        return yaml.ScalarNode("tag:yaml.org,2002:str", " ".join(text.split()), style=">")
    is_text = value.quoted if isinstance(value, Node) else isinstance(plain, str)
    reads_otherwise = not isinstance(
        Node("", 0, 0, text).data(), str
    )  # as a number, a yes or nothing
    return yaml.ScalarNode(
        "tag:yaml.org,2002:str", text, style="'" if is_text and reads_otherwise else None
    )


def _at_the_signs(condition: str) -> str:
    """A long condition over several lines, broken before each `&&` and `||` that stands in no brackets."""
    lines, depth = "", 0
    for part in re.split(r"( && | \|\| |[()\[\]])", condition):
        depth += (part in ("(", "[")) - (part in (")", "]"))
        lines += f"\n{part.lstrip()}" if depth == 0 and part in (" && ", " || ") else part
    return lines


def _text(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _is_short(nodes: list[Any]) -> bool:
    """Whether a list or a mapping of these stands in one line: none is a block of its own, and all fit."""
    texts = [one.value for one in nodes if isinstance(one.value, str)]
    return (
        not any(text in _OWN_LINES for text in texts)
        and sum(_width(one) + 2 for one in nodes) < _LONG
    )


def _width(node: Any) -> int:
    if isinstance(node.value, str):
        return len(node.value) if node.style not in (">", "|") else 10 * _LONG
    if not node.flow_style:
        return 10 * _LONG
    return 2 + sum(
        _width(one) + 2
        for part in node.value
        for one in (part if isinstance(part, tuple) else (part,))
    )
