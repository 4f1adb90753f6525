"""What a part may hold: one closed model for each category, so that nothing rides along that its category doesn't cover.

A part's content is an object with exactly its label's categories as keys. Facts aren't declared twice: a category's `facts` are
those that the vocabulary gives it, by their paths. What the rules answered (`decision`), and what is asked (`asks`), may stand
in any category, since reasons and questions are about something. The rest is each category's own.

No category that police or prosecutor may ever receive has free text: a closed form can't carry what was said in confidence.
`python -m exchange.records.content FOLDER` writes each model as `FOLDER/<category>.json`; a test holds the published ones to it.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
    create_model,
    model_validator,
)
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_after_validator_function

from exchange.errors import ContentError, shown
from exchange.models import AgencyId, Day, Handle, Listed, Shape, ShortId, Word, held
from rules.input.facts import fits, read_instant
from rules.input.vocabulary import Fact
from rules.shelf import vocabulary

_WORDS = vocabulary()


class _OneOf:
    """Makes of a text one of few words. A `Literal` would list them all in each refusal."""

    def __init__(self, words: Iterable[str], what: str) -> None:
        self.words, self.what = tuple(dict.fromkeys(words)), what
        self.known = frozenset(self.words)

    def check(self, text: str) -> str:
        if text not in self.known:
            raise ValueError(f"`{shown(text)}` is no {self.what}")
        return text

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "enum": [*self.words]}


# A person's name, or a place's: up to five words without digits, and no blank or line break that only looks like part of one.
_NAME_WORD = r"[^\x00-\x20!-&(-,/-@\[-`{-\xa0\xad\u1680\u2000-\u206f\u3000\ufeff]{1,24}"
_NAME = rf"^{_NAME_WORD}( {_NAME_WORD}){{0,4}}$"


def _a_name(text: str) -> str:
    # The schema's pattern can't list every letter that isn't seen.
    if len(text) > 80 or not text.isprintable() or not re.fullmatch(_NAME, text):
        raise ValueError("no name in up to five plain words")
    return text


Name = Annotated[
    str,
    AfterValidator(_a_name),
    WithJsonSchema({"type": "string", "pattern": _NAME, "maxLength": 80}),
]
Phone = Annotated[str, Field(pattern=r"^\+?[0-9][0-9 ().-]{2,23}$")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Role = Annotated[str, _OneOf(_WORDS.roles, "role")]
Decided = Annotated[str, _OneOf(_WORDS.decisions, "decision")]
Outcome = Annotated[
    str, _OneOf((one for word in _WORDS.decisions.values() for one in word.outcomes), "outcome")
]
Obligation = Annotated[str, _OneOf(_WORDS.obligations, "obligation")]
# What a decision may lack, besides a fact: another one's outcome, or the day.
_NO_FACTS = (*(f"decisions.{name}" for name in _WORDS.decisions), "now", "as_of")
_PATHS = [
    one.path
    for fact in _WORDS.facts.values()
    for one in (fact, *fact.fields.values())
    if one.category not in _WORDS.never_travels and one.known_by != "hub"
]
FactPath = Annotated[str, _OneOf(_PATHS, "fact that may be told")]
# Besides a fact, the outcome of a decision whose facts never travel is asked for.
_OUTCOMES = tuple(
    f"decisions.{name}" for name, word in _WORDS.decisions.items() if word.reads_criminal_history
)
AskedFor = Annotated[str, _OneOf((*_PATHS, *_OUTCOMES), "fact that may be told")]
Lacking = Annotated[str, _OneOf((*_PATHS, *_NO_FACTS), "fact that may be told")]
# A section of law: whose, in three short words at most, its number, and what of it (`NY PL 220.03`, `21 U.S.C. 844 (a)`).
Code = Annotated[
    str,
    Field(
        pattern=r"^([A-Za-z0-9.§]{1,6} ){0,3}[A-Z]{0,3}[0-9§][A-Za-z0-9.:()/§-]{0,23}( \([A-Za-z0-9]{1,4}\)){0,3}$",
        max_length=40,
    ),
]
Text = Annotated[str, Field(min_length=1, max_length=4000)]


def _an_instant(text: str) -> str:
    if read_instant(text) is None:
        raise ValueError("no such time")
    return text


Instant = Annotated[
    str, AfterValidator(_an_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]


# In any category


class Reason(Shape):
    """A rule that decided, by its id, and which way."""

    rule: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
    outcome: Outcome


class Needed(Shape):
    """A fact that is missing, and which role knows it."""

    fact: Lacking
    ask: Role


class RestsOn(Shape):
    """A part of a record that holds a fact which was read."""

    record: Handle
    part: ShortId


class DecisionPart(Shape):
    """What the rules answered, as far as this part's categories go. No digest of the facts: it could be guessed back.

    `now` is the time that the rules were given. `rests_on` are the parts, of these categories, whose facts were read;
    `unshown` the facts of these categories that were read and stand in no record; `untold` the events that nobody may tell who
    answers. So whoever holds those parts can work out the answer again, and sees what is missing for it.
    """

    decision: Decided
    status: Literal["decided", "undetermined"]
    outcome: Outcome | Listed[Outcome] | None = None
    pack: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    as_of: Day | None = None
    now: Instant | None = None
    reasons: Annotated[tuple[Reason, ...], Field(strict=False, max_length=64)] = ()
    needed: Annotated[tuple[Needed, ...], Field(strict=False, max_length=64)] = ()
    rests_on: Annotated[tuple[RestsOn, ...], Field(strict=False, max_length=64)] = ()
    unshown: Annotated[tuple[FactPath, ...], Field(strict=False, max_length=64)] = ()
    untold: Annotated[tuple[FactPath, ...], Field(strict=False, max_length=64)] = ()


class Content(Shape):
    """Base of what a category holds. `asks` names the facts that a question asks for."""

    asks: Listed[AskedFor] | None = None
    decision: DecisionPart | None = None


# Category by category


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
DeterminedFor = Literal[
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


class Determination(Shape):
    """A named human's decision, with the reason's code; `differs` if the rules answered otherwise."""

    decision: Decided
    outcome: Outcome
    by: Name
    reason: DeterminedFor
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
    barriers: Listed[_Domain] | None = None
    goals: Listed[_Domain] | None = None


class Grievance(Content):
    text: Text


class Told(Content):
    """What care is free to write to care."""

    text: Text | None = None


class TestResult(Told):
    __test__ = False  # not one of pytest's

    substance: Word | None = None
    result: Literal["positive", "negative", "invalid"] | None = None
    taken_on: Day | None = None


class ConsentTerms(Content):
    """The terms stand in the label, in clear; here only which wording the person was shown."""

    wording: Annotated[str, Field(pattern=r"^[0-9]{1,4}(\.[0-9]{1,4})?$")] | None = None


class TextShown(Shape):
    """A text that the person was shown: which, in which version and language."""

    id: Word
    version: Annotated[str, Field(pattern=r"^[0-9a-z.-]{1,20}$")]
    language: Language


class SignedForm(Shape):
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
    texts: Listed[TextShown]
    representative: Name | None = None
    authority: Text | None = None
    scan: Hex | None = None

    @model_validator(mode="after")
    def _whole(self) -> SignedForm:
        if (self.representative is None) != (self.authority is None):
            raise ValueError("a representative signs by an authority, and nobody else does")
        return self


class Cause(Shape):
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


class AccountRow(Shape):
    to: AgencyId
    category: Word
    on: Day
    purpose: Word
    basis: Word
    opened: bool


class DisclosureAccount(Content):
    rows: Annotated[tuple[AccountRow, ...], Field(strict=False, max_length=4096)]


class EmergencyForm(Shape):
    """42 CFR 2.51(c): to whom, by whom, and what the emergency was."""

    recipient: Name
    discloser: Name
    nature: Literal["overdose", "withdrawal", "injury", "illness", "danger_to_self", "other"]
    at: Instant


class Health(Told):
    # Here and not with what runs the exchange, which anybody may be sent: it says what befell a person.
    emergency: EmergencyForm | None = None


# Why a recalled part is kept, or how one was misused.
Why = Literal[
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

    obligations: Listed[Obligation] | None = None
    answer: Literal["deleted", "retained"] | None = None
    reason: Why | None = None
    digest: Hex | None = None


# What runs the exchange holds a code only where its kind is about one: elsewhere it could say why.
_CODES = {
    "obligations": ("acknowledgement",),
    "answer": ("recall_answer",),
    "reason": ("recall_answer", "misuse_complaint"),
    "digest": ("pack_adoption", "directory_change", "court_order_disclosure"),
}


_OWN: dict[str, type[Content]] = {
    "contact": Contact,
    "screening_outcome": ScreeningOutcome,
    "charge_status": ChargeStatus,
    "decision_outcome": DecisionOutcome,
    "enrollment": Enrollment,
    "intake_status": IntakeStatus,
    "case_manager_contact": CaseManagerContact,
    "status": Status,
    "grievance": Grievance,
    "plan": Told,
    "service": Told,
    "progress": Told,
    "attendance": Told,
    "substance_use": Told,
    "test_result": TestResult,
    "treatment": Told,
    "health": Health,
    "counseling_note": Told,
    "consent_terms": ConsentTerms,
    "consent_identity": ConsentIdentity,
    "disclosure_account": DisclosureAccount,
    "operation": Operation,
}


@cache
def models() -> Mapping[str, type[Content]]:
    """The model of every category that may travel."""
    words = vocabulary()
    found = {}
    for category in words.categories:
        if category in words.never_travels:
            continue
        own = _OWN.get(category, Content)
        facts = {
            path: fact
            for path, fact in words.facts.items()
            if fact.category == category and fact.known_by != "hub"
        }
        title = "".join(part.title() for part in category.split("_"))
        added: dict[str, Any] = (
            {"facts": (_facts(f"{title}Facts", facts) | None, None)} if facts else {}
        )
        found[category] = create_model(
            f"{title}Content", __base__=own, __doc__=words.categories[category], **added
        )
    return found


def check_content(kind: str, categories: Sequence[str], value: Any) -> None:
    """Holds if a part's content has exactly these categories, each as its model wants it.

    Raises `ContentError` `wrong-content`.
    """
    if not isinstance(value, dict) or set(value) != set(categories):
        raise ContentError(
            "wrong-content",
            f"a part of `{shown(', '.join(categories))}` doesn't hold just that",
            fix="key it by its categories",
        )
    for category in categories:
        model = models().get(category)
        if model is None:
            raise ContentError(
                "wrong-content", f"`{shown(category)}` never travels", fix="leave it out"
            )
        try:
            made = held(model, value[category], f"the content of `{category}`")
        except ContentError as error:
            raise ContentError("wrong-content", error.message, fix=error.fix) from None
        _check_kind(kind, category, categories, made)


def _check_kind(kind: str, category: str, categories: Sequence[str], made: Content) -> None:
    """A question asks and tells nothing, since it is decided as its answer would be; nothing else asks, or answers by rules."""
    words = vocabulary()
    if (made.asks is not None) != (kind == "question") or (
        kind == "question" and made.model_fields_set != {"asks"}
    ):
        raise _wrong(
            category, "a question asks for facts and holds nothing else, and nothing else asks"
        )
    for path in made.asks or ():
        # A list's field is asked for by its own name, and told with the whole list.
        fact = words.facts.get(path) or words.facts.get(path.rpartition(".")[0])
        if (fact.category if fact else "screening_outcome") != category:
            raise _wrong(category, f"`{shown(path)}` is none of its facts")
    for name in sorted(made.model_fields_set) if isinstance(made, Operation) else ():
        if kind not in _CODES.get(name, (kind,)):
            raise _wrong(category, f"a `{kind}` holds no `{name}`")
    determined = made.determination if isinstance(made, DecisionOutcome) else None
    if determined is not None:
        _check_outcome(category, categories, determined.decision, determined.outcome)
    part = made.decision
    if part is None:
        return
    if kind != "decision":
        raise _wrong(category, "what the rules answered stands in a record of a decision")
    outcomes = (part.outcome,) if isinstance(part.outcome, str) else part.outcome or ()
    for outcome in (*outcomes, *(reason.outcome for reason in part.reasons)):
        _check_outcome(category, categories, part.decision, outcome)
    # The rule that a record of convictions met tells what stands in it, and that never travels.
    if words.decisions[part.decision].reads_criminal_history and (
        part.reasons or part.needed or part.rests_on or part.unshown or part.untold
    ):
        raise _wrong(
            category, f"why `{part.decision}` came out so stays with whoever reads the records"
        )
    for path in (*(needed.fact for needed in part.needed), *part.unshown, *part.untold):
        if path in _NO_FACTS:
            continue
        # A list's field is asked for by its own name.
        group, _, name = path.rpartition(".")
        fact = words.facts.get(path) or words.facts[group].fields[name]
        # What is about no one, such as how many places are free, may stand anywhere.
        if fact.category not in (*categories, "operation"):
            raise _wrong(category, f"`{path}` isn't a fact to be asked for here")


def check_decider(role: str, value: Mapping[str, Any]) -> None:
    """Holds unless a checked content says that somebody else decided what is the prosecutor's alone.

    Raises `ContentError` `wrong-content`.
    """
    determined = value.get("decision_outcome", {}).get("determination")
    decided_by = vocabulary().decisions[determined["decision"]].decided_by if determined else None
    if decided_by == "prosecutor" and role != "prosecutor":
        raise _wrong(
            "decision_outcome", f"`{determined['decision']}` is the prosecutor's to decide"
        )


def check_no(answer: str | None, value: Mapping[str, Any]) -> None:
    """Holds unless something is told together with the person's no. Raises `ContentError` `wrong-content`."""
    if answer == "declined" and any(value.values()):
        raise _wrong(
            next(name for name, held_ in value.items() if held_),
            "who says no is told of no further",
        )


def check_form(value: Any, *, attested: Sequence[str], signer: str, asked: str) -> SignedForm:
    """The signed form behind a consent, if it is one and bears out what the label attests (42 CFR 2.31(a)).

    `asked` is the day on which it is used. Raises `ContentError` `wrong-content`.
    """
    form = held(SignedForm, value, "the signed form")
    if (signer == "representative") != (form.representative is not None) or (
        "authority" in attested
    ) != (form.authority is not None):
        raise ContentError(
            "wrong-form", "the form and the consent don't agree on who signed", fix=_FORM
        )
    if form.signed_on > asked:
        raise ContentError(
            "wrong-form", f"the form is signed on `{form.signed_on}`, which is to come", fix=_FORM
        )
    return form


_FORM = "have the person read and sign it, and write down what was signed"


def _check_outcome(category: str, categories: Sequence[str], decision: str, outcome: str) -> None:
    word = vocabulary().decisions[decision]
    if outcome not in word.outcomes or word.categories.get(outcome, category) not in categories:
        raise _wrong(category, f"`{outcome}` isn't an outcome to be told here")


def _wrong(category: str, why: str) -> ContentError:
    return ContentError(
        "wrong-content",
        f"the content of `{category}` is wrong: {why}",
        fix="send what its kind is for",
    )


def _facts(title: str, facts: Mapping[str, Fact]) -> type[Shape]:
    fields: dict[str, Any] = {
        path.replace(".", "__"): (
            _type(fact) | None,
            Field(None, alias=path, description=fact.question),
        )
        for path, fact in facts.items()
    }
    return create_model(
        title,
        __base__=Shape,
        __doc__="Facts by their paths; null says that one isn't known.",
        **fields,
    )


def _type(fact: Fact) -> Any:
    bounded = Field(
        ge=None if fact.low is None else float(fact.low),
        le=None if fact.high is None else float(fact.high),
        allow_inf_nan=False if fact.type == "decimal" else None,
    )
    match fact.type:
        case "bool":
            return bool
        case "int":
            return Annotated[int, bounded, AfterValidator(_a_number)]
        case "decimal":
            return Annotated[int | float, bounded, AfterValidator(_a_number)]
        case "choice":
            return Literal[fact.choices]
        case "date":
            return Day
        case "timestamp":
            return Instant
        case "list":
            title = "".join(part.title() for part in fact.path.replace(".", "_").split("_"))
            fields: dict[str, Any] = {
                "id": (
                    ShortId,
                    Field(description="Names the entry among records; the rules don't see it."),
                ),
                **{
                    name: (_type(one) | None, Field(None, description=one.question))
                    for name, one in fact.fields.items()
                },
            }
            entry: Any = create_model(f"{title}Entry", __base__=Shape, **fields)
            return Annotated[
                tuple[entry, ...], Field(strict=False, max_length=256), AfterValidator(_each_once)
            ]
    return Code


def _a_number(number: int | float) -> int | float:
    if not fits(Decimal(repr(number)) if isinstance(number, float) else number):
        raise ValueError("over 12 digits before the point or 6 after it")
    return number


def _each_once(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    if len({entry.id for entry in entries}) < len(entries):
        raise ValueError("two entries have one id")
    return entries


def schema(category: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a category's content."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **models()[category].model_json_schema(),
    }


def main(arguments: Sequence[str]) -> None:
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for category in models():
        text = json.dumps(schema(category), indent=2, ensure_ascii=False) + "\n"
        (folder / f"{category}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
