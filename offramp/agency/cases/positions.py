"""Positions in a case: where this agency's own records and notes stand among all statements.

A record stands at its index in the log. A record without a receipt stands after all that is
logged, in the order of composition. A note stands after everything that the log was known to hold,
and after everything that this agency had composed in the case before it.
"""

from __future__ import annotations

from offramp.agency.cases.case_entry import LATEST
from offramp.agency.folder.journal import Event
from offramp.agency.folder.outgoing import OutgoingRecord
from offramp.agency.folder.working_set import WorkingSet

# Floats over `LATEST` are two apart. So there is room for a note between two queued records.
_STEP = 4.0
# Small enough that millions of events stay between two records, and no smaller than floats of a log
# of millions of entries can hold apart.
_TICK = 2.0**-30


def record_position(outgoing: OutgoingRecord) -> float:
    """Return the position of a record that was composed here."""
    if outgoing.receipt is not None:
        return float(outgoing.receipt.index)
    return LATEST + _STEP * outgoing.at


def note_position(working_set: WorkingSet, event: Event) -> float:
    """Return the position of a note of this agency, given by its event in the journal."""
    earlier = max(
        (
            record_position(outgoing)
            for outgoing in working_set.cases.records(event.body["case"]).sent
            if outgoing.at < event.at and outgoing.refused is None and outgoing.replaced_by is None
        ),
        default=-1.0,
    )
    if earlier >= LATEST:
        return earlier + _STEP / 2
    # Of two notes with nothing between them in the log, the later one stands after the other.
    return float(max(event.body["after"] - 0.5, earlier + 0.25)) + event.at * _TICK
