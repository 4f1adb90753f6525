"""Destroy contents and notes after their last day, in place in the journal."""

from __future__ import annotations

from offramp.agency.folder.journal import Event, Journal
from offramp.agency.folder.stored_records import (
    destroy_in_composed,
    destroy_in_item,
    last_days,
    read_bundle,
    record_of_item,
)
from offramp.agency.folder.working_set import WorkingSet

# Issuer, record, and part.
PartKey = tuple[str, str, str]


def parts_due(working_set: WorkingSet, today: str) -> set[PartKey]:
    """Return the parts, own and received, of which the last day is before `today`."""
    due: set[PartKey] = set()
    for (issuer, jti), received in working_set.gateway.received.items():
        if received.record is not None:
            due |= {
                (issuer, jti, part)
                for part, label in received.record.labels.items()
                if label.keep_until < today
            }
    for jti, outgoing in working_set.outbox.items():
        if outgoing.witnessed or outgoing.replaced_by is not None:
            due |= {
                (working_set.agency, jti, part)
                for part, keep_until in last_days(outgoing)
                if keep_until < today
            }
    return due - working_set.destroyed


def notes_due(working_set: WorkingSet, today: str) -> list[Event]:
    """Return the notes with facts or a number of which the last day is before `today`."""
    return [
        event
        for event in working_set.noted
        if event.body["keep_until"] < today
        and any(event.body.get(name) for name in ("facts", "members", "report_number"))
    ]


def statements_due(working_set: WorkingSet, today: str) -> list[Event]:
    """Return the signed texts of consents of which the last day is before `today`."""
    return [
        event
        for event in working_set.statements
        if event.body["keep_until"] < today and event.body.get("lines")
    ]


def destroy_note(journal: Journal, event: Event) -> None:
    """Take the facts and the report number out of a note, within `together`."""
    kept = {name: value for name, value in event.body.items() if name != "report_number"}
    journal.replace(event, {**kept, "facts": {}, "members": {}})


def destroy_parts(journal: Journal, due: set[PartKey]) -> None:
    """Take the contents and texts of these parts out of every event, within `together`."""
    parts = {(jti, part) for _, jti, part in due}
    records = {jti for jti, _ in parts}
    for event in list(journal.after(0)):
        body = event.body
        if event.kind == "inbox" and any(record_of_item(item) in records for item in body["items"]):
            items = [destroy_in_item(item, parts) for item in body["items"]]
            journal.replace(event, {**body, "items": items})
        elif event.kind == "opened" and (body["jti"], body["part"]) in parts:
            kept = {name: member for name, member in body.items() if name != "disclosure"}
            journal.replace(event, kept)
        elif event.kind == "composed":
            composed = read_bundle(body["bundle"]).id
            own = {part for jti, part in parts if jti == composed}
            if own:
                journal.replace(event, destroy_in_composed(body, own))
