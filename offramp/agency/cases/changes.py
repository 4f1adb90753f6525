"""What changed in a case since a person read it. Pure: events in, changes out.

Receipts, proofs, openings, and acknowledgments change nothing that a person decides on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from exchange.agency.deliveries import Received
from offramp.agency.folder.journal import Event
from offramp.agency.folder.stored_records import record_of_item
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen

# Records that only confirm others.
_CONFIRMS = frozenset({"acknowledgement"})
# Records and statements by which consents begin and end.
CONSENTS = frozenset({"consent", "consent_change", "statement"})


@frozen
class CaseChange:
    """A change of a case: a record's kind, or `note`, `mistake`, or `statement`.

    `agency` sent the record, None for a change that was made here. `at` is the event's number.
    """

    kind: str
    agency: str | None
    at: int


IsChange = Callable[[CaseChange], bool]


def changes_in(
    working_set: WorkingSet, events: Iterable[Event], case: str
) -> tuple[CaseChange, ...]:
    """Return the changes of a case in events that the working set has learned."""
    return tuple(change for event in events for change in _changes(working_set, event, case))


def is_consent(change: CaseChange) -> bool:
    """Report whether a consent began or ended by a change."""
    return change.kind in CONSENTS


def _changes(working_set: WorkingSet, event: Event, case: str) -> Iterator[CaseChange]:
    body = event.body
    if event.kind == "inbox":
        for item in body["items"]:
            received = working_set.gateway.received.get((item["issuer"], record_of_item(item)))
            if received is not None and _is_of(received, case):
                assert received.record is not None, "it was checked"
                yield CaseChange(received.record.kind, received.record.issuer, event.at)
    elif body.get("case") == case:
        if event.kind == "composed" and body["kind"] not in _CONFIRMS:
            yield CaseChange(body["kind"], None, event.at)
        elif event.kind in ("noted", "mistake", "statement"):
            yield CaseChange("note" if event.kind == "noted" else event.kind, None, event.at)


def _is_of(received: Received, case: str) -> bool:
    record = received.record
    return record is not None and record.case == case and record.kind not in _CONFIRMS
