"""How long a command of an agency takes over a journal of so many records: `python bench/agency.py 1000 10000`.

An agency that sent all of them, and one to which all came, a hundred between two proofs; a command is a process of its own,
from its start to its answer. First over the whole journal, then over what the first command kept of it.
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
            words = [
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
                    [sys.executable, "-m", "offramp", *words],
                    cwd=ROOT,
                    check=True,
                    stdout=subprocess.DEVNULL,
                )
                took.append(time.perf_counter() - start)
            journal, kept = (
                sum(each.stat().st_size for each in (folder / name).glob(f"{one}*"))
                for one in (JOURNAL, SNAPSHOT)
            )
            print(
                f"{records} records, {name}: replayed {took[0]:.2f} s, from what was kept {min(took[1:]):.2f} s; "
                f"journal {journal / 1e6:.1f} MB, kept {kept / 1e6:.1f} MB",
                flush=True,
            )


if __name__ == "__main__":
    for each in sys.argv[1:] or ["1000"]:
        measure(int(each))
