"""Send queued records, and pull what arrived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from exchange.errors import LogError
from exchange.log.receipts import parse_receipt
from offramp.agency.errors import AgencyError, HubAway, HubRefused
from offramp.agency.folder.office import Office
from offramp.agency.folder.origin import note_fetched
from offramp.agency.folder.outgoing import QUEUED, OutgoingRecord
from offramp.agency.hub_link.directory import learn_directory
from offramp.agency.hub_link.key_rotation import take_over
from offramp.agency.hub_link.link import HubLink, link_of

# The most records in one request, and the most of a batch, which is the hub's limit.
MOST_BUNDLES, MOST_BATCHED = 20, 100
# About the most bytes of a request that is no batch: the hub takes 16 MiB.
LARGEST_REQUEST = 4 * 1024 * 1024


def send_outbox(link: HubLink) -> int:
    """Send the queued records in order, and return how many the hub took.

    A record that is sealed to an old key is built again under a new id.
    """
    sent = 0
    link.held = None
    held_cases: set[str | None] = set()
    while queued := [
        outgoing
        for outgoing in link.office.working_set().to_send()
        if outgoing.case not in held_cases
    ]:
        link.office.check_works_here()
        waiting = _next_request(queued)
        is_rebuilt = False
        answers = link.client.submit([outgoing.bundle for outgoing in waiting])
        for outgoing, answer in zip(waiting, answers, strict=True):
            error = answer.get("error") or {}
            if "receipt" in answer:
                link.office.receive(outgoing.jti, parse_receipt(answer["receipt"]))
                sent += 1
            elif error.get("code") == "quota":
                # It stays queued, and what follows it in its case with it.
                held_cases.add(outgoing.case)
                link.held = f"{error.get('message')}: {error.get('fix')}"
            elif answer["status"] == 429 or answer["status"] >= 500:
                return sent
            elif error.get("code") == "key-old":
                learn_directory(link)
                link.office.rebuild(outgoing.jti)
                is_rebuilt = True
            else:
                link.office.refused(outgoing.jti, answer["status"], error)
        if not is_rebuilt and not held_cases and len(waiting) == len(queued):
            break
    return sent


def send_what_waits(link: HubLink) -> int:
    """Learn the directory, and send the queued records if the agency works in this folder.

    Raises as `take_over`.
    """
    learn_directory(link)
    take_over(link)
    return send_outbox(link)


def _next_request(queued: Sequence[OutgoingRecord]) -> Sequence[OutgoingRecord]:
    """Return the first queued records that make one request, without cutting a batch.

    The hub commits a request in one transaction.
    """
    request: list[OutgoingRecord] = []
    size = 0
    for _, group in groupby(queued, key=lambda outgoing: outgoing.batch or outgoing.jti):
        batch = list(group)
        if len(batch) > 1:
            return request or batch[:MOST_BATCHED]
        size += sum(len(outgoing.bundle.write()) for outgoing in batch)
        if len(request) == MOST_BUNDLES or (request and size > LARGEST_REQUEST):
            break
        request += batch
    return request


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
            note_fetched(link.office.journal)
            return taken
        link.client.done(link.office.working_set().gateway.cursor)
        wait = 0


def send_now(office: Office, jti: str | None) -> str:
    """Send what is queued if the hub answers. Returns the state of the record `jti`, in words.

    Without `jti`, returns `sent`, or why it is queued.
    """
    failure = _try_to_send(office)
    if failure is not None:
        return f"queued: {failure}"
    return "sent" if jti is None else state_of(office, jti)


def send_together(office: Office, jtis: Sequence[str]) -> tuple[str, ...]:
    """Send what is queued if the hub answers. Returns the state of each record, in words."""
    failure = _try_to_send(office)
    states = []
    for jti in jtis:
        state = state_of(office, jti)
        states.append(f"{QUEUED}: {failure}" if state == QUEUED and failure else state)
    return tuple(states)


def _try_to_send(office: Office) -> str | None:
    """Send what is queued. Returns why the hub took none or not all of it, or None."""
    try:
        link = link_of(office)
        send_what_waits(link)
    except (HubAway, HubRefused, AgencyError) as error:
        return error.message
    return link.held


def state_of(office: Office, jti: str) -> str:
    """Return how far a record is, or the one that was built again from its parts, in words."""
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
