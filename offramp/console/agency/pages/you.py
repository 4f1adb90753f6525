"""The person's own page: passkeys, and where the person is signed in."""

from __future__ import annotations

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.routes import EVERYBODY, action, page
from offramp.console.agency.visit import Invalid, NotHere, Visit

YOU = "/you"


@page(YOU, EVERYBODY)
def you(visit: Visit) -> Response:
    """Show who is signed in, with the own passkeys and sessions."""
    challenge = visit.keys.challenges.issue()
    request = operations.passkey_request(visit.office, visit.actor, visit.keys.site, challenge)
    now = visit.sessions.now()
    return visit.show(
        "you.html",
        "You",
        passkeys=operations.list_passkeys(visit.office, visit.actor),
        request=request,
        refused=operations.own_refused_sign_ins(visit.office, visit.actor),
        challenge=challenge.hex(),
        sessions=[
            (session, session is visit.session, int((now - session.started) / 60))
            for session in visit.sessions.of_person(visit.actor)
        ],
    )


@action("/you/passkeys", EVERYBODY)
def add_passkey(visit: Visit) -> Response:
    """Add the passkey that the browser made."""
    challenge = visit.keys.challenges.take(visit.field("challenge"))
    label = visit.field("label")
    if not label:
        raise Invalid({"label": "Name the device"}, YOU)
    if challenge is None:
        raise Invalid({"label": "The page was too old. Try again"}, YOU)
    operations.add_passkey(
        visit.office,
        visit.actor,
        label,
        visit.field("credential"),
        visit.keys.site,
        challenge,
    )
    return visit.go(YOU)


@action("/you/passkeys/remove", EVERYBODY)
def remove_passkey(visit: Visit) -> Response:
    """Remove an own passkey."""
    operations.remove_passkey(visit.office, visit.actor, visit.field("passkey"))
    return visit.go(YOU)


@action("/you/sessions/end", EVERYBODY)
def end_session(visit: Visit) -> Response:
    """End another session of the same person, as on a lost phone."""
    wanted = visit.field("session")
    for session in visit.sessions.of_person(visit.actor):
        if session.id == wanted and session is not visit.session:
            visit.sessions.end(session)
            return visit.go(YOU)
    raise NotHere
