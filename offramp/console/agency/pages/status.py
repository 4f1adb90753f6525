"""How it is going, in one fixed word: two taps, and what is in the way only if it is wanted."""

from __future__ import annotations

from dataclasses import asdict

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.pages.telling import CHANGED, delivery_of, digest_of
from offramp.console.agency.routes import WORKERS, action, page
from offramp.console.agency.visit import Invalid, Visit

TELLERS = ("case_management", "program")


@page("/people/{c}/status", WORKERS, kinds=TELLERS, begins=True)
def status(visit: Visit) -> Response:
    """Ask for the word, and what is in the way. The recipients of each are shown before."""
    chosen = (visit.recall(_chosen(visit)) or {}).get("word")
    told = operations.preview_status(visit.office, visit.case)
    return visit.show(
        "status.html",
        "How it is going",
        about=operations.describe_about(visit.office, visit.case),
        words=operations.status_words("engagement"),
        chosen=chosen,
        areas=operations.status_words("area_of_life"),
        told=told,
        seen=digest_of(asdict(told)),
        case=visit.address_of(visit.case),
    )


@action("/people/{c}/status/word", WORKERS, kinds=TELLERS)
def choose(visit: Visit) -> Response:
    """Keep the word that was chosen on the page of the case."""
    if visit.field("word") not in dict(operations.status_words("engagement")):
        raise Invalid({"word": "Choose an answer"}, visit.address_of(visit.case, "status"))
    visit.remember(_chosen(visit), {"word": visit.field("word")})
    return visit.go(visit.address_of(visit.case, "status"))


def _chosen(visit: Visit) -> str:
    return f"status {visit.case}"


@action("/people/{c}/status", WORKERS, kinds=TELLERS)
def send(visit: Visit) -> Response:
    """Send the word, and what is in the way."""
    engagement, areas = visit.field("word"), visit.fields("area")
    if engagement not in dict(operations.status_words("engagement")):
        raise Invalid({"word": "Choose an answer"})
    if set(areas) - set(dict(operations.status_words("area_of_life"))):
        raise Invalid({"area": "Choose from the list"})
    told = operations.preview_status(visit.office, visit.case)
    if visit.field("seen") != digest_of(asdict(told)):
        raise Invalid({"seen": CHANGED})
    draft = operations.draft_status(visit.office, visit.case, engagement, areas)
    sent = operations.send_status(visit.office, draft)
    to = {agency for part in draft.parts for agency in part.to}
    names = operations.names_of(visit.office, visit.case, to)
    visit.forget(_chosen(visit))
    visit.remember(
        "told",
        {"to": list(names), **delivery_of(sent.state), "back": visit.address_of(visit.case)},
    )
    return visit.go("/told")
