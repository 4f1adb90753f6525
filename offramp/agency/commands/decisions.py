"""Commands that work out the rules' answers and record people's decisions."""

from __future__ import annotations

import argparse

from offramp.agency import operations, wording
from offramp.agency.commands.command import CASE, DECISION, OUTCOME, AgencyCommand, Output, actor_of
from offramp.agency.commands.facts_file import read_facts_file
from offramp.agency.folder.office import Office


def _decide(office: Office, options: argparse.Namespace) -> Output:
    facts = read_facts_file(options.facts) if options.facts else None
    answered = operations.decide(office, options.case, options.decision, facts=facts)
    if options.send:
        answered = operations.send_answer(office, answered)
    code = 3 if answered.answer.status == "undetermined" else 0
    return Output(answered.as_json(), wording.case_answer_lines(answered), code)


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
    question = operations.ask(office, options.case, options.decision)
    return Output(question.as_json(), wording.question_lines(question))


def _determine(office: Office, options: argparse.Namespace) -> Output:
    made = operations.determine(
        office,
        actor_of(office),
        options.case,
        options.decision,
        options.outcome,
        options.reason,
        recipient=options.to,
    )
    return Output(made.as_json(), wording.determination_lines(made))


def _determine_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--reason",
        metavar="CODE",
        required=True,
        help="the reason, as a code such as `rules` or `safety`",
    )
    parser.add_argument(
        "--to",
        metavar="AGENCY",
        help="send it to this agency only, not to all that may receive it",
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
    ),
    AgencyCommand(
        "determine",
        "record a named person's decision",
        run=_determine,
        words=(CASE, DECISION, OUTCOME),
        options=_determine_options,
    ),
)
