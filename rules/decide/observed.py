"""The rules of an offer that a chance observation would make true: what would bar, if known.

`if_known` never waits, so an open one leaves its rule false. The answer says so, with the facts
that would settle it. Only an outcome in this list can be added by a later observation.
"""

from __future__ import annotations

from rules.decide.ruling import Ruling, explanation
from rules.packs.resolve import RuleInForce

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@explanation
def list_would_bar(ruling: Ruling) -> list[dict[str, Any]]:
    """Return every rule above the outcome whose `if_known` is open.

    `otherwise` stands below every rule, wherever its outcome is in the order. Each entry
    has `rule`, `outcome`, and `facts`, the paths of the facts that would settle it.
    """
    return [
        {"rule": in_force.rule.id, "outcome": in_force.rule.then, "facts": facts}
        for in_force, facts in open_rules(ruling)
    ]


def open_rules(ruling: Ruling) -> list[tuple[RuleInForce, list[str]]]:
    """Return these rules with the paths of the facts that would settle each."""
    if ruling.segment is None or ruling.attested or not ruling.possible:
        return []
    in_force = ruling.rules_in_force
    if not in_force.asks_if_known:
        return []
    order = in_force.decision.outcomes.index
    lowest = order(ruling.possible[-1])
    default = None if has_true_rule(ruling) else in_force.otherwise.outcome
    entries = []
    for outcome, rules in in_force.ranks:
        is_above = order(outcome) < lowest if default is None else outcome != default
        for rule in rules if is_above else ():
            if not rule.asks_if_known or ruling.value(rule.condition) is not False:
                continue
            facts = ruling.unknown(rule.condition, waits=True)
            if facts:
                entries.append((rule, sorted(facts)))
    return entries


def has_true_rule(ruling: Ruling) -> bool:
    """Return True if a rule came out, so that the outcome isn't that of `otherwise`."""
    return any(
        ruling.value(rule.condition) is True
        for _, rules in ruling.rules_in_force.ranks
        for rule in rules
    )
