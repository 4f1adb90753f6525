"""The command `change`: print the memo of a rule change, or write it as a page."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from offramp.clock import Clock, day_of_asking
from offramp.memo_file import LARGEST, digest_of, read_memo
from offramp.output_file import check_output, write_output
from offramp.policy import operations
from offramp.policy.cohort.engine_choice import choose_engine
from offramp.policy.cohort.report import NOTHING, CohortRequest, CohortSource
from offramp.policy.earlier_reports import read_reports
from offramp.policy.input_files import read_assumed
from offramp.policy.scenario_files import add_offered, check_can_add
from offramp.terminal import print_error, print_json, print_text
from rules.decide.moments import local
from rules.errors import RequestError
from rules.input.printing import plain, printable
from rules.packs.pack import Pack


def change(options: argparse.Namespace) -> int:
    """Print the memo. Exit code 1 for a finding, 3 if something is open."""
    if options.person is not None and options.agency is None:
        raise RequestError("usage", "`--person` is for an agency", fix="add `--agency DIR`")
    if options.html is not None:
        check_output(options.html, force=options.force)
    if options.write_scenarios:
        check_can_add(options.new)
    again = _memo_file(options.again) if options.again is not None else None
    memo = operations.change_memo(
        options.old,
        options.new,
        today=day_of_asking(options.today),
        decisions=tuple(dict.fromkeys(options.decision or (again or {}).get("of_decisions", ()))),
        seconds=options.limit,
        strict=options.strict,
        cohort=read_cohort(options),
        again=again,
        progress=sys.stderr,
    )
    value = plain(memo.value)
    if memo.cohort is not None:
        from offramp.policy.cohort.report_text import left_out_ids

        for line in left_out_ids(memo.cohort):
            print_error(line)
    if options.agency is not None:
        value = _with_own_cases(value, memo.sides[1].pack, options)
    if options.html is not None:
        from offramp.documents.memo_page import memo_page

        write_output(options.html, memo_page(value).encode(), force=options.force)
    if options.json:
        print_json(value, indent=2)
    else:
        from offramp.policy.change_text import memo_lines

        today = _today(options, memo.sides[1].pack)
        print_text("\n".join(memo_lines(value, memo.cohort, today)))
    if options.write_scenarios:
        edges = value["scenarios"]["edges"]
        add_offered(memo.sides[1].folder, edges)
        print_error(f"added to `{printable(options.new)}`: {counted(len(edges))} to read")
    is_same = again is None or _says_same(again, value)
    return memo.exit_code if is_same else 1


def _today(options: argparse.Namespace, pack: Pack) -> date:
    """Return the day that `--today` names, or today's date in the time zone of the program."""
    if options.today is not None:
        return day_of_asking(options.today)
    now = Clock(None if options.clock is None else Path(options.clock)).now()
    return local(datetime.fromtimestamp(now, UTC), pack.time_zone).date()


def counted(number: int) -> str:
    """Return a number of scenarios."""
    return "1 scenario" if number == 1 else f"{number} scenarios"


def _memo_file(name: str) -> Mapping[str, Any]:
    """Read a memo from a file. Raises `RequestError` `not-a-memo`, `memo-changed`."""
    try:
        with Path(name).open("rb") as file:
            return read_memo(file.read(LARGEST + 1)).value
    except OSError as error:
        raise RequestError(
            "not-a-memo",
            f"`{printable(name)}` can't be read: {(error.strerror or 'no').lower()}",
            fix="name a memo that `offramp change --json` printed, or that an agency keeps",
        ) from None


def _says_same(stated: Mapping[str, Any], made: Mapping[str, Any]) -> bool:
    """Say whether a memo that was made again is the same, and return it."""
    from offramp.policy.memo_check import differing_parts

    if stated["memo"] == made["memo"]:
        print_error(f"the memo is the same: {made['memo']}")
        return True
    differing = differing_parts(stated, made)
    if differing:
        print_error(f"the memo differs in {', '.join(f'`{name}`' for name in differing)}")
        return False
    left_out = ["the smallest cases"]
    left_out += [
        text
        for text, is_left_out in (
            ("the counted rows", stated.get("cohort") != made.get("cohort")),
            ("the open cases of an agency", "own" in stated["open_cases"]),
            ("the engines", stated["repeat"]["engines"] != made["repeat"]["engines"]),
        )
        if is_left_out
    ]
    print_error(f"all that was made again is the same. Not compared: {', '.join(left_out)}")
    return True


def _with_own_cases(
    value: dict[str, Any], pack: Pack, options: argparse.Namespace
) -> dict[str, Any]:
    """Return the memo with what changes for the open cases of one agency, small counts hidden.

    The exact counts and the handles stay in the agency's folder. Raises as `office_of`, `sign_in`,
    `compare_open_cases`.
    """
    from offramp.agency import operations as agency
    from offramp.agency.commands.command import office_of

    folder = argparse.Namespace(
        dir=options.agency,
        clock=options.clock,
        passphrase_file=options.passphrase_file,
        json=options.json,
        by=options.person,
    )
    decisions = [*value["decisions"], *value["unchanged"]]
    with closing(office_of(folder)) as office:
        if office.session is None:
            agency.sign_in(office, by=options.person)
        cases = agency.compare_open_cases(office, value["old"]["digest"], pack, decisions)
    print_error(f"the counts and the handles are in `{Path(options.agency) / cases.file}`")
    own_cases = {**value["open_cases"], "own": cases.as_json()}
    body = {name: part for name, part in value.items() if name != "memo"}
    changed = {**body, "open_cases": own_cases}
    return {"memo": digest_of(changed), **changed}


def _packs(options: argparse.Namespace) -> list[str]:
    """Return the packs that a command compares, as they were typed."""
    return [name for name in (getattr(options, "old", None), getattr(options, "new", None)) if name]


def read_cohort(options: argparse.Namespace) -> CohortRequest | None:
    """Return the file to count, None without `--cohort`. Raises `RequestError`."""
    if options.cohort is None:
        for name in ("map", "by", "where", "assume", "engine", "master", "beside"):
            if getattr(options, name) is not None:
                raise RequestError(
                    "usage", f"`--{name}` is for counted rows", fix="add `--cohort FILE`"
                )
        return None
    if options.map is None:
        raise RequestError("usage", "`--cohort` counts the rows of a table", fix="add `--map MAP`")
    gc.enable()  # a case and its decisions refer to each other, and there may be many cases
    assume = options.assume
    return CohortRequest(
        CohortSource(
            options.cohort,
            options.map,
            tuple(dict.fromkeys(options.by or ())),
            tuple(options.where or ()),
            options.allow_left_out,
            options.strict,
            options.min_cell,
            options.limit,
            choose_engine(options.engine, options.master),
        ),
        assume if assume in (None, NOTHING) else read_assumed(assume),
        None if assume in (None, NOTHING) else assume,
        read_reports(options.beside or (), _packs(options)),
        sys.stderr,
    )
