"""`offramp agency console` as a real process, and a person at it with a browser or by HTTP."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from html import unescape
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pyotp

from offramp.agency import operations
from offramp.agency.commands.console import console_words
from offramp.agency.folder.keys import read_passphrase
from offramp.agency.folder.settings import read_settings, write_settings
from offramp.console.agency.sessions import COOKIE
from tests.conftest import ROOT
from tests.support.agencies import PASSPHRASE, Town
from tests.support.browser import Browser
from tests.support.hub_process import (
    STARTS_WITHIN,
    ServedHub,
    runs,
    shared_starter,
    wait_for_end,
)
from tests.support.running_agencies import Running
from tests.support.traces import leave, look_over

# Certificates take 40 ms to load for each request, and a console on this machine shows none.
WITHOUT_CERTIFICATES = False
# Seconds for one page. The first one reads all cases, and a machine may be busy.
PATIENCE = 120.0
PASSWORD = "five small green apples"
ADDRESS = r"http://[a-z0-9.-]+:(\d+)(?=/)"


# The consoles of this process. A folder may have several at once.
_NUMBERS = count()


@dataclass
class AgencyConsole:
    """A running console: its address for browsers, and its port."""

    address: str
    port: int
    log: Path
    pid: int = 0

    @property
    def host(self) -> str:
        """The name and port in the address."""
        return self.address.removeprefix("http://")


@contextmanager
def run_agency_console(
    folder: Path, passphrase_file: Path, *, clock: Path | None = None
) -> Iterator[AgencyConsole]:
    """Serve an agency's folder until the block ends, on a free port.

    The process is what `offramp agency console` starts, with the same argument. It is forked from
    one that has imported everything. Its traces are then searched for people.
    """
    number = next(_NUMBERS)
    log = folder.parent / f"console-{folder.name}-{number}.log"
    entry = folder.parent / f"console-{folder.name}-{number}.entry"
    os.mkfifo(entry, 0o600)
    options = console_words(folder, read_settings(folder), port=0, clock=clock)[-1]
    # Open to read too, so that opening waits for nobody.
    standard_input = os.open(entry, os.O_RDWR)
    pid = shared_starter().start_console(options, log, entry)
    try:
        try:
            os.write(standard_input, read_passphrase(passphrase_file).hex().encode() + b"\n")
            until = time.monotonic() + STARTS_WITHIN
            while not log.exists() or (found := re.search(ADDRESS, log.read_text())) is None:
                assert runs(pid) and time.monotonic() < until, log
                time.sleep(0.01)
            yield AgencyConsole(found[0], int(found[1]), log, pid)
        finally:
            # The console ends with its standard input.
            os.close(standard_input)
        wait_for_end(pid, STARTS_WITHIN)
        look_over(folder, read_passphrase(passphrase_file), found[0], log.read_text())
    finally:
        if runs(pid):
            os.kill(pid, signal.SIGKILL)
        entry.unlink()


@contextmanager
def serve_at_town_time(town: Town, agency: str) -> Iterator[AgencyConsole]:
    """Serve an agency's console of a town in memory, at the town's time. No hub answers there."""
    folder = town.at[agency].folder
    # A made-up town's console may have its time from a file.
    settings = folder / "agency.toml"
    settings.write_text(settings.read_text().replace("demo = false", "demo = true"))
    passphrase = folder.parent / "passphrase"
    passphrase.touch(0o600)
    passphrase.write_bytes(PASSPHRASE)
    with run_agency_console(folder, passphrase, clock=tell_console_time(town)) as console:
        yield console


def tell_console_time(town: Town) -> Path:
    """Write the town's time for its consoles. Return the file."""
    clock = town.folder / "clock"
    now = datetime.fromtimestamp(town.hub.clock, UTC)
    clock.write_text(now.strftime("%Y-%m-%dT%H:%M:%SZ"))
    return clock


@contextmanager
def run_console_command(folder: Path, passphrase_file: Path) -> Iterator[AgencyConsole]:
    """Serve an agency's folder by the command until the block ends, on a free port."""
    log = folder.parent / f"console-{folder.name}.log"
    command = [sys.executable, "-m", "offramp", "agency", "console", str(folder), "--port", "0"]
    command += ["--passphrase-file", str(passphrase_file)]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(ADDRESS, line)
            assert found, (line, log.read_text())
            yield AgencyConsole(found[0], int(found[1]), log)
        finally:
            process.terminate()
            process.wait(timeout=20)
        look_over(folder, read_passphrase(passphrase_file), found[0], log.read_text())


@contextmanager
def serve_with_console(running: Running, name: str) -> Iterator[str]:
    """Run a gateway with its console until the block ends. Yield the console's address."""
    folder = running.folder / name
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    write_settings(folder, read_settings(folder).model_copy(update={"console_port": port}))
    words = ("serve", str(folder), "--passphrase-file", str(running.passphrase))
    command = [sys.executable, "-m", "offramp", "agency", *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            lines = iter(process.stdout.readline, "")
            line = next(line for line in lines if line.startswith("Console of"))
            address = line.split()[-1].rstrip("/")
            yield address
        finally:
            process.terminate()
            assert process.wait(20) == 0
        look_over(folder, running.passphrase.read_bytes(), address, process.stdout.read())
    with closing(socket.socket()) as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0, "the console ends with the gateway"


@contextmanager
def serve_gateway(running: Running, name: str) -> Iterator[None]:
    """Run a gateway without a console until the block ends. It is forked, as `starter` does."""
    folder, passphrase = str(running.folder / name), str(running.passphrase)
    words = ("agency", "serve", folder, "--passphrase-file", passphrase)
    process = ServedHub(words, running.folder / f"{name}.out")
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


@dataclass
class Caller:
    """Somebody who sends requests by HTTP, as a browser without scripts would.

    The cookie is `Secure`, which Python's jars send over TLS alone. Browsers make an exception for
    this machine, and so does this.
    """

    console: AgencyConsole
    token: str | None = None
    page: httpx.Response | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cookie: str = COOKIE

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send one request, and follow nowhere."""
        headers = {"host": self.console.host, **self.headers, **more.pop("headers", {})}
        if method == "POST":
            headers = {"origin": self.console.address, **headers}
        if self.token is not None:
            headers["cookie"] = f"{self.cookie}={self.token}"
        url = f"http://127.0.0.1:{self.console.port}{path}"
        answer = httpx.request(
            method, url, headers=headers, timeout=PATIENCE, verify=WITHOUT_CERTIFICATES, **more
        )
        set_cookie = answer.headers.get("set-cookie", "")
        titles = re.findall("<title>(.*?)</title>", answer.text)
        location = answer.headers.get("location", "")
        leave(self.console.address + path, location, set_cookie, *titles)
        if (found := re.match(f"{self.cookie}=([^;]*);", set_cookie)) is not None:
            self.token = found[1].strip('"') or None
        self.page = answer
        return answer

    def get(self, path: str) -> httpx.Response:
        """Open a page, and follow where it leads."""
        answer = self.ask("GET", path)
        for _ in range(5):
            if answer.status_code != 303:
                break
            answer = self.ask("GET", answer.headers["location"])
        return answer

    def hidden(self, name: str, page: httpx.Response | None = None) -> str:
        """Return a hidden field of the last page."""
        shown = page or self.page
        text = shown.text if shown is not None else ""
        found = re.search(f'name="{name}" value="([^"]*)"', text)
        return unescape(found[1]) if found else ""

    def send(self, path: str, fields: dict[str, Any] | None = None) -> httpx.Response:
        """Send a form of the last page, and follow where it leads."""
        sent = {"t": self.hidden("t"), "f": self.hidden("f")} | (fields or {})
        answer = self.ask("POST", path, data=sent)
        return self.get(answer.headers["location"]) if answer.status_code == 303 else answer

    def sign_in(self, name: str, password: str, code: str) -> httpx.Response:
        """Sign in with a password and a one-time code."""
        return self.send("/sign-in", {"name": name, "password": password, "code": code})


@cache
def hash_of_password() -> str:
    """Return one hash of the password of all tests. Each takes Argon2 0.2 s of processor time."""
    return operations.hash_password(PASSWORD)


def make_account(office: operations.Office, admin: str, name: str) -> str:
    """Make the account of a listed person by an invitation. Return the secret of the codes."""
    invitation = operations.invite(office, admin, name)
    secret = operations.make_secret()
    hashed = hash_of_password()
    assert operations.use_invitation(office, name, invitation.code, hashed, secret) == name
    return secret


def code_of(secret: str) -> str:
    """Return the one-time code of now, after the last one if that was used already."""
    return pyotp.TOTP(secret).now()


def press(browser: Browser, selector: str) -> None:
    """Click, and wait until the next page is loaded."""
    browser.events.clear()
    browser.click(selector)
    browser.wait_for("Page.loadEventFired")


def type_in(browser: Browser, selector: str, text: str) -> None:
    """Type a text into a field."""
    browser.click(selector)
    browser.call("Input.insertText", text=text)


def add_authenticator(browser: Browser) -> None:
    """Give the browser a passkey device that verifies its user."""
    browser.call("WebAuthn.enable")
    browser.call(
        "WebAuthn.addVirtualAuthenticator",
        options={
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        },
    )
