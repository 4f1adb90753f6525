"""Commands that show cases, tasks, and counts."""

from __future__ import annotations

import argparse

from offramp.agency import mistake_wording, operations, wording
from offramp.agency.commands.command import (
    CASE,
    AgencyCommand,
    Output,
    actor_of,
    add_because,
    add_odd_flag,
    read_code,
    role_of,
    terms_here,
    zone_of,
)
from offramp.agency.commands.facts_file import read_facts_file
from offramp.agency.folder.office import Office


def details_here(office: Office) -> mistake_wording.Details:
    """Return the words of this agency's details."""
    return mistake_wording.Details(terms_here(office), zone_of(office))


def _cases(office: Office, options: argparse.Namespace) -> Output:
    summaries = operations.list_cases(office)
    value = {"cases": [summary.as_json() for summary in summaries]}
    return Output(value, wording.cases_lines(summaries))


def _case(office: Office, options: argparse.Namespace) -> Output:
    view = (
        operations.open_case(office, actor_of(office), options.case, because=options.because)
        if options.open or (options.by and not options.leave_closed)
        else operations.read_case(office, options.case, because=options.because)
    )
    return Output(view.as_json(), wording.case_lines(view, zone_of(office), terms_here(office)))


def _case_options(parser: argparse.ArgumentParser) -> None:
    opens = parser.add_mutually_exclusive_group()
    opens.add_argument(
        "--open", action="store_true", help="open unopened parts first, as `--by` does"
    )
    opens.add_argument(
        "--leave-closed", action="store_true", help="leave unopened parts closed, also with `--by`"
    )
    add_because(parser)
    parser.add_argument(
        "--break-glass",
        metavar="REASON",
        type=read_code,
        help="open a case of somebody else for an hour. Its owner and the supervisors see it",
    )


def _note(office: Office, options: argparse.Namespace) -> Output:
    facts, although_odd = read_facts_file(options.file), options.although_odd
    noted = operations.note_facts(office, options.case, facts, although_odd=although_odd)
    return Output(noted.as_json(), mistake_wording.noted_lines(noted, details_here(office)))


def _notice(office: Office, options: argparse.Namespace) -> Output:
    notice = operations.note_notice(office, actor_of(office), options.case)
    return Output(notice.as_json(), wording.notice_lines(notice))


def _tasks(office: Office, options: argparse.Namespace) -> Output:
    tasks = operations.list_tasks(office)
    value = {"tasks": [task.as_json() for task in tasks]}
    lines = wording.tasks_lines(tasks, role_of(office), zone_of(office), terms_here(office))
    return Output(value, lines)


COMMANDS = (
    AgencyCommand("cases", "list every case that this agency knows", run=_cases),
    AgencyCommand(
        "case",
        "show a case: facts, their sources, and the rules' answers",
        run=_case,
        words=(CASE,),
        options=_case_options,
    ),
    AgencyCommand(
        "note",
        "keep facts from this agency's own knowledge",
        run=_note,
        words=(CASE, ("file", "a YAML or JSON file with facts")),
        options=add_odd_flag,
    ),
    AgencyCommand(
        "notice",
        "note that the person was told of the rules in force",
        run=_notice,
        words=(CASE,),
    ),
    AgencyCommand("tasks", "list tasks with their deadlines", run=_tasks),
)
