"""The two sides of a number that changed: a case exactly at it, and one just beyond it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from rules.decide.decision import Decision
from rules.decide.walk import walk
from rules.language import tree
from rules.prove.changes import Part
from rules.prove.sides import Side

_STEPS = {True: Decimal(1), False: Decimal("0.01")}  # of whole numbers, and of others
_UPWARD = (">", "<=")  # the number itself is on the side of the smaller ones


def number_of(part: Part, sides: tuple[Side, Side]) -> tuple[tree.Tree, Decimal] | None:
    """Return what a part compares with a number, and that number. None if it doesn't."""
    node = part.node
    if not isinstance(node, tree.Compare) or node.operator not in ("<", "<=", ">", ">="):
        return None
    match node.right:
        case tree.Constant(int() | Decimal() as value) if not isinstance(value, bool):
            return node.left, Decimal(value)
        case tree.ParameterOf(name):
            amount = sides[part.side].space.segment.parameters[name]
            return (node.left, Decimal(amount)) if isinstance(amount, (int, Decimal)) else None
    return None


def beyond(part: Part, number: Decimal) -> Decimal:
    """Return the next number on the other side of the comparison."""
    assert isinstance(part.node, tree.Compare)
    step = _STEPS[_is_whole(part.node.left)]
    return number + step if part.node.operator in _UPWARD else number - step


def _is_whole(node: tree.Tree) -> bool:
    match node:
        case tree.FactOf(fact) | tree.FieldOf(_, fact):
            return fact.type == "int"
        case tree.Total(value=None):
            return True
        case tree.Total(value=tree.FieldOf(_, fact)):
            return fact.type == "int"
    return False


def unit_of(node: tree.Tree) -> str | None:
    """Return the unit of a compared value, if it has one."""
    match node:
        case tree.FactOf(fact) | tree.FieldOf(_, fact) | tree.Total(value=tree.FieldOf(_, fact)):
            return fact.unit
    return None


def value_in(node: tree.Tree, decision: Decision | None) -> Any:
    """Return what a decided case has for a compared value, None if it isn't known."""
    if decision is None or decision.segment is None:
        return None
    return walk(node, decision.world)


def is_at(node: tree.Tree, number: Decimal, decisions: Iterable[Decision | None]) -> bool:
    """Return whether one of these cases has exactly this number."""
    return any(value_in(node, decision) == number for decision in decisions)


def changed_numbers(
    parts: Iterable[Part], sides: tuple[Side, Side]
) -> Iterator[tuple[Part, tree.Tree, Decimal]]:
    """Yield each part of the new side that compares with a number, with both."""
    for part in parts:
        compared = number_of(part, sides) if part.side == 1 else None
        if compared is not None:
            yield part, *compared
