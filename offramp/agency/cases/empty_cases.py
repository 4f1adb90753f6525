"""Cases in which nothing is left: counsel mistyped a handle, and took the statement back. Pure."""

from __future__ import annotations

from offramp.agency.cases.caseload import handles, recalled_parts
from offramp.agency.folder.working_set import WorkingSet

# What counsel's statement in a wrong case leaves behind.
_LEFTOVERS = frozenset(("representation", "recall", "recall_answer", "acknowledgement"))


def is_empty(working_set: WorkingSet, handle: str) -> bool:
    """Return True if a case has nothing but counsel's statements, and all of them were recalled."""
    records = working_set.cases.records(handle)
    if records.notes:
        return False
    parts: set[tuple[str, str]] = set()
    for outgoing in records.sent:
        if outgoing.kind not in _LEFTOVERS:
            return False
        if outgoing.kind == "representation" and outgoing.refused is None:
            parts |= {(outgoing.jti, str(part)) for part, _ in outgoing.labels}
    for received in records.received.values():
        if received.record is None or received.record.kind not in _LEFTOVERS:
            return False
        if received.record.kind == "representation":
            parts |= {(received.record.jti, part) for part in received.record.labels}
    return bool(parts) and parts <= set(recalled_parts(working_set, handle))


def live_handles(working_set: WorkingSet) -> tuple[str, ...]:
    """Return every case in which something is left, or a recall waits for this agency's answer."""
    return tuple(
        handle
        for handle in handles(working_set)
        if not is_empty(working_set, handle) or working_set.gateway.pending_recalls(handle)
    )


def short_handle(working_set: WorkingSet, handle: str) -> str:
    """Return the first digits of a handle by which a command finds this case: 8, or more."""
    others = [other for other in handles(working_set) if other != handle]
    length = 8
    while length < len(handle) and any(other.startswith(handle[:length]) for other in others):
        length += 1
    return handle[:length]
