"""Send queued records, and pull what arrived."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exchange.errors import LogError
from exchange.log.receipts import parse_receipt
from offramp.agency.errors import AgencyError, HubAway, HubRefused
from offramp.agency.folder.office import Office
from offramp.agency.hub_link.directory import learn_directory
from offramp.agency.hub_link.link import HubLink, link_of

# The most records in one request.
MOST_BUNDLES = 20


def send_outbox(link: HubLink) -> int:
    """Send the queued records in order, and return how many the hub took.

    A record that is sealed to an old key is built again under a new id.
    """
    sent = 0
    while waiting := link.office.working_set().to_send()[:MOST_BUNDLES]:
        is_rebuilt = False
        answers = link.client.submit([outgoing.bundle for outgoing in waiting])
        for outgoing, answer in zip(waiting, answers, strict=True):
            error = answer.get("error") or {}
            if "receipt" in answer:
                link.office.receive(outgoing.jti, parse_receipt(answer["receipt"]))
                sent += 1
            elif answer["status"] >= 500:
                return sent
            elif error.get("code") == "key-old":
                learn_directory(link)
                link.office.rebuild(outgoing.jti)
                is_rebuilt = True
            else:
                link.office.refused(outgoing.jti, answer["status"], error)
        if not is_rebuilt and len(waiting) < MOST_BUNDLES:
            break
    return sent


def pull_inbox(link: HubLink, wait: int = 0) -> int:
    """Pull what arrived, and return how many items were new. `wait` is in seconds."""
    taken = 0
    while True:
        gateway = link.office.working_set().gateway
        after, line = gateway.cursor, gateway.line
        answer = link.client.inbox(after, wait)
        try:
            taken += link.office.take(answer, after, line)
        except LogError as error:
            is_behind = error.code in ("directory-behind", "generation-behind")
            if not is_behind or not learn_directory(link):
                raise
            taken += link.office.take(answer, after, line)
        if not answer.items:
            return taken
        link.client.done(link.office.working_set().gateway.cursor)
        wait = 0


def send_now(office: Office, jti: str | None) -> str:
    """Send what is queued if the hub answers. Returns the state of the record `jti`, in words.

    Without `jti`, returns `sent`, or why it is queued.
    """
    try:
        link = link_of(office)
        learn_directory(link)
        send_outbox(link)
    except (HubAway, HubRefused, AgencyError) as error:
        return f"queued: {error.message}"
    if jti is None:
        return "sent"
    outbox = office.working_set().outbox
    outgoing = outbox[jti]
    while outgoing.replaced_by is not None:
        outgoing = outbox[outgoing.replaced_by]
    if outgoing.refused is None:
        return outgoing.state
    return f"refused: {explain_refusal(outgoing.refused)}"


def explain_refusal(refused: Mapping[str, Any]) -> str:
    """Return why the hub refused a record, in words."""
    error = refused.get("error") or {}
    if refused.get("status") == 403:
        return "the hub doesn't pass this, and this agency's own check did: a person must look"
    return f"{error.get('message')} [{error.get('code')}]"
