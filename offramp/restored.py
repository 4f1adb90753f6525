"""What a restored hub waits for, in words: the same at the hub and at each agency."""

from __future__ import annotations

from typing import Any

from exchange.log import generation
from exchange.standards import base64


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
        return [
            *found,
            f"nothing can be signed yet: {said['lacks']['message']}; {said['lacks']['fix']}",
        ]
    if "draft" not in said:
        return found
    terms = generation.read_terms(base64.decode_url(said["draft"]))
    lost = sum(last - first + 1 for first, last in terms.lost)
    return [
        *found,
        f"to be signed: generation {terms.generation}, after {terms.ends.size} leaves, "
        f"{lost} of them lost{': ' + _stretches(terms.lost) if lost else ''}",
        *(
            [f"of these only the recipients' copies are left: {_stretches(terms.torn)}"]
            if terms.torn
            else []
        ),
        *([f"GIVEN UP if you sign now: {', '.join(terms.absent)}"] if terms.absent else []),
        f"sha-256 to compare by voice: {said['sha256']}",
        f"signed by: {', '.join(said['signed']) or 'nobody'}; it takes {said['threshold']['signatures']} of "
        f"{', '.join(said['threshold']['of'])}, a defender and a treatment provider among them",
    ]


def _stretches(found: tuple[tuple[int, int], ...]) -> str:
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in found[:12]]
    return ", ".join(shown) + (" …" if len(found) > 12 else "")
