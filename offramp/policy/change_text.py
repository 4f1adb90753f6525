"""The memo of a rule change in words, in the order of its parts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from offramp.policy.change import Memo
from offramp.policy.change_cohort_text import cohort_lines, left_out_line
from rules.author.phrases import format_day, spell_name
from rules.author.redline import CAME, CHANGED, WENT, Change
from rules.input.printing import plain
from rules.packs.tables import join_or
from rules.prove.changes import ChangedAnswers, Pair

_HOW = {CAME: "is new", WENT: "is removed", CHANGED: "changes"}


def memo_lines(memo: Memo) -> Iterator[str]:
    """Yield the lines of a memo."""
    value = memo.value
    old, new = memo.sides
    before, after = (f"{side.pack.id} on {format_day(side.day)}" for side in (old, new))
    yield f"Change from {before} to {after}"
    for finding in value["findings"]:
        yield f"FINDING: {finding}."
    if memo.cohort is not None and (line := left_out_line(memo.cohort)) is not None:
        yield line
    yield ""
    yield "1. What changes"
    yield from _redline(memo)
    yield ""
    yield "2. Which cases change"
    yield from _answers(memo)
    yield ""
    yield "3. Do the scenarios notice?"
    yield from _scenarios(value["scenarios"])
    yield ""
    yield "4. Open cases on the day"
    yield from _open_cases(value["open_cases"])
    yield ""
    number = 5
    if memo.cohort is not None:
        yield f"{number}. Who is affected"
        yield from (f"   {line}".rstrip() for line in cohort_lines(memo.cohort))
        yield ""
        number += 1
    yield f"{number}. How to repeat it"
    yield f"   {value['repeat']['command']}"
    yield f"   old pack {value['old']['digest']}"
    yield f"   new pack {value['new']['digest']}"
    engines = ", ".join(f"{name} {version}" for name, version in value["repeat"]["engines"].items())
    yield f"   engines: {engines}"
    yield f"   memo {value['memo']}"


def _redline(memo: Memo) -> Iterator[str]:
    changes = memo.redline.changes
    if not changes:
        yield "   Nothing, on these days."
    for change in changes:
        if change.changes_answers:
            yield from _change(change)
    still = [change for change in changes if not change.changes_answers]
    if still:
        yield "   These change no answer:"
        yield from (line for change in still for line in _change(change))
    others = memo.redline.other_days
    if others:
        yield "   On other days too:"
        yield from (
            f"   - {difference.what} {_HOW.get(difference.how, difference.how)}"
            for difference in others
        )


def _change(change: Change) -> Iterator[str]:
    yield f"   - {change.what} {_HOW.get(change.how, f'is {change.how}')}{_both(change)}"
    if change.source is not None:
        doubt = f". In doubt: {change.provisional}" if change.provisional else ""
        yield f"     source: {change.source}{doubt}"
    if change.source_before is not None and (
        change.source_before != change.source or change.provisional_before != change.provisional
    ):
        doubt = f". In doubt: {change.provisional_before}" if change.provisional_before else ""
        yield f"     source before: {change.source_before}{doubt}"


def _both(change: Change) -> str:
    if change.before is not None and change.after is not None:
        return f": {change.before} -> {change.after}"
    text = change.after if change.after is not None else change.before
    return f": {text}" if text is not None else ""


def _answers(memo: Memo) -> Iterator[str]:
    for name, answer in memo.answers.items():
        if name in memo.value["decisions"]:
            yield f"   {name}:"
            yield from _answer(memo, answer)
    unchanged = memo.value["unchanged"]
    if unchanged:
        yield f"   Proved: no answer changes of {', '.join(unchanged)}."
    for name, through in memo.value["changed_only_through"].items():
        yield f"   {name} changes only through {', '.join(through)}: its own rules are the same."


def _answer(memo: Memo, answer: ChangedAnswers) -> Iterator[str]:
    for pair in answer.pairs:
        several = len(pair.regions) + pair.left_out > 1
        when = "in each of these cases" if several else "if all of this is so"
        yield f"   - {_title(pair)}, {when}:"
        for number, region in enumerate(pair.regions, start=1):
            lead = f"     {number}. " if several else "     - "
            for sentence in memo.words.sentences(region):
                yield f"{lead}{sentence}"
                lead = " " * len(lead) if several else lead
        if pair.left_out:
            yield f"     and {pair.left_out} more"
        if not pair.is_complete:
            yield "     and others that were not counted"
        example = pair.example
        facts = json.dumps(plain(example.facts), sort_keys=True, ensure_ascii=False)
        yield "     The smallest case:"
        yield f"       {facts}"
        yield f"       before: {_rules(example.before)}; after: {_rules(example.after)}"
    if answer.why is not None:
        yield f"   - Open: {answer.why}."
    elif answer.is_proved:
        yield from _never(answer)


def _never(answer: ChangedAnswers) -> Iterator[str]:
    by_before: dict[str, list[str]] = {}
    for before, after in answer.never:
        by_before.setdefault(spell_name(before), []).append(spell_name(after))
    for before, after_words in by_before.items():
        yield f"   - Proved: no case goes from {before} to {join_or(after_words)}."


def _title(pair: Pair) -> str:
    if pair.outcome is not None:
        return f"{spell_name(pair.outcome)}: from {pair.before} to {pair.after}"
    return f"From {spell_name(pair.before)} to {spell_name(pair.after)}"


def _rules(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _scenarios(value: Mapping[str, Any]) -> Iterator[str]:
    if not value["asked"]:
        yield "   There are no scenarios."
    for flip in value["flips"]:
        before, after = spell_name(flip["before"]), spell_name(flip["after"])
        yield f"   - `{flip['id']}` ({flip['decision']}): {before} -> {after}"
    if value["asked"] and not value["flips"]:
        yield f"   None of {value['asked']} scenarios has another answer."
    if value["edges"]:
        yield "   No scenario is in these parts of the change. Add them:"
        for edge in value["edges"]:
            yield f"   - {json.dumps(edge, ensure_ascii=False)}"


def _open_cases(value: Mapping[str, Any]) -> Iterator[str]:
    sentence = value["says"]
    yield f"   The pack says: {sentence}" if sentence else "   The pack says nothing of them."
    if value["decided_at_the_time"]:
        names = ", ".join(value["decided_at_the_time"])
        yield f"   Decided by the rules of the day on which it is asked, and so changed: {names}."
    for clock in value["clocks"]:
        before, after = clock["before"] or "no limit", clock["after"] or "no limit"
        yield f"   The clock `{clock['clock']}`: {before} -> {after}."
