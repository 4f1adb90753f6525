"""Say in a sentence what a chance observation would change: `If you weigh it and …`."""

from __future__ import annotations

from rules.author.english import line
from rules.author.phrases import Words, spell_name
from rules.language import tree
from rules.packs.resolve import RuleInForce
from rules.prove.implied import without_if_known

_CONSEQUENCES = {"may_not_offer": "the program may not be offered"}


def sentence_of(in_force: RuleInForce, terms: Words) -> str:
    """Return the sentence for a rule with `if_known`, without its exceptions' words."""
    condition = without_if_known(in_force.condition)
    lead = "If you weigh or count it and" if is_measured(in_force) else "If it is known that"
    if _weighs_only(condition):
        lead = "If you weigh it and"
    outcome = in_force.rule.then
    consequence = _CONSEQUENCES.get(outcome, f"the answer is {spell_name(outcome)}")
    return f"{lead} {line(condition, terms)}, {consequence}."


def is_measured(in_force: RuleInForce) -> bool:
    """Return True if a rule reads what somebody weighs or counts."""
    facts = tree.facts_read(in_force.condition).values()
    return any(fact.kind == "measurement" for fact in facts)


def _weighs_only(condition: tree.Tree) -> bool:
    measured = [fact for fact in tree.facts_read(condition).values() if fact.kind == "measurement"]
    return bool(measured) and all(fact.unit == "g" for fact in measured)
