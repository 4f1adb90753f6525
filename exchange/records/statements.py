"""What a part's label says in clear: the closed statement, by kind of record, that the hub acts on.

Nothing else about a part is clear but its categories, limits and notice. Here is the shape of each statement, never whether it
holds: who may say it is the vocabulary's, what follows from it is `consent`'s.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from exchange.errors import shorten
from exchange.models import AgencyId, Day, Handle, NonEmptyTuple, ShortId, Term, WireModel, validate
from rules.shelf import vocabulary

# What the sealed form holds of 42 CFR 2.31(a), of which the label can only attest that it is there: the person's name (1), the
# right to revoke and how (6), signature (8), date (9), what refusing means (10).
ATTESTED = ("name", "right_to_revoke", "signature", "date", "consequences")
Attested = Literal["name", "right_to_revoke", "signature", "date", "consequences", "authority"]

# What 42 CFR 2.51(c) wants on record of an emergency.
EMERGENCY = ("nature", "discloser", "recipient")
EmergencyForm = Literal["nature", "discloser", "recipient"]


# What can be consented to: a kind of information that may travel, for a purpose that isn't barred and that needs a consent.
# What runs the exchange passes without one.
CATEGORIES = (
    frozenset(vocabulary().categories)
    - frozenset(vocabulary().never_travels)
    - {"operation", "consent_terms"}
)
CONSENTED = frozenset(vocabulary().purposes) - {"exchange_operation", "medical_emergency"}


def _a_category(word: str) -> str:
    _known((word,), frozenset(vocabulary().categories), "category")
    return word


class Statement(WireModel):
    """Base of the statements."""


class Grant(Statement):
    """A person's consent that one agency tells one other certain kinds of information (42 CFR 2.31).

    From `from`, the first day, to `expires`, the last, in the program's zone; or until `certifier` certifies the event.
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
    def _whole(self) -> Grant:
        if self.discloser == self.recipient:
            raise ValueError("discloser and recipient are one agency")
        if (self.expires is None) == (self.certifier is None):
            raise ValueError("it needs a last day or a certifier, not both")
        if self.expires is not None and self.expires < self.from_:
            raise ValueError("it ends before it begins")
        missing = [one for one in ATTESTED if one not in self.form]
        if missing:
            raise ValueError(f"its form lacks {missing[0]}")
        if self.signer == "representative" and "authority" not in self.form:
            raise ValueError("its form lacks authority")
        _known(self.categories, CATEGORIES, "category")
        _known(self.purposes, CONSENTED, "purpose that a consent can serve")
        # 42 CFR 2.31(b): notes of counseling sessions are consented to alone, and by that type alone.
        if (self.type == "counseling_notes") != ("counseling_note" in self.categories) or (
            self.type == "counseling_notes" and len(self.categories) > 1
        ):
            raise ValueError("counseling notes need a consent of their own")
        return self


def _known(words: Iterable[str], known: frozenset[str], what: str) -> None:
    for word in words:
        if word not in known:
            raise ValueError(f"`{shorten(word)}` is no {what}")


class Change(Statement):
    """A change to consent: `end`, `narrow` or `certify` one grant, or `restrict` pairs of agencies (sender, recipient).

    `categories` are those taken away (narrow) or covered (restrict). A restriction's id is its part's.
    """

    does: Literal["end", "narrow", "restrict", "certify"]
    grant: ShortId | None = None
    pairs: NonEmptyTuple[Annotated[tuple[AgencyId, AgencyId], Field(strict=False)]] | None = None
    categories: NonEmptyTuple[Term] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Change:
        if (self.does == "restrict") != (self.pairs is not None) or (self.does == "restrict") == (
            self.grant is not None
        ):
            raise ValueError("a restriction names pairs, every other change a grant")
        if (self.does in ("narrow", "restrict")) != (self.categories is not None):
            raise ValueError("a narrowing and a restriction name categories, no other change does")
        _known(self.categories or (), CATEGORIES, "category")
        # Whoever is told of a no reads all of its label: another couple's business isn't theirs.
        if len({frozenset(pair) for pair in self.pairs or ()}) > 1:
            raise ValueError("a restriction is about one couple of agencies")
        return self


class Answer(Statement):
    """Whether the person accepted the offer."""

    answer: Literal["accepted", "declined"]


class Question(Statement):
    """For which decision the facts are asked."""

    for_: Literal["offer", "screening", "eligibility", "admission"] = Field(alias="for")


class Representation(Statement):
    """Which agency is the person's counsel in this case."""

    agency: AgencyId


class Report(Statement):
    """That something was told outside the exchange: to whom, which kind of information, on what day."""

    told: AgencyId
    category: Annotated[Term, AfterValidator(_a_category)]
    on: Day


class Emergency(Report):
    """A medical emergency (42 CFR 2.51): what the sealed form holds, and a second person's signature over this report.

    `countersigned` is that person's key id and signature: see `record.countersignature`.
    """

    form: NonEmptyTuple[EmergencyForm]
    countersigned: Annotated[str, Field(max_length=256)] | None = None

    @property
    def whole(self) -> bool:
        """Whether nature and both names are on record."""
        return all(one in self.form for one in EMERGENCY)


class CourtOrder(Report):
    """A disclosure under a court's order (42 CFR 2.61): recorded, never routed, with the digests of order and process."""

    order: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    process: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class About(Statement):
    """Which part of which record this is about: the record's `jti` and the part's id."""

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
    """The statement of this name (`MODELS`). Raises `ContentError` `wrong-shape`."""
    return validate(MODELS[name], value, f"what the label says (`{name}`)")
