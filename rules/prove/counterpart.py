"""Check that an offer bars nobody by a chance observation whom the program's test would let in.

A rule `may_not_offer` with `if_known` reads at the scene what eligibility reads later. An offer
once made stays on record, so the later test must say the same: an `ineligible` rule that is true
wherever the offer's rule is, the marker left out.
"""

from __future__ import annotations

from collections.abc import Iterable

from rules.decide.search import Search, TooFar, exact
from rules.decide.search_space import SearchSpace
from rules.errors import PackError
from rules.language import tree
from rules.packs.faults import Faults
from rules.packs.resolve import RuleInForce
from rules.prove.implied import implies, without_if_known

BARS, COUNTERPART = "may_not_offer", "ineligible"
# An offer is withheld only from a case that eligibility bars too.
AS_WELL = f"an offer is withheld only where `eligibility` is `{COUNTERPART}`, so bar the case there"


def refuse_without_counterpart(spaces: Iterable[SearchSpace], faults: Faults) -> None:
    """Add a fault for each rule that bars by `if_known` and has no counterpart, once for a rule."""
    refused: set[str] = set()
    for space in spaces:
        segment = space.segment
        offer = segment.decisions.get("offer")
        for in_force in offer.rules if offer else ():
            rule = in_force.rule
            if rule.then != BARS or rule.id in refused or not _asks(in_force.condition):
                continue
            if not _has_counterpart(space, in_force):
                refused.add(rule.id)
                faults.add(
                    PackError(
                        "no-counterpart",
                        f"the rule `{rule.id}` of `offer` bars by `if_known(…)` on {segment.day}, "
                        f"and no rule of `eligibility` is `{COUNTERPART}` for all these cases",
                        at=rule.place,
                        fix="add a rule to `eligibility` with the same parts, without `if_known`: "
                        f"{AS_WELL}",
                    )
                )


def _asks(condition: tree.Tree) -> bool:
    return any(isinstance(part, tree.IfKnown) for part in tree.nodes(condition))


def _has_counterpart(space: SearchSpace, in_force: RuleInForce) -> bool:
    eligibility = space.segment.decisions.get("eligibility")
    rules = eligibility.rules if eligibility else ()
    if any(
        candidate.rule.then == COUNTERPART and implies(in_force.condition, candidate.condition)
        for candidate in rules
    ):
        return True
    return eligibility is not None and _is_proved(space, in_force)


def _is_proved(space: SearchSpace, in_force: RuleInForce) -> bool:
    """Return True if a complete search finds no case that is barred and not ineligible."""
    test = tree.Compare("==", tree.OutcomeOf("eligibility"), tree.Constant(COUNTERPART))
    barred = without_if_known(in_force.condition)
    goal = tree.And((barred, tree.Not(test)))
    conditions = [rule.condition for rule in space.segment.decisions["eligibility"].rules]
    if not exact(goal, *conditions):
        return False
    try:
        return Search(space, goal).witness() is None
    except TooFar:
        return False
