"""Commands that work out the rules' answers and record people's decisions."""

from __future__ import annotations

import argparse
from zoneinfo import ZoneInfo

from offramp.agency import operations, wording
from offramp.agency.commands import form_text
from offramp.agency.commands.command import (
    CASE,
    DECISION,
    OUTCOME,
    AgencyCommand,
    Output,
    actor_of,
    acts_unless_shown,
    read_code,
    terms_here,
    zone_of,
)
from offramp.agency.commands.facts_file import read_facts_file
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.asking import Dialog, confirm
from offramp.terminal import print_text

_IN_DOUBT = "--although-in-doubt"


def _decide(office: Office, options: argparse.Namespace) -> Output:
    facts = read_facts_file(options.facts) if options.facts else None
    answered = operations.decide(office, options.case, options.decision, facts=facts)
    if options.send:
        try:
            answered = operations.send_answer(office, answered)
        except AgencyError as refusal:
            if refusal.code != "nobody-to-tell":
                raise
            return _untold_answer(answered, refusal, zone_of(office))
    code = 3 if answered.answer.status == "undetermined" else 0
    return Output(answered.as_json(), wording.case_answer_lines(answered, zone_of(office)), code)


def _untold_answer(answered: operations.CaseAnswer, refusal: AgencyError, zone: ZoneInfo) -> Output:
    """Show an answer that nobody may be told to the person who asked for it, and why."""
    value = answered.as_json() | {"to": [], "error": refusal.as_json()}
    lines = wording.case_answer_lines(answered, zone)
    return Output(
        value, [*lines, f"not sent: {refusal.message}; {refusal.fix} [{refusal.code}]"], 2
    )


def _decide_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--facts", metavar="FILE", help="facts from this office's own records: used, not kept"
    )
    parser.add_argument(
        "--send",
        action="store_true",
        help="send the answer to the agencies that may receive it",
    )


def _ask(office: Office, options: argparse.Namespace) -> Output:
    question = operations.ask(office, options.case, options.decision, facts=options.fact)
    return Output(question.as_json(), wording.question_lines(question, terms_here(office)))


def _ask_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--fact",
        metavar="PATH",
        action="append",
        help="ask for this fact only, such as `encounter.drugs.grams`; repeat it for more. "
        "Default: every fact that the decision lacks",
    )


def _determine(office: Office, options: argparse.Namespace) -> Output:
    """Show what a decision tells to whom, ask, and record it."""
    actor = actor_of(office)
    words = (actor, options.case, options.decision, options.outcome, options.reason)
    preview = operations.preview_determination(office, *words, recipient=options.to)
    dialog = Dialog.at_terminal("en", zone_of(office).key, as_json=options.json)
    lines = form_text.determination_lines(preview, actor, options.reason, dialog.zone)
    is_new = options.case == operations.NEW_CASE
    doubts = () if is_new else operations.decision_doubts(office, options.case, options.decision)
    lines += [f"in doubt: {text}" for text in doubts]
    if options.dry_run:
        value = preview.as_json() | {"in_doubt": list(doubts)}
        return Output(value, [*lines, "", form_text.WORDS["en"]["dry"]])
    if not options.json:
        for line in lines:
            print_text(line)
        print_text()
    if doubts and not _decides_in_doubt(options, dialog):
        return Output({"sent": False}, [form_text.WORDS["en"]["not_sent"]])
    question = None if preview.is_told else form_text.WORDS["en"]["keep_it"]
    if not options.yes and not confirm(dialog, question):
        return Output({"sent": False}, [form_text.WORDS["en"]["not_sent"]])
    made = operations.determine(
        office,
        *words,
        recipient=options.to,
        seen_at=preview.seen_at,
        although_in_doubt=bool(doubts),  # the person has confirmed what was shown
    )
    return Output(made.as_json(), wording.determination_lines(made))


def _decides_in_doubt(options: argparse.Namespace, dialog: Dialog) -> bool:
    """Return whether the person decides although another decision may be made anew.

    `--yes` doesn't answer it. Raises `RequestError` `answers-missing` without a terminal.
    """
    text = "A decision that this one rests on may be made anew. Decide now all the same?"
    return options.although_in_doubt or confirm(dialog, text, flag=_IN_DOUBT)


def _determine_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--reason",
        metavar="CODE",
        type=read_code,
        required=True,
        help="the reason, as a code such as `rules` or `safety`",
    )
    parser.add_argument(
        "--to",
        metavar="AGENCY",
        help="send it to this agency only, not to all that may receive it",
    )
    parser.add_argument("--yes", action="store_true", help="record it without the last question")
    parser.add_argument(
        _IN_DOUBT,
        action="store_true",
        help="decide although a decision that this one rests on may be made anew",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would be told, and keep and send nothing"
    )


def _tell_decision(office: Office, options: argparse.Namespace) -> Output:
    """Show what telling a decision now tells to whom, ask, and tell it."""
    actor = actor_of(office)
    preview = operations.preview_telling(office, options.case, options.decision)
    dialog = Dialog.at_terminal("en", zone_of(office).key, as_json=options.json)
    lines = form_text.telling_lines(preview, dialog.zone)
    if options.dry_run:
        return Output(preview.as_json(), [*lines, "", form_text.WORDS["en"]["dry"]])
    if not options.json:
        for line in lines:
            print_text(line)
        print_text()
    # Without a recipient, nothing is asked: it is refused, and the refusal says what to do.
    if preview.is_told and not options.yes and not confirm(dialog, None):
        return Output({"sent": False}, [form_text.WORDS["en"]["not_sent"]])
    telling = operations.tell_decision(
        office, actor, options.case, options.decision, seen_at=preview.seen_at
    )
    return Output(telling.as_json(), wording.told_decision_lines(telling))


def _tell_decision_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="tell it without the last question")
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would be told, and send nothing"
    )


COMMANDS = (
    AgencyCommand(
        "decide",
        "show the rules' answer in a case",
        run=_decide,
        words=(CASE, DECISION),
        options=_decide_options,
    ),
    AgencyCommand(
        "ask",
        "ask other agencies for the facts that a decision lacks",
        run=_ask,
        words=(CASE, DECISION),
        options=_ask_options,
    ),
    AgencyCommand(
        "determine",
        "record a named person's decision",
        run=_determine,
        words=(CASE, DECISION, OUTCOME),
        options=_determine_options,
        act=acts_unless_shown("determine"),
    ),
    AgencyCommand(
        "tell-decision",
        "tell a decision that was kept here, as it was made",
        run=_tell_decision,
        words=(CASE, DECISION),
        options=_tell_decision_options,
        act=acts_unless_shown("tell_decision"),
    ),
)
