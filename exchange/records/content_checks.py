"""Checks of a content against its record: kind, categories, issuer, and the person's answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from exchange.errors import ContentError, shorten
from exchange.models import describe_fault, validate
from exchange.records.categories import (
    Content,
    DecisionOutcome,
    Operation,
    SignedForm,
    Status,
)
from exchange.records.content import content_models
from exchange.records.field_types import NON_FACTS, is_pack_path
from rules.errors import nearest
from rules.shelf import vocabulary

# An operation may contain a code only if its kind is about it, or it could reveal a reason.
_CODES = {
    "obligations": ("acknowledgement",),
    "answer": ("recall_answer",),
    "reason": ("recall_answer", "misuse_complaint"),
    "counts": ("counts",),
    "sealed": ("sealed",),
    "digest": ("pack_adoption", "directory_change", "court_order_disclosure"),
}

# Members that were in `status` before, with their names in the category `barriers`.
_MOVED = {"barriers": "areas", "goals": "goals"}


def check_content(kind: str, categories: Sequence[str], value: Any) -> None:
    """Check that a part's content has exactly these categories, each as its model requires.

    Raises `ContentError` `wrong-content`.
    """
    if not isinstance(value, dict) or set(value) != set(categories):
        raise ContentError(
            "wrong-content",
            f"a part of `{shorten(', '.join(categories))}` doesn't have exactly these categories",
            fix="key it by its categories",
        )
    for category in categories:
        model = content_models().get(category)
        if model is None:
            is_known = category in vocabulary().categories
            raise ContentError(
                "wrong-content",
                f"`{shorten(category)}` never travels"
                if is_known
                else f"`{shorten(category)}` is not a category of content",
                fix="leave it out" if is_known else nearest(category, sorted(content_models())),
            )
        _refuse_moved(category, value[category])
        try:
            content = validate(model, value[category], f"the content of `{category}`")
        except ContentError as error:
            raise ContentError("wrong-content", error.message, fix=error.fix) from None
        _check_kind(kind, category, categories, content)


def _refuse_moved(category: str, content: Any) -> None:
    """Refuse a member that was in `status` before, and name the place where it is now."""
    if category == "status" and isinstance(content, dict):
        for name in sorted(_MOVED.keys() & content.keys()):
            raise ContentError(
                "wrong-content",
                f"`{name}` is no longer in `status`, which police may receive",
                fix=f"send it as `{_MOVED[name]}` in a part of its own, of the category `barriers`",
            )


def _check_kind(kind: str, category: str, categories: Sequence[str], content: Content) -> None:
    """Check a content against the kind of its record.

    A question asks and discloses nothing, since it is decided like its answer. No other kind asks.
    Only a decision contains the rules' answer.
    """
    terms = vocabulary()
    if (content.asks is not None) != (kind == "question") or (
        kind == "question" and content.model_fields_set != {"asks"}
    ):
        raise _wrong(category, "only a question asks for facts, and it contains nothing else")
    for path in content.asks or ():
        if is_pack_path(path):  # the pack says whose category it is: `declared_facts`
            continue
        # A question names a list's field. The answer contains the whole list.
        fact = terms.facts.get(path) or terms.facts.get(path.rpartition(".")[0])
        if (fact.category if fact else "screening_outcome") != category:
            raise _wrong(category, f"`{shorten(path)}` is not one of its facts")
    for name in sorted(content.model_fields_set) if isinstance(content, Operation) else ():
        if kind not in _CODES.get(name, (kind,)):
            raise _wrong(category, f"a `{kind}` can't contain `{name}`")
    _check_meeting(kind, category, content)
    if kind == "program_facts":
        _check_own_alone(category, content)
    # A decision shows the status, and states none itself.
    if kind == "determination" and category == "status":
        if "decision_outcome" not in categories or content.model_fields_set:
            raise _wrong(category, "a decision shows the status and doesn't state it")
    determination = content.determination if isinstance(content, DecisionOutcome) else None
    if determination is not None:
        _check_outcome(category, categories, determination.decision, determination.outcome)
    decision_part = content.decision
    if decision_part is None:
        return
    if kind != "decision":
        raise _wrong(category, "only a record of a decision contains the rules' answer")
    outcomes = (
        (decision_part.outcome,)
        if isinstance(decision_part.outcome, str)
        else decision_part.outcome or ()
    )
    for outcome in (*outcomes, *(reason.outcome for reason in decision_part.reasons)):
        _check_outcome(category, categories, decision_part.decision, outcome)
    # A rule that matched a criminal history would reveal it, and a criminal history never travels.
    if terms.decisions[decision_part.decision].reads_criminal_history and (
        decision_part.reasons
        or decision_part.needed
        or decision_part.rests_on
        or decision_part.unshown
        or decision_part.untold
    ):
        raise _wrong(
            category,
            f"the reasons of `{decision_part.decision}` stay with the reader of the records",
        )
    for path in (
        *(needed.fact for needed in decision_part.needed),
        *decision_part.unshown,
        *decision_part.untold,
    ):
        if path in NON_FACTS or is_pack_path(path):
            continue
        # A question names a list's field.
        group, _, name = path.rpartition(".")
        fact = terms.facts.get(path) or terms.facts[group].fields[name]
        # A fact about no person, such as the number of free places, may be in any category.
        if fact.category not in (*categories, "operation"):
            raise _wrong(category, f"`{path}` isn't a fact of these categories")


def _check_own_alone(category: str, content: Content) -> None:
    """Check that a content has facts of the program's pack, and nothing that all packs share."""
    facts = getattr(content, "facts", None)
    if (
        content.model_fields_set != {"facts"}
        or facts is None
        or facts.model_fields_set - {*(facts.model_extra or {})}
    ):
        raise _wrong(category, "a `program_facts` contains only facts that the pack adds")


def _check_meeting(kind: str, category: str, content: Content) -> None:
    """Check that only the records of a meeting contain its steps and its day.

    A step is of the category that the rules give it, as a next step of `review` is.
    """
    if content.steps is not None and kind != "meeting_decision":
        raise _wrong(category, "only the decisions of a meeting contain `steps`")
    categories = vocabulary().decisions["review"].categories
    for step in content.steps or ():
        if categories[step.step] != category:
            raise _wrong(category, f"`{step.step}` is no step of this category")
    if kind == "meeting_agenda" and content.model_fields_set != {"meeting_on"}:
        raise _wrong(category, "the agenda of a meeting contains its day, and nothing else")
    if isinstance(content, Status) and content.meeting_on and kind != "meeting_agenda":
        raise _wrong(category, "only the agenda of a meeting contains `meeting_on`")


def check_decider(role: str, value: Mapping[str, Any]) -> None:
    """Check that only the prosecutor reports a decision that is the prosecutor's alone.

    Raises `ContentError` `wrong-content`.
    """
    determination = value.get("decision_outcome", {}).get("determination")
    decided_by = (
        vocabulary().decisions[determination["decision"]].decided_by if determination else None
    )
    if decided_by == "prosecutor" and role != "prosecutor":
        raise _wrong(
            "decision_outcome", f"`{determination['decision']}` is for the prosecutor to decide"
        )


def may_be_told(role: str | None, value: Mapping[str, Any]) -> bool:
    """Return whether an agency of this role may receive this content, as far as the form decides.

    To police, the status is the engagement word alone. The rules read the categories of a label,
    and the hub can read no content. So the gateways of the issuer and the recipient hold this.
    """
    status = value.get("status") or {}
    return role != "police" or status.keys() <= {"engagement"}


def check_recipient(role: str | None, value: Mapping[str, Any]) -> None:
    """Check that an agency of this role may receive this content.

    Raises `ContentError` `wrong-content`.
    """
    if not may_be_told(role, value):
        raise ContentError(
            "wrong-content",
            "the content of `status` is wrong: police receive `engagement` alone",
            fix="leave police out, or send police a part with the engagement word alone",
        )


def check_refusal(answer: str | None, value: Mapping[str, Any]) -> None:
    """Check that a declined offer comes without any content.

    Raises `ContentError` `wrong-content`.
    """
    if answer == "declined" and any(value.values()):
        raise _wrong(
            next(name for name, value_ in value.items() if value_),
            "a declined offer comes without content",
        )


def check_form(value: Any, *, attested: Sequence[str], signer: str, today: str) -> SignedForm:
    """Return the signed form behind a consent if it matches the label (42 CFR 2.31(a)).

    `today` is the day of its use, an ISO date. Raises `ContentError` `wrong-shape`, `wrong-form`.
    """
    form = validate(SignedForm, value, "the signed form")
    if (signer == "representative") != (form.representative is not None) or (
        "authority" in attested
    ) != (form.authority is not None):
        raise ContentError(
            "wrong-form", "the form and the consent name different signers", fix=_FORM
        )
    if form.signed_on > today:
        raise ContentError(
            "wrong-form", f"the form is signed on `{form.signed_on}`, a later day", fix=_FORM
        )
    return form


def form_faults(members: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with members of a signed form, by member, as part of a sentence.

    They are read as `check_form` reads them, so that a form can be checked before it is signed. A
    member that isn't given yet is no fault.
    """
    try:
        SignedForm.model_validate(members)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        named = ((str(fault["loc"][0]), fault) for fault in faults if fault["loc"])
        return {name: describe_fault(fault) for name, fault in named if name in members}
    return {}


_FORM = "have the person read and sign the form, and record it as signed"


def _check_outcome(category: str, categories: Sequence[str], decision: str, outcome: str) -> None:
    decision_term = vocabulary().decisions[decision]
    if (
        outcome not in decision_term.outcomes
        or decision_term.categories.get(outcome, category) not in categories
    ):
        raise _wrong(category, f"`{outcome}` isn't an outcome of these categories")


def _wrong(category: str, why: str) -> ContentError:
    return ContentError(
        "wrong-content",
        f"the content of `{category}` is wrong: {why}",
        fix="send only the content of its kind",
    )


def check_part_content(
    kind_name: str, role: str, category: Sequence[str], answer: str | None, value: Any
) -> None:
    """Check a content against its kind, issuer, and statement.

    Raises `ContentError` `wrong-content`.
    """
    check_content(kind_name, category, value)
    check_decider(role, value)
    check_refusal(answer, value)
