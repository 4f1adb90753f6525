"""What a restored hub says of itself: whom it has heard, what it lacks, and what the threshold is to sign before it goes on."""

from __future__ import annotations

from typing import Any

from exchange import _rfc4648, _rfc7493, generation
from exchange.errors import ExchangeError
from exchange.hub import Hub
from exchange.restoring import CLOSED, Gathering


def listed(hub: Hub) -> list[dict[str, Any]]:
    """The generations of the log after the first, each with its leaf and what was signed."""
    return [
        {"leaf": hub.store.leaf(at).json(), "generation": _rfc7493.read(generation.write(signed))}
        for at, signed in hub.generations
    ]


def hear(gathering: Gathering, kid: str, body: bytes, now: int) -> int:
    """One piece of what an agency holds, under the key that it signed this with; its number.

    With the last one a hub that lacks nothing opens. Raises as `Gathering.take`.
    """
    n = gathering.take(kid, body)
    try:
        if not gathering.waits_for():
            gathering.opened(now)
    except ExchangeError:
        # What keeps it closed is in its state, and is nothing that this agency's request did wrong.
        pass
    return n


def state(gathering: Gathering, agency: str | None, now: int) -> dict[str, Any]:
    """How far a hub is. `lacks` says what keeps a draft from being made; `items` is how many this agency's inbox has."""
    hub = gathering.hub
    if not hub.store.known(CLOSED):
        return {"closed": False, "generation": 1 + len(hub.generations)}
    restored = hub.log.checkpoint(hub.name)
    said: dict[str, Any] = {
        "closed": True,
        "generation": 1 + len(hub.generations),
        "size": restored.size,
        "root": restored.root.hex(),
        "heard": sorted(gathering.heard()),
        "waits": list(gathering.waits_for()),
        "aside": list(gathering.aside()),
        **({"items": hub.store.items(agency)} if agency else {}),
    }
    try:
        draft = gathering.draft(now)
    except ExchangeError as error:
        return said | {"lacks": error.as_json()}
    if draft is None:
        return said
    threshold = draft.in_force.document.threshold
    return said | {
        "draft": _rfc4648.encode_url(draft.payload),
        "sha256": draft.digest,
        "signed": list(gathering.signers(draft)),
        "threshold": {"signatures": threshold.signatures, "of": list(threshold.of)},
    }


def lines(said: dict[str, Any]) -> list[str]:
    """The same for people."""
    if not said["closed"]:
        return [f"the hub is open; its log is in generation {said['generation']}"]
    found = [
        f"the hub was restored to {said['size']} leaves, and hands out nothing",
        f"heard: {', '.join(said['heard']) or 'nobody yet'}",
        *([f"waits for: {', '.join(said['waits'])}"] if said["waits"] else []),
        *([f"set aside: {', '.join(said['aside'])}"] if said["aside"] else []),
    ]
    if "lacks" in said:
        return [*found, f"nothing can be signed yet: {said['lacks']['message']}; {said['lacks']['mend']}"]
    if "draft" not in said:
        return found
    terms = generation.read_terms(_rfc4648.decode_url(said["draft"]))
    lost = sum(last - first + 1 for first, last in terms.lost)
    return [
        *found,
        f"to be signed: generation {terms.generation}, after {terms.ends.size} leaves, "
        f"{lost} of them lost{': ' + _stretches(terms.lost) if lost else ''}",
        *([f"of these only the recipients' copies are left: {_stretches(terms.torn)}"] if terms.torn else []),
        *([f"GIVEN UP if you sign now: {', '.join(terms.absent)}"] if terms.absent else []),
        f"sha-256 to compare by voice: {said['sha256']}",
        f"signed by: {', '.join(said['signed']) or 'nobody'}; it takes {said['threshold']['signatures']} of "
        f"{', '.join(said['threshold']['of'])}, a defender and a treatment provider among them",
    ]


def _stretches(found: tuple[tuple[int, int], ...]) -> str:
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in found[:12]]
    return ", ".join(shown) + (" …" if len(found) > 12 else "")
