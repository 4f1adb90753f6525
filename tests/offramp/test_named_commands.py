"""Each command and option that a document, a fix, or a help names exists as it is named.

A command line in a block of code is parsed whole. A command in back-ticks must exist with its
options. An option in back-ticks alone must be one of a command that the page names, and in a text
of the program one of any command.
"""

from __future__ import annotations

import argparse
import ast
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from offramp.cli import usual_options
from offramp.command_table import COMMANDS
from offramp.parsers import parser_of
from rules.errors import Refusal
from rules.shelf import vocabulary
from tests.conftest import ROOT

PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("docs/api/*.md")])
SOURCES = sorted(
    path for package in ("offramp", "rules", "exchange") for path in (ROOT / package).rglob("*.py")
)
_GROUPS = ("agency", "hub")
_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_TO_RUN = re.compile(r"\b(?:run|with) `((?:offramp )?(?:agency|hub) [^`\n]+)`")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")
_SENTENCE = re.compile(r"(?<=[.!?:;])\s+|\n\s*\n|\n\s*(?:[-*|]|\d+\.) ")
# Tools of others that documents name with their own options.
_FOREIGN = {
    "cosign", "docker", "git", "gh", "mypy", "openssl", "pip", "podman", "pytest", "python",
    "ruff", "systemctl", "uv", "hatch", "curl", "nginx", "sqlite3", "head", "umask", "sudo",
    "taskset",
}  # fmt: skip


def _parsers() -> Mapping[tuple[str, ...], argparse.ArgumentParser]:
    """Return the parser of each command by its words, those of groups included."""
    parsers: dict[tuple[str, ...], argparse.ArgumentParser] = {}

    def add(words: tuple[str, ...], parser: argparse.ArgumentParser) -> None:
        parsers[words] = parser
        parser.format_help()  # a parser gets its words when they are first needed
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, inner in action.choices.items():
                    add((*words, name), inner)

    for command in COMMANDS:
        parser = parser_of(command.name)
        (subparsers,) = [
            action for action in parser._actions if isinstance(action, argparse._SubParsersAction)
        ]
        add((command.name,), subparsers.choices[command.name])
    parsers[()] = parser_of()
    return parsers


PARSERS = _parsers()


def options_of(command: tuple[str, ...]) -> set[str]:
    """Return every option of a command, and `--help`."""
    return {option for action in PARSERS[command]._actions for option in action.option_strings}


EVERY_OPTION = {option for command in PARSERS for option in options_of(command)}

# `interview` asks the facts of any pack, each with a flag of its own.
FLAGS_OF_FACTS = {f"--{re.sub('[._]', '-', path)}" for path in vocabulary().facts}


def named_command(code: str) -> tuple[str, ...] | None:
    """Return the command that a piece of code names, None if it names none.

    Raises `AssertionError` for one that begins like a command and isn't one.
    """
    words = code.split()
    is_whole = words[0] == "offramp"
    words = words[1:] if is_whole else words
    if not words or words[0].startswith(("-", "…", "[")):
        return () if is_whole else None
    if words[0] in _GROUPS:
        if len(words) == 1 or not re.fullmatch(r"[a-z][a-z-]+", words[1]):
            return (words[0],)
        assert (words[0], words[1]) in PARSERS, f"`{code}`: no such command"
        return words[0], words[1]
    if (words[0],) in PARSERS:
        return (words[0],)
    for group in _GROUPS:
        if not is_whole and (group, words[0]) in PARSERS:
            return group, words[0]
    assert not is_whole or not re.fullmatch(r"[a-z][a-z-]+", words[0]), f"`{code}`: no such command"
    return None


def faults_of(text: str, lines: Iterable[str] = ()) -> Iterator[str]:
    """Yield a sentence for each command and option in back-ticks that doesn't exist as named.

    `lines` are the command lines beside the text.
    """
    commands = {command for line in lines if (command := named_command(line)) is not None}
    alone: list[tuple[str, str]] = []
    for code in _CODE.findall(text):
        first = code.split()[0] if code.split() else ""
        if not first or first in _FOREIGN or first.startswith("bench/"):
            continue
        try:
            command = named_command(code)
        except AssertionError as error:
            yield str(error)
            continue
        options = _OPTION.findall(code)
        if command is None:
            alone += [(code, option) for option in options]
            continue
        commands.add(command)
        for option in options:
            if option not in options_of(command):
                yield f"`{code}`: `{' '.join(command)}` has no `{option}`"
    known = set().union(*map(options_of, commands)) if lines and commands else EVERY_OPTION
    yield from (
        f"`{code}`: no command here has `{option}`"
        for code, option in alone
        if option not in known and option not in FLAGS_OF_FACTS
    )


def texts_of(source: Path) -> Iterator[str]:
    """Yield every text in a module, with `X` for what a program fills in."""
    inner: set[ast.AST] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            inner.update(node.values)
            yield "".join(
                str(piece.value) if isinstance(piece, ast.Constant) else "X"
                for piece in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in inner:
            yield node.value


def lines_of(page: Path) -> Iterator[str]:
    """Yield each line of a page's blocks of code that runs `offramp`, without its comment."""
    for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            command = line.removeprefix("$ ").strip()
            if command.startswith("offramp ") and "…" not in command:
                yield re.sub(r"[][]", "", re.split(r"\s#|\s[|>&]|&&", command)[0])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_exists(page: Path) -> None:
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    assert not list(faults_of(text, list(lines_of(page))))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_line_of_a_page_is_one_that_the_parser_takes(page: Path) -> None:
    wrong = []
    for line in lines_of(page):
        try:
            parser_of().parse_args(shlex.split(line)[1:])
        except (Refusal, SystemExit) as refusal:
            wrong.append((line, str(refusal)))
    assert not wrong


def test_what_the_texts_of_the_program_name_exists() -> None:
    wrong = [
        f"{source.relative_to(ROOT)}: {fault}"
        for source in SOURCES
        for text in texts_of(source)
        for fault in faults_of(text)
    ]
    assert not wrong, "\n".join(wrong)


def test_a_command_to_run_is_printed_with_all_its_words() -> None:
    """Behind "run" and "with", a command has each word that it can't be run without."""
    short = []
    for source in SOURCES:
        for text in texts_of(source):
            for code in _TO_RUN.findall(text):
                command = named_command(code)
                if command is None or len(command) < 2:
                    continue
                given = code.removeprefix("offramp ").split()[2:]
                if command[0] == "agency" and given[:1] not in (["DIR"], ["FOLDER"]):
                    given.insert(0, "DIR")  # the program adds the folder
                words = [word for word in given if not word.startswith("--")]
                if len(words) < words_needed(command):
                    short.append(f"{source.relative_to(ROOT)}: `{code}`")
    assert not short, "\n".join(short)


def words_needed(command: tuple[str, ...]) -> int:
    """Return how many words without dashes a command can't be run without."""
    return sum(
        not action.option_strings
        and not isinstance(action, argparse._SubParsersAction)
        and action.nargs not in ("?", "*")
        for action in PARSERS[command]._actions
    )


def test_the_usual_words_of_decide_mean_what_the_parser_makes_of_them() -> None:
    usual = ["decide", "santa-fe", "eligibility", "examples/arrest.json"]
    assert vars(usual_options(usual)) == vars(parser_of("decide").parse_args(usual))
    others = (
        [*usual, "--json"],
        usual[:3],
        [*usual[:3], "-"],
        [*usual[:3], ""],
        ["show", *usual[1:]],
    )
    assert [usual_options(words) for words in others] == [None] * len(others)
