"""The section of a pack page about how long agencies keep what they were told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from offramp.documents.document import Block, Cell, Heading, Table, Text
from rules.author.phrases import spell_name
from rules.decide.retention import DEFAULT_DAYS
from rules.packs.pack import Item, Period, Retention
from rules.packs.resolve import Segment

_CAUSES = {
    "dismissed": "the charge is dismissed",
    "sealed": "a court orders the record sealed",
    "completed": "the person completes the program",
}
_HEAD = ("What", "Kept by", "Kinds", "Kept for", "Ends earlier", "Notes")


def retention_blocks(segment: Segment, mark: Callable[[Item], str]) -> Iterator[Block]:
    """Yield how long each kind of agency keeps each kind of information."""
    yield Heading(2, "How long it is kept", "retention")
    yield Text(
        "Each agency destroys its copy of what was told through the exchange after its last day. "
        "The time is counted from the day on which it was told. A legal hold stops it. Where no "
        "rule is listed for an agency and a kind of information, the time is "
        f"{DEFAULT_DAYS} days. An agency's own report, chart, or client file is not covered."
    )
    rules = [rule for rule in segment.pack.retention.values() if rule.in_force(segment.day)]
    if rules:
        yield Table("The rules on retention", _HEAD, tuple(_row(rule, mark) for rule in rules))


def _row(rule: Retention, mark: Callable[[Item], str]) -> tuple[Cell, ...]:
    return (
        rule.says,
        ", ".join(map(spell_name, rule.held_by)),
        ", ".join(map(spell_name, rule.categories)),
        period_in_words(rule.keep),
        "; ".join(f"{_days_after(days)} {_CAUSES[cause]}" for cause, days in rule.ends.items()),
        mark(rule).strip(),
    )


def period_in_words(period: Period) -> str:
    """Return a time such as `6 years`."""
    unit = period.unit.removesuffix("s") if period.number == 1 else period.unit
    return f"{period.number} {unit}"


def _days_after(days: int) -> str:
    if not days:
        return "on the day when"
    return f"{days} days after" if days > 1 else "one day after"
