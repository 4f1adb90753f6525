"""Categories of content: one closed model each, without the facts that the vocabulary adds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from exchange.models import AgencyId, Day, Handle, NonEmptyTuple, ShortId, Term, WireModel
from exchange.records.field_types import (
    DecisionName,
    FactPath,
    Hex,
    Instant,
    Language,
    MissingFact,
    Name,
    Obligation,
    Outcome,
    Phone,
    RequestedFact,
    Role,
    Text,
)


class Reason(WireModel):
    """A rule that decided, by its id, and which way."""

    rule: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
    outcome: Outcome


class NeededFact(WireModel):
    """A fact that is missing, and which role knows it."""

    fact: MissingFact
    ask: Role


class SourcePart(WireModel):
    """A part of a record that holds a fact which was read."""

    record: Handle
    part: ShortId


class DecisionPart(WireModel):
    """What the rules answered, as far as this part's categories go. No digest of the facts: it could be guessed back.

    `now` is the time that the rules were given. `rests_on` are the parts, of these categories, whose facts were read;
    `unshown` the facts of these categories that were read and stand in no record; `untold` the events that nobody may tell who
    answers. So whoever holds those parts can work out the answer again, and sees what is missing for it.
    """

    decision: DecisionName
    status: Literal["decided", "undetermined"]
    outcome: Outcome | NonEmptyTuple[Outcome] | None = None
    pack: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    as_of: Day | None = None
    now: Instant | None = None
    reasons: Annotated[tuple[Reason, ...], Field(strict=False, max_length=64)] = ()
    needed: Annotated[tuple[NeededFact, ...], Field(strict=False, max_length=64)] = ()
    rests_on: Annotated[tuple[SourcePart, ...], Field(strict=False, max_length=64)] = ()
    unshown: Annotated[tuple[FactPath, ...], Field(strict=False, max_length=64)] = ()
    untold: Annotated[tuple[FactPath, ...], Field(strict=False, max_length=64)] = ()


class Content(WireModel):
    """Base of what a category holds. `asks` names the facts that a question asks for."""

    asks: NonEmptyTuple[RequestedFact] | None = None
    decision: DecisionPart | None = None


class Contact(Content):
    given_name: Name | None = None
    family_name: Name | None = None
    birth_date: Day | None = None
    phone: Phone | None = None
    language: Language | None = None


class ScreeningOutcome(Content):
    outcome: Literal["stop", "attorney_to_decide", "proceed"] | None = None


class ChargeStatus(Content):
    standing: Literal["held", "filed", "not_filed", "dismissed"] | None = None
    on: Day | None = None


# Why a named human decided so. What lies behind it is told aloud, or not at all: a code can't carry it.
DeterminationReason = Literal[
    "rules",
    "new_facts",
    "seriousness",
    "safety",
    "victim",
    "health",
    "needs_more_time",
    "absent",
    "capacity",
    "person_declined",
    "agreement",
    "discretion",
]


class Determination(WireModel):
    """A named human's decision, with the reason's code; `differs` if the rules answered otherwise."""

    decision: DecisionName
    outcome: Outcome
    by: Name
    reason: DeterminationReason
    differs: bool


class DecisionOutcome(Content):
    determination: Determination | None = None


class Enrollment(Content):
    enrolled: bool | None = None
    since: Day | None = None


class IntakeStatus(Content):
    """That the intake is done, and when. There is no way to say that it isn't."""

    done_on: Day | None = None


class CaseManagerContact(Content):
    name: Name
    phone: Phone


_Domain = Literal[
    "housing",
    "income",
    "employment",
    "education",
    "family",
    "legal",
    "papers",
    "safety",
    "health_care",
    "transport",
]


class Status(Content):
    """Progress in closed form. What isn't given says nothing: there is no word for failing."""

    engagement: Literal["starting", "engaged", "meeting_goals"] | None = None
    barriers: NonEmptyTuple[_Domain] | None = None
    goals: NonEmptyTuple[_Domain] | None = None


class Grievance(Content):
    text: Text


class CareText(Content):
    """What care is free to write to care."""

    text: Text | None = None


class TestResult(CareText):
    __test__ = False  # not one of pytest's

    substance: Term | None = None
    result: Literal["positive", "negative", "invalid"] | None = None
    taken_on: Day | None = None


class ConsentTerms(Content):
    """The terms stand in the label, in clear; here only which wording the person was shown."""

    wording: Annotated[str, Field(pattern=r"^[0-9]{1,4}(\.[0-9]{1,4})?$")] | None = None


class PresentedText(WireModel):
    """A text that the person was shown: which, in which version and language."""

    id: Term
    version: Annotated[str, Field(pattern=r"^[0-9a-z.-]{1,20}$")]
    language: Language


class SignedForm(WireModel):
    """The form behind a consent (42 CFR 2.31), and how it came about: who explained it, where, and what the person was free to
    do.

    `in_custody`, `time_to_think` and `copy_given` have no default: whoever collects a consent must answer them. Nothing here
    can make one kind of information the price of another, or of the program.
    """

    name: Name
    signed_on: Day
    method: Literal["paper", "electronic", "mark"]
    explained_by: Name
    witness: Name | None
    place: Name
    language: Language
    interpreter: Name | None = None
    in_custody: bool
    time_to_think: bool
    copy_given: bool
    texts: NonEmptyTuple[PresentedText]
    representative: Name | None = None
    authority: Text | None = None
    scan: Hex | None = None

    @model_validator(mode="after")
    def _whole(self) -> SignedForm:
        if (self.representative is None) != (self.authority is None):
            raise ValueError("a representative signs by an authority, and nobody else does")
        return self


class Cause(WireModel):
    """Why a consent was changed, and how that was said: for the collector and counsel alone."""

    said: Literal["in_writing", "aloud"]
    said_on: Day
    text: Text | None = None


class ConsentIdentity(Content):
    form: SignedForm | None = None
    cause: Cause | None = None

    @model_validator(mode="after")
    def _whole(self) -> ConsentIdentity:
        if (self.form is None) == (self.cause is None):
            raise ValueError("either the signed form or a cause of change stands here")
        return self


class AccountRow(WireModel):
    to: AgencyId
    category: Term
    on: Day
    purpose: Term
    basis: Term
    opened: bool


class DisclosureAccount(Content):
    rows: Annotated[tuple[AccountRow, ...], Field(strict=False, max_length=4096)]


class EmergencyForm(WireModel):
    """42 CFR 2.51(c): to whom, by whom, and what the emergency was."""

    recipient: Name
    discloser: Name
    nature: Literal["overdose", "withdrawal", "injury", "illness", "danger_to_self", "other"]
    at: Instant


class Health(CareText):
    # Here and not with what runs the exchange, which anybody may be sent: it says what befell a person.
    emergency: EmergencyForm | None = None


# Why a recalled part is kept, or how one was misused.
RecallReason = Literal[
    "law",
    "court_order",
    "care",
    "duty_to_keep",
    "used_against_person",
    "passed_on",
    "kept_too_long",
]


class Operation(Content):
    """Ids, digests and codes that run the exchange."""

    obligations: NonEmptyTuple[Obligation] | None = None
    answer: Literal["deleted", "retained"] | None = None
    reason: RecallReason | None = None
    digest: Hex | None = None


CATEGORY_MODELS: dict[str, type[Content]] = {
    "contact": Contact,
    "screening_outcome": ScreeningOutcome,
    "charge_status": ChargeStatus,
    "decision_outcome": DecisionOutcome,
    "enrollment": Enrollment,
    "intake_status": IntakeStatus,
    "case_manager_contact": CaseManagerContact,
    "status": Status,
    "grievance": Grievance,
    "plan": CareText,
    "service": CareText,
    "progress": CareText,
    "attendance": CareText,
    "substance_use": CareText,
    "test_result": TestResult,
    "treatment": CareText,
    "health": Health,
    "counseling_note": CareText,
    "consent_terms": ConsentTerms,
    "consent_identity": ConsentIdentity,
    "disclosure_account": DisclosureAccount,
    "operation": Operation,
}
