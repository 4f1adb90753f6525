"""T2: an agency sends a record that it may not send.

Its own gateway refuses it. If that is changed, the hub does, and after the hub the recipient.
"""

from __future__ import annotations

import pytest

from exchange.errors import NotPassed
from exchange.hub.hub import Acceptance, Rejection
from exchange.records import building
from exchange.records.presentation import present, verify_presentation
from tests.support.attack_stories import COORDINATION, TO_PROSECUTOR, status_grant, under_way
from tests.support.dishonest_parties import PermissiveHub, build_unchecked, sign_unchecked
from tests.support.refused import refused
from tests.support.simulator import World, grant, part

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


REVIEWED = {"engagement": "engaged", "facts": {"case.last_review_at": "2026-11-02T17:00:00Z"}}


def test_more_of_a_status_than_the_word_is_not_for_police(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, case = under_way()
    to = {"police": (COORDINATION, "consent")}
    world.consent(case, grant("crossroads", "police", ["status"], [COORDINATION]))
    with refused("wrong-content"):
        world.compose("crossroads", "status", part("status", REVIEWED, to=to), case=case)
    # A changed gateway sends it, and the hub can't see it. The gateway of police doesn't open it.
    monkeypatch.setattr(building, "check_recipient", lambda role, content: None)
    (answer,) = world.submit(
        build_unchecked(world, "crossroads", "status", part("status", REVIEWED, to=to), case)
    )
    assert isinstance(answer, Acceptance)
    received = world.pull("police")[-1]
    assert received.record is not None
    with refused("wrong-content"):
        world.open("police", received.record.jti)
    assert not received.opened


def test_barriers_never_pass_to_police_and_to_the_prosecutor_only_by_a_consent_of_their_own() -> (
    None
):
    world, case = under_way()
    with refused("wrong-shape"):
        world.consent(
            case, grant("crossroads", "prosecutor", ["status", "barriers"], [COORDINATION])
        )
    for agency in ("police", "prosecutor"):
        barriers = part(
            "barriers",
            {"areas": ["id_documents"]},
            to={agency: (COORDINATION, "consent")},
            sensitivity="part2",
            notice="own-1",
        )
        with refused("not-permitted"):
            world.compose("crossroads", "status", barriers, case=case)
        world.consent(case, grant("crossroads", agency, ["barriers"], [COORDINATION]))
        if agency == "police":
            with refused("not-permitted"):
                world.compose("crossroads", "status", barriers, case=case)
        else:
            assert world.send("crossroads", "status", barriers, case=case)
