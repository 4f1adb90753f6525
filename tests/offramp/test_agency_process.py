"""The agency's commands against a hub that is a process of its own: killed, at once, on a full disk, from the first word on."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from exchange.errors import ExchangeError
from exchange.hub.store import Store
from exchange.records.ids import new_id
from exchange.standards import base64, i_json
from offramp.agency.folder.office import Office
from offramp.agency.hub_link.client import Http
from offramp.agency.hub_link.sync import sync_of
from offramp.cli import main
from tests.offramp.test_agency import referral
from tests.support.hub_process import serving

PASSPHRASE = b"a passphrase for tests"
ROLES = {
    "police": "police",
    "defender": "defender",
    "crossroads": "case_management",
    "clinic": "treatment_provider",
}
KILLS = 50


class Running:
    """A hub's process and the folders of its agencies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.passphrase = folder / "passphrase"
        self.passphrase.touch(0o600)
        self.passphrase.write_bytes(PASSPHRASE)
        assert (
            main(["hub", "init", str(folder / "hub"), "--pack", "lead", "--port", str(self.port)])
            == 0
        )
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "offramp", "hub", "serve", str(self.folder / "hub")]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
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
            for name in ROLES:
                with closing(self.office(name)) as office:
                    sync_of(office).everything()


@pytest.fixture
def running(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Running]:
    found = Running(tmp_path)
    try:
        for name, role in ROLES.items():
            capsys.readouterr()
            assert (
                main(
                    [
                        "hub",
                        "invite",
                        str(tmp_path / "hub"),
                        name,
                        "--role",
                        role,
                        "--name",
                        name.title(),
                    ]
                )
                == 0
            )
            code = capsys.readouterr().out.strip()
            assert found.agency("init", name, "--id", name) == 0
            assert found.agency("join", name, found.url, code, "--part2", "no") == 0
        answer = Http(found.url).ask("GET", "/v1/directory/draft", b"", {}, 5.0)
        digest = sha256(base64.decode_url(i_json.read_object(answer.body)["directory"])).hexdigest()
        assert found.agency("approve", "police", "0" * 64) == 2
        for name in ROLES:
            assert found.agency("approve", name, digest) == 0
        found.settle()
        capsys.readouterr()
        yield found
    finally:
        found.stop()


def in_child(do: Callable[[], None], kill_after: float | None = None) -> int:
    """Does something in a process of its own, and kills that after so many seconds; its exit code."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            do()
            code = 0
        except ExchangeError as error:
            code = 3 if error.code == "no-room" else 2
        finally:
            os._exit(code)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def test_a_command_that_is_killed_sends_nothing_or_exactly_once(running: Running) -> None:
    def send() -> None:
        office = running.office("police")
        while True:
            office.compose("referral", (referral(),), case=new_id(os.urandom))
            sync_of(office).outbox()

    chance = random.Random(2)
    for _ in range(KILLS):
        in_child(send, kill_after=0.1 + chance.random() * 0.25)
    with closing(running.office("police")) as office:
        composed = set(office.working_set().outbox)
        sync_of(office).outbox()
        outbox = office.working_set().outbox
        assert set(outbox) == composed and all(out.receipt is not None for out in outbox.values())
    assert len(composed) > KILLS / 2
    running.stop()
    with closing(Store(running.folder / "hub" / "hub.db")) as store:
        sent = [record.jti for record, _ in store.records()]
    assert sorted(sent) == sorted(composed)
    running.start()


def test_two_commands_at_once_lose_nothing(running: Running) -> None:
    draft = running.folder / "referral.yaml"
    draft.write_text(
        "parts:\n"
        "  - category: encounter\n"
        "    content: {facts: {encounter.route: arrest}}\n"
        "    to: {crossroads: {purpose: offer_and_hand_off, basis: offer_at_scene}}\n"
        "    says: {answer: accepted}\n"
    )
    words = [
        "send",
        str(running.folder / "police"),
        "referral",
        str(draft),
        "--passphrase-file",
        str(running.passphrase),
    ]
    command = [sys.executable, "-m", "offramp", "agency", *words, "--json"]
    together = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(4)]
    ids = {json.loads(one.communicate(timeout=60)[0])["id"] for one in together}
    assert len(ids) == 4
    with closing(running.office("police")) as office:
        outbox = office.working_set().outbox
        assert set(outbox) == ids and all(out.receipt is not None for out in outbox.values())


def test_on_a_full_disk_a_command_refuses_and_loses_nothing(running: Running) -> None:
    path = running.folder / "police" / "agency.db"

    def fill() -> None:
        office = running.office("police")
        office.working_set()
        size = max(each.stat().st_size for each in path.parent.glob("agency.db*"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 30_000, size + 30_000))
        for _ in range(200):
            office.compose("referral", (referral(),), case=new_id(os.urandom))

    assert in_child(fill) == 3
    with closing(running.office("police")) as office:
        before = len(office.working_set().outbox)
        office.compose("referral", (referral(),), case=new_id(os.urandom))
        sync_of(office).outbox()
        assert len(office.working_set().outbox) == before + 1 and not office.working_set().to_send()


def test_with_the_hub_stopped_what_is_local_works_and_says_so(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    draft = running.folder / "referral.json"
    part = {
        "category": "encounter",
        "content": {"facts": {"encounter.route": "arrest"}},
        "to": {"crossroads": {"purpose": "offer_and_hand_off", "basis": "offer_at_scene"}},
        "says": {"answer": "accepted"},
    }
    draft.write_text(json.dumps({"parts": [part]}))
    running.stop()
    assert running.agency("send", "police", "referral", str(draft), "--json") == 0
    assert json.loads(capsys.readouterr().out)["state"].startswith("queued: the hub doesn't answer")
    assert running.agency("status", "police") == 0
    assert "not sent yet" in capsys.readouterr().out
    running.start()
    running.settle()
    assert running.agency("open", "crossroads", "1", "--by", "Rosa Quintana") == 0
    assert '"encounter.route": "arrest"' in capsys.readouterr().out
    assert (
        main(
            [
                "agency",
                "doctor",
                str(running.folder / "crossroads"),
                "--passphrase-file",
                str(running.passphrase),
            ]
        )
        == 1
    )
    found = capsys.readouterr().out
    assert "Offramp's own wording" in found and "there is no backup" in found


def test_serve_does_everything_by_itself_and_stops_when_told(running: Running) -> None:
    with closing(running.office("police")) as office:
        sent = office.compose("referral", (referral(),), case=new_id(os.urandom)).id
    gateways = []
    for name in ROLES:
        words = ["serve", str(running.folder / name), "--passphrase-file", str(running.passphrase)]
        gateways.append(subprocess.Popen([sys.executable, "-m", "offramp", "agency", *words]))
    try:
        until = time.monotonic() + 45
        while time.monotonic() < until:
            with closing(running.office("police")) as office:
                if office.working_set().outbox[sent].state == "witnessed":
                    break
            time.sleep(0.5)
        else:
            raise AssertionError("the record wasn't witnessed")
    finally:
        for one in gateways:
            one.terminate()
    assert [one.wait(20) for one in gateways] == [0] * len(gateways)
