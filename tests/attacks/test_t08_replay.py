"""T8: an old record is sent again.

It has one effect forever, and another record under its id is evidence.
"""

from __future__ import annotations

from dataclasses import replace

from exchange.hub.hub import Acceptance, Rejection
from exchange.log.leaves import ConflictBody
from exchange.standards import base64
from tests.support.attack_stories import TO_PROSECUTOR, send_status, under_way
from tests.support.refused import refused
from tests.support.simulator import leaves, part


def test_the_same_record_again_has_the_same_receipt_and_no_second_effect() -> None:
    world, case = under_way()
    sent = send_status(world, case)
    bundle, receipt = world.at["crossroads"]._sent[sent]
    size = world.hub.log.size
    world.clock += 400 * 86400
    (again,) = world.submit(bundle)
    assert isinstance(again, Acceptance) and again.is_repeat and again.receipt == receipt
    assert world.hub.log.size == size and len(world.inbox("prosecutor").items) == 1


def test_a_repeat_after_its_keys_have_retired_still_has_its_receipt() -> None:
    world, case = under_way()
    sent = send_status(world, case)
    bundle, receipt = world.at["crossroads"]._sent[sent]
    for month in ("2026-12", "2027-01"):
        world.open_key("prosecutor", month)
    world.retire("crossroads")
    # Rejection, the gateway would build it anew, and the record would count twice.
    (again,) = world.submit(bundle)
    assert isinstance(again, Acceptance) and again.receipt == receipt


def test_the_same_statement_under_another_signature_is_the_same_record() -> None:
    world, case = under_way()
    sent = send_status(world, case)
    bundle, receipt = world.at["crossroads"]._sent[sent]
    header, payload, signature = bundle.record.split(".")
    raw = base64.decode_url(signature)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    twin = raw[:32] + (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    (again,) = world.submit(replace(bundle, record=f"{header}.{payload}.{base64.encode_url(twin)}"))
    # Anybody can make a second signature out of the first: that convicts nobody.
    assert isinstance(again, Acceptance) and again.receipt == receipt
    assert not leaves(world, ConflictBody)


def test_another_record_under_a_used_id_is_refused_and_logged() -> None:
    world, case = under_way()
    sent = send_status(world, case)
    other = world.compose(
        "crossroads", "status", part("status", {}, to=TO_PROSECUTOR), case=case, jti=sent
    )
    (answer,) = world.submit(other)
    assert isinstance(answer, Rejection) and answer.is_conflict and answer.error.code == "id-taken"
    (leaf,) = leaves(world, ConflictBody)
    assert isinstance(leaf.body, ConflictBody) and (leaf.body.id, leaf.body.issuer) == (
        sent,
        "crossroads",
    )


def test_a_delivery_replayed_to_a_recipient_is_refused() -> None:
    world, case = under_way()
    send_status(world, case)
    answer = world.inbox("prosecutor")
    gateway = world.at["prosecutor"]
    gateway.take(answer, world.clock)
    with refused("gap"):
        gateway.take(answer, world.clock)
    assert len(gateway.received) == 2  # the consent and one status
