"""The words of `offramp hub`."""

from __future__ import annotations

import argparse
from typing import Any

from exchange.records.kinds import kinds
from offramp.arguments import add_force

COMMANDS = {
    "init": "make a hub's folder",
    "serve": "run the hub",
    "invite": "print an invitation code for an agency, list invitations, or withdraw one",
    "backup": "copy the database to a file, also while the hub runs",
    "restore": "replace the database by a backup",
    "generation": "show what a restored hub lacks, and which agencies must sign",
    "fsck": "check every byte of a stopped hub's database",
}


def hub(parser: argparse.ArgumentParser, parser_class: type[argparse.ArgumentParser]) -> None:
    """Add the words of `offramp hub`."""
    subparsers = parser.add_subparsers(
        dest="hub_command", metavar="COMMAND", required=True, parser_class=parser_class
    )
    for name, text in COMMANDS.items():
        command = subparsers.add_parser(name, help=text, description=text)
        command.add_argument("dir", metavar="DIR", help="the hub's folder")
        _options(name, command)


def fsck(parser: argparse.ArgumentParser, _: Any) -> None:
    """Add the words of `offramp fsck`, the old spelling of `offramp hub fsck`."""
    parser.set_defaults(hub_command="fsck")
    parser.add_argument("dir", metavar="DIR", help="the hub's folder")


def _options(name: str, command: argparse.ArgumentParser) -> None:
    if name == "init":
        _init(command)
    if name in ("init", "serve"):
        default = "8440" if name == "init" else "the port in `hub.toml`"
        command.add_argument(
            "--port",
            type=int,
            default=8440 if name == "init" else None,
            help=f"the port to serve on. Default: {default}",
        )
    if name == "serve":
        command.add_argument(
            "--health-port",
            metavar="PORT",
            type=int,
            help="the port of /health and /metrics on this machine, 0 for any that is free. "
            "Default: `health_port` in `hub.toml`, or else the port after the hub's",
        )
    if name == "invite":
        command.add_argument(
            "agency",
            metavar="AGENCY",
            nargs="?",
            help="its id: lower-case letters, digits, dashes",
        )
        command.add_argument("--role", help=f"its role: {', '.join(kinds()['answer'].issuers)}")
        command.add_argument("--name", help="its name for people")
        command.add_argument("--withdraw", action="store_true", help="end its invitation")
        command.add_argument("--list", action="store_true", help="list the open invitations")
        command.add_argument("--json", action="store_true", help="print JSON")
    if name == "generation":
        command.add_argument("--json", action="store_true", help="print JSON")
        command.add_argument(
            "--without",
            metavar="AGENCY",
            action="append",
            default=[],
            help="with the hub stopped: go on without this agency's pieces (repeatable). "
            "`-` waits for all again",
        )
    if name in ("serve", "invite", "generation"):
        command.add_argument(
            "--clock",
            metavar="FILE",
            help="a file with one UTC time, for demonstrations only",
        )
    if name in ("backup", "restore"):
        text = "the new file" if name == "backup" else "a file of `offramp hub backup`"
        command.add_argument("file", metavar="FILE", help=text)
    if name == "backup":
        add_force(command)


def _init(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--pack", required=True, help="the pack that decides disclosure: a shipped id or a folder"
    )
    command.add_argument(
        "--name",
        default="hub.local/offramp",
        help="the log's permanent name, such as hub.example/city",
    )
    command.add_argument("--program", help="the program's name. Default: the pack's title")
    command.add_argument("--zone", help="the program's time zone. Default: the pack's")
    command.add_argument(
        "--demo", action="store_true", help="allow `--clock`, never for real people"
    )
