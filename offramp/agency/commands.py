"""`offramp agency …`: parse the words, call one operation, print its result as words or JSON."""

from __future__ import annotations

import argparse
import gc
import random
import signal
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from exchange.errors import ExchangeError
from exchange.standards import i_json
from offramp.agency import operations, wording
from offramp.agency.cases.draft import LARGEST, not_a_draft
from offramp.agency.errors import AgencyError, HubAway, HubRefused
from offramp.agency.folder.keys import read_passphrase
from offramp.agency.folder.office import Office
from offramp.agency.folder.settings import read_settings
from offramp.agency.hub_link.schedule import Schedule
from offramp.agency.operations import Draft
from offramp.output_file import check_output, write_output
from offramp.terminal import print_error, print_json, print_text
from rules.frozen import frozen

# The longest sleep between two looks at the schedule, in seconds.
LONGEST_SLEEP = 1.0


@frozen
class Output:
    """The output of a command: its JSON, its lines, and its exit code."""

    json: Any
    lines: list[str]
    code: int = 0


def run(options: argparse.Namespace) -> int:
    """Run one command, and print its output. Raises what its operation refuses with."""
    if options.agency_command == "init":
        return _print(options, _init(options))
    if options.agency_command == "restore":
        return _print(options, _restore(options))
    if options.agency_command == "doctor":
        return _print(options, _doctor(options))
    with suppress(BrokenPipeError), closing(office_of(options)) as office:
        if getattr(options, "case", None) not in (None, operations.NEW_CASE):
            options.case = operations.find_case(office, options.case)
        return _print(options, COMMANDS[options.agency_command](office, options))
    return 141


def office_of(options: argparse.Namespace) -> Office:
    """Open the folder that a command names. Raises `AgencyError` as `operations.open_office`."""
    folder = Path(options.dir)
    clock_file = Path(options.clock) if options.clock else None
    named = options.passphrase_file or read_settings(folder).passphrase_file
    return operations.open_office(folder, _passphrase(named), clock_file=clock_file)


def _passphrase(file: str | None) -> bytes:
    if file is None:
        raise AgencyError(
            "no-passphrase", "the keys need a passphrase", fix="give one with `--passphrase-file`"
        )
    return read_passphrase(Path(file))


def _print(options: argparse.Namespace, output: Output) -> int:
    if options.json:
        print_json(output.json)
    else:
        for line in output.lines:
            print_text(line)
    return output.code


# Membership


def _init(options: argparse.Namespace) -> Output:
    passphrase = _passphrase(options.passphrase_file)
    operations.create_agency(Path(options.dir), options.id, passphrase, demo=options.demo)
    line = f"`{options.dir}` is now the folder of `{options.id}`; keep the passphrase elsewhere"
    return Output({"agency": options.id}, [line])


def _join(office: Office, options: argparse.Namespace) -> Output:
    request = operations.join_hub(
        office, options.url, options.code, part2=options.part2, custody=options.custody
    )
    line = (
        "asked to be listed; when all have joined, compare the draft's digest by voice and run "
        "`offramp agency approve`"
    )
    return Output(request.as_json(), [line])


def _approve(office: Office, options: argparse.Namespace) -> Output:
    approval = operations.approve_draft(office, options.digest, without=options.without)
    return Output(approval.as_json(), wording.approval_lines(approval))


def _retire(office: Office, options: argparse.Namespace) -> Output:
    retirement = operations.retire(office, options.named)
    return Output(retirement.as_json(), wording.retirement_lines(retirement))


def _spare(office: Office, options: argparse.Namespace) -> Output:
    spare = operations.make_spare_key(office)
    return Output(spare.as_json(), wording.spare_key_lines(spare))


def _propose(office: Office, options: argparse.Namespace) -> Output:
    try:
        change = i_json.read_object(Path(options.file).read_bytes())
    except (OSError, ExchangeError) as error:
        why = error.message if isinstance(error, ExchangeError) else error.strerror
        raise AgencyError(
            "not-a-change", f"`{options.file}` can't be read: {why}", fix="write the change as JSON"
        ) from None
    proposal = operations.propose_change(office, change)
    return Output(proposal.as_json(), wording.proposal_lines(proposal))


def _adopt(office: Office, options: argparse.Namespace) -> Output:
    from offramp.adoption import collect_pack

    proposal = operations.adopt_pack(office, collect_pack(options.pack))
    return Output(proposal.as_json(), wording.pack_proposal_lines(proposal))


# The gateway


def _serve(office: Office, options: argparse.Namespace) -> Output:
    if options.once:
        operations.run_duties_once(office)
        return _status(office, options)
    gc.enable()  # it lives long, unlike other commands
    stopping = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.append(True))
    duties = operations.duties_of(office)
    schedule = Schedule(duties, time.monotonic, random.SystemRandom().random)
    while not stopping:
        schedule.run((HubAway, HubRefused, ExchangeError), _report_failure)
        time.sleep(min(schedule.next_in(), LONGEST_SLEEP))
    return Output({"stopped": True}, ["stopped"])


def _report_failure(duty: str, error: Exception) -> None:
    print_error(f"offramp: {duty}: {error}")


def _status(office: Office, options: argparse.Namespace) -> Output:
    status = operations.report_status(office)
    return Output(status.as_json(), wording.status_lines(status))


def _backup(office: Office, options: argparse.Namespace) -> Output:
    backup = operations.back_up(
        office, Path(options.file), drill=options.drill, force=options.force
    )
    code = 0 if backup.drill is None or backup.drill.is_complete else 1
    return Output(backup.as_json(), wording.backup_lines(backup), code)


def _move(office: Office, options: argparse.Namespace) -> Output:
    backup = operations.move_agency(office, Path(options.file))
    return Output(backup.as_json(), wording.moved_lines(backup))


def _restore(options: argparse.Namespace) -> Output:
    passphrase = _passphrase(options.passphrase_file)
    restored = operations.restore_agency(Path(options.dir), Path(options.file), passphrase)
    return Output(restored.as_json(), wording.restored_lines(restored))


def _doctor(options: argparse.Namespace) -> Output:
    """Examine an installation. Exit code 1 where something is wrong."""
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
            findings += operations.examine(office)
    is_wrong = any(finding.level == "wrong" for finding in findings)
    return Output(
        {"well": not is_wrong, "found": [finding.as_json() for finding in findings]},
        [
            *(f"{finding.level}: {finding.text}" for finding in findings),
            "something is wrong" if is_wrong else "all well",
        ],
        1 if is_wrong else 0,
    )


# Records


def _inbox(office: Office, options: argparse.Namespace) -> Output:
    inbox = operations.list_inbox(office)
    return Output(inbox.as_json(), wording.inbox_lines(inbox))


def _send(office: Office, options: argparse.Namespace) -> Output:
    draft = _draft(office, Path(options.file))
    record = operations.send_record(office, options.kind, draft, options.case)
    return Output(record.as_json(), wording.sent_lines(record))


def _consent(office: Office, options: argparse.Namespace) -> Output:
    record = operations.record_consent(office, options.case, _draft(office, Path(options.file)))
    return Output(record.as_json(), wording.sent_lines(record))


def _draft(office: Office, path: Path) -> Draft:
    """Read a draft's file. Raises `AgencyError` `not-a-draft`, `no-directory`."""
    try:
        if path.stat().st_size > LARGEST:
            raise not_a_draft("it is over 1 MiB")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise not_a_draft(f"`{path}` can't be read: {error}") from None
    return operations.parse_draft(office, text)


def _revoke(office: Office, options: argparse.Namespace) -> Output:
    revocation = operations.revoke_consent(
        office, options.case, recipient=options.recipient, oral=options.oral
    )
    return Output(revocation.as_json(), wording.revocation_lines(revocation))


def _retry(office: Office, options: argparse.Namespace) -> Output:
    retried = operations.retry_record(office, options.record)
    return Output(retried.as_json(), [f"`{retried.id}`: {retried.state}"])


def _open(office: Office, options: argparse.Namespace) -> Output:
    opened = operations.open_part(
        office, options.by, options.record, part=options.part, second=options.second
    )
    return Output(opened.as_json(), wording.opened_lines(opened))


def _account(office: Office, options: argparse.Namespace) -> Output:
    account = operations.fetch_account(office, options.case)
    return Output(account.as_json(), wording.account_lines(account, options.lang))


def _export(office: Office, options: argparse.Namespace) -> Output:
    check_output(options.file, force=options.force)
    if options.replay:
        export = operations.export_decision(office, options.record)
        use = "`offramp replay` works it out again"
    else:
        export = operations.export_record(office, options.record)
        use = "`offramp verify` proves it"
    file = Path(options.file)
    write_output(file, export.text, force=options.force)
    return Output({"file": options.file}, [wording.exported_line(file, export.record, use)])


# Cases


def _cases(office: Office, options: argparse.Namespace) -> Output:
    summaries = operations.list_cases(office)
    value = {"cases": [summary.as_json() for summary in summaries]}
    return Output(value, wording.cases_lines(summaries))


def _case(office: Office, options: argparse.Namespace) -> Output:
    view = (
        operations.open_case(office, options.by, options.case)
        if options.by
        else operations.read_case(office, options.case)
    )
    return Output(view.as_json(), wording.case_lines(view))


def _note(office: Office, options: argparse.Namespace) -> Output:
    noted = operations.note_facts(office, options.case, _facts(options.file))
    return Output(noted.as_json(), wording.noted_lines(noted))


def _notice(office: Office, options: argparse.Namespace) -> Output:
    notice = operations.note_notice(office, options.by, options.case)
    return Output(notice.as_json(), wording.notice_lines(notice))


def _tasks(office: Office, options: argparse.Namespace) -> Output:
    tasks = operations.list_tasks(office)
    return Output({"tasks": [task.as_json() for task in tasks]}, wording.tasks_lines(tasks))


def _meeting(office: Office, options: argparse.Namespace) -> Output:
    present = [agency for agency in (options.present or "").split(",") if agency]
    meeting = operations.prepare_meeting(office, present)
    return Output(meeting.as_json(), wording.meeting_lines(meeting))


def _takeup(office: Office, options: argparse.Namespace) -> Output:
    takeup = operations.publish_takeup(office, options.quarter)
    return Output(takeup.as_json(), wording.takeup_lines(takeup))


# Decisions


def _decide(office: Office, options: argparse.Namespace) -> Output:
    facts = _facts(options.facts) if options.facts else None
    answered = operations.decide(office, options.case, options.decision, facts=facts)
    if options.send:
        answered = operations.send_answer(office, answered)
    code = 3 if answered.answer.status == "undetermined" else 0
    return Output(answered.as_json(), wording.case_answer_lines(answered), code)


def _ask(office: Office, options: argparse.Namespace) -> Output:
    question = operations.ask(office, options.case, options.decision)
    return Output(question.as_json(), wording.question_lines(question))


def _determine(office: Office, options: argparse.Namespace) -> Output:
    made = operations.determine(
        office,
        options.by,
        options.case,
        options.decision,
        options.outcome,
        options.reason,
        recipient=options.to,
    )
    return Output(made.as_json(), wording.determination_lines(made))


def _facts(path: str) -> Any:
    """Read facts from a JSON file. Raises `FactsError`; `RequestError` `no-file`."""
    from offramp.policy.input_files import read_text
    from rules.input.json_text import parse_json

    return parse_json(read_text(path), "the facts")


COMMANDS: dict[str, Callable[[Office, argparse.Namespace], Output]] = {
    "join": _join,
    "approve": _approve,
    "retire": _retire,
    "spare": _spare,
    "propose": _propose,
    "adopt": _adopt,
    "serve": _serve,
    "status": _status,
    "inbox": _inbox,
    "send": _send,
    "case": _case,
    "cases": _cases,
    "note": _note,
    "notice": _notice,
    "tasks": _tasks,
    "meeting": _meeting,
    "takeup": _takeup,
    "decide": _decide,
    "ask": _ask,
    "open": _open,
    "consent": _consent,
    "revoke": _revoke,
    "determine": _determine,
    "account": _account,
    "export": _export,
    "retry": _retry,
    "backup": _backup,
    "move": _move,
}
