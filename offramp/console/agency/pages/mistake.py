"""I made a mistake: correct a detail, or ask a record back. Only own entries, and nothing erased.

The steps are addresses of their own. What was chosen is in the session, and goes when it is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.questions import fields_of, read_answers
from offramp.console.agency.routes import OFFERERS, action, page
from offramp.console.agency.templates_of import plainly
from offramp.console.agency.visit import Elsewhere, Invalid, NotHere, Visit
from rules.errors import Refusal

DETAIL = "detail"
# What went wrong, in the user's words. The reasons are those of `operations.REASONS`.
WRONG: Mapping[str, tuple[str, str]] = {
    DETAIL: ("A detail is wrong", "Such as a day, a weight, or a phone number"),
    "wrong_person": ("It is about another person", "It belongs in another case"),
    "wrong_recipient": ("The wrong agency got it", "It should not have it"),
    "duplicate": ("It is here twice", "The same was sent two times"),
    "not_agreed": ("The person did not agree", "It was told without a yes"),
    "mistaken_exit": ("The person did not leave", "The exit was a mistake"),
}
# A detail that no record may correct. The page of the correction leads here, and the list doesn't.
WRONG_FACT = "wrong_fact"
WRONG_FACT_TEXT = "It has a wrong detail"
_START_AGAIN = "Begin with what went wrong."


@page("/people/{c}/mistake", OFFERERS, begins=True)
def mistake(visit: Visit) -> Response:
    """Ask what went wrong."""
    entries = operations.list_own_entries(visit.office, visit.case)
    kinds = {entry.kind for entry in entries}
    reasons = [
        (reason, *texts)
        for reason, texts in WRONG.items()
        if reason != "mistaken_exit" or "exit" in kinds
    ]
    return visit.show(
        "mistake.html",
        "A mistake",
        about=_about(visit),
        reasons=reasons if entries else [],
        lists=bool(operations.list_stated_lists(visit.office, visit.case)),
        case=case_or_own(visit),
    )


@action("/people/{c}/mistake", OFFERERS)
def take_reason(visit: Visit) -> Response:
    """Keep what went wrong, and lead to the entry or the detail."""
    reason = visit.field("reason")
    if reason == WRONG_FACT:
        return _take_wrong_fact(visit)
    if reason not in WRONG:
        raise Invalid({"reason": "Choose what went wrong"})
    visit.forget_typed(visit.path)
    visit.remember(_draft(visit), {"reason": reason})
    return visit.go(f"{_base(visit)}/{'detail' if reason == DETAIL else 'entry'}")


def _take_wrong_fact(visit: Visit) -> Response:
    """Keep which agency gives a detail back, and lead to the check."""
    agency, detail = visit.field("agency"), visit.field("detail")
    told = operations.list_told(visit.office, visit.case)
    if agency not in {holding.agency for holding in told.get(detail, ())}:
        raise NotHere
    chosen = {"reason": WRONG_FACT, "record": None, "recipient": agency, "detail": detail}
    visit.forget_typed(visit.path)
    visit.remember(_draft(visit), chosen)
    return visit.go(f"{_base(visit)}/check")


@page("/people/{c}/mistake/old", OFFERERS)
def old_values(visit: Visit) -> Response:
    """Show the agencies with an old value that no record may tell the right one."""
    return visit.show(
        "mistake_old.html",
        "Old values",
        about=_about(visit),
        shown=operations.describe_old_values(visit.office, visit.case),
        base=_base(visit),
        case=case_or_own(visit),
    )


# A detail


@page("/people/{c}/mistake/detail", OFFERERS)
def choose_detail(visit: Visit) -> Response:
    """List what other agencies were told, detail by detail."""
    return visit.show(
        "mistake_detail.html",
        "Which detail?",
        about=_about(visit),
        details=operations.list_correctable(visit.office, visit.case),
        base=_base(visit),
        lists=bool(operations.list_stated_lists(visit.office, visit.case)),
    )


@action("/people/{c}/mistake/detail", OFFERERS)
def take_detail(visit: Visit) -> Response:
    """Keep which detail is wrong."""
    name = visit.field("detail")
    if _find_correctable(visit, name) is None:
        raise Invalid({"detail": "Choose the detail"})
    visit.remember(_draft(visit), {"reason": DETAIL, "detail": name})
    return visit.go(f"{_base(visit)}/value")


@page("/people/{c}/mistake/value", OFFERERS)
def ask_value(visit: Visit) -> Response:
    """Ask for the right value."""
    detail = _chosen_detail(visit)
    typed = (visit.recall(_draft(visit)) or {}).get("typed", {})
    return visit.show(
        "mistake_value.html",
        "The right value",
        about=_about(visit),
        detail=detail,
        fields=fields_of((detail.question,), typed, visit),
        base=_base(visit),
    )


@action("/people/{c}/mistake/value", OFFERERS)
def take_value(visit: Visit) -> Response:
    """Keep the right value, and lead to its check."""
    detail = _chosen_detail(visit)
    answers = read_answers(lambda _: (detail.question,), visit)
    try:
        value = detail.details(answers[detail.question.name])
        operations.effects(visit.office, visit.case, value)
    except Refusal as refusal:
        text = plainly(f"{refusal.message}. {refusal.fix}")
        raise Invalid({detail.question.name: text}) from None
    visit.remember(_draft(visit), {"reason": DETAIL, "detail": detail.name, "typed": visit.answers})
    return visit.go(f"{_base(visit)}/correct")


@page("/people/{c}/mistake/correct", OFFERERS)
def check_correction(visit: Visit) -> Response:
    """Show who is told the right value, and which decisions are worked out again."""
    detail, value = _right_value(visit)
    effects = operations.effects(visit.office, visit.case, value)
    consequences = operations.describe_effects(visit.office, effects)
    return visit.show(
        "mistake_correct.html",
        "Check and send",
        about=_about(visit),
        detail=detail,
        shown=consequences,
        odd=[odd.text("en") for odd in effects.odd],
        seen=effects.seen_at,
        base=_base(visit),
    )


@action("/people/{c}/mistake/correct", OFFERERS)
def correct(visit: Visit) -> Response:
    """Send the correction to everybody who has the old value, once."""
    _, value = _right_value(visit)
    effects = operations.effects(visit.office, visit.case, value)
    if effects.odd and not visit.field("although_odd"):
        raise Invalid({"although_odd": "Confirm that this is right, or change it"})
    made = operations.correct(
        visit.office,
        visit.actor,
        visit.case,
        value,
        seen_at=seen_at(visit),
        although_odd=bool(effects.odd),
    )
    consequences = operations.describe_correction(visit.office, made)
    states = {sent.agency: sent.state for sent in made.sent}
    visit.forget(_draft(visit))
    waits, age = _waits(states.values()), effects.age_to_correct
    return finish(visit, "Corrected", consequences, waits=waits, age=age)


# A whole record


@page("/people/{c}/mistake/entry", OFFERERS)
def choose_entry(visit: Visit) -> Response:
    """List the own records that can be asked back, of a wrong recipient once for each."""
    reason = _reason(visit)
    return visit.show(
        "mistake_entry.html",
        "Which entry?",
        about=_about(visit),
        wrong=WRONG[reason][0],
        entries=[
            (f"{entry.record} {to}".strip(), entry)
            for entry in operations.describe_own_entries(visit.office, visit.case, reason)
            for to in (entry.to if reason == "wrong_recipient" else ("",))
        ],
        by_recipient=reason == "wrong_recipient",
        base=_base(visit),
    )


@action("/people/{c}/mistake/entry", OFFERERS)
def take_entry(visit: Visit) -> Response:
    """Keep which record is wrong, and lead to its check."""
    reason = _reason(visit)
    record, _, recipient = visit.field("entry").partition(" ")
    if not record:
        raise Invalid({"entry": "Choose the entry"})
    chosen = {"reason": reason, "record": record, "recipient": recipient or None}
    visit.remember(_draft(visit), chosen)
    return visit.go(f"{_base(visit)}/check")


@page("/people/{c}/mistake/check", OFFERERS)
def check_recall(visit: Visit) -> Response:
    """Show who is asked to delete it, and which decisions are to be looked at again."""
    chosen, preview = _planned(visit)
    return visit.show(
        "mistake_check.html",
        "Check and send",
        about=_about(visit),
        wrong=WRONG.get(chosen["reason"], (WRONG_FACT_TEXT,))[0],
        shown=operations.describe_recall(visit.office, preview),
        by_entry=chosen["record"] is not None,
        seen=preview.seen_at,
        base=_base(visit),
    )


@action("/people/{c}/mistake/check", OFFERERS)
def recall(visit: Visit) -> Response:
    """Ask it back from everybody who has it, once."""
    chosen, preview = _planned(visit)
    made = operations.recall(
        visit.office,
        visit.actor,
        visit.case,
        **_terms(chosen),
        seen_at=seen_at(visit),
    )
    consequences = operations.describe_recall(visit.office, made)
    waits = made.queued or _waits(record.state for record in made.records)
    moved = None
    if chosen["reason"] == "wrong_person":
        moved = operations.retyped(preview)
        visit.remember("moved", {**(moved or {}), "from": visit.case})
    visit.forget(_draft(visit))
    return finish(visit, "Asked back", consequences, waits=waits, moved=bool(moved))


@page("/people/{c}/mistake/done", OFFERERS)
def done(visit: Visit) -> Response:
    """Say who was told, and what they were asked."""
    kept = visit.recall(_end(visit))
    if not kept:
        raise Elsewhere(_base(visit), _START_AGAIN)
    return visit.show(
        "mistake_done.html",
        "Done",
        about=_about(visit),
        done=kept,
        case=case_or_own(visit),
        base=_base(visit),
    )


def finish(
    visit: Visit,
    heading: str,
    consequences: operations.Consequences,
    *,
    waits: bool,
    moved: bool = False,
    age: int | None = None,
) -> Response:
    """Lead to what was done. `age` is one that is to be corrected, too."""
    visit.forget_typed(_base(visit))
    kept: dict[str, Any] = {
        "heading": heading,
        "told": list(consequences.recipients),
        "untold": list(consequences.untold),
        "uncorrected": [list(holder) for holder in consequences.uncorrected],
        "decisions": list(consequences.decisions),
        "waits": waits,
        "moved": moved,
        "age": age,
    }
    visit.remember(_end(visit), kept)
    return visit.go(f"{_base(visit)}/done")


def _waits(states: Any) -> bool:
    return any(state.startswith("queued") for state in states)


def _about(visit: Visit) -> operations.CaseAbout:
    return operations.describe_about(visit.office, visit.case)


def case_or_own(visit: Visit) -> str:
    """Return the page of the case, and for an officer without one that of the own referrals."""
    if {"member", "supervisor"} & set(visit.person.roles):
        return visit.address_of(visit.case)
    return "/mine"


def _base(visit: Visit) -> str:
    return visit.address_of(visit.case, "mistake")


def _draft(visit: Visit) -> str:
    return f"mistake {visit.case}"


def _end(visit: Visit) -> str:
    return f"mended {visit.case}"


def _reason(visit: Visit) -> str:
    """Return why a record is asked back. Raises `Elsewhere`, which leads to the beginning."""
    reason = (visit.recall(_draft(visit)) or {}).get("reason")
    if reason == DETAIL or reason not in WRONG:
        raise Elsewhere(_base(visit), _START_AGAIN)
    return str(reason)


def _find_correctable(visit: Visit, name: str) -> operations.Correctable | None:
    details = operations.list_correctable(visit.office, visit.case)
    return next((detail for detail in details if detail.name == name), None)


def _chosen_detail(visit: Visit) -> operations.Correctable:
    """Return the detail to correct. Raises `Elsewhere`, which leads to the beginning.

    The detail may have been taken back since it was chosen.
    """
    name = (visit.recall(_draft(visit)) or {}).get("detail")
    detail = _find_correctable(visit, str(name)) if name is not None else None
    if detail is None:
        raise Elsewhere(_base(visit), _START_AGAIN)
    return detail


def _right_value(visit: Visit) -> tuple[operations.Correctable, dict[str, Any]]:
    detail = _chosen_detail(visit)
    typed = (visit.recall(_draft(visit)) or {}).get("typed")
    if typed is None:
        raise Elsewhere(f"{_base(visit)}/value", "Write the right value first.")
    answers = read_answers(lambda _: (detail.question,), visit, typed)
    return detail, detail.details(answers[detail.question.name])


def _planned(visit: Visit) -> tuple[dict[str, Any], operations.Recall]:
    """Return what was chosen, and what follows from it."""
    chosen = visit.recall(_draft(visit)) or {}
    if "record" not in chosen:
        raise Elsewhere(_base(visit), _START_AGAIN)
    return chosen, operations.preview_recall(visit.office, visit.case, **_terms(chosen))


def _terms(chosen: dict[str, Any]) -> dict[str, Any]:
    """Return what is asked back and why, for the check and for what is done."""
    return {name: chosen.get(name) for name in ("reason", "record", "recipient", "detail")}


def seen_at(visit: Visit) -> int:
    """Return the journal's last event that the check showed. Raises `NotHere`."""
    text = visit.field("seen")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise NotHere
    return int(text)
