"""Deliveries: the parts of a record for one recipient, checked and opened with its keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from exchange.errors import RecordError, TreeError, shorten
from exchange.membership.history import Membership
from exchange.models import NonEmptyTuple, WireModel, agency_of, validate
from exchange.records import statements
from exchange.records.bundle import check_sealed
from exchange.records.content_checks import check_part_content
from exchange.records.label import Label
from exchange.records.manifest import Entry, Path, rebuild_manifest, verify_entry
from exchange.records.record import CONTENT, Record, SignedRecord, check_signed_record
from exchange.records.sealing import Sealed, SealedModel, parse_sealed, unseal
from exchange.standards import base64, sd_jwt
from exchange.standards.keys import PrivateKey
from rules.frozen import frozen


@frozen
class DeliveredText:
    """One sealed text for one recipient, with its place in the manifest."""

    sealed: Sealed
    path: Path


@frozen
class Delivery:
    """What the hub hands one recipient of a record: the signed text, the labels of its parts, its texts with their paths."""

    record: str
    labels: tuple[str, ...]
    texts: tuple[DeliveredText, ...]

    def json(self) -> dict[str, Any]:
        """As JSON, as `delivery_of` reads it. A path is one text of a length that the manifest's size alone decides."""
        return {
            "record": self.record,
            "labels": list(self.labels),
            "sealed": [
                {**each.sealed.json(), "path": write_path(each.path)} for each in self.texts
            ],
        }


class _HandedShape(SealedModel):
    path: Annotated[str, Field(max_length=512)]


class _DeliveryShape(WireModel):
    record: str
    labels: NonEmptyTuple[str]
    sealed: Annotated[tuple[_HandedShape, ...], Field(strict=False, min_length=1, max_length=128)]


def make_delivery(record: Record, agency: str, parts: Iterable[str]) -> Delivery:
    """What one agency gets of a record that the hub checked: these parts and nothing about any other.

    The labels stand in order of their texts, so that not even their order tells of one that is missing.
    """
    manifest = rebuild_manifest(record.entries, record.pads)
    chosen = set(parts)
    mine = [
        entry for entry in record.sealed if entry.part in chosen and agency_of(entry.to) == agency
    ]
    labels = sorted(record.disclosures[part] for part in {entry.part for entry in mine})
    handed = tuple(
        DeliveredText(entry, manifest.path(entry.entry()))
        for entry in sorted(mine, key=lambda one: one.part)
    )
    return Delivery(record.jws, tuple(labels), handed)


def parse_delivery(value: Any) -> Delivery:
    """A delivery taken apart, nothing of it verified. Raises `ContentError`, `TextError`, `TreeError`."""
    shape = validate(_DeliveryShape, value, "the delivery")
    return Delivery(
        shape.record,
        shape.labels,
        tuple(DeliveredText(parse_sealed(each), read_path(each.path)) for each in shape.sealed),
    )


def write_path(path: Path) -> str:
    """A path in one text: index in two bytes, then the siblings. The size follows from how many they are."""
    return base64.encode_url(path.index.to_bytes(2, "big") + b"".join(path.proof))


def read_path(text: str) -> Path:
    """The path of a text. Raises `TextError`, `TreeError` `proof-length`."""
    raw = base64.decode_url(text)
    hashes, rest = divmod(len(raw) - 2, 32)
    if rest or not 0 <= hashes <= 7:
        raise TreeError(
            "proof-length",
            "a path in the manifest has a wrong length",
            fix="ask the hub for it again",
        )
    return Path(
        int.from_bytes(raw[:2], "big"),
        2**hashes,
        tuple(raw[2 + 32 * i : 34 + 32 * i] for i in range(hashes)),
    )


@frozen
class OpenedPart:
    """A part that a recipient may read: its label, its content, and the content's disclosure, which may be shown on."""

    label: Label
    content: Any
    disclosure: str
    entry: Entry


def check_delivery(delivered: Delivery, membership: Membership) -> Record:
    """A recipient's view before it opens anything: signed, its own, in the manifest. Raises as `check`."""
    record = check_signed_record(
        SignedRecord(delivered.record), delivered.labels, membership, hub=False
    )
    for each in delivered.texts:
        check_sealed(each.sealed, record.labels)
        verify_entry(each.sealed.entry(), each.path, record.manifest)
    sealed = tuple(each.sealed for each in delivered.texts)
    if set(record.labels) != {each.part for each in sealed}:
        raise RecordError(
            "part-unsealed", "a label came without its text", fix="ask the hub for it again"
        )
    return replace(record, entries=tuple(each.entry() for each in sealed), sealed=sealed)


def open_part(record: Record, part: str, keys: Mapping[str, PrivateKey]) -> OpenedPart:
    """One part of a record that `check_delivery` passed, opened with the recipient's keys.

    Whoever calls has asked `disclosure` first. Raises `RecordError` `unknown-part`, `wrong-content`; `SealError`;
    `ContentError` `wrong-content`.
    """
    entry = next((each for each in record.sealed if each.part == part and each.to in keys), None)
    if entry is None:
        raise RecordError(
            "unknown-part",
            f"`{shorten(part)}` isn't sealed to a key held here",
            fix="ask its issuer again",
        )
    try:
        text = unseal(entry, record.jti, keys[entry.to]).decode("ascii")
    except UnicodeDecodeError:
        raise _wrong_content(part) from None
    return OpenedPart(
        record.labels[part], read_content(text, record.labels[part], record), text, entry.entry()
    )


def read_content(disclosure: str, label: Label, record: Record) -> Any:
    """The content that a label hides, if this disclosure is the one it names and holds what kind and categories hold.

    Raises `DisclosureError`, `RecordError` `wrong-content`, `ContentError` `wrong-content`.
    """
    read = sd_jwt.read(disclosure)
    if read.name != CONTENT or read.digest != label.content_digest:
        raise _wrong_content(label.id)
    answer = label.statement.answer if isinstance(label.statement, statements.Answer) else None
    check_part_content(record.kind, record.role, label.category, answer, read.value)
    return read.value


def _wrong_content(part: str) -> RecordError:
    return RecordError(
        "wrong-content",
        f"what was sealed as `{part}` isn't what its label names",
        fix="ask its issuer",
    )
