"""Times in a condition: days and times of day written out, lengths of time, and parts of a moment.

A length is of a whole number written out or of one parameter in that very unit. So it can't fail on
any facts.
"""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from typing import Any

from rules.input.values import iso_day
from rules.language import syntax, tree
from rules.language.checker import Bound, Checker, Type, Typed, dotted
from rules.language.lengths import length_of

# The longest of each: 200 years.
LONGEST = {"hours": 1_752_000, "days": 73_000, "weeks": 10_428, "months": 2_400, "years": 200}
TIME_OF_DAY = "time of day"
_CALENDAR_UNITS = ("months", "years")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_EXAMPLE_DATE = 'write it as `date("2014-04-01")`'
_EXAMPLE_TIME = 'write it as `time("22:00")`'


def read_time_of_day(text: str) -> time | None:
    """Return the time of day that a text such as `22:00` names, or None."""
    shape = _TIME.fullmatch(text)
    return time(int(shape[1]), int(shape[2])) if shape else None


# Lengths


def check_length(checker: Checker, node: syntax.Call, bound: Bound) -> Typed:
    """Check `days(7)` or `days(lookback_days)`, or the same of another unit.

    A fact as the argument is refused, since it could make the call fail on some facts.
    """
    unit = node.function
    kind = Type("months") if unit in _CALENDAR_UNITS else Type("duration")
    argument = node.arguments[0] if len(node.arguments) == 1 else None
    name = dotted(argument) if argument is not None else None
    if name is not None and name in checker.scope.parameters:
        if checker.scope.parameters[name] != unit:
            checker.fail(
                node,
                "wrong-unit",
                f"{{}} takes `{name}`, which is in `{checker.scope.parameters[name]}`",
                "use a parameter in that very unit",
            )
        if name in checker.scope.tables:
            checker.fail(node, "wrong-type", "{} takes a table", "use a parameter with one value")
        return tree.LengthOf(unit, tree.ParameterOf(name)), kind
    if argument is not None and name is not None:
        checker.value(argument, bound)  # a name that nothing has is a fault of its own
    sign = 1
    if isinstance(argument, syntax.Unary) and argument.operator == "-":
        sign, argument = -1, argument.operand
    if not (isinstance(argument, syntax.Literal) and argument.kind == "int"):
        checker.fail(
            node,
            "wrong-arguments",
            f"{{}} is not of a whole number written out, or of a parameter in {unit}",
            f"write `{unit}(3)`",
        )
    number = sign * int(str(argument.value))
    if abs(number) > LONGEST[unit]:
        checker.fail(node, "number-too-large", "{} is longer than 200 years", "use a shorter time")
    return tree.Constant(length_of(unit, number)), kind


def is_of_whole_days(length: tree.Tree) -> bool:
    """Return whether a length of time surely has whole days: written so, or between two days."""
    match length:
        case tree.Constant(timedelta() as value):
            return not value.seconds
        case tree.Constant(value):
            return type(value) is date
        case tree.LengthOf(unit):
            return unit != "hours"
        case tree.FactOf(fact) | tree.FieldOf(_, fact):
            return fact.type == "date"
        case tree.PartOf(part):
            return part == "day"
        case tree.Arithmetic(_, left, right):
            return is_of_whole_days(left) and (_is_of_months(right) or is_of_whole_days(right))
        case tree.Choose(_, then, otherwise):
            return is_of_whole_days(then) and is_of_whole_days(otherwise)
    return False


def _is_of_months(length: tree.Tree) -> bool:
    match length:
        case tree.Constant(value):
            return isinstance(value, tree.Months)
        case tree.LengthOf(unit):
            return unit in _CALENDAR_UNITS
        case tree.Choose(_, then, otherwise):
            return _is_of_months(then) and _is_of_months(otherwise)
    return False


# Days, times of day, and parts of a moment


def check_date(checker: Checker, node: syntax.Call) -> Typed:
    """Check `date("2014-04-01")`."""
    day = iso_day(_written_text(checker, node, "a date", _EXAMPLE_DATE))
    if day is None:
        checker.fail(node, "no-such-day", "{} is not a day", _EXAMPLE_DATE)
    return tree.Constant(day), Type("date")


def check_time(checker: Checker, node: syntax.Call, bound: Bound) -> Typed:
    """Check `time("22:00")`, or the time of day of a timestamp: `time(encounter.at)`."""
    argument = node.arguments[0] if len(node.arguments) == 1 else None
    if not (isinstance(argument, syntax.Literal) and argument.kind == "text"):
        return check_part(checker, node, bound)
    value = read_time_of_day(str(argument.value))
    if value is None:
        checker.fail(node, "no-such-time", "{} is not a time of day", _EXAMPLE_TIME)
    return tree.Constant(value), Type(TIME_OF_DAY)


def check_part(checker: Checker, node: syntax.Call, bound: Bound) -> Typed:
    """Check `day(t)`, `time(t)`, or `weekday(x)`: a part in the pack's time zone."""
    part = node.function
    if len(node.arguments) != 1:
        checker.fail(
            node, "wrong-arguments", "{} is not of one time", f"write `{part}(encounter.at)`"
        )
    moment, kind = checker.value(node.arguments[0], bound)
    if kind.name != "timestamp" and not (kind.name == "date" and part == "weekday"):
        is_day = kind.name == "date" and part == "day"
        checker.fail(
            node,
            "wrong-type",
            f"{{}} asks the {part} of {kind}",
            "leave `day` out: it is a day already" if is_day else f"write `{part}(encounter.at)`",
        )
    return tree.PartOf(part, moment), part_type(part)


def part_type(part: str) -> Type:
    """Return the type of a part of a moment."""
    if part == "weekday":
        return Type("choice", tree.WEEKDAYS)
    return Type("date" if part == "day" else TIME_OF_DAY)


def _written_text(checker: Checker, node: syntax.Call, noun: str, fix: str) -> str:
    argument: Any = node.arguments[0] if len(node.arguments) == 1 else None
    if not (isinstance(argument, syntax.Literal) and argument.kind == "text"):
        checker.fail(node, "wrong-arguments", f"{{}} is not of {noun} written out", fix)
    return str(argument.value)
