"""The fields of a generated form, from an operation's questions, and its answers from a sent form.

A new fact, choice, or category of a pack appears here with no code: each question is asked in the
vocabulary's own words, with its choices, and "I can't tell" wherever it may be unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from offramp.asking import Dialog, Question, read_answer
from offramp.console.agency.visit import Invalid, Visit
from rules.errors import Refusal
from rules.frozen import frozen

CANT_TELL = "not known"
_YES_OR_NO = (("yes", "Yes"), ("no", "No"))
_LONGEST = 22  # characters of a label that fits half a phone's width


@frozen
class AskedField:
    """A question as the macro `ask` of `parts.html` shows it."""

    name: str
    text: str
    hint: str | None
    choices: tuple[tuple[str, str], ...]
    several: bool
    columns: bool
    optional: bool
    may_be_unknown: bool
    inputmode: str | None


def fields_of(questions: Sequence[Question], language: str = "en") -> tuple[AskedField, ...]:
    """Return the fields of a page, one for each question."""
    return tuple(_field_of(question, language) for question in questions)


def _field_of(question: Question, language: str) -> AskedField:
    form = question.form
    choices = [(choice.word, choice.label) for choice in form.choices]
    if form.type == "bool":
        choices = list(_YES_OR_NO)
    is_text = not choices
    if choices and form.may_be_unknown:
        choices.append((CANT_TELL, "I can’t tell"))
    hint = question.help
    if is_text and form.type in ("date", "timestamp", "int", "decimal", "citation"):
        how = form.how(language).partition(";")[0]
        hint = f"{hint}: {how}" if hint else how[:1].upper() + how[1:]
    return AskedField(
        question.name,
        question.text,
        hint,
        tuple(choices),
        form.type == "choices",
        all(len(label) <= _LONGEST for _, label in choices),
        form.may_be_empty,
        form.may_be_unknown and is_text,
        "numeric" if form.type in ("int", "size") else None,
    )


def read_answers(
    questions_after: Callable[[Mapping[str, Any]], Sequence[Question]],
    visit: Visit,
    typed: Mapping[str, Sequence[str]] | None = None,
    language: str = "en",
) -> dict[str, Any]:
    """Return the answers of a form by question, as `offramp.asking` returns them.

    `questions_after` gives the questions after some answers. `typed` are the texts by field, those
    of the sent form unless they are given. A question that the form didn't show yet stays open.
    Raises `Invalid` with a sentence for each field.
    """
    fields = visit.answers if typed is None else typed
    answers: dict[str, Any] = {}
    faults: dict[str, str] = {}
    while True:
        asked = [question for question in questions_after(answers) if question.name not in answers]
        sent = [question for question in asked if question.name not in faults]
        sent = [question for question in sent if _was_shown(question, fields)]
        if not sent:
            break
        for question in sent:
            try:
                dialog = Dialog(language, visit.zone.key)
                answers[question.name] = read_answer(question, _typed(question, fields), dialog)
            except Refusal as refusal:
                faults[question.name] = f"{refusal.message}: {refusal.fix}".replace("`", "")
                answers.pop(question.name, None)
    if faults:
        raise Invalid(faults)
    return answers


def _was_shown(question: Question, fields: Mapping[str, Sequence[str]]) -> bool:
    """Report whether a field came with the form: radio buttons that nobody chose don't."""
    return question.name in fields.get("asked", ()) or bool(fields.get(question.name))


def _typed(question: Question, fields: Mapping[str, Sequence[str]]) -> str:
    """Return an answer as it would be typed."""
    chosen = fields.get(question.name, ())
    if fields.get(f"{question.name}.unknown"):
        return CANT_TELL
    if question.form.type == "choices":
        return CANT_TELL if CANT_TELL in chosen else ", ".join(chosen) or "none"
    return chosen[0].strip() if chosen else ""
