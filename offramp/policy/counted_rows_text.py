"""Section "Who is affected" of a memo that came as a file: the words of its JSON alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from offramp.policy.cohort.report_text import HIDDEN, aligned
from rules.author.phrases import spell_name
from rules.input.printing import printable

_THOUSAND = 1_000
DECIDERS = {
    "several": "several rules together",
    "otherwise": "no rule applies",
    "given": "given by its decider",
    "open": "open, or no single rule for certain",
}


def counted_row_lines(cohort: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of the section."""
    unit = plural_unit(cohort)
    yield f"How the rule treats these {unit}, by {spell_name(cohort['decision'])}"
    yield f"{count_text(cohort['selected'])} of {count_text(cohort['rows'])} {unit} in the file"
    for item in cohort["left_out"]:
        reason = printable(f"{item['column']}: {item['reason']}")
        yield f"left out: {item['rows']:,} for {reason}"
    yield f"assumed: {assumed_text(cohort['assumed'])}"
    for side in ("before", "after"):
        yield ""
        yield f"{side.capitalize()}:"
        yield from aligned(list(answer_rows(cohort["groups"], side)))
    flips = cohort["groups"][0].get("flips", ())
    if not flips:
        yield ""
        yield f"No answer changes for any of these {unit}."
    for place, flip in enumerate(flips):
        yield ""
        yield f"From {spell_name(flip['before'])} to {spell_name(flip['after'])}:"
        yield from aligned(list(flip_rows(cohort["groups"], place)))
        yield from decider_sentences(flip)
    yield ""
    yield "What decides for certain:"
    yield from aligned([list(row) for row in deciding_rows(cohort["rules"])])
    yield ""
    yield f"A row is one of these {unit}, not a person. With chance: 95 % intervals, as if the"
    yield f"years were a sample. Hidden: a count from 1 to {cohort['least_shown'] - 1}, or one that"
    yield "would tell such a count. Two reports with different filters can tell what each hides."


def plural_unit(cohort: Mapping[str, Any]) -> str:
    """Return the word for several rows, such as arrests."""
    unit = printable(str(cohort["unit"]))
    return unit if unit.endswith("s") else f"{unit}s"


def assumed_text(assumed: Mapping[str, Any]) -> str:
    """Return what is assumed of each row, since no row says it."""
    return "; ".join(f"{path}: {json.dumps(value)}" for path, value in assumed.items()) or "nothing"


def answer_rows(groups: Sequence[Mapping[str, Any]], side: str) -> Iterator[list[str]]:
    """Yield the head and a row for each group: its rows, and its answers on one side."""
    outcomes = list(groups[0].get(side, ()))
    yield ["group", "rows", *map(spell_name, outcomes)]
    for group in groups:
        if side in group:
            counts = [count_text(group[side].get(outcome, 0)) for outcome in outcomes]
            yield [printable(str(group["group"])), count_text(group["rows"]), *counts]


def flip_rows(groups: Sequence[Mapping[str, Any]], place: int) -> Iterator[list[str]]:
    """Yield the head and a row for each group: how many of its rows change, and their rate."""
    yield ["group", "rows", "surely", "at most", f"of {_THOUSAND:,}", "with chance"]
    for group in groups:
        flip = group["flips"][place]
        counts = [group["rows"], flip["surely"], flip["at_most"]]
        ends = [ends_text(flip["rate"]), ends_text(flip["interval"])]
        yield [printable(str(group["group"])), *map(count_text, counts), *ends]


def decider_sentences(flip: Mapping[str, Any]) -> Iterator[str]:
    """Yield which rules decide the rows of a change on each side, nothing if they are hidden."""
    for side in ("before", "after"):
        names = flip.get("rules", {}).get(side)
        if names:
            yield f"Decided {side} by {', '.join(f'`{printable(name)}`' for name in names)}."


def deciding_rows(rules: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the head and a row for each that decides: its name, and its rows on each side."""
    yield "", "before", "after"
    counts: dict[str, dict[str, Any]] = {}
    for side in ("before", "after"):
        for item in rules.get(side, ()):
            counts.setdefault(decider_name(item), {})[side] = item["rows"]
    for name, sides in counts.items():
        yield name, count_text(sides.get("before", 0)), count_text(sides.get("after", 0))


def decider_name(item: Mapping[str, Any]) -> str:
    """Return what decides: a rule by its name, or why there is none."""
    return printable(str(item.get("rule") or DECIDERS[item["decides"]]))


def number_of(count: Any) -> int | None:
    """Return a count of the JSON, None if it is hidden."""
    return count if isinstance(count, int) else None


def count_text(count: Any) -> str:
    """Return a count of the JSON as people read it."""
    number = number_of(count)
    return HIDDEN if number is None else f"{number:,}"


def ends_text(ends: Sequence[float | None]) -> str:
    """Return the ends of a rate or an interval, for a thousand rows."""
    low, high = (HIDDEN if end is None else f"{end * _THOUSAND:.1f}" for end in ends)
    return low if low == high else f"{low} to {high}"
