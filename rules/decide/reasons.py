"""The reasons for a ruling, with their sources, and every rule that was considered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rules.decide import doubts, explain
from rules.decide.ruling import Ruling, explanation, shares_needs
from rules.decide.wording import RuleText, value_entry
from rules.input.printing import PLAIN, plain
from rules.language import tree
from rules.packs.resolve import RuleInForce
from rules.packs.tables import Table

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@explanation
def list_reasons(ruling: Ruling) -> list[dict[str, Any]]:
    """Return the rules that gave the outcome, or the default.

    For an undetermined ruling these are the rules that already apply.
    """
    if ruling.attested:
        return [_attested(ruling)]
    if ruling.segment is None:
        return []
    outcomes = ruling.outcome if isinstance(ruling.outcome, list) else ruling.possible
    reasons = [
        _of_rule(ruling, rule)
        for outcome, rules in ruling.rules_in_force.ranks
        if outcome in outcomes
        for rule in rules
        if ruling.value(rule.condition)
    ]
    if ruling.status == "decided":
        if not reasons:
            reasons.append(_of_default(ruling))
        if isinstance(ruling.outcome, str):
            reasons += _of_exemptions(ruling)
    return reasons


def _attested(ruling: Ruling) -> dict[str, Any]:
    # Who stated it isn't known here: the prosecutor may answer for the program, and police too.
    return {
        "rule": "attested",
        "outcome": ruling.outcome,
        "text": "This answer was given. It stands in place of the program's own rules for it.",
        "source": None,
        "values": [],
        "facts": {f"decisions.{ruling.decision}": ruling.outcome},
        "provisional": None,
        "reviewable_by": None,
    }


def _of_rule(ruling: Ruling, in_force: RuleInForce) -> dict[str, Any]:
    rule, text = in_force.rule, ruling.texts.of_rule(in_force)
    rule_doubts = [rule.provisional] if rule.provisional else []
    rule_doubts += doubts.of_reads(ruling, text)
    return _reason(ruling, rule.id, rule.then, text, rule_doubts, rule.reviewable_by)


def _of_default(ruling: Ruling) -> dict[str, Any]:
    default = ruling.rules_in_force.otherwise
    return _reason(
        ruling,
        "otherwise",
        default.outcome,
        ruling.texts.of_default,
        doubts.of_default(ruling),
        default.reviewable_by,
    )


def _of_exemptions(ruling: Ruling) -> list[dict[str, Any]]:
    """An exception that keeps a rule from giving another outcome is a reason for this one."""
    reasons = []
    for in_force in ruling.texts.with_exceptions:
        if in_force.rule.then == ruling.outcome or not ruling.value(in_force.rule.when):
            continue
        for exemption in in_force.unless:
            if ruling.value(exemption.when):
                text = ruling.texts.of_exemption(exemption)
                own_doubts = [text.provisional] if text.provisional else []
                outcome = str(ruling.outcome)
                reason = _reason(ruling, exemption.id, outcome, text, own_doubts, None)
                reasons.append({**reason, "lifts": in_force.rule.id})
    return reasons


def _reason(
    ruling: Ruling,
    rule: str,
    outcome: str,
    text: RuleText,
    rule_doubts: Iterable[str],
    reviewable_by: str | None,
) -> dict[str, Any]:
    reason: dict[str, Any] = {
        "rule": rule,
        "outcome": outcome,
        "text": text.text,
        "source": text.source,
        "values": [*text.values, *_rows_read(ruling, text)],
        "facts": ruling.known_facts(text),
        "provisional": "; ".join(dict.fromkeys(rule_doubts)) or None,
        "reviewable_by": reviewable_by,
    }
    if text.other:
        reason["other"] = text.other
    because = {}
    for name in text.names.decisions:
        if shares_needs(ruling, name):
            inner = ruling.case.decide(name)
            if inner.status == "decided":
                because[name] = list_reasons(inner)
    if because:
        reason["because"] = because
    return reason


def _rows_read(ruling: Ruling, text: RuleText) -> list[dict[str, Any]]:
    """Return the rows of tables that mattered: those of the words that settled the conditions."""
    if not text.tables:
        return []
    segment = ruling.rules_segment
    tables = {name: segment.parameters[name] for name in text.tables}
    words: dict[tuple[str, str], None] = {}
    for condition in text.conditions:
        for part, bound in explain.settling(condition, ruling.world):
            for row, inner in explain.parts(part, ruling.world, bound):
                if isinstance(row, tree.RowOf):
                    word = explain.value_of(row.key, ruling.world, inner)
                    words |= dict.fromkeys((row.name, meant) for meant in _finest(row.key, word))
    return [
        value_entry(segment, name, table.rows[word], word)
        for name, word in words
        if isinstance(table := tables[name], Table)
    ]


def _finest(key: tree.Tree, word: str | None) -> tuple[str, ...]:
    """Return the finest words that a table's key may mean, in their order."""
    assert isinstance(key, (tree.FactOf, tree.FieldOf))
    words = key.fact.word_tree
    meant = words.finest if word is None else words.finest_of(word)
    return tuple(finest for finest in words.finest if finest in meant)


@explanation
def list_considered(ruling: Ruling) -> list[dict[str, Any]]:
    """Return every rule in force with its value and the known facts that settled it."""
    if ruling.segment is None or ruling.attested:
        return []
    return [_considered(ruling, in_force) for in_force in ruling.rules_in_force.rules]


def _considered(ruling: Ruling, in_force: RuleInForce) -> dict[str, Any]:
    value = ruling.value(in_force.condition)
    text = ruling.texts.of_rule(in_force)
    entry: dict[str, Any] = {
        "rule": in_force.rule.id,
        "outcome": in_force.rule.then,
        "value": value,
        "text": text.text,
        "source": text.source,
        "settled_by": _as_json(explain.settled(in_force.condition, ruling.world)),
    }
    if value is None:
        entry["unknown"] = sorted(ruling.unknown(in_force.condition))
    exceptions = [exemption.id for exemption in in_force.unless if ruling.value(exemption.when)]
    if exceptions:
        entry["excepted_by"] = exceptions
    return entry


def _as_json(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        path: value if (value := facts[path]).__class__ in PLAIN else plain(value)
        for path in sorted(facts)
    }
