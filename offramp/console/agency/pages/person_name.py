"""Correct the person's name, where the person signed with another one than the case has.

The form and its check are addresses of their own. What was typed is in the session until then.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.pages.mistake import finish, seen_at
from offramp.console.agency.questions import fields_of, read_answers
from offramp.console.agency.routes import COLLECTORS, WORKERS, action, page
from offramp.console.agency.visit import Elsewhere, Visit

NAME = "/people/{c}/name"


@page(NAME, WORKERS, kinds=COLLECTORS, begins=True)
def name(visit: Visit) -> Response:
    """Ask for the right name, filled in as the person signed."""
    form = operations.open_name(visit.office, visit.case)
    typed = visit.recall(_draft(visit))
    if not typed:
        typed = {
            question.name: [text] if text else []
            for question, text in zip(
                form.questions, (form.given_name, form.family_name), strict=True
            )
        }
    return visit.show(
        "person_name.html",
        "The person’s name",
        form=form,
        about=operations.describe_about(visit.office, visit.case),
        fields=fields_of(form.questions, typed, visit),
        back=visit.address_of(visit.case),
    )


@action(NAME, WORKERS, kinds=COLLECTORS)
def take(visit: Visit) -> Response:
    """Keep the name, and lead to its check."""
    form = operations.open_name(visit.office, visit.case)
    read_answers(lambda _: form.questions, visit)
    visit.remember(_draft(visit), {name: list(texts) for name, texts in visit.answers.items()})
    return visit.go(f"{visit.path}/check")


@page(f"{NAME}/check", WORKERS, kinds=COLLECTORS)
def check(visit: Visit) -> Response:
    """Show where the name changes, and where it doesn't."""
    preview = operations.preview_name(visit.office, visit.case, *_typed(visit))
    return visit.show(
        "person_name_check.html",
        "Check and send",
        about=operations.describe_about(visit.office, visit.case),
        preview=preview,
        back=_form(visit),
    )


@action(f"{NAME}/check", WORKERS, kinds=COLLECTORS)
def correct(visit: Visit) -> Response:
    """Correct the name as it was shown, and tell its holders, once."""
    consequences, waits = operations.correct_name(
        visit.office, visit.actor, visit.case, *_typed(visit), seen_at=seen_at(visit)
    )
    visit.forget(_draft(visit))
    visit.forget_typed(_form(visit))
    return finish(visit, "The name is corrected here", consequences, waits=waits)


def _typed(visit: Visit) -> tuple[str, str | None]:
    """Return the first and the last name that were typed. Raises `Elsewhere`, to the form."""
    typed = visit.recall(_draft(visit))
    if not typed:
        raise Elsewhere(_form(visit), "Write the name first.")
    form = operations.open_name(visit.office, visit.case)
    answers: dict[str, Any] = read_answers(lambda _: form.questions, visit, typed)
    given_name, family_name = (answers.get(question.name) for question in form.questions)
    return str(given_name), str(family_name) if family_name else None


def _form(visit: Visit) -> str:
    return visit.address_of(visit.case, "name")


def _draft(visit: Visit) -> str:
    return f"name {visit.case}"
