"""The words of a quarter's report, and of the feedback to officers, at a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from textwrap import wrap

from offramp.agency.cases.account import WIDTH
from offramp.agency.operations.feedback import Feedback
from offramp.agency.operations.reports import QuarterReport
from offramp.agency.report_view import (
    ABOUT_HIDDEN,
    Section,
    joined_lines,
    places_lines,
    sections,
)
from offramp.agency.short_handles import short
from offramp.documents.document import code_parts
from rules.shelf import vocabulary

# A space that breaks no line.
_SPACE = "\N{NO-BREAK SPACE}"


def report_lines(report: QuarterReport) -> list[str]:
    """Show a report: what it covers, and its tables."""
    head = (f"{report.program}, {report.quarter}. {ABOUT_HIDDEN}", *joined_lines(report))
    lines = [line for text in head for line in _wrapped(text)]
    for section in sections(report):
        lines += ["", *_section_lines(section)]
        if section.title == "In the program":
            lines += [line for text in places_lines(report) for line in _wrapped(text)]
    return lines


def _wrapped(text: str) -> list[str]:
    """Break a paragraph into lines. A command in it stays whole."""
    kept = _code_kept_whole(text)
    lines = wrap(kept, WIDTH, break_long_words=False, break_on_hyphens=False)
    return [line.replace(_SPACE, " ") for line in lines]


def _code_kept_whole(text: str) -> str:
    """Return a text in which spaces in back-ticks don't break a line."""
    return "".join(
        f"`{words.replace(' ', _SPACE)}`" if is_code else words
        for words, is_code in code_parts(text)
    )


def done_lines(report: QuarterReport, *, is_send: bool) -> list[str]:
    """Say what the command did: published, published anew or not, and sent or not.

    `is_send` says that the counts were to be sent.
    """
    if report.counts_nothing:
        return []
    own = f"the counts of {report.name_of(report.agency)} for {report.quarter}"
    lines = []
    if report.is_revised:
        lines.append(f"Published anew: {own}, version {report.agencies[0].version}.")
    elif report.is_revised is False:
        lines.append(
            f"Not published anew: {own} stand. Nothing has changed, or what has changed could be "
            "worked out from both."
        )
    elif report.is_new:
        lines.append(f"Published: {own}. From now on they stand.")
    if report.is_revised and not is_send:
        lines.append("They were not sent. `--send` sends them to the program's office.")
    if report.sent is not None:
        told = ", ".join(report.name_of(agency) for agency in report.told)
        lines.append(f"Counts of {report.quarter} to {told}: {report.sent.state}")
    elif is_send:
        lines.append("Nothing was sent: this office joins the counts itself.")
    return lines


def unopened_lines(cases: int, quarter: str, folder: str) -> list[str]:
    """Say that cases have unopened records, what that does to the counts, and how to open them."""
    have = "1 case has" if cases == 1 else f"{cases} cases have"
    place = shlex.quote(str(folder))
    text = (
        f"LOOK OUT: {have} records that nobody here has opened. If they belong to {quarter}, what "
        "they state is counted as not known, or not at all, and stays so. Open them first: "
        f"`offramp agency tasks {place}` lists them, and `offramp agency case {place} HANDLE "
        "--open` opens those of one case."
    )
    return _wrapped(text)


def _section_lines(section: Section) -> Iterator[str]:
    yield from _wrapped(f"{section.title.upper()}. {section.note}")
    label = max(len(row.label) for row in section.rows) + 4
    cells = [row.cells() for row in section.rows]
    widths = [
        max(9, len(heading) + 2, *(len(texts[at]) + 2 for texts in cells))
        for at, heading in enumerate(("all", *section.groups))
    ]
    heads = "".join(
        f"{heading:>{width}}"
        for heading, width in zip(("all", *section.groups), widths, strict=True)
    )
    yield f"{'':<{label}}{heads}"
    for row, texts in zip(section.rows, cells, strict=True):
        numbers = "".join(f"{text:>{width}}" for text, width in zip(texts, widths, strict=True))
        words = f"  {row.label}" if row.is_part else row.label
        yield f"{words:<{label}}{numbers}"
    yield from section.waits


def feedback_lines(feedback: Sequence[Feedback]) -> list[str]:
    """List an agency's referrals, each with its word."""
    words = vocabulary().closed_words["referral_word"]
    return [
        f"{each.on}  {each.person or short(each.case):<24}  {words[each.word][0]}"
        + (f" (more waits: {' or '.join(each.openers)} may open it)" if each.openers else "")
        for each in feedback
    ] or ["no referrals"]
