"""Beyond the own caseload: break-glass, medical emergencies, and the reviews that follow."""

from __future__ import annotations

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.questions import fault_of
from offramp.console.agency.routes import WORKERS, action, page
from offramp.console.agency.visit import Invalid, NotHere, Visit
from rules.errors import Refusal

# Police and prosecutor have no way to anything of care (CONSOLE.md section 5).
CARERS = (
    *("defender", "program", "case_management"),
    *("treatment_provider", "service_provider", "health_provider"),
)
GLASS, FOUND = "/glass", "/glass/found"
EMERGENCIES, SECOND = "/emergencies", "/emergencies/second"
REVIEWS = "/reviews"
_REASONS = tuple(
    (code, text[:1].upper() + text[1:]) for code, text in operations.ACCESS_REASONS.items()
)
_NATURES = tuple((code, code.replace("_", " ").capitalize()) for code in operations.NATURES)
_DID = {
    "glass": "broke the glass of this case, for an hour",
    "care": "opened parts of care as a supervisor",
    "emergency": "reported a medical emergency",
}


# Break-glass


@page(GLASS, WORKERS, kinds=CARERS)
def glass(visit: Visit) -> Response:
    """Ask whose case can't wait."""
    return visit.show("glass.html", "Not your case", people=None, typed="")


@action(GLASS, WORKERS, kinds=CARERS)
def search(visit: Visit) -> Response:
    """Search the cases of colleagues, and keep the result in the session."""
    typed = visit.field("q")
    try:
        matches = operations.find_beyond(visit.office, typed)
    except Refusal as refusal:
        raise Invalid({"q": fault_of(refusal)}) from None
    people = [
        {
            "name": person.name,
            "born": (person.birth_date or "")[:4],
            "owner": person.owner,
            "path": visit.address_of(person.case),
            "case": person.case,
        }
        for person in matches
    ]
    visit.remember("beyond", {"typed": typed, "people": people})
    return visit.go(FOUND)


@page(FOUND, WORKERS, kinds=CARERS)
def show_found(visit: Visit) -> Response:
    """Show the last search among the cases of colleagues."""
    kept = visit.recall("beyond")
    if kept is None:
        return visit.go(GLASS)
    return visit.show("glass.html", "Not your case", people=kept["people"], typed=kept["typed"])


@page("/people/{c}/glass", WORKERS, kinds=CARERS, begins=True)
def why(visit: Visit) -> Response:
    """Ask for the reason, and for the person's confirmation."""
    reason = _reason(visit)
    request = None
    if reason:
        request = visit.confirmation_request(operations.glass_digest(visit.case, reason))
    return visit.show(
        "glass_why.html", "Break the glass", reasons=_REASONS, reason=reason, request=request
    )


@action("/people/{c}/glass", WORKERS, kinds=CARERS)
def choose_reason(visit: Visit) -> Response:
    """Keep the reason, which is part of what is confirmed."""
    reason = visit.field("reason")
    if reason not in operations.ACCESS_REASONS:
        raise Invalid({"reason": "Choose the reason"})
    visit.remember("glass", {"reason": reason, "case": visit.case})
    return visit.go(visit.address_of(visit.case, "glass"))


@action("/people/{c}/glass/break", WORKERS, kinds=CARERS)
def break_glass(visit: Visit) -> Response:
    """Open the case for an hour. Its owner and the supervisors see it at once."""
    reason = _reason(visit)
    confirmation = visit.confirm(operations.glass_digest(visit.case, reason))
    operations.break_glass(visit.office, visit.actor, visit.case, reason, confirmation=confirmation)
    visit.forget("glass")
    return visit.go(visit.address_of(visit.case))


def _reason(visit: Visit) -> str:
    """Return the reason that was chosen for this case, empty if none was."""
    chosen = visit.recall("glass")
    return str(chosen["reason"]) if chosen is not None and chosen["case"] == visit.case else ""


# Medical emergencies


@page("/people/{c}/emergency", WORKERS, kinds=CARERS, begins=True)
def emergency(visit: Visit) -> Response:
    """Ask what a health provider must know at once."""
    providers = operations.list_health_providers(visit.office)
    return visit.show(
        "emergency.html",
        "Medical emergency",
        providers=[(provider.id, provider.name) for provider in providers],
        natures=_NATURES,
    )


@action("/people/{c}/emergency", WORKERS, kinds=CARERS)
def keep_emergency(visit: Visit) -> Response:
    """Keep the report, and lead to its check."""
    faults = {}
    if not visit.field("recipient"):
        faults["recipient"] = "Choose who must know"
    if visit.field("nature") not in operations.NATURES:
        faults["nature"] = "Choose what kind of emergency it is"
    if not visit.field("text"):
        faults["text"] = "Write what they must know, and nothing else"
    if faults:
        raise Invalid(faults)
    report = {name: visit.field(name) for name in ("recipient", "nature", "text")}
    visit.remember("emergency", {**report, "case": visit.case})
    return visit.go(visit.address_of(visit.case, "emergency", "check"))


@page("/people/{c}/emergency/check", WORKERS, kinds=CARERS)
def check_emergency(visit: Visit) -> Response:
    """Show who gets the report, and ask for the person's confirmation."""
    report = _report(visit)
    names = {
        provider.id: provider.name for provider in operations.list_health_providers(visit.office)
    }
    return visit.show(
        "emergency_check.html",
        "Check and report",
        report=report,
        recipient=names.get(report["recipient"], report["recipient"]),
        request=visit.confirmation_request(_digest_of(report)),
    )


@action("/people/{c}/emergency/check", WORKERS, kinds=CARERS)
def report(visit: Visit) -> Response:
    """Report the emergency. A second person confirms it within ten minutes."""
    report = _report(visit)
    confirmation = visit.confirm(_digest_of(report))
    operations.report_emergency(
        visit.office,
        visit.actor,
        visit.case,
        report["recipient"],
        report["nature"],
        report["text"],
        confirmation=confirmation,
    )
    visit.forget("emergency")
    return visit.go(EMERGENCIES)


def _report(visit: Visit) -> dict[str, str]:
    """Return the kept report of this case. Raises `NotHere`."""
    kept = visit.recall("emergency")
    if kept is None or kept["case"] != visit.case:
        raise NotHere
    return kept


def _digest_of(report: dict[str, str]) -> str:
    return operations.emergency_digest(
        report["case"], report["recipient"], report["nature"], report["text"]
    )


@page(EMERGENCIES, WORKERS, kinds=CARERS)
def emergencies(visit: Visit) -> Response:
    """List the emergencies that wait for a second person."""
    outcome = visit.recall("emergency told")
    visit.forget("emergency told")
    return visit.show(
        "emergencies.html",
        "Emergencies",
        waiting=operations.list_emergencies(visit.office),
        told=outcome,
    )


@action("/emergencies/choose", WORKERS, kinds=CARERS)
def choose_emergency(visit: Visit) -> Response:
    """Keep in the session which emergency to confirm."""
    visit.remember("second", {"number": visit.field("number")})
    return visit.go(SECOND)


@page(SECOND, WORKERS, kinds=CARERS)
def second(visit: Visit) -> Response:
    """Show the second person what would be told, to whom."""
    waiting = _chosen(visit)
    if waiting is None:
        return visit.go(EMERGENCIES)
    names = {
        provider.id: provider.name for provider in operations.list_health_providers(visit.office)
    }
    return visit.show(
        "emergency_second.html",
        "Confirm and tell",
        waiting=waiting,
        recipient=names.get(waiting.recipient, waiting.recipient),
        request=visit.confirmation_request(operations.second_digest(waiting)),
    )


@action(SECOND, WORKERS, kinds=CARERS)
def confirm(visit: Visit) -> Response:
    """Confirm as the second person, which tells the provider."""
    waiting = _chosen(visit)
    if waiting is None:
        return visit.go(EMERGENCIES)
    confirmation = visit.confirm(operations.second_digest(waiting))
    sent = operations.confirm_emergency(
        visit.office, visit.actor, waiting.number, confirmation=confirmation
    )
    visit.forget("second")
    visit.remember("emergency told", {"state": sent.state})
    return visit.go(EMERGENCIES)


def _chosen(visit: Visit) -> operations.ReportedEmergency | None:
    number = (visit.recall("second") or {}).get("number")
    waiting = operations.list_emergencies(visit.office)
    return next((report for report in waiting if str(report.number) == number), None)


# Reviews


@page(REVIEWS, WORKERS)
def reviews(visit: Visit) -> Response:
    """List the accesses beyond a caseload that wait for this person's review."""
    rows = []
    for review in operations.list_reviews(visit.office, visit.actor):
        access = review.access
        why = operations.ACCESS_REASONS.get(access.reason, access.reason.replace("_", " "))
        rows.append((access, review.person, _DID[access.does], why))
    return visit.show("reviews.html", "To review", rows=rows)


@action("/reviews/seen", WORKERS)
def review(visit: Visit) -> Response:
    """Note that this person has reviewed an access."""
    number = visit.field("number")
    if not (number.isascii() and number.isdigit() and len(number) < 16):
        raise NotHere
    operations.review_access(visit.office, visit.actor, int(number))
    return visit.go(REVIEWS)
