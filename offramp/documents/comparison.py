"""Several programs side by side: the same questions, one column each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from offramp.documents.document import Block, Cell, Document, Heading, Table, Text, anchor
from offramp.documents.pack_page import MADE_BY
from offramp.documents.segments import (
    PROMISES,
    PROVED_MEANS,
    TRIED_MEANS,
    day_notice,
    decisions_in_order,
    invariant_status,
    reason,
)
from rules.author.phrases import format_day, format_value, spell_name
from rules.decide.wording import fill_in
from rules.packs.resolve import DecisionInForce, Segment


def side_by_side(segments: list[Segment], today: date | None = None) -> Document:
    """Return a table for each decision, one for the values, and one for the invariants.

    With `today`, the first table says which rules aren't those of today.
    """
    title = "Side by side: " + ", ".join(segment.pack.title for segment in segments)
    blocks = tuple(_blocks(segments, title, today))
    return Document(title, "en", blocks)


def _blocks(segments: list[Segment], title: str, today: date | None) -> Iterator[Block]:
    head = tuple(f"{segment.pack.title} (`{segment.pack.id}`)" for segment in segments)
    yield Heading(1, title, "title")
    starts = [segment.pack.program.since for segment in segments]
    began = (format_day(start) if start else "" for start in starts)
    rules_of = (format_day(segment.day) for segment in segments)
    rows: list[tuple[Cell, ...]] = [("Rules of", *rules_of), ("Began", *began)]
    notices = [day_notice(segment, today) for segment in segments]
    if any(notices):
        rows.append(("Note", *notices))
    yield Table("The programs", ("", *head), tuple(rows))
    for name in decisions_in_order(segments):
        in_force = [segment.decisions.get(name) for segment in segments]
        decision = next(entry.decision for entry in in_force if entry is not None)
        heading = f"{spell_name(name).capitalize()}: {decision.asks}"
        yield Heading(2, heading, anchor("decision", name))
        caption = f"Who decides {spell_name(name)}, and the reasons for each answer"
        yield Table(caption, ("Answer", *head), tuple(_answer_rows(segments, in_force)))
    yield from _values(segments, head)
    yield from _invariants(segments, head)
    yield Text(MADE_BY)


def _answer_rows(
    segments: list[Segment], in_force: list[DecisionInForce | None]
) -> Iterator[tuple[Cell, ...]]:
    yield (
        "Who decides",
        *(
            spell_name(entry.decision.decided_by) if entry else "not part of this program"
            for entry in in_force
        ),
    )
    outcomes = dict.fromkeys(
        outcome for entry in in_force if entry for outcome in entry.decision.outcomes
    )
    for outcome in outcomes:
        cells = [
            _reasons(segment, entry, outcome)
            for segment, entry in zip(segments, in_force, strict=True)
        ]
        if any(cells):
            yield spell_name(outcome), *cells


def _reasons(segment: Segment, in_force: DecisionInForce | None, outcome: str) -> tuple[str, ...]:
    if in_force is None:
        return ()
    reasons = [
        reason(segment, rule)
        for rank_outcome, rules in in_force.ranks
        if rank_outcome == outcome
        for rule in rules
    ]
    if in_force.otherwise.outcome == outcome:
        reasons.append(f"Otherwise: {fill_in(segment, in_force.otherwise.because)}")
    return tuple(reasons)


def _values(segments: list[Segment], head: tuple[str, ...]) -> Iterator[Block]:
    rows = []
    for name in dict.fromkeys(name for segment in segments for name in segment.values):
        having = [segment for segment in segments if name in segment.values]
        cells = [
            format_value(segment.values[name].value, segment.pack.parameters[name].unit)
            if name in segment.values
            else ""
            for segment in segments
        ]
        rows.append((having[0].pack.parameters[name].label, *cells))
    if rows:
        yield Heading(2, "Amounts, times, and lists", "amounts")
        yield Table("Values in force", ("What", *head), tuple(rows))


def _invariants(segments: list[Segment], head: tuple[str, ...]) -> Iterator[Block]:
    promised = {
        invariant.id: invariant.because
        for segment in segments
        for invariant in segment.pack.invariants.values()
        if invariant.in_force(segment.day)
    }
    if promised:
        rows = [
            (
                because,
                *(invariant_status(segment, name) or "not promised" for segment in segments),
            )
            for name, because in promised.items()
        ]
        yield Heading(2, "What can and can't happen to a person", "invariants")
        yield Text(f"{PROMISES} {PROVED_MEANS} {TRIED_MEANS}")
        yield Table("What the rules promise", ("Promise", *head), tuple(rows))
