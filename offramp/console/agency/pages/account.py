"""The account of a case to print and to give to the person, and who knows what."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.routes import WORKERS, page
from offramp.console.agency.visit import Visit
from rules.errors import Refusal

T = TypeVar("T")
LANGUAGES = {"en": "English", "es": "Español"}
KEEPERS = ("case_management", "defender")
# The hub is away, or hasn't what the account needs yet.
_AWAY = ("hub-away", "not-joined")


def _fetched(fetch: Callable[[], T]) -> tuple[T | None, bool]:
    """Return what comes from the hub, and whether the hub is away."""
    try:
        return fetch(), False
    except Refusal as refusal:
        if refusal.code not in _AWAY:
            raise
        return None, True


@page("/people/{c}/account", WORKERS, kinds=KEEPERS)
def account(visit: Visit) -> Response:
    """Show what was told to whom: a summary, and then every disclosure, to be printed."""
    language = visit.query.get("lang", "en")
    language = language if language in LANGUAGES else "en"
    pages, is_away = _fetched(
        lambda: operations.describe_account(visit.office, visit.case, language)
    )
    return visit.show(
        "account.html",
        "What was told",
        about=operations.describe_about(visit.office, visit.case),
        pages=pages,
        away=is_away,
        language=language,
        languages=LANGUAGES,
        case=visit.address_of(visit.case),
    )


@page("/people/{c}/knows", WORKERS)
def knows(visit: Visit) -> Response:
    """Show who knows what, as far as this agency said it or was told it."""
    knowledge, is_away = _fetched(lambda: operations.describe_knowledge(visit.office, visit.case))
    return visit.show(
        "knows.html",
        "Who knows what",
        about=operations.describe_about(visit.office, visit.case),
        knowledge=knowledge,
        away=is_away,
        case=visit.address_of(visit.case),
    )
