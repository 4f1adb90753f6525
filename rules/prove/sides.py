"""The two sides of a change: a pack on a day each, and the cases that both decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rules.decide.decision import Decision
from rules.decide.program import Program
from rules.decide.search_space import SearchSpace
from rules.decide.walk import walk
from rules.errors import Refusal
from rules.frozen import cached_property, frozen
from rules.input.citations import GivenCitation, Section
from rules.input.facts import Facts
from rules.input.vocabulary import Fact
from rules.packs.law import CHARGES
from rules.packs.resolve import RuleInForce
from rules.prove.changes import Region
from rules.prove.written_rules import written_rule

_CODE = "code"


@frozen
class Side:
    """One side of a change: a pack on a day, with what decides and what searches it."""

    program: Program
    space: SearchSpace

    @cached_property
    def citations(self) -> tuple[GivenCitation, ...]:
        """The sections of which the side's own law says something."""
        pack = self.program.pack
        read = self.program.read
        table = pack.offenses.sections.values() if pack.offenses is not None else ()
        homicide = self.space.segment.parameters.get("homicide_sections", ())
        sections = {section.text: section for section in (*table, *_sections(homicide))}
        charges = [{_CODE: text} for text in sections if sections[text].is_whole]
        read_charges = read({"encounter": {"charges": charges}}).known.get(CHARGES, ())
        return tuple(charge[_CODE] for charge in read_charges)

    def filled(self, citation: GivenCitation | None, **fields: Any) -> Mapping[str, Any]:
        """Return a charge under a section, with these fields, as the side's law reads it."""
        # INVARIANT: a section's text names it alone.
        key = (citation and citation.given, *fields.items())
        if key not in self._filled:
            charge = {_CODE: citation, **fields}
            records = self.program.law.filled(Facts({CHARGES: (charge,)}, {})).known[CHARGES]
            self._filled[key] = records[0]
        return self._filled[key]

    def kind_of(self, citation: GivenCitation) -> Any:
        """Return a key of all that the side's law reads of a section, the same for those alike."""
        if citation.given not in self._kinds:
            section, program = citation.section, self.program
            kind = None if section is None else program.law.reads_alike(section, program.as_of)
            self._kinds[citation.given] = citation.given if kind is None else kind
        return self._kinds[citation.given]

    def is_void(self, citation: GivenCitation) -> bool:
        """Return whether a charge under a section counts only if it is alone."""
        if citation.given not in self._void:
            charges: tuple[dict[str, Any], ...] = ({_CODE: citation}, {})
            kept = self.program.law.filled(Facts({CHARGES: charges}, {})).known[CHARGES]
            self._void[citation.given] = len(kept) < len(charges)
        return self._void[citation.given]

    @cached_property
    def _filled(self) -> dict[tuple[Any, ...], Mapping[str, Any]]:
        return {}

    @cached_property
    def _kinds(self) -> dict[str, Any]:
        return {}

    @cached_property
    def _void(self) -> dict[str, bool]:
        return {}


def _sections(values: Any) -> tuple[Section, ...]:
    return tuple(value for value in values if isinstance(value, Section))


class DecidedCases:
    """The answers of both sides to cases of one decision. A case that was asked is kept."""

    def __init__(self, sides: tuple[Side, Side], name: str) -> None:
        self.sides = sides
        self.name = name
        self._answers: dict[str, tuple[Decision | None, Decision | None]] = {}

    def both(self, facts: Mapping[str, Any]) -> tuple[Decision | None, Decision | None]:
        """Decide a case on both sides, None where a side refuses it."""
        key = repr(facts)
        answers = self._answers.get(key)
        if answers is None:
            old_side, new_side = self.sides
            own_facts = known_to(old_side, facts)
            old = _decided_known(old_side, self.name, own_facts)
            if new_side.program.pack is not old_side.program.pack:
                own_facts = known_to(new_side, facts)
            new = _decided_known(new_side, self.name, own_facts)
            answers = self._answers[key] = old, new
        return answers


def decided(side: Side, name: str, facts: Mapping[str, Any]) -> Decision | None:
    """Decide a case on a side, from the facts that it knows. None if it refuses them."""
    return _decided_known(side, name, known_to(side, facts))


def _decided_known(side: Side, name: str, facts: Mapping[str, Any]) -> Decision | None:
    try:
        return side.program.decide(name, facts)
    except Refusal:
        return None


def in_region(
    region: Region, sides: tuple[Side, Side], decisions: tuple[Decision | None, Decision | None]
) -> bool:
    """Return whether the case of two answers is surely in a region."""
    old, new = decisions
    if old is None or new is None or old.segment is None or new.segment is None:
        return False
    of_sides = (old, new)
    if any(walk(part.node, of_sides[part.side].world) is not part.is_true for part in region.parts):
        return False
    rules = tuple(
        {rule.rule.id: rule for rule in decision.rules_in_force.rules} for decision in of_sides
    )

    def applies(rule_id: str, side: int) -> bool | None:
        return of_sides[side].value(rules[side][rule_id].condition)

    if any(
        applies(rule.id, 1 if rule.side is None else rule.side) is not rule.applies
        for rule in region.rules
    ):
        return False
    return all(applies(rule_id, side) is False for side, rule_id in region.other_bars)


def same_rules(
    sides: tuple[Side, Side], rules: tuple[Mapping[str, RuleInForce], Mapping[str, RuleInForce]]
) -> list[tuple[str, str]]:
    """Return the ids of each rule that both sides have, maybe under another name."""
    old, new = (
        {written_rule(side.space.segment, rule): rule_id for rule_id, rule in own.items()}
        for side, own in zip(sides, rules, strict=True)
    )
    return [(old[text], new[text]) for text in old if text in new]


def known_to(side: Side, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts without those that a side's pack has no word for."""
    pack = side.program.pack
    known_facts = {
        group: _known(pack.vocabulary.facts, value, group)
        for group, value in facts.items()
        if group != "decisions"
    }
    stated_outcomes = facts.get("decisions", {})
    if isinstance(stated_outcomes, Mapping):
        known_facts["decisions"] = {
            name: outcome for name, outcome in stated_outcomes.items() if name in pack.decisions
        }
    return {group: value for group, value in known_facts.items() if value != {}}


def _known(facts: Mapping[str, Fact], value: Any, path: str) -> Any:
    """Return a group of facts without unknown ones, and a list without unknown fields."""
    fact = facts.get(path)
    if isinstance(value, Mapping) and fact is None:
        inner = {name: _known(facts, below, f"{path}.{name}") for name, below in value.items()}
        return {
            name: below
            for name, below in inner.items()
            if f"{path}.{name}" in facts or (isinstance(below, dict) and below)
        }
    if fact is not None and fact.type == "list" and isinstance(value, (list, tuple)):
        return [
            {name: field_value for name, field_value in record.items() if name in fact.fields}
            if isinstance(record, Mapping)
            else record
            for record in value
        ]
    return value


def rules_of(decision: Decision) -> tuple[str, ...]:
    """Return the ids of the rules that gave an answer."""
    return tuple(dict.fromkeys(reason["rule"] for reason in decision.reasons))
