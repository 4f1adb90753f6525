"""An opened part, and the acknowledgment that tells its issuer."""

from __future__ import annotations

from exchange.agency.deliveries import Received
from exchange.records.building import Part
from exchange.records.delivery import OpenedPart
from rules.frozen import frozen


@frozen
class Reading:
    """An opened part, the obligations of its reader, and the names of the reader and a second.

    `case` is the record's, None for a record about no case. `unwitnessed` is true if the log still
    lacks its witnesses, within the grace.
    """

    opened: OpenedPart
    obligations: tuple[str, ...]
    unwitnessed: bool
    by: str
    second: str | None = None
    case: str | None = None


def acknowledgement(received: Received, reading: Reading, *, keep_until: str) -> Part:
    """Return the part that tells the issuer that its part was opened, with what obligations."""
    record = received.record
    assert record is not None, "an opened record was checked"
    obligations = {"obligations": list(reading.obligations)} if reading.obligations else {}
    return Part(
        category=("operation",),
        content={"operation": obligations},
        to={record.issuer: ("exchange_operation", "operation")},
        keep_until=keep_until,
        use="no_adverse_action",
        says={"about": [record.jti, reading.opened.label.id]},
    )
