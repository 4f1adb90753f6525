"""Checks of a content against its record: kind, categories, issuer, and the person's answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from exchange.errors import ContentError, shorten
from exchange.models import validate
from exchange.records.categories import Content, DecisionOutcome, Operation, SignedForm
from exchange.records.content import content_models
from exchange.records.field_types import NON_FACTS
from rules.shelf import vocabulary

# What runs the exchange holds a code only where its kind is about one: elsewhere it could say why.
_CODES = {
    "obligations": ("acknowledgement",),
    "answer": ("recall_answer",),
    "reason": ("recall_answer", "misuse_complaint"),
    "digest": ("pack_adoption", "directory_change", "court_order_disclosure"),
}


def check_content(kind: str, categories: Sequence[str], value: Any) -> None:
    """Holds if a part's content has exactly these categories, each as its model wants it.

    Raises `ContentError` `wrong-content`.
    """
    if not isinstance(value, dict) or set(value) != set(categories):
        raise ContentError(
            "wrong-content",
            f"a part of `{shorten(', '.join(categories))}` doesn't hold just that",
            fix="key it by its categories",
        )
    for category in categories:
        model = content_models().get(category)
        if model is None:
            raise ContentError(
                "wrong-content", f"`{shorten(category)}` never travels", fix="leave it out"
            )
        try:
            made = validate(model, value[category], f"the content of `{category}`")
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
            raise _wrong(category, f"`{shorten(path)}` is none of its facts")
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
        if path in NON_FACTS:
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


def check_refusal(answer: str | None, value: Mapping[str, Any]) -> None:
    """Holds unless something is told together with the person's no. Raises `ContentError` `wrong-content`."""
    if answer == "declined" and any(value.values()):
        raise _wrong(
            next(name for name, value_ in value.items() if value_),
            "who says no is told of no further",
        )


def check_form(value: Any, *, attested: Sequence[str], signer: str, asked: str) -> SignedForm:
    """The signed form behind a consent, if it is one and bears out what the label attests (42 CFR 2.31(a)).

    `asked` is the day on which it is used. Raises `ContentError` `wrong-content`.
    """
    form = validate(SignedForm, value, "the signed form")
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


def check_part_content(
    kind_name: str, role: str, category: Sequence[str], answer: str | None, value: Any
) -> None:
    """A content is what its kind, issuer and statement let it be. Raises `ContentError` `wrong-content`."""
    check_content(kind_name, category, value)
    check_decider(role, value)
    check_refusal(answer, value)
