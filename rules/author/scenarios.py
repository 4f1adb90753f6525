"""Run a pack's scenarios: cases as a lawyer writes them, with the results they must have.

A scenario is decided by the same engine as every other case. Coverage counts the rules and
exceptions that the pack itself declares. Each must apply at least once, and each of their yes-or-no
conditions must be true at least once and false at least once. A condition that reads a parameter
counts again for each value in time (see `value_coverage`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from rules.author.time_coverage import (
    OUTSIDE,
    Stretch,
    TimeCoverage,
    compares_with_a_number,
)
from rules.author.value_coverage import ValueCoverage
from rules.decide import explain
from rules.decide.decision import Decision
from rules.decide.program import Program
from rules.decide.ruling import CaseFacts, Ruling
from rules.errors import PackError, Place, Refusal, respelled
from rules.frozen import frozen
from rules.input import keys
from rules.input.facts import Facts
from rules.input.values import iso_day
from rules.input.yaml import Node, empty_file_fix, read_file
from rules.language import tree
from rules.packs.faults import Faults
from rules.packs.pack import Exemption, Pack, Rule
from rules.packs.resolve import RuleInForce


@frozen
class Scenario:
    """One case: a sentence about it, its facts, and the expected result."""

    id: str
    says: str
    decision: str
    as_of: str | None
    facts: Mapping[str, Any]
    expect: Mapping[str, Any]
    place: Place


@frozen
class Failure:
    """A scenario with an unexpected result. `what` has a sentence for each difference."""

    scenario: Scenario
    what: tuple[str, ...]


@frozen
class Untouched:
    """A rule that never applied, or a condition that was never true or never false."""

    decision: str
    rule: str
    text: str
    place: Place


@dataclass(slots=True)
class Report:
    """The result of a pack's scenarios. Coverage is in percent, rounded down.

    `days` counts the days of change that scenarios lie on both sides of, `sides` the sides of
    numbers, and each has the whole number after it (see `time_coverage`).
    """

    pack: Pack
    scenarios: int = 0
    failures: list[Failure] = field(default_factory=list)
    rules: tuple[int, int] = (0, 0)
    conditions: tuple[int, int] = (0, 0)
    values: tuple[int, int] = (0, 0)
    days: tuple[int, int] = (0, 0)
    sides: tuple[int, int] = (0, 0)
    lacking_days: tuple[Stretch, ...] = ()
    lacking_sides: tuple[str, ...] = ()
    untouched: list[Untouched] = field(default_factory=list)

    @staticmethod
    def _percent(reached: tuple[int, int]) -> int:
        return 100 * reached[0] // reached[1] if reached[1] else 100

    @property
    def rule_coverage(self) -> int:
        """The percentage of own rules and exceptions that applied at least once."""
        return self._percent(self.rules)

    @property
    def condition_coverage(self) -> int:
        """The percentage of conditions' two values that were seen."""
        return self._percent(self.conditions)

    @property
    def value_coverage(self) -> int:
        """The percentage of conditions' two values that were seen under each value in time."""
        return self._percent(self.values)

    @property
    def coverage(self) -> dict[str, int]:
        """The percentages that the scenarios reach, by the keys of a pack's `coverage`."""
        return {
            "rules": self.rule_coverage,
            "conditions": self.condition_coverage,
            "values": self.value_coverage,
        }

    @property
    def short_of(self) -> list[str]:
        """The coverage that the pack asks for and misses, a sentence each."""
        reached = self.coverage
        return [
            f"coverage of {name} is {reached[name]} %, and the pack asks for {goal} %"
            for name, goal in self.pack.coverage.items()
            if reached[name] < goal
        ]

    @property
    def passed(self) -> bool:
        """True if no scenario failed and coverage suffices."""
        return not self.failures and not self.short_of


FILE = "scenarios.yaml"
GENERATED = "scenarios.auto.yaml"  # what `offramp test --mutants --write` adds


def read_scenarios(folder: Path) -> list[Scenario]:
    """Read `scenarios.yaml` beside the pack. Raises `PackError`."""
    return _read_scenarios(folder, FILE, {})


def read_generated(folder: Path, scenarios: Iterable[Scenario]) -> list[Scenario]:
    """Read `scenarios.auto.yaml` beside the pack, none if there is no such file.

    Its ids differ from those of the other scenarios, and `like` names one of them or one above.
    Raises `PackError`.
    """
    if not (folder / GENERATED).exists():
        return []
    facts_by_id = {scenario.id: dict(scenario.facts) for scenario in scenarios}
    return _read_scenarios(folder, GENERATED, facts_by_id)


def _read_scenarios(
    folder: Path, file: str, facts_by_id: dict[str, dict[str, Any]]
) -> list[Scenario]:
    fix = "write a scenario, such as one of a shipped pack, or `[]` for none"
    if file == GENERATED:
        fix = "delete it, or write `[]` for none"
    with empty_file_fix(fix):
        top = read_file(folder / file, f"{folder.resolve().name}/{file}")
    nodes = top.items("the scenarios")
    scenarios: list[Scenario] = []
    faults = Faults()
    for node in nodes:
        with faults.collect(*own_id(node)):
            scenarios.append(_read_scenario(node, facts_by_id))
    faults.raise_all()
    return scenarios


def own_id(node: Node) -> tuple[str, ...]:
    """Return the id of a scenario, if it has one."""
    id_node = node.value.get("id") if isinstance(node.value, dict) else None
    return (id_node.value,) if id_node is not None and isinstance(id_node.value, str) else ()


def _read_scenario(node: Node, facts_by_id: dict[str, dict[str, Any]]) -> Scenario:
    """Read one scenario. `facts_by_id` has the facts of those above it, and gets its own."""
    fields = node.mapping("a scenario", keys.SCENARIO.names, keys.SCENARIO.required)
    name = fields["id"].text("`id`")
    if name in facts_by_id:
        fields["id"].fail(
            "duplicate-id", f"the scenario `{name}` appears twice", "choose another id"
        )
    facts = read_case_facts(name, fields, facts_by_id, "scenario")
    expected = fields["expect"]
    expect = expected.mapping(f"what `{name}` expects", keys.EXPECT.names)
    if not expect:
        expected.fail(
            "missing-key", f"the scenario `{name}` expects nothing", "say what must come out"
        )
    for key, wanted in expect.items():
        _is_readable(wanted, keys.EXPECT.keys[key].value, f"`{key}`")
    return Scenario(
        name,
        " ".join(fields["says"].text("`says`").split()),
        fields["decision"].text("`decision`"),
        fields["as_of"].text("`as_of`") if "as_of" in fields else None,
        facts,
        expected.data(),
        node.place,
    )


def read_case_facts(
    name: str, fields: Mapping[str, Node], facts_by_id: dict[str, dict[str, Any]], kind: str
) -> dict[str, Any]:
    """Read `facts`, over those of the entry that `like` names, and add them to `facts_by_id`.

    `kind` is the word for such an entry: a scenario or a case.
    """
    facts: dict[str, Any] = fields["facts"].data() if "facts" in fields else {}
    if not isinstance(facts, dict):
        fields["facts"].fail(
            "wrong-shape", f"the facts of `{name}` are not a mapping", "write them as `{…}`"
        )
    if "like" in fields:
        model = fields["like"].text("`like`")
        if model not in facts_by_id:
            fields["like"].fail(
                "unknown-scenario",
                f"there is no {kind} `{model}` above `{name}`",
                "name one above it",
            )
        facts = _over(facts_by_id[model], facts)
    facts_by_id[name] = facts
    return facts


def refuse_bad_facts(program: Program, scenario: Scenario) -> None:
    """Refuse facts that no case can have, unless the scenario expects that they are refused."""
    if "error" in scenario.expect:
        return
    try:
        program.read(scenario.facts)
    except Refusal as refusal:
        message = f"the scenario `{scenario.id}` can't be decided: {refusal.message}"
        raise PackError(refusal.code, message, at=scenario.place, fix=refusal.fix) from None


def _is_readable(node: Node, value: keys.Value, label: str) -> None:
    """Refuse an expectation that can't be compared with an answer.

    A misspelled outcome is not refused here. Its scenario fails.
    """
    if isinstance(value, keys.ListOf) or (value == keys.ANSWER and isinstance(node.value, list)):
        for item in node.items(label):
            _refuse_old_spelling(item, item.text(f"an item of {label}"))
    elif isinstance(value, keys.MapOf):
        for key, item in node.mapping(label).items():
            _refuse_old_spelling(node.keys[key], key)
            _refuse_old_spelling(item, item.text(f"`{key}` of {label}"))
    elif value == keys.FLAG:
        node.flag(label)
    else:
        _refuse_old_spelling(node, node.text(label))


def _refuse_old_spelling(node: Node, text: str) -> None:
    """Refuse a name that no answer has any more. Other unknown names are expectations that fail."""
    new = respelled(text)
    if new is not None:
        node.fail("unknown-word", f"`{text}` is an old spelling", f"write `{new}`")


def _over(model: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the model's facts with changes laid over them, level by level.

    A list is replaced as a whole.
    """
    result = dict(model)
    for key, value in changes.items():
        below = result.get(key)
        result[key] = (
            _over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
        )
    return result


def run(program: Program, scenarios: list[Scenario]) -> Report:
    """Decide every scenario, and note the rules and conditions that it touches.

    `program` must have no `as_of` of its own.
    """
    report = Report(program.pack, scenarios=len(scenarios))
    touched = Coverage(program.pack)
    for scenario in scenarios:
        faults = tuple(_faults(program, scenario, touched))
        if faults:
            report.failures.append(Failure(scenario, faults))
    touched.into(report)
    return report


def _faults(program: Program, scenario: Scenario, touched: Coverage) -> Iterator[str]:
    try:
        decision = decide_scenario(program, scenario)
        touched.add(decision)
    except Refusal as refusal:
        touched.add_refused(scenario, refusal)
        yield from _unexpected_refusal(scenario, refusal)
        return
    yield from _unmet(decision, scenario)


def decide_scenario(program: Program, scenario: Scenario, facts: Facts | None = None) -> Decision:
    """Decide a scenario's case. `facts` are its facts if they were read before.

    Raises the `Refusal` that a scenario may expect.
    """
    dated = program
    if scenario.as_of is not None:
        from rules.shelf import day_of

        dated = program.on(day_of(scenario.as_of))
    return Decision(CaseFacts(dated, facts or dated.read(scenario.facts)), scenario.decision)


def days_named(scenario: Scenario) -> Iterator[date]:
    """Yield the days that a scenario states: that of its rules, and that of its encounter."""
    encounter = scenario.facts.get("encounter", {})
    for value in (scenario.as_of, encounter.get("date"), encounter.get("at")):
        day = iso_day(str(value)[:10])
        if day is not None:
            yield day


def passes(program: Program, scenario: Scenario, facts: Facts | None = None) -> bool:
    """Return whether a scenario's case comes out as expected."""
    return first_difference(program, scenario, facts) is None


def first_difference(
    program: Program, scenario: Scenario, facts: Facts | None = None
) -> str | None:
    """Return the first thing that doesn't come out as a scenario expects, None if all does."""
    try:
        decision = decide_scenario(program, scenario, facts)
        return next(_unmet(decision, scenario), None)
    except Refusal as refusal:
        return next(_unexpected_refusal(scenario, refusal), None)


def _unexpected_refusal(scenario: Scenario, refusal: Refusal) -> Iterator[str]:
    if scenario.expect.get("error") not in (True, refusal.code):
        yield f"it is refused: {refusal}"


def _unmet(decision: Decision, scenario: Scenario) -> Iterator[str]:
    if "error" in scenario.expect:
        yield f"it came out as {_outcome(decision)}, and was to be refused"
        return
    for key, wanted in scenario.expect.items():
        yield from _differs(decision, key, wanted)


def _differs(decision: Decision, key: str, wanted: Any) -> Iterator[str]:
    asked_paths = [entry["fact"] for entry in decision.needed]
    match key:
        case "status" if decision.status != wanted:
            missing = f"; it asks for {', '.join(asked_paths)}" if asked_paths else ""
            yield f"it is {_outcome(decision)}, and was to be {wanted}{missing}"
        case "outcome" if decision.outcome != wanted:
            missing = f"; it asks for {', '.join(asked_paths)}" if asked_paths else ""
            expected = _listed(wanted) if isinstance(wanted, list) else wanted
            yield f"the outcome is {_outcome(decision)}, and was to be {expected}{missing}"
        case "outcome_not" if decision.outcome == wanted:
            yield f"the outcome is {_listed(wanted) if isinstance(wanted, list) else wanted}"
        case "outcome_includes":
            outcomes = (
                decision.outcome if isinstance(decision.outcome, list) else [decision.outcome]
            )
            yield from (
                f"`{name}` is not among {_outcome(decision)}"
                for name in wanted
                if name not in outcomes
            )
        case "possible" if decision.possible != wanted:
            yield f"possible is {_listed(decision.possible)}, and was to be {_listed(wanted)}"
        case "needs":
            if not wanted and asked_paths:
                yield f"it asks for {', '.join(asked_paths)}, and was to ask for nothing"
            yield from (
                f"it does not ask for `{name}`, but for {_listed(asked_paths)}"
                for name in wanted
                if name not in asked_paths
            )
        case "rules":
            rule_ids = [reason["rule"] for reason in decision.reasons]
            yield from (
                f"`{name}` is not among the reasons, which are {_listed(rule_ids)}"
                for name in wanted
                if name not in rule_ids
            )
        case "would_bar":
            open_ids = sorted(entry["rule"] for entry in decision.would_bar)
            if open_ids != sorted(wanted):
                yield f"would_bar is {_listed(open_ids)}, and was to be {_listed(sorted(wanted))}"
        case "clocks":
            read = {clock["clock"]: clock["status"] for clock in decision.clocks}
            yield from (
                f"the clock `{name}` is {read.get(name, 'not there')}, and was to be {status}"
                for name, status in wanted.items()
                if read.get(name) != status
            )
        case "provisional" if bool(decision.provisional) != wanted:
            doubts = "; ".join(decision.provisional) or "empty"
            yield f"provisional is {doubts}, and was to be {'filled' if wanted else 'empty'}"
        case "next" if (decision.next or {}).get("who") != wanted:
            yield f"next is for {(decision.next or {}).get('who')}, and was to be for {wanted}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "nothing"


def _outcome(decision: Decision) -> str:
    outcome = decision.outcome
    text = ", ".join(outcome) or "nothing yet" if isinstance(outcome, list) else outcome
    return (
        f"{text} ({decision.status})" if decision.status == "decided" or outcome else "undetermined"
    )


_ATOMS = (tree.Compare, tree.Member, tree.IsOne, tree.Alike, tree.Cited, tree.Quantifier)


class Coverage:
    """The pack's own rules that applied, and the values seen of their conditions."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self.applied: set[tuple[str, str, str]] = set()
        self.seen: dict[tuple[str, str, int], set[bool]] = {}
        self.values = ValueCoverage(pack, _is_atom)
        self.time = TimeCoverage(pack)

    def lacking(self) -> Iterator[str]:
        """Yield what no decision shows: rules, conditions, sides of values, and days."""
        report = Report(self.pack)
        self.into(report)
        texts = [f"`{item.rule}` of `{item.decision}`: {item.text}" for item in report.untouched]
        days = [stretch.says for stretch in report.lacking_days]
        yield from dict.fromkeys([*texts, *report.lacking_sides, *days])

    def add(self, decision: Decision) -> None:
        """Add the decision, and every decision that it read."""
        for ruling in (decision, *decision.case.rulings.values()):
            if not ruling.attested and ruling.in_force is not None:
                for rule in ruling.in_force.rules:
                    self._add(ruling, rule)
                self.values.by(ruling)
        self.time.by(decision)

    def add_refused(self, scenario: Scenario, refusal: Refusal) -> None:
        """Add a scenario that is refused, where that shows a day without the program."""
        if refusal.code == OUTSIDE and scenario.expect.get("error") == OUTSIDE:
            self.time.by_refused(scenario.decision, days_named(scenario))

    def _add(self, ruling: Ruling, in_force: RuleInForce) -> None:
        name, rule = ruling.decision, in_force.rule
        if ruling.value(in_force.condition):
            self.applied.add((name, rule.id, ""))
        for exemption in in_force.unless:
            if ruling.value(exemption.when):
                self.applied.add((name, rule.id, exemption.id))
        items: tuple[Rule | Exemption, ...] = (rule, *in_force.unless)
        for item in items:
            for part, bound in explain.parts(item.when, ruling.world):
                if _is_atom(part):
                    value = explain.value_of(part, ruling.world, bound)
                    if value is not None:
                        values = self.seen.setdefault((name, rule.id, id(part)), set())
                        values.add(bool(value))

    def into(self, report: Report) -> None:
        """Write the coverage into the report."""
        applied = all_rules = seen = all_seen = 0
        for name, rule, item in self._own():
            all_rules += 1
            key = (name, rule.id, item.id if isinstance(item, Exemption) else "")
            if key in self.applied:
                applied += 1
            else:
                label = f"exception `{item.id}`" if isinstance(item, Exemption) else "it"
                report.untouched.append(
                    Untouched(name, rule.id, f"{label} never holds", item.place)
                )
            for part in filter(_is_atom, tree.nodes(item.when)):
                values = self.seen.get((name, rule.id, id(part)), set())
                all_seen += 2
                seen += len(values)
                for missing in sorted({True, False} - values, reverse=True):
                    text = f"`{tree.text(part)}` is never {_word(missing)}"
                    report.untouched.append(Untouched(name, rule.id, text, item.place))
        report.rules, report.conditions = (applied, all_rules), (seen, all_seen)
        report.values = self.values.reached
        for read, text in self.values.untouched():
            report.untouched.append(Untouched(read.decision, read.rule.id, text, read.value.place))
        report.days, report.lacking_days = self.time.days, tuple(self.time.lacking_days())
        self._sides_into(report)

    def _sides_into(self, report: Report) -> None:
        """Write which sides of numbers were seen: those of rules, and those of clocks."""
        lacking: list[str] = []
        seen, every = self.time.clock_sides
        for name, rule, item in self._own():
            for part in filter(compares_with_a_number, tree.nodes(item.when)):
                if explain.names(part).parameters:
                    continue  # these count under each value
                values = self.seen.get((name, rule.id, id(part)), set())
                seen, every = seen + len(values), every + 2
                lacking += [
                    f"`{rule.id}` of `{name}`: `{tree.text(part)}` is never {_word(missing)}"
                    for missing in sorted({True, False} - values, reverse=True)
                ]
        for key, read in self.values.read.items():
            if compares_with_a_number(read.condition):
                values = self.values.seen.get(key, set())
                seen, every = seen + len(values), every + 2
                lacking += [
                    f"`{read.rule.id}` of `{read.decision}`: {read.missing(missing)}"
                    for missing in sorted({True, False} - values, reverse=True)
                ]
        report.sides = seen, every
        report.lacking_sides = (*lacking, *self.time.lacking_sides())

    def _own(self) -> Iterator[tuple[str, Rule, Rule | Exemption]]:
        for name, decision in self.pack.decisions.items():
            for rule in decision.rules.values():
                if rule.declared_in == self.pack.id:
                    yield name, rule, rule
                    yield from ((name, rule, exemption) for exemption in rule.unless)


def _word(value: bool) -> str:
    return "true" if value else "false"


def _is_atom(part: tree.Tree) -> bool:
    """Return True for a yes-or-no part without `&&`, `||`, or `!`.

    The parts of a comparison are values, not conditions.
    """
    if isinstance(part, (tree.FactOf, tree.FieldOf)):
        return part.fact.type == "bool"
    return isinstance(part, _ATOMS)
