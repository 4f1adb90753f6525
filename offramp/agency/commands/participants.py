"""Commands for a participant's own page: the code, the page in print, complaints and disputes."""

from __future__ import annotations

import argparse

from offramp.agency import operations, person_wording
from offramp.agency.commands.command import CASE, AgencyCommand, Output, actor_of, zone_of
from offramp.agency.folder.office import Office
from offramp.arguments import add_language
from offramp.asking import read_line
from rules.errors import RequestError


def _person_code(office: Office, options: argparse.Namespace) -> Output:
    if options.cancel:
        is_canceled = operations.cancel_code(office, options.case)
        text = "The code no longer works." if is_canceled else "The person had no code."
        return Output({"canceled": is_canceled}, [text])
    if options.state:
        state = operations.code_state(office, options.case)
        lines = person_wording.code_state_lines(state, zone_of(office))
        return Output(state.as_json() if state is not None else None, lines)
    issued = operations.issue_code(
        office, actor_of(office), options.case, birth_year=options.birth_year, lang=options.lang
    )
    return Output(issued.as_json(), person_wording.code_lines(issued))


def _code_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--birth-year", type=int, metavar="YEAR", help="the year, where no birth date is known here"
    )
    add_language(parser, "the language of the words. Default: the person's", default=None)
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--cancel", action="store_true", help="end the code")
    either.add_argument("--state", action="store_true", help="show whether there is a code")


def _my_page(office: Office, options: argparse.Namespace) -> Output:
    shown = operations.print_my_page(office, options.case, options.lang)
    return Output(shown.as_json(), person_wording.page_lines(shown))


def _complain(office: Office, options: argparse.Namespace) -> Output:
    concern = operations.note_complaint(office, actor_of(office), options.case, _typed())
    return _kept(office, concern)


def _dispute(office: Office, options: argparse.Namespace) -> Output:
    concern = operations.note_dispute(
        office, actor_of(office), options.case, options.category, _typed()
    )
    return _kept(office, concern)


def _kept(office: Office, concern: operations.Concern) -> Output:
    return Output(concern.as_json(), person_wording.concern_line(concern, zone_of(office)))


def _typed() -> str:
    """Return the person's words, typed or piped: no list of processes shows them."""
    typed = read_line()
    if typed is None:
        raise RequestError(
            "usage", "nothing was written", fix="type the person's words, or pipe them in"
        )
    return typed


def _concern(office: Office, options: argparse.Namespace) -> Output:
    if options.answer is None:
        concerns = operations.list_concerns(office, options.case)
        lines = person_wording.concern_lines(concerns, zone_of(office))
        return Output([concern.as_json() for concern in concerns], lines)
    number, answer = options.answer
    if not (number.isascii() and number.isdigit() and len(number) < 16):
        raise RequestError("usage", f"`{number[:40]}` is no number", fix="list them without it")
    concern = operations.answer_concern(
        office, actor_of(office), options.case, int(number), answer.replace("-", "_")
    )
    return _kept(office, concern)


def _concern_options(parser: argparse.ArgumentParser) -> None:
    answers = ", ".join(operations.CONCERN_ANSWERS)
    parser.add_argument(
        "--answer", nargs=2, metavar=("NUMBER", "ANSWER"), help=f"close one of them: {answers}"
    )


def _language_options(parser: argparse.ArgumentParser) -> None:
    add_language(parser, "the language of the page. Default: the person's", default=None)


COMMANDS = (
    AgencyCommand(
        "person-code",
        "issue the code with which the person opens the own page, or end it",
        run=_person_code,
        words=(CASE,),
        options=_code_options,
    ),
    AgencyCommand(
        "my-page",
        "print the person's own page",
        run=_my_page,
        words=(CASE,),
        options=_language_options,
    ),
    AgencyCommand(
        "complain",
        "write down a complaint of the person, from a line that you type",
        run=_complain,
        words=(CASE,),
    ),
    AgencyCommand(
        "dispute",
        "write down what the person says is not true, from a line that you type",
        run=_dispute,
        words=(CASE, ("category", "what it is about, such as contact")),
    ),
    AgencyCommand(
        "concern",
        "list what the person complained of or disputed, and answer it",
        run=_concern,
        words=(CASE,),
        options=_concern_options,
    ),
)
