"""The contents in force of one case: what each agency said last, as far as this one knows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from offramp.agency.cases.case import LATEST, Case
from offramp.agency.cases.caseload import own_parts
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen


@frozen
class StatedContent:
    """The content of one part that this agency sent or opened.

    `by` is the agency that said it. `position` is the record's index in the log, `LATEST` before it
    is logged, and `time` its time in seconds since 1970.
    """

    by: str
    position: float
    time: int
    record: str
    part: str
    kind: str
    content: Mapping[str, Any]


def stated_contents(working_set: WorkingSet, handle: str, case: Case) -> tuple[StatedContent, ...]:
    """Return the contents of a case that are neither corrected nor recalled, the oldest first."""
    in_force = {entry.key for entry in case.entries if not entry.is_label}
    return tuple(
        sorted(
            (
                stated
                for stated in (*_sent(working_set, handle), *_opened(working_set, handle))
                if (stated.by, stated.record, stated.part) in in_force
            ),
            key=lambda stated: stated.position,
        )
    )


def _sent(working_set: WorkingSet, handle: str) -> Iterator[StatedContent]:
    for outgoing in working_set.cases.records(handle).sent:
        if outgoing.refused is not None or outgoing.replaced_by is not None:
            continue
        receipt = outgoing.receipt
        position, time = (receipt.index, receipt.time) if receipt else (LATEST, outgoing.time)
        for part, _, content in own_parts(outgoing):
            yield StatedContent(
                working_set.agency, position, time, outgoing.jti, part, outgoing.kind, content
            )


def _opened(working_set: WorkingSet, handle: str) -> Iterator[StatedContent]:
    for received in working_set.cases.records(handle).received.values():
        record, committed = received.record, received.committed
        if record is None or committed is None:
            continue
        for part, opened in received.opened.items():
            yield StatedContent(
                record.issuer,
                committed.index,
                committed.time,
                record.jti,
                part,
                record.kind,
                opened.content,
            )
