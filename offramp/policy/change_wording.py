"""Words of a memo for several of its parts: days, and the reasons of rules before and after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from rules.author.phrases import format_day
from rules.decide.wording import fill_in
from rules.frozen import frozen
from rules.packs.resolve import Segment

# A ready scenario takes the new rules for right, also where they have a typo.
UNSAID = "and no scenario says so"
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


@frozen
class WithoutRules:
    """Days on which a side gives no answer, in words: the days, what is so, and what changes.

    `parts` are the stretches of these days, each with the rules of the side that gives answers.
    """

    days: str
    says: str
    cases: str
    parts: tuple[OneSidedPart, ...] = ()


@frozen
class OneSidedPart:
    """Days on which one side alone gives answers. `beside` says what its rules are compared with.

    `part` has the changes since then, and is None if there are none. `days` is None for all the
    days without an answer of the other side.
    """

    days: str | None
    beside: str
    part: Mapping[str, Any] | None


def without_rules(value: Mapping[str, Any]) -> list[WithoutRules]:
    """Return the days of a memo on which a side gives no answer, and which are part of the change.

    Another program had no rules before it began, which changes nothing.
    """
    return [
        WithoutRules(
            days_of(item),
            _without_rules(item, value),
            _cases_without_rules(item),
            tuple(_parts_of(item, value)),
        )
        for item in days_of_the_change(value)
    ]


def findings_title(findings: Iterable[str]) -> str:
    """Return the title of a memo's findings: how many there are of each kind.

    A scenario that fails or is missing breaks nothing of the program.
    """
    kinds = [_kind_of(finding) for finding in findings]
    counted = [
        f"{number} {singular if number == 1 else plural}"
        for kind, (singular, plural) in _KINDS.items()
        if (number := kinds.count(kind))
    ]
    breaks = any(kind not in (_FAILS, _MISSING) for kind in kinds)
    lead = "This change breaks something" if breaks else "This change needs work"
    listed = " and ".join([", ".join(counted[:-1]), counted[-1]] if counted[1:] else counted)
    return f"{lead}: {listed}"


_BROKEN, _FLOOR, _FAILS, _MISSING = "broken", "floor", "fails", "missing"
_REMOVED, _WEAKENED = "removed", "weakened"
_KINDS = {
    _BROKEN: ("invariant is broken", "invariants are broken"),
    _WEAKENED: ("invariant is weakened", "invariants are weakened"),
    _REMOVED: ("invariant is removed", "invariants are removed"),
    _FLOOR: ("guarantee of the old pack isn't kept", "guarantees of the old pack aren't kept"),
    _FAILS: ("scenario fails", "scenarios fail"),
    _MISSING: ("scenario is missing", "scenarios are missing"),
}


def _kind_of(finding: str) -> str:
    if finding.startswith("no scenario ") or finding.endswith(UNSAID):
        return _MISSING
    if finding.startswith("the scenario `"):
        return _FAILS
    if finding.startswith("the invariant `"):
        for kind in (_BROKEN, _WEAKENED, _REMOVED):
            if finding.endswith(f" is {kind}"):
                return kind
    return _FLOOR


def has_titles(value: Mapping[str, Any]) -> bool:
    """Return whether a memo is of several stretches of days, so that each has its days as title."""
    return bool(value["later"] or days_of_the_change(value))


def takes_answers_away(value: Mapping[str, Any]) -> bool:
    """Return whether the new pack gives no answer on days of the change on which the old one does.

    Then what is proved is about the other days.
    """
    return any(list(item["sides"]) == ["new"] for item in days_of_the_change(value))


def _parts_of(item: Mapping[str, Any], value: Mapping[str, Any]) -> Iterator[OneSidedPart]:
    """Yield the stretches of days on which only one side gives answers."""
    sides, since, until = list(item["sides"]), item["from"], item["until"]
    for part in value.get("one_sided", ()):
        covers = part["covers"]
        is_inside = (since is None or (covers["from"] or "") >= since) and (
            until is None or (covers["until"] is not None and covers["until"] <= until)
        )
        if part["side"] in sides or not is_inside:
            continue
        is_whole = (covers["from"], covers["until"]) == (since, until)
        day = format_day(date.fromisoformat(part["compared_with"]))
        rules = f"the {part['side']} pack's rules of {day}"
        yield OneSidedPart(
            None if is_whole else days_of(covers),
            f"Compared with {rules}:" if part["redline"] else f"The rules are {rules}.",
            part if part["redline"] else None,
        )


def days_of_the_change(value: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the days of a memo without an answer of a side, as far as the change is about them."""
    is_same = value["old"]["pack"] == value["new"]["pack"]
    return [
        item
        for item in value.get("without_rules", ())
        if is_same or item["until"] is None or item["until"] > value["new"]["day"]
    ]


def without_rules_sentences(value: Mapping[str, Any]) -> list[str]:
    """Return on which days a side of a memo gives no answer, a sentence each."""
    return [
        f"{days_of(item)}, {_without_rules(item, value)}" for item in value.get("without_rules", ())
    ]


def days_of(item: Mapping[str, Any]) -> str:
    """Return days without rules as the start of a sentence."""
    if item["from"] is not None:
        return days_text(item)
    return f"Before {format_day(date.fromisoformat(item['until']))}"


def _without_rules(item: Mapping[str, Any], value: Mapping[str, Any]) -> str:
    match list(item["sides"]):
        case ["new"]:
            why = _why(item, value["new"])
            return f"the new pack gives no answer: its program {why}. The old pack gives answers."
        case ["old"]:
            why = _why(item, value["old"])
            return f"only the new pack gives answers: the old pack's program {why}."
    return "neither pack gives an answer."


def _cases_without_rules(item: Mapping[str, Any]) -> str:
    match list(item["sides"]):
        case ["new"]:
            return "Every case goes from its answer to no answer (`outside-program`)."
        case ["old"]:
            return "Every case goes from no answer to the new pack's answer."
    return "No case has an answer on either side (`outside-program`)."


def _why(item: Mapping[str, Any], side: Mapping[str, Any]) -> str:
    """Return why a side gives no answer on some days."""
    since = side.get("since")
    if since is not None and item["until"] is not None and item["until"] <= since:
        return f"begins on {format_day(date.fromisoformat(since))}"
    return "has ended"


def times_text(times: str) -> str:
    """Return that a number is many times the one before it, or a small part of it, as a note."""
    is_less = times.startswith("1/")
    text = f"the number before is {times[2:]} times this one" if is_less else ""
    return f"{text or f'{times} times the number before'}. Check it"


def time_until(day: date, later: date) -> str:
    """Return how far a later day is from another, such as `in 3 months`."""
    days = (later - day).days
    months = (later.year - day.year) * 12 + later.month - day.month - (later.day < day.day)
    number, unit = (
        (months // 12, "year") if months >= 24 else (months, "month") if months else (days, "day")
    )
    return f"in 1 {unit}" if number == 1 else f"in {number} {unit}s"
