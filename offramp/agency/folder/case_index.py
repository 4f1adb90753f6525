"""The records and notes of each case, and when each case last changed.

The index is built as the journal is read, so that a look at one case reads only what belongs to
it. Pure: it has no clock and no file.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from typing import Any

from exchange.agency.deliveries import Received
from offramp.agency.folder.journal import Event
from offramp.agency.folder.outgoing import OutgoingRecord
from rules.frozen import frozen
from rules.shelf import vocabulary

# What a person or this program said of two cases: perhaps of one person, of one, or of two people.
POSSIBLE, SAME, DIFFERENT, SPLIT = "possible", "same", "different", "split"

# The digits of a handle that people read, unless several cases begin with them.
FEWEST_DIGITS = 8


def first_digits(handle: str) -> str:
    """Return the digits of a handle that people read where no other case is at hand."""
    return handle[:FEWEST_DIGITS]


@frozen
class CaseLink:
    """The newest word on two cases.

    `first` is the case that came later here. `at` is in seconds since 1970, `by` a person's name,
    None for the program's own notice.
    """

    does: str
    first: str
    at: int
    by: str | None


class CaseRecords:
    """What this agency sent, received, and noted of one case, each in the order of the journal.

    `touched` is the number of the newest event that changed the case.
    """

    def __init__(self) -> None:
        self.sent: list[OutgoingRecord] = []
        self.received: dict[tuple[str, str], Received] = {}
        self.notes: list[Event] = []
        self.touched = 0


class CaseIndex:
    """The records of every case by its handle, in the order in which this agency learned of them.

    `shared_notes` state facts about no person, which apply to every case. `version` grows with
    each change of any case.
    """

    def __init__(self) -> None:
        self._cases: dict[str, CaseRecords] = {}
        self._sorted: list[str] = []
        self._touched_all = 0
        # The version at which each case changed last, the newest last.
        self._changed: dict[str, int] = {}
        self._changed_all = 0
        self._links: dict[str, dict[str, CaseLink]] = {}
        self.shared_notes: list[Event] = []
        self.version = 0

    def __contains__(self, handle: object) -> bool:
        return handle in self._cases

    def __len__(self) -> int:
        return len(self._cases)

    def handles(self) -> tuple[str, ...]:
        """Return every case, in the order in which this agency learned of them."""
        return tuple(self._cases)

    def digits(self, handle: str) -> str:
        """Return the first digits of a handle, at least 8, with which no other case begins."""
        at = bisect_left(self._sorted, handle)
        is_here = self._sorted[at : at + 1] == [handle]
        beside = (
            *self._sorted[max(0, at - 1) : at],
            *self._sorted[at + is_here : at + is_here + 1],
        )
        shared = max((_shared_digits(handle, other) for other in beside), default=0)
        return handle[: max(FEWEST_DIGITS, shared + 1)]

    def records(self, handle: str) -> CaseRecords:
        """Return what belongs to a case. It is empty for a case that isn't known here."""
        return self._cases.get(handle) or CaseRecords()

    def notes_about(self, handle: str) -> Iterable[Event]:
        """Return the notes of a case and the shared notes, in the order of the journal."""
        own = self.records(handle).notes
        if not self.shared_notes:
            return own
        notes = {event.at: event for event in (*own, *self.shared_notes)}
        return [notes[at] for at in sorted(notes)]

    def touched(self, handle: str) -> int:
        """Return the number of the newest event that may change what is known of a case."""
        group = self.same_person(handle)
        return max(self._touched_all, *(self.records(case).touched for case in group))

    def changed_since(self, version: int) -> tuple[str, ...]:
        """Return the cases that may have changed since the index had a version."""
        if version < self._changed_all:
            return self.handles()
        changed = []
        for handle in reversed(self._changed):
            if self._changed[handle] <= version:
                break
            changed.append(handle)
        return tuple(reversed(changed))

    def links(self, handle: str) -> Mapping[str, CaseLink]:
        """Return the newest word on a case and each other case, by the other's handle."""
        return self._links.get(handle, {})

    def same_person(self, handle: str) -> tuple[str, ...]:
        """Return the cases that were joined as one person's, in the order of their handles."""
        if handle not in self._links:
            return (handle,)
        group: dict[str, None] = {handle: None}
        self._add_joined(handle, group)
        return tuple(sorted(group))

    def _add_joined(self, handle: str, group: dict[str, None]) -> None:
        for other, link in self.links(handle).items():
            if link.does == SAME and other not in group:
                group[other] = None
                self._add_joined(other, group)

    # Changes, in the order of the journal

    def add_sent(self, event: Event, outgoing: OutgoingRecord) -> None:
        """Add a record that was composed here. A record about no case is not indexed."""
        if outgoing.case is not None:
            self._at(outgoing.case, event.at).sent.append(outgoing)

    def add_received(self, event: Event, arrived: Iterable[Received | None]) -> None:
        """Add what an answer of the hub brought, None for an item that is not a checked record.

        Such an item may block any case, so every case counts as changed.
        """
        for received in arrived:
            if received is None or received.record is None or received.committed is None:
                self.touch_all(event)
                continue
            key = received.record.issuer, received.record.jti
            if received.committed.case is not None:
                case = self._at(received.committed.case, event.at)
                if case.received.setdefault(key, received) is not received:
                    self.touch_all(event)

    def add_note(self, event: Event) -> None:
        """Add a note. One with facts about no person changes every case."""
        self._at(event.body["case"], event.at).notes.append(event)
        if _states_shared_facts(event.body):
            self.shared_notes.append(event)
            self.touch_all(event)

    def add_link(self, event: Event) -> None:
        """Add a word on two cases."""
        first, second = event.body["cases"]
        link = CaseLink(event.body["does"], first, event.body["at"], event.body.get("by"))
        for one, other in ((first, second), (second, first)):
            self._links.setdefault(one, {})[other] = link
            self._at(one, event.at)

    def touch(self, event: Event, handle: str | None) -> None:
        """Mark a case as changed."""
        if handle is not None:
            self._at(handle, event.at)

    def touch_all(self, event: Event) -> None:
        """Mark every case as changed."""
        self._touched_all = event.at
        self.version += 1
        self._changed_all = self.version

    def _at(self, handle: str, event: int) -> CaseRecords:
        if handle not in self._cases:
            self._add(handle, event)
        case = self._cases[handle]
        case.touched = event
        self.version += 1
        for other in self.same_person(handle):
            self._changed.pop(other, None)
            self._changed[other] = self.version
        return case

    def _add(self, handle: str, event: int) -> None:
        """Add a case. What is remembered of a case with the same first digits names it anew."""
        self._cases[handle] = CaseRecords()
        at = bisect_left(self._sorted, handle)
        beside = (*self._sorted[max(0, at - 1) : at], *self._sorted[at : at + 1])
        insort(self._sorted, handle)
        for other in beside:
            if _shared_digits(handle, other) >= FEWEST_DIGITS:
                self._at(other, event)


def _shared_digits(first: str, second: str) -> int:
    """Return how many digits two handles begin with in common."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(first), len(second)))


def _states_shared_facts(body: dict[str, Any]) -> bool:
    facts = vocabulary().facts
    return any(
        path in facts and facts[path].category == "operation" for path in body.get("facts", {})
    )
