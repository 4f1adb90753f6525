"""Kill a hub while it works.

Each acknowledged record is stored once, no other record in part, and the hub's files are sound.
`OFFRAMP_KILLS` sets the number of rounds: the gate runs a few, a release a thousand.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from pathlib import Path

import httpx

from exchange.hub.hub import Acceptance
from exchange.log.leaves import Leaf
from exchange.log.receipts import Receipt, parse_receipt
from exchange.records.bundle import Bundle
from tests.support.hub_process import HubProcess, Starter, Wire, WireWorld, taken_of, values
from tests.support.hub_records import check_log, compose_status, open_case

ROUNDS = int(os.environ.get("OFFRAMP_KILLS", "50"))
SENDERS = 4
# 24 records a round stay below the 500 that an agency may send in one case on one day.
ROUNDS_A_CASE = 20


class Sender(threading.Thread):
    """Sends one record after another, and every third again, until the hub is gone."""

    def __init__(self, world: WireWorld, bundles: list[Bundle]) -> None:
        super().__init__()
        self.wire = Wire(world.process, world.clock)
        self.left = list(bundles)
        self.acknowledged: list[tuple[Bundle, Receipt]] = []

    def run(self) -> None:
        for number, bundle in enumerate(list(self.left)):
            for _ in range(1 + (number % 3 == 0)):
                try:
                    answer = self.wire.ask("crossroads", "POST", "/v1/records", values(bundle))
                except httpx.TransportError:
                    return
                taken = taken_of(answer.json() | {"status": answer.status_code})
                assert isinstance(taken, Acceptance), taken
                self.acknowledged.append((bundle, taken.receipt))
            self.left.remove(bundle)


def test_a_killed_hub_loses_nothing_that_it_acknowledged_and_has_nothing_twice(
    starter: Starter, tmp_path: Path
) -> None:
    chance = random.Random(os.environ.get("OFFRAMP_SEED", "4"))
    process = HubProcess(starter, tmp_path / "hub")
    process.start()
    world = WireWorld(process)
    case = open_case(world)
    acknowledged: dict[str, Receipt] = {}
    handed: dict[str, Leaf] = {}
    unsure: list[Bundle] = []
    try:
        for number in range(ROUNDS):
            if number and number % ROUNDS_A_CASE == 0:
                case = open_case(world)
            fresh = [compose_status(world, case) for _ in range(SENDERS * 6 - len(unsure))]
            work = [*unsure, *fresh]
            senders = [Sender(world, work[one::SENDERS]) for one in range(SENDERS)]
            for sender in senders:
                sender.start()
            time.sleep(chance.uniform(0.01, 0.15))
            pulled = inbox_or_nothing(world, max(0, len(handed) - 10))
            process.end(signal.SIGKILL)
            for sender in senders:
                sender.join()
            if number % 10 == 0:
                assert process.fsck() == []
            process.start()
            for leaf in pulled:
                # What was handed out before the kill is in the log as it was told.
                assert handed.setdefault(leaf.entry.hex(), leaf) == leaf
            for sender in senders:
                for bundle, receipt in sender.acknowledged:
                    assert acknowledged.setdefault(bundle.id, receipt) == receipt
            unsure = [bundle for sender in senders for bundle in sender.left]
            for sender in senders:
                for bundle, receipt in sender.acknowledged:
                    kept = world.wire.told("crossroads", "GET", f"/v1/records/{bundle.id}/receipt")[
                        "receipt"
                    ]
                    assert parse_receipt(kept) == receipt
        for bundle in unsure:
            (taken,) = world.submit(bundle)
            assert isinstance(taken, Acceptance)
            acknowledged[bundle.id] = taken.receipt
        process.end()
        assert process.fsck() == []
        check_log(process, acknowledged, handed)
    finally:
        process.end(signal.SIGKILL)


def inbox_or_nothing(world: WireWorld, after: int) -> list[Leaf]:
    try:
        return [item.leaf for item in world.hub.inbox("prosecutor", world.clock, after).items]
    except httpx.TransportError:
        return []
