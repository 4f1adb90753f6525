"""Measure a command at an agency's command server against the same command cold.

Run it as `python bench/command_server.py 1000`, where the number is a count of records that the
agency sent. Both are timed from the start of a process to its answer, in turns. A bare start of the
interpreter is the baseline. It needs Linux.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent))

from exchange.records.ids import new_id
from offramp.agency.commands.server_process import KeptProcess, server_words
from offramp.command_socket import socket_path
from tests.conftest import ROOT
from tests.support.agencies import PASSPHRASE, Town, referral
from tests.support.chance import chance
from tests.support.staff import founder_of

TURNS = 15


def measure(records: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        town, random = Town(Path(scratch)), chance(9)
        for number in range(records):
            town.at["police"].compose("referral", (referral(),), case=new_id(random))
            if number % 100 == 99:
                town.settle()
        town.settle()
        folder = Path(scratch) / "police"
        passphrase = Path(scratch) / "passphrase"
        passphrase.touch(0o600)
        passphrase.write_bytes(PASSPHRASE)
        program = [sys.executable, "-m", "offramp", "agency", "status", str(folder), "--json"]
        program += ["--by", founder_of("police")]
        commands = {
            "a bare interpreter": [sys.executable, "-c", "pass"],
            "cold": [*program, "--passphrase-file", str(passphrase)],
            "at the command server": program,
        }
        path = socket_path(folder, None)
        server = KeptProcess(server_words(folder, path), PASSPHRASE)
        server.keep()
        try:
            while not path.exists():
                time.sleep(0.05)
            times: dict[str, list[float]] = {name: [] for name in commands}
            for _ in range(TURNS):
                for name, command in commands.items():
                    start = time.perf_counter()
                    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
                    times[name].append(time.perf_counter() - start)
        finally:
            server.stop()
        for name, took in times.items():
            print(f"{records} records, {name}: {1000 * median(took):.0f} ms")


if __name__ == "__main__":
    for count in sys.argv[1:] or ["100"]:
        measure(int(count))
