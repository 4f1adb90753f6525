"""This agency's own statements that it ended its parts of a case, and which of them count. Pure.

An agency signs one record for each of the person's agencies. A statement counts as long as one of
these records was not asked back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from offramp.agency.cases.told import recalled_from
from offramp.agency.folder.outgoing import OutgoingRecord
from offramp.agency.folder.working_set import WorkingSet
from rules.packs.retention import CAUSES

# How far a statement is. `nobody` is one that had no recipient, so nothing was signed.
StatementState = Literal["sent", "queued", "refused", "asked_back", "nobody"]


def statement_states(working_set: WorkingSet, case: str) -> Mapping[str, StatementState]:
    """Return how far the newest statement of each cause is, for causes that ended something."""
    return {
        cause: _state_of(working_set, case, working_set.retention.signed[case, cause])
        for cause in CAUSES
        if (case, cause) in working_set.retention.signed
    }


def causes_stated(working_set: WorkingSet, case: str) -> frozenset[str]:
    """Return the causes of which a statement counts: it was not asked back, and has a recipient.

    INVARIANT: such a statement is never changed. Its cause is neither noted again nor withdrawn.
    """
    return frozenset(
        cause
        for cause, state in statement_states(working_set, case).items()
        if state not in ("asked_back", "nobody")
    )


def is_done(working_set: WorkingSet, case: str, cause: str) -> bool:
    """Report whether there is nothing to sign for a cause, since it was signed as it is noted now.

    A statement that was asked back is signed anew once a person or the records note another day.
    """
    if (case, cause) not in working_set.retention.signed:
        return False
    return cause in causes_stated(working_set, case) or not _is_renewed(working_set, case, cause)


def causes_renewed(working_set: WorkingSet, case: str) -> frozenset[str]:
    """Return the causes noted anew after a statement that doesn't count any more.

    Their next statement isn't signed yet.
    """
    noted, stated = working_set.retention.ended(case), causes_stated(working_set, case)
    return frozenset(
        cause
        for cause in statement_states(working_set, case)
        if cause in noted and cause not in stated and _is_renewed(working_set, case, cause)
    )


def _is_renewed(working_set: WorkingSet, case: str, cause: str) -> bool:
    state = working_set.retention
    return state.noted_at.get((case, cause), 0) > state.signed_at[case, cause]


def parts_stated(working_set: WorkingSet, case: str) -> int:
    """Count the destroyed parts of a case that the statements that count state."""
    stated = working_set.retention.stated
    return sum(stated[case, cause] for cause in causes_stated(working_set, case))


def standing_records(working_set: WorkingSet, case: str, cause: str) -> tuple[OutgoingRecord, ...]:
    """Return the records of a cause's newest statement that were not asked back."""
    newest = (
        _newest(working_set, jti) for jti in working_set.retention.signed.get((case, cause), ())
    )
    return tuple(record for record in newest if not _is_asked_back(working_set, case, record))


def relying_on(
    working_set: WorkingSet, case: str, records: Iterable[str]
) -> Mapping[str, OutgoingRecord]:
    """Return the statements, by cause, whose counts rely on one of these records of this agency.

    A later statement doesn't count the parts that an earlier one counts.
    """
    state, asked_back = working_set.retention, frozenset(records)
    signed_at = {
        cause: state.signed_at[case, cause]
        for cause in causes_stated(working_set, case)
        if standing_records(working_set, case, cause)
    }
    earliest = min(
        (
            at
            for cause, at in signed_at.items()
            for record in standing_records(working_set, case, cause)
            if record.jti in asked_back
        ),
        default=None,
    )
    relying = {
        cause: standing_records(working_set, case, cause)
        for cause, at in signed_at.items()
        if earliest is not None and at > earliest
    }
    return {
        cause: standing[0]
        for cause, standing in relying.items()
        if not any(record.jti in asked_back for record in standing)
    }


def _state_of(working_set: WorkingSet, case: str, ids: tuple[str, ...]) -> StatementState:
    if not ids:
        return "nobody"
    records = [_newest(working_set, jti) for jti in ids]
    standing = [record for record in records if not _is_asked_back(working_set, case, record)]
    if not standing:
        return "asked_back"
    if any(record.receipt is not None for record in standing):
        return "sent"
    return "queued" if any(record.waits for record in standing) else "refused"


def _newest(working_set: WorkingSet, jti: str) -> OutgoingRecord:
    """Return a record, or the one that was built again from it."""
    record = working_set.outbox[jti]
    while record.replaced_by is not None:
        record = working_set.outbox[record.replaced_by]
    return record


def _is_asked_back(working_set: WorkingSet, case: str, record: OutgoingRecord) -> bool:
    """Report whether a record was asked back from every recipient, or is about to be."""
    return all(
        (record.jti, part) in recalled_from(working_set, case, recipient)
        for part, stored in zip(record.part_ids(), record.parts, strict=True)
        for recipient in stored["to"]
    )
