"""The texts of a decision's rules on one day: wording, sources, and doubts about values.

These texts are the same for every case on a day, so they are worked out once for the day and shared
by all its rulings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import time

from rules.decide import explain
from rules.frozen import cached_property, frozen
from rules.input.printing import plain
from rules.input.vocabulary import Vocabulary
from rules.language import tree
from rules.packs.pack import Citation, Exemption, Item
from rules.packs.resolve import DecisionInForce, RuleInForce, Segment
from rules.packs.tables import Table, rows_in_words

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rules.decide.compile import FactReader

_A_FEW = 3  # readings of facts before the reader is compiled, which takes as long


@frozen
class RuleText:
    """The text of one rule, exception, or default on a day.

    `source` and the items of `values` and `other` have the shape they have in a decision's JSON.
    `tables` are the parameters with rows, whose values depend on the case. `value_doubts` are the
    doubts about the values and clocks that the item reads.

    INVARIANT: no source is cited for a text and against it. What a source of `source` or `values`
    says of another value is left out of `other`, and stays on the pack's page.
    """

    text: str
    source: dict[str, str | None]
    provisional: str | None
    other: list[dict[str, Any]]
    names: explain.Names
    vocabulary: Vocabulary
    value_doubts: tuple[str, ...]
    values: tuple[dict[str, Any], ...] = ()
    tables: tuple[str, ...] = ()
    conditions: tuple[tree.Tree, ...] = ()

    def frequent_reader(self) -> FactReader | None:
        """Return the function that returns every known fact the item names, by path.

        It is made once the facts were asked for a few times. Until then, this is None.
        """
        state = self.__dict__
        reader: FactReader | None = state.get("_reader")
        if reader is None:
            reads = state["_reads"] = state.get("_reads", 0) + 1
            if reads > _A_FEW:
                from rules.decide.compile import compile_fact_reader  # one case needs none

                reader = state["_reader"] = compile_fact_reader(self.names, self.vocabulary)
        return reader


@frozen
class DoubtfulRule:
    """A rule that may fail to apply only because of a doubtful value, decision, or exception."""

    rule: RuleInForce
    text: RuleText
    doubtful_exemptions: tuple[Exemption, ...]


class RuleTexts:
    """The texts of one decision's rules on a day, each made when it is first needed."""

    def __init__(self, segment: Segment, decision: DecisionInForce) -> None:
        self.segment = segment
        self.decision = decision
        self._of_rules: dict[str, RuleText] = {}

    def of_rule(self, in_force: RuleInForce) -> RuleText:
        """Return the text of a rule in force."""
        text = self._of_rules.get(in_force.rule.id)
        if text is None:
            text = self._text(in_force.rule, in_force.rule.because, [in_force.condition])
            self._of_rules[in_force.rule.id] = text
        return text

    @cached_property
    def names(self) -> explain.Names:
        """The names in the conditions of all the rules."""
        return explain.names_of(rule.condition for rule in self.decision.rules)

    @cached_property
    def of_default(self) -> RuleText:
        """The text of `otherwise`, which reads what all the rules read."""
        conditions = [rule.condition for rule in self.decision.rules]
        return self._text(self.decision.otherwise, self.decision.otherwise.because, conditions)

    def of_exemption(self, exemption: Exemption) -> RuleText:
        """Return the text of an exception."""
        return self._text(exemption, exemption.because, [exemption.when])

    @cached_property
    def doubtful(self) -> list[DoubtfulRule]:
        """The rules that may fail to apply because of something doubtful."""
        rules = [
            DoubtfulRule(
                rule,
                self.of_rule(rule),
                tuple(exemption for exemption in rule.unless if exemption.provisional),
            )
            for rule in self.decision.rules
        ]
        return [
            rule
            for rule in rules
            if rule.text.value_doubts or rule.text.names.decisions or rule.doubtful_exemptions
        ]

    @cached_property
    def with_exceptions(self) -> list[RuleInForce]:
        """The rules with an exception in force."""
        return [rule for rule in self.decision.rules if rule.unless]

    def _text(self, item: Item, because: str, conditions: Iterable[tree.Tree]) -> RuleText:
        segment = self.segment
        conditions = tuple(conditions)
        names = explain.names_of(conditions)
        read = parameters_read(segment, names)
        values: list[Item] = [segment.values[name] for name in read]
        clocks = [segment.clocks[name] for name in names.clocks if name in segment.clocks]
        items_read = [*values, *clocks]
        cited_for = {sourced.source.id for sourced in (item, *values)}
        other_source = [
            {
                "says": other_source.says,
                "source": cite(segment, other_source.source),
                "why": other_source.why,
            }
            for sourced in (item, *values)
            for other_source in sourced.other
            if other_source.source.id not in cited_for
        ]
        doubts = dict.fromkeys(doubt.provisional for doubt in items_read if doubt.provisional)
        return RuleText(
            fill_in(segment, because),
            cite(segment, item.source),
            item.provisional,
            other_source,
            names,
            segment.pack.vocabulary,
            tuple(doubts),
            tuple(
                value_entry(segment, name, segment.parameters[name])
                for name in read
                if not isinstance(segment.parameters[name], Table)
            ),
            tuple(name for name in read if isinstance(segment.parameters[name], Table)),
            conditions,
        )


def parameters_read(segment: Segment, names: explain.Names) -> tuple[str, ...]:
    """Return the parameters that a condition reads, and the lengths of the clocks that it reads."""
    lengths = [segment.clocks[name].length for name in names.clocks if name in segment.clocks]
    return tuple(dict.fromkeys((*names.parameters, *lengths)))


def value_entry(segment: Segment, name: str, amount: Any, row: str | None = None) -> dict[str, Any]:
    """Return a value that a rule reads as decisions show it. `row` is the word of a table's row."""
    value = segment.values[name]
    entry: dict[str, Any] = {
        "parameter": name,
        "value": f"{amount:%H:%M}" if isinstance(amount, time) else plain(amount),
        "unit": segment.pack.parameters[name].unit,
        "from": value.since.isoformat() if value.since else None,
        "source": cite(segment, value.source),
        "provisional": value.provisional,
    }
    return entry if row is None else {**entry, "row": row}


def fill_in(segment: Segment | None, text: str) -> str:
    """Return the text with each `{parameter}` replaced by its value in the segment.

    The amounts of a table have their unit, since they stand apart.
    """

    def amount_in(name: str) -> Callable[[Any], str]:
        """Return a function that spells an amount of a table with the table's unit."""
        unit = segment.pack.parameters[name].unit if segment else ""
        return lambda amount: f"{tree.constant_text(amount)} {unit}"

    def value(match: re.Match[str]) -> str:
        in_force = segment.values.get(match[1]) if segment else None
        if in_force is None:
            return "(not known)"
        parameter = in_force.value
        if isinstance(parameter, Mapping):
            return rows_in_words(
                parameter, amount_in(match[1]), lambda word: word.replace("_", " ")
            )
        if isinstance(parameter, tuple):
            return ", ".join(str(entry).replace("_", " ") for entry in parameter)
        if isinstance(parameter, time):
            return f"{parameter:%H:%M}"
        return tree.constant_text(parameter)

    return re.sub(r"\{([^{}]*)\}", value, text)


def cite(segment: Segment, citation: Citation) -> dict[str, str | None]:
    """Return a citation as decisions show it: `id`, `title`, `at`, and `confidence`."""
    source = segment.pack.sources[citation.id]
    return {
        "id": source.id,
        "title": source.title,
        "at": citation.at,
        "confidence": source.confidence,
    }


def list_contrary(reason: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what other sources say than a reason, and why they yield, with each source's title."""
    return [
        (
            contrary["says"] + (f" ({contrary['why']})" if contrary["why"] else ""),
            contrary["source"]["title"],
        )
        for contrary in reason.get("other", ())
    ]


def reasons_with_sources(
    reasons: Iterable[Mapping[str, Any]],
) -> Iterator[tuple[str, str | None]]:
    """Yield each reason's text with the title of its source, and what another source says."""
    for reason in reasons:
        yield str(reason["text"]), reason["source"]["title"] if reason["source"] else None
        for says, title in list_contrary(reason):
            yield f"But another source says: {says}.", title


def role_name(role: str) -> str:
    """Return a role as a sentence names it: `the prosecutor`, but `police`."""
    name = role.replace("_", " ")
    return name if role in ("police", "case_management", "hub") else f"the {name}"
