"""Measure how fast the hub takes records, against the least work that any hub must do.

The least work is one signature check and one durable, batched commit. Run it as
`python bench/hub.py [--runs N] [--leaves N]`. Both sides take the same records in turn, each into
its own database in one folder. Only ratios mean anything on another machine. On a busy one, the
disk's waits make both sides slow and the ratio better than it is, so the ratio of processor time is
printed too.
"""

from __future__ import annotations

import argparse
import os
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from measured import Bar, Measurement, options_of, write_results

from exchange.hub.hub import Hub
from exchange.hub.store import Store
from exchange.log.leaves import ConflictBody, Leaf, write_body
from exchange.records.bundle import Bundle, read_bundle
from exchange.records.record import TYP
from exchange.standards import jws as jws_
from offramp.hub.collector import collect_seldom
from tests.support.attack_stories import TO_PROSECUTOR, status_grant
from tests.support.keys import key
from tests.support.simulator import World, part

CASES = 20
BARS = {100: 45, 1: 35}  # percent of the floor's rate, by records at once


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--leaves", type=int, default=1_000_000)
    given = options_of(options, runs=9)
    versions = f"Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}"
    print(f"{versions}; {given.runs} rounds, alternating; medians in µs a record\n")
    with tempfile.TemporaryDirectory() as folder:
        for title, leaves in (
            ("an empty log", 0),
            (f"a log of {given.leaves:,} leaves", given.leaves),
        ):
            measured = measure(title, Path(folder), leaves, given.runs)
    write_results(given.results, measured)
    print(f"most memory used: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")


def measure(title: str, folder: Path, leaves: int, rounds: int) -> list[Measurement]:
    measured = []
    place = folder / f"{leaves}.db"
    store = Store(place)
    seed(store, leaves)

    class Kept(Hub):
        """The world's hub, over this database."""

        def __init__(self, *given: object) -> None:
            super().__init__(*given, store)

    started = time.perf_counter()
    world = World(hub=Kept)
    opened = time.perf_counter() - started
    cases = [world.enrolled(status_grant()) for _ in range(CASES)]
    floor = Floor(folder / f"{leaves}-floor.db")
    collect_seldom()  # as the hub's process does; the floor gains from it too
    print(f"{title} (opened in {opened:.1f} s)")
    for size in (100, 1):
        ours: list[Timing] = []
        theirs: list[Timing] = []
        for round_ in range(rounds if size > 1 else rounds * 10):
            bundles = [
                read_bundle(told(world, cases[(round_ + at) % CASES]).write()) for at in range(size)
            ]
            ours.append(timed(partial(world.submit, *bundles), size))
            # The floor gets its input parsed. Each side has its own copy, so that neither gains
            # from what the other side cached.
            ready = [(bundle.id, bundle.record, bundle.write()) for bundle in bundles]
            theirs.append(timed(partial(floor.take, ready), size))
        print(f"  {size:>3} at once: {compared(ours, theirs, 0)}; processor time: ", end="")
        print(compared(ours, theirs, 1))
        rates = [100 * least[0] / hub[0] for hub, least in zip(ours, theirs, strict=True)]
        name = f"hub, {size} at once, {title}, of the floor's rate"
        measured.append(Measurement.of(name, rates, Bar(BARS[size], "%", "at least")))
    bytes_ = len(bundles[0].write())
    print(
        f"  a record of {bytes_} bytes; "
        f"an inclusion proof of {len(world.hub.log.tree.inclusion(0)) * 32} bytes\n"
    )
    store.close()
    return measured


def told(world: World, case: str) -> Bundle:
    return world.compose(
        "crossroads",
        "status",
        part("status", {"engagement": "engaged"}, to=TO_PROSECUTOR),
        case=case,
    )


class Floor:
    """One ES256 check and one row of the same bytes, committed durably."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE record(jti TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT")

    def take(self, ready: list[tuple[str, str, bytes]]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        for jti, jws, whole in ready:
            jws_.verify(jws, key("crossroads.s1").public, typ=TYP)
            self._db.execute("INSERT INTO record VALUES (?, ?)", (jti, whole))
        self._db.execute("COMMIT")


def seed(store: Store, leaves: int) -> None:
    """So many leaves that are nobody's."""
    body = write_body(ConflictBody(id="0" * 32, issuer="nobody", sha256="0" * 64, time=0))
    for start in range(0, leaves, 10_000):
        with store.commit():
            for at in range(start, min(start + 10_000, leaves)):
                store.add_leaf(Leaf(at, at.to_bytes(16, "big"), body))
    # What the seeding left in memory would be written while records are measured.
    os.sync()


# The time that passed and the processor time, in µs a record.
Timing = tuple[float, float]


def timed(work: Callable[[], object], records: int) -> Timing:
    started, processor = time.perf_counter(), time.process_time()
    work()
    passed, used = time.perf_counter() - started, time.process_time() - processor
    return passed * 1e6 / records, used * 1e6 / records


def compared(ours: list[Timing], theirs: list[Timing], which: int) -> str:
    hub, least = (statistics.median(timing[which] for timing in side) for side in (ours, theirs))
    return f"hub {hub:5.0f}, floor {least:5.0f}, {least / hub:4.0%} of the floor's rate"


if __name__ == "__main__":
    main()
