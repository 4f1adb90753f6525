"""The command line: from words to a command, from a refusal to one sentence and an exit code.

Exit codes: 0 decided or all well · 1 found wrong · 2 bad input or pack · 3 undetermined. With
`--json`, a refusal is an object on standard output.
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import sys
from contextlib import suppress
from functools import lru_cache, partial
from importlib import import_module

from offramp import __version__
from offramp.terminal import print_error, print_json, terminal_width
from rules.errors import Refusal, RequestError, nearest
from rules.frozen import frozen

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn

    Prepare = Callable[[argparse.Namespace], None]

# How the parser says that a word is none of its choices.
_INVALID_CHOICE = r"(?s)argument (.*?): invalid choice: ['\"]?(.*?)['\"]? \(choose from (.*)\)"
# The parser's own messages stay in English, since `_Parser.error` reads them. To look for their
# translations takes as long as to parse a command.
vars(argparse)["_"] = str
_AGENCY = "offramp.agency.commands:run"
# The groups of `offramp --help`, in order.
GROUPS = {
    "decide": "Decide",
    "author": "Author",
    "exchange": "Exchange",
    "evidence": "Evidence",
}


@frozen
class Command:
    """A command: its group, its help in one line, and where its words and its function are.

    `function` and `arguments` are `module:name`, imported when the command runs. `arguments` adds
    the command's words to its parser. A command without a group is an old spelling: it works, and
    no help lists it.
    """

    name: str
    group: str | None
    help: str
    function: str
    arguments: str


COMMANDS = (
    Command(
        "decide",
        "decide",
        "decide one case, or many",
        "offramp.policy.commands:decide",
        "offramp.arguments:decide",
    ),
    Command(
        "interview",
        "decide",
        "ask one question after the other until a case is decided",
        "offramp.policy.commands:interview",
        "offramp.arguments:interview",
    ),
    Command(
        "letter",
        "decide",
        "print a decision as a letter to the person",
        "offramp.documents.letter:letter",
        "offramp.arguments:letter",
    ),
    Command(
        "card",
        "decide",
        "print the officer's pocket card",
        "offramp.documents.card:card",
        "offramp.arguments:card",
    ),
    Command(
        "offenses",
        "decide",
        "list the offenses that a program takes on a day",
        "offramp.policy.commands:offenses",
        "offramp.arguments:offenses",
    ),
    Command(
        "programs",
        "decide",
        "list the programs in force on a day and how they ran",
        "offramp.documents.programs:programs",
        "offramp.arguments:programs",
    ),
    Command(
        "show",
        "author",
        "print a pack as a document in plain English",
        "offramp.documents.show:show",
        "offramp.arguments:show",
    ),
    Command(
        "new",
        "author",
        "start a city's own pack from another one",
        "offramp.policy.commands:new",
        "offramp.arguments:new",
    ),
    Command(
        "check",
        "author",
        "check packs and prove their promises",
        "offramp.policy.commands:check",
        "offramp.arguments:check",
    ),
    Command(
        "console",
        "author",
        "serve the rules as pages, and try cases in a browser",
        "offramp.console.command:console",
        "offramp.arguments:console",
    ),
    Command(
        "prove",
        "author",
        "prove the promises of packs with a solver, for every case",
        "offramp.policy.proof_command:prove",
        "offramp.arguments:prove",
    ),
    Command(
        "change",
        "author",
        "test a rule change: what it says, whom it moves, what it never does",
        "offramp.change_command:change",
        "offramp.arguments:change",
    ),
    Command(
        "test",
        "author",
        "run packs' scenarios, with coverage",
        "offramp.policy.commands:test",
        "offramp.arguments:test",
    ),
    Command(
        "schema",
        "author",
        "print a published JSON Schema",
        "offramp.published.commands:schema",
        "offramp.published.commands:schema_words",
    ),
    Command(
        "validate",
        "author",
        "hold a file against its published schema",
        "offramp.published.commands:validate",
        "offramp.published.commands:validate_words",
    ),
    Command(
        "agency",
        "exchange",
        "run one agency's side of the exchange",
        _AGENCY,
        "offramp.agency.commands:agency",
    ),
    Command(
        "hub",
        "exchange",
        "run the hub: set up, serve, invite, back up",
        "offramp.hub.commands:main",
        "offramp.hub.arguments:hub",
    ),
    Command(
        "demo",
        "exchange",
        "show a hub and six agencies at work on three cases",
        "offramp.demo.command:demo",
        "offramp.arguments:demo",
    ),
    Command(
        "verify",
        "evidence",
        "verify a file from the exchange, offline",
        "offramp.evidence.verify:verify",
        "offramp.arguments:verify",
    ),
    Command(
        "replay",
        "evidence",
        "repeat a decision from its exhibit",
        "offramp.evidence.replay:replay",
        "offramp.arguments:replay",
    ),
    # Old spellings.
    Command(
        "adopt",
        None,
        "propose that a pack be adopted, and sign",
        _AGENCY,
        "offramp.agency.commands:adopt",
    ),
    Command(
        "doctor",
        None,
        "examine an agency's installation",
        _AGENCY,
        "offramp.agency.commands:doctor",
    ),
    Command(
        "fsck",
        None,
        "check every byte of a stopped hub's database",
        "offramp.hub.commands:main",
        "offramp.hub.arguments:fsck",
    ),
)


class _Formatter(argparse.HelpFormatter):
    """The usual formatter, with a width that is found without `shutil`."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=terminal_width(80) - 2)


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_abbrev": False, "formatter_class": _Formatter, **options})
        self._is_intermixed = False
        self._late_words: Callable[[], None] | None = None

    def add_words_later(self, add: Callable[[], None]) -> None:
        """Add the words by `add` when they are first needed."""
        self._late_words = add

    def _add_late_words(self) -> None:
        add, self._late_words = self._late_words, None
        if add is not None:
            add()

    def format_help(self) -> str:
        """Return the help, with words that were to be added later."""
        self._add_late_words()
        return super().format_help()

    def format_usage(self) -> str:
        """Return the usage, with words that were to be added later."""
        self._add_late_words()
        return super().format_usage()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Allow options anywhere among the words.

        Before Python 3.12, an option before `[FACTS]` made the file unknown.
        """
        self._add_late_words()
        words = sys.argv[1:] if args is None else args
        has_options = any(word.startswith("-") for word in words)
        if self._subparsers is not None or self._is_intermixed or not has_options:
            return super().parse_known_args(args, namespace)
        self._is_intermixed = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._is_intermixed = False

    def error(self, message: str) -> NoReturn:
        """Raise `RequestError` `usage`."""
        from rules.input.printing import printable

        see = f"see `{self.prog} --help`"
        unknown = re.fullmatch(_INVALID_CHOICE, message)
        if unknown is None:
            in_ticks = re.sub(r"'([^']*)'", r"`\1`", printable(message))
            raise RequestError("usage", in_ticks, fix=see)
        argument, word = unknown[1], printable(unknown[2])
        fix = nearest(word, re.findall(r"[^\s,'\"]+", unknown[3]))
        if argument != "COMMAND":
            raise RequestError("usage", f"`{argument}` can't be `{word}`", fix=fix)
        is_guess = fix.startswith(("did you mean", "write"))
        raise RequestError("usage", f"there is no command `{word}`", fix=fix if is_guess else see)


class _ProgramParser(_Parser):
    def format_help(self) -> str:
        """Return the program's help, with its commands in groups."""
        width = max(len(command.name) for command in COMMANDS if command.group)
        lines = [self.format_usage(), f"{self.description}\n"]
        for group, title in GROUPS.items():
            lines.append(f"{title}:")
            lines += [
                f"  {command.name:<{width}}  {command.help}"
                for command in COMMANDS
                if command.group == group
            ]
            lines.append("")
        lines += [
            "Options:",
            f"  {'--help':<{width}}  show this help, or with a command, that command's",
            f"  {'--version':<{width}}  show the version",
        ]
        return "\n".join(lines) + "\n"


@lru_cache(maxsize=64)
def parser_of(name: str | None = None) -> argparse.ArgumentParser:
    """Return the parser of every command, or of the named one alone, which is faster."""
    parser = _ProgramParser(
        prog="offramp",
        description="Rules for diversion programs: decide, explain, and say what is missing.",
    )
    parser.add_argument("--version", action="version", version=f"offramp {__version__}")
    subparsers = parser.add_subparsers(
        dest="command",
        metavar="COMMAND",
        required=True,
        parser_class=_Parser,
        prog=parser.prog,  # what it would find out with a formatter, which is slow
    )
    for command in COMMANDS:
        if command.name == name or (name is None and command.group):
            subparser = subparsers.add_parser(command.name, description=command.help)
            subparser.add_words_later(partial(_add_words, command, subparser))
    return parser


def _add_words(command: Command, parser: _Parser) -> None:
    _imported(command.arguments)(parser, _Parser)


def _imported(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def main(words: Sequence[str] | None = None, prepare: Prepare | None = None) -> int:
    """Run one command, and return its exit code. `words` are those after `offramp`.

    `prepare` changes or refuses the parsed words: a command server runs commands for others.
    Without it, an agency's command goes to the command server of its folder, if one answers.
    """
    words = list(sys.argv[1:] if words is None else words)
    gc.disable()  # a command lives for a tenth of a second and makes no cycles worth a search
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _run_or_refuse(words, prepare)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _drop_output()
        return 141
    except OSError as error:
        _drop_output()
        reason = (error.strerror or "the system refused").lower()
        return _print_refusal(
            RequestError(
                "no-output",
                f"the answer could not be written: {reason}",
                fix="make room, or write elsewhere",
            ),
            as_json=False,
        )


def _run_or_refuse(words: list[str], prepare: Prepare | None) -> int:
    try:
        if sys.stdout is None:
            raise RequestError(
                "no-output", "standard output is closed", fix="write the answer somewhere"
            )
        code = _run(words, prepare)
        sys.stdout.flush()
        return code
    except Refusal as refusal:
        return _print_refusal(
            refusal, as_json=sys.stdout is not None and ("--json" in words or "--lines" in words)
        )


def _drop_output() -> None:
    """Discard what is left in the buffer, so that closing it at the end can't fail again."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(words: list[str], prepare: Prepare | None) -> int:
    functions = {command.name: command.function for command in COMMANDS}
    named = words[0] if words and words[0] in functions else None
    if prepare is None and named is not None and functions[named] == _AGENCY:
        code: int | None = _imported("offramp.command_server.client:run_at_server")(words)
        if code is not None:
            return code
    options = parser_of(named).parse_args(words)
    if prepare is not None:
        prepare(options)
    return int(_imported(functions[options.command])(options))


def _print_refusal(refusal: Refusal, *, as_json: bool) -> int:
    if as_json:
        print_json({"error": refusal.as_json()}, ascii_only=True)
        sys.stdout.flush()
    elif sys.stderr is not None:
        with suppress(OSError):
            print_error(f"offramp: {refusal}")
    return 2
