"""Ask the hub when an own record was sent that this folder doesn't know, and by which folder.

A record from before a restored folder took over was sent by the folder before it. A record from
while another folder had taken over may be that folder's, and a person has to say so.
"""

from __future__ import annotations

from exchange.agency.own_records import UnknownRecord
from exchange.log.receipts import parse_receipt
from offramp.agency.errors import HubRefused
from offramp.agency.folder.office import Office
from offramp.agency.folder.origin import (
    keep_own_leaves,
    keep_own_numbers,
    other_folders,
    own_leaves,
    own_numbers,
)
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.hub_link.link import HubLink


def name_of(record: UnknownRecord) -> str:
    """Return what names a record that wasn't sent from here: its id, or its number in a case."""
    return record.jti if record.jti is not None else f"{record.case or ''}/{record.number}"


def keep_unknown_before(office: Office) -> None:
    """Keep that what was unknown in the backup was sent by another program, before anything is
    fetched.

    A thief's record is then no record that the agency itself sent after the backup. If a restored
    folder wrote the backup, what that folder lacked from its own backup stays such a record.
    """
    origin, working_set = office.origin, office.working_set()
    assert origin is not None, "it was restored"
    unknown = [
        name_of(record)
        for record in working_set.unknown_own_records()
        if origin.before is None or not is_sent_before(office, working_set, record, origin.before)
    ]
    keep_own_leaves(office.journal, own_leaves(office.journal) | dict.fromkeys(unknown))


def is_sent_before(
    office: Office, working_set: WorkingSet, record: UnknownRecord, taken_over_at: int
) -> bool:
    """Report whether a record was sent before this folder took over, at an index of the log.

    A record that is known by its number alone was, if nothing with a lower number was sent from
    here since.
    """
    leaves, name = own_leaves(office.journal), name_of(record)
    if record.jti is not None or name in leaves:
        index = leaves.get(name)
        return index is not None and index < taken_over_at
    assert record.number is not None, "it is known by its number or by its id"
    return not any(
        outgoing.receipt is not None
        and outgoing.case == record.case
        and outgoing.receipt.index > taken_over_at
        and outgoing.receipt.number < record.number
        for outgoing in working_set.outbox.values()
    )


def is_of_time_of_another_folder(office: Office, jti: str) -> bool:
    """Report whether a record was sent while another folder had taken over."""
    index = own_leaves(office.journal).get(jti)
    between = other_folders(office.journal)
    return index is not None and any(begin < index < end for begin, end in between)


def place_own_records(link: HubLink) -> None:
    """Store the log's index and the number of each own record that this folder lacks.

    The hub is asked only if another folder of the agency has acted: after a restoration, or where
    one had taken over.
    """
    office = link.office
    origin = office.origin
    if origin is None and not other_folders(office.journal):
        return
    if origin is not None and origin.waits:
        return
    placed, numbers = own_leaves(office.journal), own_numbers(office.journal)
    unknown = {record.jti for record in office.working_set().unknown_own_records()}
    missing = [jti for jti in sorted(jti for jti in unknown if jti) if jti not in placed]
    for jti in missing:
        try:
            receipt = parse_receipt(link.client.receipt(jti)["receipt"])
            placed[jti], numbers[jti] = receipt.index, receipt.number
        except HubRefused:
            placed[jti] = None
    if missing:
        keep_own_leaves(office.journal, placed)
        keep_own_numbers(office.journal, numbers)
