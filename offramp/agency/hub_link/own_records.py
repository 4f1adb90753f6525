"""Ask the hub when an own record was sent that this folder doesn't know, after a restoration."""

from __future__ import annotations

from exchange.agency.own_records import UnknownRecord
from exchange.log.receipts import parse_receipt
from offramp.agency.errors import HubRefused
from offramp.agency.folder.office import Office
from offramp.agency.folder.origin import keep_own_leaves, own_leaves
from offramp.agency.hub_link.link import HubLink


def name_of(record: UnknownRecord) -> str:
    """Return what names a record that wasn't sent from here: its id, or its number in a case."""
    return record.jti if record.jti is not None else f"{record.case or ''} {record.number}"


def keep_unknown_before(office: Office) -> None:
    """Keep that what was unknown in the backup was sent by another program, before anything is
    fetched.

    A thief's record is then no record that the agency itself sent after the backup.
    """
    unknown = map(name_of, office.working_set().unknown_own_records())
    keep_own_leaves(office.journal, own_leaves(office.journal) | dict.fromkeys(unknown))


def place_own_records(link: HubLink) -> None:
    """Store the log's index of each own record that a restored folder lacks.

    A record before the folder took over is one that the folder before it sent after the backup.
    """
    office = link.office
    origin = office.origin
    if origin is None or origin.waits:
        return
    placed = own_leaves(office.journal)
    unknown = {record.jti for record in office.working_set().unknown_own_records()}
    missing = [jti for jti in sorted(jti for jti in unknown if jti) if jti not in placed]
    for jti in missing:
        try:
            placed[jti] = parse_receipt(link.client.receipt(jti)["receipt"]).index
        except HubRefused:
            placed[jti] = None
    if missing:
        keep_own_leaves(office.journal, placed)
