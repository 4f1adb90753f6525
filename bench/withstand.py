"""Measure an honest member's latency under each attack on the hub, against a quiet run.

Run it as `python bench/withstand.py [--pulls N]`. The hub is a process of its own, and the attacks
are those of `tests/attacks/test_t19_exhaustion.py`. Attacker, hub, and member share this machine's
processors, so a ratio contains what the attacker itself costs. The bar is three.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support import hub_attacks
from tests.support.hub_attacks import deaf, going_on, latencies
from tests.support.hub_process import HubProcess, Starter, Wire, WireWorld


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pulls", type=int, default=150)
    pulls = options.parse_args().pulls
    starter = Starter()
    with tempfile.TemporaryDirectory() as folder:
        process = HubProcess(starter, Path(folder) / "hub", practice=False)
        process.start()
        world = WireWorld(process)
        member = Wire(process, world.clock)
        latencies(member, 20)
        attacks: dict[str, AbstractContextManager[None]] = {
            "nothing": nullcontext(),
            "8 strangers send unsigned bodies of 16 MiB": going_on(
                hub_attacks.unsigned_bodies(process), 8
            ),
            "8 strangers ask what needs no signature": going_on(
                hub_attacks.unsigned_requests(process), 8
            ),
            "8 strangers send heads without end": going_on(hub_attacks.endless_heads(process), 8),
            "a member sends bodies of 8 MiB": going_on(
                hub_attacks.signed_bodies(world, "police", long=True), 4
            ),
            "a member sends bodies of millions of values": going_on(
                hub_attacks.signed_bodies(world, "police", long=False), 4
            ),
            "police send 400 referrals in one case": going_on(hub_attacks.referrals(world, 400), 1),
            "a member waits on 8 connections": going_on(hub_attacks.polls(world, "police"), 8),
            "a member reads none of 30 answers": deaf(world, "police", 30),
        }
        quiet = 0.0
        print("| attack | median, ms | 95th percentile, ms | of a quiet run's median |")
        print("| --- | --- | --- | --- |")
        for name, attack in attacks.items():
            with attack:
                took = sorted(latencies(member, pulls))
            median, late = statistics.median(took), took[len(took) * 95 // 100]
            quiet = quiet or median
            print(f"| {name} | {median * 1e3:.1f} | {late * 1e3:.1f} | {median / quiet:.1f} |")
        process.end()
    starter.close()


if __name__ == "__main__":
    main()
