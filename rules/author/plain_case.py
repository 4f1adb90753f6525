"""Make a case smaller and plainer while it still shows something.

A fact is left out where it doesn't matter, and else has a value that the pack's scenarios have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

Shows = Callable[[Mapping[str, Any]], bool]
# The way to a value: names of groups and facts, and places in lists.
_Way = tuple[str | int, ...]
_ROUNDS = 3
_TRIED = 6  # usual values of one fact


class UsualValues:
    """The values that facts have in some cases, the most frequent first."""

    def __init__(self, cases: Iterable[Mapping[str, Any]]) -> None:
        self._counts: dict[_Way, Counter[Any]] = {}
        for case in cases:
            for way, value in _leaves(case):
                self._counts.setdefault(_named(way), Counter())[value] += 1

    def of(self, way: _Way) -> list[Any]:
        """Return the usual values of a fact or of a record's field."""
        counts = self._counts.get(_named(way), Counter())
        return [value for value, _ in counts.most_common(_TRIED)]


def plain_case(
    facts: Mapping[str, Any], shows: Shows, usual: UsualValues, kept: Iterable[_Way] = ()
) -> dict[str, Any]:
    """Return the smallest plain case that `shows`, which these facts do. `kept` facts stay."""
    case, stays = dict(facts), set(kept)
    for _ in range(_ROUNDS):
        before = case
        for way in sorted(_removable(case), key=lambda way: (len(way), str(way)), reverse=True):
            if way not in stays:
                case = _tried(case, _without(case, way), shows)
        if case == before:
            break
    for way, value in list(_leaves(case)):
        for other in _plainer(value, usual.of(way)):
            if other == value:
                break
            changed = _with(case, way, other)
            if way not in stays and shows(changed):
                case = changed
                break
    return case


def _tried(case: dict[str, Any], smaller: dict[str, Any] | None, shows: Shows) -> dict[str, Any]:
    return smaller if smaller is not None and shows(smaller) else case


def _plainer(value: Any, usual: list[Any]) -> Iterator[Any]:
    """Yield values to try in place of one, until it comes itself."""
    yield from (
        other for other in usual if type(other) is type(value) or _are_numbers(other, value)
    )
    if isinstance(value, Decimal):
        for digits in range(3):
            rounded = round(value, digits)
            yield int(rounded) if rounded == int(rounded) else rounded.normalize()


def _are_numbers(*values: Any) -> bool:
    return all(
        isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) for value in values
    )


def _leaves(value: Any, way: _Way = ()) -> Iterator[tuple[_Way, Any]]:
    """Yield every value that is no group and no list, with the way to it."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, (*way, name))
    elif isinstance(value, (list, tuple)):
        for place, inner in enumerate(value):
            yield from _leaves(inner, (*way, place))
    elif value is not None:
        yield way, value


def _removable(value: Any, way: _Way = ()) -> Iterator[_Way]:
    """Yield the way to everything that can be left out: groups, facts, records, and fields."""
    if way:
        yield way
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _removable(inner, (*way, name))
    elif isinstance(value, (list, tuple)):
        for place, inner in enumerate(value):
            yield from _removable(inner, (*way, place))


def _named(way: _Way) -> _Way:
    return tuple(step for step in way if isinstance(step, str))


def _without(value: Any, way: _Way) -> Any:
    """Return the facts without what is there, None if it is gone already."""
    step, *rest = way
    if isinstance(value, Mapping):
        if step not in value:
            return None
        if not rest:
            return {name: inner for name, inner in value.items() if name != step}
        inner = _without(value[str(step)], tuple(rest))
        return None if inner is None else {**value, step: inner}
    if not isinstance(step, int) or not isinstance(value, list) or step >= len(value):
        return None
    if not rest:
        return [*value[:step], *value[step + 1 :]]
    inner = _without(value[step], tuple(rest))
    return None if inner is None else [*value[:step], inner, *value[step + 1 :]]


def _with(value: Any, way: _Way, leaf: Any) -> Any:
    """Return the facts with another value at a place that they have."""
    if not way:
        return leaf
    step, *rest = way
    inner = _with(value[step], tuple(rest), leaf)
    if isinstance(value, Mapping):
        return {**value, step: inner}
    return [*value[:step], inner, *value[int(step) + 1 :]]
