"""Commands that print the account of a case and export proofs."""

from __future__ import annotations

import argparse
from pathlib import Path

from offramp.agency import operations, staff_wording, wording
from offramp.agency.commands.command import (
    CASE,
    KEY,
    NEW_FILE,
    RECORD,
    AgencyCommand,
    Output,
    zone_of,
)
from offramp.agency.folder.office import Office
from offramp.arguments import add_force, add_language
from offramp.output_file import check_output, write_output
from rules.input.typed_days import read_flag_day


def _account(office: Office, options: argparse.Namespace) -> Output:
    account = operations.fetch_account(office, options.case, for_person=options.for_person)
    lines = wording.account_lines(account, options.lang, is_full=options.full)
    if account.openings is not None:
        name = account.directory.agencies[office.agency].name
        lines += staff_wording.opening_lines(name, account.openings, options.lang, zone_of(office))
    return Output(account.as_json(), lines)


def _account_options(parser: argparse.ArgumentParser) -> None:
    add_language(parser, "the language of the account's own words")
    parser.add_argument(
        "--full", action="store_true", help="show each disclosure after the first page"
    )
    parser.add_argument(
        "--for-person",
        action="store_true",
        help="show the whole account, to give to the person, not only this agency's own part",
    )


def _export(office: Office, options: argparse.Namespace) -> Output:
    check_output(options.file, force=options.force)
    if options.replay:
        export = operations.export_decision(office, options.record)
        use = "`offramp replay` works it out again"
    else:
        export = operations.export_record(office, options.record)
        use = "`offramp verify` proves it"
    file = Path(options.file)
    write_output(file, export.text, force=options.force)
    return Output({"file": options.file}, [wording.exported_line(file, export.record, use)])


def _export_options(parser: argparse.ArgumentParser) -> None:
    add_force(parser)
    parser.add_argument(
        "--replay",
        action="store_true",
        help="export a decision with the records that it is based on",
    )


def _breach(office: Office, options: argparse.Namespace) -> Output:
    report = operations.report_breach(
        office,
        options.key,
        options.since,
        discovered=options.discovered and read_flag_day(options.discovered).isoformat(),
        letters=Path(options.letters) if options.letters else None,
        contact=options.contact,
    )
    return Output(report.as_json(), wording.breach_lines(report))


def _breach_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--since",
        metavar="INDEX",
        type=int,
        required=True,
        help="the index of the log from which the thief may have had the key, 0 if nobody knows",
    )
    parser.add_argument(
        "--discovered",
        metavar="DAY",
        help="the day on which the agency learned of it. Default: today",
    )
    parser.add_argument(
        "--letters",
        metavar="FOLDER",
        help="write a draft of a letter to each person there, in English and Spanish",
    )
    parser.add_argument(
        "--contact",
        metavar="TEXT",
        help="whom a person can ask: a free telephone number, an e-mail, or an address",
    )


COMMANDS = (
    AgencyCommand(
        "account",
        "list everything that was disclosed in a case",
        run=_account,
        words=(CASE,),
        options=_account_options,
    ),
    AgencyCommand(
        "export",
        "write an opened record with its proofs to a file",
        run=_export,
        words=(RECORD, NEW_FILE),
        options=_export_options,
    ),
    AgencyCommand(
        "breach",
        "list what the thief of a key could have read, and draft the letters",
        run=_breach,
        words=(KEY,),
        options=_breach_options,
    ),
)
