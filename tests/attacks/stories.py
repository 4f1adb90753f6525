"""Where the attacks begin: a case under way, in a world that is honest until the attack."""

from __future__ import annotations

from typing import Any

from tests.simulator import World, grant, part

COORDINATION = "diversion_coordination"
TO_PROSECUTOR = {"prosecutor": (COORDINATION, "consent")}
TO_CLINIC = {"clinic": ("treatment", "consent")}


def status_grant(**more: Any) -> dict[str, Any]:
    """Case managers may tell the prosecutor how things go, in closed form."""
    return grant("crossroads", "prosecutor", ["status", "intake_status"], [COORDINATION], **more)


def treatment_grant(**more: Any) -> dict[str, Any]:
    """Case managers may tell the clinic about treatment, and how to reach the person."""
    return grant("crossroads", "clinic", ["treatment", "contact", "service"], ["treatment"], **more)


def send_status(world: World, case: str, engagement: str = "engaged") -> str:
    return world.send("crossroads", "status", part("status", {"engagement": engagement}, to=TO_PROSECUTOR), case=case)


def under_way(world: World | None = None) -> tuple[World, str]:
    """A world with one case in which both consents are live and everything is witnessed."""
    world = world or World()
    return world, world.enrolled(status_grant(), treatment_grant())
