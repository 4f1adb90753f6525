"""A memo in words, in the order of its parts. It is made from the memo's JSON and nothing else.

So the words that somebody reads are those of the digest that somebody signs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from offramp.digest_words import digest_words
from offramp.policy.break_even import program_lines
from offramp.policy.change_cohort_text import cohort_lines, left_out_line
from offramp.policy.counted_rows_text import count_text, counted_row_lines
from rules.author.phrases import format_day, spell_name
from rules.author.redline import CAME, CHANGED, WENT
from rules.packs.tables import join_or

if TYPE_CHECKING:
    from offramp.policy.cohort.report import CohortReport

_WIDTH = 104
HOW = {CAME: "is new", WENT: "is removed", CHANGED: "changes"}


def memo_lines(value: Mapping[str, Any], report: CohortReport | None = None) -> Iterator[str]:
    """Yield the lines of a memo. The report on its file has more words, where it was made here."""
    before, after = (side_text(value[side]) for side in ("old", "new"))
    yield f"Change from {before} to {after}"
    for finding in value["findings"]:
        yield f"FINDING: {finding}."
    for promise in value["promises"]["broken"]:
        yield from _broken(promise)
    if report is not None and (line := left_out_line(report)) is not None:
        yield line
    yield ""
    yield "1. What changes"
    yield from _redline(value)
    yield ""
    yield "2. Which cases change"
    yield from _answers(value)
    yield ""
    yield "3. Do the scenarios notice?"
    yield from _scenarios(value["scenarios"])
    yield ""
    yield "4. Open cases on the day"
    yield from _open_cases(value["open_cases"])
    yield ""
    number = 5
    if "cohort" in value:
        yield f"{number}. Who is affected"
        lines = counted_row_lines(value["cohort"]) if report is None else cohort_lines(report)
        yield from (f"   {line}".rstrip() for line in lines)
        yield ""
        number += 1
    if "program" in value:
        yield "Places and money"
        for line in program_lines(value["program"], value.get("cohort")):
            yield from wrap(line, _WIDTH, initial_indent="   ", subsequent_indent="     ")
        yield ""
    yield f"{number}. How to repeat it"
    yield f"   {value['repeat']['command']}"
    yield f"   old pack {value['old']['digest']}"
    yield f"   new pack {value['new']['digest']}"
    engines = ", ".join(f"{name} {version}" for name, version in value["repeat"]["engines"].items())
    yield f"   engines: {engines}"
    yield f"   memo {value['memo']}"
    yield f"   in words: {' '.join(digest_words(value['memo']))}"


def side_text(side: Mapping[str, Any]) -> str:
    """Return a side as words: its pack and its day."""
    return f"{side['pack']} on {format_day(date.fromisoformat(side['day']))}"


def _broken(promise: Mapping[str, Any]) -> Iterator[str]:
    yield f"  Broken: `{promise['promise']}`: {promise['says']}"
    if "facts" in promise:
        yield f"  The smallest case that breaks it: {facts_text(promise['facts'])}"
        yield f"  The rules say {outcome_text(promise['outcome'])}, by {_rules(promise['rules'])}."
    if "why" in promise:
        yield f"  {promise['why']}."


def facts_text(facts: Mapping[str, Any]) -> str:
    """Return facts as JSON on one line."""
    return json.dumps(facts, sort_keys=True, ensure_ascii=False)


def outcome_text(outcome: str | list[str] | None) -> str:
    """Return an outcome, or several, as words."""
    if isinstance(outcome, list):
        return ", ".join(map(spell_name, outcome)) or "no answer"
    return spell_name(outcome) if outcome is not None else "undetermined"


def _redline(value: Mapping[str, Any]) -> Iterator[str]:
    changes = value["redline"]
    if not changes:
        yield "   Nothing, on these days."
    for change in changes:
        if not change.get("changes_no_answer"):
            yield from _change(change)
    still = [change for change in changes if change.get("changes_no_answer")]
    if still:
        yield "   These change no answer:"
        yield from (line for change in still for line in _change(change))
    others = value["redline_other_days"]
    if others:
        yield "   On other days too:"
        yield from (
            f"   - {difference['what']} {HOW.get(difference['how'], difference['how'])}"
            for difference in others
        )


def _change(change: Mapping[str, Any]) -> Iterator[str]:
    yield f"   - {change['what']} {how_text(change)}{_both(change)}"
    if "source" in change:
        doubt = f". In doubt: {change['provisional']}" if "provisional" in change else ""
        yield f"     source: {change['source']}{doubt}"
    if has_other_basis_before(change):
        before = change.get("provisional_before")
        doubt = f". In doubt: {before}" if before else ""
        yield f"     source before: {change['source_before']}{doubt}"


def how_text(change: Mapping[str, Any]) -> str:
    """Return how an item changes, as a verb."""
    return HOW.get(change["how"], f"is {change['how']}")


def has_other_basis_before(change: Mapping[str, Any]) -> bool:
    """Return whether the old side has another source or doubt than the new one."""
    if "source_before" not in change:
        return False
    before = (change["source_before"], change.get("provisional_before"))
    after = (change.get("source"), change.get("provisional"))
    return before != after


def _both(change: Mapping[str, Any]) -> str:
    before, after = change.get("before"), change.get("after")
    if before is not None and after is not None:
        return f": {before} -> {after}"
    text = after if after is not None else before
    return f": {text}" if text is not None else ""


def _answers(value: Mapping[str, Any]) -> Iterator[str]:
    for name, answer in value["decisions"].items():
        yield f"   {name}:"
        yield from _answer(answer)
    unchanged = value["unchanged"]
    if unchanged:
        yield f"   Proved: no answer changes of {', '.join(unchanged)}."
    for name, through in value["changed_only_through"].items():
        yield f"   {name} changes only through {', '.join(through)}: its own rules are the same."
    unproved = value["promises"]["open"]
    for promise in unproved:
        yield f"   Open: the promise `{promise['promise']}`: {promise['why']}."
    proved = value["promises"]["proved"]
    if proved:
        yield f"   Proved: {proved} {'promise holds' if proved == 1 else 'promises hold'} after it."


def _answer(answer: Mapping[str, Any]) -> Iterator[str]:
    for pair in answer["pairs"]:
        several = is_several(pair)
        when = "in each of these cases" if several else "if all of this is so"
        yield f"   - {pair_title(pair)}, {when}:"
        for number, region in enumerate(pair["regions"], start=1):
            lead = f"     {number}. " if several else "     - "
            for sentence in region["reads"]:
                yield f"{lead}{sentence}"
                lead = " " * len(lead) if several else lead
        if pair["regions_left_out"]:
            yield f"     and {pair['regions_left_out']} more"
        if not pair["complete"]:
            yield "     and others that were not counted"
        example = pair["example"]
        yield "     The smallest case:"
        yield f"       {facts_text(example['facts'])}"
        before, after = (_rules(example["rules"][side]) for side in ("before", "after"))
        yield f"       before: {before}; after: {after}"
    if "open" in answer:
        yield f"   - Open: {answer['open']}."
    for sentence in never_sentences(answer):
        yield f"   - {sentence}"


def is_several(pair: Mapping[str, Any]) -> bool:
    """Return whether a pair has more than one region."""
    return bool(pair["regions_left_out"]) or len(pair["regions"]) > 1


def never_sentences(answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is proved of a decision: the changes that no case makes."""
    by_before: dict[str, list[str]] = {}
    for pair in answer["never"]:
        by_before.setdefault(spell_name(pair["before"]), []).append(spell_name(pair["after"]))
    for before, after_words in by_before.items():
        yield f"Proved: no case goes from {before} to {join_or(after_words)}."


def pair_title(pair: Mapping[str, Any]) -> str:
    """Return what a pair of answers is, as the start of a sentence."""
    if "outcome" in pair:
        return f"{spell_name(pair['outcome'])}: from {pair['before']} to {pair['after']}"
    return f"From {spell_name(pair['before'])} to {spell_name(pair['after'])}"


def _rules(names: list[str]) -> str:
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
    yield from (f"   {sentence}" for sentence in open_case_sentences(value))


def open_case_sentences(value: Mapping[str, Any]) -> Iterator[str]:
    """Yield what happens to the cases that are open on the day."""
    sentence = value["says"]
    yield f"The pack says: {sentence}" if sentence else "The pack says nothing of them."
    if value["decided_at_the_time"]:
        names = ", ".join(value["decided_at_the_time"])
        yield f"Decided by the rules of the day on which it is asked, and so changed: {names}."
    for clock in value["clocks"]:
        before, after = clock["before"] or "no limit", clock["after"] or "no limit"
        yield f"The clock `{clock['clock']}`: {before} -> {after}."
    if "own" in value:
        yield from _own_cases(value["own"])


def _own_cases(own: Mapping[str, Any]) -> Iterator[str]:
    """Yield what changes for the open cases of one agency."""
    names = ", ".join(map(spell_name, own["decisions"])) or "no decision"
    yield f"This agency has {count_text(own['cases'])} open cases and works out {names}."
    for row in own["changed"]:
        before, after = spell_name(row["before"]), spell_name(row["after"])
        yield (
            f"Of its cases, {count_text(row['cases'])} go from {before} to {after} "
            f"({spell_name(row['decision'])})."
        )
    if not own["changed"]:
        yield "The answer of none of them changes."
    if any(not isinstance(count, int) for count in (own["cases"], *_counts(own))):
        yield "Hidden: a count from 1 to 10, or one that would tell such a count."


def _counts(own: Mapping[str, Any]) -> Iterator[Any]:
    yield from (row["cases"] for row in own["changed"])
