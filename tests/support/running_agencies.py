"""Agencies in folders around a hub that is a process of its own, driven by their commands."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, redirect_stdout
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import StringIO
from pathlib import Path
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

    def __init__(self, folder: Path, roles: Mapping[str, str] = ROLES, pack: str = "lead") -> None:
        self.folder = folder
        self.roles = roles
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.passphrase = folder / "passphrase"
        self.passphrase.touch(0o600)
        self.passphrase.write_bytes(PASSPHRASE)
        hub = str(folder / "hub")
        assert main(["hub", "init", hub, "--pack", pack, "--port", str(self.port)]) == 0
        self.start()

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
        for _ in range(2):
            for name in self.roles:
                with closing(self.office(name)) as office:
                    run_duties(link_of(office))

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


@pytest.fixture
def running(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Running]:
    found = Running(tmp_path)
    try:
        found.join_all()
        capsys.readouterr()
        yield found
    finally:
        found.stop()


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
        for level in ("wrong", "note")
    }


def says(found: list[str], words: str) -> bool:
    return any(words in one for one in found)


def consent(
    running: Running,
    capsys: pytest.CaptureFixture[str],
    case: str,
    number: int,
    terms: dict[str, Any] | None = None,
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
                "form": {**FORM, "signed_on": day},
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
