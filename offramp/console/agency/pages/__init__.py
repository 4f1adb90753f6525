"""The pages of an agency's console. Each calls operations and nothing else.

Each module declares its routes with `@page` and `@action`. A module that isn't imported here has
none.
"""

from offramp.console.agency.pages import (
    account,
    admin,
    arrivals,
    beyond,
    colleagues,
    consent,
    consent_form,
    consents,
    deciding,
    entries,
    exchange,
    hand_over,
    mistake,
    offer,
    participant_desk,
    people,
    person_name,
    represent,
    same,
    status,
    telling,
    today,
    you,
)

__all__ = [
    "account",
    "admin",
    "arrivals",
    "beyond",
    "colleagues",
    "consent",
    "consent_form",
    "consents",
    "deciding",
    "entries",
    "exchange",
    "hand_over",
    "mistake",
    "offer",
    "participant_desk",
    "people",
    "person_name",
    "represent",
    "same",
    "status",
    "telling",
    "today",
    "you",
]
