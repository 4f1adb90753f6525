"""Run an agency's commands against a hub process: killed, concurrent, and on a full disk."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from exchange.errors import ExchangeError
from exchange.hub.store import Store
from exchange.records.ids import new_id
from offramp.agency.hub_link.delivery import send_outbox
from offramp.agency.hub_link.link import link_of
from offramp.cli import main
from tests.support.agencies import referral
from tests.support.running_agencies import ROLES, Running

KILLS = 50


def in_child(do: Callable[[], None], kill_after: float | None = None) -> int:
    """Run a function in a child process, kill it after some seconds, and return its exit code."""
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
            send_outbox(link_of(office))

    chance = random.Random(2)
    for _ in range(KILLS):
        in_child(send, kill_after=0.1 + chance.random() * 0.25)
    with closing(running.office("police")) as office:
        composed = set(office.working_set().outbox)
        send_outbox(link_of(office))
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
        send_outbox(link_of(office))
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
    assert "redisclosure notice" not in found and "there is no backup" in found


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
