"""The plain meaning of a condition on complete facts, written apart from the engine.

It walks the surface tree as the text has it: each `filter` and `map` makes a list, each macro is a
loop. The engine folds these lists away, and knows ranges, units, and unknown facts. Here are none.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

from rules.language import syntax
from rules.language.parse import parse


class _Months:
    """A number of calendar months. A day that the month lacks is tried a day earlier."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __add__(self, day: date) -> date:
        year, month = divmod(day.year * 12 + day.month - 1 + self.number, 12)
        for last in (day.day, 30, 29, 28):
            try:
                return date(year, month + 1, min(last, day.day))
            except ValueError:
                continue
        raise AssertionError(day)

    __radd__ = __add__

    def __rsub__(self, day: date) -> date:
        return _Months(-self.number) + day


# The words above each finer word, as the packs of `written` have them.
_ABOVE = {"a1": {"a"}, "a2": {"a"}, "a21": {"a2", "a"}, "a22": {"a2", "a"}}
# The rows of tables that have no row but for finest words and the rest.
_ROWS = {
    "kind_cap": {"a1": "1", "a21": "3", "a22": "1", "b": "2.5", "c": "2.5"},
    "row_limit": {"a1": "0", "a2": "1", "b": "1"},
}


def _equal(left: Any, right: Any) -> bool:
    """Whether two values are equal, or one is a word of a kind that the other names."""
    if isinstance(left, str) and isinstance(right, str):
        return left == right or right in _ABOVE.get(left, ()) or left in _ABOVE.get(right, ())
    return bool(left == right)


_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "&&": lambda left, right: left and right,
    "||": lambda left, right: left or right,
    "in": lambda item, items: any(_equal(item, each) for each in items),
}


def meaning(condition: str, facts: Mapping[str, Any]) -> Any:
    """The value of a condition over nested facts, all of them known."""
    return _value(parse(condition), facts)


def _value(node: syntax.Expression, names: Mapping[str, Any]) -> Any:
    match node:
        case syntax.Literal(kind, value):
            return Decimal(str(value)) if kind in ("int", "float") else value
        case syntax.Name(name):
            return _exact(names[name])
        case syntax.Select(operand, field):
            return _exact(_value(operand, names)[field])
        case syntax.ListOf(items):
            return [_value(item, names) for item in items]
        case syntax.Unary("!", operand):
            return not _value(operand, names)
        case syntax.Unary("-", operand):
            return -_value(operand, names)
        case syntax.Binary(sign, left, right):
            return _OPERATORS[sign](_value(left, names), _value(right, names))
        case syntax.Conditional(condition, then, otherwise):
            return _value(then if _value(condition, names) else otherwise, names)
        case syntax.Comprehension():
            return _loop(node, names)
        case syntax.Index(syntax.Name(table), key):
            return Decimal(_ROWS[table][_value(key, names)])
        case syntax.Call(function, None, (argument,)):
            return _CALLS[function](_value(argument, names))
    raise NotImplementedError(node)  # a node that the tests never make


def _loop(node: syntax.Comprehension, names: Mapping[str, Any]) -> Any:
    worlds = [{**names, node.variable: item} for item in _value(node.target, names)]
    if node.keep is not None:
        worlds = [world for world in worlds if _value(node.keep, world)]
    values = [_value(node.body, world) for world in worlds]
    match node.kind:
        case "exists":
            return any(values)
        case "all":
            return all(values)
        case "filter":
            return [
                world[node.variable] for world, kept in zip(worlds, values, strict=True) if kept
            ]
        case "map":
            return values
    raise NotImplementedError(node.kind)  # a kind that the tests never make


def _exact(value: Any) -> Any:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return Decimal(str(value)) if is_number else value


_CALLS: Mapping[str, Callable[[Any], Any]] = {
    "size": len,
    "sum": sum,
    "date": date.fromisoformat,
    "days": lambda number: timedelta(days=int(number)),
    "hours": lambda number: timedelta(hours=int(number)),
    "weeks": lambda number: timedelta(weeks=int(number)),
    "months": lambda number: _Months(int(number)),
    "years": lambda number: _Months(12 * int(number)),
    "time": time.fromisoformat,
}
