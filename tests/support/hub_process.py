"""A hub as a real process on loopback, and a `World` that uses it over HTTP.

Importing the server takes longer than most tests, so a `Starter` imports it once and forks a
process for each start. The process has its own folder, database, and port, and a test can stop or
kill it.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from exchange.agency.gateway import Gateway
from exchange.errors import ExchangeError, NotPassed
from exchange.hub.hub import Acceptance, Rejection
from exchange.log.leaves import parse_leaf
from exchange.log.receipts import parse_receipt
from exchange.membership.directory import read_directory
from exchange.membership.history import announce_key
from exchange.membership.signatures import read_signed_directory, sign_directory
from exchange.protocol.inbox import Inbox, read_inbox
from exchange.protocol.request import authorize
from exchange.records.bundle import Bundle
from exchange.standards import base64, i_json, notes
from exchange.standards.notes import COSIGNATURE, derive_note_key
from tests.conftest import ROOT
from tests.support.keys import key
from tests.support.parties import ROLES, ed25519
from tests.support.simulator import START, World, judges

NAME = "hub.example/lead"
STARTS_WITHIN = 20.0
HEALTH = r"its health is at (http://127\.0\.0\.1:\d+)/health"

_FORKS = """
import json, os, resource, signal, sys
sys.path.insert(0, os.getcwd())
import offramp.hub.commands, offramp.hub.api.app, offramp.hub.api.monitoring, uvicorn
import offramp.hub.patience, offramp.hub.service
from offramp.cli import main
from rules.shelf import read_pack
read_pack("lead")
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("ready", flush=True)
for line in sys.stdin:
    given = json.loads(line)
    if given["console"]:
        import offramp.console.agency.__main__ as console
        import argon2, babel, fastapi, jinja2, pyotp, webauthn
        import offramp.console.agency.office_thread, offramp.console.agency.server
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if given["fsize"]:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (given["fsize"], resource.RLIM_INFINITY))
        os.environ.clear()
        os.environ.update(given["environment"])
        os.chdir(given["folder"])
        out = os.open(given["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(out, 1)
        os.dup2(out, 2)
        if given["console"]:
            os.dup2(os.open(given["console"], os.O_RDONLY), 0)
            sys.argv[1:] = given["arguments"]
            os._exit(console.main())
        code = main(given["arguments"])
        if given["waits"]:
            os.write(writer, bytes([code]))
        os._exit(code)
    os.close(writer)
    ended = os.read(reader, 1) if given["waits"] else b""
    os.close(reader)
    print((ended[0] if ended else -1) if given["waits"] else pid, flush=True)
"""


class Starter:
    """A parent process that forks a process for each command, to import everything only once."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _FORKS],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None and self._process.stdout.readline() == "ready\n"

    def start(self, arguments: Sequence[str], out: Path, *, fsize: int = 0) -> int:
        """Start a process and return its id. With `fsize`, no file that it writes can be larger."""
        return self._ask(arguments, out, fsize=fsize, waits=False)

    def start_console(self, options: str, out: Path, entry: Path) -> int:
        """Start the process of an agency's console, and return its id.

        `options` are its argument, and `entry` is a named pipe that becomes its standard input.
        """
        return self._ask([options], out, fsize=0, waits=False, console=str(entry))

    def run(self, arguments: Sequence[str], out: Path) -> int:
        """Run a command in a process of its own, and return its exit code."""
        return self._ask(arguments, out, fsize=0, waits=True)

    def _ask(
        self, arguments: Sequence[str], out: Path, *, fsize: int, waits: bool, console: str = ""
    ) -> int:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(
            json.dumps(
                {
                    "arguments": list(arguments),
                    "out": str(out),
                    "fsize": fsize,
                    "waits": waits,
                    "console": console,
                    # As in a process that this one starts.
                    "environment": dict(os.environ),
                    "folder": str(Path.cwd()),
                }
            )
            + "\n"
        )
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


@cache
def shared_starter() -> Starter:
    """Return the one that all tests of this process share. Importing the server takes a second."""
    starter = Starter()
    atexit.register(starter.close)
    return starter


class ServedHub:
    """A hub that the shared `Starter` started, with the methods of a process that tests use."""

    def __init__(self, arguments: Sequence[str], out: Path) -> None:
        self.pid = shared_starter().start(arguments, out)

    def terminate(self) -> None:
        """Ask the process to stop, if it hasn't ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)

    def wait(self, timeout: float) -> None:
        """Wait until the process has ended."""
        wait_for_end(self.pid, timeout)


def wait_for_end(pid: int, timeout: float) -> None:
    """Wait until a process that the shared `Starter` started has ended."""
    until = time.monotonic() + timeout
    while runs(pid):
        assert time.monotonic() < until, "the process doesn't stop"
        time.sleep(0.005)


def runs(pid: int) -> bool:
    """Test if a process runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def offramp(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a new process."""
    code = "import sys; from offramp.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )


def plain_client() -> httpx.Client:
    """Return a client of a server on this machine. Certificates take 40 ms to load, and none is
    shown.
    """
    return httpx.Client(timeout=40, verify=False)


def serving(url: str) -> None:
    """Wait until a hub answers at this address."""
    until = time.monotonic() + STARTS_WITHIN
    with plain_client() as client:
        while time.monotonic() < until:
            try:
                client.get(f"{url}/v1/directory")
                return
            except httpx.TransportError:
                time.sleep(0.02)
    raise AssertionError("the hub didn't start")


class HubProcess:
    """A hub's folder and the process that serves it.

    In practice its clock is a file that the test writes, and otherwise the machine's.
    """

    def __init__(self, starter: Starter, path: Path, *, practice: bool = True) -> None:
        self.starter = starter
        self.path = path
        self.practice = practice
        self.began = START if practice else int(time.time())
        self.clock = path.with_name(f"{path.name}.clock")
        self.out = path.with_name(f"{path.name}.out")
        self.pid = 0
        self.port = 0
        # The address of health and counts, as the hub prints it.
        self.health = ""
        if practice:
            self.set_clock(START)
        words = ("hub", "init", str(path), "--pack", "lead", "--name", NAME)
        practices = ["--demo"] if practice else []
        code = starter.run([*words, "--zone", "America/Denver", *practices], self.out)
        assert code == 0, self.out.read_text()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def set_clock(self, now: int) -> None:
        partial = self.clock.with_suffix(".partial")
        partial.write_text(datetime.fromtimestamp(now, UTC).isoformat())
        partial.replace(self.clock)

    def start(self, *, fsize: int = 0) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        arguments = [
            "hub",
            "serve",
            str(self.path),
            "--port",
            str(self.port),
            "--health-port",
            "0",
        ]
        if self.practice:
            arguments += ["--clock", str(self.clock)]
        self.pid = self.starter.start(arguments, self.out, fsize=fsize)
        until = time.monotonic() + STARTS_WITHIN
        with plain_client() as client:
            while time.monotonic() < until and self.runs():
                try:
                    if client.get(f"{self.url}/v1/directory").status_code == 200:
                        self.health = re.findall(HEALTH, self.out.read_text())[-1]
                        return
                except httpx.TransportError:
                    time.sleep(0.02)
        raise AssertionError(f"the hub didn't start: {self.out.read_text()}")

    def runs(self) -> bool:
        return runs(self.pid)

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop or kill the process, and wait until it ends."""
        if not self.pid:
            return
        os.kill(self.pid, how)
        until = time.monotonic() + STARTS_WITHIN
        while self.runs():
            assert time.monotonic() < until, "the hub doesn't stop"
            time.sleep(0.005)
        self.pid = 0

    def restart(self, how: signal.Signals = signal.SIGTERM) -> None:
        self.end(how)
        self.start()

    def fsck(self) -> list[str]:
        """Return the faults in the database of the stopped hub, checked on a copy."""
        from offramp.hub.operations import find_faults

        return find_faults(self.path / "hub.db")


class Wire:
    """A client of the hub's API for any agency. It raises refusals as their own classes."""

    def __init__(self, process: HubProcess, now: int) -> None:
        self.process = process
        self.now = now
        self.client = plain_client()

    def ask(
        self,
        name: str | None,
        method: str,
        path: str,
        value: Any = None,
        *,
        content: bytes | None = None,
    ) -> httpx.Response:
        """Send a request, signed by the agency if there is one."""
        body = content if content is not None else b"" if value is None else i_json.write(value)
        headers = {"Authorization": self.signature(name, method, path, body)} if name else {}
        return self.client.request(method, self.process.url + path, content=body, headers=headers)

    def signature(self, name: str, method: str, path: str, body: bytes) -> str:
        return authorize(
            key(f"{name}.s1"),
            method,
            path,
            body,
            hub=NAME,
            iat=self.now if self.process.practice else int(time.time()),
            random_bytes=secrets.token_bytes,
        )

    def told(
        self,
        name: str | None,
        method: str,
        path: str,
        value: Any = None,
        *,
        content: bytes | None = None,
    ) -> Any:
        """Send a request and return its answer. Raises its refusal."""
        answer = self.ask(name, method, path, value, content=content)
        if not answer.is_success:
            raise error_of(answer.status_code, answer.json()["error"])
        return (
            answer.json()
            if answer.headers["content-type"] == "application/json"
            else answer.content
        )


def error_of(status: int, said: dict[str, str]) -> ExchangeError:
    """Return the exception for an error response."""
    return (NotPassed if status == 403 else ExchangeError)(
        said["code"], said["message"], fix=said["fix"]
    )


def taken_of(answer: dict[str, Any]) -> Acceptance | Rejection:
    """Read the answer to a submission."""
    if "receipt" in answer:
        return Acceptance(parse_receipt(answer["receipt"]), is_repeat=answer["status"] == 200)
    return Rejection(
        error_of(answer["status"], answer["error"]), is_conflict=answer["status"] == 409
    )


class WireHub:
    """The calls that a `World` makes to its hub, over HTTP."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def _at(self, now: int) -> None:
        if now != self.wire.now:
            self.wire.now = now
            self.wire.process.set_clock(now)

    def submit(self, bundles: Sequence[Bundle], now: int) -> tuple[Acceptance | Rejection, ...]:
        self._at(now)
        by = bundles[0].claims[0]
        return tuple(
            taken_of(one)
            for one in self.wire.told(by, "POST", "/v1/records", [values(one) for one in bundles])
        )

    def inbox(self, agency: str, now: int, after: int = 0) -> Inbox:
        self._at(now)
        return read_inbox(self.wire.ask(agency, "GET", f"/v1/inbox?after={after}").content)


def values(bundle: Bundle) -> Any:
    return i_json.read(bundle.write())


class WireWorld(World):
    """Seven agencies that join a hub process, sign its directory, and announce their keys."""

    def __init__(self, process: HubProcess, names: Iterable[str] = tuple(ROLES)) -> None:
        self.random = secrets.token_bytes
        self.clock = process.began
        self.process = process
        self.wire = Wire(process, process.began)
        self.hub = WireHub(self.wire)
        self.names = tuple(names)
        self.at = {
            name: Gateway(name, key(f"{name}.s1"), ed25519(f"{name}.w1"), judges, self.random)
            for name in self.names
        }
        self.found()
        self.learn()

    def found(self) -> None:
        payload = ""
        for name in self.names:
            given = offramp_invite(self.process, name)
            payload = self.wire.told(None, "POST", "/v1/join", joining(name, given))["directory"]
        raw = base64.decode_url(payload)
        for name in self.names:
            signature = sign_directory(raw, key(f"{name}.s1"))
            digest = read_directory(raw).sha256
            self.wire.told(
                None, "POST", "/v1/directory/signatures", {"sha256": digest, "signature": signature}
            )
        for name in self.names:
            private = key(f"{name}.2026-11", "enc")
            self.at[name].sealing[private.public.kid] = private
            announced = announce_key(private.public, self.at[name].signing)
            self.wire.told(name, "POST", "/v1/keys", {"announced": announced})

    def learn(self) -> None:
        """Give every gateway the directories and all keys."""
        said = self.wire.told(None, "GET", "/v1/directory")
        found = [
            *(
                (parse_leaf(one["leaf"]), read_signed_directory(i_json.write(one["signed"])))
                for one in said["versions"]
            ),
            *((parse_leaf(one["leaf"]), one["announced"]) for one in said["keys"]),
        ]
        for leaf, what in sorted(found, key=lambda one: one[0].index):
            for gateway in self.at.values():
                if isinstance(what, str):
                    gateway.learn_key(leaf, what)
                else:
                    gateway.learn_directory(leaf, what)

    def settle(self) -> None:
        for name in self.names:
            self.pull(name)

    def cosign(self, name: str) -> bool:
        """Cosign the open checkpoint as an agency. Return whether that completes its quorum."""
        note = self.wire.told(name, "GET", "/v1/log/checkpoint")
        last = self.at[name].watching.last
        size = notes.read_checkpoint(notes.read_note(note).text).size
        proof = ()
        if last is not None and last.size < size:
            said = self.wire.told(
                name, "GET", f"/v1/log/consistency?first={last.size}&second={size}"
            )
            proof = tuple(bytes.fromhex(one) for one in said["proof"])
        signature = self.at[name].cosign(note, proof, self.clock)
        back = notes.Note(notes.read_note(note).text, (signature,)).encode()
        return bool(self.wire.told(name, "POST", "/v1/log/cosignatures", content=back)["witnessed"])


def joining(name: str, code: str) -> dict[str, Any]:
    """Return the request with which an agency joins."""
    part2 = "no" if ROLES[name] in ("police", "prosecutor", "defender", "program") else "yes"
    witness = derive_note_key(ed25519(f"{name}.w1"), f"{name}.w1", COSIGNATURE).vkey
    signing = key(f"{name}.s1").public.as_jwk()
    return {
        "code": code,
        "agency": name,
        "part2": part2,
        "custody": "own",
        "signing": signing,
        "witness": witness,
    }


def offramp_invite(process: HubProcess, name: str) -> str:
    """Return the code with which an agency joins, as `offramp hub invite` prints it."""
    from offramp.hub.folder import Folder
    from offramp.hub.operations import invite_agency

    folder = Folder(process.path)
    return invite_agency(folder, name, ROLES[name], name.title(), now=process.began).code
