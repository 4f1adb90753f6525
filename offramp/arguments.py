"""The words of the commands that decide, author, and prove, and of the demonstration.

Each function adds a command's words to its parser, and replaces the parser's description where one
line says too little.
"""

from __future__ import annotations

import argparse
from typing import Any

Parser = argparse.ArgumentParser
_DECISIONS = "offer, screening, eligibility, admission, filing, review, …"
_ROOT_HELP = "the founders' fingerprint, from a source of your own"


def decide(parser: Parser, _: Any) -> None:
    """Add the words of `offramp decide`."""
    parser.description = (
        "Decide one case, or many. Exit code 0: decided; 3: undetermined, with what to ask whom; "
        "2: bad facts or pack."
    )
    parser.add_argument(
        "packs", metavar="PACK[,PACK…]", help="a shipped id or a folder; several print side by side"
    )
    parser.add_argument("decision", metavar="DECISION", help=_DECISIONS)
    parser.add_argument(
        "facts",
        metavar="FACTS",
        nargs="?",
        default="-",
        help="a JSON file, or - for standard input",
    )
    parser.add_argument(
        "--as-of",
        metavar="DATE",
        help="the day whose rules apply; else the decision's governing date",
    )
    _json(parser)
    parser.add_argument(
        "--considered",
        action="store_true",
        help="show every rule with its value and what settled it",
    )
    parser.add_argument(
        "--lines",
        action="store_true",
        help='JSON Lines: {"id", "facts"} in, {"id", "decision" | "error"} out',
    )
    parser.add_argument(
        "--map", metavar="MAP", help="FACTS is CSV; MAP.yaml says how a row becomes facts"
    )
    _engine(parser, "let a second engine decide too, and refuse the answer if it differs")


def interview(parser: Parser, _: Any) -> None:
    """Add the words of `offramp interview`."""
    parser.description = (
        "Ask only what still matters, the most decisive first. Exit code 0: decided; "
        "3: undetermined, with what may be done now; 2: bad facts or pack."
    )
    parser.add_argument("pack", metavar="PACK", help="a shipped id or a folder")
    parser.add_argument("decision", metavar="DECISION", help=_DECISIONS)
    parser.add_argument(
        "facts", metavar="FACTS", nargs="?", help="a JSON file of what is known already"
    )
    parser.add_argument(
        "--as",
        dest="role",
        metavar="ROLE",
        help="ask only what this role knows: police, prosecutor, …",
    )
    parser.add_argument(
        "--as-of",
        metavar="DATE",
        help="the day whose rules apply; else the decision's governing date",
    )
    parser.add_argument(
        "--save", metavar="FILE", help="write the facts gathered, as `offramp decide` reads them"
    )
    parser.add_argument(
        "--json", action="store_true", help="a JSON object a line out, an answer a line in"
    )


def offenses(parser: Parser, _: Any) -> None:
    """Add the words of `offramp offenses`."""
    parser.description = (
        "Put each section of the pack's offense table through the program's offer and test."
    )
    parser.add_argument("pack", metavar="PACK", help="a shipped id or a folder")
    parser.add_argument(
        "--as-of",
        metavar="DATE",
        required=True,
        help="the day of the arrest, and whose rules apply",
    )
    _json(parser)


def programs(parser: Parser, _: Any) -> None:
    """Add the words of `offramp programs`."""
    parser.description = (
        "List which programs were in force on a day, and how they ran, from their packs."
    )
    _several_packs(parser)
    parser.add_argument("--on", metavar="DATE", required=True, help="the day, as 2014-06-01")
    _json(parser)


def new(parser: Parser, _: Any) -> None:
    """Add the words of `offramp new`."""
    parser.add_argument(
        "name",
        metavar="NAME",
        help="the new folder; its last part is the pack's id, such as las-cruces",
    )
    parser.add_argument(
        "--from",
        dest="parent",
        metavar="PACK",
        required=True,
        help="a shipped id, or a folder beside the new one",
    )
    parser.add_argument(
        "--starts",
        metavar="DATE",
        help="the program's first day; else today, or the parent's first day if that is later",
    )
    _json(parser)


def check(parser: Parser, _: Any) -> None:
    """Add the words of `offramp check`."""
    _several_packs(parser)
    parser.add_argument(
        "--again", action="store_true", help="prove again what an earlier run proved"
    )
    _json(parser)


def test(parser: Parser, _: Any) -> None:
    """Add the words of `offramp test`."""
    _several_packs(parser)
    _json(parser)
    _engine(parser, "decide each scenario by a second engine too, and count what it can't express")


def show(parser: Parser, _: Any) -> None:
    """Add the words of `offramp show`."""
    parser.description = (
        "A pack as a document in plain English, made from the rules that run; several side by side."
    )
    parser.add_argument(
        "packs",
        metavar="PACK[,PACK…]",
        help="a shipped id or a folder; several are set side by side",
    )
    parser.add_argument("--timeline", action="store_true", help="what applied when")
    _day_shown(parser)
    _document(parser)


def card(parser: Parser, _: Any) -> None:
    """Add the words of `offramp card`."""
    parser.description = "The officer's pocket card for a program, one sheet."
    parser.add_argument("packs", metavar="PACK", help="a shipped id or a folder")
    _day_shown(parser)
    _document(parser)


def letter(parser: Parser, _: Any) -> None:
    """Add the words of `offramp letter`."""
    parser.description = (
        "A decision as a letter to the person it is about, in the pack's own words."
    )
    parser.add_argument(
        "decision",
        metavar="DECISION.json",
        help="what `offramp decide … --json` prints, or - for standard input",
    )
    parser.add_argument(
        "--pack", metavar="PACK", help="the pack that decided; else the shipped one of that id"
    )
    parser.add_argument("--lang", choices=("en", "es"), default="en", help="the letter's language")
    for name, metavar, entry in (
        ("--sender", "NAME", "the agency and the person that send it"),
        ("--phone", "NUMBER", "the phone number to call"),
        ("--date", "DATE", "the letter's date"),
        ("--case-number", "NUMBER", "the case number"),
        ("--reply-by", "DATE", "the day by which to ask for a review"),
    ):
        parser.add_argument(name, metavar=metavar, help=f"{entry}. Default: a line to fill in")
    _document(parser)


def demo(parser: Parser, _: Any) -> None:
    """Add the words of `offramp demo`."""
    parser.description = (
        "A hub and six agencies, each a process of its own on this machine, work three people's "
        "cases: who is told what, who isn't, and why. Everybody in it is made up."
    )
    parser.add_argument(
        "--dir", metavar="DIR", help="where hub and agencies have their folders; kept"
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep the folders, also without `--dir`"
    )
    parser.add_argument(
        "--canary",
        metavar="WORD",
        help="put this word into every content's salt, to see where contents end up",
    )
    parser.add_argument("--json", action="store_true", help="print the story as JSON")


def verify(parser: Parser, _: Any) -> None:
    """Add the words of `offramp verify`."""
    parser.description = (
        "Prove, offline, what an exhibit, an account or a receipt shows. Exit code 0: proved; "
        "1: not what it claims to be; 2: it can't be read."
    )
    parser.add_argument("file", metavar="FILE", help="a JSON file, or - for standard input")
    parser.add_argument("--root", metavar="FINGERPRINT", help=_ROOT_HELP)
    _json(parser)


def replay(parser: Parser, _: Any) -> None:
    """Add the words of `offramp replay`."""
    parser.description = (
        "Work a decision out again, offline. Exit code 0: the same, to the byte; 1: not the same, "
        "or not what it claims to be; 3: something that it rests on is withheld; "
        "2: it can't be read."
    )
    parser.add_argument(
        "file", metavar="FILE", help="a JSON file of `offramp agency export --replay`, or -"
    )
    parser.add_argument("--root", metavar="FINGERPRINT", help=_ROOT_HELP)
    parser.add_argument(
        "--pack",
        metavar="PACK",
        help="the pack by which it was decided, where it isn't a shipped one",
    )
    _json(parser)


def _json(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def _engine(parser: Parser, text: str) -> None:
    parser.add_argument("--engine", choices=("compiled", "durable"), default="compiled", help=text)


def _several_packs(parser: Parser) -> None:
    parser.add_argument(
        "packs",
        metavar="PACK",
        nargs="*",
        help="a shipped id or a folder; none: all shipped packs",
    )


def _day_shown(parser: Parser) -> None:
    parser.add_argument(
        "--as-of",
        metavar="DATE",
        help="the day whose rules are shown; else after the pack's last change",
    )


def _document(parser: Parser) -> None:
    parser.add_argument(
        "--html", action="store_true", help="print one HTML file, for the screen and for paper"
    )
    _json(parser)
