"""T3: the hub makes up a consent, or adds a recipient.

It can sign for nobody, and the issuer's signature names every recipient.
"""

from __future__ import annotations

from dataclasses import replace

from exchange.hub.hub import Hub
from exchange.protocol.inbox import Inbox
from exchange.records.delivery import make_delivery
from tests.support.attack_stories import TO_PROSECUTOR, send_status, status_grant, under_way
from tests.support.dishonest_parties import PermissiveHub, build_unchecked
from tests.support.refused import refused
from tests.support.simulator import World, grant, part


def test_a_consent_that_the_hub_signed_is_no_consent_and_blocks() -> None:
    world = World(PermissiveHub)
    case = world.new_case()
    world.refer(case)
    world.settle()
    terms = world.terms("crossroads", status_grant())
    world.submit(build_unchecked(world, "crossroads", "consent", terms, case))
    real = world.hub.inbox("prosecutor", world.clock)
    (item,) = real.items
    assert item.delivery is not None
    header, payload, _ = item.delivery.record.split(".")
    resigned = replace(item.delivery, record=f"{header}.{payload}.{'A' * 86}")
    (received,) = world.at["prosecutor"].take(
        Inbox((replace(item, delivery=resigned),), real.line), world.clock
    )
    assert received.fault is not None and received.record is None
    assert None in world.at["prosecutor"].state(case).faulty
    # Whatever comes later in this case, this agency opens none of it on a consent.
    world.submit(
        build_unchecked(world, "crossroads", "status", part("status", {}, to=TO_PROSECUTOR), case)
    )
    (later,) = world.pull("prosecutor")
    assert later.record is not None
    with refused("not-permitted"):
        world.open("prosecutor", later.record.jti)


def test_a_recipient_added_by_the_hub_gets_nothing_that_verifies() -> None:
    world, case = under_way()
    sent = send_status(world, case)
    stored, _ = world.hub.store.record("crossroads", sent)
    ghost = replace(stored.sealed[0], to="police.2026-11")
    # The manifest has no such entry, so the hub can't even make a path to it.
    with refused("wrong-manifest", "not-in-manifest", "manifest-size"):
        make_delivery(
            replace(stored, entries=(*stored.entries, ghost.entry())), "police", [ghost.part]
        )


def test_one_consent_does_not_serve_another_pair_or_case() -> None:
    world, case = under_way()
    other = world.new_case()
    world.refer(other)
    with refused("not-permitted"):
        world.compose(
            "crossroads",
            "status",
            part("status", {}, to={"program": ("diversion_coordination", "consent")}),
            case=case,
        )
    with refused("not-permitted"):
        world.compose("crossroads", "status", part("status", {}, to=TO_PROSECUTOR), case=other)


def test_a_second_consent_under_one_id_is_refused_and_from_a_lying_hub_blocks() -> None:
    first = status_grant()
    wider = grant(
        "crossroads",
        "prosecutor",
        ["status", "intake_status", "contact"],
        ["diversion_coordination"],
        id=first["id"],
    )
    for hub, passes in ((Hub, False), (PermissiveHub, True)):
        world = World(hub)
        case = world.enrolled(first)
        (answer,) = world.submit(
            build_unchecked(world, "crossroads", "consent", world.terms("crossroads", wider), case)
        )
        assert hasattr(answer, "receipt") is passes
    world.pull("prosecutor")
    assert ("crossroads", "prosecutor") in world.at["prosecutor"].state(case).faulty
