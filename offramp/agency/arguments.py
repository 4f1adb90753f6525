"""The words of `offramp agency`."""

from __future__ import annotations

import argparse
from typing import Any

COMMANDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "init": ("make an agency's folder and keys", ()),
    "join": ("ask a hub to list this agency", ("url", "code")),
    "approve": (
        "sign a draft whose digest was compared by voice: the directory's, or a restored hub's",
        ("digest",),
    ),
    "retire": (
        "retire a signing key, one's own at once, or propose that an agency leaves",
        ("named",),
    ),
    "spare": ("make one more signing key and propose it, so that one can retire", ()),
    "propose": ("propose a change of the directory, and sign it", ("file",)),
    "adopt": ("propose that a pack be adopted, and sign", ("pack",)),
    "serve": ("do everything that is due with the hub, and go on", ()),
    "status": ("what waits, and why", ()),
    "inbox": ("what came", ()),
    "send": ("compose a record, queue it and send it", ("kind", "file")),
    "cases": ("every case that this agency knows of", ()),
    "case": ("what is known of a case, with its sources, and what the rules answer", ("case",)),
    "note": ("keep facts that this agency knows itself", ("case", "file")),
    "notice": ("note that the person was given notice of the rules in force", ("case",)),
    "tasks": ("what is to be done, by when", ()),
    "meeting": ("the agenda of the partners' meeting", ()),
    "takeup": ("how many people got how far in a quarter", ()),
    "decide": ("what the rules answer in a case", ("case", "decision")),
    "ask": ("ask the other agencies for what a decision lacks", ("case", "decision")),
    "open": ("open a part for a named person", ("record",)),
    "consent": ("record what the person consented to", ("file",)),
    "revoke": ("end what the person consented to", ("case",)),
    "determine": ("record what a named human decided", ("case", "decision", "outcome")),
    "account": ("everything that was disclosed in a case", ("case",)),
    "export": ("write an opened record with its proofs to a file", ("record", "file")),
    "retry": ("send once more what the hub refused", ("record",)),
    "backup": ("copy the journal to a file; keys apart", ("file",)),
    "doctor": ("examine the installation: what is wrong, or not yet right", ()),
}


def agency(parser: argparse.ArgumentParser, parser_class: type[argparse.ArgumentParser]) -> None:
    """Add the words of `offramp agency`."""
    subparsers = parser.add_subparsers(
        dest="agency_command", metavar="COMMAND", required=True, parser_class=parser_class
    )
    for name, (text, words) in COMMANDS.items():
        command = subparsers.add_parser(name, help=text, description=text)
        _common(command)
        for word in words:
            command.add_argument(word, metavar=word.upper())
        _options(name, command)


def adopt(parser: argparse.ArgumentParser, _: Any) -> None:
    """Add the words of `offramp adopt`, the old spelling of `offramp agency adopt`."""
    parser.set_defaults(agency_command="adopt")
    parser.add_argument("pack", metavar="PACK", help="a shipped id or a folder")
    parser.add_argument(
        "--agency", dest="dir", metavar="DIR", required=True, help="the agency's folder"
    )
    _options_of_all(parser)


def doctor(parser: argparse.ArgumentParser, _: Any) -> None:
    """Add the words of `offramp doctor`, the old spelling of `offramp agency doctor`."""
    parser.set_defaults(agency_command="doctor")
    _common(parser)


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument("dir", metavar="DIR", help="the agency's folder")
    _options_of_all(command)


def _options_of_all(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--passphrase-file", metavar="FILE", help="what the keys are encrypted under"
    )
    command.add_argument(
        "--clock", metavar="FILE", help="a file with one UTC time; in a demo alone"
    )
    command.add_argument("--json", action="store_true", help="print JSON")


def _options(name: str, command: argparse.ArgumentParser) -> None:
    if name == "init":
        command.add_argument("--id", required=True, help="the agency's id: letters, digits, dashes")
        command.add_argument(
            "--demo", action="store_true", help="a clock in a file may be used here"
        )
    if name == "join":
        command.add_argument(
            "--part2",
            choices=("yes", "no", "unknown"),
            default="unknown",
            help="whether Part 2 covers it",
        )
        command.add_argument(
            "--custody", choices=("own", "hosted"), default="own", help="who holds its keys"
        )
    if name == "approve":
        command.add_argument(
            "--without",
            metavar="AGENCY",
            action="append",
            default=[],
            help="given up after a restore of the hub; one each time",
        )
    if name == "serve":
        command.add_argument("--once", action="store_true", help="do what is due, and end")
    if name == "send":
        command.add_argument("--case", metavar="HANDLE", help="which case it is about")
    if name == "consent":
        command.add_argument(
            "--case", metavar="HANDLE", required=True, help="which case it is about"
        )
    if name == "open":
        command.add_argument("--by", metavar="NAME", required=True, help="who reads it")
        command.add_argument(
            "--second", metavar="NAME", help="the second person, after an emergency"
        )
        command.add_argument("--part", metavar="ID", help="which part, where there are several")
    if name == "case":
        command.add_argument("--by", metavar="NAME", help="open first what this person may read")
    if name == "meeting":
        command.add_argument(
            "--present",
            metavar="AGENCY,…",
            help="only what each of these may be told: for a shared screen",
        )
    if name == "takeup":
        command.add_argument(
            "--quarter",
            metavar="YEAR-QN",
            required=True,
            help="a quarter that is over, such as 2026-Q2",
        )
    if name == "notice":
        command.add_argument("--by", metavar="NAME", required=True, help="who told the person")
    if name == "decide":
        command.add_argument(
            "--facts", metavar="FILE", help="facts of this office's own records, used and not kept"
        )
        command.add_argument(
            "--send", action="store_true", help="tell the answer to those who may have it"
        )
    if name == "export":
        command.add_argument(
            "--replay",
            action="store_true",
            help="a decision, own or received, with what it rests on",
        )
    if name == "revoke":
        command.add_argument(
            "--recipient", metavar="AGENCY", help="only what this agency may be told"
        )
        command.add_argument(
            "--oral", action="store_true", help="the person said so by word of mouth"
        )
    if name == "determine":
        command.add_argument("--reason", metavar="CODE", required=True, help="the reason's code")
        command.add_argument("--by", metavar="NAME", required=True, help="who decided")
        command.add_argument(
            "--to", metavar="AGENCY", help="only this agency is told; else all who may be"
        )
    if name == "account":
        command.add_argument(
            "--lang", choices=("en", "es"), default="en", help="the language of the words around it"
        )
