"""Commands that send records from files, and list and open what arrived."""

from __future__ import annotations

import argparse
from pathlib import Path

from exchange.records.kinds import kinds
from offramp.agency import operations, wording
from offramp.agency.cases.draft import LARGEST, not_a_draft
from offramp.agency.commands.command import (
    CASE,
    KIND,
    RECORD,
    AgencyCommand,
    Output,
    actor_of,
    acts_unless_shown,
    add_because,
    add_odd_flag,
    zone_of,
)
from offramp.agency.folder.office import Office
from offramp.agency.operations import Draft
from offramp.asking import Dialog, confirm
from offramp.terminal import print_text
from offramp.user_files import read_named

UNKNOWN_FLAG = "--although-unknown"


def _inbox(office: Office, options: argparse.Namespace) -> Output:
    inbox = operations.list_inbox(office)
    return Output(inbox.as_json(), wording.inbox_lines(inbox))


def _send(office: Office, options: argparse.Namespace) -> Output:
    draft = read_draft(office, Path(options.file))
    record = operations.send_record(
        office, options.kind, draft, options.case, although_odd=options.although_odd
    )
    return Output(record.as_json(), wording.sent_lines(record))


def read_draft(office: Office, path: Path) -> Draft:
    """Read a draft's file. Raises `AgencyError` `not-a-draft`, `no-directory`."""
    try:
        raw = read_named(path, LARGEST)
        if len(raw) > LARGEST:
            raise not_a_draft("it is over 1 MiB")
        text = raw.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise not_a_draft(f"`{path}` can't be read: {error}") from None
    return operations.parse_draft(office, text)


def _send_options(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Compose a record from a file, queue it, and send it. docs/kinds.md has what each kind "
        f"contains. Kinds: {', '.join(kinds())}."
    )
    parser.add_argument("--case", metavar="HANDLE", help="the case, by its handle")
    add_odd_flag(parser)


def _represent(office: Office, options: argparse.Namespace) -> Output:
    """Show what is known of the case and who is told, ask, and state it.

    INVARIANT: `--yes` alone states nothing in a case of which nothing came here.
    """
    preview = operations.preview_representation(office, options.case, options.successor)
    lines = wording.representation_lines(preview)
    if options.dry_run:
        return Output(preview.as_json(), [*lines, "nothing is sent"])
    if not options.json:
        for line in lines:
            print_text(line)
    dialog = Dialog.at_terminal("en", zone_of(office).key, as_json=options.json)
    although_unknown = options.although_unknown
    if not preview.known and not although_unknown and dialog.is_terminal:
        question = "Are these the digits, one by one?"
        although_unknown = confirm(dialog, question, flag=UNKNOWN_FLAG)
        if not although_unknown:
            return Output({"sent": False}, ["nothing was sent"])
    elif preview.known and not options.yes and not confirm(dialog):
        return Output({"sent": False}, ["nothing was sent"])
    record = operations.represent(
        office, options.case, options.successor, although_unknown=although_unknown
    )
    return Output(record.as_json(), wording.sent_lines(record))


def _represent_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="state it without the last question")
    parser.add_argument(
        UNKNOWN_FLAG,
        action="store_true",
        help="state it in a case of which nothing has come here: its digits are right",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would be stated, and send nothing"
    )
    parser.add_argument(
        "--successor",
        metavar="AGENCY",
        help="the defender's office that takes the case over. This agency is counsel no longer",
    )


def _open(office: Office, options: argparse.Namespace) -> Output:
    opened = operations.open_part(
        office,
        actor_of(office),
        options.record,
        part=options.part,
        second=options.second,
        because=options.because,
    )
    return Output(opened.as_json(), wording.opened_lines(opened))


def _open_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--second", metavar="NAME", help="the second person's name, after a medical emergency"
    )
    parser.add_argument("--part", metavar="ID", help="the part, if the record has several")
    add_because(parser)


def _retry(office: Office, options: argparse.Namespace) -> Output:
    retried = operations.retry_record(office, options.record)
    line = f"`{retried.id}`: {retried.state}"
    return Output(retried.as_json(), [line])


COMMANDS = (
    AgencyCommand(
        "represent",
        "tell the other agencies that you are the person's counsel (for defender)",
        run=_represent,
        words=(CASE,),
        options=_represent_options,
        act=acts_unless_shown("represent"),
    ),
    AgencyCommand("inbox", "list what other agencies sent", run=_inbox),
    AgencyCommand(
        "send",
        "compose a record from a file, queue it, and send it",
        run=_send,
        words=(KIND, ("file", "a YAML or JSON file with the record's parts")),
        options=_send_options,
        act=acts_unless_shown("send_record"),
    ),
    AgencyCommand(
        "open", "open a part for a named person", run=_open, words=(RECORD,), options=_open_options
    ),
    AgencyCommand("retry", "send again a record that the hub refused", run=_retry, words=(RECORD,)),
)
