"""Commands of people who have accounts of their own on this machine: forks with another account.

A fork needs no permission to start the interpreter, which may be in a folder of the tests' account.
"""

from __future__ import annotations

import os
import pty
import pwd
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

import pytest

import offramp.command_server.client  # noqa: F401  # a fork of another account can't load it
from offramp.cli import main
from tests.support.terminals import read_until_prompt

ANA, BEN, EVE = "daemon", "bin", "sys"
PATIENCE = 60.0

needs_accounts = pytest.mark.skipif(
    os.geteuid() != 0 or not sys.platform.startswith("linux"),
    reason="only root on Linux can start commands of other accounts",
)


@dataclass(frozen=True)
class Outcome:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


class Command:
    """A command that runs for an account, with pipes for its output."""

    def __init__(self, login: str, words: Sequence[str], *, folder: str = "/") -> None:
        self._out, out = os.pipe()
        self._err, err = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(out, 1)
            os.dup2(err, 2)
            _run(login, words, folder)
        os.close(out)
        os.close(err)

    def end(self) -> Outcome:
        """Wait for the end."""
        out, err = _read_all(self._out), _read_all(self._err)
        _, status = os.waitpid(self.pid, 0)
        return Outcome(os.waitstatus_to_exitcode(status), out, err)


def run_as(login: str, words: Sequence[str], *, folder: str = "/") -> Outcome:
    """Run a command for an account, without a terminal."""
    return Command(login, words, folder=folder).end()


class AtTerminal:
    """A command that runs for an account at a terminal of its own."""

    def __init__(self, login: str, words: Sequence[str]) -> None:
        self._shown = bytearray()
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            _run(login, words, "/")

    @property
    def text(self) -> str:
        """What the terminal showed so far."""
        return self._shown.decode(errors="replace")

    def wait_for_prompt(self) -> bool:
        """Wait until the command asks something. False if it ended."""
        return read_until_prompt(self._terminal, self._shown)

    def type(self, answer: str) -> None:
        """Type an answer, or a key alone."""
        os.write(self._terminal, (answer if len(answer) == 1 else f"{answer}\n").encode())

    def end(self) -> int:
        """Wait for the end, and return the exit code."""
        until = time.monotonic() + PATIENCE
        while self.wait_for_prompt():
            assert time.monotonic() < until, self.text
            self.type("\x04")
        _, status = os.waitpid(self.pid, 0)
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(status)

    def kill(self) -> None:
        """Kill the person's process, and close the terminal."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._terminal)


def become(login: str) -> None:
    """Give this process to an account, for ever."""
    account = pwd.getpwnam(login)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)


def _run(login: str, words: Sequence[str], folder: str) -> NoReturn:
    code = 99
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        become(login)
        os.chdir(folder)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115  # it ends with the process
        sys.stdout, sys.stderr = (open(number, "w", closefd=False) for number in (1, 2))  # noqa: SIM115  # they end with the process
        code = main(words)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    finally:
        os._exit(code)


def _read_all(file: int) -> str:
    with os.fdopen(file, "rb") as stream:
        return stream.read().decode(errors="replace")
