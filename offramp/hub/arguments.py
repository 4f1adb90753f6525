"""The words of `offramp hub`."""

from __future__ import annotations

import argparse
from typing import Any

COMMANDS = {
    "init": "make a hub's folder",
    "serve": "run the hub",
    "invite": "print a code with which an agency joins",
    "backup": "copy the database to a file, while the hub runs or not",
    "restore": "put a backup in the database's place",
    "generation": "what a restored hub lacks, and who must sign before it goes on",
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
        command.add_argument("--port", type=int, default=8440 if name == "init" else None)
    if name == "invite":
        command.add_argument(
            "agency", metavar="AGENCY", help="its id: lower-case letters, digits, dashes"
        )
        command.add_argument("--role", required=True)
        command.add_argument("--name", required=True)
    if name == "generation":
        command.add_argument("--json", action="store_true", help="print JSON")
        command.add_argument(
            "--without",
            metavar="AGENCY",
            action="append",
            default=[],
            help="with the hub stopped: go on without the word of this agency, "
            "and of each named so; `-`: with everybody's",
        )
    if name in ("serve", "invite", "generation"):
        command.add_argument(
            "--clock",
            metavar="FILE",
            help="a file with the one time that is now (demonstrations)",
        )
    if name in ("backup", "restore"):
        command.add_argument("file", metavar="FILE")


def _init(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--pack", required=True, help="a shipped id or a folder: whose `disclosure` decides"
    )
    command.add_argument(
        "--name",
        default="hub.local/offramp",
        help="the log's name, for ever: hub.example/city",
    )
    command.add_argument("--program", help="the program's name; else the pack's title")
    command.add_argument("--zone", help="the program's time zone; else the pack's")
    command.add_argument(
        "--demo", action="store_true", help="allow `--clock`; never for real people"
    )
