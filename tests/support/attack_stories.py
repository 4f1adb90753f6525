"""The start of each attack: an open case in a world that is honest until then."""

from __future__ import annotations

from typing import Any

from exchange.records.countersignature import countersign
from tests.support.keys import key
from tests.support.parties import after, agency, signed
from tests.support.simulator import World, grant, part

COORDINATION = "diversion_coordination"
TO_PROSECUTOR = {"prosecutor": (COORDINATION, "consent")}
TO_CLINIC = {"clinic": ("treatment", "consent")}


def status_grant(**more: Any) -> dict[str, Any]:
    """Return the consent to status reports from the case managers to the prosecutor."""
    return grant("crossroads", "prosecutor", ["status", "intake_status"], [COORDINATION], **more)


def treatment_grant(**more: Any) -> dict[str, Any]:
    """Return the consent to disclosures from the case managers to the clinic."""
    return grant("crossroads", "clinic", ["treatment", "contact", "service"], ["treatment"], **more)


def send_status(world: World, case: str, engagement: str = "engaged") -> str:
    return world.send(
        "crossroads",
        "status",
        part("status", {"engagement": engagement}, to=TO_PROSECUTOR),
        case=case,
    )


def under_way(world: World | None = None) -> tuple[World, str]:
    """Return a world with a case in which both consents are live and all is witnessed."""
    world = world or World()
    return world, world.enrolled(status_grant(), treatment_grant())


def emergency(world: World, case: str, jti: str, part_id: str, **more: object) -> str:
    """Send an emergency disclosure to the hospital, countersigned by a second person."""
    fields = {"told": "hospital", "category": "treatment", "on": "2026-11-02"}
    second = countersign(key("crossroads.s2"), jti=jti, part=part_id, **fields)
    said = {**fields, "form": ["nature", "discloser", "recipient"], "countersigned": second, **more}
    told = part(
        "treatment",
        {"text": "naloxone twice"},
        to={"hospital": ("medical_emergency", "none")},
        sensitivity="part2",
        notice="own-1",
        says={name: value for name, value in said.items() if value is not None},
        id=part_id,
    )
    return world.send("crossroads", "emergency_disclosure", told, case=case, jti=jti)


def with_second_key() -> World:
    world = World()
    newest = after(world.hub.history)
    agencies = [
        agency("crossroads", "case_management", signing=("s1", "s2"))
        if one["id"] == "crossroads"
        else one
        for one in newest["agencies"]
    ]
    world.change_directory(
        signed(newest | {"agencies": agencies}, ("defender", "clinic", "program"))
    )
    return world
