"""Commands about the end of records: what is kept, legal holds, early ends, and the proof."""

from __future__ import annotations

import argparse
from pathlib import Path

from offramp.agency import operations, retention_wording
from offramp.agency.commands.command import (
    CASE,
    AgencyCommand,
    Output,
    actor_of,
    read_code,
    zone_of,
)
from offramp.agency.folder.office import Office
from offramp.agency.sealing_page import exhibit_names, sealing_page
from offramp.arguments import add_force
from offramp.asking import Dialog, confirm
from offramp.output_file import prepare_folder, write_output
from offramp.terminal import print_text
from rules.errors import RequestError
from rules.input.typed_days import read_flag_day
from rules.packs.retention import CAUSES

EARLY_FLAG = "--although-early"


def _retention(office: Office, options: argparse.Namespace) -> Output:
    case = operations.find_case(office, options.of) if options.of else None
    listed = operations.list_retention(office, case)
    return Output(listed.as_json(), retention_wording.retention_lines(listed, zone_of(office)))


def _retention_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "of", metavar="CASE", nargs="?", help="one case only: its first digits (at least 4)"
    )


def _hold(office: Office, options: argparse.Namespace) -> Output:
    if options.release == (options.reason is not None):
        raise RequestError(
            "usage", "a hold has a `--reason`, and its release has none", fix="see `--help`"
        )
    if options.release and options.another:
        raise RequestError(
            "usage", "`--another` places a hold, and releases none", fix="leave it out"
        )
    if options.number is not None and not options.release:
        raise RequestError(
            "usage",
            "`--number` names a hold to release, and this places one",
            fix="add `--release`, or leave `--number` out",
        )
    if options.release:
        hold = operations.release_hold(office, actor_of(office), options.case, options.number)
    else:
        hold = operations.hold_case(
            office,
            actor_of(office),
            options.case,
            options.reason,
            is_another=options.another,
        )
    return Output(hold.as_json(), retention_wording.hold_lines(hold, zone_of(office)))


def _hold_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--reason",
        metavar="REASON",
        type=read_code,
        help=f"why: {', '.join(operations.HOLD_REASONS)}",
    )
    parser.add_argument(
        "--another",
        action="store_true",
        help="place a second hold for the same reason, about another matter",
    )
    parser.add_argument("--release", action="store_true", help="release a hold")
    parser.add_argument(
        "--number", metavar="NUMBER", type=int, help="which hold to release, if there are several"
    )


def _seal(office: Office, options: argparse.Namespace) -> Output:
    """Show what a cause ends and what follows, ask, and note it.

    INVARIANT: `--yes` alone notes no day before this agency first heard of the case.
    """
    if options.withdraw:
        return _withdraw(office, options)
    words = actor_of(office), options.case, options.cause
    on = read_flag_day(options.on) if options.on is not None else None
    preview = operations.preview_ending(office, *words, on)
    lines = retention_wording.ending_lines(preview, zone_of(office))
    if options.dry_run:
        return Output(preview.as_json(), [*lines, "nothing is noted"])
    _show(options, lines)
    dialog = _dialog(office, options)
    although_early = options.although_early
    if preview.is_early and not although_early and dialog.is_terminal:
        question = f"Is {preview.ending.on} the right day?"
        although_early = confirm(dialog, question, flag=EARLY_FLAG)
        if not although_early:
            return Output({"noted": False}, ["nothing was noted"])
    elif not options.yes and not confirm(dialog, "Note it?"):
        return Output({"noted": False}, ["nothing was noted"])
    operations.note_ending(office, *words, preview.ending.on, although_early=although_early)
    return Output({**preview.as_json(), "noted": True}, retention_wording.noted_lines())


def _withdraw(office: Office, options: argparse.Namespace) -> Output:
    """Show the note of a cause, ask, and withdraw it."""
    if options.on is not None:
        raise RequestError(
            "usage", "`--withdraw` takes the whole note back and has no `--on`", fix="see `--help`"
        )
    words = actor_of(office), options.case, options.cause
    ending = operations.noted_ending(office, *words)
    value = {"case": ending.case, "withdrawn": ending.cause, "on": ending.on.isoformat()}
    lines = retention_wording.withdrawal_lines(ending)
    if options.dry_run:
        return Output(value, [*lines, "nothing is withdrawn"])
    _show(options, lines)
    if not options.yes and not confirm(_dialog(office, options), "Withdraw it?"):
        return Output({"withdrawn": None}, ["nothing was withdrawn"])
    operations.withdraw_ending(office, *words)
    return Output(value, ["withdrawn"])


def _seal_act(options: argparse.Namespace) -> str | None:
    if options.dry_run:
        return None
    return "withdraw_ending" if options.withdraw else "note_ending"


def _show(options: argparse.Namespace, lines: list[str]) -> None:
    if not options.json:
        for line in lines:
            print_text(line)
        print_text()


def _dialog(office: Office, options: argparse.Namespace) -> Dialog:
    return Dialog.at_terminal("en", zone_of(office).key, as_json=options.json)


def _seal_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cause", metavar="CAUSE", choices=CAUSES, help=", ".join(CAUSES))
    parser.add_argument(
        "--on",
        metavar="DAY",
        help="the day of the dismissal, the court's order, or the completion. Default: today",
    )
    parser.add_argument("--withdraw", action="store_true", help="the note was a mistake")
    parser.add_argument("--yes", action="store_true", help="note it without the last question")
    parser.add_argument(
        EARLY_FLAG,
        action="store_true",
        help="note a day before this agency first heard of the case: it is right",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show what it ends, and note nothing"
    )


def _proof(office: Office, options: argparse.Namespace) -> Output:
    folder = Path(options.folder)
    proof = operations.prove_sealing(office, actor_of(office), options.case)
    names = exhibit_names(proof)
    files = {f"page.{lang}.html": sealing_page(proof, lang).encode() for lang in ("en", "es")}
    files |= {names[each.record]: each.exhibit for each in proof.statements}
    prepare_folder(options.folder, tuple(files), force=options.force)
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
        act=_seal_act,
    ),
    AgencyCommand(
        "sealed",
        "write the page that proves to the person what agencies destroyed",
        run=_proof,
        words=(CASE,),
        options=_proof_options,
    ),
)
