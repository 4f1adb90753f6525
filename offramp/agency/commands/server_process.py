"""Keep a folder to one gateway, and run processes beside it: the command server and the console.

The process starts again if it ends. It is a program of its own and no fork of the gateway, so no
connection and no database of the gateway is carried over, whenever it starts. It gets the
passphrase through a pipe. The pipe's end tells it that the gateway ended.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from offramp.agency.errors import AgencyError

_ENVIRONMENT = (
    "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "XDG_CACHE_HOME", "PYTHONPATH",
    "PYTHONDONTWRITEBYTECODE", "SSL_CERT_FILE", "SSL_CERT_DIR",
)  # fmt: skip
_ROOT = Path(__file__).parents[3]
_LONGEST_WAIT = 60.0
# A server that lived so long gets a successor at once.
_LIVED = 10.0
_STOP_WITHIN = 3.5
# Seconds that a new gateway waits for the last one to end.
_TAKE_OVER_WITHIN = 5.0


@contextmanager
def only_gateway(folder: Path) -> Iterator[None]:
    """Let one gateway at a time run in a folder. An ending one has some seconds to leave.

    The lock is on the folder itself, and ends with this process. Raises `AgencyError` `in-use`.
    """
    import fcntl

    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        until = time.monotonic() + _TAKE_OVER_WITHIN
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise AgencyError(
                        "in-use",
                        f"another `offramp agency serve` works in `{folder}`",
                        fix="use that one, or stop it first",
                    ) from None
                time.sleep(0.05)
        yield
    finally:
        os.close(lock)


def server_words(folder: Path, path: Path, clock_file: Path | None = None) -> list[str]:
    """Return the command of a command server's process."""
    clock = str(clock_file.absolute()) if clock_file is not None else ""
    words = (str(folder.absolute()), str(path.absolute()), clock)
    return [sys.executable, "-m", "offramp.command_server", *words]


class KeptProcess:
    """A process beside the gateway. `keep` starts it, and starts it again after it ended.

    `prints` says whether its output is the gateway's.
    """

    def __init__(self, command: list[str], passphrase: bytes, *, prints: bool = False) -> None:
        self._command, self._passphrase, self._prints = command, passphrase, prints
        self._process: subprocess.Popen[bytes] | None = None
        self._started = self._due = 0.0
        self._failures = 0

    def keep(self) -> None:
        """Start the process if it doesn't run. After failures it waits longer each time."""
        now = time.monotonic()
        if self._process is not None:
            if self._process.poll() is None:
                return
            self._forget()
            self._failures = 0 if now - self._started > _LIVED else self._failures + 1
            bound = min(_LONGEST_WAIT, 2.0 ** (self._failures - 1)) if self._failures else 0.0
            self._due = now + random.uniform(bound / 2, bound)
        if now >= self._due:
            self._start()

    def _start(self) -> None:
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=None if self._prints else subprocess.DEVNULL,
            cwd=_ROOT,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            # Ctrl-C at the gateway's terminal is for the gateway, which then stops the server.
            start_new_session=True,
        )
        assert self._process.stdin is not None, "it is a pipe"
        with suppress(BrokenPipeError):
            self._process.stdin.write(self._passphrase.hex().encode() + b"\n")
            self._process.stdin.flush()

    def _forget(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process = None

    def ask_to_stop(self) -> None:
        """Have the process end its commands and itself. Don't wait for it."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()

    def stop(self) -> None:
        """End the process within seconds."""
        self.ask_to_stop()
        if self._process is None:
            return
        try:
            self._process.wait(_STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
