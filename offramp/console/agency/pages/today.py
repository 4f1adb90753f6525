"""What needs the person today."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.pages.beyond import REVIEWS
from offramp.console.agency.pages.deciding import (
    PLACES,
    RECORDS_CHECK,
    address_of_decision,
    has_decisions,
)
from offramp.console.agency.routes import WORKERS, page
from offramp.console.agency.visit import NotHere, Visit

MOST = 7
# The page under the case's on which a step is done, and the words of its link, by its place.
_PAGES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "open": (("open",), "Open"),
    "recall": (("recalled",), "Answer"),
    "answer": (("tell", "answer"), "Answer"),
    "status": (("status",), "Tell"),
    "concern": (("concerns",), "Answer"),
    "compare": (("same",), "Compare"),
    "form": (("tell",), "Fill in"),
    "decided": (("decided",), "Tell"),
    "consent": (("consent",), "Ask"),
    "consents": (("consents",), "Take back"),
    "represent": (("represent",), "Tell"),
    "mistake": (("mistake",), "Correct"),
    "old_values": (("mistake", "old"), "Ask back"),
    "case": ((), "See the case"),
}
# The pages that only some kinds of agencies have.
_OF_SOME = ("status", "concern", "consent", "consents", "represent")
_NUMBERS = ("Nothing", "One thing", "Two things", "Three things", "Four things", "Five things")


@page("/today", WORKERS)
def today(visit: Visit) -> Response:
    """Show the most pressing tasks, at most seven."""
    listed = operations.list_today(visit.office, MOST)
    count, on_page = listed.count, len(listed.tasks)
    number = _NUMBERS[count] if count < len(_NUMBERS) else f"{count} things"
    heading = f"{number} today" if on_page == count else f"{on_page} of {count} things today"
    return visit.show(
        "today.html",
        "Today",
        heading=heading,
        now=visit.office.clock(),
        people=_by_person(visit, listed.tasks),
        more=count - on_page,
        asked_back=listed.asked_back,
    )


def _by_person(
    visit: Visit, tasks: Iterable[operations.TodayTask]
) -> list[list[tuple[operations.TodayTask, str | None, str]]]:
    """Return the tasks of each person together, in the place of the most pressing one.

    Each has the page on which it is done, and the words of its link.
    """
    people: dict[str, list[tuple[operations.TodayTask, str | None, str]]] = {}
    for item in tasks:
        people.setdefault(item.person, []).append((item, *_step(visit, item)))
    return list(people.values())


def _step(visit: Visit, item: operations.TodayTask) -> tuple[str | None, str]:
    """Return the page on which a task is done, and the words of its link.

    The page is None for a task about no case here.
    """
    case, place = item.task.case, item.place
    if place.page == "places":
        return PLACES, "Write it down"
    if place.page == "reviews":
        return REVIEWS, "Review"
    try:
        if place.page == "decision":
            return _decision(visit, case, place.name)
        if place.page == "entry":
            path, _, at = place.name.rstrip("]").partition("[")
            return f"{visit.address_of(case, 'entries', path, at)}#{item.task.about}", "Answer"
        pages, label = _PAGES[place.page]
        if place.page == "compare":
            other = visit.address_of(place.name).rpartition("/")[2]
            return visit.address_of(case, *pages, other), label
        if place.page in _OF_SOME and not visit.has_page(f"/people/{{c}}/{pages[0]}"):
            return visit.address_of(case), _PAGES["case"][1]
        address = visit.address_of(case, *pages, *filter(None, [place.name]))
        return (f"{address}?about={','.join(item.about)}" if item.about else address), label
    except NotHere:
        return None, ""


def _decision(visit: Visit, case: str, decision: str) -> tuple[str, str]:
    """Return the page of a decision. An agency without a list of decisions has a form at most."""
    if has_decisions(visit):
        return address_of_decision(visit, case, decision), "Decide"
    if decision == RECORDS_CHECK:
        return visit.address_of(case, "tell", "screen"), "Tell"
    return visit.address_of(case), _PAGES["case"][1]
