"""The words of a quarter's report, and of the feedback to officers, at a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from offramp.agency.operations.feedback import Feedback
from offramp.agency.operations.reports import QuarterReport
from offramp.agency.report_view import (
    ABOUT_HIDDEN,
    Section,
    joined_lines,
    places_lines,
    sections,
)
from rules.shelf import vocabulary


def report_lines(report: QuarterReport) -> list[str]:
    """Show a report: what it covers, its tables, and what was sent."""
    lines = [f"{report.program}, {report.quarter}. {ABOUT_HIDDEN}", *joined_lines(report)]
    if report.is_revised is False:
        lines.append(
            "The published counts stand. They are published anew only if nothing that changed "
            "could be worked out from both."
        )
    for section in sections(report):
        lines += ["", *_section_lines(section)]
        if section.title == "In the program":
            lines += places_lines(report)
    return [*lines, *sent_lines(report)]


def sent_lines(report: QuarterReport) -> list[str]:
    """Say where the counts went, if they were sent."""
    if report.sent is None:
        return []
    return [f"Counts of {report.quarter} to {', '.join(report.told)}: {report.sent.state}"]


def _section_lines(section: Section) -> Iterator[str]:
    yield f"{section.title.upper()}. {section.note}"
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
        f"{each.on}  {each.person or each.case[:8]:<24}  {words[each.word][0]}" for each in feedback
    ] or ["no referrals"]
