"""Check that the agency works in this folder. A console states nothing from any other."""

from __future__ import annotations

from contextlib import suppress
from typing import Literal

from exchange.errors import ExchangeError
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import LINE_EVERY, Office
from offramp.agency.folder.place import mark_place, notice_copy
from offramp.agency.hub_link.client import short_patience
from offramp.agency.hub_link.directory import learn_directory
from offramp.agency.hub_link.link import link_of
from offramp.agency.operations.access import GATEWAY, needs

# A gateway that runs has fetched within this time, and learns of a takeover by itself. In seconds.
_FETCHES_WITHIN = 3 * LINE_EVERY
_ASK_EVERY = 60


@needs(GATEWAY)
def folder_use(office: Office) -> Literal["here", "waits", "left"]:
    """Return `left` if the agency works in another folder, as far as the log is known here.

    `waits` is a restored folder that has not taken over yet, and `here` any other.
    """
    if office.is_left:
        return "left"
    origin = office.origin
    return "waits" if origin is not None and origin.waits else "here"


@needs(GATEWAY)
def begin_work(office: Office, *, marks: bool = False) -> bool:
    """Notice if this folder was copied, and return whether that was noticed now.

    With `marks`, as a gateway starts, it is noted where the folder is, so that a copy is noticed.
    """
    is_copied = notice_copy(office)
    if marks:
        mark_place(office)
    return is_copied


@needs(GATEWAY)
def check_in_use(office: Office, *, asks: bool = False) -> None:
    """Check that a person may begin something in this folder. Raises `AgencyError` `not-in-use`.

    With `asks`, the hub is asked if another folder took over, unless a gateway does so already. A
    hub that doesn't answer holds nobody up for longer than once a minute.
    """
    if asks and not office.is_left:
        _ask_hub(office)
    use = folder_use(office)
    if use == "left":
        raise AgencyError(
            "not-in-use",
            f"this is an old copy of the folder of `{office.agency}`, so nothing can be told from "
            "it",
            fix="open the console that is in use: your IT knows its address",
        )
    if use == "waits":
        raise AgencyError(
            "not-in-use",
            f"this is a restored copy of the folder of `{office.agency}` that is not in use yet, "
            "so nothing can be told from it",
            fix="ask your IT to start its gateway, then try again",
        )


def _ask_hub(office: Office) -> None:
    if _is_recent(office, office.asked_hub_at, _ASK_EVERY):
        return
    fetched = office.journal.get("line")
    if fetched is not None and _is_recent(office, fetched["time"], _FETCHES_WITHIN):
        return
    office.asked_hub_at = office.clock()
    with suppress(ExchangeError):
        link = link_of(office)
        with short_patience(link.client):
            learn_directory(link, proves=False)


def _is_recent(office: Office, time: int | None, within: int) -> bool:
    return time is not None and 0 <= office.clock() - time < within
