"""Commands for mistakes: correct a detail, ask a record back, answer what is asked back."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from offramp.agency import mistake_wording as wording
from offramp.agency import operations
from offramp.agency.cases.form_questions import answer_form_of, member_type
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.moments import ODD_FLAG
from offramp.agency.cases.pack_terms import PackTerms
from offramp.agency.cases.people import FAMILY_NAME, GIVEN_NAME
from offramp.agency.cases.told import ToldDetail
from offramp.agency.commands.cases import details_here
from offramp.agency.commands.command import (
    CASE,
    AgencyCommand,
    Output,
    actor_of,
    acts_unless_shown,
    add_odd_flag,
    read_code,
    zone_of,
)
from offramp.agency.commands.facts_file import read_facts_file
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.asking import (
    UNKNOWN,
    AnswerForm,
    Choice,
    Dialog,
    Question,
    collect_answers,
    confirm,
)
from offramp.output_file import check_output, write_output
from offramp.terminal import print_text
from rules.input.json_text import parse_json
from rules.input.printing import printable
from rules.input.typed_answers import choices_of, read_typed
from rules.input.vocabulary import Fact

# The mistakes of which a person at the terminal says in which entry they are.
_ASKED_WHICH = ("wrong_person", "wrong_case", "wrong_recipient", "duplicate", "not_agreed")


def _dialog(office: Office, options: argparse.Namespace) -> Dialog:
    return Dialog.at_terminal("en", zone_of(office).key, as_json=options.json)


# Correct


def _correct(office: Office, options: argparse.Namespace) -> Output:
    """Show what was told, or what follows from a correction, then send it."""
    dialog = _dialog(office, options)
    words = details_here(office)
    disclosed = operations.list_told(office, options.case)
    details = _typed_details(words.terms, disclosed, options.detail, dialog)
    if options.file:
        details |= _from_file(options.file)
    if not details and dialog.is_terminal and disclosed:
        details = _ask_detail(office, options.case, dialog)
    if not details:
        lines = wording.told_lines(
            disclosed, operations.list_correctable(office, options.case), words
        )
        return Output({"told": _told_json(disclosed)}, lines)
    return _correct_details(office, options, dialog, details)


def _correct_details(
    office: Office, options: argparse.Namespace, dialog: Dialog, details: Mapping[str, Any]
) -> Output:
    """Show what follows from new values, and send them. A case that changed is shown again."""
    preview = operations.effects(office, options.case, details)
    words = details_here(office)
    lines = wording.effects_lines(preview, words)
    if options.dry_run:
        return Output(preview.as_json(), [*lines, "", "nothing is sent"])
    although_odd = options.although_odd
    if preview.odd and not although_odd and dialog.is_terminal:
        for line in lines:
            print_text(line)
        although_odd = confirm(dialog, wording.ODD_ORDER, flag=ODD_FLAG)
        if not although_odd:
            return Output({"sent": False}, ["nothing was sent"])
    elif not _show_and_confirm(options, dialog, lines):
        return Output({"sent": False}, ["nothing was sent"])
    try:
        made = operations.correct(
            office,
            actor_of(office),
            options.case,
            details,
            seen_at=preview.seen_at,
            although_odd=although_odd,
        )
    except AgencyError as error:
        _show_again(error, options, dialog)
        return _correct_details(office, options, dialog, details)
    return Output(made.as_json(), wording.correction_lines(made, words))


def _correct_name(office: Office, options: argparse.Namespace) -> Output:
    """Show what follows from another name, then correct it here and at its holders."""
    dialog = _dialog(office, options)
    form = operations.open_name(office, options.case)
    typed = {GIVEN_NAME: options.given_name, FAMILY_NAME: options.family_name}
    texts = {name: text for name, text in typed.items() if text is not None}
    questions = [
        question
        for question in form.questions
        if question.name in texts or question.name == GIVEN_NAME or dialog.is_terminal
    ]
    answers = collect_answers(questions, texts, dialog)
    name = str(answers[GIVEN_NAME]), answers.get(FAMILY_NAME) or None
    preview = operations.preview_name(office, options.case, *name)
    lines = wording.name_lines(preview)
    if options.dry_run:
        return Output(preview.as_json(), [*lines, "", "nothing is sent"])
    if not _show_and_confirm(options, dialog, lines):
        return Output({"sent": False}, ["nothing was sent"])
    done, waits = operations.correct_name(
        office, actor_of(office), options.case, *name, seen_at=preview.seen_at
    )
    value = {**preview.as_json(), "told": list(done.recipients), "waits": waits}
    return Output(value, wording.corrected_name_lines(preview.name, done, waits=waits))


def _correct_name_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--given-name", metavar="NAME", help="the right first name")
    parser.add_argument("--family-name", metavar="NAME", help="the right last name")
    parser.add_argument("--yes", action="store_true", help="correct it without the last question")
    parser.add_argument(
        "--dry-run", action="store_true", help="show what follows, and keep and send nothing"
    )


def _told_json(disclosed: Mapping[str, Sequence[ToldDetail]]) -> dict[str, Any]:
    return {
        name: [{"agency": holding.agency, "value": holding.value} for holding in holders]
        for name, holders in disclosed.items()
    }


def _show_and_confirm(options: argparse.Namespace, dialog: Dialog, lines: Sequence[str]) -> bool:
    """Show what follows, and return whether to send.

    Raises `RequestError` `answers-missing` without a terminal, `Stopped`.
    """
    if not options.json:
        for line in lines:
            print_text(line)
        print_text()
    collect_answers([], {}, dialog, () if options.yes else ("--yes",))
    return options.yes or confirm(dialog)


def _show_again(error: AgencyError, options: argparse.Namespace, dialog: Dialog) -> None:
    """Say that a case changed, before it is shown again. Raises any other refusal.

    Without a person at the terminal it is a refusal too.
    """
    if error.code != operations.CASE_CHANGED or not dialog.is_terminal or options.yes:
        raise error
    print_text(f"\n{error.message}\n")


def _typed_details(
    terms: PackTerms,
    disclosed: Mapping[str, Sequence[ToldDetail]],
    texts: Sequence[str],
    dialog: Dialog,
) -> dict[str, Any]:
    """Read `encounter.date=2026-11-03`. Raises `AgencyError` `not-a-detail`; `FactsError`."""
    details: dict[str, Any] = {}
    for text in texts:
        name, equals, typed = (each.strip() for each in text.partition("="))
        if not equals or not name or not typed:
            raise AgencyError(
                "not-a-detail",
                f"`{printable(text)[:60]}` is no detail with its new value",
                fix="write it as `encounter.date=2026-11-03`, or `encounter.date=unknown`",
            )
        details[name] = _read_value(disclosed, name, terms.fact(name), typed, dialog)
    return details


def _read_value(
    disclosed: Mapping[str, Sequence[ToldDetail]],
    name: str,
    fact: Fact | None,
    typed: str,
    dialog: Dialog,
) -> Any:
    if typed.startswith(("[", "{")):
        return parse_json(typed, f"`{name}`")
    if fact is not None and fact.type == "list":
        if name.endswith("]") and typed == "none":
            return None  # the entry is removed
        raise AgencyError(
            "not-a-detail",
            f"`{name}` is {'an entry of a list' if name.endswith(']') else 'a list'}",
            fix=f"name a field, such as `{name}.{next(iter(fact.fields))}`, or write `{name}=none` "
            "to remove it"
            if name.endswith("]")
            else f"name a field, such as `{name}[0].{next(iter(fact.fields))}`, or give JSON",
        )
    form = _form_of_fact(fact) if fact is not None else _form_of_member(disclosed, name)
    value = read_typed(name, form, typed, dialog.time_zone)
    return None if value is UNKNOWN else value


def _form_of_fact(fact: Fact) -> AnswerForm:
    return AnswerForm(fact.type, choices_of(fact.choices), fact.unit)


def _form_of_member(disclosed: Mapping[str, Sequence[ToldDetail]], name: str) -> AnswerForm:
    """Return the form of a member that is no fact: its question's, or that of its value."""
    if name in form_terms().members:
        return answer_form_of(name, member_type(name), "en")
    values = [holding.value for holding in disclosed.get(name, ())]
    if any(isinstance(value, bool) for value in values):
        return AnswerForm("bool")
    return AnswerForm("text")


def _from_file(path: str) -> dict[str, Any]:
    """Read details from a JSON file: nested or by path."""
    value = read_facts_file(path)
    if not isinstance(value, dict):
        raise AgencyError(
            "not-a-detail",
            f"`{printable(path)}` has no object of details",
            fix='write it as `{"encounter": {"date": "2026-11-03"}}`',
        )
    return _flat(value, "")


def _flat(value: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, inner in value.items():
        path = f"{prefix}{name}"
        if isinstance(inner, dict):
            flat |= _flat(inner, f"{path}.")
        else:
            flat[path] = inner
    return flat


def _ask_detail(office: Office, case: str, dialog: Dialog) -> dict[str, Any]:
    """Ask which detail is wrong and for its new value, filled in with what was told."""
    correctable = {detail.name: detail for detail in operations.list_correctable(office, case)}
    choices = tuple(
        Choice(name, f"{detail.label}  {detail.value}") for name, detail in correctable.items()
    )
    which = Question(
        "detail", "Which detail is wrong?", AnswerForm("choice", choices, may_be_unknown=False)
    )
    detail = correctable[str(collect_answers([which], {}, dialog)["detail"])]
    right = Question(
        "value",
        f"What is right? It was told as {detail.value}.",
        detail.question.form,
        check=detail.question.check,
    )
    return detail.details(collect_answers([right], {}, dialog)["value"])


def _correct_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "detail",
        metavar="DETAIL=VALUE",
        nargs="*",
        help="a detail and its right value, such as encounter.date=2026-11-03 or "
        "encounter.drugs[0].grams=7.9. Without one, what was told is listed",
    )
    parser.add_argument("--file", metavar="FILE", help="a JSON file with details")
    add_odd_flag(parser)
    _common_options(parser)


def _common_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="send without the last question")
    parser.add_argument(
        "--dry-run", action="store_true", help="show what follows, and keep and send nothing"
    )


# Recall


def _recall(office: Office, options: argparse.Namespace) -> Output:
    """Show what can be asked back, or what follows from a recall, then send it."""
    dialog = _dialog(office, options)
    reason = options.reason
    if reason is None and dialog.is_terminal:
        reason = _ask_reason(dialog)
    if reason is None:
        entries = operations.list_own_entries(office, options.case)
        value = {"entries": [entry.as_json() for entry in entries]}
        return Output(value, wording.own_entries_lines(entries, dialog.zone))
    record = options.record
    if record is None and dialog.is_terminal and reason in _ASKED_WHICH:
        record = _ask_record(office, options.case, dialog)
    if options.draft:
        check_output(options.draft)
    return _recall_records(office, options, dialog, reason, record)


def _recall_records(
    office: Office,
    options: argparse.Namespace,
    dialog: Dialog,
    reason: str,
    record: str | None,
) -> Output:
    """Show what follows from a recall, and send it. A case that changed is shown again."""
    preview = operations.preview_recall(
        office, options.case, reason, record=record, recipient=options.to, detail=options.detail
    )
    lines = wording.recall_effects_lines(preview)
    if options.dry_run:
        return Output(preview.as_json(), [*lines, "", "nothing is sent"])
    if not _show_and_confirm(options, dialog, lines):
        return Output({"sent": False}, ["nothing was sent"])
    if options.draft:
        text = json.dumps(preview.draft, ensure_ascii=False, indent=2) + "\n"
        write_output(Path(options.draft), text.encode())
    try:
        made = operations.recall(
            office,
            actor_of(office),
            options.case,
            reason,
            record=record,
            recipient=options.to,
            detail=options.detail,
            seen_at=preview.seen_at,
        )
    except AgencyError as error:
        if options.draft:  # its file has what was shown, and is never written over
            raise
        _show_again(error, options, dialog)
        return _recall_records(office, options, dialog, reason, record)
    return Output(made.as_json(), wording.recall_lines(made))


def _ask_reason(dialog: Dialog) -> str:
    choices = tuple(Choice(code, words) for code, words in operations.REASONS.items())
    form = AnswerForm("choice", choices, may_be_unknown=False)
    return str(
        collect_answers([Question("reason", "What went wrong?", form)], {}, dialog)["reason"]
    )


def _ask_record(office: Office, case: str, dialog: Dialog) -> str | None:
    entries = operations.list_own_entries(office, case)
    if len(entries) < 2:
        return None
    choices = tuple(
        Choice(entry.record, wording.entry_text(entry, dialog.zone)) for entry in entries
    )
    form = AnswerForm("choice", choices, may_be_unknown=False)
    return str(collect_answers([Question("record", "Which entry?", form)], {}, dialog)["record"])


def _recall_options(parser: argparse.ArgumentParser) -> None:
    reasons = ", ".join(code.replace("_", "-") for code in operations.REASONS)
    parser.add_argument(
        "reason",
        metavar="REASON",
        nargs="?",
        type=read_code,
        help=f"what went wrong: {reasons}. Without it, what can be asked back is listed",
    )
    parser.add_argument(
        "--record",
        metavar="RECORD",
        type=read_code,
        help="the record: the start of its id, its kind, or `all`. Default: the only one, or for "
        "a mistaken exit the newest one. A mistaken representation is all statements of it",
    )
    parser.add_argument("--to", metavar="AGENCY", help="ask only this agency")
    parser.add_argument(
        "--detail",
        metavar="DETAIL",
        help="for wrong-fact: the detail that is wrong, such as encounter.drugs",
    )
    parser.add_argument(
        "--draft", metavar="FILE", help="write the record's parts here, to send them again"
    )
    _common_options(parser)


def _answer_recall(office: Office, options: argparse.Namespace) -> Output:
    answer = operations.answer_recalls(
        office, actor_of(office), options.case, keep_because=options.keep, record=options.record
    )
    return Output(answer.as_json(), wording.recall_answer_lines(answer))


def _answer_recall_options(parser: argparse.ArgumentParser) -> None:
    grounds = ", ".join(code.replace("_", "-") for code in operations.KEEP_REASONS)
    parser.add_argument(
        "--keep",
        metavar="GROUND",
        type=read_code,
        help=f"keep it on a legal ground: {grounds}. Default: delete it",
    )
    parser.add_argument(
        "--record", metavar="RECORD", help="one recalled record only, by the start of its id"
    )


def _correct_act(options: argparse.Namespace) -> str | None:
    has_details = bool(options.detail or options.file)
    return "correct" if has_details and not options.dry_run else None


def _recall_act(options: argparse.Namespace) -> str | None:
    return "recall" if options.reason is not None and not options.dry_run else None


COMMANDS = (
    AgencyCommand(
        "correct",
        "correct what was sent, and tell everybody who has the old value",
        run=_correct,
        words=(CASE,),
        options=_correct_options,
        act=_correct_act,
    ),
    AgencyCommand(
        "correct-name",
        "correct the person's name here, and at each agency that has another one",
        run=_correct_name,
        words=(CASE,),
        options=_correct_name_options,
        act=acts_unless_shown("correct_name"),
    ),
    AgencyCommand(
        "recall",
        "ask back what was sent by mistake: wrong person, case, or recipient, twice, an exit",
        run=_recall,
        words=(CASE,),
        options=_recall_options,
        act=_recall_act,
    ),
    AgencyCommand(
        "answer-recall",
        "delete what another agency asks back, or keep it on a legal ground",
        run=_answer_recall,
        words=(CASE,),
        options=_answer_recall_options,
        act=acts_unless_shown("answer_recalls"),
    ),
)
