"""Measure the hub as a process, over HTTP, against a bare endpoint.

Run it as `python bench/hub_http.py [--runs N] [--kills N]`. The endpoint is FastAPI under uvicorn
too. For a single record it does the least work that any hub must do, as the floor of `hub.py`: one
ES256 check of the record, and one durable commit of the same bytes. It also does less, without any
check, so that a run shows what the check alone costs. It takes a batch without any check in two
ways: a row and a durable commit for each record, as if they arrived one by one, and one row and one
commit for the whole request, which it doesn't even read. Hub and endpoint get requests in turn,
over one connection each. The hub has the machine's clock, as in a city. Processor time is that of
the two servers. On a busy machine it is the better measure, since both wait long for the disk.
`--kills` only kills a hub under load N times, with `tests/offramp/test_hub_killed.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import httpx  # noqa: E402  # the path is set first
import uvicorn  # noqa: E402  # the path is set first
from fastapi import FastAPI, Request, Response  # noqa: E402  # the path is set first
from measured import Bar, Measurement, options_of, write_results  # noqa: E402  # the path is set first

from exchange.records.bundle import Bundle  # noqa: E402  # the path is set first
from exchange.records.record import TYP  # noqa: E402  # the path is set first
from exchange.standards import i_json, jws  # noqa: E402  # the path is set first
from tests.support.hub_process import HubProcess, Starter, WireWorld, taken_of, values  # noqa: E402  # the path is set first

# The path is set first.
from tests.support.keys import key  # noqa: E402  # the path is set first
from tests.support.simulator import grant, part  # noqa: E402  # the path is set first

LIVE = grant("crossroads", "prosecutor", ["status"], ["diversion_coordination"])
TO_PROSECUTOR = {"prosecutor": ("diversion_coordination", "consent")}
SENDER = "crossroads"
CASES = 10
BATCH = 100


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=0)
    options.add_argument("--bare", type=Path, help=argparse.SUPPRESS)
    options.add_argument("--port", type=int, help=argparse.SUPPRESS)
    given = options_of(options, runs=15)
    if given.bare:
        serve_bare(given.bare, given.port)
    elif given.kills:
        kill(given.kills)
    else:
        with tempfile.TemporaryDirectory() as folder:
            write_results(given.results, measure(Path(folder), given.runs))


def measure(folder: Path, rounds: int) -> list[Measurement]:
    starter = Starter()
    process = HubProcess(starter, folder / "hub", practice=False)
    process.start()
    bare = Bare(folder / "bare.db")
    try:
        idle = most_memory(process.pid)
        world = WireWorld(process)
        cases = [enrolled(world) for _ in range(CASES)]
        print(
            f"Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}; "
            f"{rounds} rounds, alternating\n"
        )
        print(
            "| ms a record | hub | bare endpoint | of its rate | hub, processor time | "
            "bare, processor time | of its rate |\n| --- | --- | --- | --- | --- | --- | --- |"
        )
        rates = []
        for title, path in (
            ("one by one; bare: one ES256 check, one commit", "/floor"),
            ("one by one; bare: one commit", "/each"),
        ):
            ours, theirs = alternating(world, cases, bare, 1, rounds * 10, path)
            print(row(title, ours, theirs))
            rates.append([100 * least[0] / hub[0] for hub, least in zip(ours, theirs, strict=True)])
        for title, path in (
            (f"{BATCH} at once; bare: a commit a record", "/each"),
            (f"{BATCH} at once; bare: a commit in all", "/whole"),
        ):
            print(row(title, *alternating(world, cases, bare, BATCH, rounds, path)))
        while world.pull("prosecutor"):
            pass
        opened = [submitted_to_opened(world, cases[at % CASES]) for at in range(rounds * 4)]
        print(f"\nsubmit to opened at the recipient: {spread(opened)}")
        size = world.wire.client.get(f"{process.health}/health").json()["size"]
        print(
            f"memory of the hub's process, VmHWM: {idle} MB at its start, "
            f"{most_memory(process.pid)} MB at {size:,} leaves"
        )
        print(f"a record of {len(composed(world, cases[0]).write()):,} bytes")
        name = "hub over HTTP, one at a time, of the floor's rate in a bare endpoint"
        return [Measurement.of(name, rates[0], Bar(60, "%", "at least"))]
    finally:
        bare.end()
        process.end()
        starter.close()


def enrolled(world: WireWorld) -> str:
    case = world.new_case()
    world.refer(case)
    world.pull("crossroads")
    world.consent(case, LIVE)
    world.pull("crossroads")
    world.pull("prosecutor")
    return case


def composed(world: WireWorld, case: str) -> Bundle:
    return world.compose(
        SENDER,
        "status",
        part("status", {"engagement": "engaged"}, to=TO_PROSECUTOR),
        case=case,
    )


def alternating(
    world: WireWorld, cases: list[str], bare: Bare, size: int, times: int, path: str
) -> tuple[list[Timing], list[Timing]]:
    """Return the milliseconds per record at the hub and at the endpoint, for the same bodies.

    Composing and signing are not timed.
    """
    ours: list[Timing] = []
    theirs: list[Timing] = []
    for round_ in range(times):
        bundles = [values(composed(world, cases[(round_ + at) % CASES])) for at in range(size)]
        body = i_json.write(bundles if size > 1 else bundles[0])
        header = {"Authorization": world.wire.signature(SENDER, "POST", "/v1/records", body)}
        post = partial(
            world.wire.client.post, f"{world.process.url}/v1/records", content=body, headers=header
        )
        took, answer = timed(post, world.process.pid)
        said = answer.json() if size > 1 else [answer.json()]
        assert [one["status"] for one in said] == [201] * size, said
        ours.append((took[0] / size, took[1] / size))
        took, answer = timed(partial(bare.client.post, bare.url + path, content=body), bare.pid)
        assert answer.status_code == 201, answer
        theirs.append((took[0] / size, took[1] / size))
    return ours, theirs


def submitted_to_opened(world: WireWorld, case: str) -> float:
    """Return the milliseconds from the first byte sent until the recipient read the content."""
    bundle = composed(world, case)
    began = time.perf_counter()
    taken_of(world.wire.told(SENDER, "POST", "/v1/records", values(bundle)) | {"status": 201})
    world.pull("prosecutor")
    assert world.open("prosecutor", bundle.id).opened.content
    return (time.perf_counter() - began) * 1e3


def most_memory(pid: int) -> int:
    """The most that a process has had in memory, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


def row(title: str, ours: list[Timing], theirs: list[Timing]) -> str:
    return f"| {title} | {compared(ours, theirs, 0)} | {compared(ours, theirs, 1)} |"


def compared(ours: list[Timing], theirs: list[Timing], which: int) -> str:
    hub, least = (statistics.median(timing[which] for timing in side) for side in (ours, theirs))
    return f"{hub:.2f} | {least:.2f} | {least / hub:.0%}"


def spread(found: list[float]) -> str:
    ordered = sorted(found)
    percentile_95 = ordered[len(ordered) * 95 // 100]
    return f"median {statistics.median(found):.1f} ms, 95 of 100 under {percentile_95:.1f} ms"


# The time that passed and the server's processor time, in ms.
Timing = tuple[float, float]


def timed(work: Callable[[], httpx.Response], server: int) -> tuple[Timing, httpx.Response]:
    began, used = time.perf_counter(), processor_time(server)
    answer = work()
    passed = (time.perf_counter() - began) * 1e3
    return (passed, processor_time(server) - used), answer


def processor_time(pid: int) -> float:
    """The processor time of a process's threads, in ms."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e6


# The endpoint that does nothing else


class Bare:
    """The bare endpoint as a process of its own."""

    def __init__(self, database: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.client = httpx.Client(timeout=40, verify=False)
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--bare", str(database), "--port", str(port)], cwd=ROOT
        )
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                self.client.get(self.url)
                return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("the bare endpoint didn't start")

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def end(self) -> None:
        self._process.terminate()
        self._process.wait()


def serve_bare(path: Path, port: int) -> None:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE record(at INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT")
    app = FastAPI()

    signer = key(f"{SENDER}.s1").public

    def insert(given: bytes) -> None:
        database.execute("INSERT INTO record(bytes) VALUES (?)", (given,))

    @app.post("/floor")
    async def floor(asked: Request) -> Response:
        body = await asked.body()
        jws.verify(json.loads(body)["record"], signer, typ=TYP)
        insert(body)
        return Response(b"{}", 201, media_type="application/json")

    @app.post("/each")
    async def each(asked: Request) -> Response:
        body = await asked.body()
        for one in json.loads(body) if body.startswith(b"[") else ():
            insert(json.dumps(one).encode())
        if body.startswith(b"{"):
            insert(body)
        return Response(b"{}", 201, media_type="application/json")

    @app.post("/whole")
    async def whole(asked: Request) -> Response:
        insert(await asked.body())
        return Response(b"{}", 201, media_type="application/json")

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)


# Kills


def kill(times: int) -> None:
    began = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-n",
        "0",
        "tests/offramp/test_hub_killed.py",
    ]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"OFFRAMP_KILLS": str(times), "PYTHONPATH": str(ROOT)}
    )
    verdict = (
        "nothing acknowledged was lost, nothing is there twice"
        if done.returncode == 0
        else "FAILED"
    )
    print(f"{times} kills in {time.monotonic() - began:.0f} s: {verdict}")
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
