"""Values of facts: the reader of each type, which returns the value or refuses it by its path."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal

from rules.errors import FactsError, Place, nearest
from rules.input.amounts import DIGITS_OF_UNIT, fault_of, fits
from rules.input.citations import CitationReader, GivenCitation, clean
from rules.input.interval import Interval
from rules.input.printing import kind_of, printable
from rules.input.vocabulary import Fact

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn


LONGEST_TEXT = 1_000
# Compiled when first needed.
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIMESTAMP = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.0+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def fail(path: str, code: str, message: str, fix: str) -> NoReturn:
    """Refuse the value at a path, which the message names as it is printed."""
    name = printable(path)
    raise FactsError(code, message.replace(path, name), at=Place(path=name), fix=fix)


def read_bool(fact: Fact, path: str, value: Any) -> bool:
    """Read `true` or `false`."""
    if not isinstance(value, bool):
        fail(
            path,
            "wrong-type",
            f"`{path}` is {kind_of(value)}, not true or false",
            "write `true` or `false`",
        )
    return value


def read_choice(fact: Fact, path: str, value: Any) -> str:
    """Read one of the fact's choices."""
    if not isinstance(value, str):
        fail(
            path,
            "wrong-type",
            f"`{path}` is {kind_of(value)}, not a choice",
            f"one of {', '.join(fact.choices)}",
        )
    if value not in fact.choices:
        name = printable(value)
        fail(
            path,
            "unknown-choice",
            f"`{name}` is no choice for `{path}`",
            nearest(name, fact.choices),
        )
    return value


def read_text(fact: Fact, path: str, value: Any) -> str:
    """Read a text of at most 1,000 printable characters."""
    if not isinstance(value, str):
        fail(path, "wrong-type", f"`{path}` is {kind_of(value)}, not a text", "put it in quotes")
    if len(value) > LONGEST_TEXT or not value.isprintable():
        fail(
            path,
            "wrong-value",
            f"`{path}` is not a short text that can be printed",
            "check the text",
        )
    return value


def read_citation(reader: CitationReader, fact: Fact, path: str, value: Any) -> GivenCitation:
    """Read a citation of law. A text that cites nothing is kept as it was given."""
    if isinstance(value, GivenCitation):
        return value
    citation = reader.remembered.get(value) if value.__class__ is str else None
    if citation is None:
        given = clean(value) if isinstance(value, str) else value
        citation = GivenCitation(read_text(fact, path, given), reader.read(given))
        if value.__class__ is str:
            reader.remember(value, citation)
    return citation


# Numbers


def read_number(fact: Fact, path: str, value: Any) -> int | Decimal | Interval:
    """Read a number within the fact's range: at most 12 digits before the point and 6 after it.

    Only a table gives an `Interval`. No JSON value is one.
    """
    if isinstance(value, Interval):
        return _read_interval(fact, path, value)
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        fail(
            path,
            "wrong-type",
            f"`{path}` is {kind_of(value)}, not a number",
            "write a number without quotes",
        )
    short = short_decimal(value) if isinstance(value, float) else None
    number = short if short is not None else _exact(path, value)
    if fact.type == "int" and isinstance(number, Decimal):
        fail(
            path, "wrong-type", f"`{path}` is {number}, not a whole number", "write a whole number"
        )
    if (short is None or fact.unit in DIGITS_OF_UNIT) and not fits(number, fact.unit):
        fault, fix = fault_of(number, fact.unit)
        fail(path, "wrong-value", f"`{path}` {fault}", fix)
    _refuse_outside(fact, path, number)
    return number


def _read_interval(fact: Fact, path: str, value: Interval) -> Interval | int | Decimal:
    """Read the ends of a range as numbers of the fact. A range of one point is that number."""
    ends = (value.low, value.high)
    low, high = (None if end is None else _read_end(fact, path, end) for end in ends)
    if low is not None and high is not None:
        if low > high:
            fail(path, "wrong-value", f"`{path}` ends before it begins", "check the range")
        if low == high:
            return low
    # INVARIANT: an open end is that of the fact's own range, so that totals stay in theirs.
    return Interval(
        low if low is not None else _whole(fact.low),
        high if high is not None else _whole(fact.high),
    )


def _read_end(fact: Fact, path: str, end: int | Decimal) -> int | Decimal:
    number = read_number(fact, path, end)
    assert not isinstance(number, Interval)
    return number


def _whole(end: Decimal | None) -> int | Decimal | None:
    return int(end) if end is not None and end == end.to_integral_value() else end


def short_decimal(value: float) -> int | Decimal | None:
    """Return the shortest decimal of a float with few digits and no exponent, else None.

    Most measurements are written so, and this is faster than `_exact`.
    """
    text = repr(value)
    whole, _, fraction = text.partition(".")
    if not fraction.isdigit() or len(whole) > 12 or len(fraction) > 6:
        return None
    return int(whole) if fraction == "0" else Decimal(text)


def _exact(path: str, value: int | float | Decimal) -> int | Decimal:
    """Return a number as it is written: an int if it is whole, else a decimal."""
    number = Decimal(repr(value)) if isinstance(value, float) else value
    if not isinstance(number, Decimal):
        return int(number)
    if not number.is_finite():
        fail(path, "wrong-value", f"`{path}` is not a finite number", "leave out what is not known")
    if abs(number.adjusted()) > 30 and number:
        fail(path, "wrong-value", f"`{path}` is no number that can be measured", "check the number")
    return int(number) if number == number.to_integral_value() else number


def _refuse_outside(fact: Fact, path: str, number: int | Decimal) -> None:
    """Refuse a number outside the fact's range."""
    is_low = fact.low is not None and number < fact.low
    is_high = fact.high is not None and number > fact.high
    if is_low or is_high:
        low = "" if fact.low is None else f"{fact.low} or more"
        high = "" if fact.high is None else f"{fact.high} or less"
        bounds = " and ".join(bound for bound in (low, high) if bound)
        fail(
            path,
            "out-of-range",
            f"`{path}` is {number}, and it is always {bounds}",
            "check the number",
        )


# Days and instants


def read_date(fact: Fact, path: str, value: Any) -> date:
    """Read a day, such as `2014-04-01`."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    day = iso_day(value) if isinstance(value, str) else None
    if day is None:
        if not isinstance(value, str) or not re.fullmatch(_DATE, value):
            fail(
                path,
                "wrong-type",
                f"`{path}` is {kind_of(value)}, not a day",
                "write it as 2014-04-01",
            )
        fail(path, "no-such-day", f"`{path}` is {value}, which is no day", "check the calendar")
    return day


def iso_day(text: str) -> date | None:
    """Return the day that a text such as `2014-04-01` names. Other ISO forms are not read."""
    # With dashes Python reads no week of a year, and with ten characters no other form.
    try:
        return date.fromisoformat(text) if len(text) == 10 and text[4] == text[7] == "-" else None
    except ValueError:
        return None


def read_timestamp(fact: Fact, path: str, value: Any) -> datetime:
    """Read an instant in whole seconds, such as `2014-07-02T23:10:00Z`, as UTC."""
    if isinstance(value, datetime) and value.tzinfo is not None and value.microsecond == 0:
        return value.astimezone(UTC)
    if not isinstance(value, str) or not re.fullmatch(_TIMESTAMP, value):
        fail(
            path,
            "wrong-type",
            f"`{path}` is {kind_of(value)}, not a time",
            "write it as 2014-07-02T23:10:00Z, whole seconds",
        )
    instant = read_instant(value)
    if instant is None:
        fail(
            path,
            "no-such-day",
            f"`{path}` is {value}, which is no time",
            "check the calendar and the clock",
        )
    return instant


def read_instant(text: str) -> datetime | None:
    """Return the instant that a text such as `2014-07-02T23:10:00Z` names, as UTC.

    Other ISO forms are not read, nor is hour 24, which newer Pythons read as the next day.
    """
    if not re.fullmatch(_TIMESTAMP, text) or text[11:13] == "24":
        return None
    try:
        return datetime.fromisoformat(re.sub(r"\.0+", "", text.upper())).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
