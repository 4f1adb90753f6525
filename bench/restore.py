"""Measure how long a restored hub in memory takes to rebuild its log.

It reads the response of every agency, drafts the directory that they sign, and continues. Run it as
`python bench/restore.py [--records N]`. Each lost record is a referral with two leaves: the record
and its handout.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.support.attack_stories import under_way
from tests.support.restores import THRESHOLD, Restored, backup

T = TypeVar("T")
WITNESSED_EVERY = 500


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--records", type=int, default=1500)
    records = options.parse_args().records
    world, _ = under_way()
    store = backup(world)
    for number in range(1, records + 1):
        world.clock += 20
        world.refer(world.new_case())
        if number % WITNESSED_EVERY == 0 or number == records:
            world.pull("crossroads")
            world.witnessed()
    restored = Restored(world, store)
    sent = sum(len(body) for name in world.names for body in restored.bodies(name))
    print(f"{records} records, {sent / 1e6:.1f} MB sent by {len(world.names)} agencies\n")
    timed("hearing everybody", restored.report)
    timed("the draft", restored.draft)
    timed("signed, put back, and on", lambda: restored.sign(*THRESHOLD))
    lost = restored.newest()[1].payload.count(b'"lost":[]')
    print(
        f"nothing lost: {bool(lost)}; "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB at most"
    )


def timed(what: str, do: Callable[[], T]) -> T:
    """Call a function and print its time."""
    begun = time.perf_counter()
    done = do()
    print(f"{what:<28} {time.perf_counter() - begun:6.2f} s")
    return done


if __name__ == "__main__":
    main()
