"""Measure a command of an agency over journals of some sizes, from its start to its answer.

Run it as `python bench/agency.py 1000 10000`, where each number is a count of records. One agency
sent all the records and the other received them, with a proof after every hundred. Each command is
a new process. The first replays the whole journal, and the next ones start from its snapshot.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from exchange.records.ids import new_id
from offramp.agency.folder.office import JOURNAL, SNAPSHOT
from tests.conftest import ROOT
from tests.support.agencies import PASSPHRASE, Town, referral
from tests.support.chance import chance


def measure(records: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        town, random = Town(folder), chance(9)
        police = town.at["police"]
        for number in range(records):
            police.compose("referral", (referral(),), case=new_id(random))
            if number % 100 == 99:
                town.settle()
        town.settle()
        passphrase = folder / "passphrase"
        passphrase.touch(0o600)
        passphrase.write_bytes(PASSPHRASE)
        for name in ("police", "crossroads"):
            arguments = [
                "agency",
                "status",
                str(folder / name),
                "--passphrase-file",
                str(passphrase),
                "--json",
            ]
            (folder / name / SNAPSHOT).unlink(missing_ok=True)
            took = []
            for _ in range(4):
                start = time.perf_counter()
                subprocess.run(
                    [sys.executable, "-m", "offramp", *arguments],
                    cwd=ROOT,
                    check=True,
                    stdout=subprocess.DEVNULL,
                )
                took.append(time.perf_counter() - start)
            journal, kept = (
                sum(file.stat().st_size for file in (folder / name).glob(f"{start_of_name}*"))
                for start_of_name in (JOURNAL, SNAPSHOT)
            )
            print(
                f"{records} records, {name}: replayed in {took[0]:.2f} s, "
                f"from the snapshot {min(took[1:]):.2f} s. "
                f"Journal {journal / 1e6:.1f} MB, snapshot {kept / 1e6:.1f} MB",
                flush=True,
            )


if __name__ == "__main__":
    for records in sys.argv[1:] or ["1000"]:
        measure(int(records))
