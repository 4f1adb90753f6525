"""The next step after a ruling, in the pack's words."""

from __future__ import annotations

from collections.abc import Mapping

from rules.decide.questions import list_needed
from rules.decide.ruling import Ruling
from rules.decide.wording import fill_in, role_name
from rules.packs.pack import Wording

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


PERSON_NAMES = {"victim": "the victim", "parent": "a parent", "person": "the person"}
_QUESTIONS = 3  # so many are asked in the text of the step


def find_next_step(ruling: Ruling) -> dict[str, str] | None:
    """Return the next step: `who` (a role) and `text`. None if the pack has none.

    While undetermined, the text also contains the first questions to ask.
    """
    declared = ruling.program.pack.decisions.get(ruling.decision)
    if declared is None:
        return None
    if ruling.status == "undetermined":
        return _step_with_questions(ruling)
    outcomes = ruling.outcome if isinstance(ruling.outcome, list) else [str(ruling.outcome)]
    steps = [
        declared.next[outcome]
        for outcome in outcomes
        if outcome in declared.next and _applies(ruling, declared.next[outcome])
    ]
    if not steps:
        return None
    text = " ".join(_filled_in(ruling, step.text) for step in steps)
    return {"who": steps[0].who, "text": text}


def _step_with_questions(ruling: Ruling) -> dict[str, str]:
    step = find_interim_step(ruling)
    questions = [
        f"Ask {role_asked(question)}: {question['question']} (`{question['fact']}`)"
        for question in list_needed(ruling)
    ]
    sentences = [step["text"]] if step else []
    sentences += questions[:_QUESTIONS]
    if len(questions) > _QUESTIONS:
        sentences.append(f"… and {len(questions) - _QUESTIONS} more, see `needed`.")
    return {"who": step["who"] if step else ruling.decided_by, "text": " ".join(sentences)}


def role_asked(question: Mapping[str, Any]) -> str:
    """Return the role to ask, and the person whom the role asks."""
    person = question.get("of")
    role = role_name(question["ask"])
    return role if person is None else f"{role}, who asks {PERSON_NAMES[person]}"


def find_interim_step(ruling: Ruling) -> dict[str, str] | None:
    """Return the step that the pack allows while the answer is undetermined."""
    declared = ruling.program.pack.decisions.get(ruling.decision)
    step = declared.while_waiting if declared else None
    if step is None or not _applies(ruling, step):
        return None
    return {"who": step.who, "text": _filled_in(ruling, step.text)}


def _applies(ruling: Ruling, step: Wording) -> bool:
    """Return True if the step is in force on the ruling's day, or the day isn't known."""
    return ruling.as_of is None or step.in_force(ruling.as_of)


def _filled_in(ruling: Ruling, text: str) -> str:
    return ruling.segment.filled_in(text) if ruling.segment else fill_in(None, text)
