"""`offramp console` as a real process on a free port."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT


@dataclass(frozen=True)
class ConsoleProcess:
    """The address of a running console, and the file with what it printed."""

    address: str
    log: Path


@contextmanager
def run_console(folder: Path, *arguments: str) -> Iterator[ConsoleProcess]:
    """Serve until the block ends. What the process prints goes to a file in the folder."""
    log = folder / "console.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "offramp", "console", *arguments),
                *("--port", "0", "--today", "2026-12-01"),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            assert found, line
            yield ConsoleProcess(found[0], log)
        finally:
            process.terminate()
            process.wait(timeout=20)
