"""T6: a month's sealing key is stolen.

It opens that month's texts, none of later months, and none of another agency. Its owner can close
it at once.
"""

from __future__ import annotations

import pytest

from exchange.membership.history import name_replacement
from exchange.records import sealing
from exchange.records.delivery import open_part
from tests.support.attack_stories import send_status, under_way
from tests.support.keys import key
from tests.support.refused import refused


def test_the_next_month_is_closed_to_it() -> None:
    world, case = under_way()
    stolen = dict(world.at["prosecutor"].sealing)
    world.open_key("prosecutor", "2026-12")
    sent = send_status(world, case)
    stored, _ = world.hub.store.record("crossroads", sent)
    (text,) = stored.sealed
    assert text.to == "prosecutor.2026-12"
    with refused("unknown-part"):
        open_part(stored, text.part, stolen)
    with refused("wrong-recipient"):
        sealing.unseal(text, sent, stolen["prosecutor.2026-11"])


def test_two_months_on_nothing_is_sealed_to_it_any_more() -> None:
    world, case = under_way()
    loot = world.compose("crossroads", "status", _part(), case=case)
    world.open_key("prosecutor", "2026-12")
    world.open_key("prosecutor", "2027-01")
    (answer,) = world.submit(loot)
    assert answer.error.code == "key-old"


def test_a_replacement_closes_it_at_once() -> None:
    world, case = under_way()
    loot = world.compose("crossroads", "status", _part(), case=case)
    before = send_status(world, case)
    stolen = dict(world.at["prosecutor"].sealing)
    world.open_key("prosecutor", "2026-11.02")
    # The hub takes nothing more that is sealed to it, and honest senders seal to the new key.
    (answer,) = world.submit(loot)
    assert answer.error.code == "key-old"
    stored, _ = world.hub.store.record("crossroads", send_status(world, case))
    (text,) = stored.sealed
    assert text.to == "prosecutor.2026-11.02"
    with refused("wrong-recipient"):
        sealing.unseal(text, stored.jti, stolen["prosecutor.2026-11"])
    # What was sealed before stays readable to its owner, and its past stays as it was.
    world.pull("prosecutor")
    assert world.open("prosecutor", before).opened.content
    index = world.hub.store.record("crossroads", before)[1].index
    assert world.hub.history.membership_at(index).newest_key("prosecutor").kid == (
        "prosecutor.2026-11"
    )
    # The next month's key follows. The stolen one stays closed.
    world.open_key("prosecutor", "2026-12")
    open_keys = world.hub.history.membership_at(2**53).sealing["prosecutor"]
    assert [key.kid for key in open_keys] == ["prosecutor.2026-12", "prosecutor.2026-11.02"]


def test_a_replacement_closes_the_month_before_too() -> None:
    world, _ = under_way()
    world.open_key("prosecutor", "2026-12")
    world.open_key("prosecutor", "2026-12.02")
    world.open_key("prosecutor", "2026-12.03")
    open_keys = world.hub.history.membership_at(2**53).sealing["prosecutor"]
    assert [key.kid for key in open_keys] == ["prosecutor.2026-12.03"]


@pytest.mark.parametrize(
    "epoch", ["2026-11.01", "2026-11.2", "2026-11.100", "2026-11.02.02", "2026-11.", "2026-11.0٢"]
)
def test_a_replacement_has_one_spelling(epoch: str) -> None:
    world, _ = under_way()
    with refused("bad-announcement", "not-a-key"):
        world.open_key("prosecutor", epoch)


def test_the_name_of_a_replacement() -> None:
    assert name_replacement("police.2026-11", "2026-11") == "police.2026-11.02"
    assert name_replacement("police.2026-11.02", "2026-11") == "police.2026-11.03"
    # No key of this month is announced yet, or the clock went back.
    assert name_replacement("police.2026-11", "2026-12") == "police.2026-12.02"
    assert name_replacement("police.2026-12.98", "2026-11") == "police.2026-12.99"
    with refused("bad-announcement"):
        name_replacement("police.2026-12.99", "2026-12")


@pytest.mark.parametrize("thief", ["police", "clinic", "defender"])
def test_another_agency_s_key_opens_nothing(thief: str) -> None:
    world, case = under_way()
    sent = send_status(world, case)
    stored, _ = world.hub.store.record("crossroads", sent)
    (text,) = stored.sealed
    renamed = key(f"{thief}.2026-11", "enc")
    with refused("wrong-recipient"):
        sealing.unseal(text, sent, renamed)


def _part() -> object:
    from tests.support.attack_stories import TO_PROSECUTOR
    from tests.support.simulator import part

    return part("status", {}, to=TO_PROSECUTOR)
