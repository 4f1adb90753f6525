"""T2: an agency sends what it may not.

Its own gateway refuses; a gateway that it changed meets the hub; past that, the recipient.
"""

from __future__ import annotations

import pytest

from exchange.errors import NotPassed
from exchange.hub.hub import Acceptance, Hub, Rejection
from exchange.records.building import Part, build_bundle
from exchange.records.bundle import Bundle
from exchange.records.presentation import present, verify_presentation
from tests.support.attack_stories import TO_PROSECUTOR, under_way
from tests.support.keys import key
from tests.support.refused import refused
from tests.support.simulator import World, part


def forced(world: World, name: str, kind: str, part: Part, case: str) -> Bundle:
    """What an agency builds whose gateway no longer asks anything."""
    return signed(world, f"{name}.s1", kind, part, case)


def signed(world: World, kid: str, kind: str, part: Part, case: str) -> Bundle:
    """The part, signed with whatever key."""
    membership = world.hub.history.membership_at(10**6)
    return build_bundle(
        key(kid), kind, [part], membership=membership, case=case, iat=0, random_bytes=world.random
    )


class Careless(Hub):
    """A hub that passes everything on."""

    def _check_admitted(self, committed: object) -> None:
        return

    def _permitted(
        self, agency: str, waiting: object, parts: frozenset[str], time: int
    ) -> frozenset[str]:
        return parts


ATTENDANCE = part("attendance", {"facts": {"case.missed_contacts": 3}}, to=TO_PROSECUTOR)


def test_its_own_gateway_refuses_first_and_says_why() -> None:
    world, case = under_way()
    with refused("not-permitted"):
        world.compose("crossroads", "progress", ATTENDANCE, case=case)


def test_a_changed_gateway_is_refused_by_the_hub_which_says_nothing() -> None:
    world, case = under_way()
    (answer,) = world.submit(forced(world, "crossroads", "progress", ATTENDANCE, case))
    assert isinstance(answer, Rejection) and isinstance(answer.error, NotPassed)
    assert case not in str(answer.error) and "prosecutor" not in str(answer.error)


def test_with_the_hub_in_league_the_recipient_s_gateway_still_refuses() -> None:
    world, case = under_way(World(Careless))
    (answer,) = world.submit(forced(world, "crossroads", "progress", ATTENDANCE, case))
    assert isinstance(answer, Acceptance)
    (received,) = world.pull("prosecutor")
    assert received.record is not None
    with refused("not-permitted"):
        world.open("prosecutor", received.record.jti)


def test_a_record_in_another_agency_s_name_is_refused() -> None:
    world, case = under_way()
    stolen = signed(world, "police.s1", "status", part("status", {}, to=TO_PROSECUTOR), case)
    (answer,) = world.submit(stolen)
    assert isinstance(answer, Rejection) and answer.error.code == "not-its-kind"


@pytest.mark.parametrize("name", ["police", "prosecutor", "program", "defender"])
def test_nobody_but_a_provider_collects_consent(name: str) -> None:
    world, case = under_way()
    terms = {**_grant(), "discloser": "clinic", "recipient": name}
    with refused("not-its-kind"):
        world.send(
            name,
            "consent",
            part("consent_terms", to={"clinic": ("exchange_operation", "operation")}, says=terms),
            case=case,
        )


def _grant() -> dict[str, object]:
    from tests.support.attack_stories import status_grant

    return status_grant(id="0" * 16)


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
