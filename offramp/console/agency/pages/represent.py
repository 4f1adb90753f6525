"""Counsel tells the program, the case managers, and the prosecutor that it acts for the person."""

from __future__ import annotations

from dataclasses import asdict

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.pages.telling import CHANGED, delivery_of, digest_of
from offramp.console.agency.routes import WORKERS, action, page
from offramp.console.agency.visit import Invalid, Visit

DEFENDER = ("defender",)
_PAGE = "/people/{c}/represent"


@page(_PAGE, WORKERS, kinds=DEFENDER, begins=True)
def represent(visit: Visit) -> Response:
    """Show the agencies that would be told that this office is the person's counsel."""
    preview = operations.preview_representation(visit.office, visit.case)
    names = operations.names_of(visit.office, visit.case, preview.recipients)
    return visit.show(
        "represent.html",
        "Counsel",
        about=operations.describe_about(visit.office, visit.case),
        preview=preview,
        names=names,
        without_key=operations.names_of(visit.office, visit.case, preview.without_key),
        seen=digest_of(asdict(preview)),
        case=visit.address_of(visit.case),
    )


@action(_PAGE, WORKERS, kinds=DEFENDER)
def state(visit: Visit) -> Response:
    """Tell the agencies that were shown."""
    preview = operations.preview_representation(visit.office, visit.case)
    if visit.field("seen") != digest_of(asdict(preview)):
        raise Invalid({"seen": CHANGED})
    sent = operations.represent(visit.office, visit.case, although_unknown=True)
    names = operations.names_of(visit.office, visit.case, preview.recipients)
    back = visit.address_of(visit.case)
    visit.remember("told", {"to": list(names), **delivery_of(sent.state), "back": back})
    return visit.go("/told")
