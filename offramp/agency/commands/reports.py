"""Commands that report on the program: a quarter's counts, and what became of referrals."""

from __future__ import annotations

import argparse

from offramp.agency import operations, report_wording
from offramp.agency.commands.command import AgencyCommand, Output, actor_of, zone_of
from offramp.agency.folder.office import Office
from offramp.agency.report_page import report_page
from offramp.agency.report_view import report_csv
from offramp.asking import Dialog, confirm
from offramp.output_file import check_output, write_output
from offramp.terminal import print_error
from rules.errors import RequestError


def _report(office: Office, options: argparse.Namespace) -> Output:
    if options.csv and options.json:
        raise RequestError(
            "usage", "`--csv` and `--json` print the same numbers in two forms", fix="give one"
        )
    if options.html is not None:
        check_output(options.html, force=options.force)
    actor_of(office)
    publishes = operations.publishes_quarter(office, options.quarter, is_revision=options.revise)
    if publishes:
        _warn_of_unopened(office, options)
    if publishes and not options.yes and not _confirm(office, options):
        return Output({"published": False}, ["nothing was published"])
    report = operations.report_quarter(
        office,
        options.by,
        options.quarter,
        is_revision=options.revise,
        is_sent=options.send,
    )
    if options.html is not None:
        write_output(options.html, report_page(report).encode(), force=options.force)
    done = report_wording.done_lines(report, is_send=options.send)
    if options.csv:  # the numbers alone are on standard output
        if options.html is not None:
            done.insert(0, f"written: {options.html}")
        for line in done:
            print_error(line)
        return Output(report.as_json(), report_csv(report).splitlines())
    if options.html is not None:
        return Output(report.as_json(), [f"written: {options.html}", *done])
    lines = report_wording.report_lines(report)
    return Output(report.as_json(), [*lines, *(["", *done] if done else [])])


def _warn_of_unopened(office: Office, options: argparse.Namespace) -> None:
    """Say on standard error which cases the counts would leave out, or count as not known."""
    number = operations.count_unopened_cases(office)
    if number:
        for line in report_wording.unopened_lines(number, options.quarter, options.dir):
            print_error(line)


def _confirm(office: Office, options: argparse.Namespace) -> bool:
    """Ask whether to publish. Raises `RequestError` `answers-missing` without a terminal."""
    anew = " anew, if that gives no small count away" if options.revise else ""
    question = (
        f"Publish this agency's counts of {options.quarter}{anew}, which then stay as they are?"
    )
    return confirm(Dialog.at_terminal("en", zone_of(office).key, as_json=options.json), question)


def _report_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--quarter", metavar="QUARTER", required=True, help="a past quarter, such as 2026Q3"
    )
    parser.add_argument(
        "--send", action="store_true", help="send this agency's counts to the program's office"
    )
    parser.add_argument(
        "--revise",
        action="store_true",
        help="publish the quarter anew, if the change gives no small count away",
    )
    parser.add_argument(
        "--yes", action="store_true", help="publish the counts without the last question"
    )
    parser.add_argument("--csv", action="store_true", help="print every number as CSV")
    parser.add_argument(
        "--html", metavar="FILE", help="write a page with charts, and print no tables"
    )
    parser.add_argument("--force", action="store_true", help="overwrite the page's file")


def _mine(office: Office, options: argparse.Namespace) -> Output:
    feedback = operations.list_feedback(office)
    value = {"referrals": [each.as_json() for each in feedback]}
    return Output(value, report_wording.feedback_lines(feedback))


COMMANDS = (
    AgencyCommand(
        "report",
        "count a quarter, with small counts hidden. The first run asks, and publishes the counts",
        run=_report,
        options=_report_options,
    ),
    AgencyCommand("mine", "show what became of this agency's referrals", run=_mine),
)
