"""The answers of a consent form that a person fills in: sealed in the session, and recorded late.

A draft confers nothing. It ends with the session, and nobody reads it after that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, field, replace
from typing import Any

from offramp.agency import operations
from offramp.console.agency.visit import Invalid, Visit
from rules.frozen import frozen

# How far a form is: the person answers, has signed, or has finished without a signature.
ASKING, SIGNED, FINISHED = "asking", "signed", "finished"
YES, NO = "yes", "no"


@frozen
class ConsentDraft:
    """A form in a person's hand.

    `answers` have a question's answer by its id: yes, no, or the numbers of the lines with a yes.
    `put_off` are questions to ask later. `seen_at` is the journal's last event when the form was
    opened. `version` is the text that was signed, and `signature` is how.
    """

    set_id: str
    name: str
    place: str
    interpreter: str | None
    in_custody: bool
    time_to_think: bool
    seen_at: int
    answers: Mapping[str, bool | tuple[int, ...]] = field(default_factory=dict)
    put_off: tuple[str, ...] = ()
    stage: str = ASKING
    version: str | None = None
    signature: Mapping[str, Any] = field(default_factory=dict)

    def answered(self, question: str, answer: bool | tuple[int, ...] | None) -> ConsentDraft:
        """Return the draft with a question's answer. None puts the question off."""
        answers = {name: earlier for name, earlier in self.answers.items() if name != question}
        put_off = tuple(name for name in self.put_off if name != question)
        if answer is None:
            return replace(self, answers=answers, put_off=(*put_off, question))
        return replace(self, answers={**answers, question: answer}, put_off=put_off)

    def is_decided(self, question: str) -> bool:
        """Report whether a question has an answer or was put off."""
        return question in self.answers or question in self.put_off

    def signed(self, copy_given: bool) -> operations.Signature:
        """Return how the person signed, and under which circumstances."""
        return operations.Signature(
            name=self.name,
            place=self.place,
            in_custody=self.in_custody,
            time_to_think=self.time_to_think,
            copy_given=copy_given,
            interpreter=self.interpreter,
            **self.signature,
        )


def keep_draft(visit: Visit, draft: ConsentDraft) -> None:
    """Keep a draft, sealed in the session."""
    visit.remember(_name(visit), asdict(draft))


def forget_draft(visit: Visit) -> None:
    """Forget the draft: what was answered is gone."""
    visit.remember(_name(visit), {})


def find_draft(visit: Visit) -> ConsentDraft | None:
    """Return the draft of the form in the person's hand, at whatever stage. None without one."""
    kept = visit.recall(_name(visit))
    if not visit.is_handed or not kept:
        return None
    answers = {
        name: tuple(answer) if isinstance(answer, list) else answer
        for name, answer in kept["answers"].items()
    }
    return ConsentDraft(**{**kept, "answers": answers, "put_off": tuple(kept["put_off"])})


def draft_of(visit: Visit, stages: Sequence[str] = (ASKING,)) -> ConsentDraft:
    """Return the draft of the form in the person's hand.

    Raises `Invalid`, which leads to another page: to the form's own where the draft is at another
    stage, and to staff's where no form is in anybody's hand.
    """
    draft = find_draft(visit)
    if draft is None:
        where = ("consent", "person", "leave") if visit.is_handed else ("consents",)
        raise Invalid({}, visit.address_of(visit.case, *where))
    if draft.stage not in stages:
        raise Invalid({}, visit.session.handed)
    return draft


def form_of(visit: Visit, draft: ConsentDraft) -> operations.ConsentForm:
    """Return the form as it is today, in the page's language."""
    return operations.open_consent_form(visit.office, draft.set_id, visit.lang)


def record_draft(
    visit: Visit,
    draft: ConsentDraft,
    signature: operations.Signature | None,
    lang: str,
    confirmation: operations.Confirmation | None = None,
) -> None:
    """Record the answers of a draft, in one transaction. A yes counts with a signature alone."""
    operations.record_answers(
        visit.office,
        visit.actor,
        visit.case,
        draft.set_id,
        draft.answers,
        draft.name,
        signature,
        lang,
        version=draft.version,
        seen_at=draft.seen_at,
        confirmation=confirmation,
    )


def _name(visit: Visit) -> str:
    return f"consent {visit.case}"
