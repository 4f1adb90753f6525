"""`offramp programs`: which programs were in force on a day, and what their packs say of how they ran then."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from offramp.documents.document import Block, Document, Heading, Text, anchor, markdown
from offramp.documents.show import KINDS, told
from rules.author.english import day
from rules.packs.pack import Body, Item, Pack, Places, Stated
from rules.packs.pack import Program as AboutProgram
from rules.shelf import day_of, read_pack, shipped

IN_FORCE, NOT_YET, OVER = "in_force", "not_yet", "over"


def programs(options: argparse.Namespace) -> int:
    """Prints them. Exit code 0, also where none was in force: that is the answer then."""
    on = day_of(options.on)
    packs = sorted(
        (read_pack(name) for name in options.packs or shipped()),
        key=lambda one: (one.program.since or date.min, one.id),
    )
    if options.json:
        print(json.dumps(as_json(packs, on), indent=2, ensure_ascii=False))
    else:
        print(
            markdown(Document(f"Programs in force on {day(on)}", "en", tuple(_blocks(packs, on)))),
            end="",
        )
    return 0


def stands(program: AboutProgram, on: date) -> str:
    """Whether the program had begun on that day, ran, or was over: `not_yet`, `in_force` or `over`."""
    if program.since is not None and on < program.since:
        return NOT_YET
    return OVER if program.until is not None and on >= program.until else IN_FORCE


def as_json(packs: Iterable[Pack], on: date) -> dict[str, Any]:
    """`in_force` are programs that people could be offered; bases and plans in force on the day stand in `not_run`."""
    found: dict[str, Any] = {
        "on": on.isoformat(),
        IN_FORCE: [],
        "not_run": [],
        NOT_YET: [],
        OVER: [],
    }
    for pack in packs:
        then = stands(pack.program, on)
        place = "not_run" if then == IN_FORCE and pack.program.kind != "program" else then
        found[place].append(_described(pack, on))
    return found


def _described(pack: Pack, on: date) -> dict[str, Any]:
    program = pack.program
    found = {
        "id": pack.id,
        "title": pack.title,
        "kind": program.kind,
        "extends": pack.extends,
        "note": program.note,
        **_item(pack, program),
    }
    if stands(program, on) == IN_FORCE:
        found["pilot"] = (
            _item(pack, program.pilot) if program.pilot and program.pilot.in_force(on) else None
        )
        for name, items in (
            ("places", program.places),
            ("funding", program.funding),
            ("bodies", program.bodies),
        ):
            found[name] = [_item(pack, one) for one in items if one.in_force(on)]
    found["open_cases"] = _item(pack, program.open_cases) if program.open_cases else None
    return found


def _item(pack: Pack, item: Item) -> dict[str, Any]:
    found: dict[str, Any] = {}
    match item:
        case Places():
            found["value"] = item.value
        case Stated():
            found["says"] = item.says
        case Body():
            found |= {
                "name": item.name,
                "members": list(item.members),
                "others": list(item.others),
                "does": item.does,
            }
    return {
        **found,
        "from": item.since.isoformat() if item.since else None,
        "until": item.until.isoformat() if item.until else None,
        "provisional": item.provisional,
        "source": _source(pack, item.source.id, item.source.at),
        "other": [
            {
                "says": one.says,
                "why": one.why,
                "source": _source(pack, one.source.id, one.source.at),
            }
            for one in item.other
        ],
    }


def _source(pack: Pack, id_: str, at: str | None) -> dict[str, Any]:
    source = pack.sources[id_]
    return {
        "id": id_,
        "title": source.title,
        "at": at,
        "address": source.address,
        "confidence": source.confidence,
    }


def _blocks(packs: list[Pack], on: date) -> Iterator[Block]:
    yield Heading(1, f"Programs in force on {day(on)}", "title")
    real = [one for one in packs if one.program.kind == "program"]
    ran = [one for one in real if stands(one.program, on) == IN_FORCE]
    if not ran:
        first = next((one for one in real if stands(one.program, on) == NOT_YET), None)
        began = f" The next, {first.title}, began on {_began(first)}." if first else ""
        yield Text(f"None was.{began}")
    for pack in ran:
        yield Heading(2, f"{pack.title} (`{pack.id}`)", anchor("program", pack.id))
        ends = f", until {day(pack.program.until)}" if pack.program.until else ""
        yield Text(f"{_began(pack)}{ends}{_doubt(pack, pack.program)}", "Since:")
        for label, said, item in told(pack.program):
            if item.in_force(on):
                yield Text(f"{said.rstrip('.')}{_dates(item)}{_doubt(pack, item)}", f"{label}:")
    for pack in packs:
        if pack.program.kind != "program" and stands(pack.program, on) == IN_FORCE:
            yield Text(
                f"{pack.title} (`{pack.id}`), from {_began(pack)}. {KINDS[pack.program.kind]}",
                "Not run:",
            )
    for pack in packs:
        if pack.program.until is not None and stands(pack.program, on) == OVER:
            cases = pack.program.open_cases
            of_cases = (
                f" Of cases then open: {cases.says.rstrip('.')}{_doubt(pack, cases)}"
                if cases
                else ""
            )
            yield Text(
                f"{pack.title} (`{pack.id}`), until {day(pack.program.until)}.{of_cases}",
                "Over by then:",
            )


def _began(pack: Pack) -> str:
    return day(pack.program.since) if pack.program.since else "a day that is not known"


def _dates(item: Item) -> str:
    since = f", from {day(item.since)}" if item.since else ""
    return since + (f", until {day(item.until)}" if item.until else "")


def _doubt(pack: Pack, item: Item) -> str:
    """The end of a line: its source, and why it is doubtful if it is."""
    doubt = f". Doubtful: {item.provisional.rstrip('.')}" if item.provisional else ""
    return f". Source: {pack.sources[item.source.id].title}{doubt}."
