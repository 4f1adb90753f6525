"""What needs the person today."""

from __future__ import annotations

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.routes import WORKERS, page
from offramp.console.agency.visit import NotHere, Visit

MOST = 7
_NUMBERS = ("Nothing", "One thing", "Two things", "Three things", "Four things", "Five things")


@page("/today", WORKERS)
def today(visit: Visit) -> Response:
    """Show the most pressing tasks, at most seven."""
    tasks = operations.list_tasks(visit.office)
    shown = tasks[:MOST]
    count = len(tasks)
    heading = f"{_NUMBERS[count] if count < len(_NUMBERS) else f'{count} things'} today"
    return visit.show(
        "today.html",
        "Today",
        heading=heading,
        now=visit.office.clock(),
        tasks=[(task, _path(visit, task.case)) for task in shown],
        more=count - len(shown),
    )


def _path(visit: Visit, case: str) -> str | None:
    try:
        return visit.address_of(case)
    except NotHere:
        return None
