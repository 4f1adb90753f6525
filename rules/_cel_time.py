"""CEL's moments and lengths of time, exact to the nanosecond, and the calendar years that Offramp adds.

Python's `datetime` stops at microseconds and its years end where CEL's do, so a `Timestamp` here is a whole number of
nanoseconds since 1970 in UTC and a `Duration` a whole number of nanoseconds, both within the limits of the standard
(cel-spec, doc/langdef.md, Overflow and Timezones). Days without a time of day are Python's own `date`.

Which operator takes which of them is left to `_cel_functions`. Time zones are loaded when one is first named.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

from rules._cel_fault import Fault

SECOND = 10**9
DAY = 86_400 * SECOND
LONGEST_DURATION = 2**63 - 1
FIRST_MOMENT = -62_135_596_800 * SECOND
LAST_MOMENT = 253_402_300_800 * SECOND - 1
UNITS = {
    "h": 3600 * SECOND,
    "m": 60 * SECOND,
    "s": SECOND,
    "ms": 10**6,
    "us": 1000,
    "µs": 1000,
    "μs": 1000,
    "ns": 1,
}

_EPOCH = datetime(1970, 1, 1)
_TIMESTAMP = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_DURATION_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ms|us|µs|μs|ns|h|m|s)")
_FIXED_ZONE = re.compile(r"([+-]?)([0-9]{2}):([0-9]{2})")


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A length of time in nanoseconds, within 64 bits (about 292 years either way)."""

    nanoseconds: int

    def __post_init__(self) -> None:
        if abs(self.nanoseconds) > LONGEST_DURATION:
            raise Fault("overflow", "{} is a length of time over 292 years", "use a shorter one")

    @classmethod
    def of(cls, length: timedelta) -> Duration:
        return cls((length.days * 86_400 + length.seconds) * SECOND + length.microseconds * 1000)

    def __str__(self) -> str:
        sign = "-" if self.nanoseconds < 0 else ""
        seconds, rest = divmod(abs(self.nanoseconds), SECOND)
        return f"{sign}{seconds}{_fraction(rest)}s"


@dataclass(frozen=True, slots=True, order=True)
class Timestamp:
    """A moment in nanoseconds since 1970-01-01T00:00:00Z, in the years 1 to 9999."""

    nanoseconds: int

    def __post_init__(self) -> None:
        if not FIRST_MOMENT <= self.nanoseconds <= LAST_MOMENT:
            raise Fault(
                "overflow", "{} is a moment outside the years 1 to 9999", "use a moment within them"
            )

    @classmethod
    def of(cls, moment: datetime) -> Timestamp:
        """Of an aware `datetime`."""
        offset = moment.utcoffset()
        if offset is None:
            raise Fault("bad-fact", "{} is a time without a time zone", "give it one, such as UTC")
        return cls(
            Duration.of(moment.replace(tzinfo=None) - _EPOCH).nanoseconds
            - Duration.of(offset).nanoseconds
        )

    def moment(self) -> datetime:
        """As an aware `datetime` in UTC; what is finer than a microsecond is cut off."""
        return (_EPOCH + timedelta(microseconds=self.nanoseconds // 1000)).replace(tzinfo=UTC)

    def __str__(self) -> str:
        whole = self.moment().replace(microsecond=0, tzinfo=None).isoformat()
        return f"{whole}{_fraction(self.nanoseconds % SECOND)}Z"


@dataclass(frozen=True, slots=True)
class Years:
    """So many calendar years, to move a day by; 29 February less a year is 28 February."""

    number: int

    def after(self, day: date, sign: int) -> date:
        year = day.year + sign * self.number
        if not 1 <= year <= 9999:
            raise Fault("overflow", "{} is a day outside the years 1 to 9999", "use fewer years")
        try:
            return day.replace(year=year)
        except ValueError:
            return day.replace(year=year, day=28)


def _fraction(nanoseconds: int) -> str:
    return f".{nanoseconds:09d}".rstrip("0") if nanoseconds else ""


# Reading


def read_timestamp(text: str) -> Timestamp:
    """RFC 3339, at most nine digits after the point."""
    match = _TIMESTAMP.fullmatch(text)
    fault = Fault("bad-conversion", "{} is not of a moment", "write it as `2014-04-01T09:30:00Z`")
    if match is None:
        raise fault
    day, time, fraction, zone = match.groups()
    try:
        local = datetime.fromisoformat(f"{day}T{time}") - _EPOCH
    except ValueError:
        raise fault from None
    offset = 0 if zone in "Zz" else _fixed_minutes(zone)
    if offset is None:
        raise fault
    nanoseconds = int((fraction or "0").ljust(9, "0"))
    return Timestamp((local.days * 86_400 + local.seconds - offset * 60) * SECOND + nanoseconds)


def read_duration(text: str) -> Duration:
    """`1h30m`, `-23.4s`, `0`: the syntax of the standard, without days, whose length depends on the place."""
    fault = Fault("bad-conversion", "{} is not of a length of time", "write it as `1h30m` or `90s`")
    if len(text) > 200:
        raise fault
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if rest == "0":
        return Duration(0)
    total, at = 0, 0
    while at < len(rest):
        match = _DURATION_PART.match(rest, at)
        if match is None:
            raise fault
        whole, _, fraction = match[1].partition(".")
        unit = UNITS[match[2]]
        total += int(whole or "0") * unit + int(fraction or "0") * unit // 10 ** len(fraction)
        at = match.end()
    if not rest:
        raise fault
    return Duration(sign * total)


def read_date(text: str) -> date:
    """`2014-04-01`, and no other of ISO 8601's ways to write a day."""
    if len(text) == 10 and text[4] == text[7] == "-":
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise Fault("bad-conversion", "{} is not of a day", 'write it as `date("2014-04-01")`')


# Asking a moment for its parts


def _fixed_minutes(zone: str) -> int | None:
    match = _FIXED_ZONE.fullmatch(zone)
    if match is None or int(match[2]) > 23 or int(match[3]) > 59:
        return None
    minutes = int(match[2]) * 60 + int(match[3])
    return -minutes if match[1] == "-" else minutes


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    minutes = _fixed_minutes(name)
    if minutes is not None:
        return timezone(timedelta(minutes=minutes))
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (
        OSError,
        ValueError,
        KeyError,
    ):  # of a missing zone, a path that leads elsewhere, a folder
        raise Fault(
            "bad-conversion",
            "the time zone of {} is not known",
            "name one such as `America/Denver`",
        ) from None


def _local(moment: Timestamp, zone: str) -> datetime:
    try:
        return moment.moment().astimezone(_zone(zone))
    except OverflowError:
        raise Fault(
            "overflow", "{} is a moment outside the years 1 to 9999", "use a moment within them"
        ) from None


PARTS: dict[str, Callable[[datetime], int]] = {
    "getDate": lambda local: local.day,
    "getDayOfMonth": lambda local: local.day - 1,
    "getDayOfWeek": lambda local: local.isoweekday() % 7,
    "getDayOfYear": lambda local: local.timetuple().tm_yday - 1,
    "getFullYear": lambda local: local.year,
    "getHours": lambda local: local.hour,
    "getMilliseconds": lambda local: local.microsecond // 1000,
    "getMinutes": lambda local: local.minute,
    "getMonth": lambda local: local.month - 1,
    "getSeconds": lambda local: local.second,
}
LENGTH_PARTS = {"getHours": 3600 * SECOND, "getMinutes": 60 * SECOND, "getSeconds": SECOND}


def part_of_timestamp(name: str, moment: Timestamp, zone: str) -> int:
    return PARTS[name](_local(moment, zone))


def part_of_duration(name: str, length: Duration) -> int:
    """The whole length in that unit, cut toward zero; for milliseconds only those within its last second."""
    sign = -1 if length.nanoseconds < 0 else 1
    size = abs(length.nanoseconds)
    if name == "getMilliseconds":
        return sign * (size % SECOND // 10**6)
    return sign * (size // LENGTH_PARTS[name])
