"""The page `docs/one-case.md`, worked command by command in folders of its own.

Every process has the clock that the page sets.
"""

from __future__ import annotations

import getpass
import io
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import offramp.clock
from offramp.cli import main
from tests.conftest import ROOT
from tests.support.hub_process import serving
from tests.support.written_page import Block, Names

PAGE = ROOT / "docs" / "one-case.md"
ZONE = ZoneInfo("America/Denver")
AGENCIES = ("police", "prosecutor", "defender", "crossroads", "clinic", "program")
COVERED = ("crossroads", "clinic")
# Their gateways witness the log. They run all the time, and the others' too.
WITNESSES = ("defender", "program")
PAGE_URL = "https://hub.example:8440"


class City:
    """A folder for each agency and the hub, on a clock that the page sets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ahead = folder / "ahead"
        self.ahead.write_text("0")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.hub: subprocess.Popen[bytes] | None = None
        self.names = Names()
        # The codes of the invitations by agency, the digest of the directory, and the case.
        self.codes: dict[str, str] = {}
        self.digest = ""
        self.handle = ""

    def turn_to(self, when: datetime) -> None:
        partial = self.ahead.with_suffix(".partial")
        partial.write_text(str(when.timestamp() - time.time()))
        partial.replace(self.ahead)

    def run(self, who: str, line: str) -> str:
        """Run a command of the page in an actor's home, and return what it prints."""
        home = self.folder / who
        home.mkdir(exist_ok=True)
        if not line.startswith("offramp "):
            ran = subprocess.run(
                ["/bin/bash", "-ec", line],
                env={**os.environ, "HOME": str(home)},
                cwd=home,
                capture_output=True,
                text=True,
                timeout=60,
                check=True,
            )
            return ran.stdout + ran.stderr
        words = [
            f"{home}{word[1:]}" if word.startswith("~/") else word for word in shlex.split(line)[1:]
        ]
        printed = io.StringIO()
        with chdir(home), redirect_stdout(printed), redirect_stderr(printed):
            main(words)
        shown = printed.getvalue().replace(str(home), "~").replace(self.url, PAGE_URL)
        return shown.replace(f"with the login {getpass.getuser()}.", "with the login mtso.")

    def serve_once(self, *names: str) -> None:
        for name in names:
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
                main(["agency", "serve", str(self.folder / name / "agency"), "--once"])

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.support.moving_clock", str(self.ahead)]
        served = ["hub", "serve", str(self.folder / "hub" / "hub"), "--health-port", "0"]
        self.hub = subprocess.Popen([*command, *served], stdout=subprocess.DEVNULL, cwd=ROOT)
        serving(self.url)

    def stop(self) -> None:
        if self.hub is not None:
            self.hub.send_signal(signal.SIGTERM)
            self.hub.wait(10)


@contextmanager
def founded(folder: Path) -> Iterator[City]:
    """A city whose clock is that of this process, too."""
    city = City(folder)
    clock = offramp.clock.time
    offramp.clock.time = SimpleNamespace(  # type: ignore[assignment]  # for the module
        time=lambda: time.time() + float(city.ahead.read_text())
    )
    try:
        yield city
    finally:
        city.stop()
        offramp.clock.time = clock


def work_block(city: City, block: Block) -> Iterator[str]:
    """Run the commands of a block at its time, and yield what each prints, with the page's ids."""
    city.turn_to(block.when.replace(tzinfo=ZONE))
    if block.who != "hub" and city.digest:
        # Gateways run all the time: the actor's has what was sent before.
        city.serve_once(block.who, *WITNESSES, block.who)
    for line, _ in block.commands:
        yield city.names.rename(_work(city, block, line))


def _work(city: City, block: Block, line: str) -> str:
    """Run a command of a block, for all agencies where the page says that each does the same."""
    if block.who == "hub":
        if line.startswith("offramp hub init"):
            city.run("hub", f"{line} --port {city.port}")
            # The page leaves the port at its default.
            city.start()
            return ""
        printed = city.run("hub", line)
        found = re.match(r"offramp hub invite ~/hub ([a-z]+) ", line)
        if found is not None:
            city.codes[found[1]] = printed.split()[0]
        return printed
    if "umask" in line or "offramp agency init" in line or line.startswith("echo "):
        return _by_all(city, block.who, line)
    if "offramp agency join" in line:
        shown = ""
        for name in AGENCIES:
            part2 = "yes" if name in COVERED else "no"
            own = city.names.actual(line).replace(city.codes[block.who], city.codes[name])
            own = own.replace(PAGE_URL, city.url)
            printed = city.run(name, own.replace("--part2 yes", f"--part2 {part2}"))
            shown = printed if name == block.who else shown
        return shown
    if line.endswith("approve ~/agency 0"):
        outputs = {name: city.run(name, line) for name in AGENCIES}
        (city.digest,) = {re.findall(r"[0-9a-f]{64}", out)[0] for out in outputs.values()}
        return outputs[block.who]
    if "agency approve" in line:
        shown = _by_all(city, block.who, city.names.actual(line))
        city.serve_once(*AGENCIES, *WITNESSES)
        return shown
    printed = city.run(block.who, city.names.actual(line))
    if not city.handle:
        city.handle = re.findall(r"[0-9a-f]{32}", printed)[-1]
        city.names.know_handle(city.handle)
    return printed


def _by_all(city: City, who: str, line: str) -> str:
    """Run a command at each agency, with its own id and person. Return what one of them prints."""
    people = dict(re.findall(r"^\| `([a-z]+)` \|.*\| ([^|]+) \|$", PAGE.read_text(), re.MULTILINE))
    outputs = {
        name: city.run(name, line.replace(who, name).replace(people[who], people[name]))
        for name in AGENCIES
    }
    return outputs[who]
