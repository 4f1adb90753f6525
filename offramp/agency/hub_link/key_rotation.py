"""Announce each month's key that opens seals, and destroy the keys that nothing needs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from exchange.log.leaves import KeyBody
from exchange.membership.history import EPOCHS_OPEN, announce_key, name_replacement
from offramp.agency.hub_link.directory import learn_directory
from offramp.agency.hub_link.link import HubLink

# The longest life of a key that opens seals, whatever still waits for it.
LONGEST_EPOCH = timedelta(days=90)
_ANY_INDEX = 2**53 - 1


def rotate_keys(link: HubLink) -> None:
    """Announce this month's key, and destroy those that nothing can need any more."""
    office = link.office
    gateway = office.working_set().gateway
    today = datetime.fromtimestamp(gateway.hub_time(office.clock()) + _hub_offset(link), UTC)
    month = f"{office.agency}.{today:%Y-%m}"
    sealing = gateway.history.membership_at(_ANY_INDEX).sealing
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
    before stays readable here. Raises `DirectoryError` `bad-announcement`.
    """
    learn_directory(link)
    office = link.office
    gateway = office.working_set().gateway
    open_keys = gateway.history.membership_at(_ANY_INDEX).sealing.get(office.agency, ())
    if kid not in [key.kid for key in open_keys]:
        return None
    today = datetime.fromtimestamp(gateway.hub_time(office.clock()) + _hub_offset(link), UTC)
    new = name_replacement(open_keys[0].kid, f"{today:%Y-%m}")
    is_made = new in office.keys.ids()
    with office.transaction():
        key = office.keys.sealing(new) if is_made else office.keys.make_sealing(new)
    link.client.announce(announce_key(key.public, office.signing))
    learn_directory(link)
    return new


def _month_of(kid: str) -> str:
    return kid.split(".")[1]


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
