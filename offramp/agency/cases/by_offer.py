"""What the person's yes to the offer at the scene still lets agencies tell. Pure.

A consent that ends doesn't end it: the yes lasts thirty days, and no take-back is about it.
"""

from __future__ import annotations

from exchange.consent.reduction import FROM_CARE, OFFER_LASTS
from offramp.agency.cases.account_words import SHORT_CATEGORIES
from offramp.agency.cases.consent_words import say
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen

# Nothing of care exists yet when police make an offer.
_OUTSIDE_CARE = tuple(name for name in SHORT_CATEGORIES if name not in FROM_CARE)


@frozen
class OfferAllows:
    """The kinds of information that one agency may tell another on the yes to the offer."""

    sender: str
    recipient: str
    categories: tuple[str, ...]


def allowed_by_offer(
    working_set: WorkingSet, handle: str, recipient: str, now: int
) -> tuple[OfferAllows, ...]:
    """Return what an agency may be told on the yes to the offer, as far as this agency knows it.

    It is empty without a yes in force. `now` is in seconds since 1970.
    """
    gateway = working_set.gateway
    if not gateway.state(handle).answers:
        return ()
    allowed = (
        OfferAllows(
            sender,
            recipient,
            tuple(
                category
                for category in _OUTSIDE_CARE
                if gateway.may_tell_on_offer(sender, recipient, category, case=handle, now=now)
            ),
        )
        for sender in gateway.history.newest.agencies
        if sender != recipient
    )
    return tuple(allows for allows in allowed if allows.categories)


def offer_sentences(
    working_set: WorkingSet, handle: str, recipient: str, lang: str, now: int, key: str = "by_offer"
) -> tuple[str, ...]:
    """Return what the yes to the offer still allows, a sentence for each sender.

    With the key `by_offer_of_person`, they are on the person and not to the person.
    """
    agencies = working_set.gateway.history.newest.agencies
    column = 1 if lang == "es" else 0
    return tuple(
        say(
            lang,
            key,
            days=str(OFFER_LASTS.days),
            sender=agencies[allows.sender].name,
            recipient=agencies[recipient].name,
            categories="; ".join(SHORT_CATEGORIES[name][column] for name in allows.categories),
        )
        for allows in allowed_by_offer(working_set, handle, recipient, now)
    )
