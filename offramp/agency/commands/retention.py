"""Commands about the end of records: what is kept, legal holds, early ends, and the proof."""

from __future__ import annotations

import argparse
from pathlib import Path

from offramp.agency import operations, retention_wording
from offramp.agency.commands.command import CASE, AgencyCommand, Output, actor_of
from offramp.agency.folder.office import Office
from offramp.agency.sealing_page import exhibit_names, sealing_page
from offramp.arguments import add_force
from offramp.output_file import check_output, write_output
from rules.errors import RequestError
from rules.input.typed_days import read_flag_day
from rules.packs.retention import CAUSES


def _retention(office: Office, options: argparse.Namespace) -> Output:
    case = operations.find_case(office, options.of) if options.of else None
    listed = operations.list_retention(office, case)
    return Output(listed.as_json(), retention_wording.retention_lines(listed))


def _retention_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "of", metavar="CASE", nargs="?", help="one case only: its first digits (at least 4)"
    )


def _hold(office: Office, options: argparse.Namespace) -> Output:
    if options.release == (options.reason is not None):
        raise RequestError(
            "usage", "a hold has a `--reason`, and its release has none", fix="see `--help`"
        )
    if options.release:
        hold = operations.release_hold(office, actor_of(office), options.case, options.number)
    else:
        hold = operations.hold_case(office, actor_of(office), options.case, options.reason)
    return Output(hold.as_json(), retention_wording.hold_lines(hold))


def _hold_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--reason", metavar="REASON", help=f"why: {', '.join(operations.HOLD_REASONS)}"
    )
    parser.add_argument("--release", action="store_true", help="release a hold")
    parser.add_argument(
        "--number", metavar="NUMBER", type=int, help="which hold to release, if there are several"
    )


def _seal(office: Office, options: argparse.Namespace) -> Output:
    actor = actor_of(office)
    if options.withdraw:
        operations.withdraw_ending(office, actor, options.case, options.cause)
        return Output({"case": options.case, "withdrawn": options.cause}, ["withdrawn"])
    on = read_flag_day(options.on) if options.on else None
    ending = operations.note_ending(office, actor, options.case, options.cause, on)
    value = {"case": ending.case, "cause": ending.cause, "on": ending.on.isoformat()}
    return Output(value, retention_wording.ending_lines(ending))


def _seal_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cause", metavar="CAUSE", choices=CAUSES, help=", ".join(CAUSES))
    parser.add_argument("--on", metavar="DAY", help="the day of it. Default: today")
    parser.add_argument("--withdraw", action="store_true", help="the note was a mistake")


def _proof(office: Office, options: argparse.Namespace) -> Output:
    folder = Path(options.folder)
    proof = operations.prove_sealing(office, actor_of(office), options.case)
    names = exhibit_names(proof)
    files = {f"page.{lang}.html": sealing_page(proof, lang).encode() for lang in ("en", "es")}
    files |= {names[each.record]: each.exhibit for each in proof.statements}
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in files:
        check_output(folder / name, force=options.force)
    for name, content in files.items():
        write_output(folder / name, content, force=options.force)
    written = [str(folder / name) for name in files]
    value = {
        "files": written,
        "not_proved": [
            {
                "agency": unproved.agency,
                "record": unproved.record,
                "reason": unproved.reason,
                "fix": unproved.fix,
            }
            for unproved in proof.unproved
        ],
        "unsigned": [silent.agency for silent in proof.silent],
    }
    return Output(value, [*written, *retention_wording.unproved_lines(proof)])


def _proof_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="FOLDER", help="the folder for the page and its files")
    add_force(parser)


COMMANDS = (
    AgencyCommand(
        "retention",
        "show what ends when, by which rule, and what stops it",
        run=_retention,
        options=_retention_options,
    ),
    AgencyCommand(
        "hold",
        "stop all destruction in a case, or release such a hold",
        run=_hold,
        words=(CASE,),
        options=_hold_options,
    ),
    AgencyCommand(
        "seal",
        "note that a charge was dismissed, a record sealed, or the program completed",
        run=_seal,
        words=(CASE,),
        options=_seal_options,
    ),
    AgencyCommand(
        "sealed",
        "write the page that proves to the person what agencies destroyed",
        run=_proof,
        words=(CASE,),
        options=_proof_options,
    ),
)
