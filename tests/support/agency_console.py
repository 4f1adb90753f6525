"""`offramp agency console` as a real process, and a person at it with a browser or by HTTP."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pyotp

from offramp.agency import operations
from offramp.console.agency.sessions import COOKIE
from tests.conftest import ROOT
from tests.support.browser import Browser

# Certificates take 40 ms to load for each request, and a console on this machine shows none.
WITHOUT_CERTIFICATES = False
PASSWORD = "five small green apples"


@dataclass
class AgencyConsole:
    """A running console: its address for browsers, and its port."""

    address: str
    port: int
    log: Path

    @property
    def host(self) -> str:
        """The name and port in the address."""
        return self.address.removeprefix("http://")


@contextmanager
def run_agency_console(
    folder: Path, passphrase_file: Path | None = None, *words: str
) -> Iterator[AgencyConsole]:
    """Serve an agency's folder until the block ends, on a free port."""
    log = folder.parent / f"console-{folder.name}.log"
    command = [sys.executable, "-m", "offramp", "agency", "console", str(folder), "--port", "0"]
    if passphrase_file is not None:
        command += ["--passphrase-file", str(passphrase_file)]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [*command, *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://[a-z0-9.-]+:(\d+)", line)
            assert found, (line, log.read_text())
            yield AgencyConsole(found[0], int(found[1]), log)
        finally:
            process.terminate()
            process.wait(timeout=20)


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

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send one request, and follow nowhere."""
        headers = {"host": self.console.host, **self.headers, **more.pop("headers", {})}
        if method == "POST":
            headers = {"origin": self.console.address, **headers}
        if self.token is not None:
            headers["cookie"] = f"{COOKIE}={self.token}"
        url = f"http://127.0.0.1:{self.console.port}{path}"
        answer = httpx.request(
            method, url, headers=headers, timeout=30, verify=WITHOUT_CERTIFICATES, **more
        )
        set_cookie = answer.headers.get("set-cookie", "")
        if (found := re.match(f"{COOKIE}=([^;]*);", set_cookie)) is not None:
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


def make_account(office: operations.Office, admin: str, name: str) -> str:
    """Make the account of a listed person by an invitation. Return the secret of the codes."""
    invitation = operations.invite(office, admin, name)
    secret = operations.make_secret()
    hashed = operations.hash_password(PASSWORD)
    assert operations.use_invitation(office, name, invitation.code, hashed, secret) == name
    return secret


def code_of(secret: str) -> str:
    """Return the one-time code of now, after the last one if that was used already."""
    return pyotp.TOTP(secret).now()


def next_code(secret: str) -> str:
    """Wait until the code changes, and return the new one."""
    old = code_of(secret)
    while (new := code_of(secret)) == old:
        time.sleep(0.2)
    return new


def press(browser: Browser, selector: str) -> None:
    """Click, and wait until the next page is loaded."""
    browser.events.clear()
    browser.click(selector)
    browser.wait_for("Page.loadEventFired")


def type_in(browser: Browser, selector: str, text: str) -> None:
    """Type a text into a field."""
    browser.click(selector)
    browser.call("Input.insertText", text=text)
