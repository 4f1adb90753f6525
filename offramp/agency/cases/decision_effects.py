"""Set aside what a person's decision itself states, to judge that same decision. Pure.

A filing states that no charge is on hold, and the end of a place that the person isn't in. With
that, the rules would have nothing left to decide, and would contradict the decision.
"""

from __future__ import annotations

from offramp.agency.cases.case import Case
from offramp.agency.cases.case_entry import CaseEntry

# The decisions that state a fact which the rules read on the same decision, each with the outcomes
# after which the question is as open as before.
_WITH_EFFECTS = {"filing": ("hold",), "ejection": ("retain",)}


def without_effects(case: Case, decision: str) -> Case:
    """Return a case without what people's decisions on a question state of it.

    Their outcomes stay. Of other decisions, it is the case itself.
    INVARIANT: nobody's decision is compared with an answer that rests on that decision.
    """
    open_after = _WITH_EFFECTS.get(decision)
    if open_after is None:
        return case
    made = [
        entry
        for entry in case.entries
        if entry.determined is not None
        and entry.determined["decision"] == decision
        and entry.determined["outcome"] not in open_after
    ]
    if not made:
        return case
    notes = [entry for entry in made if entry.record is None]
    records = {(entry.by, entry.record) for entry in made if entry.record is not None}
    parts = [entry for entry in case.entries if (entry.by, entry.record) in records]
    return case.set_aside([*notes, *parts])


def stated_by(case: Case, determined: CaseEntry | None) -> frozenset[tuple[str, float]]:
    """Return the agency and the places in the log of the records that tell a decision.

    They are two where counsel was told first. All else in them is the decision's own effect, and
    nothing that it rests on. Empty without a decision.
    """
    if determined is None:
        return frozenset()
    others = (
        (entry.by, entry.position)
        for entry in case.entries
        if entry.determined is not None
        and (entry.by, entry.determined) == (determined.by, determined.determined)
    )
    return frozenset(((determined.by, determined.position), *others))


def replaces_answer(case: Case, agency: str, decision: str) -> bool:
    """Return True if a person's decision is in the place of the rules' answer of an agency.

    It is a decision of a person there, or one in force that a person elsewhere made against the
    rules. INVARIANT: nobody tells the rules' answer in its place, and nobody is said to.
    """
    if case.decision_of(agency, decision) is not None:
        return True
    in_force = case.determined.get(decision)
    return in_force is not None and bool((in_force.determined or {}).get("differs"))
