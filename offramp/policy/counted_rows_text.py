"""Section "Who is affected" of a memo that came as a file: the words of its JSON alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from textwrap import wrap
from typing import Any

from offramp.policy.change_wording import days_of, days_text
from offramp.policy.cohort.left_out import left_out_kinds
from offramp.policy.cohort.report_text import (
    HIDDEN,
    aligned,
    not_sharp_text,
    two_reports_text,
    unlisted_text,
    withheld_text,
)
from offramp.policy.cohort.unlisted_codes import UnlistedRows
from rules.author.phrases import format_day, spell_name
from rules.input.printing import printable

_THOUSAND = 1_000
_WIDTH = 96
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
    yield from wrap(counted_by_text(cohort), _WIDTH)
    yield f"{count_text(cohort['selected'])} of {count_text(cohort['rows'])} {unit} in the file"
    for item in cohort["left_out"]:
        reason = printable(f"{item['column']}: {item['reason']}")
        yield f"left out: {count_text(item['rows'])} for {reason}"
    yield f"assumed: {assumed_text(cohort['assumed'])}"
    for title, part in parts_on_days(cohort):
        if title:
            yield ""
            yield f"{title}:"
        yield from _counts(part, unit)
    for sentence in one_sided_sentences(cohort):
        yield ""
        yield from wrap(sentence, _WIDTH)
    yield ""
    yield f"A row is one of these {unit}, not a person. With chance: 95 % intervals, as if the"
    yield f"years were a sample. Hidden: a count from 1 to {cohort['least_shown'] - 1}, or one that"
    beside = cohort.get("beside", ())
    yield from wrap(f"would tell such a count. {two_reports_text(beside)}", _WIDTH)
    if cohort["withheld"]:
        yield from wrap(withheld_text(beside), _WIDTH)
    for _, part in parts_on_days(cohort):
        yield from not_sharp_sentences(part)


def parts_on_days(cohort: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the counts on each stretch of days, with the days as a title if there are several."""
    later = cohort.get("later", ())
    if not later:
        return [("", cohort)]
    parts = [cohort, *({**cohort, **part} for part in later)]
    return [(_days_counted(part["rules_of"]), part) for part in parts]


def _days_counted(rules_of: Mapping[str, Any]) -> str:
    return days_text({"from": rules_of["after"], "until": rules_of["until"]})


def counted_by_text(cohort: Mapping[str, Any]) -> str:
    """Return by the rules of which days the rows are counted, empty if an old memo has no days."""
    if "rules_of" not in cohort:
        return ""
    first, *later = (part["rules_of"] for part in (cohort, *cohort["later"]))
    days = format_day(date.fromisoformat(first["before"]))
    if first["before"] != first["after"]:
        days += f" and by those of {format_day(date.fromisoformat(first['after']))}"
    for other in later:
        days += f", again by those of {format_day(date.fromisoformat(other['after']))}"
    text = f"The rows are counted by the rules of {days}, whatever their own days."
    if "same_since" not in first:
        return text
    since = format_day(date.fromisoformat(first["same_since"]))
    return (
        f"{text} From {since} to the day before, both sides give the same answers by "
        f"{spell_name(cohort['decision'])}."
    )


def _counts(cohort: Mapping[str, Any], unit: str) -> Iterator[str]:
    """Yield the counts on one stretch of days."""
    yield from unlisted_sentences(cohort)
    for side in ("before", "after"):
        yield ""
        yield f"{side.capitalize()}:"
        yield from aligned(list(_rows_with_rates(cohort["groups"], side)))
    flips = cohort["groups"][0].get("flips", ())
    if not flips:
        yield ""
        yield no_change_text(cohort)
    for place, flip in enumerate(flips):
        yield ""
        yield f"From {spell_name(flip['before'])} to {spell_name(flip['after'])}:"
        yield from aligned(list(flip_rows(cohort["groups"], place)))
        yield from decider_sentences(flip)
    differences = list(difference_rows(cohort["differences"]))
    if differences:
        yield ""
        yield f"Of {_THOUSAND:,}, one group less another:"
        yield from aligned([["", "change", "difference", "with chance"], *differences])
    yield ""
    yield "What decides for certain:"
    yield from aligned([list(row) for row in deciding_rows(cohort["rules"])])


def no_change_text(cohort: Mapping[str, Any]) -> str:
    """Return that no row of the counted days has another answer."""
    days = " on the days on which both packs give answers" if cohort.get("without_rules") else ""
    return f"No answer changes for any of these {plural_unit(cohort)}{days}."


def one_sided_sentences(cohort: Mapping[str, Any]) -> Iterator[str]:
    """Yield on which days one pack gives no answer, and the other one's answers to the rows."""
    unit = plural_unit(cohort)
    for item in cohort.get("without_rules", ()):
        counts = ", ".join(
            f"{count_text(count)} {spell_name(outcome)}"
            for outcome, count in item["answers"].items()
            if outcome != "either"
        )
        of = unit if number_of(item["rows"]) is None else f"{count_text(item['rows'])} {unit}"
        absent, other = ("old", "new") if item["sides"][0] == "old" else ("new", "old")
        day = format_day(date.fromisoformat(item["rules_of"]))
        yield (
            f"{days_of(item)}, the {absent} pack gives no answer to any of these {of}. By the "
            f"{other} pack's rules of {day} they are: "
            f"{counts}, and {count_text(item['answers']['either'])} that depend on what nobody "
            "recorded."
        )
        causes = [(str(cause["why"]), number_of(cause["rows"])) for cause in item["not_sharp"]]
        if causes:
            text = not_sharp_text(unit, causes)
            yield printable(f"{text[0].upper()}{text[1:]}")


def plural_unit(cohort: Mapping[str, Any]) -> str:
    """Return the word for several rows, such as arrests."""
    unit = printable(str(cohort["unit"]))
    return unit if unit.endswith("s") else f"{unit}s"


def assumed_text(assumed: Mapping[str, Any]) -> str:
    """Return what is assumed of each row that doesn't say it."""
    return "; ".join(f"{path}: {json.dumps(value)}" for path, value in assumed.items()) or "nothing"


def answer_rows(groups: Sequence[Mapping[str, Any]], side: str) -> Iterator[list[str]]:
    """Yield the head and a row for each group: its rows, and its answers on one side."""
    outcomes = list(groups[0].get(side, ()))
    yield ["group", "rows", *map(spell_name, outcomes)]
    for group in groups:
        if side in group:
            counts = [count_text(group[side].get(outcome, 0)) for outcome in outcomes]
            yield [printable(str(group["group"])), count_text(group["rows"]), *counts]


def _rows_with_rates(groups: Sequence[Mapping[str, Any]], side: str) -> Iterator[list[str]]:
    """Yield the rows of `answer_rows`, each with the rate of the first answer."""
    head, *rows = answer_rows(groups, side)
    counted = [group for group in groups if side in group]
    if not all("rates" in group for group in counted):
        yield from (head, *rows)
        return
    yield [*head, f"{head[2]} of {_THOUSAND:,}", "with chance"] if rows else head
    for row, group in zip(rows, counted, strict=True):
        rates = group["rates"][side]
        yield [*row, ends_text(rates["rate"]), ends_text(rates["interval"])]


def difference_rows(differences: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    """Yield a row for each difference of two groups, with its change.

    A change of which all differences are hidden has none.
    """
    shown = {
        (item["before"], item["after"]) for item in differences if item["range"] != [None, None]
    }
    for item in differences:
        if (item["before"], item["after"]) in shown:
            yield [
                printable(f"{item['group']} less {item['less']}"),
                f"{spell_name(item['before'])} to {spell_name(item['after'])}",
                ends_text(item["range"]),
                ends_text(item["interval"]),
            ]


def touched_rows(memo: Mapping[str, Any] | None) -> list[str]:
    """Return how many rows change from each answer to each other one, a sentence each."""
    cohort = (memo or {}).get("cohort")
    if cohort is None:
        return []
    unit = plural_unit(cohort)
    sentences = [
        f"{title}: {sentence}" if title else sentence
        for title, part in parts_on_days(cohort)
        for sentence in _touched_rows(part, unit)
    ]
    sentences += one_sided_sentences(cohort)
    if left_out_rows(cohort) != 0:
        sentences.append(f"Left out of these {unit}: {left_out_text(cohort)}.")
    if counted_by := counted_by_text(cohort):
        sentences.append(counted_by)
    for _, part in parts_on_days(cohort):
        sentences += not_sharp_sentences(part)
    return sentences


def left_out_text(cohort: Mapping[str, Any]) -> str:
    """Return how many rows were left out for which kind of fault."""
    reasons = ((item["reason"], number_of(item["rows"])) for item in cohort["left_out"])
    return left_out_kinds(reasons, left_out_rows(cohort))


def left_out_rows(cohort: Mapping[str, Any]) -> int | None:
    """Return how many rows were left out, None if it is hidden. Old memos have no total."""
    if "left_out_rows" in cohort:
        return number_of(cohort["left_out_rows"])
    return sum(int(item["rows"]) for item in cohort["left_out"])


def _touched_rows(cohort: Mapping[str, Any], unit: str) -> list[str]:
    whole = cohort["groups"][0]
    sentences = [_touched(flip, whole["rows"], unit) for flip in whole.get("flips", ())]
    return sentences or [no_change_text(cohort)]


def _touched(flip: Mapping[str, Any], rows: Any, unit: str) -> str:
    """Return how many rows have a change. A number that is hidden is named as such."""
    least, most = (number_of(flip[end]) for end in ("surely", "at_most"))
    of = unit if number_of(rows) is None else f"{rows:,} {unit}"
    change = f"go from {spell_name(flip['before'])} to {spell_name(flip['after'])}"
    match least, most:
        case None, None:
            return f"Some of {of} can {change}. How many is hidden."
        case None, int():
            return f"At most {most:,} of {of} {change}. How many surely do is hidden."
        case int(), None:
            return f"At least {least:,} of {of} {change}. How many can at most is hidden."
    return f"At least {least:,} and at most {most:,} of {of} {change}."


def not_sharp_sentences(cohort: Mapping[str, Any]) -> Iterator[str]:
    """Yield why ranges may be too wide, and for how many rows."""
    causes = [(str(item["why"]), number_of(item["rows"])) for item in cohort.get("not_sharp", ())]
    flips = [flip for group in cohort["groups"] for flip in group.get("flips", ())]
    if causes:
        text = not_sharp_text(plural_unit(cohort), causes)
        yield printable(f"{text[0].upper()}{text[1:]}")
    elif not all(flip["sharp"] for flip in flips):  # a memo from before causes were kept
        yield "Not sharp: some ranges may be wider than they need to be."


def unlisted_sentences(cohort: Mapping[str, Any]) -> Iterator[str]:
    """Yield how many rows have a code that the offense table lacks, nothing if none has."""
    unlisted = cohort.get("unlisted_codes", {"rows": 0})
    if unlisted["rows"] != 0:
        codes = [(str(item["code"] or ""), number_of(item["rows"])) for item in unlisted["codes"]]
        rows = UnlistedRows(number_of(unlisted["rows"]), tuple(codes))
        is_given = bool(cohort.get("assumed_is_given"))
        yield printable(unlisted_text(plural_unit(cohort), rows, is_given=is_given))


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
