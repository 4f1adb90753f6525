"""Statements: the clear and closed part of a label, by kind of record, that the hub acts on.

Apart from it, only a part's categories, limits, and notice are clear. This module defines the form
of each statement. The vocabulary decides which roles may make it, and `exchange.consent` its
effect.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from exchange.errors import shorten
from exchange.models import AgencyId, Day, Handle, NonEmptyTuple, ShortId, Term, WireModel, validate
from rules.shelf import vocabulary

# Elements of 42 CFR 2.31(a) in the sealed form. The label can only attest that they are there: name
# (1), right to revoke and how (6), signature (8), date (9), consequences of refusal (10).
ATTESTED = ("name", "right_to_revoke", "signature", "date", "consequences")
Attested = Literal["name", "right_to_revoke", "signature", "date", "consequences", "authority"]

# The documentation that 42 CFR 2.51(c) requires of an emergency.
EMERGENCY = ("nature", "discloser", "recipient")
EmergencyForm = Literal["nature", "discloser", "recipient"]


# A consent may cover information that travels, for a purpose that isn't barred and needs a consent.
# Categories that run the exchange, and the report of a crime on the premises, pass without one.
CATEGORIES = (
    frozenset(vocabulary().categories)
    - frozenset(vocabulary().never_travels)
    - {"operation", "consent_terms", "premises_crime"}
)
CONSENTED = frozenset(vocabulary().purposes) - {
    *("exchange_operation", "medical_emergency", "premises_crime"),
}


def _check_category(category: str) -> str:
    _check_terms((category,), frozenset(vocabulary().categories), "category")
    return category


class Statement(WireModel):
    """Base class of the statements."""


class Grant(Statement):
    """A person's consent that one agency discloses certain kinds of information to another.

    See 42 CFR 2.31. It applies from the day `from` to the day `expires`, both included, in the
    program's zone, or until `certifier` certifies the event.
    """

    id: ShortId
    discloser: AgencyId
    recipient: AgencyId
    categories: NonEmptyTuple[Term]
    purposes: NonEmptyTuple[Term]
    type: Literal["ordinary", "counseling_notes", "conditional", "proceedings"]
    from_: Day = Field(alias="from")
    expires: Day | None = None
    certifier: AgencyId | None = None
    lifts: Annotated[tuple[ShortId, ...], Field(strict=False, max_length=64)] = ()
    form: NonEmptyTuple[Attested]
    signer: Literal["adult", "representative"]

    @model_validator(mode="after")
    def _check_consistent(self) -> Grant:
        if self.discloser == self.recipient:
            raise ValueError("discloser and recipient are the same agency")
        if (self.expires is None) == (self.certifier is None):
            raise ValueError("it needs either a last day or a certifier")
        if self.expires is not None and self.expires < self.from_:
            raise ValueError("it ends before it begins")
        missing = [member for member in ATTESTED if member not in self.form]
        if missing:
            raise ValueError(f"its form lacks {missing[0]}")
        if self.signer == "representative" and "authority" not in self.form:
            raise ValueError("its form lacks authority")
        _check_terms(self.categories, CATEGORIES, "category")
        _check_terms(self.purposes, CONSENTED, "purpose that a consent can serve")
        # 42 CFR 2.31(b): counseling notes need a consent of their own, with this type.
        if (self.type == "counseling_notes") != ("counseling_note" in self.categories) or (
            self.type == "counseling_notes" and len(self.categories) > 1
        ):
            raise ValueError("counseling notes need a consent of their own")
        # So nobody who agrees to tell the status tells what is in the way with it.
        if "barriers" in self.categories and len(self.categories) > 1:
            raise ValueError("barriers need a consent of their own")
        return self


def _check_terms(terms: Iterable[str], allowed: frozenset[str], label: str) -> None:
    for term in terms:
        if term not in allowed:
            raise ValueError(f"`{shorten(term)}` is not a {label}")


class Change(Statement):
    """A change to consent.

    `end`, `narrow`, and `certify` name one grant. `restrict` names pairs of agencies (sender,
    recipient). `categories` are those removed (narrow) or covered (restrict). A restriction has the
    id of its part.
    """

    does: Literal["end", "narrow", "restrict", "certify"]
    grant: ShortId | None = None
    pairs: NonEmptyTuple[Annotated[tuple[AgencyId, AgencyId], Field(strict=False)]] | None = None
    categories: NonEmptyTuple[Term] | None = None

    @model_validator(mode="after")
    def _check_consistent(self) -> Change:
        if (self.does == "restrict") != (self.pairs is not None) or (self.does == "restrict") == (
            self.grant is not None
        ):
            raise ValueError("a restriction names pairs, and any other change names a grant")
        if (self.does in ("narrow", "restrict")) != (self.categories is not None):
            raise ValueError("only a narrowing and a restriction name categories")
        _check_terms(self.categories or (), CATEGORIES, "category")
        # Every recipient of a restriction reads its whole label, so it is about one pair only.
        if len({frozenset(pair) for pair in self.pairs or ()}) > 1:
            raise ValueError("a restriction is about one pair of agencies")
        return self


class Answer(Statement):
    """The person's answer to the offer.

    `referred_at` is the time of the case's first referral, in seconds since 1970, in a referral
    that repeats it to one more recipient.
    """

    answer: Literal["accepted", "declined"]
    referred_at: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Answer:
        if self.referred_at is not None and self.answer != "accepted":
            raise ValueError("a declined offer has no time of referral")
        return self


class Question(Statement):
    """The decision for which a question asks facts."""

    for_: Literal["offer", "screening", "eligibility", "admission"] = Field(alias="for")


class Representation(Statement):
    """The agency that is the person's counsel in this case."""

    agency: AgencyId


class Report(Statement):
    """A disclosure outside the exchange: recipient, kind of information, and day."""

    told: AgencyId
    category: Annotated[Term, AfterValidator(_check_category)]
    on: Day


class Emergency(Report):
    """A disclosure in a medical emergency (42 CFR 2.51).

    `form` lists the members of the sealed form. `countersigned` is a second person's signature over
    this report (`exchange.records.countersignature`).
    """

    form: NonEmptyTuple[EmergencyForm]
    countersigned: Annotated[str, Field(max_length=256)] | None = None

    @property
    def whole(self) -> bool:
        """True if the nature and both names are documented."""
        return all(member in self.form for member in EMERGENCY)


class CourtOrder(Report):
    """A disclosure under a court order (42 CFR 2.61).

    It is recorded and never routed. `order` and `process` are the digests of the two documents.
    """

    order: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    process: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class About(Statement):
    """The part that this statement is about: its record's `jti` and its own id."""

    about: Annotated[tuple[Handle, ShortId], Field(strict=False)]


MODELS: dict[str, type[Statement]] = {
    "grant": Grant,
    "change": Change,
    "answer": Answer,
    "question": Question,
    "representation": Representation,
    "report": Report,
    "emergency": Emergency,
    "court_order": CourtOrder,
    "about": About,
}


def read_statement(name: str, value: Any) -> Statement:
    """Read the statement with this name (`MODELS`). Raises `ContentError` `wrong-shape`."""
    return validate(MODELS[name], value, f"the label's statement (`{name}`)")
