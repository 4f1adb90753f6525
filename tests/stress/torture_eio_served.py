"""Run `offramp hub serve` on a disk that fails at each write in turn, which `strace` simulates.

Run it as `python -m tests.stress.torture_eio_served [--runs N]`. In each thread, the n-th write,
sync, or truncation of the hub's files fails with an input/output error, once or from then on, or
three syncs in a row fail. The hub's start and end are hit too. It must answer every submission with
201 or 507, unless it stopped. Then it starts on a sound disk: `offramp hub fsck` finds nothing
wrong, every acknowledged record has its receipt, and the others are taken once when sent again.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from itertools import islice
from pathlib import Path

import httpx

from exchange.hub.hub import Acceptance
from exchange.log.receipts import Receipt, parse_receipt
from exchange.records.bundle import Bundle
from tests.conftest import ROOT
from tests.support.hub_process import (
    STARTS_WITHIN,
    HubProcess,
    Starter,
    Wire,
    WireWorld,
    taken_of,
    values,
)
from tests.support.hub_records import check_log, compose_status, open_case

SYNCS = "fdatasync,fsync"
CALLS = f"pwrite64,write,ftruncate,{SYNCS}"
# What is sent together grows smaller: a commit that fails is longer than the next one.
SIZES = (16, 9, 4, 1)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=10)
    torture(options.parse_args().runs)


class FailingHub(HubProcess):
    """The hub's process. `start_failing` starts it on a disk that fails."""

    failing: subprocess.Popen[bytes] | None = None

    def start_failing(self, calls: str, when: str) -> bool:
        """Start the hub so that each thread's n-th such call fails. Return whether it serves."""
        self.port += 1
        database = self.path / "hub.db"
        files = [word for end in ("", "-wal", ".sum") for word in ("-P", f"{database}{end}")]
        strace = shutil.which("strace")
        assert strace, "strace makes the calls fail"
        # -D: the hub is our child, and strace is the one that watches from aside.
        watch = [strace, "-D", "-f", "-qq", "-o", "/dev/null", *files, "-e", f"trace={calls}"]
        inject = ["-e", f"inject={calls}:error=EIO:when={when}"]
        serve = [
            sys.executable,
            "-m",
            "offramp",
            "hub",
            "serve",
            str(self.path),
            "--port",
            str(self.port),
            "--health-port",
            "0",
        ]
        with self.out.open("ab") as out:
            command = [*watch, *inject, *serve, "--clock", str(self.clock)]
            self.failing = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out)
        until = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < until and self.failing.poll() is None:
            try:
                # Even to say that it runs it asks the writer, which may be refused.
                httpx.get(f"{self.url}/v1/directory")
                return True
            except httpx.TransportError:
                time.sleep(0.02)
        assert self.failing.poll() is not None, "it neither serves nor gives up"
        return False

    def end_failing(self, how: signal.Signals) -> None:
        assert self.failing is not None
        if self.failing.poll() is None:
            self.failing.send_signal(how)
        try:
            self.failing.wait(STARTS_WITHIN)
        finally:
            self.failing.kill()


def torture(runs: int) -> None:
    began = time.monotonic()
    starter = Starter()
    with tempfile.TemporaryDirectory() as folder:
        process = FailingHub(starter, Path(folder) / "hub")
        process.start()
        try:
            world = WireWorld(process)
            tally = dict.fromkeys(
                ("taken", "refused", "unanswered", "not started", "not acknowledged and there"), 0
            )
            acknowledged: dict[str, Receipt] = {}
            for number in range(1, runs + 1):
                # In one case an agency may send 500 records on one day.
                case = open_case(world)
                for calls, when in (
                    (CALLS, f"{number}"),
                    (CALLS, f"{number}+"),
                    (SYNCS, f"{number}..{number + 2}"),
                ):
                    bundles = [compose_status(world, case) for _ in range(sum(SIZES))]
                    process.end()
                    taken = failing(process, world, bundles, calls, when, tally)
                    assert process.fsck() == [], (calls, when, process.fsck())
                    process.start()
                    tally["not acknowledged and there"] += once(world, bundles, taken)
                    acknowledged |= taken
            process.end()
            check_log(process, acknowledged, {})
        finally:
            process.end(signal.SIGKILL)
            starter.close()
    assert tally["taken"] and tally["refused"], "the disk failed, but not always"
    counts = ", ".join(f"{count} {result}" for result, count in tally.items())
    print(
        f"{3 * runs} hubs on a failing disk: {counts}; "
        f"all records taken are stored once ({time.monotonic() - began:.0f} s)"
    )


def failing(
    process: FailingHub,
    world: WireWorld,
    bundles: list[Bundle],
    calls: str,
    when: str,
    tally: dict[str, int],
) -> dict[str, Receipt]:
    """Submit the records to a hub with a failing disk, and return its receipts by record id."""
    taken: dict[str, Receipt] = {}
    if not process.start_failing(calls, when):
        tally["not started"] += 1
    wire = Wire(process, world.clock)
    with suppress(httpx.TransportError):
        # What is handed out is written too.
        wire.ask("prosecutor", "GET", "/v1/inbox?after=0")
    left = iter(bundles)
    for size in SIZES:
        sent = list(islice(left, size))
        try:
            answer = wire.ask("crossroads", "POST", "/v1/records", [values(one) for one in sent])
        except httpx.TransportError:
            tally["unanswered"] += len(sent)
            continue
        assert answer.status_code in (200, 507), (answer.status_code, answer.text)
        if answer.status_code == 507:
            tally["refused"] += len(sent)
            continue
        for bundle, said in zip(sent, answer.json(), strict=True):
            assert said["status"] == 201, said
            taken[bundle.id] = parse_receipt(said["receipt"])
            tally["taken"] += 1
    process.end_failing(signal.SIGTERM if when.endswith("+") else signal.SIGKILL)
    return taken


def once(world: WireWorld, bundles: list[Bundle], taken: dict[str, Receipt]) -> int:
    """Send all records again on a sound disk, and check their receipts.

    Returns how many records were stored without a receipt. That can happen because a sync that
    fails after its write does not tell whether the bytes are stored, so the sender must send again.
    """
    there = 0
    for bundle in bundles:
        (said,) = world.wire.told("crossroads", "POST", "/v1/records", [values(bundle)])
        again = taken_of(said)
        assert isinstance(again, Acceptance), again
        if bundle.id in taken:
            assert again.is_repeat and again.receipt == taken[bundle.id]
        elif again.is_repeat:
            there += 1
        taken[bundle.id] = again.receipt
    return there


if __name__ == "__main__":
    main()
