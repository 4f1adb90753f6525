"""Categories of content: a closed model each, without the facts that the vocabulary adds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from exchange.models import AgencyId, Day, Handle, NonEmptyTuple, ShortId, Term, WireModel
from exchange.records.field_types import (
    DecisionName,
    FactPath,
    FinerWord,
    Hex,
    Instant,
    Language,
    MissingFact,
    Name,
    Obligation,
    Outcome,
    Phone,
    PlaceName,
    RequestedFact,
    Role,
    SigningPlace,
    Text,
    WholeName,
)
from rules.shelf import vocabulary

# The vocabulary fixes the words of forms: `Literal` takes them as data.
_WORDS = vocabulary().closed_words
_Engagement: Any = Literal[tuple(_WORDS["engagement"])]
_AreaOfLife: Any = Literal[tuple(_WORDS["area_of_life"])]
_MeetingStep: Any = Literal[tuple(_WORDS["meeting_step"])]
_Incident: Any = Literal[tuple(_WORDS["incident"])]
_AgainstWhat: Any = Literal[tuple(_WORDS["against_what"])]
_Counted: Any = Literal[tuple(_WORDS["counted"])]
_Waited: Any = Literal[tuple(_WORDS["waited"])]


class Reason(WireModel):
    """A rule that decided: its id and its outcome."""

    rule: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
    outcome: Outcome


class NeededFact(WireModel):
    """A missing fact, and the role to ask for it."""

    fact: MissingFact
    ask: Role


class SourcePart(WireModel):
    """A part of a record with a fact that was read."""

    record: Handle
    part: ShortId


class DecisionPart(WireModel):
    """The rules' answer, as far as it concerns this part's categories.

    There is no digest of the facts, because a digest could be guessed. `now` is the time given to
    the rules. `rests_on` are the parts, of these categories, with the facts that were read.
    `unshown` are the facts of these categories that were read and are in no record. `untold` are
    events that the issuer may not disclose. So a recipient of those parts can repeat the decision
    and sees which facts are missing for it.
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


class MeetingStep(WireModel):
    """A step that a meeting agreed on: what, for which role, until which day.

    The closed words make it no place for anything else.
    """

    step: _MeetingStep
    owner: Role
    until: Day | None = None


class Content(WireModel):
    """Base class of a category's content.

    `asks` are the facts that a question asks for, `steps` those that a meeting agreed on.
    """

    asks: NonEmptyTuple[RequestedFact] | None = None
    decision: DecisionPart | None = None
    steps: NonEmptyTuple[MeetingStep] | None = None


def _require_without_facts(content: Content, *members: str) -> None:
    """Require members of a content that states no facts. With some of them, it needs them all."""
    missing = [name for name in members if getattr(content, name) is None]
    if missing and (len(missing) < len(members) or not getattr(content, "facts", None)):
        raise ValueError(f"`{missing[0]}` is missing")


class Contact(Content):
    """The person's name, birth date, phone number, and language."""

    given_name: Name | None = None
    family_name: Name | None = None
    birth_date: Day | None = None
    phone: Phone | None = None
    language: Language | None = None


def _check_own(name: str) -> str:
    if name in vocabulary().decisions:
        raise ValueError("all packs share this decision, and it has a form of its own")
    return name


class RecordAnswer(WireModel):
    """The outcome of a pack's own decision on records, without any reason."""

    decision: Annotated[FinerWord, AfterValidator(_check_own)]
    outcome: FinerWord


class ScreeningOutcome(Content):
    """The outcome of the screening, or of a pack's own decision on records, without its reasons."""

    outcome: Literal["stop", "attorney_to_decide", "proceed"] | None = None
    record: RecordAnswer | None = None


class ChargeStatus(Content):
    """The status of the charge, and since which day."""

    standing: Literal["held", "filed", "not_filed", "dismissed", "sealed"] | None = None
    on: Day | None = None


# The reason of a determination. Details are given orally or not at all: a code can't carry them.
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
    """A named person's decision, with a code for the reason.

    `differs` is true if the rules answered otherwise.
    """

    decision: DecisionName
    outcome: Outcome
    by: Name
    reason: DeterminationReason
    differs: bool


class DecisionOutcome(Content):
    """The outcome of a decision that a named person made."""

    determination: Determination | None = None


class Enrollment(Content):
    """The person's enrollment in the program."""

    enrolled: bool | None = None
    since: Day | None = None


class IntakeStatus(Content):
    """The day of a finished intake. An unfinished intake can't be expressed."""

    done_on: Day | None = None


class CaseManagerContact(Content):
    """The name and phone number of the case manager, or facts of the program's pack alone."""

    name: Name | None = None
    phone: Phone | None = None

    @model_validator(mode="after")
    def _whole(self) -> CaseManagerContact:
        _require_without_facts(self, "name", "phone")
        return self


class Status(Content):
    """The engagement, in one closed word. An absent word has no meaning: no word means failure.

    `meeting_on` is the day of a meeting, in the agenda that asks for the word.
    """

    engagement: _Engagement | None = None
    meeting_on: Day | None = None


class Barriers(Content):
    """Areas of life where something is in the way, and the areas of the person's goals.

    They are apart from `status`, because police may never have them, and any other agency only by
    a consent of its own.
    """

    areas: NonEmptyTuple[_AreaOfLife] | None = None
    goals: NonEmptyTuple[_AreaOfLife] | None = None


class Grievance(Content):
    """A grievance in the person's words, or facts of the program's pack alone."""

    text: Text | None = None

    @model_validator(mode="after")
    def _whole(self) -> Grievance:
        _require_without_facts(self, "text")
        return self


class PremisesCrime(Content):
    """A crime on a Part 2 program's premises or against its staff (42 CFR 2.12(c)(5)).

    Police may be told the incident, and who the person is and was last seen where. The incident
    is one closed word and a day: nothing that the person said in care fits in.
    """

    incident: _Incident
    against: _AgainstWhat
    on: Day
    name: Name | None = None
    address: PlaceName | None = None
    last_known_whereabouts: PlaceName | None = None

    @model_validator(mode="after")
    def _nothing_else(self) -> PremisesCrime:
        if self.asks or self.decision or self.steps:
            raise ValueError("it contains the incident and the person, and nothing else")
        return self


class CareText(Content):
    """Free text, which only care agencies write and receive."""

    text: Text | None = None


class TestResult(CareText):
    """The result of a drug test."""

    __test__ = False  # not one of pytest's

    substance: Term | None = None
    result: Literal["positive", "negative", "invalid"] | None = None
    taken_on: Day | None = None


class ConsentTerms(Content):
    """The wording that the person read. The terms themselves are in the clear label."""

    wording: Annotated[str, Field(pattern=r"^[0-9]{1,4}(\.[0-9]{1,4})?$")] | None = None


class PresentedText(WireModel):
    """A text that the person read: its id, version, and language."""

    id: Term
    version: Annotated[str, Field(pattern=r"^[0-9a-z.-]{1,20}$")]
    language: Language


class SignedForm(WireModel):
    """The signed form behind a consent (42 CFR 2.31), and the circumstances of signing.

    `in_custody`, `time_to_think`, and `copy_given` have no default, so the collector must answer
    them. No member can make one kind of information the price of another, or of the program.
    """

    name: WholeName
    signed_on: Day
    method: Literal["paper", "electronic", "mark", "typed", "drawn"]
    explained_by: Name
    witness: Name | None
    place: SigningPlace
    language: Language
    interpreter: Name | None = None
    in_custody: bool
    time_to_think: bool
    copy_given: bool
    texts: NonEmptyTuple[PresentedText]
    representative: WholeName | None = None
    authority: Text | None = None
    scan: Hex | None = None

    @model_validator(mode="after")
    def _whole(self) -> SignedForm:
        if (self.representative is None) != (self.authority is None):
            raise ValueError("a representative needs an authority, and no other signer has one")
        return self


class Cause(WireModel):
    """The cause of a change to a consent, for the collector and counsel only."""

    said: Literal["in_writing", "aloud"]
    said_on: Day
    text: Text | None = None


class ConsentIdentity(Content):
    """The signed form of a consent, or the cause of a change."""

    form: SignedForm | None = None
    cause: Cause | None = None

    @model_validator(mode="after")
    def _whole(self) -> ConsentIdentity:
        if (self.form is None) == (self.cause is None):
            raise ValueError("it needs either the signed form or a cause of change")
        return self


class AccountRow(WireModel):
    """A disclosure in an account: recipient, category, day, purpose, basis, and opened or not."""

    to: AgencyId
    category: Term
    on: Day
    purpose: Term
    basis: Term
    opened: bool


class DisclosureAccount(Content):
    """An account of disclosures for the person."""

    rows: Annotated[tuple[AccountRow, ...], Field(strict=False, max_length=4096)]


class EmergencyForm(WireModel):
    """Documentation of an emergency (42 CFR 2.51(c)): recipient, discloser, nature, and time."""

    recipient: Name
    discloser: Name
    nature: Literal["overdose", "withdrawal", "injury", "illness", "danger_to_self", "other"]
    at: Instant


class Health(CareText):
    # Not in `operation`, which any agency may receive: it describes what happened to a person.
    """Health information, and the documentation of an emergency."""

    emergency: EmergencyForm | None = None


# The reason to keep a recalled part, or the kind of a misuse.
RecallReason = Literal[
    "law",
    "court_order",
    "care",
    "duty_to_keep",
    "used_against_person",
    "passed_on",
    "kept_too_long",
]


# The id of a rule or a reason, or the name of a grouping or a group of a pack.
_CountedName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class CountRow(WireModel):
    """One number of a report: what was counted, of which group, and how many.

    Without `count` it is hidden. `detail` is a reason or the id of a rule.
    """

    measure: _Counted
    decision: DecisionName | None = None
    detail: _CountedName | None = None
    grouping: _CountedName | None = None
    group: _CountedName | None = None
    count: Annotated[int, Field(ge=0, le=10**9)] | None = None


class WaitRow(WireModel):
    """Times of waiting in whole hours: the quartiles and the median. A missing one is hidden."""

    measure: _Waited
    decision: DecisionName | None = None
    grouping: _CountedName | None = None
    group: _CountedName | None = None
    lower: Annotated[int, Field(ge=0, le=10**6)] | None = None
    median: Annotated[int, Field(ge=0, le=10**6)] | None = None
    upper: Annotated[int, Field(ge=0, le=10**6)] | None = None


class QuarterCounts(WireModel):
    """An agency's counts of one quarter, about no person. Small counts were hidden before.

    `version` is 1 for the first publication of the quarter. A later one replaces it.
    """

    quarter: Annotated[str, Field(pattern=r"^2[0-9]{3}Q[1-4]$")]
    version: Annotated[int, Field(ge=1, le=100)]
    rows: Annotated[tuple[CountRow, ...], Field(strict=False, max_length=2048)]
    waits: Annotated[tuple[WaitRow, ...], Field(strict=False, max_length=256)] = ()


class EndedParts(WireModel):
    """An agency's statement that it ended its parts of a case, and what ended them.

    `on` is the day of the cause. `ended` counts the parts of the case that the agency destroyed,
    without those in its earlier statement about another cause. `kept_until` is the last day of what
    it still keeps, absent if that is nothing.
    """

    because: Literal["dismissed", "sealed", "completed"]
    on: Day
    ended: Annotated[int, Field(ge=0, le=10**6)]
    kept_until: Day | None = None


class Operation(Content):
    """Ids, digests, codes, and counts that run the exchange."""

    obligations: NonEmptyTuple[Obligation] | None = None
    answer: Literal["deleted", "retained"] | None = None
    reason: RecallReason | None = None
    digest: Hex | None = None
    counts: QuarterCounts | None = None
    sealed: EndedParts | None = None


CATEGORY_MODELS: dict[str, type[Content]] = {
    "contact": Contact,
    "screening_outcome": ScreeningOutcome,
    "charge_status": ChargeStatus,
    "decision_outcome": DecisionOutcome,
    "enrollment": Enrollment,
    "intake_status": IntakeStatus,
    "case_manager_contact": CaseManagerContact,
    "status": Status,
    "barriers": Barriers,
    "grievance": Grievance,
    "premises_crime": PremisesCrime,
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
