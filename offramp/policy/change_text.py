"""A memo in words, in the order of its parts. It is made from the memo's JSON and nothing else.

So the words that somebody reads are those of the digest that somebody signs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from offramp.digest_words import digest_words
from offramp.policy.break_even import program_lines
from offramp.policy.change_cohort_text import cohort_lines, left_out_line
from offramp.policy.change_effect import changing_rows, effect_sentences
from offramp.policy.change_wording import (
    days_text,
    has_titles,
    takes_answers_away,
    times_text,
    without_rules,
    without_rules_sentences,
)
from offramp.policy.counted_rows_text import count_text, counted_row_lines
from offramp.policy.failing_text import failing_together, named_scenarios
from rules.author.phrases import format_day, spell_name
from rules.author.redline import CAME, CHANGED, SOURCED, WENT
from rules.packs.tables import join_or

if TYPE_CHECKING:
    from offramp.policy.cohort.report import CohortReport

_WIDTH = 104
_MOST_FAILING = 5  # scenarios, each of which is a finding of its own at the head
_SIDES = ("old", "new")
HOW = {
    CAME: "is new",
    WENT: "is removed",
    CHANGED: "changes",
    SOURCED: "is the same, with another source or doubt",
}


def memo_lines(
    value: Mapping[str, Any], report: CohortReport | None = None, today: date | None = None
) -> Iterator[str]:
    """Yield the lines of a memo. The report on its file has more words, where it was made here.

    With `today`, it says how far the days are on which the change takes effect.
    """
    before, after = (f"{side_text(value[side])}{version_text(value, side)}" for side in _SIDES)
    yield f"Change from {before} to {after}"
    for finding in finding_sentences(value):
        yield f"FINDING: {finding}."
    for promise in value["promises"]["broken"]:
        yield from _broken(promise)
    if effects := " ".join(effect_sentences(value, today)):
        yield effects
    yield from without_rules_sentences(value)
    if report is not None and (line := left_out_line(report)) is not None:
        yield line
    yield ""
    yield "1. What changes"
    yield from _redlines(value)
    yield ""
    yield "2. Which cases change"
    yield from _answers_on_days(value)
    yield ""
    yield "3. Do the scenarios notice?"
    yield from _scenarios(value["scenarios"])
    yield ""
    yield "4. Open cases on the day"
    yield from (f"   {sentence}" for sentence in open_case_sentences(value))
    yield ""
    number = 5
    if "cohort" in value:
        yield f"{number}. Who is affected"
        cohort = value["cohort"]
        lines = counted_row_lines(cohort) if report is None else cohort_lines(report, cohort)
        yield from (f"   {line}".rstrip() for line in lines)
        yield ""
        number += 1
    if "program" in value:
        yield "Places and money"
        for line in program_lines(value["program"], value.get("cohort")):
            yield from wrap(line, _WIDTH, initial_indent="   ", subsequent_indent="     ")
        yield ""
    yield f"{number}. How to repeat it"
    if "command" in value["repeat"]:
        yield f"   {value['repeat']['command']}"
    if is_adoptable(value):
        yield f"   from adopted copies: {adopted_command(value)}"
    yield f"   old pack {value['old']['digest']}"
    yield f"   new pack {value['new']['digest']}"
    engines = ", ".join(f"{name} {version}" for name, version in value["repeat"]["engines"].items())
    yield f"   engines: {engines}"
    yield f"   memo {value['memo']}"
    # One with findings isn't signed, and nobody reads its words to others.
    if not value["findings"]:
        yield f"   in words: {' '.join(digest_words(value['memo']))}"


def is_adoptable(value: Mapping[str, Any]) -> bool:
    """Return whether a memo is of the whole change on one day, and has no finding."""
    return not value["findings"] and not value["of_decisions"] and value["covers"] is not None


def adopted_command(value: Mapping[str, Any]) -> str:
    """Return the command that makes a memo again from the packs and the memo that an agency keeps.

    It is run in the agency's folder.
    """
    packs = [
        f"packs/{value[side]['digest'].removeprefix('sha256:')}.json@{value[side]['day']}"
        for side in ("old", "new")
    ]
    memo = f"memos/{value['memo'].removeprefix('sha256:')}.json"
    return f"offramp change {' '.join(packs)} --again {memo}"


def side_text(side: Mapping[str, Any]) -> str:
    """Return a side as words: its pack and its day."""
    return f"{side['pack']} on {format_day(date.fromisoformat(side['day']))}"


def version_text(value: Mapping[str, Any], side: str) -> str:
    """Return what tells two versions of one pack on one day apart, empty for other sides."""
    old, new = value["old"], value["new"]
    if (old["pack"], old["day"]) != (new["pack"], new["day"]) or old["digest"] == new["digest"]:
        return ""
    return f" (digest {value[side]['digest'].removeprefix('sha256:')[:8]}…)"


def effect_text(value: Mapping[str, Any], today: date | None = None) -> str | None:
    """Return from which days the new rules hold, until when, and when a side gives no answer.

    None if there is nothing to say. Days are counted from `today`, or not at all.
    """
    sentences = [*effect_sentences(value, today), *without_rules_sentences(value)]
    return " ".join(sentences) or None


def open_answers(value: Mapping[str, Any]) -> list[str]:
    """Return the decisions, in words, of which it isn't known if all changes were found."""
    names = [
        spell_name(name)
        for part in (value, *value["later"])
        for name, answer in part["decisions"].items()
        if "open" in answer
    ]
    return list(dict.fromkeys(names))


def finding_sentences(value: Mapping[str, Any]) -> list[str]:
    """Return what contradicts a pack, a sentence each. Many failing scenarios are one sentence."""
    findings = list(value["findings"])
    failing = [
        finding
        for finding in findings
        if finding.startswith("the scenario `") and "fails:" in finding
    ]
    if len(failing) <= _MOST_FAILING:
        return findings
    groups = failing_together(
        (item["id"], item["why"]) for item in value["scenarios"].get("failing", ())
    )
    cause = f" for one cause: {groups[0].why}" if len(groups) == 1 else ""
    see = "" if cause else ": see “Do the scenarios notice?”"
    return [
        *(finding for finding in findings if finding not in failing),
        f"{len(failing)} scenarios of the new pack fail{cause}{see}",
    ]


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


def compared_text(value: Mapping[str, Any]) -> str:
    """Return for which days the memo says which cases change."""
    old, new = (format_day(date.fromisoformat(value[side]["day"])) for side in ("old", "new"))
    if value["covers"] is None:
        return f"The rules of {old} are compared with those of {new}. No other days are compared."
    last = [value, *value["later"]][-1]["covers"]["until"]
    if last is None:
        return f"The rules of each day from {new} on are compared."
    end = format_day(date.fromisoformat(last) - timedelta(days=1))
    return f"The rules of each day from {new} to {end} are compared. No later days are compared."


def earlier_text(value: Mapping[str, Any]) -> str | None:
    """Return what is left out of days before the compared one, None if the packs agree on them."""
    if value["differs_from"] is None:
        return None
    first = date.fromisoformat(value["differs_from"])
    day = format_day(date.fromisoformat(value["new"]["day"]))
    differs_later = any(part["redline"] for part in (value, *value["later"]))
    too = " too" if differs_later else ""
    return (
        f"The packs differ on days before {day}{too}, from {format_day(first)} on. Those days are "
        f"not compared here. Name both sides with `@{first}` to compare them."
    )


def _redlines(value: Mapping[str, Any]) -> Iterator[str]:
    if _has_title(value):
        yield f"   {days_text(value['covers'])}:"
    yield from _redline(value)
    before = value["redline"]
    for part in value["later"]:
        yield f"   {days_text(part['covers'])}:"
        if part["redline"] == before:
            yield "   The same."
        else:
            yield from _redline(part)
        before = part["redline"]
    for item in without_rules(value):
        yield f"   {item.days}:"
        yield f"   - {item.says}"
        for part in item.parts:
            yield f"   {part.days}: {part.beside}" if part.days else f"   {part.beside}"
            yield from _redline(part.part) if part.part is not None else ()
    others = value["redline_other_days"]
    if others:
        yield "   On other days:"
        yield from (f"   - {difference_text(difference)}" for difference in others)
    text = earlier_text(value)
    if text is not None:
        yield from wrap(text, _WIDTH, initial_indent="   ", subsequent_indent="   ")


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


def difference_text(difference: Mapping[str, Any]) -> str:
    """Return what differs on days that are not compared, with what each side says."""
    how = HOW.get(difference["how"], f"is {difference['how']}")
    return f"{difference['what']} {how}{_both(difference)}"


def _change(change: Mapping[str, Any]) -> Iterator[str]:
    yield f"   - {change['what']} {how_text(change)}{_both(change)}"
    if "because" in change:
        yield f"     reason: {change['because']}"
    if "source" in change:
        doubt = f". In doubt: {change['provisional']}" if "provisional" in change else ""
        yield f"     source: {change['source']}{doubt}"
    if has_other_basis_before(change):
        before = change.get("provisional_before")
        doubt = f". In doubt: {before}" if before else ""
        yield f"     source before: {change['source_before']}{doubt}"
    yield from (f"     note: {note}" for note in change_notes(change))


def change_notes(change: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a reader should be asked about a number that changes."""
    if change.get("same_source"):
        yield _same_source_text(change)
    if "times" in change:
        yield f"{times_text(change['times'])}."


def _same_source_text(change: Mapping[str, Any]) -> str:
    """Return that an item keeps its source while its number or its level changes."""
    noun = "entry" if change["what"].startswith("offense ") else "number"
    return f"the {noun} changed, its source didn't. Check that the source states the new {noun}."


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


def _answers_on_days(value: Mapping[str, Any]) -> Iterator[str]:
    yield f"   {compared_text(value)}"
    if _has_title(value):
        yield f"   {days_text(value['covers'])}:"
    yield from _answers(value)
    for part in value["later"]:
        yield f"   {days_text(part['covers'])}:"
        yield from _answers(part)
    for item in without_rules(value):
        yield f"   {item.days}:"
        yield f"   - {item.cases}"
        for part in item.parts:
            if part.part is not None:
                yield f"   {part.days}: {part.beside}" if part.days else f"   {part.beside}"
                yield from _answers(part.part)
    for promise in value["promises"]["open"]:
        yield f"   Open: the invariant `{promise['promise']}`: {promise['why']}."
    proved = value["promises"]["proved"]
    if proved:
        yield f"   Proved: {promises_text(value)}."


def promises_text(value: Mapping[str, Any]) -> str:
    """Return which invariants are proved after the change: how many, and on which days."""
    promises = value["promises"]
    text = f"{proved_text(promises)} after it"
    if takes_answers_away(value):
        text += ", on the days on which the new pack gives answers"
    idle = promises.get("idle", 0)
    if idle:
        noun = "1 invariant is" if idle == 1 else f"{idle} invariants are"
        text += f". {noun} in force on none of these days"
    return text


def proved_text(promises: Mapping[str, Any]) -> str:
    """Return how many invariants and laws of all packs are proved, as the start of a sentence."""
    laws = promises.get("laws", 0)
    own = promises["proved"] - laws
    counts = [f"{own} {'invariant' if own == 1 else 'invariants'}"] if own or not laws else []
    counts += [f"{laws} {'law' if laws == 1 else 'laws'} of all packs"] if laws else []
    return f"{' and '.join(counts)} {'holds' if promises['proved'] == 1 else 'hold'}"


def _has_title(value: Mapping[str, Any]) -> bool:
    return value["covers"] is not None and has_titles(value)


def _answers(value: Mapping[str, Any]) -> Iterator[str]:
    for name, answer in value["decisions"].items():
        yield f"   {name}:"
        yield from _answer(answer)
    unchanged = value["unchanged"]
    if unchanged:
        yield f"   Proved: no answer changes of {', '.join(unchanged)}."
    for name, through in value["changed_only_through"].items():
        yield f"   {name} changes only through {', '.join(through)}: its own rules are the same."


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
    failing = value.get("failing", ())
    sentences = unanswered_sentences(value)
    yield from (f"   - {sentence}" for sentence in sentences)
    if value["asked"] and not value["flips"] and not sentences:
        noun = "outcome" if failing else "answer"
        yield f"   None of {value['asked']} scenarios has another {noun}."
    for group in failing_together((item["id"], item["why"]) for item in failing):
        verb = "fails" if len(group.ids) == 1 else "fail"
        yield f"   - {group.named} {verb} after the change: {group.why}"
    if value["edges"]:
        yield "   No scenario is in these parts of the change. Read before you keep: each takes the"
        yield "   new pack's own answer as right, and a typo in the pack is in the scenario too."
        yield "   `--write-scenarios` adds them to the new pack's `scenarios.yaml`."
        for edge in value["edges"]:
            yield f"- {json.dumps(edge, ensure_ascii=False)}"  # as it can be pasted into the file
    if value.get("uncovered"):
        yield "   `offramp test` counts these as not covered. No scenario could be moved there:"
        yield from (f"   - {text}" for text in value["uncovered"])
    if value.get("none_possible"):
        yield "   No scenario is offered for these days of change:"
        yield from (f"   - {text}" for text in value["none_possible"])


def unanswered_sentences(value: Mapping[str, Any]) -> list[str]:
    """Return which scenarios go from an answer to none, and from none to one, a sentence each."""
    sentences = []
    for side, way in (("new", "an answer to no answer"), ("old", "no answer to an answer")):
        names = [item["id"] for item in value.get("unanswered", ()) if item["side"] == side]
        if names:
            verb = "goes" if len(names) == 1 else "go"
            sentences.append(f"{named_scenarios(names)} {verb} from {way} (`outside-program`)")
    return sentences


def open_case_sentences(memo: Mapping[str, Any]) -> Iterator[str]:
    """Yield what happens to the cases that are open on the day."""
    value = memo["open_cases"]
    sentence = value["says"]
    yield f"The pack says: {sentence}" if sentence else "The pack says nothing of them."
    if value["decided_at_the_time"]:
        names = ", ".join(value["decided_at_the_time"])
        yield f"Decided by the rules of the day on which it is asked, and so changed: {names}."
    if value.get("perhaps_decided_at_the_time"):
        names = ", ".join(value["perhaps_decided_at_the_time"])
        yield (
            "Decided by the rules of the day on which it is asked. It is open if answers differ: "
            f"{names}."
        )
    for clock in value["clocks"]:
        before, after = clock["before"] or "no limit", clock["after"] or "no limit"
        since = f" from {format_day(date.fromisoformat(clock['from']))}" if "from" in clock else ""
        yield f"The clock `{clock['clock']}`{since}: {before} -> {after}."
    if "own" in value:
        yield from _own_cases(value["own"])
        starts = [part["covers"]["from"] for part in memo["later"] if changing_rows(part)]
        if starts:
            since = format_day(date.fromisoformat(starts[0]))
            yield (
                "These cases were decided by the rules of the day of the count. What changes from "
                f"{since} on isn't in these numbers."
            )


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
    yield (
        "A person who is already in keeps the answers of the way in, and the earlier rules where "
        "the later ones are harsher."
    )
    if any(not isinstance(count, int) for count in (own["cases"], *_counts(own))):
        yield "Hidden: a count from 1 to 10, or one that would tell such a count."


def _counts(own: Mapping[str, Any]) -> Iterator[Any]:
    yield from (row["cases"] for row in own["changed"])
