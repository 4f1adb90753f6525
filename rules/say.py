"""A decision in words and JSON: reasons with their sources, what was considered, what is doubtful, what comes next.

Nothing here decides. Everything is read off the rules in force and the trees that ran.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rules import explain, tree
from rules.facts import plain
from rules.pack import Citation, Default, Item
from rules.resolve import RuleInForce

if TYPE_CHECKING:
    from rules.decide import Decision


def reasons(decision: Decision) -> list[dict[str, Any]]:
    if decision.attested:
        return [_attested(decision)]
    if decision.segment is None:
        return []
    outcomes = decision.outcome if isinstance(decision.outcome, list) else decision.possible
    found = [_of_rule(decision, rule) for rule in decision.rules_in_force.rules
             if rule.rule.then in outcomes and decision.value(rule.condition)]  # fmt: skip
    default = decision.rules_in_force.otherwise
    if not found and decision.status == "decided":
        found.append(_of_default(decision, default))
    if decision.status == "decided" and isinstance(decision.outcome, str):
        found += _of_exemptions(decision)
    return found


def _of_exemptions(decision: Decision) -> list[dict[str, Any]]:
    """An exception that keeps a rule from giving another outcome is a reason for this one."""
    return [
        {"rule": one.id, "lifts": in_force.rule.id, "outcome": decision.outcome, "text": wording(decision, one.because),
         "source": cited(decision, one.source), "facts": _shown(explain.known(one.when, decision.world)),
         "provisional": one.provisional, "reviewable_by": None}
        for in_force in decision.rules_in_force.rules
        if in_force.rule.then != decision.outcome and in_force.unless and decision.value(in_force.rule.when)
        for one in in_force.unless if decision.value(one.when)
    ]  # fmt: skip


def _attested(decision: Decision) -> dict[str, Any]:
    path = f"decisions.{decision.decision}"
    text = f"Answered by {_role(decision.decided_by)}; the answer stands in place of the program's own rules for it."
    return {"rule": "attested", "outcome": decision.outcome, "text": text, "source": None,
            "facts": {path: decision.outcome}, "provisional": None, "reviewable_by": None}  # fmt: skip


def _of_rule(decision: Decision, in_force: RuleInForce) -> dict[str, Any]:
    rule = in_force.rule
    shown: dict[str, Any] = {
        "rule": rule.id, "outcome": rule.then, "text": wording(decision, rule.because), "source": cited(decision, rule.source),
        "facts": _shown(explain.known(in_force.condition, decision.world)),
        "provisional": "; ".join(_doubts_of_true(decision, in_force)) or None, "reviewable_by": rule.reviewable_by,
    }  # fmt: skip
    return _with_more(decision, shown, rule, in_force.condition)


def _of_default(decision: Decision, default: Default) -> dict[str, Any]:
    conditions = [rule.condition for rule in decision.rules_in_force.rules]
    facts: dict[str, Any] = {}
    for condition in conditions:
        facts |= explain.known(condition, decision.world)
    shown: dict[str, Any] = {
        "rule": "otherwise", "outcome": default.outcome, "text": wording(decision, default.because),
        "source": cited(decision, default.source), "facts": _shown(facts),
        "provisional": "; ".join(dict.fromkeys(_doubts_of_default(decision))) or None,
        "reviewable_by": default.reviewable_by,
    }  # fmt: skip
    return _with_more(decision, shown, default, *conditions)


def _with_more(decision: Decision, shown: dict[str, Any], item: Item, *conditions: tree.Tree) -> dict[str, Any]:
    """What other sources say of the item, and why the decisions it read came out as they did (but for records)."""
    said = [{"says": one.says, "source": cited(decision, one.source), "why": one.why} for one in item.other]
    said += [{"says": one.says, "source": cited(decision, one.source), "why": one.why}
             for value in _values_read(decision, *conditions) for one in value.other]  # fmt: skip
    if said:
        shown["other"] = said
    read = _decisions_read(*conditions)
    words = decision.program.pack.vocabulary.decisions
    because = {}
    for name in read:
        inner = decision.case.decide(name)
        if inner.status == "decided" and not (name in words and words[name].keeps_its_needs):
            because[name] = inner.reasons
    if because:
        shown["because"] = because
    return shown


def considered(decision: Decision) -> list[dict[str, Any]]:
    if decision.segment is None:
        return []
    shown = []
    for in_force in decision.rules_in_force.rules:
        value = decision.value(in_force.condition)
        rule = in_force.rule
        entry: dict[str, Any] = {
            "rule": rule.id, "outcome": rule.then, "value": value, "text": wording(decision, rule.because),
            "source": cited(decision, rule.source),
            "settled_by": _shown(explain.settled(in_force.condition, decision.world)),
        }  # fmt: skip
        if value is None:
            entry["unknown"] = sorted(explain.unknown(in_force.condition, decision.world))
        excepted = [one.id for one in in_force.unless if decision.value(one.when)]
        if excepted:
            entry["excepted_by"] = excepted
        shown.append(entry)
    return shown


def provisional(decision: Decision) -> list[str]:
    if decision.attested or decision.segment is None:
        return []
    given = decision.outcome if isinstance(decision.outcome, list) else decision.possible
    doubts = [doubt for rule in decision.rules_in_force.rules if rule.rule.then in given and decision.value(rule.condition)
              for doubt in _doubts_of_true(decision, rule)]  # fmt: skip
    doubts += _doubts_of_default(decision)
    program = decision.program.pack.program
    if program.provisional:
        doubts.append(f"program: {program.provisional}")
    return list(dict.fromkeys(doubts))


def _doubts_of_true(decision: Decision, in_force: RuleInForce) -> list[str]:
    """Doubts about a rule that holds: its own, and those of the values and decisions it reads."""
    own = [in_force.rule.provisional] if in_force.rule.provisional else []
    return own + list(_doubts_read(decision, in_force.condition))


def _doubts_of_default(decision: Decision) -> list[str]:
    """Doubts about an outcome that stands because rules above it don't hold.

    That a rule which doesn't hold is itself doubtful changes nothing; that the value it was held against is, or the exception
    that lifted it, might.
    """
    doubts: list[str] = []
    sure = decision.outcome if isinstance(decision.outcome, str) else None
    for in_force in decision.rules_in_force.rules:
        if in_force.rule.then == sure or decision.value(in_force.condition) is not False:
            continue
        doubts += [one.provisional for one in in_force.unless if one.provisional and decision.value(one.when)]
        doubts += _doubts_read(decision, in_force.condition)
    default = decision.rules_in_force.otherwise
    if default.provisional and default.outcome in decision.possible:
        doubts.append(default.provisional)
    return doubts


def _doubts_read(decision: Decision, condition: tree.Tree) -> Iterator[str]:
    yield from (value.provisional for value in _values_read(decision, condition) if value.provisional)
    assert decision.segment is not None
    segment = decision.segment.segment
    for name in explain.names(condition).clocks:
        clock = segment.clocks[name]
        yield from (item.provisional for item in (clock, segment.values[clock.length]) if item.provisional)
    for name in _decisions_read(condition):
        yield from decision.case.decide(name).provisional


def _values_read(decision: Decision, *conditions: tree.Tree) -> list[Item]:
    assert decision.segment is not None
    values = decision.segment.segment.values
    read = dict.fromkeys(name for condition in conditions for name in explain.names(condition).parameters)
    return [values[name] for name in read]


def _decisions_read(*conditions: tree.Tree) -> list[str]:
    return list(dict.fromkeys(name for condition in conditions for name in explain.names(condition).decisions))


def next_step(decision: Decision) -> dict[str, str] | None:
    """The pack's own words for what comes now; while undetermined, also whom to ask what."""
    declared = decision.program.pack.decisions.get(decision.decision)
    if declared is None:
        return None
    if decision.status == "undetermined":
        step = meanwhile(decision)
        asked = [f"Ask {_role(entry['ask'])}: {entry['question']} (`{entry['fact']}`)" for entry in decision.needed]
        first = [step["text"]] if step else []
        more = [f"… and {len(asked) - 3} more, see `needed`."] if len(asked) > 3 else []
        return {"who": step["who"] if step else decision.decided_by, "text": " ".join([*first, *asked[:3], *more])}
    outcomes = decision.outcome if isinstance(decision.outcome, list) else [str(decision.outcome)]
    steps = [declared.next[one] for one in outcomes if one in declared.next]
    if not steps:
        return None
    return {"who": steps[0].who, "text": " ".join(wording(decision, one.text) for one in steps)}


def meanwhile(decision: Decision) -> dict[str, str] | None:
    """What the pack says may be done while the answer is undetermined."""
    declared = decision.program.pack.decisions.get(decision.decision)
    step = declared.while_waiting if declared else None
    return {"who": step.who, "text": wording(decision, step.text)} if step else None


def wording(decision: Decision, text: str) -> str:
    """The text with each `{parameter}` in braces replaced by its value on the day."""
    segment = decision.segment
    parameters: Mapping[str, Any] = segment.segment.parameters if segment else {}

    def value(match: re.Match[str]) -> str:
        held = parameters.get(match[1])
        if held is None:
            return "(not known)" if match[1] in decision.program.pack.parameters else match[0]
        return ", ".join(held) if isinstance(held, tuple) else tree.constant_text(held).removesuffix(".0")

    return re.sub(r"\{([^{}]*)\}", value, text)


def cited(decision: Decision, citation: Citation) -> dict[str, str | None]:
    source = decision.program.pack.sources[citation.id]
    return {"id": source.id, "title": source.title, "at": citation.at, "confidence": source.confidence}


def _shown(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {path: plain(facts[path]) for path in sorted(facts)}


def _role(role: str) -> str:
    return f"the {role.replace('_', ' ')}" if role not in ("police", "case_management", "hub") else role.replace("_", " ")
