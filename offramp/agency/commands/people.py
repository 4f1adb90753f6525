"""Commands that find people, and join or tell apart two cases."""

from __future__ import annotations

import argparse

from offramp.agency import operations, people_wording
from offramp.agency.commands.command import CASE, AgencyCommand, Output, actor_of, zone_of
from offramp.agency.folder.case_index import SAME
from offramp.agency.folder.office import Office
from offramp.agency.operations import Comparison
from offramp.agency.short_handles import short
from offramp.asking import AnswerForm, Choice, Dialog, Question, collect_answers
from offramp.terminal import print_text


def _find(office: Office, options: argparse.Namespace) -> Output:
    people = operations.find(office, " ".join(options.text))
    value = {"people": [person.as_json() for person in people]}
    return Output(value, people_wording.found_lines(people))


def _find_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "text",
        nargs="+",
        metavar="TEXT",
        help="a name, a birth date, a phone or report number, or the start of a handle",
    )


# The words of a decision on two cases, with the operation of each.
_CHANGES = {"join": operations.join, "apart": operations.tell_apart, "split": operations.split}
_LATER = "later"


def _same(office: Office, options: argparse.Namespace) -> Output:
    other = operations.find_case(office, options.other)
    comparison = operations.same_person(office, options.case, other)
    zone = zone_of(office)
    dialog = Dialog.at_terminal("en", zone.key, as_json=options.json)
    change = options.change
    if change is None and dialog.is_terminal:
        for line in people_wording.comparison_lines(comparison, zone):
            print_text(line)
        change = collect_answers([_decision(comparison)], {}, dialog)["decision"]
        if change == _LATER:
            return Output(comparison.as_json(), ["nothing was changed"])
    if change is not None:
        comparison = _CHANGES[change](office, actor_of(office), options.case, other)
    return Output(comparison.as_json(), people_wording.comparison_lines(comparison, zone))


def _decision(comparison: Comparison) -> Question:
    """Return the question about two cases. No answer is given for the person."""
    words = [("join", "one person"), ("apart", "two people"), (_LATER, "not decided yet")]
    if comparison.link == SAME:
        words = [("split", "two people: undo the join"), (_LATER, "leave it as it is")]
    choices = tuple(Choice(word, label) for word, label in words)
    form = AnswerForm("choice", choices, may_be_unknown=False)
    return Question("decision", "Are these cases of one person?", form)


def _same_options(parser: argparse.ArgumentParser) -> None:
    changes = parser.add_mutually_exclusive_group()
    for change, text in (
        ("join", "they are one person: list the cases together, here alone"),
        ("apart", "they are two people: don't ask again"),
        ("split", "undo a join, within thirty days"),
    ):
        changes.add_argument(
            f"--{change}", dest="change", action="store_const", const=change, help=text
        )


def _report_number(office: Office, options: argparse.Namespace) -> Output:
    number = operations.note_report_number(office, options.case, options.number)
    line = f"kept here: report {number} is about case {short(options.case)}. Nobody is told"
    return Output({"case": options.case, "report_number": number}, [line])


COMMANDS = (
    AgencyCommand(
        "find",
        "find a person in this agency's own records",
        run=_find,
        options=_find_options,
    ),
    AgencyCommand(
        "same",
        "show two cases side by side, and say if they are of one person",
        run=_same,
        words=(CASE, ("other", "the other case")),
        options=_same_options,
    ),
    AgencyCommand(
        "report-number",
        "keep your own report number of a case, to find it by",
        run=_report_number,
        words=(CASE, ("number", "the report number")),
    ),
)
