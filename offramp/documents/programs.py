"""`offramp programs`: the programs in force on a day, and what their packs say about them."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from offramp.documents.document import Block, Document, Heading, Text, anchor
from offramp.documents.markdown import markdown
from offramp.documents.program_facts import KINDS, program_facts
from offramp.policy.break_even import break_even_as_json
from offramp.policy.law_age import checked_text
from offramp.policy.local_packs import print_local_note
from offramp.policy.operations import list_programs
from offramp.policy.program_status import IN_FORCE, NOT_YET, OVER, status_on
from offramp.terminal import print_json, print_text
from rules.author.phrases import format_day
from rules.decide.law_age import oldest_check
from rules.packs.pack import Body, BreakEven, Citation, Item, Pack, Places, Stated
from rules.shelf import day_of

_NOT_RUN = "not_run"


def programs(options: argparse.Namespace) -> int:
    """Print the programs in force on a day, and return exit status 0, even if there are none."""
    day = day_of(options.on)
    packs = [entry.pack for entry in list_programs(day, options.packs)]
    print_local_note(packs)
    if options.json:
        print_json(programs_as_json(packs, day), indent=2)
    else:
        title = f"Programs in force on {format_day(day)}"
        print_text(markdown(Document(title, "en", tuple(_blocks(packs, day, title)))), end="")
    return 0


def programs_as_json(packs: Iterable[Pack], day: date) -> dict[str, Any]:
    """Return the packs by their status on the day.

    `in_force` lists the programs that people could be offered. Bases and plans in force on the day
    are in `not_run`.
    """
    by_status: dict[str, Any] = {
        "on": day.isoformat(),
        IN_FORCE: [],
        _NOT_RUN: [],
        NOT_YET: [],
        OVER: [],
    }
    for pack in packs:
        status = status_on(pack.program, day)
        is_run = pack.program.kind == "program"
        by_status[_NOT_RUN if status == IN_FORCE and not is_run else status].append(
            _program_as_json(pack, day)
        )
    return by_status


def _program_as_json(pack: Pack, day: date) -> dict[str, Any]:
    program = pack.program
    checked = oldest_check(pack)
    content = {
        "id": pack.id,
        "title": pack.title,
        "kind": program.kind,
        "extends": pack.extends,
        "sources_checked": checked.isoformat() if checked else None,
        "note": program.note,
        **_item_as_json(pack, program),
    }
    if status_on(program, day) == IN_FORCE:
        has_pilot = program.pilot is not None and program.pilot.in_force(day)
        content["pilot"] = _item_as_json(pack, program.pilot) if has_pilot else None
        for name, items in (
            ("places", program.places),
            ("funding", program.funding),
            ("break_even", program.break_even),
            ("bodies", program.bodies),
        ):
            content[name] = [_item_as_json(pack, item) for item in items if item.in_force(day)]
    content["open_cases"] = _item_as_json(pack, program.open_cases) if program.open_cases else None
    return content


def _item_as_json(pack: Pack, item: Item | None) -> dict[str, Any]:
    assert item is not None
    content: dict[str, Any] = {}
    match item:
        case Places():
            content |= {"value": item.value, "high": item.high}
        case BreakEven():
            content |= break_even_as_json(item)
        case Stated():
            content["says"] = item.says
        case Body():
            content |= {
                "name": item.name,
                "members": list(item.members),
                "others": list(item.others),
                "does": item.does,
            }
    return {
        **content,
        "from": item.since.isoformat() if item.since else None,
        "until": item.until.isoformat() if item.until else None,
        "provisional": item.provisional,
        "source": _source_as_json(pack, item.source),
        "other": [
            {
                "says": dissent.says,
                "why": dissent.why,
                "source": _source_as_json(pack, dissent.source),
            }
            for dissent in item.other
        ],
    }


def _source_as_json(pack: Pack, citation: Citation) -> dict[str, Any]:
    source = pack.sources[citation.id]
    return {
        "id": source.id,
        "title": source.title,
        "at": citation.at,
        "address": source.address,
        "confidence": source.confidence,
    }


def _blocks(packs: list[Pack], day: date, title: str) -> Iterator[Block]:
    yield Heading(1, title, "title")
    run = [pack for pack in packs if pack.program.kind == "program"]
    in_force = [pack for pack in run if status_on(pack.program, day) == IN_FORCE]
    if not in_force:
        later = [pack for pack in run if status_on(pack.program, day) == NOT_YET]
        began = f" The next, {later[0].title}, began on {_start(later[0])}." if later else ""
        yield Text(f"No program was in force.{began}")
    for pack in in_force:
        yield from _program(pack, day)
    for pack in packs:
        if pack.program.kind != "program" and status_on(pack.program, day) == IN_FORCE:
            kind = KINDS[pack.program.kind]
            yield Text(f"{pack.title} (`{pack.id}`), from {_start(pack)}. {kind}", "Not run:")
    for pack in packs:
        if pack.program.until is not None and status_on(pack.program, day) == OVER:
            end = f"until {format_day(pack.program.until)}"
            text = f"{pack.title} (`{pack.id}`), {end}.{_open_cases(pack)}"
            yield Text(text, "Over by then:")


def _program(pack: Pack, day: date) -> Iterator[Block]:
    program = pack.program
    yield Heading(2, f"{pack.title} (`{pack.id}`)", anchor("program", pack.id))
    end = f", until {format_day(program.until)}" if program.until else ""
    yield Text(f"{_start(pack)}{end}{_source_and_doubt(pack, program)}", "Since:")
    yield Text(checked_text(pack), "Sources:")
    for label, text, item in program_facts(program):
        if item.in_force(day):
            dates = f"{_dates(item)}{_source_and_doubt(pack, item)}"
            yield Text(f"{text.rstrip('.')}{dates}", f"{label}:")


def _open_cases(pack: Pack) -> str:
    cases = pack.program.open_cases
    if cases is None:
        return ""
    return f" Cases open then: {cases.says.rstrip('.')}{_source_and_doubt(pack, cases)}"


def _start(pack: Pack) -> str:
    since = pack.program.since
    return format_day(since) if since else "a day that is not known"


def _dates(item: Item) -> str:
    since = f", from {format_day(item.since)}" if item.since else ""
    return since + (f", until {format_day(item.until)}" if item.until else "")


def _source_and_doubt(pack: Pack, item: Item) -> str:
    """Return the end of a line: its source, and the reason for doubt if there is one."""
    doubt = f". In doubt: {item.provisional.rstrip('.')}" if item.provisional else ""
    return f". Source: {pack.sources[item.source.id].title}{doubt}."
