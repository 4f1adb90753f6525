"""A decision in words and JSON: reasons with their sources, what was considered, what is doubtful, what comes next.

Nothing here decides. Everything is read off the rules in force and the trees that ran; what is the same for every case on a
day (wording, sources, doubts about values) is worked out once for the day, in `Sayings`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rules.decide import explain
from rules.decide.compile import Shown, compile_shown
from rules.frozen import frozen, kept
from rules.input.facts import PLAIN, plain
from rules.language import tree
from rules.packs.pack import Citation, Exemption, Item, Wording
from rules.packs.resolve import DecisionInForce, RuleInForce, Segment

if TYPE_CHECKING:
    from rules.decide.decision import Decision


@frozen
class Saying:
    """What is said of one rule, exception or default on a day, whatever the case."""

    text: str
    source: dict[str, str | None]
    provisional: str | None
    other: list[dict[str, Any]]
    named: explain.Names
    doubts_read: tuple[str, ...]  # about the values and clocks that it reads

    @kept
    def shown(self) -> Shown:
        """Gives every known fact that it names, by path."""
        return compile_shown(self.named)


class Sayings:
    """What is said of one decision's rules on a day."""

    def __init__(self, segment: Segment, decision: DecisionInForce) -> None:
        self.segment = segment
        self.decision = decision
        self._rules: dict[str, Saying] = {}

    def of_rule(self, in_force: RuleInForce) -> Saying:
        found = self._rules.get(in_force.rule.id)
        if found is None:
            found = self._rules[in_force.rule.id] = self._saying(
                in_force.rule, in_force.rule.because, [in_force.condition]
            )
        return found

    @kept
    def of_default(self) -> Saying:
        conditions = [rule.condition for rule in self.decision.rules]
        return self._saying(self.decision.otherwise, self.decision.otherwise.because, conditions)

    def of_exemption(self, exemption: Exemption) -> Saying:
        return self._saying(exemption, exemption.because, [exemption.when])

    @kept
    def doubtful(self) -> list[tuple[RuleInForce, Saying, list[Exemption]]]:
        """The rules whose not holding may rest on something doubtful: a value, another decision, or one of these exceptions."""
        found = [
            (rule, self.of_rule(rule), [one for one in rule.unless if one.provisional])
            for rule in self.decision.rules
        ]
        return [one for one in found if one[1].doubts_read or one[1].named.decisions or one[2]]

    @kept
    def excepted(self) -> list[RuleInForce]:
        return [rule for rule in self.decision.rules if rule.unless]

    def _saying(self, item: Item, because: str, conditions: list[tree.Tree]) -> Saying:
        segment = self.segment
        named = explain.names_of(conditions)
        values: list[Item] = [segment.values[name] for name in named.parameters]
        read = list(values)
        for name in named.clocks:
            if name in segment.clocks:
                read += [segment.clocks[name], segment.values[segment.clocks[name].length]]
        other = [
            {"says": one.says, "source": cited(segment, one.source), "why": one.why}
            for said in (item, *values)
            for one in said.other
        ]
        doubts = tuple(dict.fromkeys(one.provisional for one in read if one.provisional))
        return Saying(
            wording(segment, because),
            cited(segment, item.source),
            item.provisional,
            other,
            named,
            doubts,
        )


# Reasons


def reasons(decision: Decision) -> list[dict[str, Any]]:
    if decision.attested:
        return [_attested(decision)]
    if decision.segment is None:
        return []
    outcomes = decision.outcome if isinstance(decision.outcome, list) else decision.possible
    found = [
        _of_rule(decision, rule)
        for outcome, rules in decision.rules_in_force.ranks
        if outcome in outcomes
        for rule in rules
        if decision.value(rule.condition)
    ]
    if decision.status == "decided":
        if not found:
            found.append(_of_default(decision))
        if isinstance(decision.outcome, str):
            found += _of_exemptions(decision)
    return found


def _attested(decision: Decision) -> dict[str, Any]:
    path = f"decisions.{decision.decision}"
    text = f"Answered by {_role(decision.decided_by)}; the answer stands in place of the program's own rules for it."
    return {
        "rule": "attested",
        "outcome": decision.outcome,
        "text": text,
        "source": None,
        "facts": {path: decision.outcome},
        "provisional": None,
        "reviewable_by": None,
    }


def _of_rule(decision: Decision, in_force: RuleInForce) -> dict[str, Any]:
    rule, saying = in_force.rule, decision.sayings.of_rule(in_force)
    doubts = ([rule.provisional] if rule.provisional else []) + _doubts_read(decision, saying)
    return _reason(decision, rule.id, rule.then, saying, doubts, rule.reviewable_by)


def _of_default(decision: Decision) -> dict[str, Any]:
    default = decision.rules_in_force.otherwise
    return _reason(
        decision,
        "otherwise",
        default.outcome,
        decision.sayings.of_default,
        _doubts_of_default(decision),
        default.reviewable_by,
    )


def _of_exemptions(decision: Decision) -> list[dict[str, Any]]:
    """An exception that keeps a rule from giving another outcome is a reason for this one."""
    found = []
    for in_force in decision.sayings.excepted:
        if in_force.rule.then != decision.outcome and decision.value(in_force.rule.when):
            for one in in_force.unless:
                if decision.value(one.when):
                    saying = decision.sayings.of_exemption(one)
                    doubts = [saying.provisional] if saying.provisional else []
                    reason = _reason(decision, one.id, str(decision.outcome), saying, doubts, None)
                    found.append({**reason, "lifts": in_force.rule.id})
    return found


def _reason(
    decision: Decision,
    rule: str,
    outcome: str,
    saying: Saying,
    doubts: Iterable[str],
    reviewable_by: str | None,
) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "rule": rule,
        "outcome": outcome,
        "text": saying.text,
        "source": saying.source,
        "facts": decision.shown(saying.shown),
        "provisional": "; ".join(dict.fromkeys(doubts)) or None,
        "reviewable_by": reviewable_by,
    }
    if saying.other:
        shown["other"] = saying.other
    because = {}
    words = decision.program.pack.vocabulary.decisions
    for name in saying.named.decisions:
        if not (name in words and words[name].keeps_its_needs):
            inner = decision.case.decide(name)
            if inner.status == "decided":
                because[name] = inner.reasons
    if because:
        shown["because"] = because
    return shown


# What is doubtful


def provisional(decision: Decision) -> list[str]:
    if decision.attested or decision.segment is None:
        return []
    given = decision.outcome if isinstance(decision.outcome, list) else decision.possible
    doubts: list[str] = []
    for outcome, rules in decision.rules_in_force.ranks:
        for in_force in rules if outcome in given else ():
            if decision.value(in_force.condition):
                doubts += [in_force.rule.provisional] if in_force.rule.provisional else []
                doubts += _doubts_read(decision, decision.sayings.of_rule(in_force))
    doubts += _doubts_of_default(decision)
    for entry in decision.offenses:
        if entry["provisional"] and entry["given"] is None:
            doubts.append(f"{entry['code']}: {entry['provisional']}")
    law = decision.program.law
    if law is not None and "code" in _fields_read(decision, "encounter.charges"):
        doubts += law.doubted(decision.case.facts)
    program = decision.program.pack.program
    if program.provisional:
        doubts.append(f"program: {program.provisional}")
    return list(dict.fromkeys(doubts))


def _doubts_of_default(decision: Decision) -> list[str]:
    """Doubts about an outcome that stands because rules above it don't hold.

    That a rule which doesn't hold is itself doubtful changes nothing; that the value it was held against is, or the exception
    that lifted it, might.
    """
    doubts: list[str] = []
    for in_force, saying, doubted in decision.sayings.doubtful:
        if in_force.rule.then == decision.outcome:
            continue
        found = _doubts_read(decision, saying)
        if doubted:
            found = [*(str(one.provisional) for one in doubted if decision.value(one.when)), *found]
        if found and decision.value(in_force.condition) is False:
            doubts += found
    default = decision.rules_in_force.otherwise
    if default.provisional and default.outcome in decision.possible:
        doubts.append(default.provisional)
    return doubts


def _doubts_read(decision: Decision, saying: Saying) -> list[str]:
    doubts = list(saying.doubts_read)
    attested = decision.case.facts.attested
    for name in saying.named.decisions:
        if name not in attested:  # an answer from outside rests on nothing of the pack's
            doubts += decision.case.decide(name).provisional
    return doubts


# Everything else


def offenses(decision: Decision) -> list[dict[str, Any]]:
    """What the table filled in or has otherwise, of the facts that the decision reads, through other decisions too."""
    law, case = decision.program.law, decision.case
    if law is None or decision.segment is None or decision.attested:
        return []
    entries = law.told(case.given, case.program.pack.sources)
    if not entries:
        return []
    read = _fields_read(decision, "encounter.charges")
    return [entry for entry in entries if entry["fact"].rpartition(".")[2] in read]


def _fields_read(decision: Decision, path: str) -> frozenset[str]:
    if decision.in_force is None or decision.attested:
        return frozenset()
    named = explain.names_of([rule.condition for rule in decision.in_force.rules])
    found = {name for over, fields in named.lists if over == path for name in fields}
    for name in named.decisions:
        found |= _fields_read(decision.case.decide(name), path)
    return frozenset(found)


def considered(decision: Decision) -> list[dict[str, Any]]:
    if decision.segment is None or decision.attested:
        return []
    shown = []
    for in_force in decision.rules_in_force.rules:
        value = decision.value(in_force.condition)
        saying = decision.sayings.of_rule(in_force)
        entry: dict[str, Any] = {
            "rule": in_force.rule.id,
            "outcome": in_force.rule.then,
            "value": value,
            "text": saying.text,
            "source": saying.source,
            "settled_by": _shown(explain.settled(in_force.condition, decision.world)),
        }
        if value is None:
            entry["unknown"] = sorted(explain.unknown(in_force.condition, decision.world))
        excepted = [one.id for one in in_force.unless if decision.value(one.when)]
        if excepted:
            entry["excepted_by"] = excepted
        shown.append(entry)
    return shown


def next_step(decision: Decision) -> dict[str, str] | None:
    """The pack's own words for what comes now; while undetermined, also whom to ask what."""
    declared = decision.program.pack.decisions.get(decision.decision)
    if declared is None:
        return None
    if decision.status == "undetermined":
        step = meanwhile(decision)
        asked = [
            f"Ask {_role(entry['ask'])}: {entry['question']} (`{entry['fact']}`)"
            for entry in decision.needed
        ]
        first = [step["text"]] if step else []
        more = [f"… and {len(asked) - 3} more, see `needed`."] if len(asked) > 3 else []
        return {
            "who": step["who"] if step else decision.decided_by,
            "text": " ".join([*first, *asked[:3], *more]),
        }
    outcomes = decision.outcome if isinstance(decision.outcome, list) else [str(decision.outcome)]
    steps = [
        declared.next[one]
        for one in outcomes
        if one in declared.next and _applies(decision, declared.next[one])
    ]
    if not steps:
        return None
    return {"who": steps[0].who, "text": " ".join(_worded(decision, one.text) for one in steps)}


def meanwhile(decision: Decision) -> dict[str, str] | None:
    """What the pack says may be done while the answer is undetermined."""
    declared = decision.program.pack.decisions.get(decision.decision)
    step = declared.while_waiting if declared else None
    return (
        {"who": step.who, "text": _worded(decision, step.text)}
        if step and _applies(decision, step)
        else None
    )


def _applies(decision: Decision, step: Wording) -> bool:
    """Whether the step is in force on the decision's day, or the day isn't known."""
    return decision.as_of is None or step.in_force(decision.as_of)


def _worded(decision: Decision, text: str) -> str:
    return wording(decision.segment.segment, text) if decision.segment else wording(None, text)


def wording(segment: Segment | None, text: str) -> str:
    """The text with each `{parameter}` in braces replaced by its value on the day."""

    def value(match: re.Match[str]) -> str:
        held = segment.parameters.get(match[1]) if segment else None
        if held is None:
            return "(not known)"
        return ", ".join(held) if isinstance(held, tuple) else tree.constant_text(held)

    return re.sub(r"\{([^{}]*)\}", value, text)


def cited(segment: Segment, citation: Citation) -> dict[str, str | None]:
    source = segment.pack.sources[citation.id]
    return {
        "id": source.id,
        "title": source.title,
        "at": citation.at,
        "confidence": source.confidence,
    }


def _shown(facts: dict[str, Any]) -> dict[str, Any]:
    return {
        path: value if (value := facts[path]).__class__ in PLAIN else plain(value)
        for path in sorted(facts)
    }


def _role(role: str) -> str:
    return (
        f"the {role.replace('_', ' ')}"
        if role not in ("police", "case_management", "hub")
        else role.replace("_", " ")
    )
