"""The person's people, the search, and a case."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.routes import WORKERS, action, page
from offramp.console.agency.visit import Invalid, Visit
from rules.errors import Refusal

FOUND = "/people/found"
_MOST_LOOKS = 5
# A refused try has two looks.
_LOOKS_READ = 2 * _MOST_LOOKS
ON_A_PAGE = 40


@page("/people", WORKERS)
def people(visit: Visit) -> Response:
    """List the person's caseload, by name."""
    cases = sorted(
        operations.list_cases(visit.office),
        key=lambda case: (case.person is None, (case.person or "").casefold()),
    )
    pages = max(1, -(-len(cases) // ON_A_PAGE))
    number = visit.page_number(pages)
    shown = cases[(number - 1) * ON_A_PAGE : number * ON_A_PAGE]
    return visit.show(
        "people.html",
        "People",
        cases=[(case, visit.address_of(case.case)) for case in shown],
        count=len(cases),
        number=number,
        pages=pages,
    )


@page("/people/find", WORKERS)
def find(visit: Visit) -> Response:
    """Ask for a name, a birth date, or a phone number."""
    return visit.show("find.html", "Find a person", people=None, typed="")


@action("/people/find", WORKERS)
def search(visit: Visit) -> Response:
    """Search, and keep the result in the session: no address has a name."""
    typed = visit.field("q")
    try:
        found = operations.find(visit.office, typed)
    except Refusal as refusal:
        raise Invalid({"q": f"{refusal.message}: {refusal.fix}".replace("`", "")}) from None
    visit.remember("found", {"typed": typed, "people": [_row(visit, person) for person in found]})
    return visit.go(FOUND)


@page(FOUND, WORKERS)
def found(visit: Visit) -> Response:
    """Show the last search of this session."""
    kept = visit.recall("found")
    if kept is None:
        return visit.go("/people/find")
    return visit.show("find.html", "Find a person", people=kept["people"], typed=kept["typed"])


def _row(visit: Visit, person: operations.Person) -> dict[str, Any]:
    newest = person.cases[-1]
    return {
        "name": person.name,
        "born": (person.birth_date or "")[:4],
        "state": newest.state,
        "path": visit.address_of(newest.case),
    }


@page("/people/{c}", WORKERS)
def case(visit: Visit) -> Response:
    """Show what the agency knows of a case. Nothing is opened by looking."""
    view = operations.read_case(visit.office, visit.case)
    looks = operations.list_case_looks(visit.office, visit.case, newest=_LOOKS_READ).looks
    facts = [
        (path.replace(".", ": ").replace("_", " "), _value(fact.value), _source(fact, view.agency))
        for path, fact in view.facts.items()
    ]
    return visit.show(
        "case.html",
        "A case",
        case=view,
        facts=facts,
        looks=looks[-_MOST_LOOKS:][::-1],
        forms=[
            (title, visit.address_of(visit.case, "tell", name))
            for name, title in operations.list_forms(visit.office)
        ],
        closed=operations.count_closed(visit.office, visit.case),
    )


@action("/people/{c}/open", WORKERS)
def open_parts(visit: Visit) -> Response:
    """Open what arrived, in the person's name."""
    operations.open_case(visit.office, visit.actor, visit.case)
    return visit.go(visit.address_of(visit.case))


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return f"{len(value)} entries" if value else "none"
    return str(value).replace("_", " ")


def _source(fact: Any, agency: str) -> str:
    return "known here" if fact.entry.by == agency else f"told by {fact.entry.by}"
