"""A report on a cohort as text. It speaks of rows, such as arrests, never of people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from textwrap import wrap

from offramp.policy.cohort.answers import Side
from offramp.policy.cohort.report import CohortReport
from offramp.policy.cohort.table import (
    Answers,
    AnswerTable,
    Count,
    Difference,
    Ends,
    ShownRange,
)
from offramp.terminal import terminal_width
from rules.input.printing import printable

HIDDEN = "hidden"
_LABEL = 11  # columns of the words at the left
_GAP = "  "
_THOUSAND = 1_000


def report_as_text(report: CohortReport) -> str:
    """Return a report on whole programs: the file, what is assumed, a table for each, a legend."""
    count = len(report.questions)
    sides = [question.sides[0] for question in report.questions]
    programs = "a program treat" if count == 1 else f"{count} programs treat"
    decision = sides[0].decision.replace("_", " ")
    lines = [f"How the rules of {programs} these {units(report)}, by {decision}", ""]
    lines += source_lines(report)
    for side, table in zip(sides, report.tables.tables, strict=True):
        lines += ["", _heading(side), *_table(table)]
    return "\n".join([*lines, "", *legend_lines(report)])


def units(report: CohortReport) -> str:
    """Return the word for several rows, such as arrests."""
    unit = report.mapping.unit
    return unit if unit.endswith("s") else f"{unit}s"


def source_lines(report: CohortReport) -> Iterator[str]:
    """Yield what was counted: the file, the map, the rows, those left out, and what is assumed."""
    source, cohort, unit = report.source, report.cohort, units(report)
    digest = f" ({report.digest[:18]}…)" if report.digest is not None else ""
    yield from _entry("File", f"{printable(source.file)}{digest}")
    yield from _entry("Map", f"{printable(source.map)} ({report.map_digest[:18]}…)")
    rows = f"{count_text(report.shown_rows)} {unit} in the file"
    if report.filters:
        filter_texts = "; ".join(
            f"{item.column} is {' or '.join(item.wanted)}" for item in report.filters
        )
        rows += f", {count_text(report.shown_selected)} selected: {printable(filter_texts)}"
    yield from _entry("Rows", rows)
    yield from _entry("Left out", left_out_text(report))
    for item in cohort.left_out:
        ids = ", ".join(printable(case_id) for case_id in item.first)
        more = "" if item.rows <= len(item.first) else f" and {item.rows - len(item.first):,} more"
        text = f"{item.rows:,} for {printable(item.column)}: {printable(item.reason)}"
        yield from _entry("", f"{text} ({report.mapping.id_column} {ids}{more})")
    yield from assumption_lines(report)


def left_out_text(report: CohortReport) -> str:
    """Return how many rows were left out, and their share."""
    left_out = report.cohort.selected - report.cohort.counted
    if not left_out:
        return "none"
    text = f"{left_out:,} that can't be read"
    if report.shown_selected is None:
        return text
    return f"{text}, {left_out / report.cohort.selected:.1%} of the rows"


def assumption_lines(report: CohortReport) -> Iterator[str]:
    """Yield what is assumed of every row, in full."""
    if not report.assumed:
        yield from _entry("Assumed", "nothing")
        return
    values = [f"{path}: {json.dumps(value)}" for path, value in report.assumed.items()]
    yield from _entry("Assumed", "; ".join(values))
    yield from _entry(
        "",
        "No row says these. Replace them with --assume FILE, or leave them open with "
        "--assume nothing.",
    )


def _heading(side: Side) -> str:
    pack, day = side.program.pack, side.program.as_of
    rules = f"rules of {day}" if day is not None else "rules of the day of each row"
    return f"{pack.title} ({pack.id}), {rules}"


def _table(table: AnswerTable) -> Iterator[str]:
    labeled = [(printable(group.group), group.rows, group.sides[0]) for group in table.groups]
    yield from aligned(answer_rows(labeled))
    if table.not_running != 0:
        yield ""
        yield (
            f"Counted apart, and in no rate: {count_text(table.not_running)} on days on which the "
            "program did not run."
        )
    differences = difference_rows(table.differences)
    if differences:
        best = _words(next(iter(table.groups[0].sides[0].surely)))
        yield ""
        yield f"{best.capitalize()} of {_THOUSAND:,}, one group less another:"
        yield from aligned(differences)


def answer_rows(labeled: Sequence[tuple[str, Count, Answers]]) -> list[list[str]]:
    """Return the head and a row for each label: its rows, its answers, and the best one's rate.

    All have the same answers, except that those of a later side may have others: then each row
    with other answers has a head of its own.
    """
    rows: list[list[str]] = []
    outcomes: list[str] = []
    for label, count, answers in labeled:
        if list(answers.surely) != outcomes:
            outcomes = list(answers.surely)
            rows.append(_answer_head(outcomes))
        best, *others = outcomes
        counts = [answers.surely[best], answers.either, *(answers.surely[item] for item in others)]
        rates = rate_texts(answers.ranges[best]) if count != 0 else ("", "")
        rows.append([label, count_text(count), *map(count_text, counts), *rates])
    width = max(map(len, rows))
    return [[*row, *[""] * (width - len(row))] for row in rows]


def _answer_head(outcomes: Sequence[str]) -> list[str]:
    best, *others = map(_words, outcomes)
    rate = f"{best} of {_THOUSAND:,}"
    return ["", "rows", best, "either", *others, rate, "with chance"]


def difference_rows(differences: Sequence[Difference]) -> list[list[str]]:
    """Return the head and a row for each difference of groups, nothing if all are hidden."""
    rows = []
    for item in differences:
        if item.range != (None, None):
            label = f"{item.group} less {item.less}"
            rows.append([printable(label), _ends(item.range), _ends(item.interval)])
    return [["", "difference", "with chance"], *rows] if rows else []


def count_text(count: Count) -> str:
    """Return a count as people read it."""
    return HIDDEN if count is None else f"{count:,}"


def rate_texts(shown: ShownRange) -> tuple[str, str]:
    """Return a rate of a thousand rows, and its interval of chance."""
    return _ends(shown.rate), _ends(shown.interval)


def _ends(ends: Ends) -> str:
    low, high = (HIDDEN if end is None else f"{end * _THOUSAND:.1f}" for end in ends)
    return low if low == high else f"{low} to {high}"


def _words(outcome: str) -> str:
    return outcome.replace("_", " ")


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield rows in columns: the first at the left, numbers at the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        first = f"{row[0]:<{widths[0]}}"
        rest = [f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)]
        yield _GAP.join([first, *rest]).rstrip()


def legend_lines(report: CohortReport) -> Iterator[str]:
    """Yield what the numbers mean, and what they don't say."""
    unit, least = units(report), report.tables.least
    sentences = [
        f"A row is one of these {unit}, not a person. The table says how the rules treat these "
        f"{unit}, and nothing about other places or years.",
        f"either: {unit} whose answer depends on what nobody recorded. A rate goes from those with "
        "the answer for certain to those that can have it.",
        "with chance: 95 % intervals (Wilson, Newcombe), as if the years were a sample.",
        f"hidden: a count from 1 to {least - 1}, or one that would tell such a count. Two reports "
        "with different filters can tell together what each hides.",
    ]
    if report.tables.is_withheld:
        sentences.append("No choice of counts protects the small ones, so none is shown.")
    if any(not item.is_sharp for item in _ranges(report)):
        sentences.append(
            "not sharp: for some rows the solver isn't installed, ran out of time, or has no "
            "formula. The ranges may be wider than they need to be."
        )
    for sentence in sentences:
        yield from wrap(sentence, _width())


def _ranges(report: CohortReport) -> Iterator[ShownRange]:
    for table in report.tables.tables:
        for group in table.groups:
            yield from (item for side in group.sides for item in side.ranges.values())
            yield from (flip.range for flip in group.flips)


def _entry(label: str, text: str) -> Iterator[str]:
    """Yield a text in lines, with a label at the left of the first."""
    for number, line in enumerate(wrap(text, _width() - _LABEL) or [""]):
        yield f"{label if number == 0 else '':<{_LABEL}}{line}".rstrip()


def _width() -> int:
    return max(60, min(terminal_width(100), 100))
