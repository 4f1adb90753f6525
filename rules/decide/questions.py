"""The facts that an undetermined ruling still needs, and the roles that can supply them."""

from __future__ import annotations

from typing import Any

from rules.decide.explain import Leaf, unknown
from rules.decide.ruling import Ruling, explanation, shares_needs


@explanation
def list_needed(ruling: Ruling) -> list[dict[str, Any]]:
    """Return the questions to ask, sorted by path. Empty when decided.

    Each has `fact`, `question`, `ask` (a role), `kind`, and `rule` (the first rule that needs it).
    A fact that is known by a coarse word only has that word as `given`.
    """
    if ruling.status == "decided":
        return []
    if ruling.segment is None:
        assert ruling.as_of_from is not None
        return [_question(ruling, Leaf(ruling.as_of_from), None)]
    questions: dict[str, dict[str, Any]] = {}
    for outcome, rules in ruling.rules_in_force.ranks:
        if outcome not in ruling.possible:
            continue
        values = [ruling.value(rule.condition) for rule in rules]
        if True in values:
            continue
        for rule, value in zip(rules, values, strict=True):
            if value is None:
                for leaf in unknown(rule.condition, ruling.world).values():
                    _add(questions, ruling, leaf, rule.rule.id)
    return [questions[path] for path in sorted(questions)]


def _add(questions: dict[str, dict[str, Any]], ruling: Ruling, leaf: Leaf, rule: str) -> None:
    questions.setdefault(leaf.path, _question(ruling, leaf, rule))
    if leaf.decision is not None and shares_needs(ruling, leaf.decision):
        for question in list_needed(ruling.case.decide(leaf.decision)):
            questions.setdefault(question["fact"], question)


def _question(ruling: Ruling, leaf: Leaf, rule: str | None) -> dict[str, Any]:
    pack = ruling.program.pack
    text, role, kind = "On what day does the question stand?", "hub", "record"
    if leaf.decision is not None:
        declared = pack.decisions[leaf.decision]
        text, role, kind = declared.asks, declared.decided_by, "decision"
    elif (fact := leaf.fact or pack.vocabulary.facts.get(leaf.path)) is not None:
        text, role, kind = fact.question, fact.known_by, fact.kind
    question: dict[str, Any] = {
        "fact": leaf.path,
        "question": text,
        "ask": role,
        "kind": kind,
        "rule": rule,
    }
    if leaf.given is not None:
        question["given"] = leaf.given
    return question
