"""Small mistakes in a condition, one at a time.

A number one step up or down, `>` for `>=`, and for or, any for every, a condition dropped, and one
value dropped from a list.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from rules.frozen import frozen, replace
from rules.language import tree

_NEIGHBOR = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
_OTHER_KIND = {"exists": "all", "all": "exists"}
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)


@frozen
class ChangedCondition:
    """A condition with one mistake, which `says` names in a clause."""

    condition: tree.Tree
    says: str


def mistakes_in(condition: tree.Tree) -> Iterator[ChangedCondition]:
    """Yield the condition with each mistake."""
    yield from _own(condition)
    for part, put in tree.places(condition):
        if isinstance(part, tree.Constant):
            # A number is read with what it is compared with.
            for value in neighbors(part.value):
                yield _read_as(condition, put(tree.Constant(value)))
        else:
            for changed in mistakes_in(part):
                yield replace(changed, condition=put(changed.condition))


def _own(node: tree.Tree) -> Iterator[ChangedCondition]:
    """Yield the node with each mistake that is not inside one of its parts."""
    match node:
        case tree.Compare(operator) if operator in _NEIGHBOR:
            yield _read_as(node, replace(node, operator=_NEIGHBOR[operator]))
        case tree.And(items):
            yield ChangedCondition(tree.Or(items), f"`&&` is `||` in `{tree.text(node)}`")
            yield from _without_one(tree.And, items)
        case tree.Or(items):
            yield ChangedCondition(tree.And(items), f"`||` is `&&` in `{tree.text(node)}`")
            yield from _without_one(tree.Or, items)
        case tree.Quantifier(kind):
            yield _read_as(node, replace(node, kind=_OTHER_KIND[kind]))
        case tree.Total(keep=keep) if keep is not None:
            yield _read_as(node, replace(node, keep=None))
        case (
            tree.Member(values=tuple() as values)
            | tree.IsOne(values=tuple() as values)
            | tree.Cited(values=tuple() as values)
        ):
            for fewer, lost in without_one(values):
                lost_text = tree.constant_text(lost)
                wording = f"{lost_text} is left out of `{tree.text(node)}`"
                yield ChangedCondition(replace(node, values=fewer), wording)


def _read_as(node: tree.Tree, changed: tree.Tree) -> ChangedCondition:
    return ChangedCondition(changed, f"`{tree.text(node)}` is `{tree.text(changed)}`")


def _without_one(
    kind: type[tree.And] | type[tree.Or], items: tuple[tree.Tree, ...]
) -> Iterator[ChangedCondition]:
    for fewer, lost in without_one(items):
        changed = fewer[0] if len(fewer) == 1 else kind(fewer)
        yield ChangedCondition(changed, f"`{tree.text(lost)}` is left out")


def without_one(values: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield the values without each of them, and the one left out. One alone stays."""
    if len(values) > 1:
        for index, lost in enumerate(values):
            yield (*values[:index], *values[index + 1 :]), lost


def neighbors(value: Any) -> Iterator[Any]:
    """Yield the values one step below and above a number, a day, a time, or a length of time.

    A number's step is one in the last digit that is written.
    """
    match value:
        case bool() | datetime():
            return
        case int():
            yield from (value - 1, value + 1)
        case Decimal():
            exponent = value.as_tuple().exponent
            step = Decimal(1).scaleb(min(0, exponent if isinstance(exponent, int) else 0))
            yield from (value - step, value + step)
        case tree.Months(number):
            months = 1 if number % 12 else 12
            yield from (tree.Months(number - months), tree.Months(number + months))
        case timedelta():
            length = _HOUR if value % _DAY else _DAY
            yield from (value - length, value + length)
        case date():
            yield from (value - _DAY, value + _DAY)
        case time():
            minutes = value.hour * 60 + value.minute
            for minute in (minutes - 1, minutes + 1):
                if 0 <= minute < 24 * 60:
                    yield time(minute // 60, minute % 60)
