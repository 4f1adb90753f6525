"""The report of a crime on a program's premises or against its staff (42 CFR 2.12(c)(5)).

It is off in every shipped pack. A pack uses it by name, and then it reaches police alone. The cases
of `conformance/premises-crime.yaml` and the oracle's random stories judge it elsewhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from exchange.consent.disclosure import Judge
from exchange.records.content_checks import check_content
from exchange.records.field_types import PlaceName
from exchange.records.ids import new_id
from offramp.agency import operations
from offramp.agency.cases.draft import Defaults, build_draft
from offramp.agency.errors import AgencyError
from rules.author.difference import differences, loosened
from rules.shelf import read_pack, shipped
from tests.conftest import ROOT
from tests.support import simulator
from tests.support.agencies import Town, referral
from tests.support.chance import chance
from tests.support.refused import refused
from tests.support.simulator import World, part

USES_REPORT = ROOT / "tests" / "packs" / "good" / "a-program-that-reports-crimes"
GROUND = ("premises_crime", "premises_crime")
REPORT = {
    "incident": "assault",
    "against": "staff",
    "on": "2026-11-02",
    "name": "Ana Delgado",
    "address": "1220 St. Francis Dr. Apt 4",
    "last_known_whereabouts": "Plaza near Lincoln Ave",
}


def report(to: str = "police", **changes: Any) -> Any:
    return part("premises_crime", REPORT | changes, to={to: GROUND}, use="none")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Agencies whose policy group chose the report."""
    monkeypatch.setattr(simulator, "lead", lambda: Judge(read_pack(USES_REPORT)))
    return World()


def test_a_clinic_s_report_reaches_police_without_consent_and_nobody_else(world: World) -> None:
    case = world.new_case()
    world.refer(case)
    world.settle()
    sent = world.send("clinic", "premises_crime", report(), case=case)
    world.settle()
    assert sent in world.got("police") and sent not in world.got("prosecutor")
    reading = world.open("police", sent)
    assert reading.opened.content["premises_crime"] == REPORT
    for name in ("prosecutor", "program", "defender"):
        with refused("not-permitted"):
            world.send("clinic", "premises_crime", report(name), case=case)
        with refused("not-passed"):  # the hub
            world.force("clinic", "premises_crime", report(name), case=case)


def test_without_the_choice_of_the_pack_neither_gateway_nor_hub_lets_it_pass() -> None:
    world = World()
    case = world.new_case()
    world.refer(case)
    world.settle()
    with refused("not-permitted"):
        world.send("clinic", "premises_crime", report(), case=case)
    with refused("not-passed"):
        world.force("clinic", "premises_crime", report(), case=case)


@pytest.mark.parametrize("sender", ["police", "prosecutor", "program", "defender"])
def test_only_care_can_send_one(world: World, sender: str) -> None:
    case = world.new_case()
    world.refer(case)
    world.settle()
    with refused("not-its-kind"):
        world.send(sender, "premises_crime", report("clinic"), case=case)


@pytest.mark.parametrize(
    "change",
    [
        {"incident": "he told us that he used again"},
        {"on": "last week"},
        {"text": "He had relapsed."},
        {"asks": ["encounter.date"]},
        {"name": "Ana who relapsed on monday and came in drunk"},
        {"last_known_whereabouts": "he used again on monday"},
        {"address": "1220 St. Francis Dr\nhe used again"},
        {"incident": None},
    ],
)
def test_nothing_but_the_incident_and_the_person_fits_in(change: dict[str, Any]) -> None:
    check_content("premises_crime", ("premises_crime",), {"premises_crime": REPORT})
    with refused("wrong-content"):
        check_content("premises_crime", ("premises_crime",), {"premises_crime": REPORT | change})


def test_a_place_is_an_address_or_a_street_and_no_sentence() -> None:
    place = TypeAdapter(PlaceName)
    for written in (
        "1220 St. Francis Dr",
        "#4, 5th Ave",
        "Plaza de la Cañada",
        "Cerrillos Rd and Baca",
    ):
        assert place.validate_python(written) == written
    for written in ("he was seen", "Plaza, and then he told us that", "A" * 81, ""):
        with pytest.raises(ValidationError):
            place.validate_python(written)


def test_a_draft_of_it_carries_no_limit_that_it_could_not_keep() -> None:
    defaults = Defaults("2027-11-02", "no_adverse_action", "official-1", lambda count: b"x" * count)
    draft = build_draft(
        {
            "parts": [
                {
                    "category": "premises_crime",
                    "content": REPORT,
                    "to": {"police": {"purpose": "premises_crime", "basis": "premises_crime"}},
                }
            ]
        },
        defaults,
    )
    (only,) = draft.parts
    assert (only.use, only.to) == ("none", {"police": GROUND})


def test_the_form_says_that_no_consent_opens_it_where_the_pack_does_not_use_it(
    tmp_path: Path,
) -> None:
    town = Town(tmp_path, others=())
    case = new_id(chance(7))
    town.at["police"].compose("referral", [referral()], case=case)
    town.settle()
    with pytest.raises(AgencyError) as refusal:
        operations.open_form(town.at["crossroads"], "report-crime", case)
    assert refusal.value.code == "nobody-to-tell"
    assert "policy group decides" in refusal.value.message
    assert "consent for it" not in refusal.value.message + refusal.value.fix
    assert refusal.value.fix.startswith("no consent changes this")


def test_no_shipped_pack_uses_it_and_one_that_does_keeps_the_floor() -> None:
    for name in shipped():
        disclosure = read_pack(name).decisions.get("disclosure")
        assert disclosure is None or "crime-on-premises" not in disclosure.rules, name
    lead, uses = read_pack("lead"), read_pack(USES_REPORT)
    assert not loosened(lead, uses, invariants=True)
    came = [str(one) for one in differences(lead, uses) if "crime-on-premises" in one.what]
    assert len(came) == 1 and came[0].startswith("rule disclosure.crime-on-premises came: permit")
