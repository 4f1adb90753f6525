"""Records as the journal stores them, also where texts in them were destroyed.

A destroyed text is replaced by its digest, which is all that the gateway's checks need of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exchange.log.leaves import sha256_hex
from exchange.protocol.inbox import Item, parse_item
from exchange.records.building import Part
from exchange.records.bundle import Bundle, parse_bundle
from exchange.records.delivery import DeliveredText
from exchange.records.manifest import Entry
from exchange.records.sealing import Sealed
from exchange.standards import base64, i_json, sd_jwt
from rules.frozen import frozen


@frozen
class DestroyedText(Sealed):
    """A sealed text of which only the digest is left."""

    was: str

    def entry(self) -> Entry:
        """Return the manifest's entry, which names the digest."""
        return Entry(self.part, self.to, self.purpose, self.basis, self.was)

    @property
    def has_size_class(self) -> bool:
        """The size can't be checked any more, and counts as right."""
        return True


def read_bundle(value: dict[str, Any]) -> Bundle:
    """Read a stored bundle, in which some texts may be destroyed."""
    digests = [sealed.get("was") for sealed in value["sealed"]]
    if not any(digests):
        return parse_bundle(value)
    bundle = parse_bundle({**value, "sealed": [_with_text(sealed) for sealed in value["sealed"]]})
    sealed_texts = tuple(
        _restore_digest(sealed, digest)
        for sealed, digest in zip(bundle.sealed, digests, strict=True)
    )
    return Bundle(bundle.record, bundle.labels, sealed_texts, bundle.pads)


def read_item(value: dict[str, Any]) -> Item:
    """Read a stored item of an inbox, in which some texts may be destroyed."""
    stored = value.get("delivery")
    digests = [sealed.get("was") for sealed in stored["sealed"]] if stored else []
    if stored is None or not any(digests):
        return parse_item(value)
    whole = {**stored, "sealed": [_with_text(sealed) for sealed in stored["sealed"]]}
    item = parse_item({**value, "delivery": whole})
    assert item.delivery is not None, "it was stored"
    # INVARIANT: parsing keeps the order of the texts.
    texts = tuple(
        DeliveredText(_restore_digest(text.sealed, digest), text.path)
        for text, digest in zip(item.delivery.texts, digests, strict=True)
    )
    delivery = type(item.delivery)(item.delivery.record, item.delivery.labels, texts)
    return Item(item.number, item.issuer, item.leaf, item.recorded, delivery)


def bundle_json(bundle: Bundle) -> dict[str, Any]:
    """Return a bundle as the journal stores it."""
    return i_json.read_object(bundle.write())


def part_json(part: Part) -> dict[str, Any]:
    """Return a part as the journal stores it."""
    return {
        "category": list(part.category),
        "content": part.content,
        "to": {agency: list(way) for agency, way in part.to.items()},
        "keep_until": part.keep_until,
        "sensitivity": part.sensitivity,
        "use": part.use,
        "notice": part.notice,
        "says": dict(part.says) if part.says is not None else None,
        "id": part.id,
    }


def read_part(value: Mapping[str, Any]) -> Part:
    """Read a stored part."""
    members = dict(value)
    members["category"] = tuple(members["category"])
    members["to"] = {agency: (way[0], way[1]) for agency, way in members["to"].items()}
    return Part(**members)


def record_of_item(item: dict[str, Any]) -> str:
    """Return the record's id that a stored item's leaf names, empty for none."""
    body = i_json.read_object(item["leaf"]["body"].encode())
    return str(body.get("record", ""))


def destroy_in_item(item: dict[str, Any], parts: set[tuple[str, str]]) -> dict[str, Any]:
    """Return a stored item without the texts of these parts, by record and part."""
    if "delivery" not in item:
        return item
    jti = record_of_item(item)
    sealed_texts = [
        _without_text(sealed) if (jti, sealed["part"]) in parts else sealed
        for sealed in item["delivery"]["sealed"]
    ]
    return {**item, "delivery": {**item["delivery"], "sealed": sealed_texts}}


def destroy_in_composed(body: dict[str, Any], parts: set[str]) -> dict[str, Any]:
    """Return the event of a composed record without the contents and texts of these parts."""
    bundle = body["bundle"]
    ids = [sd_jwt.read(text).value["id"] for text in bundle["labels"]]
    kept = [
        {**part, "content": {}} if part_id in parts else part
        for part_id, part in zip(ids, body["parts"], strict=True)
    ]
    sealed_texts = [
        _without_text(sealed) if sealed["part"] in parts else sealed for sealed in bundle["sealed"]
    ]
    contents = {part: text for part, text in body.get("contents", {}).items() if part not in parts}
    destroyed = {
        **body,
        "parts": kept,
        "bundle": {**bundle, "sealed": sealed_texts},
        "contents": contents,
    }
    if "form" in body and all("was" in sealed for sealed in sealed_texts):
        # The form names the person. It is kept as long as a part of the consent that it is behind.
        del destroyed["form"]
        destroyed["form_was"] = "signed"
    return destroyed


def _without_text(sealed: dict[str, Any]) -> dict[str, Any]:
    """Return a sealed entry with its text's digest in the text's place."""
    if "was" in sealed:
        return sealed
    digest = sha256_hex(base64.decode_url(sealed["ct"]))
    return {name: member for name, member in sealed.items() if name != "ct"} | {"was": digest}


def _with_text(sealed: dict[str, Any]) -> dict[str, Any]:
    """Return a sealed entry that parses: an empty text in the place of a destroyed one."""
    members = {name: member for name, member in sealed.items() if name != "was"}
    return members | ({"ct": ""} if "was" in sealed else {})


def _restore_digest(sealed: Sealed, digest: str | None) -> Sealed:
    if digest is None:
        return sealed
    return DestroyedText(sealed.part, sealed.to, sealed.purpose, sealed.basis, sealed.ct, digest)
