"""T2: an agency sends a record that it may not send.

Its own gateway refuses it. If that is changed, the hub does, and after the hub the recipient.
"""

from __future__ import annotations

import pytest

from exchange.errors import NotPassed
from exchange.hub.hub import Acceptance, Rejection
from exchange.records.presentation import present, verify_presentation
from tests.support.attack_stories import TO_PROSECUTOR, status_grant, under_way
from tests.support.dishonest_parties import PermissiveHub, build_unchecked, sign_unchecked
from tests.support.refused import refused
from tests.support.simulator import World, part

ATTENDANCE = part("attendance", {"facts": {"case.missed_contacts": 3}}, to=TO_PROSECUTOR)


def test_its_own_gateway_refuses_first_and_says_why() -> None:
    world, case = under_way()
    with refused("not-permitted"):
        world.compose("crossroads", "progress", ATTENDANCE, case=case)


def test_a_changed_gateway_is_refused_by_the_hub_which_says_nothing() -> None:
    world, case = under_way()
    (answer,) = world.submit(build_unchecked(world, "crossroads", "progress", ATTENDANCE, case))
    assert isinstance(answer, Rejection) and isinstance(answer.error, NotPassed)
    assert case not in str(answer.error) and "prosecutor" not in str(answer.error)


def test_with_the_hub_in_league_the_recipient_s_gateway_still_refuses() -> None:
    world, case = under_way(World(PermissiveHub))
    (answer,) = world.submit(build_unchecked(world, "crossroads", "progress", ATTENDANCE, case))
    assert isinstance(answer, Acceptance)
    (received,) = world.pull("prosecutor")
    assert received.record is not None
    with refused("not-permitted"):
        world.open("prosecutor", received.record.jti)


def test_a_record_in_another_agency_s_name_is_refused() -> None:
    world, case = under_way()
    stolen = sign_unchecked(
        world, "police.s1", "status", part("status", {}, to=TO_PROSECUTOR), case
    )
    (answer,) = world.submit(stolen)
    assert isinstance(answer, Rejection) and answer.error.code == "not-its-kind"


@pytest.mark.parametrize("name", ["police", "prosecutor", "program", "defender"])
def test_nobody_but_a_provider_collects_consent(name: str) -> None:
    world, case = under_way()
    terms = {**status_grant(id="0" * 16), "discloser": "clinic", "recipient": name}
    with refused("not-its-kind"):
        world.send(
            name,
            "consent",
            part("consent_terms", to={"clinic": ("exchange_operation", "operation")}, says=terms),
            case=case,
        )


def test_a_complaint_carries_the_record_that_proves_it() -> None:
    world, case = under_way()
    sent = world.send(
        "crossroads",
        "status",
        part("status", {"engagement": "engaged"}, to=TO_PROSECUTOR),
        case=case,
    )
    world.settle()
    reading = world.open("prosecutor", sent)
    received = world.at["prosecutor"].received["crossroads", sent]
    assert received.record is not None
    shown = present(received.record, [reading.opened])
    membership = world.hub.history.membership_at(received.item.leaf.index)
    assert verify_presentation(shown, membership).record.issuer == "crossroads"
