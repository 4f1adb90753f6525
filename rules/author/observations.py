"""Say in a sentence what a chance observation would change: `If you weigh it and …`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rules.author.english import line
from rules.author.phrases import Words, spell_name
from rules.language import tree
from rules.packs.resolve import RuleInForce
from rules.prove.implied import without_if_known

_INDEX = re.compile(r"\[[0-9]+\]")
_CONSEQUENCES = {"may_not_offer": "the program may not be offered"}


def sentence_of(
    in_force: RuleInForce, terms: Words, open_facts: Iterable[str] | None = None
) -> str:
    """Return the sentence for a rule with `if_known`, without its exceptions' words.

    `open_facts` are the facts that would settle it in a case. Without a weight or a number among
    them, there is nothing to weigh.
    """
    condition = without_if_known(in_force.condition)
    lead = "If you weigh or count it and"
    if _weighs_only(condition):
        lead = "If you weigh it and"
    if not is_measured(in_force) or (open_facts is not None and not _waits(in_force, open_facts)):
        lead = "If it is known that"
    outcome = in_force.rule.then
    consequence = _CONSEQUENCES.get(outcome, f"the answer is {spell_name(outcome)}")
    return f"{lead} {line(condition, terms)}, {consequence}."


def is_measured(in_force: RuleInForce) -> bool:
    """Return True if a rule reads what somebody weighs or counts."""
    facts = tree.facts_read(in_force.condition).values()
    return any(fact.kind == "measurement" for fact in facts)


def _waits(in_force: RuleInForce, open_facts: Iterable[str]) -> bool:
    """Return True if a measurement, or the list that it is in, is open."""
    names = {_INDEX.sub("", path) for path in open_facts}
    return any(
        fact.path in names or (fact.of in names)
        for fact in tree.facts_read(in_force.condition).values()
        if fact.kind == "measurement"
    )


def _weighs_only(condition: tree.Tree) -> bool:
    measured = [fact for fact in tree.facts_read(condition).values() if fact.kind == "measurement"]
    return bool(measured) and all(fact.unit == "g" for fact in measured)
