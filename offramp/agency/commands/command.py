"""One command of `offramp agency`: its words, its help, and the function that runs it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from offramp.account import is_served
from offramp.agency import operations
from offramp.agency.cases.moments import ODD_FLAG
from offramp.agency.cases.pack_terms import PackTerms, terms_of
from offramp.agency.commands.passphrase import find_passphrase
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.settings import read_settings
from offramp.agency.look_words import COMMAND
from offramp.agency.short_handles import naming_cases
from offramp.terminal import print_error, print_json, print_text
from rules.errors import Refusal
from rules.frozen import frozen

Options = Callable[[argparse.ArgumentParser], None]

# The arguments that have no dashes, and their help.
URL = ("url", "the hub's address, such as https://hub.example:8440")
CODE = ("code", "the invitation code from the hub's operator")
DIGEST = (
    "digest",
    "the digest that was compared by voice. Any other word prints the draft's digest",
)
NAMED = ("named", "an agency's id, or the id of a signing key, such as clinic.s1")
KEY = ("key", "a signing key such as clinic.s1, or a sealing key such as clinic.2026-11")
PACK = ("pack", "a shipped id or a folder")
KIND = ("kind", "the kind of record, such as referral")
CASE = ("case", "the case's handle, or its first digits (at least 4)")
DECISION = ("decision", "the decision, such as eligibility")
OUTCOME = ("outcome", "the person's decision, such as eligible")
RECORD = ("record", "the record's number in the inbox, or its id in `status`")
NEW_FILE = ("file", "the new file")


# The words that are codes.
_CODES = (KIND, DECISION, OUTCOME)


def read_code(typed: str) -> str:
    """Return a code as records have it: `court-order` and `court_order` are one."""
    return typed.strip().replace("-", "_")


@frozen
class Output:
    """The output of a command: its JSON, its lines, and its exit code."""

    json: Any
    lines: list[str]
    code: int = 0


@frozen
class AgencyCommand:
    """A command of `offramp agency`.

    `words` are its arguments without dashes, each with its help, and `options` adds the others.
    `run` is given the opened office, or the options alone where the command opens none.
    `owner_only` says why only the folder's own account may run it, None if everybody may. `act`
    returns the operation that the command is for, by its options, for the look of a refusal. None
    where there are several, or where the command only shows.
    """

    name: str
    help: str
    run: Callable[[Office, argparse.Namespace], Output] | None = None
    words: tuple[tuple[str, str], ...] = ()
    options: Options | None = None
    run_without_office: Callable[[argparse.Namespace], Output] | None = None
    owner_only: str | None = None
    act: Callable[[argparse.Namespace], str | None] = lambda options: None


def run_command(
    command: AgencyCommand, options: argparse.Namespace, complete: Callable[[str], str]
) -> int:
    """Run one command, and print its output. Raises what its operation refuses with.

    `complete` makes the commands whole that a text names.
    """
    try:
        return _run(command, options, complete)
    except Refusal as refusal:
        refusal.fix = complete(refusal.fix)
        raise


def _run(
    command: AgencyCommand, options: argparse.Namespace, complete: Callable[[str], str]
) -> int:
    if command.run is None:
        assert command.run_without_office is not None
        return _print(options, command.run_without_office(options), complete)
    with (
        suppress(BrokenPipeError),
        closing(office_of(options)) as office,
        naming_cases(lambda handle: office.working_set().cases.digits(handle)),
    ):
        office.command_act = command.act(options)
        typed = _typed_case(options)
        try:
            output = _run_in(office, command.run, options)
        except Refusal as refusal:
            act = office.command_act or f"{COMMAND}{command.name}"
            operations.note_refusal(office, refusal, act, typed)
            refusal.fix = complete(refusal.fix)  # while the cases can be named
            raise
        refused = operations.refused_here(office)
        return _print(options, _with_refusals(output, refused, complete), complete)
    return 141


def _run_in(
    office: Office,
    run: Callable[[Office, argparse.Namespace], Output],
    options: argparse.Namespace,
) -> Output:
    """Sign in, find the case that the options name, and run the command."""
    if office.session is None and (getattr(options, "by", None) or _typed_case(options)):
        _sign_in(office, options)
    if getattr(options, "break_glass", None) is not None:
        reason, actor = options.break_glass, actor_of(office)
        options.case = operations.break_glass(office, actor, options.case, reason).case
    if getattr(options, "case", None) not in (None, operations.NEW_CASE):
        options.case = _find_case(office, options.case)
    return run(office, options)


def _find_case(office: Office, digits: str) -> str:
    """Return the case that starts with these digits. Raises as `operations.find_case`.

    A person with no role that finds cases gets the digits back: the command's own operation then
    refuses, and names the roles that may run it.
    """
    try:
        return operations.find_case(office, digits)
    except AgencyError as refusal:
        if refusal.code != "not-your-role":
            raise
        return digits


def _with_refusals(
    output: Output,
    refused: tuple[operations.RefusedRecord, ...],
    complete: Callable[[str], str],
) -> Output:
    """Return a command's output with the records that the hub refused, which is an exit code of 1.

    INVARIANT: no command that sends can forget it. What the hub refused was told to nobody.
    """
    if not refused:
        return output
    alike: dict[tuple[str, str], list[str]] = {}
    for record in refused:
        alike.setdefault((record.kind, record.reason), []).append(record.id)
    for (kind, reason), records in alike.items():
        named = ", ".join(f"`{record}`" for record in records)
        error = AgencyError(
            "hub-refused",
            f"the hub refused the `{kind}` {named}, so nobody was told: {reason}",
            fix="look at `offramp agency status DIR`, and try it again with "
            f"`offramp agency retry DIR {records[0]}`",
        )
        print_error(complete(f"offramp: {error}"))
    value = output.json
    if isinstance(value, dict):
        value = {**value, "refused_by_hub": [record.as_json() for record in refused]}
    return Output(value, output.lines, 1)


def acts_unless_shown(operation: str) -> Callable[[argparse.Namespace], str | None]:
    """Return the `act` of a command that carries out an operation, unless it only shows."""

    def act(options: argparse.Namespace) -> str | None:
        only_shows = any(getattr(options, flag, False) for flag in ("dry_run", "list"))
        return None if only_shows else operation

    return act


def actor_of(office: Office) -> str:
    """Return the name of the listed person who acts. Raises `AgencyError` as `sign_in`."""
    return (office.session or operations.sign_in(office)).name


def add_because(parser: argparse.ArgumentParser) -> None:
    """Add the flag with which a supervisor reads parts of care in somebody else's case."""
    parser.add_argument(
        "--because",
        metavar="REASON",
        type=read_code,
        help="why a supervisor reads parts of care in a case of somebody else, who sees it: "
        + ", ".join(operations.ACCESS_REASONS),
    )


def add_odd_flag(parser: argparse.ArgumentParser) -> None:
    """Add the flag by which a person confirms an unusual order or amount."""
    parser.add_argument(
        ODD_FLAG,
        action="store_true",
        help="the days, times, and amounts are right, although they are unusual",
    )


def office_of(options: argparse.Namespace) -> Office:
    """Open the folder that a command names. Raises `AgencyError` as `operations.open_office`."""
    folder = Path(options.dir)
    clock_file = Path(options.clock) if options.clock else None
    unlocked = getattr(options, "unlocked", None)  # a command server has unlocked the keys
    office = operations.open_office(
        folder, unlocked or passphrase_of(options), clock_file=clock_file
    )
    if is_served():
        try:
            _sign_in(office, options)
        except BaseException:
            office.close()
            raise
    return office


def _sign_in(office: Office, options: argparse.Namespace) -> None:
    """Have the office act for the person on the other side.

    Raises `AgencyError` `unlisted-person`, `person-ended`, `which-person`.
    """
    typed = _typed_case(options)
    operations.sign_in(
        office,
        by=getattr(options, "by", None),
        tried=lambda: operations.cases_tried(office, typed) if typed is not None else (),
    )


def _typed_case(options: argparse.Namespace) -> str | None:
    """Return the case that a command names, as it was typed. None if it names none."""
    if getattr(options, "action", None) in ("assign", "hand-over"):
        return str(options.who) if options.who else None
    typed = getattr(options, "case", None) or getattr(options, "of", None)
    return str(typed) if typed and typed != operations.NEW_CASE else None


def zone_of(office: Office) -> ZoneInfo:
    """Return the program's zone, in which people read times. UTC while there is no directory."""
    history = office.working_set().gateway.history
    return history.newest.zone if history.size else ZoneInfo("UTC")


def terms_here(office: Office) -> PackTerms:
    """Return the words of the pack that this agency adopted."""
    return terms_of(office.working_set())


def role_of(office: Office) -> str:
    """Return this agency's role in the directory, `nobody` where it isn't listed."""
    history = office.working_set().gateway.history
    return (history.newest.role(office.agency) if history.size else None) or "nobody"


def passphrase_of(options: argparse.Namespace) -> bytes:
    """Return the passphrase of the keys in a command's folder. Raises as `find_passphrase`."""
    setting = read_settings(Path(options.dir)).passphrase_file
    return find_passphrase(options.passphrase_file, setting, as_json=options.json)


def _print(options: argparse.Namespace, output: Output, complete: Callable[[str], str]) -> int:
    if options.json:
        print_json(output.json)
    else:
        for line in output.lines:
            print_text(complete(line))
    return output.code


def add_command(command: AgencyCommand, parser: argparse.ArgumentParser) -> None:
    """Add a command's words and options to its parser."""
    parser.add_argument("dir", metavar="DIR", help="the agency's folder")
    add_common_options(parser)
    if command.run is not None:
        add_by(parser)
    for word, word_help in command.words:
        kind = read_code if (word, word_help) in _CODES else str
        parser.add_argument(word, metavar=word.upper(), type=kind, help=word_help)
    if command.options is not None:
        command.options(parser)


def add_by(parser: argparse.ArgumentParser) -> None:
    """Add the flag that tells apart the people who share a login."""
    parser.add_argument(
        "--by",
        metavar="NAME",
        help="the listed person who acts, if several people share this login",
    )


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that every command has."""
    parser.add_argument(
        "--passphrase-file", metavar="FILE", help="a file with the passphrase of the keys"
    )
    parser.add_argument(
        "--clock", metavar="FILE", help="a file with one UTC time, for demonstrations only"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
