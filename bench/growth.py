"""Measure how each cost of a hub's work grows: at n, 2n, 4n, 8n, with the exponent.

Run it as `python bench/growth.py [--smallest N]`. The figure is processor time of the next unit of
work after n of them, so an exponent of 0 is flat and 1 is linear in what is already there. For a
sweep over all that waits, the work itself has n parts, and an exponent of 1 is right.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from exchange.hub import quota
from exchange.membership.history import History, announce_key
from exchange.records.building import Part
from exchange.records.bundle import Bundle
from tests.support.attack_stories import TO_PROSECUTOR, send_status, status_grant, under_way
from tests.support.keys import key
from tests.support.parties import document, signed
from tests.support.simulator import DAY, World, part

Step = Callable[[], object]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--smallest", type=int, default=100)
    smallest = options.parse_args().smallest
    quota.MOST_IN_CASE = quota.MOST_OF_AGENCY = 10**9
    sizes = [smallest * factor for factor in (1, 2, 4, 8)]
    print(f"| µs of processor time | {' | '.join(f'n = {size}' for size in sizes)} | exponent |")
    print("| --- |" + " --- |" * 5)
    for name, grow in COSTS.items():
        took = list(grow(sizes))
        exponent = math.log(took[-1] / took[0]) / math.log(sizes[-1] / sizes[0])
        figures = " | ".join(f"{each * 1e6:.0f}" for each in took)
        print(f"| {name} | {figures} | {exponent:.2f} |", flush=True)


def timed(step: Step, times: int = 5) -> float:
    """Return the least processor time of a step, in seconds."""
    least = math.inf
    for _ in range(times):
        began = time.process_time()
        step()
        least = min(least, time.process_time() - began)
    return least


def referrals_in_a_case(sizes: list[int]) -> Iterator[float]:
    world = World()
    case = world.new_case()
    yield from _submissions(
        world, sizes, lambda: world.compose("police", "referral", _encounter(), case=case)
    )


def records_in_a_case(sizes: list[int]) -> Iterator[float]:
    world, case = under_way()
    status = part("status", {"engagement": "engaged"}, to=TO_PROSECUTOR)
    yield from _submissions(
        world, sizes, lambda: world.compose("crossroads", "status", status, case=case)
    )


def consents_in_a_case(sizes: list[int]) -> Iterator[float]:
    world, case = under_way()
    numbers = itertools.count(1)

    def consent() -> Bundle:
        terms = {**status_grant(), "id": f"{next(numbers):016x}"}
        part_ = world.terms("crossroads", terms)
        return world.compose("crossroads", "consent", part_, case=case)

    yield from _submissions(world, sizes, consent)


def _submissions(world: World, sizes: list[int], compose: Callable[[], Bundle]) -> Iterator[float]:
    """Yield the time of one submission after so many others."""
    sent = 0
    for size in sizes:
        while sent < size:
            world.submit(compose())
            sent += 1
        bundles = [compose() for _ in range(5)]
        yield timed(partial(_submit_next, world, bundles))
        sent += 5


def _submit_next(world: World, bundles: list[Bundle]) -> None:
    world.submit(bundles.pop())


def revocation_over_waiting_parts(sizes: list[int]) -> Iterator[float]:
    for size in sizes:
        world, case = under_way()
        for _ in range(size):
            send_status(world, case)
        grant = world.hub.state(case).grants[0].grant.id
        end = world.terms("crossroads", {"does": "end", "grant": grant}, agencies=["prosecutor"])
        bundle = world.compose("crossroads", "consent_change", end, case=case)
        yield timed(partial(world.submit, bundle), 1)


def inbox_of_waiting_parts(sizes: list[int]) -> Iterator[float]:
    for size in sizes:
        world, case = under_way()
        for _ in range(size):
            send_status(world, case)
        yield timed(partial(world.hub.inbox, "prosecutor", world.clock), 1)


def keys_ever_announced(sizes: list[int]) -> Iterator[float]:
    history = History()
    history.add(0, signed(document()))
    announced = 0
    for size in sizes:
        while announced < size:
            month = f"{2026 + announced // 12:04d}-{announced % 12 + 1:02d}"
            text = announce_key(key(f"clinic.{month}", "enc").public, key("clinic.s1"))
            history.add_sealing(announced + 1, text)
            announced += 1
        yield timed(lambda: history.membership_at(10**9), 50)


def days_of_log(sizes: list[int]) -> Iterator[float]:
    world = World()
    sent = 0
    for size in sizes:
        while sent < size:
            world.refer(world.new_case())
            sent += 1
        world.clock += DAY
        case = world.new_case()
        bundles = [world.compose("police", "referral", _encounter(), case=case) for _ in range(5)]
        yield timed(partial(_submit_next, world, bundles))
        sent += 5


def _encounter() -> Part:
    return part(
        "encounter",
        {"facts": {"encounter.route": "arrest"}},
        to={"crossroads": ("offer_and_hand_off", "offer_at_scene")},
        use="none",
        says={"answer": "accepted"},
    )


COSTS: dict[str, Callable[[list[int]], Iterator[float]]] = {
    "a referral after n in its case": referrals_in_a_case,
    "a status after n in its case": records_in_a_case,
    "a consent after n in its case": consents_in_a_case,
    "a referral after n other cases": days_of_log,
    "an end of consent with n parts that wait": revocation_over_waiting_parts,
    "an inbox of n parts that wait": inbox_of_waiting_parts,
    "the members after n announced keys": keys_ever_announced,
}


if __name__ == "__main__":
    main()
