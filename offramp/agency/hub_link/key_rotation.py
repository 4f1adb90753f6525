"""Announce each month's key that opens seals, and destroy the keys that nothing needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from exchange.log.leaves import KeyBody
from exchange.membership.history import EPOCHS_OPEN, announce_key, name_replacement
from offramp.agency.errors import HubRefused
from offramp.agency.folder.office import Office
from offramp.agency.folder.origin import NEWEST, keep_origin, keep_other_folder
from offramp.agency.folder.place import notice_copy
from offramp.agency.hub_link.directory import learn_directory
from offramp.agency.hub_link.link import HubLink
from offramp.agency.hub_link.own_records import keep_unknown_before

# The longest life of a key that opens seals, whatever still waits for it.
LONGEST_EPOCH = timedelta(days=90)


def rotate_keys(link: HubLink) -> None:
    """Announce this month's key, and destroy those that nothing can need any more."""
    office = link.office
    gateway = office.working_set().gateway
    today = _today(link)
    month = f"{office.agency}.{today:%Y-%m}"
    sealing = gateway.history.membership_at(NEWEST).sealing
    announced = [key.kid for key in sealing.get(office.agency, ())]
    if not announced or announced[0] < month:
        is_made = month in office.keys.ids()
        with office.transaction():
            key = office.keys.sealing(month) if is_made else office.keys.make_sealing(month)
        link.client.announce(announce_key(key.public, office.signing))
        learn_directory(link)
    _destroy_old_keys(link, today)


def replace_sealing_key(link: HubLink, kid: str) -> str | None:
    """Announce a key that closes a stolen sealing key of this agency, and all its others, at once.

    Returns the new key's id, or None if the stolen key is closed already. What was sealed to it
    before stays readable here. If another folder of the agency had taken over with the key, it is
    noted how long it had. Raises `DirectoryError` `bad-announcement`.
    """
    learn_directory(link)
    office = link.office
    gateway = office.working_set().gateway
    open_keys = gateway.history.membership_at(NEWEST).sealing.get(office.agency, ())
    if kid not in [key.kid for key in open_keys]:
        return None
    today = _today(link)
    new = name_replacement(open_keys[0].kid, f"{today:%Y-%m}")
    is_made = new in office.keys.ids()
    with office.transaction():
        key = office.keys.sealing(new) if is_made else office.keys.make_sealing(new)
    link.client.announce(announce_key(key.public, office.signing))
    learn_directory(link)
    _note_other_folder(office, new)
    return new


def _note_other_folder(office: Office, new: str) -> None:
    """Note between which indices another folder had taken over, before a new key of this one."""
    gateway = office.working_set().gateway
    announced = gateway.history.sealing_keys_of(office.agency)
    at = next((place for place, (_, key) in enumerate(announced) if key.kid == new), None)
    if at is None:
        return
    begin = None
    for index, key in reversed(announced[:at]):
        here = gateway.sealing.get(key.kid)
        if here is not None and here.public.thumbprint == key.thumbprint:
            break
        begin = index
    if begin is not None:
        keep_other_folder(office.journal, begin, announced[at][0])


def take_over(link: HubLink) -> None:
    """Announce a new sealing key, if this folder was restored or copied and has not taken over yet.

    A folder of the same agency that learns of it stops acting. Raises `AgencyError`
    `works-elsewhere` if it is this folder that another one took over from.

    INVARIANT: nothing is sent or fetched before this, so two folders never both act. Call it after
    `learn_directory`.
    """
    office = link.office
    notice_copy(office)
    origin = office.origin
    gateway = office.working_set().gateway
    if origin is None or not origin.waits or not gateway.history.size:
        office.check_works_here()
        return
    keep_unknown_before(office)
    if _own_leaf(link, origin.key) is None:
        open_keys = gateway.history.membership_at(NEWEST).sealing.get(office.agency, ())
        month = f"{_today(link):%Y-%m}"
        new = name_replacement(open_keys[0].kid, month) if open_keys else f"{office.agency}.{month}"
        is_made = new in office.keys.ids()
        with office.transaction():
            key = office.keys.sealing(new) if is_made else office.keys.make_sealing(new)
            keep_origin(office.journal, replace(origin, key=new))
        try:
            link.client.announce(announce_key(key.public, office.signing))
        except HubRefused:
            # Another program of this folder may have announced the same key a moment ago.
            learn_directory(link)
            if _own_leaf(link, new) is None:
                raise
        learn_directory(link)
    origin = office.origin
    assert origin is not None, "it was there before"
    index = _own_leaf(link, origin.key)
    if index is not None:
        with office.transaction():
            keep_origin(office.journal, replace(origin, index=index))
        if origin.purpose == "copy":
            # Nothing was fetched yet, and the other folder may have acted since the last line.
            line = office.working_set().gateway.line
            keep_other_folder(office.journal, line.size - 1 if line is not None else -1, index)
    office.check_works_here()


def _own_leaf(link: HubLink, kid: str | None) -> int | None:
    """Return the log's index of a sealing key that is here and is the agency's newest, or None."""
    gateway, agency = link.office.working_set().gateway, link.office.agency
    announced = gateway.history.membership_at(NEWEST).sealing.get(agency, ())
    if kid is None or not announced or announced[0].kid != kid or kid not in gateway.sealing:
        return None
    if gateway.sealing[kid].public.thumbprint != announced[0].thumbprint:
        return None
    return max(
        leaf.index
        for leaf in gateway.members
        if isinstance(leaf.body, KeyBody) and leaf.body.agency == agency
    )


def _month_of(kid: str) -> str:
    return kid.split(".")[1]


def _today(link: HubLink) -> datetime:
    """Return the present time by the hub's clock."""
    gateway = link.office.working_set().gateway
    return datetime.fromtimestamp(gateway.hub_time(link.office.clock()) + _hub_offset(link), UTC)


def _hub_offset(link: HubLink) -> int:
    """Return how far ahead the hub's clock is. Before the first line only `Date` tells it."""
    has_line = link.office.working_set().gateway.line is not None
    return 0 if has_line else link.client.ahead or 0


def _destroy_old_keys(link: HubLink, today: datetime) -> None:
    gateway = link.office.working_set().gateway
    announced = [
        leaf.index
        for leaf in gateway.members
        if isinstance(leaf.body, KeyBody) and leaf.body.agency == link.office.agency
    ]
    # Two newer keys are announced, and the newest answer, which held all there is, came after the
    # second of them.
    is_superseded = (
        gateway.line is not None
        and len(announced) >= EPOCHS_OPEN
        and gateway.line.size > announced[-1]
    )
    # A month's keys are kept together: what was sealed before a theft stays readable as long.
    months = sorted({_month_of(kid) for kid in gateway.sealing})[: -EPOCHS_OPEN or None]
    for kid in [kid for kid in gateway.sealing if _month_of(kid) in months]:
        year, month = (int(number) for number in _month_of(kid).split("-"))
        age = today - datetime(year, month, 1, tzinfo=UTC)
        if is_superseded or age > LONGEST_EPOCH + timedelta(days=31):
            link.office.keys.destroy(kid)
