"""Give a case the days and the sections that its readers know, if it stays what it is a case of.

A solver takes any day, such as one of 1970, and makes sections up. Readers take the case for an old
one then, or for a mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from rules.packs.offenses import CHARGES
from rules.packs.resolve import Segment

_MOST_TRIED = 24  # sections for one charge
_READ = ("level", "conduct")


def familiar_case(
    facts: dict[str, Any], is_one: Callable[[Mapping[str, Any]], bool], segment: Segment
) -> dict[str, Any]:
    """Return the facts with the last day moved to the segment's, and with sections of its table.

    `is_one` returns True for the facts of a case that is still one, as `facts` are. What it refuses
    stays as it was.
    """
    moved = _moved(facts, segment.day)
    if moved != facts and is_one(moved):
        facts = moved
    return _with_known_sections(facts, is_one, segment)


def _moved(facts: dict[str, Any], day: date) -> dict[str, Any]:
    """Return the facts with all days moved alike, so that the last one is this day."""
    days = [_day_of(value) for value in _values(facts)]
    last = max((read_day for read_day in days if read_day is not None), default=day)
    away = day - last
    try:
        return {name: _shifted(value, away) for name, value in facts.items()}
    except OverflowError:  # a day before the first one or after the last
        return facts


def _values(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _values(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _values(inner)
    else:
        yield value


def _shifted(value: Any, away: timedelta) -> Any:
    if isinstance(value, Mapping):
        return {name: _shifted(inner, away) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shifted(inner, away) for inner in value]
    read = _read(value)
    if read is None:
        return value
    return (read + away).isoformat() if isinstance(value, str) else read + away


def _day_of(value: Any) -> date | None:
    read = _read(value)
    return read.date() if isinstance(read, datetime) else read


def _read(value: Any) -> date | datetime | None:
    """Return a day or a moment, also if it is a text. None for anything else."""
    if isinstance(value, date):
        return value
    if not isinstance(value, str):
        return None
    for reader in (date.fromisoformat, datetime.fromisoformat):
        try:
            return reader(value)
        except ValueError:
            continue
    return None


def _with_known_sections(
    facts: dict[str, Any], is_one: Callable[[Mapping[str, Any]], bool], segment: Segment
) -> dict[str, Any]:
    """Return the facts with a section of the table for each that it lacks."""
    offenses = segment.pack.offenses
    group, _, name = CHARGES.partition(".")
    charges = facts.get(group, {}).get(name)
    if offenses is None or not charges:
        return facts
    for place, charge in enumerate(charges):
        code = charge.get("code")
        if code is None or str(code) in offenses.rows:
            continue
        for section in islice(_sections_like(charge, segment), _MOST_TRIED):
            trial = [*facts[group][name]]
            trial[place] = {**charge, "code": section}
            changed = {**facts, group: {**facts[group], name: trial}}
            if is_one(changed):
                facts = changed
                break
    return facts


def _sections_like(charge: Mapping[str, Any], segment: Segment) -> Iterator[str]:
    """Yield the sections in force on the segment's day, those like the charge first."""
    assert segment.pack.offenses is not None
    in_force = {
        code: row
        for code, rows in segment.pack.offenses.rows.items()
        for row in rows
        if (row.since is None or row.since <= segment.day)
        and (row.until is None or segment.day < row.until)
    }

    def unlike(code: str) -> int:
        return sum(
            name in charge and getattr(in_force[code], name) != charge[name] for name in _READ
        )

    yield from sorted(in_force, key=unlike)
