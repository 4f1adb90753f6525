"""The doubtful values, rules, and offenses that a ruling depends on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from rules.decide.reads import fields_read
from rules.decide.ruling import CHARGES, Ruling, explanation
from rules.decide.wording import RuleText
from rules.packs.pack import Program

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@explanation
def list_doubts(ruling: Ruling) -> list[str]:
    """Return everything that the ruling depends on and its sources leave doubtful."""
    if ruling.attested or ruling.segment is None:
        return []
    doubts = [*_of_rules(ruling), *of_default(ruling), *_of_offenses(ruling)]
    program = ruling.program.pack.program
    doubts += (f"program: {doubt}" for doubt in doubts_of(program, ruling.segment.segment.day))
    return list(dict.fromkeys(doubts))


def doubts_of(program: Program, day: date) -> Iterator[str]:
    """Yield what is in doubt about a whole program on a day, whatever the case."""
    if program.provisional:
        yield program.provisional
    yield from (doubt.says for doubt in program.doubts if doubt.in_force(day))


def _of_rules(ruling: Ruling) -> Iterator[str]:
    outcomes = ruling.outcome if isinstance(ruling.outcome, list) else ruling.possible
    for outcome, rules in ruling.rules_in_force.ranks:
        for in_force in rules if outcome in outcomes else ():
            if ruling.value(in_force.condition):
                if in_force.rule.provisional:
                    yield in_force.rule.provisional
                yield from of_reads(ruling, ruling.texts.of_rule(in_force))


def of_default(ruling: Ruling) -> list[str]:
    """Return the doubts about an outcome that applies because rules above it do not.

    A doubtful rule that does not apply changes nothing. A doubtful value that the rule compares
    with, or a doubtful exception that lifted it, might.
    """
    doubts: list[str] = []
    for doubtful in ruling.texts.doubtful:
        in_force = doubtful.rule
        if in_force.rule.then == ruling.outcome:
            continue
        rule_doubts = of_reads(ruling, doubtful.text)
        if doubtful.doubtful_exemptions:
            rule_doubts[:0] = [
                str(exemption.provisional)
                for exemption in doubtful.doubtful_exemptions
                if ruling.value(exemption.when)
            ]
        if rule_doubts and ruling.value(in_force.condition) is False:
            doubts += rule_doubts
    default = ruling.rules_in_force.otherwise
    if default.provisional and default.outcome in ruling.possible:
        doubts.append(default.provisional)
    return doubts


def of_reads(ruling: Ruling, text: RuleText) -> list[str]:
    """Return the doubts about the values and the inner decisions that a rule reads."""
    doubts = list(text.value_doubts)
    for name in text.names.decisions:
        # An attested outcome depends on nothing of the pack's.
        if name not in ruling.case.facts.attested:
            doubts += list_doubts(ruling.case.decide(name))
    return doubts


def _of_offenses(ruling: Ruling) -> Iterator[str]:
    for entry in list_offenses(ruling):
        if entry["provisional"] and entry["given"] is None:
            yield f"{entry['code']}: {entry['provisional']}"


@explanation
def list_offenses(ruling: Ruling) -> list[dict[str, Any]]:
    """Return the fields of charges that the offense table fills in, or has otherwise than given.

    Only fields that the ruling's rules read are listed, through inner decisions too.
    """
    case = ruling.case
    if not case.original.known.get(CHARGES) or ruling.segment is None or ruling.attested:
        return []
    entries = case.program.law.differences(case.dated, case.program.pack.sources)
    if not entries:
        return []
    fields = fields_read(ruling, CHARGES)
    return [entry for entry in entries if entry["fact"].rpartition(".")[2] in fields]
