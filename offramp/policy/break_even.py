"""For how many people or arrests a published total would have to be true, in words and as JSON.

It predicts nothing. Each number has its range, and each end the figure that it rests on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from offramp.policy.counted_rows_text import parts_on_days
from rules.frozen import frozen
from rules.input.printing import plain
from rules.packs.pack import BreakEven, Figure, Program

_LET_IN = "eligible"
_ONE = {
    "arrest": ("arrest", "arrests"),
    "client": ("person", "people"),
    "client_year": ("person for a year", "people for a year"),
}
_EACH = {"arrest": "an arrest", "client": "a client", "client_year": "a client-year"}


@frozen
class Needed:
    """A number that would have to be reached, and the figures that it comes from."""

    number: Decimal
    total: Figure
    each: Figure

    @property
    def rounded(self) -> int:
        """The nearest whole number."""
        return int(self.number.quantize(Decimal(1), ROUND_HALF_UP))


def needed(entry: BreakEven) -> tuple[Needed, Needed]:
    """Return the least and the most that would have to be reached."""
    ends = ((entry.total.low, entry.each.high), (entry.total.high, entry.each.low))
    least, most = (Needed(total.dollars / each.dollars, total, each) for total, each in ends)
    return least, most


def break_even_text(entry: BreakEven) -> str:
    """Return the range in words, with the figures of each end, and the note."""
    least, most = needed(entry)
    one, several = _ONE[entry.each.unit]
    noun = one if most.rounded == 1 else several
    ends = " ".join(_end(entry, end) for end in (least, most))
    note = f" {entry.note.rstrip('.')}." if entry.note else ""
    return (
        f"{entry.says.rstrip('.')}, about {least.rounded:,} to about {most.rounded:,} {noun}. "
        f"{ends}{note}"
    )


def _end(entry: BreakEven, end: Needed) -> str:
    each = f"${end.each.dollars:,} {_EACH[entry.each.unit]}"
    each += f" ({end.each.says}, {end.each.source.id})"
    return f"About {end.rounded:,} if ${end.total.dollars:,} is divided by {each}."


def break_even_as_json(entry: BreakEven) -> dict[str, Any]:
    """Return the range with both figures of each end."""
    least, most = needed(entry)
    return {
        "says": entry.says,
        "unit": entry.each.unit,
        "low": _end_as_json(least),
        "high": _end_as_json(most),
        "note": entry.note,
    }


def program_as_json(program: Program, day: date) -> dict[str, Any]:
    """Return a program's places and break-evens on a day, as a memo has them. Empty without any."""
    places = [
        {
            "low": each.value,
            "high": each.high if each.high is not None else each.value,
            "source": each.source.id,
        }
        for each in program.places
        if each.in_force(day)
    ]
    entries = [
        {**break_even_as_json(entry), "text": break_even_text(entry)}
        for entry in program.break_even
        if entry.in_force(day)
    ]
    value: dict[str, Any] = {"places": places, "break_even": entries}
    return value if places or entries else {}


def changed_program_as_json(old: Program, new: Program, days: tuple[date, date]) -> dict[str, Any]:
    """Return places and break-evens of the new side, and those of the old one where they differ.

    What the old side has is under `before`, with nothing in it if it has none.
    """
    before, after = program_as_json(old, days[0]), program_as_json(new, days[1])
    if before == after:
        return after
    nothing: dict[str, Any] = {"places": [], "break_even": []}
    return {**(after or nothing), "before": before or nothing}


def program_lines(value: Mapping[str, Any], cohort: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield places and money in words, with the rows that the new rule lets in beside the places.

    `value` is the memo's `program`, and `cohort` its `cohort` if it has one. What differs from the
    old side is said of both sides.
    """
    before = value.get("before")
    if before is not None:
        yield "Before the change:"
        yield from _lines(before, None)
        yield "After it:"
    yield from _lines(value, cohort)


def _lines(value: Mapping[str, Any], cohort: Mapping[str, Any] | None) -> Iterator[str]:
    if not value["places"] and not value["break_even"]:
        yield "- Nothing is stated of places and money."
    for places in value["places"]:
        number = f"{places['low']:,}"
        if places["high"] != places["low"]:
            number += f" to {places['high']:,}"
        yield f"- Places: {number} at once. Source: {places['source']}"
        for title, part in parts_on_days(cohort) if cohort is not None else ():
            lead = f", {title[0].lower()}{title[1:]}" if title else ""
            yield f"  Beside them{lead}: {_let_in(part)}"
    for entry in value["break_even"]:
        yield f"- What would have to be true: {entry['text']}"


def _let_in(cohort: Mapping[str, Any]) -> str:
    """Return how many rows the new rule lets in: for certain, and with what nobody recorded."""
    after = cohort["groups"][0].get("after", {})
    sure, either = after.get(_LET_IN, 0), after.get("either", 0)
    unit = f"{cohort['unit'].removesuffix('s')}s"
    if not isinstance(sure, int) or not isinstance(either, int):
        return f"how many {unit} the rule lets in is hidden"
    return f"the rule lets in at least {sure:,} and at most {sure + either:,} of these {unit}"


def _end_as_json(end: Needed) -> dict[str, Any]:
    return {
        "about": end.rounded,
        "total": _figure_as_json(end.total),
        "each": _figure_as_json(end.each),
    }


def _figure_as_json(figure: Figure) -> dict[str, Any]:
    return {"dollars": plain(figure.dollars), "says": figure.says, "source": figure.source.id}
