"""Two cases side by side: are they of one person? Joined here alone, and undone within 30 days."""

from __future__ import annotations

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.routes import WORKERS, action, page
from offramp.console.agency.visit import Invalid, Visit

DOES = {
    "join": operations.join,
    "apart": operations.tell_apart,
    "split": operations.split,
}


@action("/people/compare", WORKERS)
def compare(visit: Visit) -> Response:
    """Lead to the two chosen people, side by side."""
    chosen = list(dict.fromkeys(visit.fields("compare")))
    if len(chosen) != 2:
        raise Invalid({"compare": "Choose two people to compare"}, "/people/found")
    first, second = (visit.address_of_local(local) for local in chosen)
    return visit.go(f"{first}/same/{second.rpartition('/')[2]}")


@page("/people/{c}/same/{o}", WORKERS, begins=True)
def side_by_side(visit: Visit) -> Response:
    """Show two cases side by side."""
    second = visit.case_at("o")
    return visit.show(
        "same.html",
        "The same person?",
        both=operations.same_person(visit.office, visit.case, second),
        first=operations.describe_about(visit.office, visit.case),
        second=operations.describe_about(visit.office, second),
        paths=(visit.address_of(visit.case), visit.address_of(second)),
    )


@action("/people/{c}/same/{o}", WORKERS)
def decide(visit: Visit) -> Response:
    """Note that they are one person, or two, or undo a join."""
    act = DOES.get(visit.field("does"))
    if act is None:
        raise Invalid({"does": "Choose one of the answers"})
    act(visit.office, visit.actor, visit.case, visit.case_at("o"))
    return visit.go(f"{visit.path}?noted")
