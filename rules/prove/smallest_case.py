"""Make a case smaller, as long as it stays what it is a case of.

A fact that changes nothing is left out, and a number becomes the roundest one near a number that
the rules name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

Path = tuple[str | int, ...]
_STEPS = tuple(map(Decimal, ("0.5", "1", "0.1", "0.01", "0.001")))


def smallest_case(
    facts: Mapping[str, Any],
    is_one: Callable[[Mapping[str, Any]], bool],
    numbers: Iterable[Decimal],
) -> dict[str, Any]:
    """Return the facts without those that aren't needed, and with round numbers.

    `is_one` returns True for the facts of a case that is still one, as `facts` are. `numbers` are
    those that the rules name.
    """
    # INVARIANT: no step changes the facts that it gets. Each returns others.
    smaller, before = dict(facts), None
    near = sorted(set(numbers))
    while smaller != before:
        before = smaller
        smaller = _rounded(_stripped(smaller, is_one), is_one, near)
    return smaller


def _stripped(facts: dict[str, Any], is_one: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
    """Return the facts without those that aren't needed."""
    for path in list(_removable(facts)):
        trial = _without(facts, path)
        if trial is not None and is_one(trial):
            facts = trial
    return facts


def _rounded(
    facts: dict[str, Any], is_one: Callable[[Mapping[str, Any]], bool], near: list[Decimal]
) -> dict[str, Any]:
    """Return the facts with the roundest numbers."""
    for path, number in list(_numbers(facts)):
        for rounder in _rounder(number, near):
            whole = int(rounder) if rounder == int(rounder) else rounder
            trial = _with(facts, path, whole)
            if is_one(trial):
                facts = trial
                break
    return facts


def fewer_facts(facts: Mapping[str, Any], names: Collection[str]) -> Iterator[dict[str, Any]]:
    """Yield the facts without one of those with these names, for each in turn."""
    for path in _removable(dict(facts)):
        fewer = _without(dict(facts), path) if path[-1] in names else None
        if fewer is not None:
            yield fewer


def _removable(facts: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of each record, field, and fact. The last records come first."""
    if isinstance(facts, dict):
        for key, value in facts.items():
            if isinstance(value, dict):
                yield from _removable(value, (*path, key))
                continue
            yield (*path, key)
            if isinstance(value, list):
                yield from _removable(value, (*path, key))
    elif isinstance(facts, list):
        for place in reversed(range(len(facts))):
            yield (*path, place)
            yield from _removable(facts[place], (*path, place))


def _without(facts: dict[str, Any], path: Path) -> dict[str, Any] | None:
    """Return the facts without one, None if it isn't there any more."""
    trial = facts.copy()
    levels: list[Any] = [trial]
    for key in path[:-1]:
        try:
            levels.append(_copied(levels[-1], key))
        except (KeyError, IndexError):
            return None
    try:
        del levels[-1][path[-1]]
    except (KeyError, IndexError):
        return None
    # A group without facts says nothing. A list without records says that there are none.
    for level, key in zip(reversed(levels[:-1]), reversed(path[:-1]), strict=True):
        if isinstance(level, dict) and level[key] == {}:
            del level[key]
    return trial


def _numbers(facts: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    items = facts.items() if isinstance(facts, dict) else enumerate(facts)
    for key, value in items:
        if isinstance(value, (dict, list)):
            yield from _numbers(value, (*path, key))
        elif isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            yield (*path, key), value


def _with(facts: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    trial = facts.copy()
    level: Any = trial
    for key in path[:-1]:
        level = _copied(level, key)
    level[path[-1]] = value
    return trial


def _copied(level: Any, key: str | int) -> Any:
    """Put a copy of an inner group, list, or record in its place, and return it."""
    level[key] = level[key].copy()
    return level[key]


def _rounder(number: Any, near: list[Decimal]) -> Iterator[Any]:
    """Yield the numbers to try: those the rules name, then those just beside, the least first."""
    if isinstance(number, int):
        whole = [int(point) for point in near if point == int(point)]
        yield from sorted({value for point in whole for value in (point - 1, point, point + 1)})
        return
    yield from near
    for step in _STEPS:
        for point in near:
            yield point + step
            yield point - step
