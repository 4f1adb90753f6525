"""Run a hub on a disk that fails at each write in turn, which `strace` simulates.

Run it as `python -m tests.stress.torture_eio [--runs N]`. A process sends records to a hub with a
real database and reports for each record whether the hub took it. The n-th write, sync, or
truncation of the hub's files fails with an input/output error, once or from then on. Afterwards, on
a sound disk, every record that was reported as taken must exist once, and nothing else in part.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from exchange.errors import ExchangeError, StoreError
from exchange.hub.hub import Hub, Rejection
from exchange.hub.store import Store
from exchange.log.leaves import RecordBody
from tests.conftest import ROOT
from tests.support.attack_stories import TO_PROSECUTOR, status_grant
from tests.support.simulator import World, judges, part

RECORDS = 12
CALLS = "pwrite64,fdatasync,fsync,ftruncate"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=30)
    options.add_argument("--work", type=Path)
    given = options.parse_args()
    if given.work:
        work(given.work)
    else:
        torture(given.runs)


def work(database: Path) -> None:
    """Found a world over the database and send records. Print a line for each answer."""
    store = Store(database)

    class Kept(Hub):
        def __init__(self, *rest: object) -> None:
            super().__init__(*rest, store)

    world = World(hub=Kept)
    case = world.enrolled(status_grant())
    for number in range(RECORDS):
        status = part("status", {"engagement": "engaged"}, to=TO_PROSECUTOR)
        try:
            bundle = world.compose("crossroads", "status", status, case=case)
            (answer,) = world.submit(bundle)
            assert not isinstance(answer, Rejection), answer
            print("taken", bundle.id, answer.receipt.index, flush=True)
            if number % 4 == 3:
                # What is handed out and destroyed is written too.
                world.pull("prosecutor")
                store.write_back()
        except StoreError as error:
            print("refused", error.code, flush=True)
    with suppress(ExchangeError):
        store.close()


def torture(runs: int) -> None:
    tried = failed = taken = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(1, runs + 1):
            for how in ("", "+"):
                database = Path(folder) / f"{number}{how}" / "hub.db"
                database.parent.mkdir()
                said = under_strace(database, f"{number * 9 - 8}{how}")
                tried += 1
                failed += "refused" in said or "StoreError" in said
                taken += check(database, said)
    assert failed > runs // 2, "the disk failed, and the hub said so"
    print(
        f"{tried} runs with a failing disk: {failed} reported it, "
        f"{taken} records taken, all stored once"
    )


def under_strace(database: Path, when: str) -> str:
    files = [
        word
        for name in ("hub.db", "hub.db-wal", "hub.db.sum")
        for word in ("-P", str(database.with_name(name)))
    ]
    inject = f"inject={CALLS}:error=EIO:when={when}"
    strace = shutil.which("strace")
    assert strace, "strace makes the calls fail"
    command = [strace, "-f", "-qq", "-o", "/dev/null", *files, "-e", f"trace={CALLS}", "-e", inject]
    worker = [sys.executable, "-m", "tests.stress.torture_eio", "--work", str(database)]
    done = subprocess.run(
        [*command, *worker], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    return done.stdout + done.stderr


def check(database: Path, said: str) -> int:
    """On a sound disk: what was taken is there once, and the database holds together."""
    store = Store(database)
    faults = list(store.faults())
    assert not faults, (faults, said)
    from tests.support.parties import LOG, ed25519

    hub = Hub(ed25519(LOG), LOG, judges, bytes, store)
    logged = [
        (body.id, leaf.index)
        for leaf in hub.log.leaves
        if isinstance(body := leaf.body, RecordBody)
    ]
    kept = [(record.jti, receipt.index) for record, receipt in store.records()]
    assert sorted(kept) == sorted(logged), "each record has its leaf, and each leaf its record"
    assert len({jti for jti, _ in logged}) == len(logged)
    taken = {
        (line.split()[1], int(line.split()[2]))
        for line in said.splitlines()
        if line.startswith("taken")
    }
    assert taken <= set(logged), (taken - set(logged), said)
    store.close()
    return len(taken)


if __name__ == "__main__":
    main()
