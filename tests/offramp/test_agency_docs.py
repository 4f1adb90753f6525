"""Run the commands on the pages about hub and agency, in order, up to the opened record."""

from __future__ import annotations

import io
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout, suppress
from pathlib import Path

import pytest

from offramp.cli import main
from tests.conftest import ROOT
from tests.support.hub_process import serving

SIX = {
    "crossroads": "case_management",
    "police": "police",
    "prosecutor": "prosecutor",
    "defender": "defender",
    "clinic": "treatment_provider",
    "program": "program",
}


def blocks(page: str, language: str = "") -> list[str]:
    """The code blocks of a page of this language."""
    text = (ROOT / "docs" / page).read_text()
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for of, block in found if of == language]


def command(page: str, words: str) -> str:
    """The one line of a page's blocks that begins with these words, without its comment."""
    found = [
        line
        for block in blocks(page)
        for line in block.splitlines()
        if f"{line} ".startswith(f"{words} ")
    ]
    assert len(found) == 1, (words, found)
    return found[0].partition("  #")[0]


def two_free_ports() -> int:
    """Return a free port with a free one after it, where the hub's health is.

    Linux gives out no port below 32,768 by itself, so no other test gets one of the two meanwhile.
    """
    for port in range(20_000 + os.getpid() % 5_000 * 2, 32_000, 2):
        with socket.socket() as first, socket.socket() as second, suppress(OSError):
            first.bind(("127.0.0.1", port))
            second.bind(("127.0.0.1", port + 1))
            return port
    raise AssertionError("no two ports in a row are free")


class Newcomer:
    """A home folder for each, in which the pages' commands are run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir()
        offramp = folder / "bin" / "offramp"
        offramp.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m offramp "$@"\n')
        offramp.chmod(0o755)
        self.port = two_free_ports()
        self.url = f"http://127.0.0.1:{self.port}"
        self.hub: subprocess.Popen[bytes] | None = None

    def environment(self, who: str) -> dict[str, str]:
        home = self.folder / who
        home.mkdir(exist_ok=True)
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return {**os.environ, "HOME": str(home), "PATH": path, "PYTHONPATH": str(ROOT)}

    def run(self, who: str, line: str, code: int = 0) -> str:
        """Run a command of a page in a user's home directory, and return its output."""
        home = self.folder / who
        if not line.startswith("offramp "):
            environment = self.environment(who)
            ran = subprocess.run(
                ["/bin/bash", "-ec", line],
                env=environment,
                cwd=home,
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert ran.returncode == code, (line, ran.stdout, ran.stderr)
            return ran.stdout + ran.stderr
        # A shell's start of each would take ten seconds more, and do the same.
        home.mkdir(exist_ok=True)
        words = [
            f"{home}{word[1:]}" if word.startswith("~/") else word for word in shlex.split(line)[1:]
        ]
        said = io.StringIO()
        with chdir(home), redirect_stdout(said), redirect_stderr(said):
            ended = main(words)
        assert ended == code, (line, said.getvalue())
        return said.getvalue()

    def serve(self) -> None:
        line = command("hub.md", "offramp hub serve")
        self.hub = subprocess.Popen(
            ["/bin/bash", "-c", f"exec {line}"],
            env=self.environment("hub"),
            stdout=subprocess.DEVNULL,
        )
        serving(self.url)

    def stop(self) -> None:
        if self.hub is not None:
            self.hub.send_signal(signal.SIGTERM)
            self.hub.wait(10)
            self.hub = None


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    found = Newcomer(tmp_path)
    try:
        yield found
    finally:
        found.stop()


def test_the_pages_lead_from_an_empty_machine_to_an_opened_record_and_a_restored_hub(
    newcomer: Newcomer,
) -> None:
    newcomer.run("hub", f"{command('hub.md', 'offramp hub init')} --port {newcomer.port}")
    newcomer.serve()
    keys = next(block for block in blocks("agency.md") if "agency init" in block)
    for name, role in SIX.items():
        invite = (
            command("hub.md", "offramp hub invite")
            .replace("case_management", role)
            .replace('"Crossroads"', name.title())
        )
        code = newcomer.run("hub", invite.replace("crossroads", name)).split()[0]
        newcomer.run(name, keys.replace("crossroads", name))
        # As the page says: named in `agency.toml`, the passphrase needn't be named again.
        named = re.search(r"`(passphrase_file = \S+)`", (ROOT / "docs" / "agency.md").read_text())
        assert named
        settings = newcomer.folder / name / "agency" / "agency.toml"
        settings.write_text(
            settings.read_text() + named[1].replace("/home/me", str(newcomer.folder / name)) + "\n"
        )
        join = command("agency.md", "offramp agency join").replace(
            "https://hub.example:8440", newcomer.url
        )
        newcomer.run(name, join.replace("CODE", code))
    digests = {
        re.findall(
            r"[0-9a-f]{64}",
            newcomer.run(name, command("agency.md", "offramp agency approve ~/agency 0"), 2),
        )[0]
        for name in SIX
    }
    (digest,) = digests
    for name in SIX:
        newcomer.run(
            name,
            command("agency.md", "offramp agency approve ~/agency DIGEST").replace(
                "DIGEST", digest
            ),
        )
    once = command("agency.md", "offramp agency serve ~/agency") + " --once"
    for name in ("crossroads", "police", "crossroads"):
        newcomer.run(name, once)
    status = newcomer.run("crossroads", "offramp agency status ~/agency")
    (line,) = [line for line in status.splitlines() if "no key announced yet" in line]
    assert [name for name in SIX if name.title() in line] == [
        "prosecutor",
        "defender",
        "clinic",
        "program",
    ]
    (fingerprint,) = re.findall("founders' fingerprint: (.*)", status)
    assert fingerprint.replace(" ", "") == digest
    (newcomer.folder / "police" / "referral.yaml").write_text(blocks("agency.md", "yaml")[0])
    sent = newcomer.run("police", command("agency.md", "offramp agency send"))
    assert re.search(r"in case `[0-9a-f]{32}`: sent", sent)
    newcomer.run("crossroads", once)
    assert "encounter (closed)" in newcomer.run(
        "crossroads", command("agency.md", "offramp agency inbox")
    )
    assert '"encounter.route": "arrest"' in newcomer.run(
        "crossroads", command("agency.md", "offramp agency open")
    )
    answers = next(block for block in blocks("agency.md", "json") if "given_name" in block)
    (newcomer.folder / "police" / "answers.yaml").write_text(answers)
    told = newcomer.run("police", command("agency.md", "offramp agency refer"))
    assert "to Crossroads" in told and ": sent" in told
    newcomer.run("crossroads", command("agency.md", "offramp agency backup ~/agency"))
    doctor = command("agency.md", "offramp agency doctor ~/agency-again")
    newcomer.run("crossroads", command("agency.md", "offramp agency restore"))
    waits = newcomer.run("crossroads", doctor, 1)
    assert "has not taken over yet" in waits and "such as `refer`, takes over as well" in waits
    again = command("agency.md", "offramp agency serve ~/agency-again") + " --once"
    assert "directory 1" in newcomer.run("crossroads", again)
    newcomer.run("crossroads", command("agency.md", "offramp agency backup ~/agency-again"))
    examined = newcomer.run("crossroads", doctor)
    assert "and has taken over" in examined and "lacks the key" not in examined
    assert examined.rstrip().endswith("all well")
    old = newcomer.run("crossroads", doctor.replace("-again", ""), 1)
    assert "another folder of `crossroads` took over" in old
    assert "another folder" in newcomer.run("crossroads", once, 4)
    newcomer.run("crossroads", command("agency.md", "offramp agency move"))
    moved = newcomer.run("crossroads", once.replace("~/agency", "~/agency-again"), 4)
    assert "agency restore" in moved

    newcomer.run("hub", command("hub.md", "offramp hub backup"))
    newcomer.stop()
    assert "every byte is as it was written" in newcomer.run(
        "hub", command("hub.md", "offramp hub fsck")
    )
    newcomer.run("hub", command("hub.md", "offramp hub restore"))
    newcomer.serve()
