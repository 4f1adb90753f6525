"""What a person allows now: see it, print what was signed, and take it back at once."""

from __future__ import annotations

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.catalogs import mark
from offramp.console.agency.routes import COLLECTORS, WORKERS, action, page
from offramp.console.agency.visit import Invalid, NotHere, Visit

CONSENTS = "/people/{c}/consents"


@page(CONSENTS, WORKERS, kinds=COLLECTORS)
def consents(visit: Visit) -> Response:
    """List what each agency may be told, and what was asked."""
    return visit.show(
        "consents.html",
        mark("What the person allows"),
        standing=operations.list_standing_consents(visit.office, visit.case, visit.lang),
        asked=[
            (text, visit.address_of(visit.case, "consents", str(text.number)))
            for text in reversed(
                operations.list_asked_consents(visit.office, visit.case, visit.lang)
            )
        ],
        ask=visit.address_of(visit.case, "consent"),
        back=visit.address_of(visit.case),
    )


@action(CONSENTS, WORKERS, kinds=COLLECTORS)
def take_back(visit: Visit) -> Response:
    """Take back what the person names. This agency stops before the network is tried."""
    standing = operations.list_standing_consents(visit.office, visit.case, visit.lang)
    chosen = set(visit.fields("grant"))
    if visit.field("do") != "all" and not chosen:
        raise Invalid({"grants": "Choose what the person takes back"})
    grants = None if visit.field("do") == "all" else chosen
    revoked = operations.revoke_consent(
        visit.office, visit.case, grants=grants, oral=not visit.field("written")
    )
    after = operations.list_standing_consents(visit.office, visit.case, visit.lang)
    left = {grant.id for consent in after for grant in consent.grants} - (grants or set())
    taken = {
        "lines": [
            {
                "name": consent.name,
                "ended": [grant.sentence for grant in consent.grants if grant.id not in left],
                "left": [grant.sentence for grant in consent.grants if grant.id in left],
                "by_offer": operations.allowed_by_offer(
                    visit.office, visit.case, consent.recipient, visit.lang
                ),
            }
            for consent in standing
            if any(grant.id not in left for grant in consent.grants)
        ],
        "records": [record.id for record in revoked.records],
        "at": visit.office.clock(),
    }
    visit.remember(f"taken {visit.case}", taken)
    return visit.go(visit.address_of(visit.case, "consents", "taken"))


@page(f"{CONSENTS}/taken", WORKERS, kinds=COLLECTORS)
def taken(visit: Visit) -> Response:
    """Say that this agency stopped, and whether the hub has it."""
    kept = visit.recall(f"taken {visit.case}")
    if not kept:
        return visit.go(visit.address_of(visit.case, "consents"))
    states = operations.delivery_of(visit.office, visit.case, kept["records"])
    refused = [state for state in states if state.startswith("refused")]
    return visit.show(
        "consents_taken.html",
        mark("Taken back"),
        taken=kept,
        is_away="queued" in states,
        refused=refused,
        back=visit.address_of(visit.case, "consents"),
    )


@page(f"{CONSENTS}/{{n}}", WORKERS, kinds=COLLECTORS)
def copy(visit: Visit) -> Response:
    """Show the text that was signed, to print for the person."""
    asked = operations.list_asked_consents(visit.office, visit.case)
    texts = [text for text in asked if str(text.number) == visit.parts["n"]]
    if not texts:
        raise NotHere
    return visit.show(
        "consents_copy.html",
        mark("A copy"),
        asked=texts[0],
        back=visit.address_of(visit.case, "consents"),
    )
