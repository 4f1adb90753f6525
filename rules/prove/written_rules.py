"""What a rule says on a day, so that two rules that say the same are found under other names."""

from __future__ import annotations

from rules.language import tree
from rules.packs.pack import Exemption
from rules.packs.resolve import RuleInForce, Segment


def written_rule(segment: Segment, rule: RuleInForce) -> str:
    """Return a rule's outcome and condition, with the values and clocks that it reads."""
    parts = list(tree.nodes(rule.condition))
    read = sorted({part.name for part in parts if isinstance(part, (tree.ParameterOf, tree.RowOf))})
    values = [(name, segment.parameters[name]) for name in read]
    timed = sorted({part.clock for part in parts if isinstance(part, tree.StatusOf)})
    clocks = [segment.clocks.get(name) for name in timed]
    lengths = [
        (clock, segment.parameters[clock.length]) if clock is not None else None for clock in clocks
    ]
    return repr((rule.rule.then, tree.text(rule.condition), values, lengths))


def written_exemption(exemption: Exemption) -> tuple[str, str, str | None]:
    """Return what an exception says, and what it rests on."""
    return tree.text(exemption.when), exemption.source.id, exemption.provisional
