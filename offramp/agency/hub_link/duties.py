"""All duties of a gateway, once."""

from __future__ import annotations

from offramp.agency.hub_link.delivery import pull_inbox, send_outbox
from offramp.agency.hub_link.directory import learn_directory
from offramp.agency.hub_link.key_rotation import rotate_keys, take_over
from offramp.agency.hub_link.link import HubLink
from offramp.agency.hub_link.own_records import place_own_records
from offramp.agency.hub_link.witnessing import cosign_tree, fetch_proofs


def run_duties(link: HubLink) -> None:
    """Do every duty once, in an order in which each finds what it needs.

    Before the first directory, and at a closed hub, only the directory is learned. Raises as
    `take_over`.
    """
    learn_directory(link)
    if not link.office.working_set().gateway.history.size or link.restored is not None:
        return
    take_over(link)
    rotate_keys(link)
    send_outbox(link)
    pull_inbox(link)
    place_own_records(link)
    cosign_tree(link)
    fetch_proofs(link)
