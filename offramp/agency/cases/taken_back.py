"""The permissions that the person took back, from the records of consent of a case. Pure.

The person's own page and the account list them from here.
"""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from exchange.consent.disclosure import day_of
from exchange.consent.state import Committed
from exchange.records.statements import Change, Grant
from rules.frozen import frozen


@frozen
class TakenBack:
    """A permission that the person took back, and its time in seconds since 1970.

    `record` is the id of the record that ended it. `left` counts the permissions to tell the same
    agency that were in force after it.
    """

    grant: Grant
    record: str
    time: int
    left: int


def permissions_taken_back(records: Iterable[Committed], zone: ZoneInfo) -> tuple[TakenBack, ...]:
    """Return what records of consent took back, in their order.

    A permission that ended before, by its day or as agreed, isn't among them.
    """
    standing: dict[str, Grant] = {}
    ended: list[TakenBack] = []
    for record in records:
        today = day_of(record.time, zone).isoformat()
        standing = {
            id: grant
            for id, grant in standing.items()
            if grant.expires is None or grant.expires >= today
        }
        for _, statement in record.says():
            if isinstance(statement, Grant):
                standing[statement.id] = statement
            elif isinstance(statement, Change) and statement.does in ("end", "certify"):
                grant = standing.pop(statement.grant or "", None)
                if grant is not None and statement.does == "end":
                    recipients = [other.recipient for other in standing.values()]
                    left = recipients.count(grant.recipient)
                    ended.append(TakenBack(grant, record.jti, record.time, left))
    return tuple(ended)
