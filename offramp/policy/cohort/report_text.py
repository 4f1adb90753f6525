"""A report on a cohort as text. It speaks of rows, such as arrests, never of people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from textwrap import wrap

from offramp.policy.cohort.answers import Side
from offramp.policy.cohort.left_out import left_out_kinds, named_rows
from offramp.policy.cohort.report import CohortReport
from offramp.policy.cohort.table import (
    Answers,
    AnswerTable,
    Count,
    Difference,
    Ends,
    ShownRange,
)
from offramp.policy.cohort.unlisted_codes import UnlistedRows
from offramp.terminal import terminal_width
from rules.input.printing import printable

HIDDEN = "hidden"
TWO_REPORTS = (
    "Two reports of one file can tell together what each hides, also with the same rows and rules."
)
_OPTION = (
    "A report made with --beside REPORT tells nothing that REPORT hides, nor the other way around."
)
_LABEL = 11  # columns of the words at the left
_GAP = "  "
_THOUSAND = 1_000
_JOINED = "\0"  # a blank at which no line ends


def report_as_text(report: CohortReport, names: Sequence[str] = ()) -> str:
    """Return a report on whole programs: the file, what is assumed, a table for each, a legend.

    `names` are the packs as they were typed. They tell two packs with one id apart.
    """
    count = len(report.questions)
    sides = [question.sides[0] for question in report.questions]
    programs = "a program treat" if count == 1 else f"{count} programs treat"
    decision = sides[0].decision.replace("_", " ")
    lines = [f"How the rules of {programs} these {units(report)}, by {decision}", ""]
    lines += source_lines(report)
    for place, (side, table) in enumerate(zip(sides, report.tables.tables, strict=True)):
        is_alone = [each_side.program.pack.id for each_side in sides].count(
            side.program.pack.id
        ) == 1
        heading = _heading(side, None if is_alone or not names else names[place])
        lines += ["", heading, *_table(table, side, units(report)), *unlisted_lines(report, place)]
        lines += missing_lines(report, place)
    return "\n".join([*lines, "", *legend_lines(report)])


def units(report: CohortReport) -> str:
    """Return the word for several rows, such as arrests."""
    unit = report.mapping.unit
    return unit if unit.endswith("s") else f"{unit}s"


def source_lines(report: CohortReport) -> Iterator[str]:
    """Yield what was counted: the file, the map, the rows, those left out, and what is assumed."""
    source, unit = report.source, units(report)
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
    for column, reason, number in report.left_out_reasons:
        yield from _entry("", f"{count_text(number)} for {printable(column)}: {printable(reason)}")
    yield from assumption_lines(report)


def left_out_text(report: CohortReport) -> str:
    """Return how many rows were left out, and their share."""
    left_out = report.shown_left_out
    if left_out == 0:
        return "none"
    reasons = ((reason, rows) for _, reason, rows in report.left_out_reasons)
    text = left_out_kinds(reasons, left_out)
    if report.shown_selected is None or left_out is None:
        return text
    return f"{text}, {left_out / report.cohort.selected:.1%} of the rows"


def left_out_ids(report: CohortReport) -> Iterator[str]:
    """Yield the first ids of the rows that were left out, for the owner of the file alone."""
    if report.cohort.left_out:
        yield "rows that are left out, for the owner of the file. The report doesn't have this:"
    for item in report.cohort.left_out:
        first = [printable(case_id) for case_id in item.first]
        named = named_rows(report.mapping.id_column, first, item.rows)
        text = f"{item.rows:,} for {printable(item.column)}: {printable(item.reason)}"
        yield f"  {text} ({named})"


def assumption_lines(report: CohortReport) -> Iterator[str]:
    """Yield what is assumed of every row, in full."""
    if not report.assumed:
        yield from _entry("Assumed", "nothing")
        return
    facts = json.dumps(report.assumed, separators=(", ", f":{_JOINED}"))
    yield from (line.replace(_JOINED, " ") for line in _entry("Assumed", facts))
    if report.is_given:
        yield from _entry(
            "",
            f"Given with --assume. They are assumed of all {units(report)} that don't say them, "
            "also where the offense table lacks a code."
            + (f" {_details_text(report)}" if _details_assumed(report) else ""),
        )
        return
    yield from _entry(
        "",
        "No column says these. They depend on the packs, and on the rules that a change changes. "
        "So two reports can assume different facts. To have the same in both, save the text in { } "
        "as a file and add --assume FILE to both. A file is assumed of each row, also where the "
        "offense table lacks a code. --assume nothing leaves them open.",
    )


def _details_assumed(report: CohortReport) -> list[str]:
    """Return the assumed details of the entries of lists, by path."""
    lists = {path for path, _ in report.mapping.readers}
    return [path for path in report.assumed if path.rpartition(".")[0] in lists]


def _details_text(report: CohortReport) -> str:
    return (
        f"{', '.join(_details_assumed(report))}: assumed of each listed entry that doesn't say it, "
        f"and not of {units(report)} that don't say what is in the list."
    )


def unlisted_lines(report: CohortReport, place: int) -> Iterator[str]:
    """Yield how many rows have a code that the offense table lacks, and the most frequent codes."""
    unlisted = report.unlisted[place]
    if unlisted is not None:
        text = unlisted_text(units(report), unlisted, is_given=report.is_given)
        yield ""
        yield from wrap(text, _width(), break_long_words=False, break_on_hyphens=False)


def unlisted_text(unit: str, unlisted: UnlistedRows, *, is_given: bool) -> str:
    """Return how many rows have no code or one that the table lacks. `unit` is several rows."""
    number = f"A hidden number of {unit}" if unlisted.rows is None else f"{unlisted.rows:,} {unit}"
    text = (
        f"{number} have a charge without a code, with one that isn't in the offense table, or "
        "without a day to look it up"
    )
    named = ", ".join(
        (printable(code) if code else "no code") + ("" if rows is None else f" ({rows:,})")
        for code, rows in unlisted.codes
    )
    assumed = "Only what --assume gives" if is_given else "Nothing"
    most = f", most often {named}" if named else ""
    return f"{text}{most}. {assumed} is assumed of what the table would state of them."


def missing_lines(report: CohortReport, place: int) -> Iterator[str]:
    """Yield which facts most rows with several answers lack, and which line of the map has each."""
    facts = report.missing[place] if report.missing else ()
    if not facts:
        return
    yield ""
    unit = units(report)
    yield from wrap(f"What leaves these {unit} open. One of them may lack several facts:", _width())
    for fact in facts:
        number = "a hidden number lack" if fact.rows is None else f"{fact.rows:,} lack"
        codes = ", ".join(f"{printable(code)} ({count_text(rows)})" for code, rows in fact.codes)
        most = f", most often with the code {codes}" if codes else ""
        name, of_list = fact.line
        under = f" under `{of_list}`" if of_list else ""
        columns = report.mapping.columns_of.get(of_list or name, ())
        read = f" (read there: {', '.join(map(printable, columns))})" if columns else ""
        of_law = "a section of law in " if name == "code" else ""
        path = f"{of_law}`{fact.path.replace('[]', '')}`"
        text = f"- {number} {path}{most}. A line `{name}:`{under} in the map can give it{read}."
        yield from wrap(
            text, _width(), subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
        )


def _heading(side: Side, typed: str | None) -> str:
    pack, day = side.program.pack, side.program.as_of
    rules = f"rules of {day}" if day is not None else "rules of the day of each row"
    return f"{pack.title} ({printable(typed or pack.id)}), {rules}"


def _table(table: AnswerTable, side: Side, unit: str) -> Iterator[str]:
    if table.groups[0].rows == 0 and table.not_running != 0:
        yield from wrap(_no_rules_text(table, side, unit), _width())
        return
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


def _no_rules_text(table: AnswerTable, side: Side, unit: str) -> str:
    """Return that a program had no rules on the day of any row, and how to count the rows."""
    program = side.program.pack.program
    times = [f"begins on {program.since}"] if program.since is not None else []
    times += [f"ends on {program.until}"] if program.until is not None else []
    day = program.since or (program.until and program.until - timedelta(days=1))
    return (
        f"None of the {count_text(table.not_running)} {unit} is counted: the pack "
        f"`{side.program.pack.id}` has no rules on their days. Its program "
        f"{' and '.join(times)}. To count them by the rules of one day, add `--as-of {day}`."
    )


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
    if all(item.range == (None, None) for item in differences):
        return []
    rows = [
        [printable(f"{item.group} less {item.less}"), _ends(item.range), _ends(item.interval)]
        for item in differences
    ]
    return [["", "difference", "with chance"], *rows]


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
        f"hidden: a count from 1 to {least - 1}, or one that would tell such a count. "
        f"{two_reports_text(report.beside.digests)}",
    ]
    if report.tables.is_withheld:
        sentences.append(withheld_text(report.beside.digests))
    for question, table in zip(report.questions, report.tables.tables, strict=True):
        if table.not_sharp:
            pack = question.sides[0].program.pack.id if len(report.questions) > 1 else ""
            sentences.append(not_sharp_text(unit, table.not_sharp, pack))
    for sentence in sentences:
        yield from wrap(sentence, _width())


def two_reports_text(beside: Sequence[str]) -> str:
    """Return what several reports of a file can tell together. `beside` are digests of others."""
    if not beside:
        return f"{TWO_REPORTS} {_OPTION}"
    others = "the report" if len(beside) == 1 else f"the {len(beside)} reports"
    return (
        f"Made beside {others} {' and '.join(beside)}: together with this report, they tell "
        "nothing that one of them hides. Other reports of the file can."
    )


def withheld_text(beside: Sequence[str]) -> str:
    """Return why a report has no counts."""
    together = " beside the other reports" if beside else ""
    return f"No choice of counts protects the small ones{together}, so none is shown."


def not_sharp_text(unit: str, causes: Sequence[tuple[str, Count]], pack: str = "") -> str:
    """Return why ranges may be too wide, and for how many rows. `unit` is several rows.

    `pack` is the program of the ranges if a report has several.
    """
    numbers = " and ".join(
        f"{f'a hidden number of {unit}' if rows is None else f'{rows:,} {unit}'} ({why})"
        for why, rows in causes
    )
    ranges = f"the ranges of {pack}" if pack else "the ranges"
    return f"not sharp: {ranges} may be wider than they need to be, for {numbers}."


def _entry(label: str, text: str) -> Iterator[str]:
    """Yield a text in lines, with a label at the left of the first."""
    lines = wrap(text, _width() - _LABEL, break_long_words=False, break_on_hyphens=False)
    for number, line in enumerate(lines or [""]):
        yield f"{label if number == 0 else '':<{_LABEL}}{line}".rstrip()


def _width() -> int:
    return max(60, min(terminal_width(100), 100))
