"""Who is affected: the part of a memo that counts the rows of a file, with charts and tables.

A row is an arrest, or what the map says. The page says how the rule treats these rows, and nothing
about people. Gains and losses are apart. A hidden number is drawn nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from offramp.documents import memo_charts
from offramp.documents.memo_charts import DecidingBar, RangeBar, SureBar
from offramp.documents.web_page import escape_html, inline_html
from offramp.policy.cohort.report_text import two_reports_text, withheld_text
from offramp.policy.counted_rows_text import (
    answer_rows,
    count_text,
    counted_by_text,
    decider_name,
    decider_sentences,
    deciding_rows,
    difference_rows,
    flip_rows,
    left_out_rows,
    left_out_text,
    no_change_text,
    not_sharp_sentences,
    number_of,
    one_sided_sentences,
    parts_on_days,
    plural_unit,
    unlisted_sentences,
)
from rules.author.phrases import spell_name

_SURE_KEY = memo_charts.key(sure="surely", may="depends on what nobody recorded")
_NO_COHORT = (
    "No file of past cases was given, so nobody is counted and there are no charts. With "
    "`--cohort FILE --map MAP` the memo counts them."
)


def cohort_blocks(value: Mapping[str, Any]) -> Iterator[str]:
    """Yield the blocks of this part, or what is missing."""
    cohort = value.get("cohort")
    if cohort is None:
        yield f"<p>{inline_html(_NO_COHORT)}</p>"
        return
    units = _units(cohort)
    yield (
        f"<p>How the rule treats these {units}: {count_text(cohort['selected'])} of "
        f"{count_text(cohort['rows'])} {units} in the file. A row is one of these {units}, not a "
        "person, and other places and years may differ.</p>"
    )
    yield from _left_out(cohort)
    yield from _assumed(cohort)
    decision = spell_name(cohort["decision"])
    yield f"<p>The rows are counted by {escape_html(decision)}. {counted_by_text(cohort)}</p>"
    for title, part in parts_on_days(cohort):
        yield f"<h3>{title}</h3>" if title else ""
        yield from _counts(part, units)
    yield from (f"<p><b>{escape_html(text)}</b></p>" for text in one_sided_sentences(cohort))
    beside = cohort.get("beside", ())
    yield (
        '<p class="notes">The range goes from “surely” to “at most”, for what nobody recorded. The '
        "thin line is chance: 95 % (Wilson), as if the years were a sample. Hidden: a count from 1 "
        f"to 10, or one that would tell such a count. {escape_html(two_reports_text(beside))}</p>"
    )
    yield from (
        f'<p class="notes">{inline_html(sentence)}</p>'
        for _, part in parts_on_days(cohort)
        for sentence in not_sharp_sentences(part)
    )
    if cohort["withheld"]:
        yield f"<p>{withheld_text(beside)}</p>"


def _counts(cohort: Mapping[str, Any], units: str) -> Iterator[str]:
    """Yield the charts and the tables on one stretch of days."""
    if cohort["not_running"] != 0:
        yield (
            f"<p>{count_text(cohort['not_running'])} {units} are of days on which a program did "
            "not run. They are in no rate.</p>"
        )
    yield from (f"<p>{inline_html(sentence)}</p>" for sentence in unlisted_sentences(cohort))
    yield from _tables(cohort, units)
    yield from _differences(cohort["differences"], units)


def _units(cohort: Mapping[str, Any]) -> str:
    return escape_html(plural_unit(cohort))


def _left_out(cohort: Mapping[str, Any]) -> Iterator[str]:
    left_out = cohort["left_out"]
    if left_out:
        items = "".join(
            f"<li>{count_text(item['rows'])} for {escape_html(item['column'])}: "
            f"{escape_html(item['reason'])}</li>"
            for item in left_out
        )
        total, selected = left_out_rows(cohort), number_of(cohort["selected"])
        share = f" ({total / selected:.1%})" if selected and total is not None else ""
        kinds = escape_html(left_out_text(cohort))
        yield f"<p><b>Left out{share}:</b> {kinds}:</p><ul>{items}</ul>"


def _assumed(cohort: Mapping[str, Any]) -> Iterator[str]:
    assumed = cohort["assumed"]
    if assumed:
        values = "; ".join(f"`{path}` is {json.dumps(value)}" for path, value in assumed.items())
        yield f"<p><b>Assumed</b> of each row that doesn’t say it: {inline_html(values)}.</p>"
    else:
        yield "<p>Nothing is assumed of what no row says.</p>"


# Charts and their tables


def _tables(cohort: Mapping[str, Any], units: str) -> Iterator[str]:
    groups = cohort["groups"]
    whole = groups[0]
    if "before" not in whole:
        yield f"<p>None of these {units} is counted.</p>"
        return
    yield from _before_and_after(whole, units)
    yield _answers(groups, units)
    flips = whole["flips"]
    if not flips:
        yield f"<p>{escape_html(no_change_text(cohort))}</p>"
    for place, flip in enumerate(flips):
        yield from _ranges(groups, place, flip, units)
    yield from _what_decides(cohort["rules"], units)


def _answers(groups: Sequence[Any], units: str) -> str:
    """Return both sides as one table: a column for each answer before, and each after."""
    before, after = (list(answer_rows(groups, side)) for side in ("before", "after"))
    head = [
        *before[0][:2],
        *(f"{name} before" for name in before[0][2:]),
        *(f"{name} after" for name in after[0][2:]),
    ]
    rows = [[*old, *new[2:]] for old, new in zip(before[1:], after[1:], strict=True)]
    return table(f"Answers for these {units}, before and after", _capitals(head), rows)


def _before_and_after(whole: Mapping[str, Any], units: str) -> Iterator[str]:
    outcome = next(iter(whole["before"]))
    bars = [
        SureBar(label, number_of(whole[side].get(outcome, 0)), number_of(whole[side]["either"]))
        for side, label in (("before", "Before"), ("after", "After"))
    ]
    title = f"{spell_name(outcome).capitalize()}, before and after"
    says = "; ".join(
        f"{bar.label}: {count_text(bar.surely)} surely, {count_text(bar.either)} more depend on "
        "what nobody recorded"
        for bar in bars
    )
    chart = memo_charts.before_and_after(f"{title}. {says}.", bars, number_of(whole["rows"]))
    yield _figure(f"{title}, of {count_text(whole['rows'])} {units}", chart + _SURE_KEY)


def _ranges(
    groups: Sequence[Any], place: int, flip: Mapping[str, Any], units: str
) -> Iterator[str]:
    change = f"from {spell_name(flip['before'])} to {spell_name(flip['after'])}"
    flips = [(group, group["flips"][place]) for group in groups]
    if all(number_of(flip["at_most"]) == 0 for _, flip in flips):
        yield f"<p>None of these {units} goes {escape_html(change)}, also at most.</p>"
        return
    bars = [
        RangeBar(
            str(group["group"]),
            number_of(group["rows"]),
            number_of(flip["surely"]),
            number_of(flip["at_most"]),
            tuple(flip["rate"]),
            tuple(flip["interval"]),
        )
        for group, flip in flips
        if group["rows"] != 0
    ]
    title = f"Goes {change}, for each 1,000 {units} of the group"
    yield _figure(title, memo_charts.ranges(f"{title}. The table has the numbers.", bars))
    head, *rows = flip_rows(groups, place)
    yield table(f"{units.capitalize()} that go {change}", _capitals(head), rows)
    yield from (f"<p>{inline_html(sentence)}</p>" for sentence in decider_sentences(flip))


def _differences(differences: Sequence[Mapping[str, Any]], units: str) -> Iterator[str]:
    rows = list(difference_rows(differences))
    if rows:
        head = ["Groups", "Change", "Difference", "With chance"]
        yield table(f"One group less another, for each 1,000 {units}", head, rows)


def _capitals(head: Sequence[str]) -> list[str]:
    return [name.capitalize() for name in head]


def _what_decides(rules: Mapping[str, Any], units: str) -> Iterator[str]:
    (_, *head), *rows = deciding_rows(rules)
    if not rows:
        return
    counts = {
        side: {decider_name(item): number_of(item["rows"]) for item in rules[side]}
        for side in ("before", "after")
    }
    bars = [
        DecidingBar(name, counts["before"].get(name, 0), counts["after"].get(name, 0))
        for name, *_ in rows
    ]
    title = f"What decides these {units} for certain"
    chart = memo_charts.what_decides(f"{title}. The table has the numbers.", bars)
    yield _figure(title, chart + memo_charts.key(was="before", sure="after"))
    yield table(f"{title}, in numbers", ["Decides", *_capitals(head)], rows)
    items = "".join(
        f"<li>{inline_html(f'`{name}`: {text}')}</li>" for name, text in _reasons(rules).items()
    )
    yield f"<ul>{items}</ul>" if items else ""


def _reasons(rules: Mapping[str, Any]) -> dict[str, str]:
    """Return the reason of each rule, both where the sides give it with other words or numbers."""
    before, after = (
        {item["rule"]: item["says"] for item in rules.get(side, ()) if "says" in item}
        for side in ("before", "after")
    )
    reasons = {**before, **after}
    for name, text in before.items():
        if reasons[name] != text:
            reasons[name] = f"Before: {text} After: {reasons[name]}"
    return reasons


def _figure(title: str, body: str) -> str:
    return f"<figure><figcaption>{escape_html(title)}</figcaption>{body}</figure>"


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as HTML. The first cell of a row names it."""
    columns = "".join(f'<th scope="col">{escape_html(cell)}</th>' for cell in head)
    body = "\n".join(
        f'<tr><th scope="row">{escape_html(first)}</th>'
        + "".join(
            f'<td data-head="{escape_html(name)}">{escape_html(cell)}</td>'
            for name, cell in zip(head[1:], rest, strict=True)
        )
        + "</tr>"
        for first, *rest in rows
    )
    label = escape_html(f"{caption} (scrolls sideways)")
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{label}">\n<table>\n'
        f"<caption>{escape_html(caption)}</caption>\n<thead><tr>{columns}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )
