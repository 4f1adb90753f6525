"""What a rule says on a day, so that two rules that say the same are found under other names."""

from __future__ import annotations

from typing import Any

from rules.language import tree
from rules.packs.pack import Clock, Exemption
from rules.packs.resolve import RuleInForce, Segment


def written_rule(segment: Segment, rule: RuleInForce) -> str:
    """Return a rule's outcome and condition, with the values and clocks that it reads."""
    parts = list(tree.nodes(rule.condition))
    read = sorted({part.name for part in parts if isinstance(part, (tree.ParameterOf, tree.RowOf))})
    units = segment.pack.parameters
    values = [(name, segment.parameters[name], units[name].unit) for name in read]
    timed = sorted({part.clock for part in parts if isinstance(part, tree.StatusOf)})
    clocks = [written_clock(segment, segment.clocks.get(name)) for name in timed]
    return repr((rule.rule.then, tree.text(rule.condition), values, clocks))


def written_clock(segment: Segment, clock: Clock | None) -> Any:
    """Return what a clock's status follows from, None for one that isn't in force.

    Its line in a file, its label, its source, and its owner change no status.
    """
    if clock is None:
        return None
    length = segment.parameters[clock.length], segment.pack.parameters[clock.length].unit
    return clock.start, clock.stop, clock.repeats, clock.tolling, clock.counts, length


def written_exemption(exemption: Exemption) -> tuple[str, str, str | None]:
    """Return what an exception says, and what it rests on."""
    return tree.text(exemption.when), exemption.source.id, exemption.provisional
