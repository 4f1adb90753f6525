"""The demonstration as a process, with the consoles of its agencies."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT


@contextmanager
def demo_consoles(folder: Path) -> Iterator[dict[str, str]]:
    """Run the demonstration with its consoles. Yield each one's address, by the agency's id."""
    command = [sys.executable, "-m", "offramp", "demo", "--console", "--dir", str(folder)]
    demo = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert demo.stdout is not None
    try:
        printed = ""
        while "Ctrl-C ends it." not in printed:
            line = demo.stdout.readline()
            assert line, printed
            printed += line
        links = re.findall(r"(http://(\S+)\.localhost:\d+)/", printed)
        yield {agency: address for address, agency in links}
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(60)
