"""The person's own page: passkeys, where the person is signed in, and a lost device."""

from __future__ import annotations

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.pages.looks_of import looks_lines
from offramp.console.agency.routes import EVERYBODY, action, all_tabs_of, page
from offramp.console.agency.sessions import Session
from offramp.console.agency.visit import Invalid, NotHere, Visit

YOU, LOST = "/you", "/you/lost"
BAD_PHONE = "Write the number with its area code, such as 505-555-0142 or 505-555-0142 x3"


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
        has_password=operations.has_own_password(visit.office, visit.actor),
        sessions=[
            (session, session is visit.session, int((now - session.started) / 60))
            for session in visit.sessions.of_person(visit.actor)
        ],
        pages=all_tabs_of(visit.person.roles, visit.agency.kind),
        helps=bool({"supervisor", "admin"} & set(visit.person.roles)),
    )


@action("/you/phone", EVERYBODY)
def set_phone(visit: Visit) -> Response:
    """List the own phone number, which the people of the own cases call."""
    phone = visit.field("phone")
    if phone and not operations.is_phone(phone):
        raise Invalid({"phone": BAD_PHONE}, YOU)
    operations.set_own_phone(visit.office, visit.actor, phone or None)
    visit.forget_typed(YOU)
    return visit.go(YOU)


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
    visit.sessions.end(_chosen(visit))
    return visit.go(YOU)


@action("/you/sessions/lost", EVERYBODY)
def lose_session(visit: Visit) -> Response:
    """End the session of a lost device at once, and ask what else was on it."""
    session = _chosen(visit)
    visit.sessions.end(session)
    visit.remember("lost", {"session": session.mark, "device": session.device})
    return visit.go(LOST)


@page(LOST, EVERYBODY)
def lost(visit: Visit) -> Response:
    """Show what the lost device did in the last day, and ask what else was on it."""
    kept = visit.recall("lost")
    if kept is None:
        return visit.go(YOU)
    return visit.show(
        "lost.html",
        "A lost device",
        name=None,
        send_to=LOST,
        back=YOU,
        device=kept["device"],
        looks=looks_lines(operations.own_session_looks(visit.office, visit.actor, kept["session"])),
        passkeys=[
            (passkey.id, passkey.label)
            for passkey in operations.list_passkeys(visit.office, visit.actor)
        ],
        has_codes=operations.has_own_password(visit.office, visit.actor),
    )


@action(LOST, EVERYBODY)
def end_device(visit: Visit) -> Response:
    """Remove what was on the lost device."""
    operations.end_own_device(
        visit.office,
        visit.actor,
        visit.fields("passkey"),
        with_codes=visit.field("codes") == "yes",
    )
    visit.forget("lost")
    return visit.go(YOU)


def _chosen(visit: Visit) -> Session:
    """Return the chosen session of the same person, never this one. Raises `NotHere`."""
    wanted = visit.field("session")
    for session in visit.sessions.of_person(visit.actor):
        if session.id == wanted and session is not visit.session:
            return session
    raise NotHere
