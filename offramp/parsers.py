"""The parsers of the command line, which most commands read their words with."""

from __future__ import annotations

import argparse
import re
import sys
from functools import lru_cache, partial
from importlib import import_module

from offramp import __version__
from offramp.command_table import COMMANDS, GROUPS, Command
from offramp.terminal import terminal_width
from rules.errors import RequestError, nearest

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

# How the parser says that a word is none of its choices.
_INVALID_CHOICE = r"(?s)argument (.*?): invalid choice: ['\"]?(.*?)['\"]? \(choose from (.*)\)"
# The parser's own messages stay in English, since `_Parser.error` reads them. To look for their
# translations takes as long as to parse a command.
vars(argparse)["_"] = str


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
    module, _, name = command.arguments.partition(":")
    getattr(import_module(module), name)(parser, _Parser)
