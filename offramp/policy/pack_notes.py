"""What a reader should be asked about a pack that passed its check: a slip that no rule can know.

A note is no fault. It names its place, since the same word may be in many of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING

from offramp.policy.change_wording import time_until, times_text
from offramp.policy.given_paths import place_as_given
from rules.author.phrases import format_day
from rules.packs.written_days import WrittenDay

if TYPE_CHECKING:
    from offramp.policy.operations import NotedPack
    from rules.author.kept_sources import KeptSource, LargeStep, SourcedNumber
    from rules.errors import Place

_YEARS_AHEAD = 5  # for which rules are made in advance
_YEARS_AGO = 60  # since which the law of a pack may be the same
_MOST = 5  # notes of one kind, so that one shifted file doesn't fill a screen


def pack_notes(noted: NotedPack, today: date, name: str) -> Iterator[str]:
    """Yield the notes on a pack, each with its place. `name` is the pack as the user named it."""
    yield from _some(_day_notes(noted, today, name), "days")
    yield from _some([_kept_note(item, name, noted) for item in noted.kept_sources], "numbers")
    yield from _some([_step_note(item, name, noted) for item in noted.large_steps], "numbers")


def _some(notes: Iterable[str], noun: str) -> Iterator[str]:
    listed = list(notes)
    yield from listed[:_MOST]
    if len(listed) > _MOST:
        yield f"{len(listed) - _MOST} more {noun} like these"


def _day_notes(noted: NotedPack, today: date, name: str) -> Iterator[str]:
    for written in (*noted.days, *_days_of_offenses(noted)):
        far = _far_text(written.day, today)
        if written.is_check and written.day > today:
            far = "which is yet to come, and nobody can have compared the pack with the source then"
        if far is not None:
            yield (
                f"{_place(written.place, name)}: `{written.path}` is {format_day(written.day)}, "
                f"{far}; correct the day if it is a typo"
            )


def _days_of_offenses(noted: NotedPack) -> Iterator[WrittenDay]:
    table = noted.pack.offenses
    for code, rows in table.rows.items() if table is not None else ():
        for row in rows:
            for key, day in (("from", row.since), ("until", row.until)):
                if day is not None:
                    yield WrittenDay(f"{code}.{key}", day, row.place)


def _far_text(day: date, today: date) -> str | None:
    """Return how far a day is, None if a rule may well begin or end on it."""
    years = day.year - today.year
    if years > _YEARS_AHEAD:
        return time_until(today, day)
    return f"{-years} years ago" if years < -_YEARS_AGO else None


def _kept_note(item: KeptSource, name: str, noted: NotedPack) -> str:
    before, after = item.before, item.after
    values = _values(before, after)
    of_parent = noted.pack.extends if before.declared_in != noted.pack.id else None
    than = f" of `{of_parent}`" if of_parent is not None else ""
    return (
        f"{_place(after.place, name)}: `{item.item_name}` changed{values}, its source didn't: both "
        f"cite `{after.source.id}`{than}; cite the source that states the new number, or the place "
        "in it (`at`)"
    )


def _step_note(item: LargeStep, name: str, noted: NotedPack) -> str:
    of_parent = noted.pack.extends if item.before.declared_in != noted.pack.id else None
    than = f" (of `{of_parent}`)" if of_parent is not None else ""
    return (
        f"{_place(item.after.place, name)}: `{item.item_name}` changed"
        f"{_values(item.before, item.after)}{than}: {times_text(item.times)}"
    )


def _values(before: SourcedNumber, after: SourcedNumber) -> str:
    return f" from {before.text} to {after.text}" if before.text and after.text else ""


def _place(place: Place, name: str) -> Place:
    return place_as_given(place, [name])
