"""The fields of a generated form, from an operation's questions, and its answers from a sent form.

A new fact, choice, or category of a pack appears here with no code: each question is asked in the
vocabulary's own words, with its choices, and "I can't tell" wherever it may be unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from offramp.agency import operations
from offramp.asking import Dialog, Question, fault_text, local_time, read_texts
from offramp.console.agency.visit import Invalid, Visit
from rules.errors import Refusal
from rules.frozen import frozen

# The fields of a form by name, each with all its texts.
Typed = Mapping[str, Sequence[str]]

CANT_TELL = "not known"
# The field that names each question of a form, and the end of the name of its "I can't tell".
_ASKED, _UNKNOWN = "asked", ".unknown"
_ONE_MORE = "Is there one you can’t name? Tick “I can’t tell” as well."
_YES_OR_NO = (("yes", "Yes"), ("no", "No"))
# The number of entries of a list. More are added one by one.
_COUNTS = ("None", "One", "Two", "Three", "Four", "Five")
_HOW_MANY, _NEXT_PAGE = "How many?", "The next page asks about each."
_LONGEST = 22  # characters of a label that fits half a phone's width


@frozen
class AskedField:
    """A question as the macro `ask` of `parts.html` shows it.

    `given` are the texts of the answer so far, and `is_unknown` is true if it is "I can't tell".
    """

    name: str
    text: str
    hint: str | None
    choices: tuple[tuple[str, str], ...]
    several: bool
    columns: bool
    optional: bool
    may_be_unknown: bool
    inputmode: str | None
    given: tuple[str, ...]
    is_unknown: bool


def fields_of(
    questions: Sequence[Question], typed: Typed, visit: Visit, language: str = "en"
) -> tuple[AskedField, ...]:
    """Return the fields of a page, one for each question, filled in with what was typed.

    `typed` are the fields of earlier visits. What was sent last and isn't done counts before them.
    """
    latest = typed_after(typed, visit.kept)
    dialog = Dialog(language, visit.zone.key)
    return tuple(_field_of(question, latest, dialog) for question in questions)


def typed_after(earlier: Typed, sent: Typed) -> dict[str, list[str]]:
    """Return the fields of a form after it was sent once more.

    INVARIANT: of each question that the form showed, what was sent last counts, and nothing of an
    earlier visit. A box without its tick isn't sent at all, so the question is what was sent.
    """
    shown = list(sent.get(_ASKED, ()))
    again = {name for asked in shown for name in (asked, f"{asked}{_UNKNOWN}")}
    left = {name: list(texts) for name, texts in earlier.items() if name not in again}
    asked_before = earlier.get(_ASKED, ())
    newest = {name: list(texts) for name, texts in sent.items()}
    return {**left, **newest, _ASKED: list(dict.fromkeys((*asked_before, *shown)))}


def texts_of(name: str, typed: Typed) -> tuple[str, ...]:
    """Return all that was ticked and typed for a question. A question left out has no text."""
    texts = [text.strip() for text in typed.get(name, ())]
    if typed.get(f"{name}{_UNKNOWN}"):
        texts.append(CANT_TELL)
    return tuple(text for text in texts if text)


def _field_of(question: Question, typed: Typed, dialog: Dialog) -> AskedField:
    form, language = question.form, dialog.language
    given = tuple(typed.get(question.name, ()))
    if form.type == "timestamp":
        given = tuple(local_time(question, text, dialog) for text in given)
    choices = [
        (choice.word, choice.label[:1].upper() + choice.label[1:]) for choice in form.choices
    ]
    if form.type == "bool":
        choices = list(_YES_OR_NO)
    elif form.type == "size":
        choices = [(str(count), label) for count, label in enumerate(_COUNTS)]
    is_text = not choices
    if choices and form.may_be_unknown:
        choices.append((CANT_TELL, "I can’t tell"))
    hint = question.help
    if form.type == "size":
        hint = f"{hint or _HOW_MANY} {_NEXT_PAGE}"
    if form.type == "choices" and form.may_be_unknown:
        hint = _ONE_MORE
    if is_text and form.type in ("date", "timestamp", "int", "decimal", "citation", "language"):
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
        "numeric" if form.type == "int" else None,
        given,
        bool(typed.get(f"{question.name}{_UNKNOWN}")),
    )


def read_answers(
    questions_after: Callable[[Mapping[str, Any]], Sequence[Question]],
    visit: Visit,
    typed: Typed | None = None,
    language: str = "en",
    *,
    may_leave_out: bool = False,
) -> dict[str, Any]:
    """Return the answers of a form by question, as `offramp.asking` returns them.

    `questions_after` gives the questions after some answers. `typed` are the texts by field, those
    of the sent form unless they are given. A question that the form didn't show yet stays open.
    With `may_leave_out`, one without an answer has none. Raises `Invalid` with a sentence for each
    field.
    """
    fields = visit.answers if typed is None else typed
    answers, faults = _read_fields(
        questions_after, visit, fields, language, may_leave_out=may_leave_out
    )
    if faults:
        raise Invalid(faults)
    return answers


def answers_so_far(
    questions_after: Callable[[Mapping[str, Any]], Sequence[Question]], visit: Visit, typed: Typed
) -> dict[str, Any]:
    """Return the answers that a form has when it is shown, without those that are wrong."""
    return _read_fields(questions_after, visit, typed_after(typed, visit.kept), "en")[0]


def _read_fields(
    questions_after: Callable[[Mapping[str, Any]], Sequence[Question]],
    visit: Visit,
    fields: Typed,
    language: str,
    *,
    may_leave_out: bool = False,
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the answers of a form, and a sentence for each field that has none."""
    answers: dict[str, Any] = {}
    faults: dict[str, str] = {}
    left_out: set[str] = set()
    dialog = Dialog(language, visit.zone.key)
    while True:
        asked = [question for question in questions_after(answers) if question.name not in answers]
        sent = [question for question in asked if question.name not in {*faults, *left_out}]
        sent = [question for question in sent if was_shown(question, fields)]
        if not sent:
            return answers, faults
        for question in sent:
            texts = texts_of(question.name, fields)
            if not texts and (fault := _fault_of_nothing(question)) is not None:
                if may_leave_out:
                    left_out.add(question.name)
                    continue
                faults[question.name] = fault
                continue
            try:
                answers[question.name] = read_texts(question, texts, dialog)
            except Refusal as refusal:
                faults[question.name] = fault_text(
                    refusal, partial(operations.codes_in_words, names={})
                )


def fault_of(refusal: Refusal) -> str:
    """Return what is wrong with an answer and how to fix it, as its field shows it."""
    return fault_text(refusal, partial(operations.codes_in_words, names={}))


def _fault_of_nothing(question: Question) -> str | None:
    """Return the sentence for a question without an answer, None where it may have none."""
    form = question.form
    if form.type == "choices" and not form.may_be_unknown:
        return None  # nothing ticked is none of them
    if form.choices or form.type == "bool":
        return "Choose an answer"
    if form.may_be_empty:
        return None
    return "Fill this in, or say that you can’t tell" if form.may_be_unknown else None


def was_shown(question: Question, fields: Typed) -> bool:
    """Report whether a field came with the form: radio buttons that nobody chose don't."""
    return question.name in fields.get(_ASKED, ()) or bool(texts_of(question.name, fields))
