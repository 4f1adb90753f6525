"""T10: a disclosure is under way when the person revokes.

Disclosures before the revocation's index stay valid, and later ones don't.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.hub.hub import Acceptance, Rejection
from exchange.log.leaves import HandoutBody, Leaf, WithdrawalBody
from tests.support.attack_stories import TO_PROSECUTOR, send_status, status_grant
from tests.support.refused import refused
from tests.support.simulator import World, leaves, part

GRANT = "1" * 16


def ready() -> tuple[World, str]:
    world = World()
    return world, world.enrolled(status_grant(id=GRANT))


def revoke(world: World, case: str) -> None:
    world.change(case, "end", agencies=["prosecutor"], grant=GRANT)


def test_handed_out_before_it_stands() -> None:
    world, case = ready()
    sent = send_status(world, case)
    world.pull("prosecutor")
    revoke(world, case)
    world.settle()
    assert sent in world.got("prosecutor")
    # It was handed out and not opened. By the prosecutor's newest line, it may no longer open.
    with refused("not-permitted"):
        world.open("prosecutor", sent)


def test_committed_and_not_handed_out_is_withdrawn_at_once() -> None:
    world, case = ready()
    sent = send_status(world, case)
    revoke(world, case)
    (withdrawn,) = leaves(world, WithdrawalBody)
    assert isinstance(withdrawn.body, WithdrawalBody) and withdrawn.body.record == sent
    stored, _ = world.hub.store.record("crossroads", sent)
    assert stored.sealed == ()
    world.pull("prosecutor")
    assert sent not in world.got("prosecutor") and len(world.at["prosecutor"].undelivered) == 1


def test_after_it_nothing_is_committed() -> None:
    world, case = ready()
    late = world.compose("crossroads", "status", part("status", {}, to=TO_PROSECUTOR), case=case)
    revoke(world, case)
    (answer,) = world.submit(late)
    assert isinstance(answer, Rejection) and answer.error.code == "not-passed"


@pytest.mark.parametrize("first", ["disclosure", "revocation"])
def test_in_one_batch_the_order_decides(first: str) -> None:
    world, case = ready()
    status = world.compose("crossroads", "status", part("status", {}, to=TO_PROSECUTOR), case=case)
    end = world.compose(
        "crossroads",
        "consent_change",
        world.terms("crossroads", {"does": "end", "grant": GRANT}, agencies=["prosecutor"]),
        case=case,
    )
    answers = world.submit(*((status, end) if first == "disclosure" else (end, status)))
    assert isinstance(answers[0], Acceptance) and isinstance(
        answers[1], Acceptance if first == "disclosure" else Rejection
    )
    world.pull("prosecutor")
    assert status.id not in world.got("prosecutor"), (
        "either way nothing is handed out after the revocation"
    )


def test_in_one_batch_an_earlier_permit_ends_with_the_revocation() -> None:
    world, case = ready()
    early, late = (
        world.compose("crossroads", "status", part("status", {}, to=TO_PROSECUTOR), case=case)
        for _ in range(2)
    )
    end = world.compose(
        "crossroads",
        "consent_change",
        world.terms("crossroads", {"does": "end", "grant": GRANT}, agencies=["prosecutor"]),
        case=case,
    )
    answers = world.submit(early, end, late)
    assert [type(answer) for answer in answers] == [Acceptance, Acceptance, Rejection]
    assert isinstance(answers[2], Rejection) and answers[2].error.code == "not-passed"


def test_in_one_batch_a_permit_counts_for_its_own_case_only() -> None:
    world, case = ready()
    other_grant = "2" * 16
    other = world.enrolled(status_grant(id=other_grant))
    for_case, for_other = (
        world.compose("crossroads", "status", part("status", {}, to=TO_PROSECUTOR), case=id)
        for id in (case, other)
    )
    world.change(other, "end", agencies=["prosecutor"], grant=other_grant)
    answers = world.submit(for_case, for_other)
    assert [type(answer) for answer in answers] == [Acceptance, Rejection]


def test_pulling_again_what_was_handed_out_gives_no_text_any_more() -> None:
    world, case = ready()
    send_status(world, case)
    handed = world.inbox("prosecutor").items
    revoke(world, case)
    again = world.inbox("prosecutor").items
    assert (
        handed[0].delivery is not None
        and again[0].delivery is None
        and again[0].leaf == handed[0].leaf
    )


@given(st.lists(st.sampled_from(["send", "pull", "end", "again"]), max_size=8))
def test_whatever_the_order_no_hand_out_follows_the_revocation(steps: list[str]) -> None:
    world, case = ready()
    ended = None
    for step in steps:
        if step == "pull":
            world.pull("prosecutor")
        elif step == "end" and ended is None:
            ended = world.hub.log.size
            revoke(world, case)
        elif step == "send" and ended is None:
            send_status(world, case)
        else:
            world.hub.inbox("prosecutor", world.clock)
    handed = [leaf for leaf in leaves(world, HandoutBody) if _is_status(leaf, world)]
    assert ended is None or all(leaf.index < ended for leaf in handed)


def _is_status(leaf: Leaf, world: World) -> bool:
    body = leaf.body
    assert isinstance(body, HandoutBody)
    return world.hub.store.record(body.issuer, body.record)[0].kind == "status"
