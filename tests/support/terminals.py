"""A program at a pseudo-terminal, with a person who answers its prompts."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

PROMPT = "> "
INTERRUPT = "\x03"
END_OF_INPUT = "\x04"
PATIENCE = 60.0  # seconds for the next prompt on a busy machine


@dataclass(frozen=True)
class Conversation:
    """What the terminal showed, and the program's exit code."""

    text: str
    code: int


def converse(
    command: Sequence[str], answers: Iterable[str], environment: Mapping[str, str] | None = None
) -> Conversation:
    """Run a program at a terminal of its own, and type an answer at each of its prompts.

    An answer that is `INTERRUPT` or `END_OF_INPUT` is typed as that key alone. When no answer is
    left, the program gets the end of the input. The program's errors are shown at the terminal too.
    """
    process, terminal = pty.fork()
    if process == 0:  # the program
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execve(command[0], list(command), dict(environment or os.environ))
    shown = bytearray()
    rest = iter(answers)
    try:
        while read_until_prompt(terminal, shown):
            answer = next(rest, END_OF_INPUT)
            line = answer if answer in (INTERRUPT, END_OF_INPUT) else f"{answer}\n"
            os.write(terminal, line.encode())
    finally:
        os.close(terminal)
    _, status = os.waitpid(process, 0)
    return Conversation(shown.decode(errors="replace"), os.waitstatus_to_exitcode(status))


def read_until_prompt(terminal: int, shown: bytearray) -> bool:
    """Read what the program shows until it waits at a prompt. False when it has ended."""
    deadline = time.monotonic() + PATIENCE
    begun = len(shown)
    while time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 0.05)
        if ready:
            try:
                more = os.read(terminal, 65536)
            except OSError:  # how Linux reports that the program closed its terminal
                return False
            if not more:
                return False
            shown += more
        elif shown[begun:].decode(errors="replace").endswith(f"\n{PROMPT}"):
            return True
    raise TimeoutError(f"no prompt after {PATIENCE} s: {shown[-400:].decode(errors='replace')}")


# A command with this shows its progress from the first row on, however fast the machine is.
_AT_ONCE = """
import sys
from offramp.policy import progress

progress._AFTER = 0.0
from offramp.cli import main

sys.exit(main(sys.argv[1:]))
"""


def show_at_once(*words: str) -> bytes:
    """Run a command whose errors go to a terminal. Return what it showed there, progress too.

    The terminal is read once the command has ended, so that a command that shows nothing fails the
    test and doesn't hold it.
    """
    parent, terminal = pty.openpty()
    command = [sys.executable, "-c", _AT_ONCE, *words]
    with os.fdopen(parent, "rb", buffering=0) as shown:
        with os.fdopen(terminal, "wb") as errors:
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=errors, timeout=120)
        return shown.read(65_536)
