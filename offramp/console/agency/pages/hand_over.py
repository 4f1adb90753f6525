"""Hand a case over, and for supervisors: assign the cases that nobody has, or a colleague's."""

from __future__ import annotations

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.pages.you import BAD_PHONE
from offramp.console.agency.routes import WORKERS, action, page
from offramp.console.agency.visit import Elsewhere, Invalid, Visit

SUPERVISORS = ("supervisor",)
ASSIGN = "/unassigned"
_HANDED = "handed over"


@page("/people/{c}/hand-over", WORKERS, begins=True)
def hand_over(visit: Visit) -> Response:
    """Ask to whom the case goes, and say who is told."""
    return visit.show(
        "hand_over.html",
        "Hand over",
        about=operations.describe_about(visit.office, visit.case),
        colleagues=[choice for choice in _colleagues(visit) if choice[0] != visit.actor],
        told=operations.preview_contact(visit.office, visit.case),
        case=visit.address_of(visit.case),
    )


@action("/people/{c}/hand-over", WORKERS)
def send_hand_over(visit: Visit) -> Response:
    """Hand the case over, and tell the new contact."""
    to, phone = _chosen(visit), _phone(visit)
    handed = operations.hand_over_case(visit.office, visit.actor, visit.case, to, phone=phone)
    visit.remember(_HANDED, handed.as_json())
    return visit.go("/people/handed-over")


@page(ASSIGN, SUPERVISORS, begins=True)
def assign(visit: Visit) -> Response:
    """List the cases without a case manager, and each colleague's, to assign them."""
    listed = operations.list_staff(visit.office)
    owned: dict[str, int] = {}
    for case in listed.cases:
        if case.is_taken:
            owned[case.assignment.owner] = owned.get(case.assignment.owner, 0) + 1
    return visit.show(
        "assign.html",
        "Without a case manager",
        cases=operations.list_unassigned(visit.office),
        owners=sorted(owned.items()),
        colleagues=_colleagues(visit),
    )


@action(ASSIGN, SUPERVISORS)
def assign_all(visit: Visit) -> Response:
    """Assign the chosen cases, or all of a colleague's."""
    to, phone = _chosen(visit), _phone(visit)
    owner = visit.field("owner")
    if owner:
        listed = operations.list_staff(visit.office).cases
        cases = [case.case for case in listed if case.is_taken and case.assignment.owner == owner]
    else:
        waiting = {case.case for case in operations.list_unassigned(visit.office)}
        cases = [case for case in visit.fields("case") if case in waiting]
    if not cases:
        raise Invalid({"case": "Choose at least one person"})
    handed = operations.assign_cases(visit.office, visit.actor, cases, to, phone=phone)
    visit.remember(_HANDED, handed.as_json())
    return visit.go("/people/handed-over")


@page("/people/handed-over", WORKERS)
def handed_over(visit: Visit) -> Response:
    """Say who has the cases now, and who was told."""
    handed = visit.recall(_HANDED)
    if not handed:
        raise Elsewhere("/people", "Choose a person first.")
    return visit.show("handed_over.html", "Handed over", handed=handed)


def _colleagues(visit: Visit) -> list[tuple[str, str]]:
    """Return the people of this agency who may own a case."""
    people = operations.list_staff(visit.office, with_cases=False).people
    return [
        (person.name, person.name) for person in people if operations.CASE_ROLES & set(person.roles)
    ]


def _phone(visit: Visit) -> str | None:
    """Return the typed number, None for the one that the colleague listed."""
    phone = visit.field("phone")
    if phone and not operations.is_phone(phone):
        raise Invalid({"phone": BAD_PHONE})
    return phone or None


def _chosen(visit: Visit) -> str:
    to = visit.field("to")
    if to not in {name for name, _ in _colleagues(visit)}:
        raise Invalid({"to": "Choose a colleague"})
    return to
