"""Commands of a member: found an agency, join a hub, and change the directory."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import ExchangeError
from exchange.standards import i_json
from offramp.agency import operations, wording
from offramp.agency.commands.command import (
    CODE,
    DIGEST,
    NAMED,
    PACK,
    URL,
    AgencyCommand,
    Output,
    actor_of,
)
from offramp.agency.commands.passphrase import find_passphrase
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.user_files import read_named, remote_files
from rules.errors import RequestError
from rules.input.printing import printable
from rules.shelf import shipped

if TYPE_CHECKING:
    from offramp.adoption import PackFiles
    from offramp.memo_file import MemoFile

LARGEST_CHANGE = 1024 * 1024  # bytes of a file with changes of the directory


def _init(options: argparse.Namespace) -> Output:
    passphrase = find_passphrase(options.passphrase_file, as_json=options.json, new=True)
    folder = Path(options.dir)
    operations.create_agency(folder, options.id, passphrase, demo=options.demo, founder=options.by)
    with closing(operations.open_office(folder, passphrase)) as office:
        founder = operations.sign_in(office).person
    lines = [
        f"`{options.dir}` is now the folder of `{options.id}`; keep the passphrase elsewhere",
        f"{founder.name} is listed with the login {', '.join(founder.logins)}. List others with "
        "`offramp agency staff DIR add`",
    ]
    return Output({"agency": options.id, "founder": founder.name}, lines)


def _init_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--id", required=True, help="the agency's id: letters, digits, dashes")
    parser.add_argument(
        "--by", metavar="NAME", help="your name, as records state it. Default: your account's"
    )
    parser.add_argument(
        "--demo", action="store_true", help="allow `--clock`, for demonstrations only"
    )


def _join(office: Office, options: argparse.Namespace) -> Output:
    request = operations.join_hub(
        office, options.url, options.code, part2=options.part2, custody=options.custody
    )
    line = (
        "asked to be listed; when all have joined, `offramp agency approve DIR 0` prints the "
        "draft's digest: compare it by voice, and run `offramp agency approve DIR DIGEST` with it"
    )
    return Output(request.as_json(), [line])


def _join_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--part2",
        choices=("yes", "no", "unknown"),
        default="unknown",
        help="whether 42 CFR Part 2 covers the agency",
    )
    parser.add_argument(
        "--custody",
        choices=("own", "hosted"),
        default="own",
        help="whether the agency or a host has its keys",
    )


def _approve(office: Office, options: argparse.Namespace) -> Output:
    approval = operations.approve_draft(office, options.digest, without=options.without)
    return Output(approval.as_json(), wording.approval_lines(approval))


def _approve_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--without",
        metavar="AGENCY",
        action="append",
        default=[],
        help="an agency whose records are given up after a restore of the hub (repeatable)",
    )


def _retire(office: Office, options: argparse.Namespace) -> Output:
    retirement = operations.retire(office, options.named)
    return Output(retirement.as_json(), wording.retirement_lines(retirement))


def _confirm_own(office: Office, options: argparse.Namespace) -> Output:
    confirmed = operations.confirm_own_record(office, actor_of(office), options.record)
    line = (
        f"`{confirmed.record}` is noted as sent from another folder of this agency, as "
        f"{confirmed.by} confirmed. It is no alarm any more, and its content is missing here"
    )
    return Output(confirmed.as_json(), [line])


def _spare(office: Office, options: argparse.Namespace) -> Output:
    spare = operations.make_spare_key(office)
    return Output(spare.as_json(), wording.spare_key_lines(spare))


def _propose(office: Office, options: argparse.Namespace) -> Output:
    try:
        change = i_json.read_object(read_named(options.file, LARGEST_CHANGE))
    except (OSError, ExchangeError) as error:
        why = error.message if isinstance(error, ExchangeError) else error.strerror
        raise AgencyError(
            "not-a-change", f"`{options.file}` can't be read: {why}", fix="write the change as JSON"
        ) from None
    proposal = operations.propose_change(office, change)
    return Output(proposal.as_json(), wording.proposal_lines(proposal))


def _pack_files(name: str) -> PackFiles:
    """Collect the files of a pack. A folder is read with the rights of its user.

    Raises `RequestError` `unknown-pack`; as `collect_pack`, and as `read_pack_files`.
    """
    from offramp.adoption import collect_pack, read_pack_files

    files = remote_files()
    if files is None or name in shipped():
        return collect_pack(name)
    try:
        return read_pack_files(files.collect_pack(name))
    except OSError as error:
        raise RequestError(
            "unknown-pack",
            f"the pack `{printable(name)}` can't be read: {(error.strerror or 'no').lower()}",
            fix="name a folder that you can read",
        ) from None


def _adopt(office: Office, options: argparse.Namespace) -> Output:
    memo = _memo(options.memo) if options.memo is not None else None
    proposal = operations.adopt_pack(office, _pack_files(options.pack), memo)
    return Output(proposal.as_json(), wording.pack_proposal_lines(proposal))


def _memo(name: str) -> MemoFile:
    """Read the memo in a file. Raises `RequestError` `not-a-memo`, `memo-changed`."""
    from offramp.memo_file import LARGEST, read_memo

    try:
        return read_memo(read_named(name, LARGEST))
    except OSError as error:
        raise RequestError(
            "not-a-memo",
            f"`{printable(name)}` can't be read: {(error.strerror or 'no').lower()}",
            fix="name the file that `offramp change OLD NEW --json` printed",
        ) from None


def _adopt_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--memo",
        metavar="FILE",
        help="the memo of the change (`offramp change --json`), to be signed with the pack",
    )


COMMANDS = (
    AgencyCommand(
        "init",
        "make an agency's folder and keys",
        run_without_office=_init,
        options=_init_options,
        owner_only="it makes a folder",
    ),
    AgencyCommand(
        "join",
        "ask a hub to list this agency",
        run=_join,
        words=(URL, CODE),
        options=_join_options,
    ),
    AgencyCommand(
        "approve",
        "sign a draft of the directory or of a restored hub, after comparing its digest by phone",
        run=_approve,
        words=(DIGEST,),
        options=_approve_options,
    ),
    AgencyCommand(
        "retire",
        "retire an own key at once, or propose that an agency leaves",
        run=_retire,
        words=(NAMED,),
    ),
    AgencyCommand(
        "confirm-own",
        "confirm that a folder of your own, which you stopped, sent a record",
        run=_confirm_own,
        words=(("record", "the record's id"),),
    ),
    AgencyCommand("spare", "make a second signing key and propose it", run=_spare),
    AgencyCommand(
        "propose",
        "propose a change of the directory and sign it",
        run=_propose,
        words=(("file", "a JSON file with the changes of the directory"),),
    ),
    AgencyCommand(
        "adopt",
        "propose that a pack be adopted, and sign it",
        run=_adopt,
        words=(PACK,),
        options=_adopt_options,
    ),
)
