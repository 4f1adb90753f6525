"""T6: a month's sealing key is stolen.

It opens that month's texts, none of later months, and none of another agency.
"""

from __future__ import annotations

import pytest

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
