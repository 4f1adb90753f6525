"""The tables of a quarter's report: the same for the terminal, for CSV, and for the page."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from offramp.agency.cases.counted import CountKey, Wait
from offramp.agency.operations.reports import QuarterReport
from rules.frozen import frozen
from rules.shelf import vocabulary

HIDDEN = "hidden"
ABOUT_HIDDEN = (
    "“hidden” is a count from 1 to 10, or one that would give such a count away. 0 is shown."
)
# The sections, each with a sentence on its day, and its measures in order.
_SECTIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "Offers",
        "By the day of the encounter. Counted by police.",
        ("offers", "accepted", "declined", "not_offered", "not_offered_for"),
    ),
    (
        "From the offer to a case manager",
        "By the day of the referral. Counted by the case managers.",
        ("referrals", "met", "not_met", "hours_known", "hours_not_known"),
    ),
    (
        "First interview",
        "Of the people referred in the quarter.",
        ("intake_in_time", "intake_late", "intake_no_limit", "intake_open"),
    ),
    (
        "Plan",
        "Of the people referred in the quarter.",
        ("plan_in_time", "plan_late", "plan_no_limit", "plan_open"),
    ),
    (
        "Taking part",
        "The newest word, of the people referred in the quarter. Reviews by the day on which "
        "they were held.",
        ("engaged", "starting", "no_word", "reviews"),
    ),
    (
        "In the program",
        "By the day on which a person entered or left.",
        (
            "entered",
            "left",
            "left_completed",
            "left_unsuccessful",
            "left_moved",
            "left_ejected",
            "left_other",
            "in_program",
        ),
    ),
    (
        "Held charges",
        "By the day of the prosecutor's decision.",
        ("held_decided", "held_filed", "held_not_filed", "held_dismissed"),
    ),
    (
        "Fairness of questions",
        "Of the people referred in the quarter: who is asked about more, and whose answer is "
        "still open, by the rule that is open. The percent is of the people of the same column.",
        ("asked", "not_asked", "decided", "undetermined", "undetermined_by"),
    ),
)


@frozen
class Row:
    """One row: its words, the count of everybody, and those of the groups, None for hidden.

    `is_part` is True if the row is a part of a whole one above it. `shares` are whole percents
    beside the count of everybody and of each group, None where there is no share.
    """

    label: str
    everybody: int | None
    groups: tuple[int | None, ...]
    is_part: bool
    shares: tuple[int | None, ...]

    def cells(self) -> tuple[str, ...]:
        """Return the counts as text, that of everybody first, each with its share."""
        return tuple(
            _number(number) + (f" ({share} %)" if share is not None else "")
            for number, share in zip((self.everybody, *self.groups), self.shares, strict=True)
        )


@frozen
class Section:
    """A table. `groups` are the headings of the groups, `waits` sentences on times of waiting."""

    title: str
    note: str
    groups: tuple[str, ...]
    rows: tuple[Row, ...]
    waits: tuple[str, ...]


def sections(report: QuarterReport) -> tuple[Section, ...]:
    """Return the tables of a report. What no agency has counted has no table."""
    totals = dict(report.totals)
    places = tuple(
        dict.fromkeys(
            (key.grouping, key.group) for key in totals if key.grouping is not None and key.group
        )
    )
    made = (_section(report, totals, places, *section) for section in _SECTIONS)
    return tuple(section for section in made if section.rows)


def _section(
    report: QuarterReport,
    totals: dict[CountKey, int | None],
    places: tuple[tuple[str | None, str | None], ...],
    title: str,
    note: str,
    measures: tuple[str, ...],
) -> Section:
    keys = [
        key for name in measures for key in totals if key.measure == name and key.grouping is None
    ]
    # A reason for no offer that nobody gave, and a rule that nobody waits for, need no row.
    keys = [key for key in keys if key.detail is None or totals[key] != 0]
    if "asked" in measures:
        keys.sort(key=lambda key: str(key.decision))
    rows = tuple(
        Row(
            _label(key),
            totals[key],
            tuple(
                totals.get(CountKey(key.measure, key.decision, key.detail, grouping, group))
                for grouping, group in places
            ),
            key.measure
            not in (
                "offers",
                "not_offered",
                "referrals",
                "entered",
                "left",
                "in_program",
                "reviews",
                "held_decided",
            ),
            tuple(
                _share(totals, CountKey(key.measure, key.decision, key.detail, *place))
                for place in ((None, None), *places)
            ),
        )
        for key in keys
    )
    # Rows without a whole above them are parts of nothing that is shown.
    wholes = [at for at, row in enumerate(rows) if not row.is_part]
    first = wholes[0] if wholes else len(rows)
    rows = tuple(replace(row, is_part=row.is_part and at > first) for at, row in enumerate(rows))
    waits = (
        list(_waits(report, "to_case_manager"))
        if "hours_known" in measures
        else list(_waits(report, "to_answer"))
        if "asked" in measures
        else []
    )
    headings = tuple(_words(str(group)) for _, group in places)
    return Section(title, note, headings, rows, tuple(waits))


# The counts of fairness that add up to all people who were referred.
_WHOLES = {
    "asked": ("asked", "not_asked"),
    "not_asked": ("asked", "not_asked"),
    "decided": ("decided", "undetermined"),
    "undetermined": ("decided", "undetermined"),
    "undetermined_by": ("decided", "undetermined"),
}


def _share(totals: Mapping[CountKey, int | None], key: CountKey) -> int | None:
    """Return a count of fairness as a whole percent of the people of its group.

    INVARIANT: a share is worked out from counts that are shown, so it gives no hidden one away.
    """
    if key.measure not in _WHOLES:
        return None
    parts = [
        totals.get(CountKey(name, key.decision, None, key.grouping, key.group))
        for name in _WHOLES[key.measure]
    ]
    number = totals.get(key)
    if number is None or None in parts:
        return None
    whole = sum(part for part in parts if part is not None)
    return round(100 * number / whole) if whole else None


def _label(key: CountKey) -> str:
    text = vocabulary().closed_words["counted"][key.measure][0]
    if key.measure == "not_offered_for":
        text = f"no offer: {_words(str(key.detail))}"
    elif key.detail is not None:
        text = f"{text}: `{key.detail}`"
    return f"{key.decision}, {text}" if key.decision else text


def _words(name: str) -> str:
    return name.replace("_", " ")


def _waits(report: QuarterReport, name: str) -> Iterator[str]:
    for counted in report.agencies:
        for wait in counted.waits:
            # A hidden time of a group is no news beside a hidden one of everybody.
            if wait.measure == name and (wait.median is not None or wait.group is None):
                yield f"{wait_text(wait)} ({report.name_of(counted.agency)})"


def wait_text(wait: Wait) -> str:
    """Return a time of waiting as a sentence."""
    text = vocabulary().closed_words["waited"][wait.measure][0]
    about = f", for {wait.decision}" if wait.decision else ""
    whose = f", {_words(str(wait.group))}" if wait.group else ""
    if wait.median is None:
        return f"Hours {text}{about}{whose}: hidden, since too few people are counted"
    middle = f"half waited {wait.median} or less"
    if wait.lower is not None and wait.upper is not None:
        middle += f", and half from {wait.lower} to {wait.upper}"
    return f"Hours {text}{about}{whose}: {middle}"


def places_lines(report: QuarterReport) -> tuple[str, ...]:
    """Return what is known of the program's places and money, each figure with its source."""
    lines = []
    inside = dict(report.totals).get(CountKey("in_program"))
    if report.places is not None:
        now = HIDDEN if inside is None else str(inside)
        lines.append(
            f"Places: {report.places.number} at once ({report.places.source}). In the program on "
            f"the last day: {now}."
        )
    if report.money is not None:
        money = report.money
        least, most = money.people
        lines.append(
            f"Money: {money.budget[0]:,} to {money.budget[1]:,} dollars a year "
            f"({money.budget_source}) would pay for {least:,} to {most:,} people, if a person "
            f"costs {money.person_year[0]:,} to {money.person_year[1]:,} dollars a year "
            f"({money.person_year_source})."
        )
    return tuple(lines)


def _columns(report: QuarterReport) -> Iterator[str]:
    """Yield by what the columns beside that of everybody tell people apart."""
    for grouping, says in report.groupings.items():
        groups = dict.fromkeys(
            _words(str(key.group)) for key, _ in report.totals if key.grouping == grouping
        )
        if groups:
            yield f"Columns of {says}: {', '.join(groups)}."


def joined_lines(report: QuarterReport) -> tuple[str, ...]:
    """Return whose counts are in the report and whose are not, and what the columns are."""
    lines = [
        "Counts of: "
        + ", ".join(
            report.name_of(counted.agency)
            + (f" (version {counted.version})" if counted.version > 1 else "")
            for counted in report.agencies
        )
    ]
    if report.missing:
        names = ", ".join(report.name_of(agency) for agency in report.missing)
        lines.append(
            f"Not here yet: {names}. To send its counts, an agency runs `offramp agency report "
            f"FOLDER --quarter {report.quarter} --send`, with its own folder."
        )
    if report.counts_nothing:
        lines.append(
            "Nothing is counted here. Police, prosecutors, case managers, and the program's office "
            "count what they did themselves."
        )
    lines += (
        f"Every count of {report.name_of(counted.agency)} is hidden: no choice of counts was found "
        "that shows some and gives no small one away. More people in a quarter, or fewer groups in "
        "the rule pack, would show more. What is published stays hidden."
        for counted in report.agencies
        if counted.rows and all(number is None for _, number in counted.rows)
    )
    lines += _columns(report)
    if report.unopened:
        lines.append(f"Could not be opened: {report.unopened}. Run it again when the hub answers.")
    return tuple(lines)


def report_csv(report: QuarterReport) -> str:
    """Return every number as CSV: one row for each agency, count, and group."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")

    def write(cells: Iterable[Any]) -> None:
        writer.writerow([_no_formula(cell) for cell in cells])

    write(
        (
            "quarter",
            "agency",
            "version",
            "measure",
            "decision",
            "detail",
            "grouping",
            "group",
            "count",
        )
    )
    for counted in report.agencies:
        first = (report.quarter, counted.agency, counted.version)
        for key, number in counted.rows:
            write((*first, *_blank(key.as_list()), _number(number)))
        for wait in counted.waits:
            for name in ("lower", "median", "upper"):
                measure = f"{wait.measure}_hours_{name}"
                place = (measure, wait.decision, None, wait.grouping, wait.group)
                write((*first, *_blank(place), _number(getattr(wait, name))))
    for key, number in report.totals:
        write((report.quarter, "ALL", "", *_blank(key.as_list()), _number(number)))
    return out.getvalue()


def _no_formula(cell: Any) -> Any:
    """Put an apostrophe before text that a spreadsheet would take for a formula."""
    is_formula = isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{cell}" if is_formula else cell


def _blank(values: Iterable[str | None]) -> list[str]:
    return [value or "" for value in values]


def _number(number: int | None) -> str:
    return HIDDEN if number is None else str(number)
