"""The facts that a ruling's rules read, known or not, through inner decisions too."""

from __future__ import annotations

from rules.decide import explain
from rules.decide.ruling import Ruling, explanation, shares_needs
from rules.language import tree


@explanation
def list_reads(ruling: Ruling) -> dict[str, frozenset[str]]:
    """Return all that each rule in force reads, by the rule's id.

    Facts and lists are named by path, and so are the events of the rule's clocks. Another decision
    is `decisions.<name>`, with all that it reads itself unless it is attested.
    """
    if ruling.segment is None:
        return {}
    return {rule.rule.id: _read_by(ruling, rule.condition) for rule in ruling.rules_in_force.rules}


def _read_by(ruling: Ruling, condition: tree.Tree) -> frozenset[str]:
    assert ruling.segment is not None
    names = explain.names(condition)
    paths = {*names.facts, *(path for path, _ in names.lists)}
    for name in names.clocks:
        clock = ruling.segment.segment.clocks.get(name)
        if clock is not None:
            events = (clock.start, clock.stop, clock.repeats, clock.tolling)
            paths |= {event for event in events if event is not None}
    for name in names.decisions:
        paths.add(f"decisions.{name}")
        if name not in ruling.case.facts.attested and shares_needs(ruling, name):
            paths |= frozenset[str]().union(*list_reads(ruling.case.decide(name)).values())
    return frozenset(paths)


def fields_read(ruling: Ruling, list_path: str) -> frozenset[str]:
    """Return the fields of a list's records that the rules read, through inner decisions too."""
    if ruling.in_force is None or ruling.attested:
        return frozenset()
    names = ruling.texts.names
    fields = {
        field for path, path_fields in names.lists if path == list_path for field in path_fields
    }
    for name in names.decisions:
        fields |= fields_read(ruling.case.decide(name), list_path)
    return frozenset(fields)
