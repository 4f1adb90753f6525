"""What a restored hub says of itself: whom it has heard, what it lacks, and what the threshold is to sign before it goes on."""

from __future__ import annotations

from typing import Any

from exchange.errors import ExchangeError
from exchange.hub.gathering import CLOSED
from exchange.hub.hub import Hub
from exchange.hub.rebuilding import Restoration
from exchange.log import generation
from exchange.standards import base64, i_json


def listed(hub: Hub) -> list[dict[str, Any]]:
    """The generations of the log after the first, each with its leaf and what was signed."""
    return [
        {"leaf": hub.store.leaf(at).json(), "generation": i_json.read(generation.write(signed))}
        for at, signed in hub.generations
    ]


def hear(restoration: Restoration, kid: str, body: bytes, now: int) -> int:
    """One piece of what an agency holds, under the key that it signed this with; its number.

    With the last one a hub that lacks nothing opens. Raises as `Gathering.take`.
    """
    n = restoration.gathering.take(kid, body)
    try:
        if not restoration.gathering.missing_agencies():
            restoration.reopen(now)
    except ExchangeError:
        # What keeps it closed is in its state, and is nothing that this agency's request did wrong.
        pass
    return n


def state(restoration: Restoration, agency: str | None, now: int) -> dict[str, Any]:
    """How far a hub is. `lacks` says what keeps a draft from being made; `items` is how many this agency's inbox has."""
    hub, gathering = restoration.hub, restoration.gathering
    if not hub.store.value(CLOSED):
        return {"closed": False, "generation": 1 + len(hub.generations)}
    restored = hub.log.checkpoint(hub.name)
    said: dict[str, Any] = {
        "closed": True,
        "generation": 1 + len(hub.generations),
        "size": restored.size,
        "root": restored.root.hex(),
        "heard": sorted(gathering.reported()),
        "waits": list(gathering.missing_agencies()),
        "aside": list(gathering.agencies_aside()),
        **({"items": hub.store.items(agency)} if agency else {}),
    }
    try:
        draft = restoration.draft(now)
    except ExchangeError as error:
        return said | {"lacks": error.as_json()}
    if draft is None:
        return said
    threshold = draft.in_force.document.threshold
    return said | {
        "draft": base64.encode_url(draft.payload),
        "sha256": draft.digest,
        "signed": list(restoration.signers(draft)),
        "threshold": {"signatures": threshold.signatures, "of": list(threshold.of)},
    }
