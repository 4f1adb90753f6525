"""A hub that answers too slowly, or with text that a terminal would obey, does no harm."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from exchange.standards import i_json
from offramp.agency.errors import HubAway, HubRefused
from offramp.agency.hub_link import client as hub_client
from offramp.agency.hub_link.client import Answer, Client, Http
from offramp.cli import main
from rules.input.characters import printable_lines
from tests.support.keys import key
from tests.support.refused import refused

# Sends an answer's head at once or byte by byte, then a byte every fifth of a second, for ever.
_DRIP = """
import socket, sys, time
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    connection, _ = listener.accept()
    connection.recv(65536)
    head = b"HTTP/1.1 200 OK\\r\\nContent-Length: 100000\\r\\n\\r\\n"
    if sys.argv[1] == "body":
        connection.sendall(head)
    try:
        for byte in head * 1000:
            connection.sendall(bytes([byte]))
            time.sleep(0.2)
    except OSError:
        connection.close()
"""


@pytest.fixture(params=["head", "body"])
def slow_port(request: pytest.FixtureRequest) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, "-c", _DRIP, request.param], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield int(process.stdout.readline())
    process.kill()
    process.wait()


def test_a_hub_that_drips_its_answer_is_away_after_one_deadline(slow_port: int) -> None:
    start = time.monotonic()
    with refused("hub-away"):
        Http(f"http://127.0.0.1:{slow_port}").ask("GET", "/v1/directory", b"", {}, 1.0)
    assert time.monotonic() - start < 3


def test_status_and_revoke_end_at_a_hub_that_drips(
    slow_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(hub_client, "PATIENCE", 1.0)
    passphrase = tmp_path / "passphrase"
    passphrase.touch(0o600)
    passphrase.write_text("a passphrase for tests")
    folder, words = str(tmp_path / "clinic"), ("--passphrase-file", str(passphrase))
    assert main(["agency", "init", folder, "--id", "clinic", *words]) == 0
    toml = tmp_path / "clinic" / "agency.toml"
    toml.write_text(f'{toml.read_text()}hub = "http://127.0.0.1:{slow_port}"\n')
    start = time.monotonic()
    assert main(["agency", "status", folder, *words]) in (0, 2)
    assert main(["agency", "revoke", folder, "7" * 32, *words]) == 2
    assert time.monotonic() - start < 12


@pytest.mark.parametrize("agency", ["../../x", "X", "x", "a" * 40, "cli\x1b[2Jnic", ""])
def test_an_id_that_is_none_is_refused_before_the_disk_is_touched(
    agency: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    passphrase = tmp_path / "passphrase"
    passphrase.touch(0o600)
    passphrase.write_text("a passphrase for tests")
    folder = tmp_path / "new"
    words = ["--passphrase-file", str(passphrase)]
    assert main(["agency", "init", str(folder), f"--id={agency}", *words]) == 2
    printed = capsys.readouterr().err
    assert "is no id of an agency" in printed and len(printed.splitlines()) == 1
    assert "\x1b" not in printed and not folder.exists()


EVIL = "no\x1b[2J\x9b31m\u202esecret"


def client_of(status: int, body: Any) -> Client:
    answer = Answer(status, i_json.write(body), None)
    transport = SimpleNamespace(ask=lambda *request: answer)
    return Client(transport, key("clinic.s1"), lambda: 0, lambda count: bytes(count), lambda: "")


def test_a_refusal_with_terminal_escapes_is_made_printable_wherever_it_is_kept() -> None:
    error = {"code": EVIL, "message": EVIL, "fix": EVIL}
    with pytest.raises(HubRefused) as caught:
        client_of(422, {"error": error}).directory()
    assert str(caught.value).isprintable() and caught.value.fix.isprintable()
    assert caught.value.hub_code.isprintable()
    with pytest.raises(HubAway) as away:
        client_of(500, {"error": error}).directory()
    assert str(away.value).isprintable()
    bundle: Any = SimpleNamespace(write=lambda: b"{}")
    (answer,) = client_of(200, [{"status": 403, "error": error}]).submit([bundle])
    assert all(text.isprintable() for text in answer["error"].values())
    with pytest.raises(HubAway) as hidden:
        client_of(200, {"closed": False, "generation": 1, "draft": EVIL}).generation()
    assert str(hidden.value).isprintable()


def test_escaped_text_keeps_lines_and_letters() -> None:
    assert printable_lines("año\n\u00a0x") == "año\n\u00a0x"
    assert printable_lines(EVIL) == "no\\u001b[2J\\u009b31m\\u202esecret"
