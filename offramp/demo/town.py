"""The demo's town: a hub and six agencies, each a process on loopback with its own folder.

One clock file serves all. What people do at an agency is an operation on its folder, beside the
process that serves it.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Literal

from exchange.errors import ExchangeError
from offramp.agency import operations
from offramp.agency.errors import AgencyError, HubAway, HubRefused
from offramp.agency.folder.settings import write_settings
from offramp.agency.hub_link.client import Http
from offramp.agency.hub_link.delivery import pull_inbox
from offramp.agency.hub_link.directory import learn_directory
from offramp.agency.hub_link.link import HubLink, link_of
from offramp.agency.hub_link.witnessing import cosign_tree, fetch_proofs
from offramp.hub import operations as hub_operations
from rules.errors import RequestError

PACK = "santa-fe"
# id: name, role, coverage by 42 CFR Part 2, and the person responsible for automatic acts.
AGENCIES: Mapping[str, tuple[str, str, Literal["yes", "no"], str]] = {
    "police": ("Police Department", "police", "no", "Sergeant Maria Lucero"),
    "prosecutor": ("District Attorney", "prosecutor", "no", "Thomas Baca"),
    "defender": ("Public Defender", "defender", "no", "Elena Ortiz"),
    "case-management": ("Crossroads Case Management", "case_management", "yes", "Rosa Quintana"),
    "treatment": ("Mesa Clinic", "treatment_provider", "yes", "Doctor Amos Reed"),
    "program": ("Diversion Program", "program", "no", "Julia Vigil"),
}
# How long to wait for a process while nothing is written, and at most, in seconds. Seven processes
# start at once, also on a busy machine.
PATIENCE = 60.0
LIMIT = 600.0


class Agency:
    """One agency of the town, as its people use it."""

    def __init__(self, folder: Path, passphrase: bytes, clock: Path) -> None:
        self.folder = folder
        self.id = folder.name
        self.name, self.role, self.part2, self.person = AGENCIES[folder.name]
        self.office = operations.open_office(folder, passphrase, clock_file=clock)

    @property
    def link(self) -> HubLink:
        """The agency's link to the hub."""
        return link_of(self.office)

    def pull(self) -> None:
        """Take what arrived, as `serve` does each second, so that the story needn't wait."""
        link = self.link
        learn_directory(link)
        pull_inbox(link)

    def until(self, is_done: Callable[[], bool], what: str) -> None:
        """Wait until a condition is true. Raises `RequestError` `demo-stuck`."""
        started, latest = time.monotonic(), last_write(self.folder.parent)
        deadline = started + PATIENCE
        while not is_done():
            if (now := time.monotonic()) > deadline:
                # A busy machine is slow, not stuck: its processes still write.
                before, latest = latest, last_write(self.folder.parent)
                if latest == before or now > started + LIMIT:
                    raise stuck(f"`{self.id}` waited for {what}")
                deadline = now + PATIENCE
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
        """Found hub and agencies: invited, joined and approved. Then start each one's process."""
        passphrase_file = self.folder / "passphrase"
        passphrase = secrets.token_urlsafe(24)
        passphrase_file.touch(0o600)
        passphrase_file.write_text(passphrase + "\n", encoding="utf-8")
        hub = hub_operations.create_hub(
            self.folder / "hub",
            pack=PACK,
            name="hub.local/offramp",
            program=None,
            zone=None,
            port=self.port,
            demo=True,
        )
        clock = ("--clock", str(self.clock))
        self.start("hub", "hub", "serve", str(hub.path), *clock, "--health-port", "0")
        codes = {}
        now = hub_operations.clock_of(hub, self.clock).now()
        for agency_id, (name, role, _, _) in AGENCIES.items():
            invitation = hub_operations.invite_agency(hub, agency_id, role, name, now=now)
            codes[agency_id] = invitation.code
            self.agencies[agency_id] = self._found_agency(agency_id, passphrase_file, passphrase)
        self._wait_for_hub()
        for agency_id, agency in self.agencies.items():
            operations.join_hub(agency.office, self.url, codes[agency_id], part2=agency.part2)
        digest = sha256(next(iter(self.agencies.values())).link.client.draft()).hexdigest()
        for agency in self.agencies.values():
            operations.approve_draft(agency.office, digest)
        for agency_id in self.agencies:
            folder = str(self.folder / agency_id)
            self.start(agency_id, "agency", "serve", folder, "--clock", str(self.clock))
        for agency in self.agencies.values():
            agency.until(partial(_knows_every_key, agency), "every agency's key")

    def _found_agency(self, agency_id: str, passphrase_file: Path, passphrase: str) -> Agency:
        folder = self.folder / agency_id
        settings = operations.create_agency(
            folder, agency_id, passphrase.encode(), demo=True, founder=AGENCIES[agency_id][3]
        )
        more = {
            "passphrase_file": str(passphrase_file),
            "automatic": AGENCIES[agency_id][3],
            "canary": self.canary,
        }
        write_settings(folder, settings.model_copy(update=more))
        return Agency(folder, passphrase.encode(), self.clock)

    def _wait_for_hub(self) -> None:
        """Wait for the hub's first answer, or until its process ends."""
        deadline = time.monotonic() + LIMIT
        while True:
            try:
                Http(self.url).ask("GET", "/v1/directory", b"", {}, 1.0)
                return
            except HubAway:
                if time.monotonic() > deadline or self._processes["hub"].poll() is not None:
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
                    cosign_tree(each.link)
        for each in self.agencies.values():
            fetch_proofs(each.link)


def _knows_every_key(agency: Agency) -> bool:
    """Report whether an agency knows the directory and a key of every agency."""
    gateway = agency.office.working_set().gateway
    return gateway.history.size > 0 and len(gateway.learned) > len(AGENCIES)


@contextmanager
def town(folder: Path, start: datetime, canary: str | None = None) -> Iterator[Town]:
    """Run a town until the end of the block.

    Raises `RequestError` `file-taken`, `no-output`, `demo-stuck`.
    """
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


def last_write(folder: Path) -> int:
    """Return the newest time at which a file in the folder was written, in nanoseconds."""
    times = [0]
    for path in folder.rglob("*"):
        # Readers of a database write its `-shm` file too.
        if not path.name.endswith("-shm"):
            with suppress(FileNotFoundError):
                times.append(path.stat().st_mtime_ns)
    return max(times)


def stuck(why: str) -> RequestError:
    return RequestError(
        "demo-stuck",
        f"the demo can't go on: {why}",
        fix="run it with `--dir` and `--keep`, and read DIR/log",
    )
