"""Costs of a record on its way: microseconds and bytes of each step, with the raw primitives for
comparison.

Both run alternately. Run it as `python bench/records.py [--runs N]`. On another machine only the
ratios mean anything.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import date
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(1, str(Path(__file__).parent))

from wire import Work, compare

from exchange.consent.account import read_account
from exchange.consent.accounting import verify_account
from exchange.consent.disclosure import day_of
from exchange.consent.reduction import queries_of, reduce
from exchange.records.building import Part, build_bundle
from exchange.records.bundle import Bundle, check_bundle
from exchange.records.delivery import check_delivery, make_delivery, open_part
from exchange.records.presentation import present, verify_presentation
from exchange.standards import hpke
from tests.support.attack_stories import TO_PROSECUTOR, send_status, under_way
from tests.support.forge import CASE
from tests.support.keys import key
from tests.support.simulator import World, grant, lead, part

ES256 = ec.ECDSA(hashes.SHA256())
CLASS = bytes(1024)


def main() -> None:
    """Time the four groups of operations."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=15)
    runs = options.parse_args().runs
    print(
        f"Python {sys.version.split()[0]}, {runs} runs each, alternating. "
        "Medians in µs. The ratio is to the line marked ·\n"
    )
    world, case = under_way()
    for _ in range(20):
        send_status(world, case)
    world.settle()
    for title, operations in (
        ("a record of two parts for three recipients", records(world)),
        ("consent, in a case of 22 records", consent(world, case)),
        ("hub and gateway, in memory", exchange(world, case)),
        ("the account of a case of 22 records", account(world, case)),
    ):
        compare(title, operations, runs)


def records(world: World) -> dict[str, Work]:
    """Time two parts, one for three agencies and one for two, as the reference measures them."""
    membership = world.hub.history.membership_at(10**6)

    parts = [
        Part(
            category=("status",),
            content={"status": {"engagement": "engaged"}},
            to=dict.fromkeys(names, ("diversion_coordination", "consent")),
            keep_until="2027-11-30",
            use="no_adverse_action",
        )
        for names in (("prosecutor", "defender", "program"), ("prosecutor", "defender"))
    ]

    def build() -> Bundle:
        return build_bundle(
            key("crossroads.s1"),
            "status",
            parts,
            membership=membership,
            case=CASE,
            iat=1,
            random_bytes=world.random,
        )

    bundle = build()
    checked = check_bundle(bundle, membership)
    delivered = make_delivery(checked, "prosecutor", list(checked.labels))
    mine = check_delivery(delivered, membership)
    keys = world.at["prosecutor"].sealing
    opened = [open_part(mine, part_id, keys) for part_id in mine.labels]
    presented = present(mine, opened)
    signing, sealing = key("crossroads.s1").scalar, keys["prosecutor.2026-11"]
    message = bundle.record.rpartition(".")[0].encode()
    signature = signing.sign(message, ES256)
    ct = hpke.SUITE.encrypt(CLASS, sealing.public.point, b"")
    public = signing.public_key()
    print(
        f"bytes: submitted {len(bundle.write()):,}, signed {len(bundle.record):,}, "
        f"delivered to one of three {len(json.dumps(delivered.json())):,}, "
        f"presented {len(presented):,}"
    )

    def raw_open() -> None:
        public.verify(signature, message, ES256)
        for _ in range(2):
            hpke.SUITE.decrypt(ct, sealing.scalar, b"")

    def raw_build() -> None:
        signing.sign(message, ES256)
        for _ in range(5):
            hpke.SUITE.encrypt(CLASS, sealing.public.point, b"")

    def whole_open() -> None:
        mine = check_delivery(delivered, membership)
        for part_id in mine.labels:
            open_part(mine, part_id, keys)

    return {
        "· ES256 sign and 5 HPKE seals": raw_build,
        "build": build,
        "· ES256 verify": lambda: public.verify(signature, message, ES256),
        "check, as the hub does": lambda: check_bundle(bundle, membership),
        "deliver to one of three": lambda: make_delivery(
            checked, "prosecutor", list(checked.labels)
        ),
        "verify what a recipient shows": lambda: verify_presentation(presented, membership),
        "· ES256 verify and 2 HPKE opens": raw_open,
        "check and open two parts, as a recipient does": whole_open,
    }


def consent(world: World, case: str) -> dict[str, Work]:
    """Time the disclosure decision."""
    state = world.hub.state(case)
    directory = world.hub.history.newest
    this = next(committed for committed in state.records if committed.kind == "status")
    (passage,) = this.passages
    (ask,) = queries_of(this, passage, index=10**6, time=world.clock)
    facts = reduce(ask, state, directory, directory.zone)
    day: date = day_of(world.clock, directory.zone)
    judge = lead()
    return {
        "· the pack's decision alone, on facts given": lambda: judge.facts(facts, day),
        "log state to facts": lambda: reduce(ask, state, directory, directory.zone),
        "may this part pass?": lambda: judge.passage(
            this, passage, state, directory, directory.zone, index=10**6, time=world.clock
        ),
    }


def exchange(world: World, case: str) -> dict[str, Work]:
    """Time a hub that grows with every call, as a real one does. The cost must not grow."""
    public, message = key("crossroads.s1").public.point, bytes(900)
    signature = key("crossroads.s1").scalar.sign(message, ES256)
    status = part("status", {"engagement": "engaged"}, to=TO_PROSECUTOR)
    bundles = [
        world.compose("crossroads", "status", status, case=world_case(world)) for _ in range(2)
    ]

    def submit() -> None:
        world.submit(world.compose("crossroads", "status", status, case=case))

    def pull() -> None:
        submit()
        world.pull("prosecutor")

    return {
        "· ES256 verify": lambda: public.verify(signature, message, ES256),
        "compose, with the gateway's own check": lambda: world.compose(
            "crossroads", "status", status, case=case
        ),
        "compose and submit": submit,
        "compose, submit, pull and take": pull,
        "submit again what was taken": lambda: world.submit(*bundles[:1]),
    }


def world_case(world: World) -> str:
    """Enroll a person and return the case."""
    return world.enrolled(grant("crossroads", "prosecutor", ["status"], ["diversion_coordination"]))


def account(world: World, case: str) -> dict[str, Work]:
    """Time the account of a case."""
    world.settle()
    checkpoint = world.witnessed()
    made = world.hub.account(case, "crossroads", checkpoint, world.clock)
    text = made.write()
    records, leaf = len(made.records), made.records[0].recorded
    public = key("crossroads.s1").public.point
    signature = key("crossroads.s1").scalar.sign(CLASS, ES256)
    hashed = leaf.leaf.entry
    print(
        f"bytes: the account of {records} records {len(text):,}, {len(text) // records:,} a record"
    )
    return {
        "· ES256 verify, once a record": lambda: [
            public.verify(signature, CLASS, ES256) for _ in range(records)
        ],
        "make the account, with its proofs": lambda: world.hub.account(
            case, "crossroads", checkpoint, world.clock
        ),
        "read and verify it": lambda: verify_account(read_account(text), world.hub.history),
        "· SHA-256 of two hashes, as often as a path is long": lambda: [
            sha256(hashed * 2).digest() for _ in leaf.path
        ],
        "prove one leaf": lambda: world.hub.log.tree.inclusion(leaf.leaf.index),
    }


if __name__ == "__main__":
    main()
