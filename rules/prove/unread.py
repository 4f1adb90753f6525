"""Find parameters that nothing reads, and reasons that name a value which their rule does not read.

Both look right on the page and change no answer: an amount that somebody will amend in vain, and a
reason with "{lookback_days} days" beside a rule that reads 30.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rules.decide import explain
from rules.errors import PackError
from rules.language import tree
from rules.packs.faults import Faults
from rules.packs.pack import Decision, Item, Pack, Rule, conditions
from rules.packs.resolve import Segment

_NAMED = re.compile(r"\{([^{}]*)\}")


def refuse_unread(pack: Pack, segments: Iterable[Segment], faults: Faults) -> None:
    """Add a fault for each unread parameter of this pack, and each text that names an unread one.

    A base may declare a parameter that only its children read.
    """
    for item, label, names in _texts(pack):
        for name in names:
            faults.add(
                PackError(
                    "text-names-unread",
                    f"{label} names `{name}`, which its condition does not read",
                    at=item.place,
                    fix="read the parameter in the condition, or leave it out of the text",
                )
            )
    if pack.program.kind == "base":
        return
    read = {name for segment in segments for name in _read_in(segment)}
    for parameter in pack.parameters.values():
        if parameter.declared_in == pack.id and parameter.name not in read:
            faults.add(
                PackError(
                    "unused-parameter",
                    f"nothing in force ever reads the parameter `{parameter.name}`",
                    at=parameter.place,
                    fix="read it in a condition, or leave it out",
                )
            )


def _texts(pack: Pack) -> Iterator[tuple[Item, str, list[str]]]:
    """Return each of this pack's reasons with the parameters that it names and doesn't read."""
    for decision in pack.decisions.values():
        by_rule = {rule.id: _read_by(pack, conditions(rule)) for rule in decision.rules.values()}
        for rule in decision.rules.values():
            if rule.declared_in == pack.id:
                yield from _texts_of(rule, by_rule[rule.id])
        if decision.otherwise.declared_in == pack.id:
            read = {name for names in by_rule.values() for name in names}
            label = f"`otherwise` of `{decision.name}`"
            yield decision.otherwise, label, _unread(decision.otherwise.because, read)


def _texts_of(rule: Rule, read: set[str]) -> Iterator[tuple[Item, str, list[str]]]:
    yield rule, f"the reason of `{rule.id}`", _unread(rule.because, read)
    for exemption in rule.unless:
        label = f"the reason of the exception `{exemption.id}`"
        yield exemption, label, _unread(exemption.because, read)


def _unread(text: str, read: set[str]) -> list[str]:
    return [name for name in dict.fromkeys(_NAMED.findall(text)) if name not in read]


def _read_by(pack: Pack, nodes: Iterable[tree.Tree]) -> set[str]:
    """Return the parameters that conditions read, also as the lengths of clocks."""
    names = explain.names_of(nodes)
    lengths = {pack.clocks[clock].length for clock in names.clocks if clock in pack.clocks}
    return {*names.parameters, *lengths}


def _read_in(segment: Segment) -> Iterator[str]:
    """Return the parameters that anything in force on a day reads or shows."""
    pack = segment.pack
    for in_force in segment.decisions.values():
        read = [rule.condition for rule in in_force.rules]
        read += [obligation.when for obligation in in_force.obligations]
        yield from _read_by(pack, read)
        yield from _NAMED.findall(" ".join(_instructions(in_force.decision)))
    for invariant in pack.invariants.values():
        parts = (invariant.when, invariant.always)
        yield from _read_by(pack, [part for part in parts if part is not None])
    for clock in segment.clocks.values():
        yield clock.length
        yield from _NAMED.findall(clock.follows)


def _instructions(decision: Decision) -> Iterator[str]:
    """Return the texts that tell somebody what to do, where a value may be for reading alone."""
    yield from (step.text for step in decision.next.values())
    if decision.while_waiting is not None:
        yield decision.while_waiting.text
