"""What a stranger or a careless member can do to a hub's availability, while others use it.

Each attack is a context manager that goes on until its block ends. `latencies` measures an honest
member meanwhile.
"""

from __future__ import annotations

import multiprocessing
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx

from exchange.standards import i_json
from tests.support.hub_process import HubProcess, Wire, WireWorld, values
from tests.support.simulator import part

MEBIBYTE = 1024 * 1024
TO_CROSSROADS = {"crossroads": ("offer_and_hand_off", "offer_at_scene")}


def latencies(wire: Wire, count: int = 40) -> list[float]:
    """Return how long an honest member waits for each of its pulls, in seconds."""
    took = []
    for _ in range(count):
        began = time.perf_counter()
        answer = wire.ask("defender", "GET", "/v1/inbox?after=0")
        took.append(time.perf_counter() - began)
        assert answer.status_code == 200, answer.text
    return took


def median(wire: Wire, count: int = 40) -> float:
    return statistics.median(latencies(wire, count))


@contextmanager
def going_on(attack: Callable[[], None], threads: int) -> Iterator[None]:
    """Repeat an attack in threads of another process until the block ends.

    A broken connection begins anew. The process is the attacker's own, so that an honest member
    doesn't wait for its interpreter.
    """

    def repeat() -> None:
        while True:
            with suppress(OSError, httpx.HTTPError):
                attack()

    def attacker() -> None:
        for _ in range(threads):
            threading.Thread(target=repeat, daemon=True).start()
        threading.Event().wait()

    running = multiprocessing.get_context("fork").Process(target=attacker, daemon=True)
    running.start()
    try:
        time.sleep(0.5)
        yield
    finally:
        running.kill()
        running.join()


def connection(process: HubProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", process.port), timeout=20)


def unsigned_bodies(process: HubProcess) -> Callable[[], None]:
    """Send a body of 16 MiB that nobody signed."""
    head = b"POST /v1/records HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (16 * MEBIBYTE)

    def attack() -> None:
        with connection(process) as client:
            client.sendall(head)
            for _ in range(16):
                client.sendall(bytes(MEBIBYTE))

    return attack


def endless_heads(process: HubProcess) -> Callable[[], None]:
    """Send a head that never ends."""

    def attack() -> None:
        with connection(process) as client:
            client.sendall(b"GET /v1/inbox HTTP/1.1\r\n")
            for number in range(100_000):
                client.sendall(b"X-%d: " % number + b"x" * 1024 + b"\r\n")

    return attack


def unsigned_requests(process: HubProcess) -> Callable[[], None]:
    """Ask for the directory, which nobody need sign, and for an inbox without a signature."""
    client = httpx.Client(timeout=20, verify=False)

    def attack() -> None:
        client.get(f"{process.url}/v1/directory")
        client.get(f"{process.url}/v1/inbox")

    return attack


def signed_bodies(world: WireWorld, member: str, *, long: bool) -> Callable[[], None]:
    """Send 8 MiB of JSON that are no records, signed by a member: many values, or long ones."""
    body = b"[" + b"[]," * (8 * MEBIBYTE // 3) + b"[]]"
    if long:
        body = b'["' + b"x" * (8 * MEBIBYTE) + b'"]'
    wire = Wire(world.process, world.clock)

    def attack() -> None:
        wire.ask(member, "POST", "/v1/records", content=body)

    return attack


def referrals(world: WireWorld, count: int) -> Callable[[], None]:
    """Send referrals in one case as police, ten at a time. All are composed beforehand."""
    case = world.new_case()
    encounter = part(
        "encounter",
        {"facts": {"encounter.route": "arrest"}},
        to=TO_CROSSROADS,
        use="none",
        says={"answer": "accepted"},
    )
    bodies = []
    for _ in range(count // 10):
        bundles = [world.compose("police", "referral", encounter, case=case) for _ in range(10)]
        bodies.append(i_json.write([values(bundle) for bundle in bundles]))
    wire = Wire(world.process, world.clock)

    def attack() -> None:
        if bodies:
            wire.ask("police", "POST", "/v1/records", content=bodies.pop())
        else:
            time.sleep(0.05)

    return attack


def polls(world: WireWorld, member: str) -> Callable[[], None]:
    """Wait for an item, as a member that asks again and again at once."""

    def attack() -> None:
        wire = Wire(world.process, world.clock)
        if wire.ask(member, "GET", "/v1/inbox?after=1000000&wait=2").status_code == 429:
            time.sleep(0.05)
        wire.client.close()

    return attack


@contextmanager
def deaf(world: WireWorld, member: str, count: int) -> Iterator[None]:
    """Ask for whole inboxes on many connections, and read no answer."""
    with ExitStack() as stack:
        for _ in range(count):
            client = stack.enter_context(connection(world.process))
            header = world.wire.signature(member, "GET", "/v1/inbox?after=0", b"")
            head = f"GET /v1/inbox?after=0 HTTP/1.1\r\nHost: x\r\nAuthorization: {header}\r\n\r\n"
            client.sendall(head.encode())
        yield
