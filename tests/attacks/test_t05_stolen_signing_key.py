"""T5: a signing key is stolen.

Signatures from the index at which the key retires are ignored. Earlier ones stay valid.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from exchange.consent.state import committed_record
from exchange.hub.hub import Rejection
from exchange.records.bundle import check_bundle
from tests.support.attack_stories import TO_PROSECUTOR, send_status, under_way
from tests.support.parties import after, agency, signed
from tests.support.refused import refused
from tests.support.simulator import HOUR, World, part


def test_after_the_agency_retires_it_the_thief_sends_nothing() -> None:
    world, case = under_way()
    before = send_status(world, case)
    loot = world.compose("crossroads", "status", part("status", {}, to=TO_PROSECUTOR), case=case)
    world.retire("crossroads")
    (answer,) = world.submit(loot)
    assert isinstance(answer, Rejection) and answer.error.code == "unknown-key"
    world.settle()
    assert world.open("prosecutor", before).opened.content == {"status": {"engagement": "engaged"}}


def test_back_dating_by_the_thief_changes_nothing() -> None:
    world, case = under_way()
    gateway = world.at["crossroads"]
    loot = gateway.compose(
        "status", [part("status", {}, to=TO_PROSECUTOR)], case=case, now=world.clock - 12 * HOUR
    )
    world.retire("crossroads")
    (answer,) = world.submit(loot)
    assert isinstance(answer, Rejection)


def test_with_the_hub_in_league_nothing_is_dated_back_to_before_the_retirement() -> None:
    world, case = under_way()
    loot = world.compose("crossroads", "status", part("status", {}, to=TO_PROSECUTOR), case=case)
    early = world.hub.log.size - 1
    world.retire("crossroads")
    world.settle()
    # The hub commits it all the same, and tells the prosecutor that it did so before.
    then = world.hub.history.membership_at(early)
    checked = check_bundle(loot, then)
    world.hub._commit(checked, committed_record(checked, world.hub.log.size, world.clock))
    answer = world.inbox("prosecutor")
    (item,) = answer.items
    assert item.recorded is not None
    dated = replace(item, recorded=replace(item.recorded, index=early))
    (received,) = world.at["prosecutor"].take(replace(answer, items=(dated,)), world.clock)
    assert received.record is None and "leaf" in str(received.fault)


def test_a_hub_that_hides_the_retirement_from_one_agency_must_sign_a_lie() -> None:
    world, case = under_way()
    prosecutor = world.at.pop("prosecutor")
    world.retire("crossroads")
    with refused("directory-behind"):
        prosecutor.take(world.hub.inbox("prosecutor", world.clock, prosecutor.cursor), world.clock)
    assert prosecutor.history.newest.version == 1 and case


def test_the_thief_can_t_change_the_directory_alone() -> None:
    from tests.support.parties import after, agency, signed

    world, _ = under_way()
    change = after(world.hub.history)
    change["agencies"][4] = agency("crossroads", "case_management", signing=("s1", "s2"))
    with refused("threshold"):
        world.change_directory(signed(change, ("crossroads",)))


def test_the_thief_can_t_open_a_key_to_seal_to_after_it_retired() -> None:
    world, _ = under_way()
    world.retire("crossroads")
    with refused("unknown-key"):
        world.open_key("crossroads", "2026-12")


def test_who_stole_one_of_two_keys_retires_that_one_alone() -> None:
    """Not the other, with which the agency defends itself: else the thief would be the agency."""
    world = World()
    newest = after(world.hub.history)
    two = [
        agency("defender", "defender", signing=("s1", "s2")) if one["id"] == "defender" else one
        for one in newest["agencies"]
    ]
    world.change_directory(signed(newest | {"agencies": two}))

    def left(kid: str) -> dict[str, Any]:
        document = after(world.hub.history)
        agencies = [
            one | {"signing": [jwk for jwk in one["signing"] if jwk["kid"] == kid]}
            if one["id"] == "defender"
            else one
            for one in document["agencies"]
        ]
        return document | {"agencies": agencies}

    with refused("threshold"):
        world.change_directory(signed(left("defender.s1"), ("defender",)))
    world.change_directory(signed(left("defender.s2"), ("defender",)))
    assert list(world.hub.history.newest.agencies["defender"].signing) == ["defender.s2"]
