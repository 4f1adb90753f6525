"""The checks at the end of the demo: each is looked at, not assumed."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from exchange.errors import ExchangeError
from exchange.evidence.documents import read_decision
from exchange.evidence.verify import verify_decision
from offramp.agency import operations
from offramp.agency.folder.keys import write_private
from offramp.demo.story import Story
from offramp.demo.town import Agency, Town
from offramp.evidence.replay import DIFFERENT, SAME, WITHHELD, replay_decision
from rules.errors import RequestError

# The categories that run the exchange and say nothing about a person's life.
QUIET = ("operation", "consent_terms")
# The categories that never go to police or the prosecutor, in the order of the sentence below.
CARE = (
    "barriers",
    "plan",
    "service",
    "progress",
    "attendance",
    "substance_use",
    "test_result",
    "treatment",
    "health",
    "counseling_note",
)


def categories_held(agency: Agency) -> dict[str, str]:
    """Return each category of information that an agency ever held, and how.

    `own` for its own statements, `opened` for those it read, `sealed` for those nobody opened.
    """
    working_set = agency.office.working_set()
    states: dict[str, str] = {}
    for received in working_set.gateway.received.values():
        if received.record is not None:
            for part, label in received.record.labels.items():
                for category in label.category:
                    if states.get(category) != "opened":
                        states[category] = "opened" if part in received.opened else "sealed"
    for outgoing in working_set.outbox.values():
        if outgoing.kind != "question":
            states |= {category: "own" for part in outgoing.parts for category in part["category"]}
    return {category: state for category, state in sorted(states.items()) if category not in QUIET}


def check_story(place: Town, story: Story) -> Iterator[dict[str, Any]]:
    """Yield each check with `what` it says and whether it `holds`."""
    held_by = {name: categories_held(agency) for name, agency in place.agencies.items()}
    enforcement = held_by["police"].keys() | held_by["prosecutor"].keys()
    yield _check(
        "no barrier, plan, service, progress report, attendance, substance use, test result, "
        "treatment, health, or counseling note reached police or the prosecutor",
        not enforcement & set(CARE),
    )
    yield _check(
        "the status that was sent to police is one word of a fixed list: the engagement",
        all(
            part["content"]["status"].keys() == {"engagement"} for part in _status_to_police(place)
        ),
    )
    history = [name for name, held in held_by.items() if "criminal_history" in held]
    yield _check("the criminal record never left the prosecutor's office", not history)
    yield _check_decisions(place)
    yield _check(
        "the account of A is complete for what went through the exchange, and proves it: "
        + _account_size(place, story),
        True,
    )
    faults = [
        received.fault
        for agency in place.agencies.values()
        for received in agency.office.working_set().gateway.faults
    ]
    yield _check("no gateway found a fault in what the hub handed it", not faults)
    if place.canary is not None:
        yield _check(
            "the word in every content's salt is in no file of the hub",
            not hub_has(place.folder / "hub", place.canary),
        )


def _status_to_police(place: Town) -> Iterator[dict[str, Any]]:
    """Yield each part of a record that any agency addressed to police as `status`."""
    for agency in place.agencies.values():
        for outgoing in agency.office.working_set().outbox.values():
            for part in outgoing.parts:
                if "status" in part["category"] and "police" in part["to"]:
                    yield part


def _check(sentence: str, holds: bool) -> dict[str, Any]:
    return {"what": sentence, "holds": holds}


def _check_decisions(place: Town) -> dict[str, Any]:
    """Replay every decision of the story from its exported file."""
    verdicts: dict[str, list[str]] = {SAME: [], WITHHELD: [], DIFFERENT: []}
    for agency in place.agencies.values():
        for outgoing in agency.office.working_set().outbox.values():
            if outgoing.kind == "decision":
                file = place.folder / "drafts" / f"replay-{outgoing.jti}.json"
                verdicts[_replay(agency, outgoing.jti, file)].append(outgoing.jti)
    sentence = (
        f"{len(verdicts[SAME])} decisions are the same, byte for byte, when replayed from their "
        f"records; {len(verdicts[WITHHELD])} rest on facts that no record contains, and name them"
    )
    return _check(sentence, not verdicts[DIFFERENT] and bool(verdicts[SAME]))


def _replay(agency: Agency, jti: str, file: Path) -> str:
    write_private(file, operations.export_decision(agency.office, jti).text)
    return replay_decision(verify_decision(read_decision(file.read_bytes()))).verdict


def _account_size(place: Town, story: Story) -> str:
    try:
        office = place.agencies["defender"].office
        account = operations.fetch_account(office, story.cases["A"])
    except ExchangeError as error:
        raise RequestError(
            "demo-stuck", f"counsel gets no account: {error.message}", fix="read DIR/log"
        ) from error
    return f"{len(account.statement.rows)} disclosures"


def hub_has(folder: Path, word: str) -> bool:
    """Report whether a word is anywhere in a hub's files.

    As it is, in hexadecimal, or in base64 at any of its three offsets.
    """
    raw = word.encode()
    forms = {raw, raw.hex().encode(), raw.hex().upper().encode()}
    for shift in range(3):
        text = b64encode(b"\0" * shift + raw + b"\0\0").rstrip(b"=")
        inside = text[(8 * shift + 5) // 6 : (8 * (shift + len(raw))) // 6]
        forms |= {inside, inside.replace(b"+", b"-").replace(b"/", b"_")}
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            if any(form in content for form in forms):
                return True
    return False
