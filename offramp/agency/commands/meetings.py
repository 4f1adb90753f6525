"""Commands for the partners' meeting: the board, the preparation, the status, the minutes.

`agency status` shows queued records, so the command that tells how a person is doing has a name of
its own: `report-status`. Decision record 0049 explains the names.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any

from offramp.agency import operations
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.moments import check_last_day
from offramp.agency.commands.command import (
    CASE,
    AgencyCommand,
    Output,
    actor_of,
    acts_unless_shown,
    zone_of,
)
from offramp.agency.commands.forms import read_answers_file
from offramp.agency.folder.office import Office
from offramp.agency.meeting_wording import (
    meeting_lines,
    preparation_lines,
    recorded_lines,
    sent_status_lines,
    status_draft_lines,
)
from offramp.agency.operations import Step
from offramp.arguments import add_language
from offramp.asking import AnswerForm, Choice, Dialog, Question, collect_answers, confirm
from offramp.terminal import print_text
from rules.errors import RequestError
from rules.input.typed_days import read_flag_day
from rules.shelf import vocabulary

_TEXTS: Mapping[str, tuple[str, str]] = {
    "barriers_help": (
        "Police never get this. Others get it only by a consent of its own.",
        "La policía nunca lo recibe. Otros, solo con un consentimiento aparte.",
    ),
    "steps": ("What did the meeting agree on?", "¿Qué se acordó en la reunión?"),
    "owner": ("Who does this: {step}?", "¿Quién lo hace: {step}?"),
    "until": ("Until which day: {step}?", "¿Hasta qué día: {step}?"),
    "nothing_sent": ("nothing was sent", "no se envió nada"),
    "nothing_kept": ("nothing was recorded", "no se anotó nada"),
    "record": ("Record it?", "¿Lo anota?"),
}


def _text(name: str, language: str) -> str:
    return _TEXTS[name][language == "es"]


def _choices(field: str, language: str) -> tuple[Choice, ...]:
    words = vocabulary().closed_words[field]
    return tuple(Choice(word, texts[language == "es"]) for word, texts in words.items())


def _dialog(office: Office, options: argparse.Namespace) -> Dialog:
    return Dialog.at_terminal(options.lang, zone_of(office).key, as_json=options.json)


# The board


def _meeting(office: Office, options: argparse.Namespace) -> Output:
    present = [agency.strip() for agency in (options.present or "").split(",") if agency.strip()]
    if options.off_board and not present:
        raise RequestError(
            "answers-missing",
            "`--off-board` compares the board with your cases, and nobody is in the room",
            fix="add `--present` with the agencies in the room",
        )
    if options.by or options.open:
        operations.open_statuses(office, actor_of(office))
    meeting = (
        operations.show_off_board(office, present)
        if options.off_board
        else operations.show_agenda(office, present)
    )
    return Output(meeting.as_json(), meeting_lines(meeting))


def _meeting_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--present",
        metavar="AGENCY,…",
        help="the agencies in the room, each by id, name, or role: show only what each of them may "
        "see",
    )
    parser.add_argument(
        "--off-board",
        action="store_true",
        help="list the cases that the board leaves out, for your own screen only",
    )
    parser.add_argument(
        "--open", action="store_true", help="open unopened statuses first, as `--by` does"
    )


# The preparation


def _prepare(office: Office, options: argparse.Namespace) -> Output:
    day = read_flag_day(options.on)
    preparation = operations.prepare_meeting(office, actor_of(office), day)
    return Output(preparation.as_json(), preparation_lines(preparation))


def _prepare_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--on", metavar="DAY", required=True, help="the day of the meeting")


# The status


def _report_status(office: Office, options: argparse.Namespace) -> Output:
    dialog = _dialog(office, options)
    questions = _status_questions(options.lang)
    given = {
        question.name: value
        for question in questions
        if (value := getattr(options, question.name)) is not None
    }
    if options.answers:
        given = {**read_answers_file(options.answers), **given}
    # A person that gives the word with a flag or a file is not asked for the rest.
    if "engagement" in given:
        given = {"areas": "none", "goals": "none", **given}
    answers = collect_answers(questions, given, dialog)
    draft = operations.draft_status(
        office, options.case, answers["engagement"], answers["areas"], answers["goals"]
    )
    if not options.yes:
        for line in status_draft_lines(draft, options.lang):
            print_text(line)
        if not confirm(dialog):
            return Output({"sent": False}, [_text("nothing_sent", options.lang)])
    sent = operations.send_status(office, draft)
    return Output(sent.as_json(), sent_status_lines(sent, options.lang))


def _status_questions(language: str) -> tuple[Question, ...]:
    areas, members = _choices("area_of_life", language), form_terms().members
    return (
        Question(
            "engagement",
            members["status.engagement"].texts[language],
            AnswerForm("choice", _choices("engagement", language), may_be_unknown=False),
        ),
        Question(
            "areas",
            members["barriers.areas"].texts[language],
            AnswerForm("choices", areas, may_be_unknown=False),
            help=_text("barriers_help", language),
            option="--barriers",
        ),
        Question(
            "goals",
            members["barriers.goals"].texts[language],
            AnswerForm("choices", areas, may_be_unknown=False),
        ),
    )


def _report_status_options(parser: argparse.ArgumentParser) -> None:
    # The help names no word of the vocabulary, so that no other command has to read it.
    parser.add_argument("--engagement", metavar="WORD", help="the word, such as engaged")
    parser.add_argument(
        "--barriers",
        dest="areas",
        metavar="WORD,…",
        help="what is in the way, such as housing,id_documents",
    )
    parser.add_argument("--goals", metavar="WORD,…", help="the person's goals, in the same words")
    _add_yes_and_language(parser)


def _add_yes_and_language(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--answers", metavar="FILE", help="a YAML or JSON file with answers by the question's name"
    )
    parser.add_argument("--yes", action="store_true", help="do it without asking again")
    add_language(parser, "the language")


# The minutes


def _record(office: Office, options: argparse.Namespace) -> Output:
    dialog = _dialog(office, options)
    today = operations.program_day(office)
    answers = collect_answers(
        lambda so_far: _step_questions(so_far, options.lang, today), _given_steps(options), dialog
    )
    steps = tuple(
        Step(word, answers[f"{word}.owner"], answers[f"{word}.until"]) for word in answers["steps"]
    )
    if not options.yes:
        for step in steps:
            until = f" ({step.until})" if step.until else ""
            print_text(f"  {step.words(options.lang)}: {step.owner.replace('_', ' ')}{until}")
        if not confirm(dialog, _text("record", options.lang)):
            return Output({"recorded": False}, [_text("nothing_kept", options.lang)])
    recorded = operations.record_meeting(office, actor_of(office), options.case, steps)
    return Output(recorded.as_json(), recorded_lines(recorded))


def _given_steps(options: argparse.Namespace) -> dict[str, Any]:
    """Return the answers that `--step WORD:ROLE[:DAY]` and `--nothing` give."""
    if options.nothing:
        return {"steps": "none"}
    if options.answers:
        return dict(read_answers_file(options.answers))
    if not options.step:
        return {}
    given: dict[str, Any] = {"steps": []}
    for text in options.step:
        word, _, rest = text.partition(":")
        owner, _, until = rest.partition(":")
        given["steps"].append(word)
        given |= {f"{word}.owner": owner, f"{word}.until": until}
    return given


def _step_questions(so_far: Mapping[str, Any], language: str, today: date) -> tuple[Question, ...]:
    steps = _choices("meeting_step", language)
    labels = {choice.word: choice.label for choice in steps}
    roles = tuple(
        Choice(role, role.replace("_", " "))
        for role in vocabulary().roles
        if role not in ("hub", "person", "policy_group")
    )
    questions = [
        Question(
            "steps",
            _text("steps", language),
            AnswerForm("choices", steps, may_be_unknown=False),
            option="--step",
        )
    ]
    for word in so_far.get("steps") or ():
        questions += [
            Question(
                f"{word}.owner",
                _text("owner", language).format(step=labels[word]),
                AnswerForm("choice", roles, may_be_unknown=False),
                option="--step",
            ),
            Question(
                f"{word}.until",
                _text("until", language).format(step=labels[word]),
                AnswerForm("date", may_be_unknown=False, may_be_empty=True),
                check=partial(_check_until, f"{word}.until", today),
                option="--step",
            ),
        ]
    return tuple(questions)


def _check_until(name: str, today: date, value: str | None) -> None:
    if value is not None:
        check_last_day(name, value, today)


def _record_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--step",
        metavar="WORD:ROLE[:DAY]",
        action="append",
        help="a step, who takes it, and until when, such as "
        "arrange_service:case_management:2026-06-30. Give it once for each step",
    )
    parser.add_argument(
        "--nothing", action="store_true", help="nothing was agreed on: this ends the earlier steps"
    )
    _add_yes_and_language(parser)


COMMANDS = (
    AgencyCommand(
        "meeting",
        "show the board of the partners' meeting, for those in the room",
        run=_meeting,
        options=_meeting_options,
    ),
    AgencyCommand(
        "meeting-prepare",
        "ask each case manager for the status before a meeting",
        run=_prepare,
        options=_prepare_options,
    ),
    AgencyCommand(
        "report-status",
        "tell how a person is doing, in fixed words; `agency tell` asks what only the program asks",
        run=_report_status,
        words=(CASE,),
        options=_report_status_options,
        act=acts_unless_shown("send_status"),
    ),
    AgencyCommand(
        "meeting-record",
        "record what the meeting agreed on in a case",
        run=_record,
        words=(CASE,),
        options=_record_options,
        act=acts_unless_shown("record_meeting"),
    ),
)
