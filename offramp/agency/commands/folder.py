"""Commands that run an agency's gateway and take care of its folder."""

from __future__ import annotations

import argparse
import gc
import random
import signal
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from exchange.errors import ExchangeError
from offramp.agency import operations, wording
from offramp.agency.commands.command import (
    NEW_FILE,
    AgencyCommand,
    Output,
    add_by,
    office_of,
    passphrase_of,
    zone_of,
)
from offramp.agency.commands.console import console_words
from offramp.agency.commands.passphrase import find_passphrase
from offramp.agency.commands.server_process import KeptProcess, only_gateway, server_words
from offramp.agency.errors import HubAway, HubRefused
from offramp.agency.folder.office import Office
from offramp.agency.hub_link.schedule import Schedule
from offramp.arguments import add_force
from offramp.command_socket import IS_POSSIBLE, socket_path
from offramp.terminal import print_error, print_text

# The longest sleep between two looks at the schedule, in seconds.
LONGEST_SLEEP = 1.0
# The seconds that a duty has to end, when the gateway stops.
STOP_WITHIN = 3


def _serve(options: argparse.Namespace) -> Output:
    folder = Path(options.dir)
    passphrase = passphrase_of(options)
    clock_file = Path(options.clock) if options.clock else None
    with closing(operations.open_office(folder, passphrase, clock_file=clock_file)) as office:
        if operations.begin_work(office, marks=True):
            print_error(
                "offramp: this folder was copied, and not by `backup` or `move`: it takes over, "
                "and another folder of this agency stops"
            )
        if options.once:
            operations.run_duties_once(office)
            return _status(office, options)
        with only_gateway(folder):
            duties = operations.duties_of(office)
            path = socket_path(folder, office.settings.socket) if IS_POSSIBLE else None
            if not options.json:
                service = operations.describe_service(office)
                for line in wording.serve_lines(service, str(path) if path is not None else None):
                    print_text(line, flush=True)
            schedule = Schedule(duties, time.monotonic, random.SystemRandom().random)
            beside = []
            if path is not None:
                beside.append(KeptProcess(server_words(folder, path, clock_file), passphrase))
            settings = office.settings
            if settings.console_port is not None:
                words = console_words(
                    folder, settings, port=settings.console_port, clock=clock_file
                )
                beside.append(KeptProcess(words, passphrase, prints=not options.json))
            _run_until_stopped(schedule, beside)
    return Output({"stopped": True}, ["stopped"])


class _Stop(BaseException):
    """The gateway must stop now, whatever it waits for."""


def _run_until_stopped(schedule: Schedule, beside: Sequence[KeptProcess]) -> None:
    """Run the schedule, and keep the processes beside it, until a signal to stop arrives.

    A duty that waits for the hub is interrupted after some seconds: what it recorded is whole.
    """
    gc.enable()  # it lives long, unlike other commands
    stopping: list[bool] = []

    def stop(*_: object) -> None:
        if not stopping:
            signal.alarm(STOP_WITHIN)
        stopping.append(True)
        for process in beside:
            process.ask_to_stop()

    def stop_now(*_: object) -> None:
        raise _Stop

    signal.signal(signal.SIGALRM, stop_now)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        while not stopping:
            for process in beside:
                process.keep()
            schedule.run((HubAway, HubRefused, ExchangeError), _report_failure)
            if not stopping:
                time.sleep(min(schedule.next_in(), LONGEST_SLEEP))
    except _Stop:
        pass
    finally:
        signal.alarm(0)
        for process in beside:
            process.stop()


def _report_failure(duty: str, error: Exception) -> None:
    """Print why a duty failed. Raises the refusal of a folder that the agency doesn't work in."""
    if isinstance(error, ExchangeError) and error.code in operations.LEFT_CODES:
        raise error
    print_error(f"offramp: {duty}: {error}")


def _serve_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="do what is due once, then exit")


def _status(office: Office, options: argparse.Namespace) -> Output:
    status = operations.report_status(office)
    return Output(status.as_json(), wording.status_lines(status, zone_of(office)))


def _backup(office: Office, options: argparse.Namespace) -> Output:
    backup = operations.back_up(
        office, Path(options.file), drill=options.drill, force=options.force
    )
    return Output(backup.as_json(), wording.backup_lines(backup), _drill_code(backup))


def _drill_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--drill", action="store_true", help="restore the file for a trial, and compare"
    )


def _backup_options(parser: argparse.ArgumentParser) -> None:
    _drill_options(parser)
    add_force(parser)


def _restore(options: argparse.Namespace) -> Output:
    passphrase = find_passphrase(options.passphrase_file, as_json=options.json)
    restored = operations.restore_agency(Path(options.dir), Path(options.file), passphrase)
    return Output(restored.as_json(), wording.restored_lines(restored))


def _move(office: Office, options: argparse.Namespace) -> Output:
    backup = operations.move_agency(office, Path(options.file), drill=options.drill)
    return Output(backup.as_json(), wording.moved_lines(backup), _drill_code(backup))


def _drill_code(backup: operations.Backup) -> int:
    return 0 if backup.drill is None or backup.drill.is_complete else 1


def _doctor(options: argparse.Namespace) -> Output:
    """Examine an installation. Exit code 1 where something is wrong or not known yet."""
    findings = [*operations.examine_files(Path(options.dir))]
    try:
        office = office_of(options)
    except ExchangeError:
        if not findings:
            raise
        stopped = "the rest can't be examined until that is fixed"
        findings.append(operations.Finding("wrong", stopped))
    else:
        with closing(office):
            if getattr(options, "by", None) is not None:
                operations.sign_in(office, by=options.by)
            findings += operations.examine(office)
    examination = operations.Examination(tuple(findings))
    return Output(
        examination.as_json(),
        [*(f"{finding.level}: {finding.text}" for finding in findings), examination.sentence],
        0 if examination.is_well else 1,
    )


COMMANDS = (
    AgencyCommand(
        "serve",
        "run the gateway: send, pull, and do what is due with the hub",
        run_without_office=_serve,
        options=_serve_options,
        owner_only="it serves everybody else",
    ),
    AgencyCommand("status", "show queued records and why they are pending", run=_status),
    AgencyCommand(
        "backup",
        "write the whole agency to one encrypted file",
        run=_backup,
        words=(NEW_FILE,),
        options=_backup_options,
        owner_only="its file has all keys and cases",
    ),
    AgencyCommand(
        "restore",
        "make an agency's folder again from the file of a backup or move",
        run_without_office=_restore,
        words=(("file", "the file that `backup` or `move` wrote"),),
        owner_only="it makes a folder",
    ),
    AgencyCommand(
        "move",
        "write the whole agency to a file for another machine, and send nothing from here",
        run=_move,
        words=(NEW_FILE,),
        options=_drill_options,
        owner_only="its file has all keys and cases",
    ),
    AgencyCommand(
        "doctor",
        "examine the installation and name its faults",
        run_without_office=_doctor,
        options=add_by,
    ),
)
