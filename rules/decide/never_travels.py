"""Find out whether a ruling read a fact that never travels, so that its reasons may reveal it."""

from __future__ import annotations

from rules.decide import explain
from rules.decide.ruling import Ruling, explanation, shares_needs


@explanation
def read_what_never_travels(ruling: Ruling) -> bool:
    """Return True if a rule in force reads a fact or field of a category that never travels.

    Facts that it reads through other decisions count, unless such a decision was attested or keeps
    its needs to its decider: its outcome is all that is read of it.
    """
    if ruling.segment is None or ruling.attested:
        return False
    vocabulary = ruling.program.pack.vocabulary
    names = explain.names_of(rule.condition for rule in ruling.rules_in_force.rules)
    paths = [*names.facts, *(path for path, _ in names.lists)]
    paths += [f"{path}.{field}" for path, fields in names.lists for field in fields]
    facts = [fact for path in paths if (fact := vocabulary.fact_at(path)) is not None]
    if any(fact.category in vocabulary.never_travels for fact in facts):
        return True
    return any(
        read_what_never_travels(ruling.case.decide(name))
        for name in names.decisions
        if name not in ruling.case.facts.attested and shares_needs(ruling, name)
    )
