"""The values that `evaluate` computes with, and what it is for two of them to be equal or in order.

Facts and results are plain Python (bool, int, float, str, list, dict, date, datetime, timedelta); in between there are
also `Map` (CEL's keys keep `1` and `true` apart), `Perhaps` (a list whose length isn't known) and `Interval` (a number
of which only bounds are known). `Fault` is a refusal that doesn't know its place yet; `evaluate` adds it.

None is CEL's `null` as an expression writes it. A null in the facts never gets here: it is `UNKNOWN`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from rules._cel_fault import Fault, Work
from rules._cel_time import Duration, Timestamp, Years
from rules.unknown import UNKNOWN

DEEPEST_FACTS = 100
LOWEST_INT, HIGHEST_INT = -(2**63), 2**63 - 1

Key = bool | int | str


@dataclass(frozen=True, slots=True)
class Interval:
    """A number that is at least `low` and at most `high` (None: without bound)."""

    low: int | float
    high: int | float | None


@dataclass(frozen=True, slots=True)
class Perhaps:
    """A list of which some elements are only perhaps there: pairs of the element and whether it surely is."""

    members: tuple[tuple[object, bool], ...]


class Map:
    """CEL's map. An open one comes from the facts: what it lacks is unknown, not absent."""

    __slots__ = ("_entries", "open")

    def __init__(self, *, open: bool) -> None:
        self._entries: dict[tuple[bool, Key], tuple[Key, object]] = {}
        self.open = open

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: Key) -> bool:
        return _slot(key) in self._entries

    def known_keys(self) -> list[Key]:
        return [key for key, _ in self._entries.values()]

    def items(self) -> list[tuple[Key, object]]:
        return list(self._entries.values())

    def put(self, key: Key, value: object) -> None:
        self._entries[_slot(key)] = (key, value)

    def get(self, key: object) -> object:
        """The value under a key; UNKNOWN or a fault when there is none."""
        if isinstance(key, float) and key.is_integer():
            key = int(key)
        if not isinstance(key, (bool, int, str)):
            raise Fault(
                "no-such-overload",
                f"{{}} looks up {kind(key)} in a map",
                "use a text, an int or a bool",
            )
        found = self._entries.get(_slot(key))
        if found is not None:
            return found[1]
        if self.open:
            return UNKNOWN
        raise Fault(
            "no-such-key",
            f"{{}} looks up `{key}`, which the map hasn't got",
            "ask `in` or `has` first",
        )


def _slot(key: Key) -> tuple[bool, Key]:
    return isinstance(key, bool), key


def kind(value: object) -> str:
    """A value's type with its article, for messages."""
    return _KINDS.get(type(value)) or f"a {type(value).__name__.lower()}"


_KINDS = {
    type(None): "a null",
    bool: "a bool",
    int: "an int",
    float: "a double",
    str: "a text",
    list: "a list",
    Perhaps: "a list",
    Map: "a map",
    Interval: "a number",
}


def is_number(value: object) -> bool:
    """An int or a double, and not a bool."""
    return type(value) is int or type(value) is float


# In and out


def from_fact(value: object, work: Work, depth: int = 0) -> object:
    """A fact as a value: null is UNKNOWN, a map is open."""
    work.spend()
    if value is None or value is UNKNOWN:
        return UNKNOWN
    if isinstance(value, (bool, float, str, Timestamp, Duration, Years)):
        return value
    if isinstance(value, int):
        if not LOWEST_INT <= value <= HIGHEST_INT:
            raise Fault(
                "overflow",
                "{} is a whole number that doesn't fit into 64 bits",
                "use a smaller one",
            )
        return value
    if depth > DEEPEST_FACTS:
        raise Fault(
            "too-deep", f"{{}} has lists or records over {DEEPEST_FACTS} deep", "flatten the facts"
        )
    if isinstance(value, Mapping):
        return _from_record(value, work, depth)
    if isinstance(value, (list, tuple)):
        return [from_fact(item, work, depth + 1) for item in value]
    if isinstance(value, datetime):
        return Timestamp.of(value)
    if isinstance(value, timedelta):
        return Duration.of(value)
    if isinstance(value, date):
        return value
    if type(value).__name__ == "Decimal":
        return float(value)  # type: ignore[arg-type]  # a Decimal, by its name
    raise Fault(
        "bad-fact", f"{{}} is a Python `{type(value).__name__}`", "give what `json.loads` gives"
    )


def _from_record(record: Mapping[object, object], work: Work, depth: int) -> Map:
    known = Map(open=True)
    for key, value in record.items():
        if not isinstance(key, (bool, int, str)):
            raise Fault("bad-fact", f"{{}} has the key `{key!r}`", "use texts as keys")
        if (
            value is not None and value is not UNKNOWN
        ):  # a null field is as unknown as one that is left out
            known.put(key, from_fact(value, work, depth + 1))
    return known


def to_result(value: object) -> object:
    """A value as plain Python. What isn't decided to the last element is UNKNOWN; what Python's own `datetime` and
    `timedelta` can't hold exactly stays as it is.
    """
    if isinstance(value, (Interval, Perhaps)):
        return UNKNOWN
    if isinstance(value, (Timestamp, Duration)) and value.nanoseconds % 1000 == 0:
        return (
            value.moment()
            if isinstance(value, Timestamp)
            else timedelta(microseconds=value.nanoseconds // 1000)
        )
    if isinstance(value, list):
        return [to_result(item) for item in value]
    if isinstance(value, Map):
        result = {key: to_result(item) for key, item in value.items()}
        if len(result) != len(value):
            raise Fault(
                "bad-conversion",
                "{} has `1` and `true` as keys, which Python can't tell apart",
                "rename one",
            )
        return result
    return value


def collected(members: list[tuple[object, bool]]) -> object:
    """A list of these elements, plain if all of them are surely there."""
    if all(surely for _, surely in members):
        return [item for item, _ in members]
    return Perhaps(tuple(members))


def members_of(value: object) -> list[tuple[object, bool]] | None:
    """What a macro walks: a list's elements, a map's keys; None if there is nothing to walk."""
    if isinstance(value, list):
        return [(item, True) for item in value]
    if isinstance(value, Perhaps):
        return list(value.members)
    if isinstance(value, Map):
        more: list[tuple[object, bool]] = [(UNKNOWN, False)] if value.open else []
        return [(key, True) for key in value.known_keys()] + more
    return None


# Equality and order


def equal(one: object, other: object, work: Work) -> object:
    """CEL's `==`, as strong Kleene: True, False or UNKNOWN. Values of different types are unequal."""
    work.spend()
    if one is UNKNOWN or other is UNKNOWN:
        return UNKNOWN
    if isinstance(one, Interval) or isinstance(other, Interval):
        return _equal_intervals(one, other)
    if is_number(one) and is_number(other):
        return one == other
    if isinstance(one, str) and isinstance(other, str):
        work.spend(min(len(one), len(other)) // 64)
        return one == other
    if isinstance(one, Perhaps) or isinstance(other, Perhaps):
        lists = isinstance(one, (list, Perhaps)) and isinstance(other, (list, Perhaps))
        return UNKNOWN if lists else False
    if isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return False
        return _all_equal([(left, right) for left, right in zip(one, other, strict=True)], work)
    if isinstance(one, Map) and isinstance(other, Map):
        return _equal_maps(one, other, work)
    return type(one) is type(other) and one == other


def _all_equal(pairs: list[tuple[object, object]], work: Work) -> object:
    result: object = True
    for left, right in pairs:
        same = equal(left, right, work)
        if same is False:
            return False
        if same is UNKNOWN:
            result = UNKNOWN
    return result


def _equal_maps(one: Map, other: Map, work: Work) -> object:
    one_more = any(key not in other for key in one.known_keys())
    other_more = any(key not in one for key in other.known_keys())
    if (one_more and not other.open) or (other_more and not one.open):
        return False
    shared = [(value, other.get(key)) for key, value in one.items() if key in other]
    same = _all_equal(shared, work)
    if same is True and (one.open or other.open):
        return UNKNOWN
    return same


def _equal_intervals(one: object, other: object) -> object:
    below, above = ordered("<", one, other), ordered("<", other, one)
    if below is None or below is True or above is True:
        return False  # None: a number and something else
    (low, high), (other_low, other_high) = _bounds(one), _bounds(other)
    if low != low or other_low != other_low:
        return False  # nothing equals a NaN
    if low == high == other_low == other_high:
        return True
    return UNKNOWN


def ordered(operator: str, one: object, other: object) -> object:
    """`<` or `<=`, True, False or UNKNOWN; None if the two have no order."""
    if isinstance(one, Interval) or isinstance(other, Interval):
        return _ordered_intervals(operator, one, other)
    if type(one) is not type(other) and not (is_number(one) and is_number(other)):
        return None
    if one is None or isinstance(one, (list, Perhaps, Map, Years)):
        return None
    return one < other if operator == "<" else one <= other  # type: ignore[operator]  # of one kind, as checked above


def _bounds(value: object) -> tuple[int | float, int | float | None]:
    if isinstance(value, Interval):
        return value.low, value.high
    return value, value  # type: ignore[return-value]  # a number, since no interval


def _ordered_intervals(operator: str, one: object, other: object) -> object:
    if not all(isinstance(value, Interval) or is_number(value) for value in (one, other)):
        return None
    (low, high), (other_low, other_high) = _bounds(one), _bounds(other)
    if low != low or other_low != other_low:
        return False  # nothing is in order with a NaN
    surely = high is not None and (high < other_low or (operator == "<=" and high == other_low))
    never = other_high is not None and (low > other_high or (operator == "<" and low == other_high))
    return True if surely else False if never else UNKNOWN
