"""The words of `offramp agency`."""

from __future__ import annotations

import argparse
from typing import Any

from offramp.arguments import add_force

COMMANDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "init": ("make an agency's folder and keys", ()),
    "join": ("ask a hub to list this agency", ("url", "code")),
    "approve": (
        "sign a draft of the directory or of a restored hub, after comparing its digest by phone",
        ("digest",),
    ),
    "retire": (
        "retire an own signing key at once, or propose that an agency leaves",
        ("named",),
    ),
    "spare": ("make a second signing key and propose it", ()),
    "propose": ("propose a change of the directory and sign it", ("file",)),
    "adopt": ("propose that a pack be adopted, and sign it", ("pack",)),
    "serve": ("run the gateway: send, pull, and do what is due with the hub", ()),
    "status": ("show queued records and why they are pending", ()),
    "inbox": ("list what other agencies sent", ()),
    "send": ("compose a record from a file, queue it, and send it", ("kind", "file")),
    "cases": ("list every case that this agency knows", ()),
    "case": ("show a case: facts, their sources, and the rules' answers", ("case",)),
    "note": ("keep facts from this agency's own knowledge", ("case", "file")),
    "notice": ("note that the person was told of the rules in force", ("case",)),
    "tasks": ("list tasks with their deadlines", ()),
    "meeting": ("print the agenda of the partners' meeting", ()),
    "takeup": ("count the people at each step in a quarter", ()),
    "decide": ("show the rules' answer in a case", ("case", "decision")),
    "ask": ("ask other agencies for the facts that a decision lacks", ("case", "decision")),
    "open": ("open a part for a named person", ("record",)),
    "consent": ("record a person's consent", ("file",)),
    "revoke": ("end a person's consent, or a part of it", ("case",)),
    "determine": ("record a named person's decision", ("case", "decision", "outcome")),
    "account": ("list everything that was disclosed in a case", ("case",)),
    "export": ("write an opened record with its proofs to a file", ("record", "file")),
    "retry": ("send again a record that the hub refused", ("record",)),
    "backup": ("write the whole agency to one encrypted file", ("file",)),
    "restore": ("make an agency's folder again from the file of a backup or move", ("file",)),
    "move": (
        "write the whole agency to a file for another machine, and send nothing from here",
        ("file",),
    ),
    "doctor": ("examine the installation and name its faults", ()),
}

# The arguments that have no dashes.
WORDS = {
    "url": "the hub's address, such as https://hub.example:8440",
    "code": "the invitation code from the hub's operator",
    "digest": "the digest that was compared by voice. Any other word prints the draft's digest",
    "named": "an agency's id, or the id of a signing key, such as clinic.s1",
    "pack": "a shipped id or a folder",
    "kind": "the kind of record, such as referral",
    "case": "the case's handle, or its first digits (at least 4)",
    "decision": "the decision, such as eligibility",
    "outcome": "the person's decision, such as eligible",
    "record": "the record's number in the inbox, or its id in `status`",
}
# The files of single commands.
FILES = {
    "propose": "a JSON file with the changes of the directory",
    "send": "a YAML or JSON file with the record's parts",
    "note": "a JSON file with facts",
    "consent": "a YAML or JSON file with the consent's parts",
    "export": "the new file",
    "backup": "the new file",
    "restore": "the file that `backup` or `move` wrote",
    "move": "the new file",
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
            word_help = FILES[name] if word == "file" else WORDS[word]
            command.add_argument(word, metavar=word.upper(), help=word_help)
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
        "--passphrase-file", metavar="FILE", help="a file with the passphrase of the keys"
    )
    command.add_argument(
        "--clock", metavar="FILE", help="a file with one UTC time, for demonstrations only"
    )
    command.add_argument("--json", action="store_true", help="print JSON")


def _options(name: str, command: argparse.ArgumentParser) -> None:
    if name == "init":
        command.add_argument("--id", required=True, help="the agency's id: letters, digits, dashes")
        command.add_argument(
            "--demo", action="store_true", help="allow `--clock`, for demonstrations only"
        )
    if name == "join":
        command.add_argument(
            "--part2",
            choices=("yes", "no", "unknown"),
            default="unknown",
            help="whether 42 CFR Part 2 covers the agency",
        )
        command.add_argument(
            "--custody",
            choices=("own", "hosted"),
            default="own",
            help="whether the agency or a host has its keys",
        )
    if name == "approve":
        command.add_argument(
            "--without",
            metavar="AGENCY",
            action="append",
            default=[],
            help="an agency whose records are given up after a restore of the hub (repeatable)",
        )
    if name == "backup":
        command.add_argument(
            "--drill", action="store_true", help="restore the file for a trial, and compare"
        )
    if name == "serve":
        command.add_argument("--once", action="store_true", help="do what is due once, then exit")
    if name == "send":
        command.add_argument("--case", metavar="HANDLE", help="the case, by its handle")
    if name == "consent":
        command.add_argument(
            "--case", metavar="HANDLE", required=True, help="the case, by its handle"
        )
    if name == "open":
        command.add_argument("--by", metavar="NAME", required=True, help="the reader's name")
        command.add_argument(
            "--second", metavar="NAME", help="the second person's name, after a medical emergency"
        )
        command.add_argument("--part", metavar="ID", help="the part, if the record has several")
    if name == "case":
        command.add_argument(
            "--by", metavar="NAME", help="open unopened parts in this person's name first"
        )
    if name == "meeting":
        command.add_argument(
            "--present",
            metavar="AGENCY,…",
            help="show only what each of these agencies may see, for a shared screen",
        )
    if name == "takeup":
        command.add_argument(
            "--quarter",
            metavar="YEAR-QN",
            required=True,
            help="a past quarter, such as 2026-Q2",
        )
    if name == "notice":
        command.add_argument(
            "--by",
            metavar="NAME",
            required=True,
            help="the name of the person that gave the notice",
        )
    if name == "decide":
        command.add_argument(
            "--facts", metavar="FILE", help="facts from this office's own records: used, not kept"
        )
        command.add_argument(
            "--send",
            action="store_true",
            help="send the answer to the agencies that may receive it",
        )
    if name in ("export", "backup"):
        add_force(command)
    if name == "export":
        command.add_argument(
            "--replay",
            action="store_true",
            help="export a decision with the records that it is based on",
        )
    if name == "revoke":
        command.add_argument(
            "--recipient", metavar="AGENCY", help="end only what this agency may receive"
        )
        command.add_argument("--oral", action="store_true", help="the person revoked orally")
    if name == "determine":
        command.add_argument(
            "--reason",
            metavar="CODE",
            required=True,
            help="the reason, as a code such as `rules` or `safety`",
        )
        command.add_argument(
            "--by", metavar="NAME", required=True, help="the name of the person that decided"
        )
        command.add_argument(
            "--to",
            metavar="AGENCY",
            help="send it to this agency only, not to all that may receive it",
        )
    if name == "account":
        command.add_argument(
            "--lang",
            choices=("en", "es"),
            default="en",
            help="the language of the account's own words",
        )
