"""The words of the commands that decide, author, and prove, and of the demonstration.

Each function adds a command's words to its parser, and replaces the parser's description where one
line says too little.
"""

from __future__ import annotations

import argparse

from rules.errors import FactsError

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


Parser = argparse.ArgumentParser
_DECISIONS = "offer, screening, eligibility, admission, filing, review, …"
_MOST_JOBS = 64
_LONGEST_NUMBER = 9  # digits
LEAST_SHOWN = 11  # the least count that a table shows by itself
_MOST_SECONDS = 86_400
_ROOT_HELP = "the founders' fingerprint, from a source of your own"


def _day(text: str) -> str:
    """Return a day as the rules read it. What is no day stays as it is, and is refused there."""
    from rules.input.typed_days import read_typed_day  # most words are no days

    try:
        day = read_typed_day(text)
    except FactsError:
        return text
    return text if day is None else day.isoformat()


def _jobs(text: str) -> int:
    """Return a number of processes."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _MOST_JOBS:
        raise argparse.ArgumentTypeError(f"it is a number from 1 to {_MOST_JOBS}")
    return int(text)


def _seconds(text: str) -> int:
    """Return a number of seconds."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"it is a number from 1 to {_MOST_SECONDS}")
    return int(text)


def _language(text: str) -> str:
    """Return the code of a language that this program writes, by its name or its code."""
    from rules.input.language_names import read_language  # most words are no languages

    code = (read_language(text) or "").partition("-")[0]
    if code not in ("en", "es"):
        raise argparse.ArgumentTypeError("it is `en` or `es`, English or Spanish")
    return code


def add_language(parser: Parser, text: str, default: str | None = "en") -> None:
    """Add `--lang`: a language that this program writes, by its code or its name."""
    parser.add_argument("--lang", type=_language, metavar="{en,es}", default=default, help=text)


def _whole(text: str) -> int:
    """Return a whole number."""
    if not text.isascii() or not text.isdigit() or len(text) > _LONGEST_NUMBER:
        raise argparse.ArgumentTypeError("it is a whole number")
    return int(text)


def _least_cell(text: str) -> int:
    """Return the least count that is shown, as a whole number."""
    if text.startswith("-") and text[1:].isdigit():
        raise argparse.ArgumentTypeError(
            f"`{text[:_LONGEST_NUMBER]}` would show counts under {LEAST_SHOWN}; write "
            f"{LEAST_SHOWN} or more"
        )
    return _whole(text)


def _percent(text: str) -> int:
    """Return a percentage."""
    if not text.isascii() or not text.isdigit() or not 0 <= int(text) <= 100:
        raise argparse.ArgumentTypeError("it is a whole number from 0 to 100")
    return int(text)


def decide(parser: Parser, *_: Any) -> None:
    """Add the words of `offramp decide`."""
    parser.description = (
        "Decide one case, or many. Exit code 0: decided. 3: undetermined, with the questions and "
        "the roles to ask. 2: bad facts or pack."
    )
    parser.add_argument(
        "packs", metavar="PACK[,PACK…]", help="a shipped id or a folder. Several print side by side"
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
        type=_day,
        metavar="DATE",
        help="the day whose rules apply. Default: the decision's governing date",
    )
    _json(parser)
    parser.add_argument(
        "--considered",
        action="store_true",
        help="show every rule with its value and the facts that settled it",
    )
    parser.add_argument(
        "--exact",
        action="store_true",
        help="the outcomes over every completion of the facts, by the solver. Exit code 0 if one",
    )
    parser.add_argument(
        "--what-if",
        action="store_true",
        help="the smallest change of facts that gives another outcome, by the solver",
    )
    parser.add_argument(
        "--lines",
        action="store_true",
        help='JSON Lines: {"id", "facts"} in, {"id", "decision" | "error"} out',
    )
    parser.add_argument(
        "--map", metavar="MAP", help="FACTS is CSV, and MAP.yaml states how a row becomes facts"
    )
    parser.add_argument(
        "--jobs",
        type=_jobs,
        metavar="N",
        help="decide many cases in N processes. The answers keep the order of the file",
    )
    _counted_rows(parser)
    parser.add_argument(
        "--strict", action="store_true", help="refuse the file if any counted row can't be read"
    )
    _engine(
        parser,
        "`durable`: let a second engine decide too, and refuse an answer that differs. With "
        "--by, the database that counts the rows: `duckdb` (default) or `spark`",
        ("compiled", "durable", "duckdb", "spark"),
    )
    _master(parser)
    _today(parser)


def _counted_rows(parser: Parser) -> None:
    """Add the words that count the rows of a table in place of printing each answer."""
    parser.add_argument(
        "--by",
        action="append",
        metavar="COL",
        help="with --map: count the rows by answer, for each value of a column or group of the map",
    )
    parser.add_argument(
        "--where",
        action="append",
        metavar="COL=VALUE",
        help="count only these rows. COL=18.. is 18 and more",
    )
    parser.add_argument(
        "--assume",
        metavar="FILE",
        help="facts that every row lacks, as JSON, or `nothing`. Default: values under which no "
        "rule bars, which are printed. FILE replaces all of these, so state each that you keep",
    )
    parser.add_argument(
        "--min-cell",
        type=_least_cell,
        default=LEAST_SHOWN,
        metavar="N",
        help="hide counts below N, and what would tell them. N is at least 11, the default",
    )
    parser.add_argument(
        "--allow-left-out",
        type=_percent,
        default=10,
        metavar="PERCENT",
        help="the most rows that may be left out since they can't be read. Default: 10",
    )
    parser.add_argument(
        "--beside",
        action="append",
        metavar="REPORT",
        help="an earlier report of the same file, as --json printed it. Together, the reports tell "
        "nothing that one of them hides. Name each that its readers may have",
    )


def _master(parser: Parser) -> None:
    parser.add_argument(
        "--master",
        metavar="URL",
        help="with `--engine spark`: `local[2]` for two cores of this computer, or the cluster at "
        "`spark://HOST:PORT`. Default: all cores of this computer",
    )


def interview(parser: Parser, *_: Any) -> None:
    """Add the words of `offramp interview`."""
    parser.description = (
        "Ask only questions that still matter, the most decisive first. Exit code 0: decided. "
        "3: undetermined, with the next step. 2: bad facts or pack."
    )
    parser.add_argument("pack", metavar="PACK", help="a shipped id or a folder")
    parser.add_argument("decision", metavar="DECISION", help=_DECISIONS)
    parser.add_argument(
        "facts", metavar="FACTS", nargs="?", help="a JSON file with the facts known so far"
    )
    parser.add_argument(
        "--as",
        dest="role",
        metavar="ROLE",
        help="ask only for facts that this role knows: police, prosecutor, …",
    )
    parser.add_argument(
        "--as-of",
        type=_day,
        metavar="DATE",
        help="the day whose rules apply. Default: the decision's governing date",
    )
    parser.add_argument(
        "--save",
        metavar="FILE",
        help="write the collected facts to a new file, as `offramp decide` reads them",
    )
    add_force(parser)
    parser.add_argument(
        "--json", action="store_true", help="print a JSON object a line, and read an answer a line"
    )
    _today(parser)


def offenses(parser: Parser, *_: Any) -> None:
    """Add the words of `offramp offenses`."""
    parser.description = (
        "Put each section of the pack's offense table through the program's offer and test."
    )
    parser.add_argument("pack", metavar="PACK", help="a shipped id or a folder")
    parser.add_argument(
        "--as-of",
        type=_day,
        metavar="DATE",
        required=True,
        help="the day of the arrest, whose rules apply",
    )
    _json(parser)


def programs(parser: Parser, *_: Any) -> None:
    """Add the words of `offramp programs`."""
    parser.description = "List the programs in force on a day and how they ran, from their packs."
    _several_packs(parser)
    parser.add_argument(
        "--on", type=_day, metavar="DATE", required=True, help="the day, as 2014-06-01 or 6/1/2014"
    )
    _json(parser)


def new(parser: Parser, *_: Any) -> None:
    """Add the words of `offramp new`."""
    parser.add_argument(
        "name",
        metavar="NAME",
        help="the new folder. Its last part is the pack's id, such as las-cruces",
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
        help="the program's first day. Default: today, or a later first day of the parent",
    )
    _json(parser)


def check(parser: Parser, *_: Any) -> None:
    """Add the words of `offramp check`."""
    _several_packs(parser)
    parser.add_argument(
        "--again", action="store_true", help="repeat proofs that an earlier run made"
    )
    _json(parser)
    _today(parser)


def prove(parser: Parser, *_: Any) -> None:
    """Add the words of `offramp prove`."""
    parser.description = (
        "Prove each invariant of a pack on each stretch of days, with the solver Z3. Exit code 0: "
        "all proved. 1: one is refuted, by a case. 3: one is open. 2: bad pack."
    )
    _several_packs(parser)
    parser.add_argument(
        "--claim",
        metavar="FILE",
        help="prove what this file claims too: `invariants:` as in a pack",
    )
    parser.add_argument(
        "--as-scenario",
        action="store_true",
        help="add each case that refutes one to the pack's scenarios",
    )
    parser.add_argument(
        "--limit",
        type=_seconds,
        default=60,
        metavar="SECONDS",
        help="the longest time for one proof. Default: 60",
    )
    _json(parser)


def change(parser: Parser, *_: Any) -> None:
    """Add the words of `offramp change`."""
    parser.description = (
        "Test a rule change before it reaches anyone: what it says, which cases it changes, and "
        "what it can never change. Exit code 0: done. 1: a finding. 3: something is open. 2: bad "
        "input."
    )
    sides = "a shipped id, a folder, PACK@DATE, REV:FOLDER (read with git), or packs/DIGEST.json"
    parser.add_argument("old", metavar="OLD", help=f"the rules before: {sides}")
    parser.add_argument("new", metavar="NEW", help="the rules after, named in the same way")
    parser.add_argument(
        "--decision",
        action="append",
        metavar="NAME",
        help="a decision to compare. May be repeated. Default: all",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="exit code 1 if no scenario covers a part of it. With --cohort, refuse the file if "
        "any counted row can't be read",
    )
    parser.add_argument(
        "--write-scenarios",
        action="store_true",
        help="add the offered scenarios to scenarios.yaml of NEW, a folder. Read them before you "
        "keep them",
    )
    parser.add_argument(
        "--cohort",
        metavar="FILE",
        help="count the rows of this file before and after, such as past arrests. It needs --map",
    )
    parser.add_argument(
        "--map", metavar="MAP", help="MAP.yaml states how a row of the file becomes facts"
    )
    _counted_rows(parser)
    parser.add_argument(
        "--engine",
        choices=("duckdb", "spark"),
        help="the database that counts the rows. Both give the same table. Default: duckdb",
    )
    _master(parser)
    parser.add_argument(
        "--limit",
        type=_seconds,
        default=60,
        metavar="SECONDS",
        help="the longest time for one decision. Default: 60",
    )
    parser.add_argument(
        "--html", metavar="FILE", help="write the memo as a page too: one HTML file, for print"
    )
    parser.add_argument(
        "--agency",
        metavar="DIR",
        help="count the open cases of the agency in this folder whose answer changes, by a "
        "supervisor. Their handles stay in the folder",
    )
    parser.add_argument(
        "--person", metavar="NAME", help="the listed person who acts, as `--by` of `offramp agency`"
    )
    parser.add_argument(
        "--passphrase-file", metavar="FILE", help="a file with the passphrase of the agency's keys"
    )
    parser.add_argument(
        "--clock", metavar="FILE", help="a file with one UTC time, for demonstrations only"
    )
    parser.add_argument("--force", action="store_true", help="replace FILE if it is there")
    parser.add_argument(
        "--again",
        metavar="MEMO",
        help="make this memo again, with its scenarios, and say whether it is the same. Exit code "
        "1 if a part differs",
    )
    _json(parser)
    parser.add_argument(
        "--today",
        metavar="DATE",
        help="the day to compare on, if neither side names one. Default: this machine's",
    )


def test(parser: Parser, *_: Any) -> None:
    """Add the words of `offramp test`."""
    _several_packs(parser)
    _json(parser)
    _engine(parser, "decide each scenario by a second engine too, and count those it can't express")
    parser.add_argument(
        "--mutants",
        action="store_true",
        help="make one small mistake at a time, and count those that a scenario notices",
    )
    parser.add_argument(
        "--write",
        action="store_true",
        help="with --mutants, add the missing scenarios to `scenarios.auto.yaml`",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="with --mutants, exit with 1 if a mistake goes unnoticed",
    )


def show(parser: Parser, *_: Any) -> None:
    """Add the words of `offramp show`."""
    parser.description = (
        "Print a pack as a document in plain English, made from the rules that run. Several packs "
        "print side by side."
    )
    parser.add_argument(
        "packs",
        metavar="PACK[,PACK…]",
        nargs="?",
        help="a shipped id or a folder. Several print side by side",
    )
    parser.add_argument(
        "--map", metavar="MAP", help="print this map instead: a shipped id, or a file"
    )
    parser.add_argument("--timeline", action="store_true", help="show which rules applied when")
    _day_shown(parser)
    _document(parser)
    _day_of_reading(parser)


def card(parser: Parser, *_: Any) -> None:
    """Add the words of `offramp card`."""
    parser.description = "Print the officer's pocket card for a program, one sheet."
    parser.add_argument("packs", metavar="PACK", help="a shipped id or a folder")
    _day_shown(parser)
    _document(parser)
    parser.add_argument(
        "--offline", metavar="FILE", help="write the offer as one page to tap through, for phones"
    )
    parser.add_argument("--force", action="store_true", help="replace FILE if it is there")
    _day_of_reading(parser)


def console(parser: Parser, *_: Any) -> None:
    """Add the words of `offramp console`."""
    parser.description = (
        "Serve the packs as pages on this machine, until Ctrl-C: each pack as a document, its "
        "timeline, and a case to try. Of what is entered, only the text of a draft is kept."
    )
    parser.add_argument(
        "packs", metavar="PACK", nargs="*", help="a folder to serve beside the shipped packs"
    )
    parser.add_argument(
        "--drafts",
        metavar="DIR",
        help="a folder with the folders of drafts: each can be edited, and is shown with the memo "
        "of its change",
    )
    parser.add_argument(
        "--cohort", metavar="FILE", help="count the rows of this file in each memo. It needs --map"
    )
    parser.add_argument("--map", metavar="MAP", help="MAP.yaml states how a row becomes facts")
    _counted_rows(parser)
    parser.set_defaults(strict=False, limit=60.0, engine=None, master=None)
    parser.add_argument(
        "--port", type=int, default=8090, help="the port on 127.0.0.1 (default: 8090; 0 for any)"
    )
    _today(parser)


def letter(parser: Parser, *_: Any) -> None:
    """Add the words of `offramp letter`."""
    parser.description = "Print a decision as a letter to the person it is about."
    parser.add_argument(
        "decision",
        metavar="DECISION.json",
        help="the output of `offramp decide … --json`, or - for standard input",
    )
    parser.add_argument(
        "--pack", metavar="PACK", help="the pack that decided. Default: the shipped pack of that id"
    )
    add_language(parser, "the letter's language")
    for name, metavar, entry in (
        ("--sender", "NAME", "the agency and the person that send it"),
        ("--phone", "NUMBER", "the phone number to call"),
        ("--date", "DATE", "the letter's date"),
        ("--case-number", "NUMBER", "the case number"),
        ("--reply-by", "DATE", "the day by which to ask for a review"),
    ):
        parser.add_argument(name, metavar=metavar, help=f"{entry}. Default: a line to fill in")
    _document(parser)


def demo(parser: Parser, *_: Any) -> None:
    """Add the words of `offramp demo`."""
    parser.description = (
        "A hub and six agencies, each a process on this machine, work on three made-up people's "
        "cases. It prints what each agency was told, what was withheld, and why."
    )
    parser.add_argument("--dir", metavar="DIR", help="keep the folders of hub and agencies here")
    parser.add_argument("--keep", action="store_true", help="keep the folders even without `--dir`")
    parser.add_argument(
        "--canary",
        metavar="WORD",
        help="put this word into every content's salt, to see where contents end up",
    )
    parser.add_argument(
        "--console",
        action="store_true",
        help="leave the town running afterwards, with a console for each agency",
    )
    parser.add_argument("--json", action="store_true", help="print the story as JSON")


def verify(parser: Parser, *_: Any) -> None:
    """Add the words of `offramp verify`."""
    parser.description = (
        "Verify an exhibit, an account, or a receipt offline. Exit code 0: proved. 1: it is not "
        "what it claims to be. 2: it can't be read."
    )
    parser.add_argument("file", metavar="FILE", help="a JSON file, or - for standard input")
    parser.add_argument("--root", metavar="FINGERPRINT", help=_ROOT_HELP)
    _json(parser)


def replay(parser: Parser, *_: Any) -> None:
    """Add the words of `offramp replay`."""
    parser.description = (
        "Decide again, offline, from a decision's exhibit. Exit code 0: the same, to the byte. 1: "
        "different, or not what it claims to be. 3: a needed record is withheld. 2: it can't be "
        "read."
    )
    parser.add_argument(
        "file", metavar="FILE", help="a JSON file of `offramp agency export --replay`, or -"
    )
    parser.add_argument("--root", metavar="FINGERPRINT", help=_ROOT_HELP)
    parser.add_argument(
        "--pack",
        metavar="PACK",
        help="the pack that decided, if it isn't a shipped one",
    )
    _json(parser)


def add_force(parser: Parser) -> None:
    """Add the option that permits a command to overwrite its file."""
    parser.add_argument("--force", action="store_true", help="overwrite the file if it exists")


def _json(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def _today(parser: Parser) -> None:
    parser.add_argument(
        "--today",
        metavar="DATE",
        help="the day against which the age of the sources is measured. Default: this machine's",
    )


def _day_of_reading(parser: Parser) -> None:
    parser.add_argument(
        "--today",
        metavar="DATE",
        help="today, by which rules are chosen and the age of the sources is measured. Default: "
        "the day it is in the program's time zone",
    )


def _engine(parser: Parser, text: str, choices: Sequence[str] = ("compiled", "durable")) -> None:
    parser.add_argument("--engine", choices=choices, default="compiled", help=text)


def _several_packs(parser: Parser) -> None:
    parser.add_argument(
        "packs",
        metavar="PACK",
        nargs="*",
        help="a shipped id or a folder. Default: all shipped packs",
    )


def _day_shown(parser: Parser) -> None:
    parser.add_argument(
        "--as-of",
        type=_day,
        metavar="DATE",
        help="the day whose rules are shown. Default: today, or the nearest day on which the "
        "program runs",
    )


def _document(parser: Parser) -> None:
    parser.add_argument(
        "--html", action="store_true", help="print one HTML file, for the screen and for paper"
    )
    _json(parser)
