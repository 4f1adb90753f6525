"""Agencies in folders around a hub that is a process of its own, driven by their commands."""

from __future__ import annotations

import atexit
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, redirect_stdout
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from io import StringIO
from pathlib import Path
from shutil import copytree, ignore_patterns, rmtree
from tempfile import mkdtemp
from typing import Any

import pytest

from exchange.standards import base64, i_json
from offramp.agency.folder.office import Office
from offramp.agency.hub_link.client import Http
from offramp.agency.hub_link.duties import run_duties
from offramp.agency.hub_link.link import link_of
from offramp.cli import main
from tests.support.hub_process import ServedHub, serving
from tests.support.simulator import FORM, grant
from tests.support.staff import founder_of

PASSPHRASE = b"a passphrase for tests"


ROLES = {
    "police": "police",
    "defender": "defender",
    "crossroads": "case_management",
    "clinic": "treatment_provider",
}

SIGNERS = ("defender", "crossroads", "clinic")

SIX_ROLES = {
    "police": "police",
    "prosecutor": "prosecutor",
    "defender": "defender",
    "program": "program",
    "crossroads": "case_management",
    "clinic": "treatment_provider",
}


class Running:
    """A hub's process and the folders of its agencies, by default with the pack `lead`."""

    def __init__(
        self,
        folder: Path,
        roles: Mapping[str, str] = ROLES,
        pack: str = "lead",
        *,
        prepared: Path | None = None,
    ) -> None:
        """Found a hub in a folder, or copy the `prepared` one and its agencies. Serve it."""
        self.folder = folder
        self.roles = roles
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.passphrase = folder / "passphrase"
        self.passphrase.touch(0o600)
        self.passphrase.write_bytes(PASSPHRASE)
        if prepared is None:
            hub = str(folder / "hub")
            assert main(["hub", "init", hub, "--pack", pack, "--port", str(self.port)]) == 0
        else:
            mode = folder.stat().st_mode
            copytree(prepared, folder, dirs_exist_ok=True, ignore=ignore_patterns("hub.out"))
            # A test that runs commands of other accounts lets them into its folder.
            folder.chmod(mode)
            self._change_port()
        self.start()

    def _change_port(self) -> None:
        """Write this town's port into the settings that were copied with another one."""
        port = re.compile(r"(?<=^port = )\d+|(?<=127\.0\.0\.1:)\d+", re.MULTILINE)
        for name in ("hub/hub.toml", *(f"{name}/agency.toml" for name in self.roles)):
            settings = self.folder / name
            settings.write_text(port.sub(str(self.port), settings.read_text()))

    # The agencies that 42 CFR Part 2 covers.
    covered: tuple[str, ...] = ()
    # A module that runs the hub's commands. A test that moves the clock has one.
    program: tuple[str, ...] = ()

    def start(self) -> None:
        words = ("hub", "serve", str(self.folder / "hub"), "--health-port", "0")
        self.process: ServedHub | subprocess.Popen[bytes]
        if self.program:
            command = [sys.executable, *self.program, *words]
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        else:
            self.process = ServedHub(words, self.folder / "hub.out")
        serving(self.url)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)

    def agency(self, *words: str) -> int:
        return main(
            [
                "agency",
                words[0],
                str(self.folder / words[1]),
                *words[2:],
                "--passphrase-file",
                str(self.passphrase),
            ]
        )

    def office(self, name: str) -> Office:
        return Office(self.folder / name, PASSPHRASE, lambda: int(time.time()))

    def settle(self) -> None:
        with ExitStack() as opened:
            links = [
                link_of(opened.enter_context(closing(self.office(name)))) for name in self.roles
            ]
            for _ in range(2):
                for link in links:
                    run_duties(link)

    def join_all(self) -> None:
        """Invite every agency, have each join, and have all approve the directory."""
        for name, role in self.roles.items():
            invite = ["hub", "invite", str(self.folder / "hub"), name, "--role", role]
            with redirect_stdout(StringIO()) as printed:
                assert main([*invite, "--name", name.title()]) == 0
            code = printed.getvalue().strip()
            assert self.agency("init", name, "--id", name, "--by", founder_of(name)) == 0
            part2 = "yes" if name in self.covered else "no"
            assert self.agency("join", name, self.url, code, "--part2", part2) == 0
        answer = Http(self.url).ask("GET", "/v1/directory/draft", b"", {}, 5.0)
        digest = sha256(base64.decode_url(i_json.read_object(answer.body)["directory"])).hexdigest()
        assert self.agency("approve", "police", "0" * 64) == 2
        for name in self.roles:
            assert self.agency("approve", name, digest) == 0
        self.settle()


@cache
def _prepared(roles: tuple[tuple[str, str], ...], pack: str) -> Path:
    """Return the folder of a town that was founded once in this process, and is stopped."""
    folder = Path(mkdtemp(prefix="offramp-town-"))
    atexit.register(rmtree, folder, ignore_errors=True)
    town = Running(folder, dict(roles), pack)
    try:
        town.join_all()
    finally:
        town.stop()
    return folder


@contextmanager
def serve_joined(
    folder: Path, roles: Mapping[str, str] = ROLES, pack: str = "lead"
) -> Iterator[Running]:
    """Serve a town whose agencies have joined: a copy, with a hub's process of its own.

    `pack` is a shipped one.
    """
    found = Running(folder, roles, prepared=_prepared(tuple(roles.items()), pack))
    try:
        yield found
    finally:
        found.stop()


@pytest.fixture
def running(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Running]:
    with serve_joined(tmp_path) as found:
        capsys.readouterr()
        yield found


def told(
    running: Running, capsys: pytest.CaptureFixture[str], *words: str, code: int = 0
) -> dict[str, Any]:
    """Run a command that exits with `code`, and return the JSON that it prints."""
    capsys.readouterr()
    assert running.agency(*words, "--json") == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def doctor(
    running: Running, capsys: pytest.CaptureFixture[str], name: str, *more: str
) -> tuple[int, dict[str, list[str]]]:
    """The exit code of `offramp agency doctor`, and its findings by level."""
    capsys.readouterr()
    code = main(
        [
            "agency",
            "doctor",
            str(running.folder / name),
            "--passphrase-file",
            str(running.passphrase),
            "--json",
            *more,
        ]
    )
    found = json.loads(capsys.readouterr().out)
    assert found["well"] is (code == 0)
    return code, {
        level: [one["says"] for one in found["found"] if one["level"] == level]
        for level in ("wrong", "unknown", "note")
    }


def says(found: list[str], words: str) -> bool:
    return any(words in one for one in found)


def consent(
    running: Running,
    capsys: pytest.CaptureFixture[str],
    case: str,
    number: int,
    terms: dict[str, Any] | None = None,
    *,
    name: str = FORM["name"],
) -> dict[str, Any]:
    """Record a consent at crossroads. By default, police may send it the outcomes of decisions."""
    today = datetime.now(UTC)
    day = (today - timedelta(days=1)).date().isoformat()
    terms = terms or grant("police", "crossroads", ["decision_outcome"], ["diversion_coordination"])
    terms = terms | {
        "id": f"{number:016x}",
        "from": day,
        "expires": (today + timedelta(days=300)).date().isoformat(),
    }
    other = terms["recipient"] if terms["discloser"] == "crossroads" else terms["discloser"]
    to = {other: {"purpose": "exchange_operation", "basis": "operation"}}
    draft = running.folder / f"consent-{number}.json"
    draft.write_text(
        json.dumps(
            {
                "parts": [{"category": "consent_terms", "to": to, "says": terms}],
                "form": {**FORM, "name": name, "signed_on": day},
            }
        )
    )
    return told(running, capsys, "consent", "crossroads", str(draft), "--case", case)


def pull(running: Running, *names: str) -> None:
    for name in names:
        with closing(running.office(name)) as office:
            run_duties(link_of(office))


def refused(running: Running, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert running.agency(*words, "--json") == 2
    return str(json.loads(capsys.readouterr().out)["error"]["message"])


def drafts(running: Running, capsys: pytest.CaptureFixture[str], name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = told(running, capsys, "status", name)["drafts"]
    return found
