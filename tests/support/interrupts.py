"""Start a command that an interrupt can end, even where this process ignores interrupts."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping, Sequence


def start_interruptible(
    command: Sequence[str], environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start the command with pipes for its three streams and the default action for SIGINT.

    A shell starts background jobs with SIGINT ignored, and so does `nohup ... &`. A child inherits
    that, and Python then installs no handler that raises `KeyboardInterrupt`.
    """
    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=_restore_interrupts,
    )


def _restore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
