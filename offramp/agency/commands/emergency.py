"""Commands for a medical emergency: one person reports it, and a second one confirms it."""

from __future__ import annotations

import argparse

from offramp.agency import operations
from offramp.agency.commands.command import (
    AgencyCommand,
    Output,
    actor_of,
    read_code,
)
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.operations import ReportedEmergency
from offramp.agency.short_handles import short
from offramp.policy.input_files import read_text


def _emergency(office: Office, options: argparse.Namespace) -> Output:
    reported = operations.report_emergency(
        office, actor_of(office), options.of, options.to, options.nature, read_text(options.file)
    )
    return Output(reported.as_json(), [*_lines(reported), *_confirm_lines(reported)])


def _emergency_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("of", metavar="CASE", help="the case's first digits, of any case here")
    parser.add_argument("file", metavar="FILE", help="a text file with what the provider must know")
    parser.add_argument("--to", metavar="AGENCY", required=True, help="the health provider")
    parser.add_argument(
        "--nature",
        type=read_code,
        choices=operations.NATURES,
        required=True,
        help="the nature of the emergency",
    )


def _confirm(office: Office, options: argparse.Namespace) -> Output:
    waiting = operations.list_emergencies(office)
    if options.number is None:
        value = {"waiting": [reported.as_json() for reported in waiting]}
        lines = [line for reported in waiting for line in _lines(reported)]
        return Output(value, lines or ["no emergency waits for a second person"])
    number = options.number
    if not (number.isascii() and number.isdigit() and len(number) < 16):
        raise AgencyError(
            "no-such-emergency",
            f"`{number[:40]}` is no number of an emergency",
            fix="list those that wait with `emergency-confirm` alone",
        )
    sent = operations.confirm_emergency(office, actor_of(office), int(number))
    is_told = sent.state in ("sent", "logged", "witnessed")
    told = "told: sent" if is_told else f"NOT TOLD YET, telephone the provider: {sent.state}"
    return Output(sent.as_json(), [told, "tell the person and counsel now"])


def _confirm_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "number", metavar="NUMBER", nargs="?", help="the emergency. Without it, all are listed"
    )


def _lines(reported: ReportedEmergency) -> list[str]:
    head = (
        f"{reported.number}: {reported.by} reports a medical emergency ({reported.nature}) in case "
        f"{short(reported.case)}, to {reported.recipient}:"
    )
    return [head, *(f"  {line}" for line in reported.text.splitlines())]


def _confirm_lines(reported: ReportedEmergency) -> list[str]:
    return [
        "nothing is sent yet: within ten minutes, a second listed person runs",
        f"  offramp agency emergency-confirm DIR {reported.number}",
    ]


COMMANDS = (
    AgencyCommand(
        "emergency",
        "report what a health provider must know in a medical emergency",
        run=_emergency,
        options=_emergency_options,
    ),
    AgencyCommand(
        "emergency-confirm",
        "confirm an emergency as the second person, which tells the provider",
        run=_confirm,
        options=_confirm_options,
    ),
)
