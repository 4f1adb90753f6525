"""The agency's administration: its people and who looked, the exchange, and the examination."""

from __future__ import annotations

from starlette.responses import Response

from offramp.agency import operations
from offramp.agency.look_words import done_words, tried_words
from offramp.console.agency.routes import action, page
from offramp.console.agency.visit import Invalid, NotHere, Visit

ADMIN = ("admin",)
LOOKERS = ("supervisor", "auditor", "admin")
_MOST_LOOKS = 50
STAFF, PERSON = "/admin/people", "/admin/people/person"
_ROLES = tuple((role, role.capitalize()) for role in operations.STAFF_ROLES)


@page(STAFF, ADMIN)
def staff(visit: Visit) -> Response:
    """List the people who work here, and the state of their accounts."""
    people = operations.list_accounts(visit.office)
    return visit.show("staff.html", "Staff", people=people, roles=_ROLES)


@action(STAFF, ADMIN)
def add_person(visit: Visit) -> Response:
    """List a person with roles, and invite the person to the console."""
    name, roles = visit.field("name"), visit.fields("role")
    faults = {}
    if not name:
        faults["name"] = "Write the person’s name"
    if not roles:
        faults["role"] = "Choose at least one role"
    if faults:
        raise Invalid(faults)
    added = operations.add_person(visit.office, visit.actor, name, roles)
    return _invited(visit, added.person.name)


@action("/admin/people/choose", ADMIN)
def choose(visit: Visit) -> Response:
    """Keep in the session which person is to be changed: no address has a name."""
    visit.remember("person", {"name": visit.field("person")})
    return visit.go(PERSON)


@page(PERSON, ADMIN)
def person(visit: Visit) -> Response:
    """Show the chosen person, to invite, to give roles, or to end."""
    listed = operations.list_accounts(visit.office)
    name = (visit.recall("person") or {}).get("name")
    chosen = next((each for each in listed if each.person == name), None)
    if chosen is None:
        return visit.go(STAFF)
    workers = set(operations.CASE_ROLES)
    return visit.show(
        "person.html",
        "A person",
        account=chosen,
        roles=_ROLES,
        colleagues=[
            (each.person, each.person)
            for each in listed
            if each.person != chosen.person and workers & set(each.roles)
        ],
    )


@action("/admin/people/invite", ADMIN)
def invite(visit: Visit) -> Response:
    """Invite the chosen person anew: a first account, or a new password."""
    return _invited(visit, _name(visit))


@action("/admin/people/roles", ADMIN)
def set_roles(visit: Visit) -> Response:
    """Give the chosen person other roles."""
    roles = visit.fields("role")
    if not roles:
        raise Invalid({"role": "Choose at least one role, or end the person"}, PERSON)
    operations.set_roles(visit.office, visit.actor, _name(visit), roles)
    return visit.go(STAFF)


@action("/admin/people/end", ADMIN)
def end(visit: Visit) -> Response:
    """End the chosen person, hand the cases over, and end all sessions at once."""
    name, colleague = _name(visit), visit.field("to")
    if visit.field("sure") != "yes":
        raise Invalid({"sure": "Say that you are sure. It can’t be undone"}, PERSON)
    operations.end_person(visit.office, visit.actor, name, hand_over=colleague or None)
    visit.sessions.end_all_of(name)
    return visit.go(STAFF)


def _name(visit: Visit) -> str:
    """Return the chosen person's name. Raises `NotHere`."""
    chosen = visit.recall("person")
    if chosen is None:
        raise NotHere
    return str(chosen["name"])


def _invited(visit: Visit, name: str) -> Response:
    invitation = operations.invite(visit.office, visit.actor, name)
    visit.remember("invitation", invitation.as_json())
    return visit.go("/admin/people/invited")


@page("/admin/people/invited", ADMIN)
def invited(visit: Visit) -> Response:
    """Show the invitation that was just made."""
    invitation = visit.recall("invitation")
    if invitation is None:
        return visit.go(STAFF)
    return visit.show("invitation.html", "An invitation", invitation=invitation)


@page("/admin/looked", LOOKERS)
def looked(visit: Visit) -> Response:
    """Show who looked, the newest first. An admin sees no case."""
    listed = operations.list_looks(visit.office, newest=2 * _MOST_LOOKS)
    looks = listed.looks[-_MOST_LOOKS:][::-1]
    return visit.show(
        "looked.html",
        "Who looked",
        looks=[(look, _words_of(look)) for look in looks],
        hides_cases=listed.hides_cases,
        is_cut=len(listed.looks) > len(looks),
    )


@page("/admin/exchange", ADMIN)
def exchange(visit: Visit) -> Response:
    """Show what waits for the hub, and what is wrong with the log, in plain words."""
    return visit.show("exchange.html", "Exchange", report=operations.report_status(visit.office))


@action("/admin/exchange/retry", ADMIN)
def retry(visit: Visit) -> Response:
    """Queue a refused record again."""
    operations.retry_record(visit.office, visit.field("record"))
    return visit.go("/admin/exchange")


@page("/admin/doctor", ADMIN)
def doctor(visit: Visit) -> Response:
    """Show the newest findings. The examination replays the whole journal, so a button runs it."""
    return visit.show("doctor.html", "Doctor", findings=visit.recall("findings"))


@action("/admin/doctor", ADMIN)
def examine(visit: Visit) -> Response:
    """Examine the installation, and keep the findings in the session."""
    findings = operations.examine(visit.office)
    visit.remember("findings", {"found": [finding.as_json() for finding in findings]})
    return visit.go("/admin/doctor")


def _words_of(look: operations.Look) -> str:
    if look.refused is not None:
        return f"tried to {tried_words(look.operation)}"
    return done_words(look.operation)
