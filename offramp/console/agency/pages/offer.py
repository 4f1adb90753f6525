"""The offer at the scene and the referral: what an officer does in under a minute.

The answers are kept in the session, sealed, until the referral is sent. A referral that is sent
again, by a double tap or a retry, is the same record: the frame takes each form once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.pages.telling import delivery, odd_of, seen
from offramp.console.agency.questions import (
    Typed,
    fault_of,
    fields_of,
    read_answers,
    texts_of,
    typed_after,
)
from offramp.console.agency.routes import OFFERERS, action, page
from offramp.console.agency.visit import Elsewhere, Invalid, NotHere, Visit
from rules.errors import Refusal

POLICE = ("police",)
SCENE, ANSWER, WHO, CHECK = "/offer/scene", "/offer/answer", "/offer/who", "/offer/check"
SENT, NOT_OFFERED, DONE = "/offer/sent", "/offer/not", "/offer/done"
ROUTES = {"arrest": "Arrest", "social_contact": "No arrest"}
# The own referrals that are shown before an offer, and after one was sent.
_LATEST, _PAST = 3, 10
_REPORT = "report_number"
# A field about an entry of a list, such as a charge, by its number.
_OF_ENTRY = re.compile(r"(?P<over>[^\[]+)\[(?P<index>[0-9]{1,4})\]\.(?P<field>.+)")
_OVER = "That offer is over, or was not begun. Begin a new one here."


@page("/offer", OFFERERS, kinds=POLICE, begins=True)
def begin(visit: Visit) -> Response:
    """Ask how the person was met, and show what became of the last referrals."""
    kept = visit.recall("offer") or {}
    return visit.show(
        "offer.html",
        "Offer",
        routes=ROUTES,
        begun=ROUTES[kept["route"]] if kept.get("typed") else None,
        referrals=_latest(visit, _LATEST),
    )


@action("/offer", OFFERERS, kinds=POLICE)
def choose_route(visit: Visit) -> Response:
    """Begin a new offer."""
    route = visit.field("route")
    if route not in ROUTES:
        raise Invalid({"route": "Choose arrest, or no arrest"})
    _forget(visit)
    visit.remember("offer", {"route": route, "typed": {}})
    return visit.go(SCENE)


@page(SCENE, OFFERERS, kinds=POLICE)
def scene(visit: Visit) -> Response:
    """Ask what is seen. Every question that has an answer can be changed."""
    kept = _kept(visit)
    read = _read(visit, kept["route"], kept["typed"])
    questions = (*read.open, *read.asked) if kept["typed"] else read.open
    return visit.show(
        "scene.html",
        "At the scene",
        route=ROUTES[read.route],
        fields=fields_of(questions, kept["typed"], visit),
        by_chance=fields_of(() if read.open else read.by_chance, kept["typed"], visit),
        is_further=bool(kept["typed"] and read.open),
    )


@action(SCENE, OFFERERS, kinds=POLICE)
def see(visit: Visit) -> Response:
    """Take what was seen. More questions follow while the offer depends on them."""
    kept = _kept(visit)
    typed = _following_entries(kept["typed"], typed_after(kept["typed"], visit.answers))
    read = _read(visit, kept["route"], typed)
    if read.faults:
        raise Invalid(read.faults)
    visit.remember("offer", {**kept, "typed": typed})
    return visit.go(SCENE if read.open else ANSWER)


def _read(visit: Visit, route: str, typed: Typed) -> operations.Scene:
    """Return the scene after what was typed. A question that is left out is not known."""
    answers = {name: texts_of(name, typed) for name in typed.get("asked", ())}
    return operations.read_scene(visit.office, route, answers)


def _following_entries(before: Typed, typed: Typed) -> dict[str, list[str]]:
    """Return the fields of a scene, what was typed of an entry under its number of now.

    INVARIANT: what was said of one charge or drug is never taken for another. The numbers of the
    sent form are those of the ticks before it.
    """
    moved: dict[str, list[str]] = {}
    for name, texts in typed.items():
        if (now := _name_now(name, before, typed)) is not None:
            moved[now] = list(texts)
    names_now = (_name_now(name, before, typed) for name in typed.get("asked", ()))
    return {**moved, "asked": [name for name in names_now if name is not None]}


def _name_now(name: str, before: Typed, typed: Typed) -> str | None:
    """Return the name of a field after the ticks changed. None if its entry isn't ticked now."""
    found = _OF_ENTRY.fullmatch(name)
    if found is None or found["over"] not in before:
        return name
    ticks_before, ticks = (texts_of(found["over"], each) for each in (before, typed))
    if ticks_before == ticks or any(tick.isdecimal() for tick in ticks_before):
        return name  # nothing changed, or they are counted and have no ticks
    index = int(found["index"])
    tick = ticks_before[index] if index < len(ticks_before) else None
    return f"{found['over']}[{ticks.index(tick)}].{found['field']}" if tick in ticks else None


@page(ANSWER, OFFERERS, kinds=POLICE)
def answer(visit: Visit) -> Response:
    """Show what the rules say, whom to call, and what to say."""
    read = _scene(visit)
    return visit.show(
        "offer_answer.html", "The answer", answer=read.answer, route=ROUTES[read.route]
    )


@action(ANSWER, OFFERERS, kinds=POLICE)
def take_answer(visit: Visit) -> Response:
    """Take what the person said. A no ends here, and no name is asked for."""
    said = visit.field("answer")
    if said not in ("accepted", "declined"):
        raise Invalid({"answer": "Choose what the person said"})
    _offered(visit)
    if said == "accepted":
        return visit.go(WHO)
    operations.note_declined(visit.office)
    _forget(visit)
    visit.remember("done", {"heading": "Recorded"})
    return visit.go(DONE)


@page(WHO, OFFERERS, kinds=POLICE)
def who(visit: Visit) -> Response:
    """Ask who the person is. All but the first name can follow."""
    _offered(visit)
    _, questions = operations.open_referral(visit.office)
    typed = _kept(visit).get("who", {})
    return visit.show("offer_who.html", "Who is it?", fields=fields_of(questions, typed, visit))


@action(WHO, OFFERERS, kinds=POLICE)
def take_who(visit: Visit) -> Response:
    """Take who the person is, and lead to the check."""
    kept = _kept(visit)
    _, questions = operations.open_referral(visit.office)
    read_answers(lambda _: questions, visit)
    visit.remember("offer", {**kept, "who": visit.answers})
    return visit.go(CHECK)


@page(CHECK, OFFERERS, kinds=POLICE)
def check(visit: Visit) -> Response:
    """Show what is sent, to whom, and to whom not, before it is sent."""
    contact, preview = _preview(visit)
    return visit.show(
        "offer_check.html",
        "Check and send",
        preview=preview,
        people=_known_people(visit, contact),
        told=operations.told_by(preview),
        rows=_rows(visit, preview),
        rules=[line for line in operations.rules_on(preview) if line.kind != "go"],
        seen=seen(preview),
        odd=odd_of(preview),
    )


@action(CHECK, OFFERERS, kinds=POLICE)
def send(visit: Visit) -> Response:
    """Send what was shown, once."""
    contact, preview = _preview(visit)
    people = _known_people(visit, contact)
    faults = {}
    if visit.field("seen") != seen(preview):
        faults["seen"] = "Something changed since this page was shown. Check it once more"
    same = visit.field("same")
    if people and same not in (*(person.cases[-1].case for person in people), "no"):
        faults["same"] = "Choose whether it is one of these people"
    if preview.is_barred and not visit.field("although_barred"):
        faults["although_barred"] = "Confirm that you send it although the rules say no"
    if odd_of(preview) and not visit.field("although_odd"):
        faults["although_odd"] = "Confirm that this is right, or change it"
    if faults:
        raise Invalid(faults)
    sent = operations.send_draft(
        visit.office,
        preview.draft,
        although_barred=preview.is_barred,
        although_odd=bool(preview.odd),
    )
    if same == "no":
        cases = [each.case for person in people for each in person.cases]
        operations.note_other_people(visit.office, sent.case, cases)
    elif people:
        operations.note_same_person(visit.office, sent.case, same)
    names = [preview.names.get(agency, agency) for agency in sent.recipients]
    read = _scene(visit)
    _forget(visit)
    told = {"case": sent.case, "to": names, **delivery(sent), "at": visit.office.clock()}
    later = {"phone": read.answer.phone, "report": None, "lacks_amount": read.lacks_amount}
    visit.remember("sent", {**told, **later})
    return visit.go(SENT)


@page(SENT, OFFERERS, kinds=POLICE)
def sent(visit: Visit) -> Response:
    """Say who has the referral, and what can follow later."""
    kept = visit.recall("sent")
    if not kept:
        return visit.go("/offer")
    return visit.show("offer_sent.html", "Sent", sent=kept, referrals=_latest(visit, _PAST))


@action(SENT, OFFERERS, kinds=POLICE)
def add_report_number(visit: Visit) -> Response:
    """Note the number of the police report. It stays here."""
    kept = visit.recall("sent")
    if not kept:
        raise NotHere
    number = visit.field(_REPORT)
    if not number:
        raise Invalid({_REPORT: "Write the number of the report"})
    try:
        noted = operations.note_report_number(visit.office, kept["case"], number)
    except Refusal as refusal:
        if refusal.code != "bad-report-number":
            raise
        raise Invalid({_REPORT: fault_of(refusal)}) from None
    visit.remember("sent", {**kept, "report": noted})
    return visit.go(f"{SENT}?report=noted")


@page(NOT_OFFERED, OFFERERS, kinds=POLICE, begins=True)
def no_offer(visit: Visit) -> Response:
    """Ask for the reason of no offer. No name is asked for."""
    reasons = [(reason.word, reason.label) for reason in operations.reasons_for_no_offer()]
    return visit.show("offer_not.html", "No offer", reasons=reasons, answer=_rules_no(visit))


def _rules_no(visit: Visit) -> operations.SceneAnswer | None:
    """Return the rules' no to the offer that was begun. None if there is none."""
    kept = visit.recall("offer")
    if not kept or not kept["typed"]:
        return None
    read = _read(visit, kept["route"], kept["typed"])
    return read.answer if read.answer.kind == "stop" and not read.open else None


@action(NOT_OFFERED, OFFERERS, kinds=POLICE)
def record_no_offer(visit: Visit) -> Response:
    """Record the reason of no offer."""
    reason = visit.field("reason")
    if reason not in {each.word for each in operations.reasons_for_no_offer()}:
        raise Invalid({"reason": "Choose one reason"})
    operations.note_not_offered(visit.office, visit.actor, reason)
    _forget(visit)
    visit.remember("done", {"heading": "Recorded"})
    return visit.go(DONE)


@page(DONE, OFFERERS, kinds=POLICE)
def done(visit: Visit) -> Response:
    """Say that it is recorded, and that the usual process goes on."""
    kept = visit.recall("done")
    if not kept:
        return visit.go("/offer")
    return visit.show("offer_done.html", "Recorded", heading=kept["heading"])


@page("/mine", OFFERERS, kinds=POLICE)
def mine(visit: Visit) -> Response:
    """List the own referrals with what may be told of each."""
    return visit.show("mine.html", "My referrals", referrals=_latest(visit))


# What the session keeps of an offer


def _forget(visit: Visit) -> None:
    """Forget the offer that was begun, and all that was typed in it."""
    visit.forget("offer")
    visit.forget_typed("/offer")


def _kept(visit: Visit) -> dict[str, Any]:
    """Return the offer that was begun. Raises `Elsewhere`, which leads to its beginning."""
    kept = visit.recall("offer")
    if not kept:
        visit.forget_typed("/offer")
        raise Elsewhere("/offer", _OVER)
    return kept


def _scene(visit: Visit) -> operations.Scene:
    """Return the finished scene. Raises `Invalid`, which leads to the open questions."""
    kept = _kept(visit)
    read = _read(visit, kept["route"], kept["typed"])
    if read.open:
        first = read.open[0]
        raise Invalid({first.name: "Answer this, or choose that you can’t tell"}, SCENE)
    return read


def _offered(visit: Visit) -> operations.Scene:
    """Return a scene at which the offer may be made.

    Raises `Invalid`, which leads to the answer.
    """
    read = _scene(visit)
    if not read.answer.may_offer:
        raise Invalid({"answer": "The rules don’t let you make this offer now"}, ANSWER)
    return read


def _preview(visit: Visit) -> tuple[dict[str, Any], operations.Preview]:
    """Return who the person is, and what would be sent.

    Raises `Invalid`, which leads to the questions that come before.
    """
    read, kept = _offered(visit), _kept(visit)
    if "who" not in kept:
        raise Invalid({"contact.given_name": "Write the first name"}, WHO)
    opened, questions = operations.open_referral(visit.office)
    contact = read_answers(lambda _: questions, visit, kept["who"])
    draft = operations.draft_referral(visit.office, opened, read, contact)
    return contact, operations.preview_draft(visit.office, draft)


def _known_people(visit: Visit, contact: Mapping[str, Any]) -> tuple[operations.Person, ...]:
    texts = {
        name.partition(".")[2]: value
        for name, value in contact.items()
        if isinstance(value, str) and value
    }
    return operations.possible_duplicates(visit.office, texts)


def _rows(visit: Visit, preview: operations.Preview) -> list[tuple[str, str, str | None]]:
    """Return each statement as a question, its answer, and where it is changed.

    None is for what follows from other answers, such as the day.
    """
    _, questions = operations.open_referral(visit.office)
    asked = {question.name: WHO for question in questions}
    read = _scene(visit)
    asked |= {question.name: SCENE for question in (*read.asked, *read.by_chance)}
    asked["encounter.route"] = "/offer"
    return [
        (line.label, line.value, f"{asked[line.path]}#{line.path}" if line.path in asked else None)
        for line in operations.statement_of(preview)
    ]


def _latest(visit: Visit, most: int | None = None) -> tuple[tuple[operations.Feedback, str], ...]:
    """Return the own referrals, the newest first, each with the page that mends a mistake in it."""
    return tuple(
        (referral, visit.address_of(referral.case, "mistake"))
        for referral in operations.list_feedback(visit.office)[:most]
    )
