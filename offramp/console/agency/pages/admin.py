"""The agency's administration: its people, who looked, and the examination."""

from __future__ import annotations

import shlex
from pathlib import Path

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.pages.looks_of import words_of_look
from offramp.console.agency.pages.you import BAD_PHONE
from offramp.console.agency.routes import action, page
from offramp.console.agency.visit import Invalid, NotHere, Visit

ADMIN = ("admin",)
LOOKERS = ("supervisor", "auditor", "admin")
_MOST_LOOKS = 50
STAFF, PERSON = "/admin/people", "/admin/people/person"
_ROLES = tuple((role, role.capitalize()) for role in operations.STAFF_ROLES)


# The pages of an admin: address, name, and what is there.
_PAGES = (
    (STAFF, "Staff", "invite colleagues, their roles and devices"),
    ("/admin/exchange", "Exchange", "what waits for the hub, and a stolen key"),
    ("/admin/directory", "Directory", "drafts to compare and sign"),
    ("/admin/join", "Invitations", "join a hub, or invite an agency"),
    ("/admin/backup", "Backup", "make one, and try a restoration"),
    ("/admin/looked", "Who looked", "at which case, and when"),
    ("/admin/doctor", "Doctor", "what is wrong with this installation"),
)


@page("/admin", ADMIN)
def pages_of_admin(visit: Visit) -> Response:
    """List the pages of an admin."""
    return visit.show("admin.html", "Administration", pages=_PAGES)


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
    visit.forget_typed(PERSON)
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
        has_provider=operations.describe_provider(visit.office) is not None,
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


@action("/admin/people/phone", ADMIN)
def set_phone(visit: Visit) -> Response:
    """List the chosen person's phone number. An empty one is removed."""
    phone = visit.field("phone")
    if phone and not operations.is_phone(phone):
        raise Invalid({"phone": BAD_PHONE}, PERSON)
    operations.set_phone(visit.office, visit.actor, _name(visit), phone or None)
    visit.forget_typed(PERSON)
    return visit.go(PERSON)


@action("/admin/people/id", ADMIN)
def set_subject(visit: Visit) -> Response:
    """Note the chosen person's id at the agency's own sign-in. An empty one is removed."""
    subject = visit.field("subject") or None
    operations.set_subject(visit.office, visit.actor, _name(visit), subject)
    return visit.go(PERSON)


@action("/admin/people/help", ADMIN)
def help_in(visit: Visit) -> Response:
    """Lead to what helps the chosen person in after a lost device."""
    visit.remember("colleague", {"name": _name(visit)})
    return visit.go("/colleagues/person")


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
        looks=[(look, words_of_look(look)) for look in looks],
        hides_cases=listed.hides_cases,
        is_cut=len(listed.looks) > len(looks),
    )


@page("/admin/doctor", ADMIN)
def doctor(visit: Visit) -> Response:
    """Show the newest findings. The examination replays the whole journal, so a button runs it."""
    return visit.show("doctor.html", "Doctor", findings=visit.recall("findings"))


@action("/admin/doctor", ADMIN)
def examine(visit: Visit) -> Response:
    """Examine the installation, and keep the findings in the session."""
    files = operations.examine_files(visit.office.folder)
    examination = operations.Examination((*files, *operations.examine(visit.office)))
    found = [
        {**finding.as_json(), "says": _with_folder(finding.text, visit.office.folder)}
        for finding in examination.findings
    ]
    visit.remember("findings", {**examination.as_json(), "found": found})
    return visit.go("/admin/doctor")


def _with_folder(finding: str, folder: Path) -> str:
    """Return a finding whose commands an admin can paste into a terminal."""
    text = finding.replace(" DIR", f" {shlex.quote(str(folder))}").replace("`", "")
    return text[:1].upper() + text[1:]
