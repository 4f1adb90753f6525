"""What staff do for a participant's own page: the code, the page in print, and answers."""

from __future__ import annotations

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.catalogs import LANGUAGES, mark
from offramp.console.agency.participant import words_of_page
from offramp.console.agency.routes import WORKERS, action, page
from offramp.console.agency.visit import Invalid, NotHere, Visit

KINDS = ("case_management",)
CODE = "/people/{c}/code"
_ANSWERS = {
    "corrected": "Corrected",
    "explained": "Explained in person",
    "passed_on": "Passed on",
    "not_changed": "Looked at, not changed",
}


@page(CODE, WORKERS, kinds=KINDS, begins=True)
def code(visit: Visit) -> Response:
    """Show whether the person has a code, and a new one once."""
    new = visit.recall(_kept(visit))
    if new:
        visit.remember(_kept(visit), {})
    return visit.show(
        "person_code.html",
        "The person’s code",
        state=operations.code_state(visit.office, visit.case),
        spoken=operations.language_of_code(visit.office, visit.case),
        knows_year=operations.knows_birth_year(visit.office, visit.case),
        code=new,
        address=f"{visit.keys.site.origin}/my",
        case_path=visit.address_of(visit.case),
    )


@action(CODE, WORKERS, kinds=KINDS)
def issue(visit: Visit) -> Response:
    """Make a code, and show it on the next page alone."""
    typed, lang = visit.field("year"), visit.field("lang")
    if typed and not (typed.isascii() and typed.isdigit() and len(typed) == 4):
        raise Invalid({"year": "Write the year with four digits"})
    if not typed and not operations.knows_birth_year(visit.office, visit.case):
        raise Invalid({"year": "Write the year of birth"})
    issued = operations.issue_code(
        visit.office,
        visit.actor,
        visit.case,
        birth_year=int(typed) if typed else None,
        lang=lang if lang in LANGUAGES else None,
    )
    visit.remember(_kept(visit), issued.as_json())
    return visit.go(f"{visit.path}?new")


@action(f"{CODE}/end", WORKERS, kinds=KINDS)
def end(visit: Visit) -> Response:
    """End the code at once."""
    operations.cancel_code(visit.office, visit.case)
    return visit.go(visit.address_of(visit.case, "code"))


@page("/people/{c}/my-page", WORKERS, kinds=KINDS)
def printed(visit: Visit) -> Response:
    """Show the person's own page, to print it."""
    lang = visit.query.get("lang")
    if lang is not None and lang not in LANGUAGES:
        raise NotHere
    shown = operations.print_my_page(visit.office, visit.case, lang)
    return visit.show(
        "my_printed.html",
        mark("Your page"),
        lang=shown.lang,
        case_path=visit.address_of(visit.case),
        **words_of_page(shown),
        may_act=False,
    )


@page("/people/{c}/concerns", WORKERS, kinds=KINDS, begins=True)
def concerns(visit: Visit) -> Response:
    """List what the person complained of or disputed."""
    return visit.show(
        "concerns.html",
        "What the person says is wrong",
        concerns=operations.list_concerns(visit.office, visit.case),
        answers=tuple(_ANSWERS.items()),
        case_path=visit.address_of(visit.case),
    )


@action("/people/{c}/concerns", WORKERS, kinds=KINDS)
def answer(visit: Visit) -> Response:
    """Answer one of them."""
    number = visit.field("number")
    if not (number.isascii() and number.isdigit() and len(number) < 16):
        raise NotHere
    operations.answer_concern(
        visit.office, visit.actor, visit.case, int(number), visit.field("answer")
    )
    return visit.go(f"{visit.path}?answered")


def _kept(visit: Visit) -> str:
    return f"code {visit.case}"
