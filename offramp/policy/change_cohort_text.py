"""Section "Who is affected" of a memo in words. It speaks of rows, such as arrests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from offramp.policy.cohort.possible import Decider
from offramp.policy.cohort.report import CohortReport
from offramp.policy.cohort.report_json import flip_rules
from offramp.policy.cohort.report_text import (
    aligned,
    answer_rows,
    count_text,
    difference_rows,
    left_out_text,
    legend_lines,
    rate_texts,
    source_lines,
    units,
    unlisted_lines,
)
from offramp.policy.cohort.table import AnswerTable, Flip
from offramp.policy.counted_rows_text import (
    DECIDERS,
    counted_by_text,
    no_change_text,
    one_sided_sentences,
    parts_on_days,
)
from rules.author.phrases import spell_name
from rules.input.printing import printable

_THOUSAND = "1,000"
_LABEL, _WIDTH = 19, 78


def cohort_lines(report: CohortReport, cohort: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of the section. `cohort` is the report in the memo's JSON."""
    unit = units(report)
    decision = spell_name(report.questions[0].sides[0].decision)
    yield f"How the rule treats these {unit}, by {decision}, before and after"
    yield from wrap(counted_by_text(cohort), _WIDTH + _LABEL)
    yield ""
    yield from source_lines(report)
    for number, (title, _) in enumerate(parts_on_days(cohort)):
        yield ""
        if title:
            yield f"{title}:"
        yield from _counts(report, number, cohort)
    for sentence in one_sided_sentences(cohort):
        yield ""
        yield from wrap(sentence, _WIDTH + _LABEL)
    yield ""
    yield from legend_lines(report)


def _counts(report: CohortReport, number: int, cohort: Mapping[str, Any]) -> Iterator[str]:
    """Yield the counts on one stretch of days."""
    table = report.tables.tables[number]
    yield from _before_and_after(table)
    yield from unlisted_lines(report, number)
    if report.questions[number].is_same_twice or not table.groups[0].flips:
        yield ""
        yield no_change_text(cohort)
    for place, flip in enumerate(table.groups[0].flips):
        yield ""
        yield from _flip(report, number, place, flip)
    yield ""
    yield from _deciders(report, table)


def left_out_line(report: CohortReport) -> str | None:
    """Return what is printed first if rows are left out."""
    if not report.cohort.left_out:
        return None
    return f"Of the {units(report)} in the file, some are left out: {left_out_text(report)}."


def _deciders(report: CohortReport, table: AnswerTable) -> Iterator[str]:
    """Yield what decides for certain on each side, by its rows."""
    rows: dict[Decider, list[str]] = {}
    for side, items in enumerate(table.deciders):
        for item in items:
            rows.setdefault(item.decider, ["0", "0"])[side] = count_text(item.rows)
    if not rows:
        return
    yield "What decides for certain:"
    order = sorted(rows, key=lambda item: (item.kind != "rule", item.kind == "open", item.rule))
    yield from aligned(
        [["", "before", "after"], *([_named(decider), *rows[decider]] for decider in order)]
    )


def _named(decider: Decider) -> str:
    return printable(decider.rule) if decider.kind == "rule" else DECIDERS[decider.kind]


def _joined(names: Sequence[str]) -> str:
    return ", ".join(f"`{printable(name)}`" for name in names)


def _entry(label: str, text: str) -> Iterator[str]:
    for number, line in enumerate(wrap(text, _WIDTH) or [""]):
        yield f"{label if number == 0 else '':<{_LABEL}}{line}"


def _before_and_after(table: AnswerTable) -> Iterator[str]:
    """Yield the answers of all rows on each side."""
    everyone = table.groups[0]
    labels = ("before", "after")
    yield from aligned(
        answer_rows(
            [
                (label, everyone.rows, answers)
                for label, answers in zip(labels, everyone.sides, strict=True)
            ]
        )
    )


def _flip(report: CohortReport, number: int, place: int, flip: Flip) -> Iterator[str]:
    table = report.tables.tables[number]
    before, after = spell_name(flip.before), spell_name(flip.after)
    yield f"From {before} to {after}:"
    rows = [["", "rows", "surely", "at most", f"of {_THOUSAND}", "with chance"]]
    for group in table.groups:
        shown = group.flips[place].range
        rows.append(
            [
                printable(group.group),
                count_text(group.rows),
                count_text(shown.surely),
                count_text(shown.at_most),
                *(rate_texts(shown) if group.rows != 0 else ("", "")),
            ]
        )
    yield from aligned(rows)
    names = flip_rules(report, number, flip)
    if flip.range.at_most:
        yield from _entry("decided before by", _joined(names["before"]))
        yield from _entry("decided after by", _joined(names["after"]))
    pair = (flip.before, flip.after)
    differences = difference_rows([item for item in table.differences if item.answer == pair])
    if differences:
        yield ""
        yield f"From {before} to {after}, of {_THOUSAND}, one group less another:"
        yield from aligned(differences)
