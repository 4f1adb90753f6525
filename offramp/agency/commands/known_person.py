"""Ask if a person who is about to be referred is known here already.

It is asked before anything is sent, from this agency's own people alone, and without a default.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from offramp.agency import operations, people_wording
from offramp.agency.folder.office import Office
from offramp.agency.operations import Person
from offramp.agency.short_handles import short
from offramp.asking import AnswerForm, Choice, Dialog, Question, collect_answers
from offramp.terminal import print_text
from rules.errors import RequestError
from rules.frozen import frozen
from rules.input.printing import printable

_NAME, _FLAG = "known_person", "--known-person"
_SOMEONE_ELSE, _STOP = "someone_else", "stop"
_CONTACT = "contact."

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "asks": "Is it one of these people?",
        "same": "Yes: {who}. This case is listed with that one",
        "someone_else": "No, someone else",
        "stop": "It is here already. Stop, and send nothing",
        "warns": "This may be a person whom you know already:",
    },
    "es": {
        "asks": "¿Es una de estas personas?",
        "same": "Sí: {who}. Este caso se muestra junto a ese",
        "someone_else": "No, es otra persona",
        "stop": "Ya está aquí. Terminar sin enviar nada",
        "warns": "Puede ser una persona que usted ya conoce:",
    },
}


@frozen
class KnownPerson:
    """The answer: the case of the same person, or the cases of other people.

    With `is_here_already`, the record is here already, and nothing is sent.
    """

    case: str | None = None
    others: tuple[str, ...] = ()
    is_here_already: bool = False


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add the flag that answers the question."""
    parser.add_argument(
        _FLAG,
        metavar="ANSWER",
        help=f"if the person may be known here already: `{_SOMEONE_ELSE}`, `{_STOP}`, or the first "
        "8 digits of the person's case. `--rest-unknown` doesn't answer this",
    )


def ask_known_person(
    office: Office, answers: Mapping[str, Any], options: argparse.Namespace, dialog: Dialog
) -> KnownPerson:
    """Ask if the person of a new case is known here, unless nobody here is like the person.

    Raises `RequestError` `answers-missing` without a terminal and without the flag; `Stopped`.
    """
    contact = {
        name.removeprefix(_CONTACT): value
        for name, value in answers.items()
        if name.startswith(_CONTACT) and isinstance(value, str)
    }
    people = operations.possible_duplicates(office, contact)
    if not people:
        return KnownPerson()
    words = _WORDS[options.lang]
    if dialog.is_terminal:
        print_text(f"\n{words['warns']}")
        for person in people:
            print_text(f"  {people_wording.person_line(person)}")
    given = {_NAME: options.known_person} if options.known_person is not None else {}
    if not given and not dialog.is_terminal:
        raise _not_answered(people)
    answer = collect_answers([_question(people, options.lang)], given, dialog)[_NAME]
    if answer == _STOP:
        return KnownPerson(is_here_already=True)
    cases = tuple(each.case for person in people for each in person.cases)
    if answer == _SOMEONE_ELSE:
        return KnownPerson(others=cases)
    return KnownPerson(next(case for case in cases if case.startswith(answer)))


def _not_answered(people: tuple[Person, ...]) -> RequestError:
    """Return the refusal of a script that doesn't say if it is one of these people."""
    likely = "; or ".join(printable(people_wording.person_line(person)) for person in people)
    return RequestError(
        "answers-missing",
        f"there is no terminal to ask at, and no answer to `{_NAME}`: this may be a person whom "
        f"you know already, {likely}",
        fix=f"give `{_FLAG}` with the first 8 digits of the person's case, `{_SOMEONE_ELSE}`, or "
        f"`{_STOP}`",
    )


def _question(people: tuple[Person, ...], language: str) -> Question:
    words = _WORDS[language]
    choices = [
        Choice(
            short(person.cases[-1].case),
            words["same"].format(who=f"{person.name}, {short(person.cases[-1].case)}"),
        )
        for person in people
    ]
    choices += [Choice(word, words[word]) for word in (_SOMEONE_ELSE, _STOP)]
    form = AnswerForm("choice", tuple(choices), may_be_unknown=False)
    return Question(_NAME, words["asks"], form, option=_FLAG)
