"""Destroy contents and notes after their last day, in place in the journal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from offramp.agency.folder.journal import Event, Journal
from offramp.agency.folder.stored_records import (
    destroy_in_composed,
    destroy_in_item,
    read_bundle,
    record_of_item,
)

# Issuer, record, and part.
PartKey = tuple[str, str, str]


# The members of a note that are content: they say something about a person.
_CONTENT = (
    *("facts", "members", "changes"),
    *("report_number", "determination", "minutes", "concern"),
)


def note_has_content(event: Event) -> bool:
    """Report whether a note still has something to destroy."""
    return any(event.body.get(name) for name in _CONTENT)


def empty_note(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a note without everything about a person."""
    kept = {name: value for name, value in body.items() if name not in _CONTENT}
    return {**kept, "facts": {}, "members": {}}


def destroy_note(journal: Journal, event: Event) -> None:
    """Take everything about a person out of a note, within `together`."""
    journal.replace(event, empty_note(event.body))


def destroy_statement(journal: Journal, event: Event) -> None:
    """Take the signed lines and a drawn signature out of a consent's text, within `together`."""
    kept = {name: member for name, member in event.body.items() if name != "drawing"}
    journal.replace(event, {**kept, "lines": [], "said": []})


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
