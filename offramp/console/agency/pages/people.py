"""The person's people, the search, and a case."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.pages.deciding import APPLICATIONS, QUEUE, address_of_decision
from offramp.console.agency.questions import fault_of
from offramp.console.agency.routes import WORKERS, action, page
from offramp.console.agency.visit import Invalid, Visit
from rules.errors import Refusal

FOUND = "/people/found"
_MOST_LOOKS = 5
ON_A_PAGE = 40
_STATUS = "/people/{c}/status"
# The pages under a case, with the words and the icon of each link.
_PAGES = (
    ("open", "What came", "mail"),
    ("consent", "Ask for consent", "speak"),
    ("consents", "What the person allows", "shield"),
    ("represent", "Say that you represent the person", "scale"),
    ("knows", "Who knows what", "eye"),
    ("account", "Print what was told", "print"),
    ("entries", "Add or correct an entry of a list", "list"),
    ("mistake", "I made a mistake", "undo"),
    ("hand-over", "Hand over", "people"),
)


@page("/people", WORKERS)
def people(visit: Visit) -> Response:
    """List the person's caseload, by name."""
    cases = sorted(
        operations.list_cases(visit.office),
        key=lambda case: (case.person is None, (case.person or "").casefold()),
    )
    page_cases, number, pages = visit.page_of(cases, ON_A_PAGE)
    return visit.show(
        "people.html",
        "People",
        cases=[
            (case, visit.address_of(case.case), operations.outcomes_in_words(case))
            for case in page_cases
        ],
        count=len(cases),
        number=number,
        pages=pages,
        assigns=visit.has_page("/unassigned"),
    )


@page("/people/find", WORKERS)
def find(visit: Visit) -> Response:
    """Ask for a name, a birth date, or a phone number."""
    return visit.show(
        "find.html", "Find a person", people=None, typed="", nameless=_nameless(visit)
    )


@action("/people/find", WORKERS)
def search(visit: Visit) -> Response:
    """Search, and keep the result in the session: no address has a name."""
    typed = visit.field("q")
    try:
        matches = operations.find(visit.office, typed)
    except Refusal as refusal:
        raise Invalid({"q": fault_of(refusal)}) from None
    visit.remember("found", {"typed": typed, "people": [_row(visit, person) for person in matches]})
    return visit.go(FOUND)


@page(FOUND, WORKERS)
def found(visit: Visit) -> Response:
    """Show the last search of this session."""
    kept = visit.recall("found")
    if kept is None:
        return visit.go("/people/find")
    return visit.show(
        "find.html",
        "Find a person",
        people=kept["people"],
        typed=kept["typed"],
        nameless=_nameless(visit),
    )


def _nameless(visit: Visit) -> int:
    """Count the cases without a name, which no search by name finds."""
    return sum(case.person is None for case in operations.list_cases(visit.office))


def _row(visit: Visit, person: operations.Person) -> dict[str, Any]:
    newest = person.cases[-1]
    return {
        "name": person.name,
        "born": (person.birth_date or "")[:4],
        "state": newest.state,
        "path": visit.address_of(newest.case),
        "case": newest.case,
        "is_being_corrected": person.is_being_corrected,
    }


@page("/people/{c}", WORKERS)
def case(visit: Visit) -> Response:
    """Show what the agency knows of a case. Nothing is opened by looking."""
    described = operations.describe_case(visit.office, visit.case)
    forms = operations.list_forms(visit.office)
    untellable = operations.untellable_forms(visit.office, visit.case)
    by_minute = {(look.person, look.time // 60): look for look in described.looks}
    return visit.show(
        "case.html",
        "A case",
        case=described,
        now=next((step.label for step in described.steps if step.on is None), None),
        looks=list(by_minute.values())[-_MOST_LOOKS:][::-1],
        forms=[form for form in forms if form[0] not in untellable],
        refused_forms=[form for form in forms if form[0] in untellable],
        decides=[
            (question, address_of_decision(visit, visit.case, decision))
            for decision, question in described.decides
            if any(visit.has_page(f"{base}/{{c}}/{{decision}}") for base in (QUEUE, APPLICATIONS))
        ],
        closed=described.closed,
        recalls=described.recalls,
        pages=[
            (label, f"{visit.path}/{name}", picture)
            for name, label, picture in _PAGES
            if visit.has_page(f"/people/{{c}}/{name}")
            and (name != "entries" or described.has_lists)
        ],
        others=[
            (question, f"{visit.path}/same/{visit.address_of(joined).rpartition('/')[2]}")
            for question, cases in (
                ("Perhaps the same person", described.duplicates),
                ("Another case of this person", described.joined),
            )
            for joined in cases
        ],
        words=operations.status_words("engagement") if visit.has_page(_STATUS) else (),
    )
