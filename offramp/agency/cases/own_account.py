"""The account of a case from an agency's own records, where the hub gives it none.

It has what the agency said and was told. It can't prove that nothing is missing.
"""

from __future__ import annotations

from collections.abc import Iterator

from exchange.consent.account_rows import HANDED, SENT, Row, oral_rows, with_later_events
from exchange.consent.accounting import AccountStatement
from exchange.consent.state import Committed
from exchange.records.kinds import report_kinds
from offramp.agency.folder.working_set import WorkingSet


def own_account(working_set: WorkingSet, case: str, now: int) -> AccountStatement:
    """Return what this agency's logged records of a case say of each disclosure.

    `now` is this machine's time in seconds since 1970.
    """
    gateway = working_set.gateway
    state = gateway.state(case)
    rows = [
        with_later_events(row, state)
        for record in state.records
        for row in _rows_of(working_set, record)
    ]
    for report in state.kind(*report_kinds()):
        rows += oral_rows(report, state, gateway.history, None)
    return AccountStatement(
        case,
        gateway.line.size if gateway.line else 0,
        gateway.hub_time(now),
        {},
        tuple(sorted(rows, key=lambda row: (row.at, row.issuer, row.to, row.category))),
        {},
        state.kind("consent", "consent_change"),
        (),
        state.records,
    )


def _rows_of(working_set: WorkingSet, record: Committed) -> Iterator[Row]:
    """Yield a row for each text of a record and each category of its part."""
    received = working_set.gateway.received.get((record.issuer, record.jti))
    leaf = received.item.leaf if received is not None else None
    handed_at = leaf.body.time if leaf is not None else record.time
    for passage in record.passages:
        is_here = passage.to == working_set.agency
        for category in record.labels[passage.part].category:
            yield Row(
                record.issuer,
                record.kind,
                passage.to,
                category,
                passage.purpose,
                passage.basis,
                HANDED if is_here else SENT,
                handed_at if is_here else record.time,
                record=record.jti,
                part=passage.part,
            )
