"""The lists of a case, such as its charges: add one entry, correct one, or take one back.

Each change ends in a check of its recipients. The choice is in the session, and goes when it is
sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.pages.mistake import case_or_own, finish, seen_at
from offramp.console.agency.questions import CANT_TELL, Typed, fault_of, fields_of, read_answers
from offramp.console.agency.routes import OFFERERS, action, page
from offramp.console.agency.visit import Elsewhere, Invalid, NotHere, Visit
from rules.errors import Refusal

ENTRIES = "/people/{c}/entries"
NEW = "new"
_ONE = ENTRIES + "/{list}/{place}"
_START_AGAIN = "Choose the entry first."


@page(ENTRIES, OFFERERS, begins=True)
def entries(visit: Visit) -> Response:
    """List the entries that this agency stated, list by list."""
    return visit.show(
        "entries.html",
        "Entries",
        about=operations.describe_about(visit.office, visit.case),
        lists=[
            (stated, _address_to_add(visit, stated))
            for stated in operations.list_stated_lists(visit.office, visit.case)
        ],
        back=case_or_own(visit),
    )


def _address_to_add(visit: Visit, stated: operations.StatedList) -> str:
    """Return the page that adds an entry: the form that tells such a list, if there is one."""
    if stated.form is not None and visit.has_page("/people/{c}"):
        return visit.address_of(visit.case, "tell", stated.form)
    return f"{visit.path}/{stated.path}/{NEW}"


@page(_ONE, OFFERERS, begins=True)
def entry(visit: Visit) -> Response:
    """Ask what is known of one entry. What isn't known stays so."""
    form = _opened(visit)
    draft = visit.recall(_draft(visit)) or {}
    typed = draft["typed"] if draft.get("path") == visit.path else _typed_before(form)
    return visit.show(
        "entry.html",
        "One entry",
        about=operations.describe_about(visit.office, visit.case),
        form=form,
        fields=fields_of(form.questions, typed, visit),
        base=_base(visit),
    )


@action(_ONE, OFFERERS)
def take_entry(visit: Visit) -> Response:
    """Keep the answers, and lead to their check."""
    form = _opened(visit)
    answers = read_answers(lambda _: form.questions, visit)
    first = form.questions[0].name
    details = form.details(answers)
    if not details:
        text = "Nothing is changed" if form.before else "Nothing is filled in"
        raise Invalid({first: text})
    return _check(visit, form, details, first, visit.answers)


@action(f"{_ONE}/remove", OFFERERS)
def remove(visit: Visit) -> Response:
    """Keep that an entry is here by mistake, and lead to the check."""
    form = _opened(visit)
    return _check(visit, form, {form.name: None}, form.name, {})


def _check(
    visit: Visit, form: operations.EntryForm, details: Mapping[str, Any], first: str, typed: Typed
) -> Response:
    """Keep a change, and lead to its check. Raises `Invalid` for what can't be."""
    try:
        operations.preview_entry(visit.office, visit.case, form.path, details)
    except Refusal as refusal:
        raise Invalid({first: fault_of(refusal)}, _address_of(visit, form)) from None
    visit.remember(
        _draft(visit),
        {
            "list": form.path,
            "details": dict(details),
            "typed": {name: list(texts) for name, texts in typed.items()},
            "path": _address_of(visit, form),
        },
    )
    return visit.go(f"{_base(visit)}/check")


@page(f"{ENTRIES}/check", OFFERERS)
def check(visit: Visit) -> Response:
    """Show what changes, and the recipients."""
    draft, preview = _previewed(visit)
    return visit.show(
        "entry_check.html",
        "Check and send",
        about=operations.describe_about(visit.office, visit.case),
        preview=preview,
        removed=None in draft["details"].values() and draft["typed"] == {},
        shown=preview.consequences,
        seen=preview.seen_at,
        back=draft["path"],
        base=visit.address_of(visit.case, "mistake"),
    )


@action(f"{ENTRIES}/check", OFFERERS)
def change(visit: Visit) -> Response:
    """Change the list as it was shown, and tell its holders, once."""
    draft, preview = _previewed(visit)
    if preview.odd and not visit.field("although_odd"):
        raise Invalid({"although_odd": "Confirm that this is right, or change it"})
    consequences, waits = operations.change_entry(
        visit.office,
        visit.actor,
        visit.case,
        draft["list"],
        draft["details"],
        seen_at=seen_at(visit),
        although_odd=bool(preview.odd),
    )
    visit.forget(_draft(visit))
    visit.forget_typed(_base(visit))
    heading = "Corrected" if preview.consequences.recipients else "Kept here"
    return finish(visit, heading, consequences, waits=waits)


def _previewed(visit: Visit) -> tuple[dict[str, Any], operations.EntryPreview]:
    """Return what was chosen, and what follows. Raises `Elsewhere`, which leads to the lists."""
    draft = visit.recall(_draft(visit))
    if not draft:
        raise Elsewhere(_base(visit), _START_AGAIN)
    try:
        return draft, operations.preview_entry(
            visit.office, visit.case, draft["list"], draft["details"]
        )
    except Refusal as refusal:
        if refusal.code not in ("not-a-detail", "nothing-to-correct"):
            raise
        raise Elsewhere(_base(visit), _START_AGAIN) from None


def _opened(visit: Visit) -> operations.EntryForm:
    """Return the entry of the address. Raises `NotHere`."""
    place = visit.parts["place"]
    if place != NEW and not (place.isascii() and place.isdigit() and len(place) < 5):
        raise NotHere
    at = None if place == NEW else int(place)
    try:
        return operations.open_entry(visit.office, visit.case, visit.parts["list"], at)
    except Refusal as refusal:
        if refusal.code != "not-a-detail":
            raise
        raise NotHere from None


def _typed_before(form: operations.EntryForm) -> dict[str, list[str]]:
    """Return an entry as a form's fields: what isn't known is "I can't tell"."""
    typed: dict[str, list[str]] = {}
    for question in form.questions if form.before else ():
        value = form.values.get(question.name)
        has_choices = bool(question.form.choices) or question.form.type == "bool"
        if value is None:
            typed[question.name if has_choices else f"{question.name}.unknown"] = [CANT_TELL]
        elif isinstance(value, bool):
            typed[question.name] = ["yes" if value else "no"]
        else:
            typed[question.name] = [str(value)]
    return typed


def _address_of(visit: Visit, form: operations.EntryForm) -> str:
    place = form.place if form.before else NEW
    return f"{_base(visit)}/{form.path}/{place}"


def _base(visit: Visit) -> str:
    return visit.address_of(visit.case, "entries")


def _draft(visit: Visit) -> str:
    return f"entry {visit.case}"
