"""Help a colleague whose device or password is lost: for supervisors and admins."""

from __future__ import annotations

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.pages.looks_of import looks_lines
from offramp.console.agency.routes import action, page
from offramp.console.agency.visit import Invalid, NotHere, Visit

HELPERS = ("supervisor", "admin")
COLLEAGUES, PERSON = "/colleagues", "/colleagues/person"
LOST, CODE = "/colleagues/lost", "/colleagues/code"


@page(COLLEAGUES, HELPERS)
def colleagues(visit: Visit) -> Response:
    """List the colleagues who may need help to get in."""
    people = [
        account
        for account in operations.list_accounts(visit.office)
        if account.person != visit.actor and _may_help(visit, account)
    ]
    return visit.show("colleagues.html", "Help a colleague", people=people)


@action("/colleagues/choose", HELPERS)
def choose(visit: Visit) -> Response:
    """Keep in the session whom to help: no address has a name."""
    visit.remember("colleague", {"name": visit.field("person")})
    return visit.go(PERSON)


@page(PERSON, HELPERS)
def person(visit: Visit) -> Response:
    """Show where the colleague is signed in, to end a lost device or to give a recovery code."""
    chosen = _chosen(visit)
    now = visit.sessions.now()
    return visit.show(
        "colleague.html",
        "A colleague",
        account=chosen,
        sessions=[
            (session.id, _words_of(session.device, now - session.started))
            for session in visit.sessions.of_person(chosen.person)
        ],
    )


@action(LOST, HELPERS)
def lose(visit: Visit) -> Response:
    """End the sessions and the passkeys of a lost device at once."""
    chosen = _chosen(visit)
    sessions, passkeys = set(visit.fields("session")), visit.fields("passkey")
    with_codes = visit.field("codes") == "yes"
    if not sessions and not passkeys and not with_codes:
        raise Invalid({"session": "Choose what was on the device"}, PERSON)
    operations.end_device(visit.office, visit.actor, chosen.person, passkeys, with_codes=with_codes)
    marks = []
    for session in visit.sessions.of_person(chosen.person):
        if session.id in sessions:
            visit.sessions.end(session)
            marks.append(session.mark)
    visit.remember("colleague lost", {"name": chosen.person, "sessions": marks})
    return visit.go(LOST)


@page(LOST, HELPERS)
def lost(visit: Visit) -> Response:
    """Show what the ended sessions did in the last day."""
    kept = visit.recall("colleague lost")
    if kept is None:
        return visit.go(COLLEAGUES)
    looks = [
        look
        for mark in kept["sessions"]
        for look in looks_lines(operations.session_looks(visit.office, kept["name"], mark))
    ]
    return visit.show(
        "lost.html",
        "A lost device",
        name=kept["name"],
        send_to=None,
        back=PERSON,
        device="",
        looks=looks,
        passkeys=[],
        has_codes=False,
    )


@action("/colleagues/recover", HELPERS)
def recover(visit: Visit) -> Response:
    """Issue a recovery code for the colleague, who is there in person."""
    code = operations.recover(visit.office, visit.actor, _chosen(visit).person)
    visit.remember("recovery", code.as_json())
    return visit.go(CODE)


@page(CODE, HELPERS)
def code(visit: Visit) -> Response:
    """Show the recovery code that was just issued."""
    invitation = visit.recall("recovery")
    if invitation is None:
        return visit.go(COLLEAGUES)
    return visit.show("recovery.html", "A recovery code", invitation=invitation)


def _chosen(visit: Visit) -> operations.AccountState:
    """Return the chosen colleague, whom this person may help. Raises `NotHere`."""
    name = (visit.recall("colleague") or {}).get("name")
    for account in operations.list_accounts(visit.office):
        if account.person == name and name != visit.actor and _may_help(visit, account):
            return account
    raise NotHere


def _may_help(visit: Visit, account: operations.AccountState) -> bool:
    return "admin" not in account.roles or "admin" in visit.person.roles


def _words_of(device: str, seconds: float) -> str:
    hours, minutes = int(seconds / 3600), max(1, int(seconds / 60))
    since = f"{minutes} minute{'' if minutes == 1 else 's'}"
    since = f"{hours} hours" if hours > 1 else since
    return f"{device or 'A device'}, signed in for {since}"
