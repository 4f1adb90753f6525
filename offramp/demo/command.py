"""`offramp demo`: the story, told by processes that run, and written down as it went."""

from __future__ import annotations

import argparse
import gc
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from exchange.errors import ExchangeError
from exchange.evidence.documents import read_decision
from exchange.evidence.verify import verify_decision
from offramp.agency import operations
from offramp.agency.folder.keys import write_private
from offramp.demo.story import START, Story
from offramp.demo.timeline import timeline
from offramp.demo.town import Agency, Town, town
from offramp.evidence.replay import DIFFERENT, SAME, WITHHELD, replay_decision
from rules.errors import RequestError

# What runs the exchange, and the terms of a consent, are about no one's life.
QUIET = ("operation", "consent_terms")


def demo(options: argparse.Namespace) -> int:
    """0 if every check holds, 1 if one doesn't. Raises `RequestError` `no-hub`, `demo-stuck`, `file-taken`."""
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        raise RequestError(
            "no-hub",
            "the demo runs a hub, and what that needs isn't here",
            fix="pip install 'offramp[hub]'",
        ) from None
    gc.enable()  # it lives longer than other commands
    if options.canary is not None and not (
        options.canary.isalnum() and options.canary.isascii() and 4 <= len(options.canary) <= 12
    ):
        raise RequestError(
            "usage", "`--canary` is 4 to 12 letters and digits", fix="give another word"
        )
    folder = Path(options.dir) if options.dir else Path(tempfile.mkdtemp(prefix="offramp-demo-"))
    keep = options.keep or options.dir is not None
    try:
        found = told(folder, options.canary)
        if options.json:
            print(json.dumps(found, ensure_ascii=False))
        else:
            for line in timeline(found):
                print(line)
            print()
            print(
                f"Everything lies in {folder}."
                if keep
                else "Run it with `--dir DIR` to look at the folders afterwards."
            )
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    return 0 if all(check["holds"] for check in found["checks"]) else 1


def told(folder: Path, canary: str | None = None) -> dict[str, Any]:
    """The story as it went, written to `DIR/story.json` too. Raises as `town` and `Story.tell`."""
    with town(folder, START, canary) as place:
        processes = place.alive()
        story = Story(place)
        story.tell()
        place.alive()
        place.witnessed()
        found = {
            "pack": place.agencies["program"]
            .office.program(place.agencies["program"].office.working_set())
            .pack.id,
            "processes": sorted(processes),
            "cases": {person: case for person, case in story.cases.items() if ":" not in person},
            "steps": [step.as_json() for step in story.steps],
            "held": {name: held_by(each) for name, each in place.agencies.items()},
            "checks": list(checks(place, story)),
        }
    (folder / "story.json").write_text(
        json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    return found


def held_by(agency: Agency) -> dict[str, str]:
    """Each kind of information that an agency ever held about anybody: own, opened or sealed, the first of these that holds."""
    working_set = agency.office.working_set()
    found: dict[str, str] = {}
    for received in working_set.gateway.received.values():
        if received.record is not None:
            for part, label in received.record.labels.items():
                for category in label.category:
                    state = "opened" if part in received.opened else "sealed"
                    found[category] = "opened" if found.get(category) == "opened" else state
    for out in working_set.outbox.values():
        if out.kind != "question":
            found |= {category: "own" for part in out.parts for category in part["category"]}
    return {category: state for category, state in sorted(found.items()) if category not in QUIET}


def checks(place: Town, story: Story) -> Iterator[dict[str, Any]]:
    """What must hold at the end, each looked at and not assumed."""
    every = {name: held_by(each) for name, each in place.agencies.items()}
    care = {"substance_use", "attendance", "plan", "treatment", "test_result", "service"}
    leaked = sorted(care & (every["police"].keys() | every["prosecutor"].keys()))
    yield check("what care knows reached neither police nor prosecutor", not leaked)
    history = [name for name, each in every.items() if "criminal_history" in each]
    yield check("the criminal record never left the prosecutor's office", not history)
    came: dict[str, list[str]] = {SAME: [], WITHHELD: [], DIFFERENT: []}
    for each in place.agencies.values():
        for out in each.office.working_set().outbox.values():
            if out.kind == "decision":
                file = place.folder / "drafts" / f"replay-{out.jti}.json"
                came[_replayed(each, out.jti, file)].append(out.jti)
    what = f"{len(came[SAME])} decisions come out again, to the byte, from the records that they rest on"
    what += f"; {len(came[WITHHELD])} rest on what stands in no record, and say on what"
    yield check(what, not came[DIFFERENT] and bool(came[SAME]))
    yield check("the account of A is complete, and proves it: " + _account(place, story), True)
    faults = [
        one.fault
        for each in place.agencies.values()
        for one in each.office.working_set().gateway.faults
    ]
    yield check("no gateway found a fault in what the hub handed it", not faults)
    if place.canary is not None:
        yield check(
            "the word in every content's salt is in no file of the hub",
            not hub_has(place.folder / "hub", place.canary),
        )


def check(what: str, holds: bool) -> dict[str, Any]:
    return {"what": what, "holds": holds}


def hub_has(folder: Path, word: str) -> bool:
    """Whether a word stands anywhere in a hub's files: as it is, in hexadecimal, or in base64 at any of its three places."""
    from base64 import b64encode

    raw = word.encode()
    looked = {raw, raw.hex().encode(), raw.hex().upper().encode()}
    for shift in range(3):
        text = b64encode(b"\0" * shift + raw + b"\0\0").rstrip(b"=")
        inside = text[(8 * shift + 5) // 6 : (8 * (shift + len(raw))) // 6]
        looked |= {inside, inside.replace(b"+", b"-").replace(b"/", b"_")}
    for path in folder.rglob("*"):
        if path.is_file():
            held = path.read_bytes()
            if any(one in held for one in looked):
                return True
    return False


def _replayed(agency: Agency, jti: str, file: Path) -> str:
    write_private(file, operations.export_decision(agency.office, jti).text)
    return replay_decision(verify_decision(read_decision(file.read_bytes()))).verdict


def _account(place: Town, story: Story) -> str:
    try:
        office = place.agencies["defender"].office
        account = operations.fetch_account(office, story.cases["A"])
    except ExchangeError as error:
        raise RequestError(
            "demo-stuck", f"counsel gets no account: {error.message}", fix="read DIR/log"
        ) from error
    return f"{len(account.statement.rows)} disclosures"
