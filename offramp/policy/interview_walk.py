"""Walk an interview anew from its answers so far, for pages that keep nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import rules
from offramp.policy.decision_text import observations_of
from offramp.policy.law_age import age_of_answer
from offramp.policy.operations import start_interview
from rules.decide.interview import Interview, Question, read_answer
from rules.errors import Refusal
from rules.frozen import frozen
from rules.packs.pack import Pack
from rules.shelf import choice_labels

__all__ = ["AnswerChoice", "Answered", "InterviewWalk", "list_decisions", "walk_interview"]

MOST_ANSWERS = 200


@frozen
class AnswerChoice:
    """An answer that can be chosen: the text to send, and its label."""

    text: str
    label: str


@frozen
class Answered:
    """A question with the text of its answer, and the answer as people read it."""

    fact: str
    question: str
    text: str
    label: str


@frozen
class InterviewWalk:
    """An interview after some answers.

    `question` is the next one, None if nothing is left to ask. `choices` are its answers if they
    are few. `refusal` says why the last answer was none. `decision` is the answer so far, and
    `observations` say what nobody is asked and would change it all the same, and `age` names
    sources that are out of date, as `offramp decide` prints them.
    """

    answered: tuple[Answered, ...]
    question: Question | None
    choices: tuple[AnswerChoice, ...]
    refusal: Refusal | None
    decision: rules.Decision
    observations: tuple[str, ...]
    age: str | None


def list_decisions(pack: Pack) -> tuple[tuple[str, str], ...]:
    """Return each decision of a pack that a case can be tried on, with its question."""
    return tuple((name, declared.asks) for name, declared in pack.decisions.items())


def walk_interview(
    program: rules.Program, decision: str, answers: Sequence[tuple[str, str]], today: date
) -> InterviewWalk:
    """Return an interview after typed answers, each with the path of its fact.

    An answer to a question that is no longer asked is left out, and so are those behind it. Raises
    `Refusal` for a decision that there isn't.
    """
    interview = start_interview(program, decision)
    answered: list[Answered] = []
    refusal: Refusal | None = None
    for fact, text in answers[:MOST_ANSWERS]:
        question = next((asked for asked in interview.questions if asked.fact == fact), None)
        if question is None:
            break
        try:
            value = read_answer(question, text, interview.program.pack.time_zone)
            interview = interview.record(question, value)
        except Refusal as error:
            refusal = error
            break
        labels = {choice.text: choice.label for choice in _choices(interview, question)}
        answered.append(Answered(fact, question.text, text, labels.get(text, text)))
    question = question if refusal is not None else interview.question
    choices = _choices(interview, question) if question is not None else ()
    so_far = interview.decision
    observations = tuple(observations_of(so_far)) if question is None else ()
    age = age_of_answer(so_far, today)
    return InterviewWalk(tuple(answered), question, choices, refusal, so_far, observations, age)


def _choices(interview: Interview, question: Question) -> tuple[AnswerChoice, ...]:
    if question.type == "bool":
        return AnswerChoice("yes", "Yes"), AnswerChoice("no", "No")
    pack = interview.program.pack
    path = _field_path(question.fact)
    return tuple(AnswerChoice(word, label_of(pack, path, word)) for word in question.choices)


def _field_path(path: str) -> str:
    """Return the path of a fact without its places in lists."""
    before, _, after = path.partition("[")
    return before + after.partition("]")[2] if after else before


def label_of(pack: Pack, path: str, word: str) -> str:
    """Return the English label of a choice: the pack's, the shared one, or the word itself."""
    for labels in (pack.words.choices, choice_labels()):
        label = labels.get(path, {}).get(word)
        if label is not None:
            return label.en
    text = word.replace("_", " ")
    return text[:1].upper() + text[1:]
