"""The command line: words to a command, refusals to one sentence and an exit code.

0 decided or all well · 1 found wrong · 2 bad input or pack · 3 undetermined. With `--json` a refusal is an object on stdout.
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

from offramp import __version__
from rules.errors import Refusal, RequestError, respelling
from rules.input.printing import printable


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **options})
        self._mixing = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Options may stand anywhere among the words: before Python 3.12 one before `[FACTS]` made the file unknown."""
        if self._subparsers is not None or self._mixing:
            return super().parse_known_args(args, namespace)
        self._mixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._mixing = False

    def error(self, message: str) -> NoReturn:
        in_ticks = re.sub(r"'([^']*)'", r"`\1`", printable(message))
        command = re.search(r"invalid choice: `([^`]*)`", in_ticks)
        fix = respelling(command[1], ("offenses",)) if command else None
        raise RequestError("usage", in_ticks, fix=fix or f"see `{self.prog} --help`")


def parser_of() -> argparse.ArgumentParser:
    """The words of every command."""
    parser = _Parser(
        prog="offramp",
        description="Rules for diversion programs: decide, explain, and say what is missing.",
    )
    parser.add_argument("--version", action="version", version=f"offramp {__version__}")
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=_Parser
    )

    decide = commands.add_parser(
        "decide",
        help="decide one case, or many",
        description="Decide one case, or many. Exit code "
        "0: decided; 3: undetermined, with what to ask whom; 2: bad facts or pack.",
    )
    decide.add_argument(
        "packs", metavar="PACK[,PACK…]", help="a shipped id or a folder; several print side by side"
    )
    decide.add_argument(
        "decision",
        metavar="DECISION",
        help="offer, screening, eligibility, admission, filing, review, …",
    )
    decide.add_argument(
        "facts",
        metavar="FACTS",
        nargs="?",
        default="-",
        help="a JSON file, or - for standard input",
    )
    decide.add_argument(
        "--as-of",
        metavar="DATE",
        help="the day whose rules apply; else the decision's governing date",
    )
    decide.add_argument("--json", action="store_true", help="print JSON")
    decide.add_argument(
        "--considered",
        action="store_true",
        help="show every rule with its value and what settled it",
    )
    decide.add_argument(
        "--lines",
        action="store_true",
        help='JSON Lines: {"id", "facts"} in, {"id", "decision" | "error"} out',
    )
    decide.add_argument(
        "--map", metavar="MAP", help="FACTS is CSV; MAP.yaml says how a row becomes facts"
    )
    _engine(decide, "let a second engine decide too, and refuse the answer if it differs")

    from offramp.agency import arguments

    arguments.add(commands, _Parser)
    _interview(commands)
    offenses = commands.add_parser(
        "offenses",
        help="which offenses a program takes, on a day",
        description="Put each section of the pack's offense table through the program's offer and test.",
    )
    offenses.add_argument("pack", metavar="PACK", help="a shipped id or a folder")
    offenses.add_argument(
        "--as-of",
        metavar="DATE",
        required=True,
        help="the day of the arrest, and whose rules apply",
    )
    offenses.add_argument("--json", action="store_true", help="print JSON")

    verify = commands.add_parser(
        "verify",
        help="prove what a file from the exchange shows",
        description="Prove, offline, what an exhibit, an account or a receipt shows. Exit code 0: proved; 1: not what it "
        "claims to be; 2: it can't be read.",
    )
    verify.add_argument("file", metavar="FILE", help="a JSON file, or - for standard input")
    verify.add_argument(
        "--root", metavar="FINGERPRINT", help="the founders' fingerprint, from a source of your own"
    )
    verify.add_argument("--json", action="store_true", help="print JSON")

    replay = commands.add_parser(
        "replay",
        help="work a decision out again from its exhibit",
        description="Work a decision out again, offline. Exit code 0: the same, to the byte; 1: not the same, or not what it "
        "claims to be; 3: something that it rests on is withheld; 2: it can't be read.",
    )
    replay.add_argument(
        "file", metavar="FILE", help="a JSON file of `offramp agency export --replay`, or -"
    )
    replay.add_argument(
        "--root", metavar="FINGERPRINT", help="the founders' fingerprint, from a source of your own"
    )
    replay.add_argument(
        "--pack",
        metavar="PACK",
        help="the pack by which it was decided, where it isn't a shipped one",
    )
    replay.add_argument("--json", action="store_true", help="print JSON")

    demo = commands.add_parser(
        "demo",
        help="a hub, six agencies and three people, as processes on this machine",
        description="A hub and six agencies, each a process of its own on this machine, work three people's cases: who is "
        "told what, who isn't, and why. Everybody in it is made up.",
    )
    demo.add_argument(
        "--dir", metavar="DIR", help="where hub and agencies have their folders; kept"
    )
    demo.add_argument("--keep", action="store_true", help="keep the folders, also without `--dir`")
    demo.add_argument(
        "--canary",
        metavar="WORD",
        help="stands in every content's salt, to see where contents end up",
    )
    demo.add_argument("--json", action="store_true", help="print the story as JSON")

    for name, what in (
        ("check", "read packs and prove what can be proved of them"),
        ("test", "run packs' scenarios, with coverage"),
    ):
        command = commands.add_parser(name, help=what, description=what)
        command.add_argument(
            "packs",
            metavar="PACK",
            nargs="*",
            help="a shipped id or a folder; none: all shipped packs",
        )
        if name == "check":
            command.add_argument(
                "--again", action="store_true", help="prove again what an earlier run proved"
            )
        command.add_argument("--json", action="store_true", help="print JSON")
        if name == "test":
            _engine(
                command,
                "decide each scenario by a second engine too, and count what it can't express",
            )
    _programs(commands)
    _new(commands)
    _documents(commands)
    _hub(commands)
    return parser


def _programs(commands: Any) -> None:
    about = "which programs were in force on a day, and how they ran"
    listed = commands.add_parser(
        "programs", help=about, description=f"Says {about}, from their packs."
    )
    listed.add_argument(
        "packs", metavar="PACK", nargs="*", help="a shipped id or a folder; none: all shipped packs"
    )
    listed.add_argument("--on", metavar="DATE", required=True, help="the day, as 2014-06-01")
    listed.add_argument("--json", action="store_true", help="print JSON")


def _new(commands: Any) -> None:
    about = "start a city's own pack from another one"
    new = commands.add_parser("new", help=about, description=about)
    new.add_argument(
        "name",
        metavar="NAME",
        help="the new folder; its last part is the pack's id, such as las-cruces",
    )
    new.add_argument(
        "--from",
        dest="parent",
        metavar="PACK",
        required=True,
        help="a shipped id, or a folder beside the new one",
    )
    new.add_argument(
        "--starts",
        metavar="DATE",
        help="the program's first day; else today, or the parent's first day if that is later",
    )
    new.add_argument("--json", action="store_true", help="print JSON")


def _engine(command: argparse.ArgumentParser, what: str) -> None:
    command.add_argument("--engine", choices=("compiled", "durable"), default="compiled", help=what)


def _documents(commands: Any) -> None:
    show = commands.add_parser(
        "show",
        help="a pack as a document in plain English",
        description="A pack as a document in plain English, made from the rules that run; several side by side.",
    )
    show.add_argument(
        "packs",
        metavar="PACK[,PACK…]",
        help="a shipped id or a folder; several are set side by side",
    )
    show.add_argument("--timeline", action="store_true", help="what applied when")
    card = commands.add_parser(
        "card",
        help="the officer's pocket card, one sheet",
        description="The officer's pocket card for a program, one sheet.",
    )
    card.add_argument("packs", metavar="PACK", help="a shipped id or a folder")
    for command in (show, card):
        command.add_argument(
            "--as-of",
            metavar="DATE",
            help="the day whose rules are shown; else after the pack's last change",
        )
    letter = commands.add_parser(
        "letter",
        help="a decision as a letter to the person",
        description="A decision as a letter to the person whom it is about, in the pack's own words.",
    )
    letter.add_argument(
        "decision",
        metavar="DECISION.json",
        help="what `offramp decide … --json` prints, or - for standard input",
    )
    letter.add_argument(
        "--pack", metavar="PACK", help="the pack that decided; else the shipped one of that id"
    )
    letter.add_argument("--lang", choices=("en", "es"), default="en", help="the letter's language")
    for name, metavar, help_text in (
        ("--sender", "NAME", "the agency and the person that send it"),
        ("--phone", "NUMBER", "the phone number to call"),
        ("--date", "DATE", "the letter's date"),
        ("--case-number", "NUMBER", "the case number"),
        ("--reply-by", "DATE", "the day by which to ask for a review"),
    ):
        letter.add_argument(name, metavar=metavar, help=f"{help_text}; else a line to fill in")
    for command in (show, card, letter):
        command.add_argument(
            "--html", action="store_true", help="print one HTML file, for the screen and for paper"
        )
        command.add_argument("--json", action="store_true", help="print JSON")


def _interview(commands: Any) -> None:
    command = commands.add_parser(
        "interview",
        help="ask one question after the other until a case is decided",
        description="Ask only what still matters, the most decisive first. Exit code 0: decided; 3: undetermined, with what "
        "may be done now; 2: bad facts or pack.",
    )
    command.add_argument("pack", metavar="PACK", help="a shipped id or a folder")
    command.add_argument(
        "decision",
        metavar="DECISION",
        help="offer, screening, eligibility, admission, filing, review, …",
    )
    command.add_argument(
        "facts", metavar="FACTS", nargs="?", help="a JSON file of what is known already"
    )
    command.add_argument(
        "--as",
        dest="role",
        metavar="ROLE",
        help="ask only what this role knows: police, prosecutor, …",
    )
    command.add_argument(
        "--as-of",
        metavar="DATE",
        help="the day whose rules apply; else the decision's governing date",
    )
    command.add_argument(
        "--save", metavar="FILE", help="write the facts gathered, as `offramp decide` reads them"
    )
    command.add_argument(
        "--json", action="store_true", help="a JSON object a line out, an answer a line in"
    )


def _hub(commands: Any) -> None:
    hub = commands.add_parser("hub", help="the exchange's hub: set up, serve, invite, back up")
    hubs = hub.add_subparsers(
        dest="hub_command", metavar="COMMAND", required=True, parser_class=_Parser
    )
    for name, what in (
        ("init", "make a hub's folder"),
        ("serve", "run the hub"),
        ("invite", "print a code with which an agency joins"),
        ("backup", "copy the database to a file, while the hub runs or not"),
        ("restore", "put a backup in the database's place"),
        ("generation", "what a restored hub lacks, and who must sign before it goes on"),
    ):
        command = hubs.add_parser(name, help=what, description=what)
        command.add_argument("dir", metavar="DIR", help="the hub's folder")
        if name == "init":
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
                help="with the hub stopped: go on without the word of this agency, and of each named so; `-`: with everybody's",
            )
        if name in ("serve", "invite", "generation"):
            command.add_argument(
                "--clock",
                metavar="FILE",
                help="a file with the one time that is now (demonstrations)",
            )
        if name in ("backup", "restore"):
            command.add_argument("file", metavar="FILE")
    command = commands.add_parser("fsck", help="check every byte of a stopped hub's database")
    command.add_argument("dir", metavar="DIR")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    gc.disable()  # a command lives for a tenth of a second and makes no cycles worth a search
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _answered(given)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _drop_output()
        return 141
    except OSError as error:
        _drop_output()
        reason = (error.strerror or "the system refused").lower()
        return _refused(
            RequestError(
                "no-output",
                f"the answer could not be written: {reason}",
                fix="make room, or write elsewhere",
            ),
            as_json=False,
        )


def _answered(given: list[str]) -> int:
    try:
        if sys.stdout is None:
            raise RequestError(
                "no-output", "standard output is closed", fix="write the answer somewhere"
            )
        code = _run(given)
        sys.stdout.flush()
        return code
    except Refusal as refusal:
        return _refused(
            refusal, as_json=sys.stdout is not None and ("--json" in given or "--lines" in given)
        )


def _drop_output() -> None:
    """What is left in the buffer goes nowhere, so that closing it at the end can't fail again."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(given: list[str]) -> int:
    options = parser_of().parse_args(given)
    if options.command == "agency":
        from offramp.agency.commands import run

        return run(options)
    if options.command == "adopt":
        from offramp.agency.commands import adopt

        return adopt(options)
    if options.command == "doctor":
        from offramp.agency.doctor import doctor

        return doctor(options)
    if options.command == "decide":
        from offramp.policy.commands import decide

        return decide(options)
    if options.command == "interview":
        from offramp.policy.commands import interview

        return interview(options)
    if options.command == "offenses":
        from offramp.policy.commands import offenses

        return offenses(options)
    if options.command in ("hub", "fsck"):
        from offramp.hub import commands

        return commands.fsck(options) if options.command == "fsck" else commands.main(options)
    if options.command in ("show", "card", "letter"):
        from importlib import import_module

        module = f"offramp.documents.{options.command}"

        return int(getattr(import_module(module), options.command)(options))
    if options.command == "verify":
        from offramp.evidence.verify import verify

        return verify(options)
    if options.command == "demo":
        from offramp.demo.command import demo

        return demo(options)
    if options.command == "programs":
        from offramp.documents.programs import programs

        return programs(options)
    if options.command == "replay":
        from offramp.evidence.replay import replay

        return replay(options)
    if options.command == "new":
        from offramp.policy.commands import new

        return new(options)
    from offramp.policy.commands import check, test

    return {"check": check, "test": test}[options.command](options)


def _refused(refusal: Refusal, *, as_json: bool) -> int:
    if as_json:
        import json

        print(json.dumps({"error": refusal.as_json()}))
        sys.stdout.flush()
    elif sys.stderr is not None:
        with suppress(OSError):
            print(f"offramp: {refusal}", file=sys.stderr)
    return 2
