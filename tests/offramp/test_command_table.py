"""The table of commands: every entry runs, the help lists them in groups, old spellings work."""

from __future__ import annotations

import re
from argparse import Namespace
from importlib import import_module
from pathlib import Path

import pytest

from offramp.agency import commands as agency_commands
from offramp.agency import operations
from offramp.agency.commands.whole_commands import complete_commands
from offramp.cli import main
from offramp.command_table import COMMANDS, GROUPS, Command
from offramp.hub import arguments as hub_arguments
from offramp.hub import commands as hub_commands
from offramp.hub import operations as hub_operations
from offramp.parsers import parser_of


def help_of(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return the help that a command prints."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_has_a_function_and_words(command: Command) -> None:
    module, _, name = command.function.partition(":")
    assert callable(getattr(import_module(module), name))
    parser = parser_of(command.name)
    assert command.name in parser.format_usage() or parser.prog == "offramp"


def test_the_help_lists_each_command_once_in_its_group(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(capsys)
    for group, title in GROUPS.items():
        (block,) = re.findall(rf"^{title}:\n((?:  .*\n)+)", text, re.MULTILINE)
        listed = [line.split()[0] for line in block.splitlines()]
        assert listed == [command.name for command in COMMANDS if command.group == group]
    assert list(GROUPS) == ["decide", "author", "exchange", "evidence"]


def test_old_spellings_are_in_no_help_and_say_what_the_new_ones_say(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = help_of(capsys)
    old = [command.name for command in COMMANDS if command.group is None]
    assert old == ["adopt", "doctor", "fsck"]
    assert not [name for name in old if re.search(rf"\b{name}\b", text)]
    nothing = str(tmp_path)
    for old_words, words in (
        (("fsck", nothing), ("hub", "fsck", nothing)),
        (("doctor", nothing), ("agency", "doctor", nothing)),
        (("adopt", "lead", "--agency", nothing), ("agency", "adopt", nothing, "lead")),
    ):
        assert main(old_words) == 2
        refusal = capsys.readouterr().err
        assert main(words) == 2
        assert capsys.readouterr().err == refusal and "usage" not in refusal


def test_an_unknown_command_is_refused_without_the_old_spellings(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["nonsense"]) == 2
    refusal = capsys.readouterr().err
    assert "[usage]" in refusal and "`offramp --help`" in refusal and "fsck" not in refusal


def test_each_word_of_agency_and_hub_has_its_function() -> None:
    for name, command in agency_commands.COMMANDS.items():
        assert name == command.name
        assert (command.run is None) != (command.run_without_office is None), name
    assert set(hub_arguments.COMMANDS) == set(hub_commands.COMMANDS)


@pytest.mark.parametrize("api", [operations, hub_operations], ids=["agency", "hub"])
def test_each_public_operation_is_documented(api: object) -> None:
    names = api.__all__  # type: ignore[attr-defined]  # a module
    undocumented = [
        name
        for name in names
        if callable(getattr(api, name)) and not (getattr(api, name).__doc__ or "").strip()
    ]
    assert not undocumented


# The commands that a text names

FOLDER = "/home/me/my agency"
HANDLE = "7c5fe888" + "0" * 24


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("look at `agency tasks`", "look at `offramp agency tasks '/home/me/my agency'`"),
        (
            "take it back with `offramp agency recall DIR CASE mistaken-exit`",
            "take it back with `offramp agency recall '/home/me/my agency' 7c5fe888 mistaken-exit`",
        ),
        (
            "state it: `offramp agency answer-recall`.",
            "state it: `offramp agency answer-recall '/home/me/my agency' 7c5fe888`.",
        ),
        (
            "compare: `agency same 1111aaaa 2222bbbb`",
            "compare: `offramp agency same '/home/me/my agency' 1111aaaa 2222bbbb`",
        ),
        (
            "  offramp agency emergency-confirm DIR 3",
            "  offramp agency emergency-confirm '/home/me/my agency' 3",
        ),
        ("run `offramp agency restore FOLDER FILE`", "run `offramp agency restore FOLDER FILE`"),
        ("the `agency` and its agency folder", "the `agency` and its agency folder"),
        ("`agency chair` is a role", "`agency chair` is a role"),
    ],
)
def test_a_command_in_a_text_is_printed_whole(text: str, whole: str) -> None:
    options = Namespace(dir=FOLDER, case=HANDLE)
    about_cases = {"recall", "answer-recall", "same"}
    names = agency_commands.COMMANDS
    done = complete_commands(text, options, names, about_cases)
    assert done == whole
    assert complete_commands(done, options, names, about_cases) == whole, "it is whole once"


def test_every_command_that_a_text_names_exists() -> None:
    """Texts of the agency's program name a command between back-ticks, as people type it."""
    named = re.compile(r"`(?:offramp )?agency ([a-z][a-z-]+)")
    sources = Path(agency_commands.__file__).parents[1].rglob("*.py")
    for path in sources:
        for command in named.findall(path.read_text(encoding="utf-8")):
            assert command in agency_commands.COMMANDS, (path.name, command)


@pytest.mark.parametrize("folder", ["a", "ad", "add", "staff"])
def test_a_folder_s_short_name_cuts_no_word_of_a_command(folder: str) -> None:
    """`init a` printed `agency staff a dd`."""
    names = agency_commands.COMMANDS
    options = Namespace(dir=folder, case=None)
    whole = f"List others with `offramp agency staff {folder} add`"
    text = "List others with `offramp agency staff DIR add`"
    assert complete_commands(text, options, names, ()) == whole
    assert complete_commands(whole, options, names, ()) == whole
    plain = complete_commands("see `agency addresses`, `agency tasks`", options, names, ())
    assert f"`offramp agency tasks {folder}`" in plain
