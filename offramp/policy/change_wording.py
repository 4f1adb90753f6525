"""Words of a memo for several of its parts: days, and the reasons of rules before and after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from rules.author.phrases import format_day
from rules.decide.wording import fill_in
from rules.packs.resolve import Segment

# A ready scenario takes the new rules for right, also where they have a typo.
READ_FIRST = "Read before you keep: the new pack's own answer is taken as right."


def redlined_sentences(
    old: Segment, new: Segment, decisions: Iterable[str]
) -> list[dict[str, str]]:
    """Return the reason of each rule that both sides have and give another reason for.

    A reason names the values that it reads, so a changed number changes it too.
    """
    sentences = []
    for name in decisions:
        before = {rule.rule.id: rule.rule.because for rule in old.decisions[name].rules}
        after = {rule.rule.id: rule.rule.because for rule in new.decisions[name].rules}
        for rule_id in after:
            if rule_id in before:
                texts = fill_in(old, before[rule_id]), fill_in(new, after[rule_id])
                if texts[0] != texts[1]:
                    rule = f"{name}.{rule_id}"
                    sentences.append({"rule": rule, "before": texts[0], "after": texts[1]})
    return sentences


def days_text(covers: Mapping[str, Any]) -> str:
    """Return the days that a part of the memo covers, as the start of a sentence."""
    since = format_day(date.fromisoformat(covers["from"]))
    if covers["until"] is None:
        return f"From {since} on"
    last = date.fromisoformat(covers["until"]) - timedelta(days=1)
    return f"From {since} to {format_day(last)}"


def time_until(day: date, later: date) -> str:
    """Return how far a later day is from another, such as `in 3 months`."""
    days = (later - day).days
    months = (later.year - day.year) * 12 + later.month - day.month - (later.day < day.day)
    number, unit = (
        (months // 12, "year") if months >= 24 else (months, "month") if months else (days, "day")
    )
    return f"in 1 {unit}" if number == 1 else f"in {number} {unit}s"
