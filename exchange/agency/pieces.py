"""Write an agency's holdings as pieces for a hub that was restored from a backup.

A gateway keeps the blinded leaves of the tree that it witnessed, its inbox, the leaves that it
has open, and the records that it sent. From these, the hub rebuilds its log.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from exchange.agency.gateway import Gateway
from exchange.log import generation
from exchange.log.leaves import Leaf
from exchange.protocol.inbox import Item
from exchange.protocol.pieces import LARGEST_PIECE
from exchange.records.bundle import Bundle
from exchange.records.delivery import write_path
from exchange.records.manifest import Entry
from exchange.records.sealing import Sealed
from exchange.standards import base64, i_json
from exchange.standards.merkle import HASH_BYTES

# The most blinded leaves in one piece.
_MOST_ENTRIES = 65_536


def pieces(gateway: Gateway, *, size: int, items: int, entries: bytes) -> Iterator[bytes]:
    """Yield an agency's holdings beyond the hub's backup, as request bodies in their order.

    `size` is the number of leaves in the backup, and `items` the number of items in the backup
    of this agency's inbox. `entries` are the blinded leaves, end to end, from `size` up to the
    last tree that this gateway saw.
    """
    watch = gateway.watch
    piece: dict[str, Any] = {"start": size}
    if watch is not None and watch.note:
        piece["checkpoint"] = watch.note.decode()
    if gateway.line_note:
        piece["line"] = gateway.line_note.decode()
    weight, number = 0, 0
    for name, value in _holdings(gateway, size, items, entries):
        value_bytes = len(i_json.write(value))
        if weight and weight + value_bytes > LARGEST_PIECE:
            yield i_json.write({"n": number, **piece})
            piece, weight, number = {"start": size}, 0, number + 1
        if name == "entries":
            start, text = value
            piece |= {"start": start, "entries": text}
            # The next entries have another start, so they need a piece of their own.
            weight = LARGEST_PIECE
        else:
            piece.setdefault(name, []).append(value)
            weight += value_bytes
    yield i_json.write({"n": number, "done": True, **piece})


def _holdings(gateway: Gateway, size: int, items: int, entries: bytes) -> Iterator[tuple[str, Any]]:
    """Yield each holding with its member name in a piece."""
    step = HASH_BYTES * _MOST_ENTRIES
    for start in range(0, len(entries), step):
        text = base64.encode_url(entries[start : start + step])
        yield "entries", (size + start // HASH_BYTES, text)
    for number, issuer, record in gateway.items[items:]:
        yield "items", {"number": number, "issuer": issuer, "record": record}
    for leaf, document in sorted(_members(gateway), key=lambda member: member[0].index):
        if leaf.index >= size:
            yield "members", {"leaf": leaf.json(), **document}
    open_leaves = {leaf.index: leaf for leaf in gateway.leaves() if leaf.index >= size}
    for leaf in open_leaves.values():
        yield "leaves", leaf.json()
    for received in gateway.received.values():
        item = received.item
        if item.recorded is not None and item.recorded.index >= size and item.delivery is not None:
            yield "given", _delivered_json(item)
    for bundle in gateway.sent_from(size):
        yield "records", _sent_json(bundle)


def _members(gateway: Gateway) -> Iterator[tuple[Leaf, dict[str, Any]]]:
    """Yield the leaves of directory versions, keys, and generations, with their documents."""
    for leaf, document in gateway.learned:
        if isinstance(document, str):
            yield leaf, {"announced": document}
        else:
            yield leaf, {"signed": i_json.read(document.write())}
    for leaf, signed in gateway.generations:
        yield leaf, {"generation": i_json.read(generation.write(signed))}


def _delivered_json(item: Item) -> dict[str, Any]:
    assert item.delivery is not None, "only a delivery is written"
    return {
        "record": item.delivery.record,
        "labels": list(item.delivery.labels),
        "entries": [
            {**_entry_json(handed.sealed.entry()), "path": write_path(handed.path)}
            for handed in item.delivery.texts
        ],
    }


def _sent_json(bundle: Bundle) -> dict[str, Any]:
    return {
        "record": bundle.record,
        "labels": list(bundle.labels),
        "sealed": [_sealed_json(sealed) for sealed in bundle.sealed],
        "pads": [base64.encode_url(pad) for pad in bundle.pads],
    }


def _entry_json(entry: Entry) -> dict[str, str]:
    return {
        "part": entry.part,
        "to": entry.to,
        "purpose": entry.purpose,
        "basis": entry.basis,
        "sha256": entry.sha256,
    }


def _sealed_json(sealed: Sealed) -> dict[str, str]:
    entry = sealed.entry()
    is_whole = sha256(sealed.ct).hexdigest() == entry.sha256
    return _entry_json(entry) | ({"ct": base64.encode_url(sealed.ct)} if is_whole else {})
