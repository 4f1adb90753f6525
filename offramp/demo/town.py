"""The demo's town: a hub and six agencies, each a process on loopback with a folder of its own, and one clock for all.

What its people do is done by the same commands as anywhere else, only not each in an interpreter of its own: see `Agency.does`.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, redirect_stdout, suppress
from datetime import UTC, datetime
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

from exchange.errors import ExchangeError
from offramp.agency.commands import HANDLERS, opened
from offramp.agency.errors import AgencyError, HubAway, HubRefused
from offramp.agency.folder.settings import read_settings, write_settings
from offramp.agency.hub_link.client import Http
from offramp.agency.hub_link.sync import Sync, sync_of
from offramp.cli import main, parser_of
from rules.errors import RequestError

PACK = "santa-fe"
# id: name, role, whether 42 CFR Part 2 covers it, and who answers for what its gateway does by itself.
AGENCIES: Mapping[str, tuple[str, str, str, str]] = {
    "police": ("Police Department", "police", "no", "Sergeant Maria Lucero"),
    "prosecutor": ("District Attorney", "prosecutor", "no", "Thomas Baca"),
    "defender": ("Public Defender", "defender", "no", "Elena Ortiz"),
    "case-management": ("Crossroads Case Management", "case_management", "yes", "Rosa Quintana"),
    "treatment": ("Mesa Clinic", "treatment_provider", "yes", "Doctor Amos Reed"),
    "program": ("Diversion Program", "program", "no", "Julia Vigil"),
}
PATIENCE = 20.0


class Agency:
    """One agency of the town, as its people use it."""

    def __init__(self, folder: Path, clock: Path) -> None:
        self.folder = folder
        self.id = folder.name
        self.clock = clock
        self.name, self.role, self.part2, self.person = AGENCIES[folder.name]
        self._parser = parser_of()
        self.office = opened(self._options("status"))

    def _options(self, command: str, *words: str) -> Namespace:
        given = ["agency", command, str(self.folder), *words, "--clock", str(self.clock)]
        return self._parser.parse_args(given)

    def does(self, command: str, *words: str) -> dict[str, Any]:
        """What `offramp agency COMMAND DIR …` answers, in JSON. Raises whatever it refuses with.

        The command's own function runs here: sixty starts of an interpreter would take longer than the story.
        """
        value = HANDLERS[command](self.office, self._options(command, *words))[0]
        found: dict[str, Any] = json.loads(json.dumps(value))
        return found

    @property
    def sync(self) -> Sync:
        return sync_of(self.office)

    def pull(self) -> None:
        """Takes what there is, as `serve` does each second; so the story needn't wait for the second."""
        sync = self.sync
        sync.directory()
        sync.inbox()

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Waits until something holds. Raises `RequestError` `demo-stuck`."""
        last = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > last:
                raise stuck(f"`{self.id}` waited for {what}")
            time.sleep(0.05)
            with suppress(HubAway):
                self.pull()


class Town:
    """Hub, agencies and clock in a folder that isn't there yet."""

    def __init__(self, folder: Path, start: datetime, canary: str | None) -> None:
        self.folder = folder
        self.clock = folder / "clock"
        self.canary = canary
        self.agencies: dict[str, Agency] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.set(start)

    # Time

    def set(self, at: datetime) -> None:
        """It is this time for everybody, at once: the file is replaced, never half written."""
        self.now = at
        partial = self.clock.with_name(".clock")
        partial.write_text(at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ\n"), encoding="utf-8")
        partial.replace(self.clock)

    # Founding

    def found(self) -> None:
        """Hub and agencies, invited, joined and approved; then each one's process."""
        passphrase = self.folder / "passphrase"
        passphrase.touch(0o600)
        passphrase.write_text(secrets.token_urlsafe(24) + "\n", encoding="utf-8")
        hub = str(self.folder / "hub")
        self._ran("hub", "init", hub, "--pack", PACK, "--port", str(self.port), "--demo")
        self.start("hub", "hub", "serve", hub, "--clock", str(self.clock))
        codes = {}
        for name, (title, role, _, person) in AGENCIES.items():
            codes[name] = self._ran(
                "hub",
                "invite",
                hub,
                name,
                "--role",
                role,
                "--name",
                title,
                "--clock",
                str(self.clock),
            ).strip()
            at = self.folder / name
            self._ran(
                "agency",
                "init",
                str(at),
                "--id",
                name,
                "--demo",
                "--passphrase-file",
                str(passphrase),
            )
            settings = read_settings(at)
            more = {
                "passphrase_file": str(passphrase),
                "automatic": person,
                "canary": self.canary,
                "notice": "own-1",
            }
            write_settings(at, settings.model_copy(update=more))
            self.agencies[name] = Agency(at, self.clock)
        self._answers()
        for name, each in self.agencies.items():
            each.does("join", self.url, codes[name], "--part2", each.part2)
        digest = sha256(next(iter(self.agencies.values())).sync.client.draft()).hexdigest()
        for each in self.agencies.values():
            each.does("approve", digest)
        for name in self.agencies:
            self.start(name, "agency", "serve", str(self.folder / name), "--clock", str(self.clock))
        for each in self.agencies.values():
            each.until(lambda each=each: self._ready(each), "every agency's key")  # type: ignore[misc]

    def _ready(self, each: Agency) -> bool:
        """Whether an agency knows the directory and a key of everybody."""
        gateway = each.office.working_set().gateway
        return gateway.history.size > 0 and len(gateway.learned) > len(AGENCIES)

    def _ran(self, *words: str) -> str:
        """A command's output. Raises `RequestError` `demo-stuck`."""
        out = StringIO()
        with redirect_stdout(out):
            code = main([*words])
        if code != 0:
            raise stuck(f"`offramp {' '.join(words[:2])}` ended with {code}")
        return out.getvalue()

    def _answers(self) -> None:
        """Waits for the hub's first answer."""
        last = time.monotonic() + PATIENCE
        while True:
            try:
                Http(self.url).ask("GET", "/health", b"", {}, 1.0)
                return
            except HubAway:
                if time.monotonic() > last or self._processes["hub"].poll() is not None:
                    raise stuck("the hub didn't start") from None
                time.sleep(0.05)

    # Processes

    def start(self, name: str, *words: str) -> None:
        """A process of its own; what it says goes to `DIR/log/NAME.txt`."""
        (self.folder / "log").mkdir(exist_ok=True)
        with (self.folder / "log" / f"{name}.txt").open("ab") as out:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", "offramp", *words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )

    def stop(self) -> None:
        """Ends every process, cleanly where that works."""
        for each in self._processes.values():
            each.send_signal(signal.SIGTERM)
        for each in self._processes.values():
            try:
                each.wait(5)
            except subprocess.TimeoutExpired:
                each.kill()
                each.wait()
        self._processes.clear()
        for agency in self.agencies.values():
            agency.office.close()

    def alive(self) -> dict[str, int]:
        """The process of each, by name. Raises `RequestError` `demo-stuck` where one ended."""
        for name, each in self._processes.items():
            if each.poll() is not None:
                raise stuck(f"the process of `{name}` ended with {each.returncode}")
        return {name: each.pid for name, each in self._processes.items()}

    def witnessed(self) -> None:
        """Everybody cosigns the newest tree and gets the proofs of what they hold."""
        for each in self.agencies.values():
            each.pull()
        for _ in range(2):
            for each in self.agencies.values():
                with suppress(HubRefused, ExchangeError):
                    each.sync.witness()
        for each in self.agencies.values():
            each.sync.proofs()


@contextmanager
def town(folder: Path, start: datetime, canary: str | None = None) -> Iterator[Town]:
    """A town that runs, and ends with the block. Raises `RequestError` `already-there`, `no-output`, `demo-stuck`."""
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        if any(folder.iterdir()):
            raise RequestError(
                "file-taken", f"`{folder}` is there already", fix="name a new folder"
            ) from None
        folder.chmod(0o700)
    except OSError as error:
        reason = (error.strerror or "the system refused").lower()
        raise RequestError(
            "no-output", f"`{folder}` can't be made: {reason}", fix="name another folder"
        ) from None
    found = Town(folder, start, canary)
    before = os.umask(0o077)
    try:
        found.found()
        yield found
    except AgencyError as error:
        found.alive()
        raise stuck(f"{error.message} [{error.code}]") from error
    finally:
        os.umask(before)
        found.stop()


def stuck(why: str) -> RequestError:
    return RequestError(
        "demo-stuck",
        f"the demo can't go on: {why}",
        fix="run it with `--dir` and `--keep`, and read DIR/log",
    )
