"""CEL's operators and functions on known values, and Offramp's own `sum`, `date`, `days`, `hours` and `years`.

Each takes values and gives a value, or raises `Fault`. Unknown operands never get here: `evaluate` has dealt with them,
and gives only `size`, `sum`, equality and order an `Interval` or a `Perhaps` to see.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, timedelta

from rules import _cel_time
from rules._cel_fault import Fault, Work
from rules._cel_regex import matches
from rules._cel_time import DAY, SECOND, Duration, Timestamp, Years
from rules._cel_values import HIGHEST_INT, LOWEST_INT, Interval, Map, Perhaps, is_number, kind
from rules.unknown import UNKNOWN

EXACT_DOUBLE = 2**53
_TRUE, _FALSE = ("1", "t", "T", "true", "TRUE", "True"), ("0", "f", "F", "false", "FALSE", "False")
_WHOLE = re.compile(r"[+-]?[0-9]{1,30}")
_DOUBLE = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[Ii]nf(?:inity)?)|nan|NaN"
)


def _no_overload(*values: object) -> Fault:
    kinds = " and ".join(kind(value) for value in values)
    return Fault(
        "no-such-overload", f"{{}} has no meaning for {kinds}", "check the types, or convert one"
    )


def _whole(value: int) -> int:
    if not LOWEST_INT <= value <= HIGHEST_INT:
        raise Fault("overflow", "{} doesn't fit into 64 bits", "use smaller numbers, or doubles")
    return value


# Arithmetic


def negated(value: object) -> object:
    if type(value) is int:
        return _whole(-value)
    if type(value) is float:
        return -value
    raise _no_overload(value)


def arithmetic(operator: str, left: object, right: object, work: Work) -> object:
    """`+ - * / %`. Numbers of both types don't mix: CEL asks for a conversion."""
    if type(left) is int and type(right) is int:
        return _whole(_of_ints(operator, left, right))
    if type(left) is float and type(right) is float and operator != "%":
        return _of_doubles(operator, left, right)
    if operator == "+":
        return _sum_of_two(left, right, work)
    if operator == "-":
        return _difference(left, right)
    raise _no_overload(left, right)


def _of_ints(operator: str, left: int, right: int) -> int:
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*":
        return left * right
    if right == 0:
        raise Fault("division-by-zero", "{} divides by zero", "ask first whether it is zero")
    quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)  # cut toward zero
    return quotient if operator == "/" else left - quotient * right


def _of_doubles(operator: str, left: float, right: float) -> float:
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*":
        return left * right
    if right == 0.0:
        if left == 0.0 or math.isnan(left) or math.isnan(right):
            return math.nan
        return math.copysign(math.inf, math.copysign(1.0, left) * math.copysign(1.0, right))
    return left / right


def _sum_of_two(left: object, right: object, work: Work) -> object:
    if isinstance(left, str) and isinstance(right, str):
        work.spend((len(left) + len(right)) // 16)
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        work.spend(len(left) + len(right))
        return left + right
    if isinstance(left, (list, Perhaps)) and isinstance(right, (list, Perhaps)):
        members = _pairs(left) + _pairs(right)
        work.spend(len(members))
        return Perhaps(members)
    moved = _moved(left, right, 1) or _moved(right, left, 1)
    if moved is None:
        raise _no_overload(left, right)
    return moved


def _difference(left: object, right: object) -> object:
    if isinstance(left, Timestamp) and isinstance(right, Timestamp):
        return Duration(left.nanoseconds - right.nanoseconds)
    if isinstance(left, date) and isinstance(right, date):
        return Duration.of(left - right)
    moved = _moved(left, right, -1)
    if moved is None:
        raise _no_overload(left, right)
    return moved


def _moved(value: object, by: object, sign: int) -> object | None:
    """A moment, day or length, moved by a length; None if that isn't what these are."""
    if isinstance(by, Years) and isinstance(value, date):
        return by.after(value, sign)
    if not isinstance(by, Duration):
        return None
    if isinstance(value, (Timestamp, Duration)):
        return type(value)(value.nanoseconds + sign * by.nanoseconds)
    if not isinstance(value, date):
        return None
    if by.nanoseconds % DAY:
        raise Fault(
            "no-such-overload", "{} moves a day by part of a day", "use whole days, or a timestamp"
        )
    try:
        return value + timedelta(days=sign * (by.nanoseconds // DAY))
    except OverflowError:
        raise Fault(
            "overflow", "{} is a day outside the years 1 to 9999", "use fewer days"
        ) from None


def _pairs(value: list[object] | Perhaps) -> tuple[tuple[object, bool], ...]:
    return value.members if isinstance(value, Perhaps) else tuple((item, True) for item in value)


# Totals


def size(value: object, work: Work) -> object:
    """The number of elements, keys or characters: an interval where some are only perhaps there."""
    if isinstance(value, (list, str)):
        return len(value)
    if isinstance(value, Perhaps):
        return Interval(sum(surely for _, surely in value.members), len(value.members))
    if isinstance(value, Map):
        return Interval(len(value), None) if value.open else len(value)
    raise _no_overload(value)


def total(value: object, work: Work) -> object:
    """`sum`: 0 for no elements; a double if any of them is one; an interval where some are only perhaps there.

    An element that is unknown, or not a number but only perhaps there, makes the whole unknown.
    """
    if not isinstance(value, (list, Perhaps)):
        raise _no_overload(value)
    members = _pairs(value)
    work.spend(len(members))
    for item, surely in members:
        if (
            surely
            and item is not UNKNOWN
            and not is_number(item)
            and not isinstance(item, Interval)
        ):
            raise Fault(
                "no-such-overload",
                f"{{}} adds up {kind(item)}",
                "map each element to a number first",
            )
    if all(surely and is_number(item) for item, surely in members):
        return _plain_total([item for item, _ in members])  # type: ignore[misc]  # numbers, as asked
    low: int | float = 0
    high: int | float = 0
    size: int | float = 0
    for item, surely in members:
        bounds = _bounds_of(item, surely)
        if bounds is None:
            return UNKNOWN
        low, high = low + bounds[0], high + bounds[1]
        size += max(abs(bounds[0]), abs(bounds[1]))
    return _interval(low, high, size, members)


def _plain_total(numbers: list[int | float]) -> int | float:
    result: int | float = 0
    for number in numbers:
        result = result + number
    return _whole(result) if isinstance(result, int) else result


def _bounds_of(item: object, surely: bool) -> tuple[int | float, int | float] | None:
    """The least and most that an element adds."""
    if isinstance(item, Interval):
        if item.high is None:
            return None
        low, high = item.low, item.high
    elif is_number(item):
        low = high = item  # type: ignore[assignment]  # a number, since no interval
    else:
        return None
    if surely:
        return low, high
    return min(0, low), max(0, high)


def _interval(
    low: int | float, high: int | float, size: int | float, members: tuple[tuple[object, bool], ...]
) -> object:
    """The bounds, unless rounding or overflow could put the true total outside them; a number if there is but one.

    Rounding keeps the order of what is rounded, so that a total of doubles lies between its ends. That fails only where
    ints beyond 53 bits become doubles or not, as a double is there or not. `size` bounds every part of the sum.
    """
    doubles = [surely for item, surely in members if isinstance(item, float)]
    mixed = 0 < len(doubles) < len(members)
    if any(math.isnan(end) or math.isinf(end) for end in (low, high)):
        return UNKNOWN
    if (mixed and size > EXACT_DOUBLE) or (not doubles and size > HIGHEST_INT):
        return UNKNOWN
    if low == high and (not doubles or any(doubles)):
        return low
    return Interval(low, high)


# Conversions


def to_int(value: object, work: Work) -> object:
    if type(value) is int:
        return value
    if isinstance(value, float):
        # Exclusive at both ends, as the standard has it: the doubles there stand for many ints.
        if not LOWEST_INT < value < HIGHEST_INT or value == 2.0**63:
            raise Fault("overflow", "{} doesn't fit into 64 bits", "use a smaller number")
        return int(value)
    if isinstance(value, str):
        if _WHOLE.fullmatch(value) is None:
            raise Fault("bad-conversion", "{} is not of a whole number", "give digits alone")
        return _whole(int(value))
    if isinstance(value, Timestamp):
        return value.nanoseconds // SECOND
    raise _no_overload(value)


def to_double(value: object, work: Work) -> object:
    if is_number(value):
        return float(value)  # type: ignore[arg-type]  # a number, as asked
    if isinstance(value, str):
        if len(value) > 400 or _DOUBLE.fullmatch(value) is None:
            raise Fault("bad-conversion", "{} is not of a number", "give digits and a point")
        return float(value)
    raise _no_overload(value)


def to_text(value: object, work: Work) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if isinstance(value, (str, int, Timestamp, Duration)):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    raise _no_overload(value)


def to_bool(value: object, work: Work) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        if value in _TRUE or value in _FALSE:
            return value in _TRUE
        raise Fault(
            "bad-conversion", "{} is neither `true` nor `false`", "give one of these two words"
        )
    raise _no_overload(value)


def to_timestamp(value: object, work: Work) -> object:
    if isinstance(value, Timestamp):
        return value
    if isinstance(value, str):
        return _cel_time.read_timestamp(value)
    if type(value) is int:
        return Timestamp(value * SECOND)
    raise _no_overload(value)


def to_duration(value: object, work: Work) -> object:
    if isinstance(value, Duration):
        return value
    if isinstance(value, str):
        return _cel_time.read_duration(value)
    raise _no_overload(value)


def to_date(value: object, work: Work) -> object:
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        return _cel_time.read_date(value)
    raise _no_overload(value)


def _length(unit: int) -> Callable[[object, Work], object]:
    def length(value: object, work: Work) -> object:
        if type(value) is not int:
            raise _no_overload(value)
        return Duration(value * unit)

    return length


def to_years(value: object, work: Work) -> object:
    if type(value) is not int:
        raise _no_overload(value)
    return Years(value)


# Texts and times


def _of_texts(ask: Callable[[str, str], bool]) -> Callable[[object, object, Work], object]:
    def answer(text: object, part: object, work: Work) -> object:
        if not isinstance(text, str) or not isinstance(part, str):
            raise _no_overload(text, part)
        work.spend((len(text) + len(part)) // 64)
        return ask(text, part)

    return answer


def matching(text: object, pattern: object, work: Work) -> object:
    if not isinstance(text, str) or not isinstance(pattern, str):
        raise _no_overload(text, pattern)
    return matches(text, pattern, work)


def _part(name: str) -> Callable[..., object]:
    def part(value: object, *rest: object) -> object:
        zone = rest[0] if len(rest) == 2 else "UTC"  # the last one is the work
        if isinstance(value, Timestamp) and isinstance(zone, str):
            return _cel_time.part_of_timestamp(name, value, zone)
        if (
            isinstance(value, Duration)
            and len(rest) == 1
            and name in (*_cel_time.LENGTH_PARTS, "getMilliseconds")
        ):
            return _cel_time.part_of_duration(name, value)
        raise _no_overload(value, *rest[:-1])

    return part


Function = Callable[..., object]

# By name, whether it is called on a target, and the number of its arguments, the target among them.
FUNCTIONS: dict[tuple[str, bool, int], Function] = {
    ("size", False, 1): size,
    ("size", True, 1): size,
    ("sum", False, 1): total,
    ("sum", True, 1): total,
    ("int", False, 1): to_int,
    ("double", False, 1): to_double,
    ("string", False, 1): to_text,
    ("bool", False, 1): to_bool,
    ("timestamp", False, 1): to_timestamp,
    ("duration", False, 1): to_duration,
    ("date", False, 1): to_date,
    ("days", False, 1): _length(DAY),
    ("hours", False, 1): _length(3600 * SECOND),
    ("years", False, 1): to_years,
    ("startsWith", True, 2): _of_texts(str.startswith),
    ("endsWith", True, 2): _of_texts(str.endswith),
    ("contains", True, 2): _of_texts(str.__contains__),
    ("matches", True, 2): matching,
    ("matches", False, 2): matching,
    **{(name, True, count): _part(name) for name in _cel_time.PARTS for count in (1, 2)},
}
NAMES = tuple(sorted({name for name, _, _ in FUNCTIONS}))
SEES_PERHAPS = (size, total)
