"""`offramp agency …`: parse the words, call one operation, print its result as words or JSON.

Each group of commands is a module with its own words, options, and functions in `COMMANDS`.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from offramp.agency.commands import (
    cases,
    consent,
    console,
    decisions,
    emergency,
    evidence,
    folder,
    forms,
    meetings,
    membership,
    mistakes,
    oidc,
    participants,
    people,
    records,
    reports,
    retention,
    staff,
)
from offramp.agency.commands.command import (
    CASE,
    PACK,
    AgencyCommand,
    add_command,
    add_common_options,
    run_command,
)
from offramp.agency.commands.whole_commands import complete_commands

# The groups, in the order of the help.
GROUPS: tuple[Any, ...] = (
    membership,
    folder,
    console,
    forms,
    records,
    consent,
    cases,
    people,
    mistakes,
    meetings,
    decisions,
    reports,
    evidence,
    participants,
    staff,
    oidc,
    emergency,
    retention,
)
# Every command by name, in the order of the help.
COMMANDS: dict[str, AgencyCommand] = {
    command.name: command for group in GROUPS for command in group.COMMANDS
}

_ABOUT_CASES = frozenset(name for name, command in COMMANDS.items() if command.words[:1] == (CASE,))


def run(options: argparse.Namespace) -> int:
    """Run one command, and print its output. Raises what its operation refuses with."""
    complete = partial(complete_commands, options=options, names=COMMANDS, about_cases=_ABOUT_CASES)
    return run_command(COMMANDS[options.agency_command], options, complete)


def agency(parser: argparse.ArgumentParser, parser_class: type[argparse.ArgumentParser]) -> None:
    """Add the words of `offramp agency`."""
    subparsers = parser.add_subparsers(
        dest="agency_command", metavar="COMMAND", required=True, parser_class=parser_class
    )
    for command in COMMANDS.values():
        text = command.help
        add_command(command, subparsers.add_parser(command.name, help=text, description=text))


def adopt(parser: argparse.ArgumentParser, _: Any) -> None:
    """Add the words of `offramp adopt`, the old spelling of `offramp agency adopt`."""
    parser.set_defaults(agency_command="adopt")
    word, word_help = PACK
    parser.add_argument(word, metavar=word.upper(), help=word_help)
    parser.add_argument(
        "--agency", dest="dir", metavar="DIR", required=True, help="the agency's folder"
    )
    adopt_options = COMMANDS["adopt"].options
    assert adopt_options is not None, "it takes a memo"
    adopt_options(parser)
    add_common_options(parser)


def doctor(parser: argparse.ArgumentParser, _: Any) -> None:
    """Add the words of `offramp doctor`, the old spelling of `offramp agency doctor`."""
    parser.set_defaults(agency_command="doctor")
    add_command(COMMANDS["doctor"], parser)
