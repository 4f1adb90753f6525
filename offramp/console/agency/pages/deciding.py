"""What waits for a named person's decision: the prosecutor's queue, and the program's applications.

Both offices have the same three pages of a decision: the rules' answer and its facts beside the
choices, the check, and the list that it came from. The draft is kept in the session, sealed.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.pages.telling import digest_of
from offramp.console.agency.routes import WORKERS, action, page
from offramp.console.agency.visit import Elsewhere, Invalid, NotHere, Visit
from rules.errors import Refusal

PROSECUTOR, PROGRAM = ("prosecutor",), ("program",)
QUEUE, APPLICATIONS, PLACES = "/queue", "/applications", "/places"
RECORDS_CHECK = "screening"
TELLING = "/people/{c}/decided/{decision}"
# Of a list of decisions, and of one of people. A page stays under 20 KB.
ON_A_PAGE, PEOPLE_ON_A_PAGE = 10, 20
_MOST_PAGES = 500
_CHANGED = "The answer changed since you opened this. Look at it once more"
# The headings of the two lists, for none, one, and more.
_HEADINGS = {
    QUEUE: (
        "Nobody waits for your word.",
        "One decision waits for your word",
        "{} decisions wait for your word",
    ),
    APPLICATIONS: ("Nobody waits for a decision.", "One decision waits", "{} decisions wait"),
}
_TITLES = {QUEUE: "Queue", APPLICATIONS: "Applications"}


# The lists


@page(QUEUE, WORKERS, kinds=PROSECUTOR)
@page(APPLICATIONS, WORKERS, kinds=PROGRAM)
def list_waiting(visit: Visit) -> Response:
    """List what waits for this office, by the last day."""
    base = _base(visit)
    number = visit.page_number(_MOST_PAGES)
    first = (number - 1) * ON_A_PAGE
    waiting = operations.list_open_decisions(
        visit.office, first=first, most=ON_A_PAGE, with_missing=base == APPLICATIONS
    )
    count, pages = waiting.count, max(1, -(-waiting.count // ON_A_PAGE))
    if number > pages:
        return visit.go(f"{base}?page={pages}")
    nobody, single, several = _HEADINGS[base]
    return visit.show(
        "queue.html",
        _TITLES[base],
        base=base,
        heading=(nobody, single)[count] if count < 2 else several.format(count),
        listed=[
            (entry, address_of_decision(visit, entry.case, entry.decision))
            for entry in waiting.listed
        ],
        closed=len(operations.closed_questions(visit.office)),
        number=number,
        pages=pages,
        is_program=base == APPLICATIONS,
    )


@action(QUEUE, WORKERS, kinds=PROSECUTOR)
@action(APPLICATIONS, WORKERS, kinds=PROGRAM)
def open_questions(visit: Visit) -> Response:
    """Open the questions that nobody here has opened, in the person's name."""
    operations.open_questions_as(visit.office, visit.actor)
    return visit.go(f"{_base(visit)}?opened")


@page("/held", WORKERS, kinds=PROSECUTOR)
def held(visit: Visit) -> Response:
    """List the charges on hold by the day until which they rest."""
    charges, number, pages = visit.page_of(
        operations.list_held_charges(visit.office), PEOPLE_ON_A_PAGE
    )
    return visit.show(
        "held.html",
        "Held charges",
        charges=[(charge, address_of_decision(visit, charge.case, "filing")) for charge in charges],
        number=number,
        pages=pages,
    )


@page(PLACES, WORKERS, kinds=PROGRAM, begins=True)
def places(visit: Visit) -> Response:
    """Show how many places are free, who was promised one, and who waits by turn."""
    listed = operations.list_places(visit.office)
    waiting, number, pages = visit.page_of(listed.waiting, PEOPLE_ON_A_PAGE)
    return visit.show(
        "places.html",
        "Places",
        number=number,
        pages=pages,
        free=listed.free,
        noted_at=listed.noted_at,
        lines=[
            ("Promised", "Nobody was promised a place.", 1, _people(visit, listed.promised)),
            (
                "Waiting, by turn",
                "Nobody waits for a place.",
                (number - 1) * PEOPLE_ON_A_PAGE + 1,
                _people(visit, waiting),
            ),
        ],
    )


@action(PLACES, WORKERS, kinds=PROGRAM)
def note_places(visit: Visit) -> Response:
    """Note how many places are free."""
    typed = visit.field("free")
    if not (typed.isascii() and typed.isdigit() and len(typed) < 5):
        raise Invalid({"free": "Write how many places are free, as a number"})
    operations.note_places(visit.office, int(typed))
    return visit.go(f"{PLACES}?noted")


def _people(visit: Visit, listed: Any) -> list[tuple[Any, str]]:
    return [(entry, address_of_decision(visit, entry.case, "admission")) for entry in listed]


# One decision


@page("/queue/{c}/{decision}", WORKERS, kinds=PROSECUTOR, begins=True)
@page("/applications/{c}/{decision}", WORKERS, kinds=PROGRAM, begins=True)
def decision(visit: Visit) -> Response:
    """Show the rules' answer and its facts beside the choices. None is chosen."""
    pending = _opened(visit)
    is_check = pending.decision == RECORDS_CHECK
    return visit.show(
        "records_check.html" if is_check else "decide.html",
        "A decision",
        pending=pending,
        here=_here(visit),
        base=_base(visit),
        case_path=visit.address_of(visit.case),
        tells=address_to_tell(visit, visit.case, pending.decision),
        sent=_just_asked(visit),
        rests_on=[
            (rested, address_of_decision(visit, visit.case, rested.decision))
            if rested.is_own
            else (rested, None)
            for rested in pending.rests_on
        ],
    )


def _just_asked(visit: Visit) -> dict[str, Any] | None:
    """Return whom a press just asked. A later look at the page shows how the case stands then."""
    sent = visit.recall(_name(visit, "asked"))
    visit.forget(_name(visit, "asked"))
    return sent


@action("/queue/{c}/{decision}", WORKERS, kinds=PROSECUTOR)
@action("/applications/{c}/{decision}", WORKERS, kinds=PROGRAM)
def choose(visit: Visit) -> Response:
    """Take the choice and its reason, and lead to the check."""
    pending = _opened(visit)
    outcome, reason = visit.field("outcome"), visit.field("reason")
    if pending.decision == RECORDS_CHECK:
        reason = operations.BY_RULES
    faults = _faults(pending, outcome, reason)
    if visit.field("seen") != pending.digest:
        faults["seen"] = _CHANGED
    if faults:
        raise Invalid(faults)
    visit.remember(_name(visit, "draft"), {"outcome": outcome, "reason": reason})
    return visit.go(f"{_here(visit)}/check")


def _faults(pending: operations.DecisionToMake, outcome: str, reason: str) -> dict[str, str]:
    faults = {}
    if outcome not in (choice.word for choice in pending.choices):
        faults["outcome"] = "Choose what you decide"
    if reason not in dict(pending.reasons):
        faults["reason"] = "Choose a reason"
    elif reason == operations.BY_RULES and pending.relation(outcome) == "other":
        faults["reason"] = "The rules say otherwise. Choose your own reason"
    return faults


@page("/queue/{c}/{decision}/check", WORKERS, kinds=PROSECUTOR)
@page("/applications/{c}/{decision}/check", WORKERS, kinds=PROGRAM)
def check(visit: Visit) -> Response:
    """Show who is told and who isn't, before the person confirms."""
    pending, outcome, reason = _draft(visit)
    preview = _preview(visit, pending, outcome, reason)
    digest = operations.determination_digest(visit.case, pending.decision, outcome, reason)
    return visit.show(
        "decide_check.html",
        "Check and confirm",
        pending=pending,
        preview=preview,
        told=operations.told_by(preview),
        first=[preview.names[agency] for agency in preview.told_first],
        relation=pending.relation(outcome),
        outcome=pending.label(outcome),
        reason=dict(pending.reasons)[reason],
        request=visit.confirmation_request(digest),
        seen=_seen(pending, preview, reason),
        back=_here(visit),
        base=_base(visit),
    )


@action("/queue/{c}/{decision}/check", WORKERS, kinds=PROSECUTOR)
@action("/applications/{c}/{decision}/check", WORKERS, kinds=PROGRAM)
def record(visit: Visit) -> Response:
    """Record what was shown, once the person has confirmed it."""
    pending, outcome, reason = _draft(visit)
    preview = _preview(visit, pending, outcome, reason)
    if visit.field("seen") != _seen(pending, preview, reason):
        raise Invalid({"seen": _CHANGED}, _here(visit))
    if pending.in_doubt and not visit.field("although_in_doubt"):
        raise Invalid({"although_in_doubt": "Confirm that you decide now, or wait"})
    digest = operations.determination_digest(visit.case, pending.decision, outcome, reason)
    try:
        made = operations.determine(
            visit.office,
            visit.actor,
            visit.case,
            pending.decision,
            outcome,
            reason,
            seen_at=preview.seen_at,
            confirmation=_confirm(visit, digest),
            although_in_doubt=bool(visit.field("although_in_doubt")),
        )
    except Refusal as refusal:
        if refusal.code != operations.CASE_CHANGED:
            raise
        raise Invalid({"seen": _CHANGED}, _here(visit)) from None
    visit.remember(_name(visit, "draft"), {})
    visit.forget(_name(visit, "asked"))
    names = [preview.names.get(agency, agency) for agency in made.recipients]
    unaware = [preview.names.get(agency, agency) for agency in made.unaware]
    told = {"to": names, **_delivery(made.state), "back": _base(visit), "unaware": unaware}
    visit.remember("told", told)
    return visit.go("/told")


def _confirm(visit: Visit, digest: str) -> operations.Confirmation:
    """Return the person's confirmation. A wrong password or code is a fault of the form."""
    try:
        return visit.confirm(digest)
    except Refusal as refusal:
        if refusal.code != "not-confirmed" or visit.field("credential"):
            raise
        raise Invalid({"password": "Password and code don’t fit. Take a new code"}) from None


@action("/queue/{c}/{decision}/open", WORKERS, kinds=PROSECUTOR)
@action("/applications/{c}/{decision}/open", WORKERS, kinds=PROGRAM)
def open_parts(visit: Visit) -> Response:
    """Open what arrived for the case, in the person's name."""
    operations.open_case(visit.office, visit.actor, _opened(visit).case)
    return visit.go(_here(visit))


@action("/applications/{c}/{decision}/ask", WORKERS, kinds=PROGRAM)
@action("/queue/{c}/{decision}/ask", WORKERS, kinds=PROSECUTOR)
def ask(visit: Visit) -> Response:
    """Ask the agencies that may be asked for the ticked facts, each fact once.

    The gateway may have asked since the page was shown. Then the page says who was asked.
    """
    pending = _opened(visit)
    ticked = visit.answers.get("fact", ())
    if not ticked:
        raise Invalid({"ask": "Tick what you want to ask"}, _here(visit))
    facts = [fact.path for fact in pending.missing if fact.askable and fact.path in ticked]
    if not facts:
        return visit.go(_here(visit))
    sent = operations.ask(visit.office, visit.case, pending.decision, again=False, facts=facts)
    names = operations.name_agencies(visit.office)
    agencies = [names.get(agency, agency) for agency in sent.asked]
    visit.remember(_name(visit, "asked"), {"to": agencies, **_delivery(sent.state)})
    return visit.go(_here(visit))


def _opened(visit: Visit) -> operations.DecisionToMake:
    """Return the decision of the address. Raises `NotHere` for what this office doesn't decide."""
    try:
        return operations.open_decision(visit.office, visit.case, visit.parts["decision"])
    except Refusal as refusal:
        if refusal.code == "no-such-decision":
            raise NotHere from None
        raise


def _draft(visit: Visit) -> tuple[operations.DecisionToMake, str, str]:
    """Return the decision, and the outcome and reason that were chosen.

    Raises `Invalid`, which leads to the choices. A choice that the rules' answer no longer allows,
    such as "as the rules say" once they say otherwise, is made anew.
    """
    pending, kept = _opened(visit), visit.recall(_name(visit, "draft"))
    if not kept:
        raise Invalid({}, _here(visit))
    outcome, reason = str(kept["outcome"]), str(kept["reason"])
    if _faults(pending, outcome, reason):
        raise Invalid({"seen": _CHANGED}, _here(visit))
    return pending, outcome, reason


def _preview(
    visit: Visit, pending: operations.DecisionToMake, outcome: str, reason: str
) -> operations.DeterminationPreview:
    return operations.preview_determination(
        visit.office, visit.actor, pending.case, pending.decision, outcome, reason
    )


def _seen(
    pending: operations.DecisionToMake, preview: operations.DeterminationPreview, reason: str
) -> str:
    """Return a digest of what a check shows: the draft, the rules' answer, and the recipients."""
    recipients = operations.told_by(preview).as_json()
    first, in_doubt = list(preview.told_first), list(pending.in_doubt)
    draft = [pending.digest, preview.outcome, reason, recipients, first, in_doubt]
    return digest_of(draft)


# A decision that nobody was told yet


@page(TELLING, WORKERS, begins=True)
def check_telling(visit: Visit) -> Response:
    """Show who is told a decision that was kept here, or the rules' answer, and who isn't."""
    preview = _telling(visit)
    if preview.standing is not None:
        return _show_standing(visit, preview, preview.standing)
    digest = operations.telling_digest(visit.case, preview.decision, str(preview.outcome))
    return visit.show(
        "decided_check.html",
        "Check and tell",
        preview=preview,
        words=operations.describe_telling(visit.office, visit.case, preview),
        told=operations.told_by(preview),
        first=[preview.names[agency] for agency in preview.told_first],
        request=visit.confirmation_request(digest) if preview.by is not None else None,
        seen=_seen_telling(preview),
        back=visit.address_of(visit.case),
    )


def _show_standing(
    visit: Visit, preview: operations.TellingPreview, standing: operations.StandingTelling
) -> Response:
    """Say to whom a person's decision was told. The rules' answer isn't told in its place."""
    again = None
    if has_decisions(visit):
        again = address_of_decision(visit, visit.case, preview.decision)
    return visit.show(
        "decided_told.html",
        "Told before" if standing.recipients else "A person decided",
        preview=preview,
        standing=standing,
        words=operations.describe_telling(visit.office, visit.case, preview),
        to=[preview.names.get(agency, agency) for agency in standing.recipients],
        decider=preview.names.get(standing.agency, standing.agency),
        again=again,
        back=visit.address_of(visit.case),
    )


@action(TELLING, WORKERS)
def tell(visit: Visit) -> Response:
    """Tell what was shown. Who tells a person's decision confirms it."""
    preview = _telling(visit)
    if preview.standing is not None:
        why = "A person’s decision is in force."
        if preview.standing.by_rules:
            why = "This was told before."
        raise Elsewhere(visit.path, f"{why} Nothing was sent now.")
    if visit.field("seen") != _seen_telling(preview):
        raise Invalid({"seen": _CHANGED})
    digest = operations.telling_digest(visit.case, preview.decision, str(preview.outcome))
    confirmation = _confirm(visit, digest) if preview.by is not None else None
    try:
        made = operations.tell_decision(
            visit.office,
            visit.actor,
            visit.case,
            preview.decision,
            seen_at=preview.seen_at,
            confirmation=confirmation,
        )
    except Refusal as refusal:
        if refusal.code != operations.CASE_CHANGED:
            raise
        raise Invalid({"seen": _CHANGED}) from None
    names = [preview.names.get(agency, agency) for agency in made.recipients]
    back = visit.address_of(visit.case)
    visit.remember("told", {"to": names, **_delivery(made.state), "back": back})
    return visit.go("/told")


def _telling(visit: Visit) -> operations.TellingPreview:
    """Return what would be told. Raises `NotHere` for what nobody here decides or works out."""
    try:
        return operations.preview_telling(visit.office, visit.case, visit.parts["decision"])
    except Refusal as refusal:
        if refusal.code == "nothing-to-tell":
            raise NotHere from None
        raise


def _seen_telling(preview: operations.TellingPreview) -> str:
    """Return a digest of what the check shows: the decision, and the recipients."""
    recipients = operations.told_by(preview).as_json()
    decision = [preview.decision, preview.outcome, preview.by, preview.reason, preview.day]
    return digest_of([decision, recipients, list(preview.told_first)])


def address_to_tell(visit: Visit, case: str, decision: str) -> str:
    """Return the page that tells a decision which nobody was told. Raises `NotHere`."""
    return visit.address_of(case, "decided", decision)


def _delivery(state: str) -> dict[str, str]:
    """Return how far a record came: `sent`, `waiting`, `refused`, or `kept`, and why."""
    word, _, why = state.partition(":")
    states = {"queued": "waiting", "refused": "refused", "kept": "kept"}
    return {"state": states.get(word, "sent"), "why": why.strip()}


def _base(visit: Visit) -> str:
    return QUEUE if visit.agency.kind == "prosecutor" else APPLICATIONS


def _here(visit: Visit) -> str:
    return address_of_decision(visit, visit.case, visit.parts["decision"])


def has_decisions(visit: Visit) -> bool:
    """Report whether this office has a list of decisions, each with its page."""
    return any(visit.has_page(f"{base}/{{c}}/{{decision}}") for base in (QUEUE, APPLICATIONS))


def address_of_decision(visit: Visit, case: str, decision: str) -> str:
    """Return the page of a decision in the list of this office. Raises `NotHere`."""
    local = visit.address_of(case).rpartition("/")[2]
    return f"{_base(visit)}/{local}/{decision}"


def _name(visit: Visit, what: str) -> str:
    return f"{what} {visit.case} {visit.parts['decision']}"
