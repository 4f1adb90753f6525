"""Report how far a restored hub is: agencies heard, what it lacks, and what is to be signed."""

from __future__ import annotations

from typing import Any

from exchange.errors import ExchangeError
from exchange.hub.gathering import CLOSED
from exchange.hub.hub import Hub
from exchange.hub.rebuilding import Restoration
from exchange.log import generation
from exchange.standards import base64, i_json


def list_generations(hub: Hub) -> list[dict[str, Any]]:
    """Return the generations of the log after the first, each with its leaf and signatures."""
    return [
        {"leaf": hub.store.leaf(index).json(), "generation": i_json.read(generation.write(signed))}
        for index, signed in hub.generations
    ]


def take_piece(restoration: Restoration, kid: str, body: bytes, now: int) -> int:
    """Take one piece of what an agency holds, signed under the key `kid`. Return its number.

    With the last piece, a hub that lacks nothing opens. Raises as `Gathering.take`.
    """
    number = restoration.gathering.take(kid, body)
    try:
        if not restoration.gathering.missing_agencies():
            restoration.reopen(now)
    except ExchangeError:
        # The hub's state reports what keeps it closed. This agency's request was sound.
        pass
    return number


def report_state(restoration: Restoration, agency: str | None, now: int) -> dict[str, Any]:
    """Return how far a hub is, as JSON.

    `lacks` is the error that prevents a draft. `items` counts this agency's inbox.
    """
    hub, gathering = restoration.hub, restoration.gathering
    if not hub.store.value(CLOSED):
        return {"closed": False, "generation": 1 + len(hub.generations)}
    checkpoint = hub.log.checkpoint(hub.name)
    state: dict[str, Any] = {
        "closed": True,
        "generation": 1 + len(hub.generations),
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "heard": sorted(gathering.reported()),
        "waits": list(gathering.missing_agencies()),
        "aside": list(gathering.agencies_aside()),
        **({"items": hub.store.items(agency)} if agency else {}),
    }
    try:
        draft = restoration.draft(now)
    except ExchangeError as error:
        return state | {"lacks": error.as_json()}
    if draft is None:
        return state
    threshold = draft.in_force.document.threshold
    return state | {
        "draft": base64.encode_url(draft.payload),
        "sha256": draft.digest,
        "signed": list(restoration.signers(draft)),
        "threshold": {"signatures": threshold.signatures, "of": list(threshold.of)},
    }
