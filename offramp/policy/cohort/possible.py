"""What a case can be answered, and what of its rules is open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from rules.decide.ruling import CHARGES, Ruling
from rules.frozen import frozen
from rules.packs.law import AUTHORITY, READ
from rules.packs.resolve import DecisionInForce, RuleInForce

Outcomes = tuple[str, ...]  # one for each side
DecidingRule = tuple[Outcomes, int, str]  # a change of the answer, the side, and the rule's id
OTHERWISE = "otherwise"  # in place of a rule's id where none applies


@frozen
class Decider:
    """What decides a case on one side, as far as it is known.

    `kind` is `rule` for one rule, `several` for several rules with one answer, `otherwise` if no
    rule applies, `given` for an answer that its decider gave, and `open` if it depends on facts
    that aren't known.
    """

    kind: str
    rule: str = ""


OPEN = Decider("open")
# Why the answers of a row may be fewer than those that are counted.
NO_SOLVER = "the solver isn't installed"
NO_TIME = "the time to solve them ran out"
NO_FORMULA = "there is no formula for"  # followed by a part of a condition
NO_DAY = "their day isn't known"
TOO_LONG = "a list that isn't known may be longer than those that were tried"
NOT_FOUND = "a possible answer was neither found nor ruled out"


@frozen
class Possible:
    """The answers of all sides that a case can have together.

    Without `why`, each of them is the answer to some completion. `why` says why some may not be.
    `deciders` has what decides on each side, if there are two.
    """

    outcomes: frozenset[Outcomes]
    why: str = ""
    deciders: tuple[Decider, ...] = ()

    @property
    def is_sharp(self) -> bool:
        """True if each of the answers is that of some completion."""
        return not self.why


@frozen
class OpenRules:
    """What is left of a decision: open rules by outcome, highest first, and what else follows.

    `otherwise_by` are the rules by which it follows.
    """

    ranks: tuple[tuple[str, tuple[RuleInForce, ...]], ...]
    otherwise: str
    otherwise_by: tuple[str, ...] = ()

    @property
    def rules(self) -> Iterator[RuleInForce]:
        """All open rules."""
        return (rule for _, rules in self.ranks for rule in rules)


def decider_of(
    in_force: DecisionInForce,
    value_of: Callable[[RuleInForce], bool | None],
    reached: Iterable[str],
) -> Decider:
    """Return what decides a case, from the values of the rules and the answers that it can have."""
    outcomes = set(reached)
    if len(outcomes) != 1:
        return OPEN
    (outcome,) = outcomes
    applying = rules_with(in_force, value_of, outcome)
    if len(applying) == 1:
        return Decider("rule", applying[0])
    if applying:
        return Decider("several")
    # The answer is certain. So it comes from a rule with that answer, or from `otherwise`.
    open_rules = [
        rule.rule.id
        for rule in in_force.rules
        if rule.rule.then == outcome and value_of(rule) is not False
    ]
    if outcome == in_force.otherwise.outcome:
        return OPEN if open_rules else Decider("otherwise")
    return Decider("rule", open_rules[0]) if len(open_rules) == 1 else OPEN


def rules_with(
    in_force: DecisionInForce, value_of: Callable[[RuleInForce], bool | None], outcome: str
) -> list[str]:
    """Return the rules with an outcome that apply for certain."""
    return [
        rule.rule.id
        for then, rules in in_force.ranks
        if then == outcome
        for rule in rules
        if value_of(rule) is True
    ]


def open_charge(ruling: Ruling, place: int, charge: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a charge without a section that isn't recognized: another one may be meant.

    The fields that were given besides are left. So is the authority, unless the section is
    another state's.
    """
    citation = charge.get("code")
    if citation is None or citation.is_recognized or citation.section is None:
        return charge
    original = ruling.case.original.known[CHARGES][place]
    fields = {name: value for name, value in original.items() if name != "code"}
    if ruling.program.law.other_state(citation.section) is None:
        fields[AUTHORITY] = charge.get(AUTHORITY)
    return fields


def words_left(
    ruling: Ruling, place: int, record: Mapping[str, Any]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the fields of a charge that aren't known, with the words that its law leaves.

    Where what was given contradicts the law, either may be right.
    """
    law = ruling.program.law
    day = law.as_of or ruling.case.facts.known.get("encounter.date")
    stated_field = ruling.case.original.known[CHARGES][place]
    for field, statements in law.stated(record, day).items():
        if field in READ and record.get(field) is None:
            values_left = {statement.value for statement in statements}
            if stated_field.get(field) is not None:
                values_left.add(stated_field[field])
            yield field, tuple(sorted(values_left))
