"""Every command of an agency's owner gives the same beside a running server as without one.

The commands come from the table, so a new one is tried too. Two copies of one agency run the same
words: one has a server, the other has none.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from offramp.agency.commands import COMMANDS, add_command
from offramp.cli import main
from offramp.command_socket import IS_POSSIBLE
from tests.support.agencies import RIO_VERDE
from tests.support.running_agencies import Running, serve_joined

pytestmark = pytest.mark.skipif(not IS_POSSIBLE, reason="no command server on this system")

# `serve` and `console` don't end, and a second gateway of a folder is refused. `move` stops the
# folder.
NAMES = [name for name in COMMANDS if name not in ("serve", "console", "move")]


class Pair:
    """Two copies of one agency's folder: beside a running server, and alone."""

    def __init__(self, folder: Path, running: Running) -> None:
        self.folder = folder
        source = running.folder / "crossroads"
        settings = source / "agency.toml"
        text = settings.read_text(encoding="utf-8")
        settings.write_text(f'passphrase_file = "{running.passphrase}"\n{text}', encoding="utf-8")
        self.alone, self.served = folder / "alone", folder / "served"
        for copy in (self.alone, self.served):
            shutil.copytree(source, copy)
        words = ["-m", "offramp", "agency", "serve", str(self.served)]
        self.server = subprocess.Popen(
            [sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 60
        while not (self.served / "commands.socket").exists() and time.monotonic() < until:
            time.sleep(0.05)
        assert (self.served / "commands.socket").exists()

    def stop(self) -> None:
        self.server.terminate()
        self.server.wait(20)

    def outcome(
        self, capfd: pytest.CaptureFixture[str], agency: Path, name: str, *words: str
    ) -> tuple[int, str | None]:
        """Return a command's exit code, and the code of its refusal."""
        capfd.readouterr()
        code = 2
        with suppress(SystemExit):
            code = main(["agency", name, str(agency), *words, "--json"])
        printed = capfd.readouterr().out.strip()
        value = json.loads(printed) if printed.startswith("{") else {}
        return code, value["error"]["code"] if "error" in value else None


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("pair")
    (folder / "city").mkdir()
    with serve_joined(folder / "city") as running:
        pair = Pair(folder, running)
        try:
            yield pair
        finally:
            pair.stop()


def test_a_second_gateway_of_a_folder_is_refused(pair: Pair) -> None:
    command = [sys.executable, "-m", "offramp", "agency", "serve", str(pair.served)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 2, second.stderr
    assert "[in-use]" in second.stderr and second.stderr.count("in-use") == 1
    assert second.stdout == "", "it doesn't say that it serves"
    assert pair.server.poll() is None
    assert main(["agency", "status", str(pair.served), "--json"]) == 0, "the first one serves on"


def words_of(name: str, folder: Path) -> list[str]:
    """Return words for every argument that a command requires, from its own parser."""
    parser = argparse.ArgumentParser(add_help=False)
    add_command(COMMANDS[name], parser)
    words = []
    for action in parser._actions:
        value = value_for(action, folder, name)
        if action.dest == "dir":
            continue
        if not action.option_strings and action.nargs not in ("?", "*"):
            words.append(value)
        elif action.option_strings and action.required:
            words += [action.option_strings[0], value]
    return words


def value_for(action: argparse.Action, folder: Path, name: str) -> str:
    known = {
        "case": "0123456789abcdef0123456789abcdef", "digest": "0" * 64, "named": "nobody",
        "url": "http://127.0.0.1:9", "file": str(folder / f"{name}.file"), "pack": "santa-fe",
        "on": "2027-01-05", "record": "1", "decision": "eligibility", "outcome": "eligible",
    }  # fmt: skip
    return known.get(action.dest) or (next(iter(action.choices)) if action.choices else "word")


@pytest.mark.parametrize("name", NAMES)
def test_a_command_gives_the_same_beside_a_server(
    pair: Pair, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    outcomes = []
    for agency in (pair.alone, pair.served):
        files = pair.folder / f"files-{agency.name}"
        files.mkdir(exist_ok=True)
        outcomes.append(pair.outcome(capfd, agency, name, *words_of(name, files)))
    alone, served = outcomes
    assert served == alone
    assert served[1] not in ("owner-only", "in-use")


def test_a_pack_in_a_folder_is_adopted_beside_a_server(
    pair: Pair, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = pair.folder / "rio-verde"
    folder.mkdir()
    (folder / "pack.yaml").write_text(RIO_VERDE, encoding="utf-8")
    assert pair.outcome(capfd, pair.served, "adopt", str(folder)) == (0, None)
    (folder / "pack.yaml").write_text("id: rio-verde\n", encoding="utf-8")
    refusals = {
        pair.outcome(capfd, each, "adopt", str(folder)) for each in (pair.alone, pair.served)
    }
    assert refusals == {(2, "missing-key")}
    nowhere = str(pair.folder / "nowhere")
    refusals = {pair.outcome(capfd, each, "adopt", nowhere) for each in (pair.alone, pair.served)}
    assert refusals == {(2, "unknown-pack")}


def test_a_folder_is_moved_away_beside_a_server(
    pair: Pair, capfd: pytest.CaptureFixture[str]
) -> None:
    for agency in (pair.alone, pair.served):
        target = str(pair.folder / f"moved-{agency.name}")
        assert pair.outcome(capfd, agency, "move", target) == (0, None)
