"""Run a command of Offramp with its own settings on a clock that a test moves.

`--clock` is for demonstrations only, and a demonstration has settings of its own. Here the settings
are those of `init`, and only the machine's clock is ahead, by the seconds in a file.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import SimpleNamespace

import offramp.clock


def install(file: Path) -> None:
    """Let this process's clock be ahead by the seconds in a file, read at each call."""
    ahead = SimpleNamespace(time=lambda: time.time() + float(file.read_text()))
    offramp.clock.time = ahead  # type: ignore[assignment]  # in the place of the module


if __name__ == "__main__":
    install(Path(sys.argv[1]))
    from offramp.cli import main

    sys.exit(main(sys.argv[2:]))
