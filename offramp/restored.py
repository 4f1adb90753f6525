"""The state of a restored hub in words: the same at the hub and at each agency."""

from __future__ import annotations

from typing import Any

from exchange.log import generation
from exchange.standards import base64


def lines(state: dict[str, Any]) -> list[str]:
    """Return the lines about a state, which has the shape of `GET /v1/generation`."""
    if not state["closed"]:
        return [f"the hub is open; its log is in generation {state['generation']}"]
    shared = [
        f"the hub was restored to {state['size']} leaves, and hands out nothing",
        f"heard: {', '.join(state['heard']) or 'nobody yet'}",
        *([f"waits for: {', '.join(state['waits'])}"] if state["waits"] else []),
        *([f"set aside: {', '.join(state['aside'])}"] if state["aside"] else []),
    ]
    if "lacks" in state:
        return [
            *shared,
            f"nothing can be signed yet: {state['lacks']['message']}; {state['lacks']['fix']}",
        ]
    if "draft" not in state:
        return shared
    terms = generation.read_terms(base64.decode_url(state["draft"]))
    lost = sum(last - first + 1 for first, last in terms.lost)
    return [
        *shared,
        f"to be signed: generation {terms.generation}, after {terms.ends.size} leaves, "
        f"{lost} of them lost{': ' + _stretches(terms.lost) if lost else ''}",
        *(
            [f"of these only the recipients' copies are left: {_stretches(terms.torn)}"]
            if terms.torn
            else []
        ),
        *([f"GIVEN UP if you sign now: {', '.join(terms.absent)}"] if terms.absent else []),
        f"sha-256 to compare by voice: {state['sha256']}",
        f"signed by: {', '.join(state['signed']) or 'nobody'}; "
        f"it takes {state['threshold']['signatures']} of "
        f"{', '.join(state['threshold']['of'])}, a defender and a treatment provider among them",
    ]


def _stretches(ranges: tuple[tuple[int, int], ...]) -> str:
    texts = [str(first) if first == last else f"{first}-{last}" for first, last in ranges[:12]]
    return ", ".join(texts) + (" …" if len(ranges) > 12 else "")
