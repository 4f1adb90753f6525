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
from exchange.records.record import CONTENT, Record, SignedRecord, check_verified_record
from exchange.records.sealing import Sealed, SealedModel, parse_sealed, unseal
from exchange.standards import base64, sd_jwt
from exchange.standards.keys import PrivateKey
from rules.frozen import frozen


@frozen
class DeliveredText:
    """A sealed text for one recipient, with its path in the manifest."""

    sealed: Sealed
    path: Path


@frozen
class Delivery:
    """A record as the hub delivers it to one recipient.

    It has the signed text, the labels of the recipient's parts, and its texts with their paths.
    """

    record: str
    labels: tuple[str, ...]
    texts: tuple[DeliveredText, ...]

    def json(self) -> dict[str, Any]:
        """Return the delivery as JSON, as `parse_delivery` reads it.

        A path is one text. Its length depends only on the manifest's size.
        """
        return {
            "record": self.record,
            "labels": list(self.labels),
            "sealed": [
                {**delivered.sealed.json(), "path": write_path(delivered.path)}
                for delivered in self.texts
            ],
        }


class _HandedShape(SealedModel):
    path: Annotated[str, Field(max_length=512)]


class _DeliveryShape(WireModel):
    record: str
    labels: NonEmptyTuple[str]
    sealed: Annotated[tuple[_HandedShape, ...], Field(strict=False, min_length=1, max_length=128)]


def make_delivery(record: Record, agency: str, parts: Iterable[str]) -> Delivery:
    """Make one agency's delivery of a checked record: these parts and nothing about any other.

    The labels are in the order of their texts, so that the order doesn't reveal a missing one.
    """
    manifest = rebuild_manifest(record.entries, record.pads)
    part_ids = set(parts)
    recipient_texts = [
        entry for entry in record.sealed if entry.part in part_ids and agency_of(entry.to) == agency
    ]
    labels = sorted(record.disclosures[part] for part in {entry.part for entry in recipient_texts})
    texts = tuple(
        DeliveredText(entry, manifest.path(entry.entry()))
        for entry in sorted(recipient_texts, key=lambda entry: entry.part)
    )
    return Delivery(record.jws, tuple(labels), texts)


def parse_delivery(value: Any) -> Delivery:
    """Parse a delivery without verifying it.

    Raises `ContentError`, `TextError`, `TreeError`.
    """
    shape = validate(_DeliveryShape, value, "the delivery")
    return Delivery(
        shape.record,
        shape.labels,
        tuple(DeliveredText(parse_sealed(model), read_path(model.path)) for model in shape.sealed),
    )


def write_path(path: Path) -> str:
    """Write a path as one text: the index in two bytes, then the siblings.

    The size follows from the number of siblings.
    """
    return base64.encode_url(path.index.to_bytes(2, "big") + b"".join(path.proof))


def read_path(text: str) -> Path:
    """Read a path from its text. Raises `TextError`, `TreeError` `proof-length`."""
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
    """A part that a recipient opened: its label, content, disclosure, and manifest entry.

    The recipient may present the disclosure to others.
    """

    label: Label
    content: Any
    disclosure: str
    entry: Entry


def check_delivery(delivered: Delivery, membership: Membership) -> Record:
    """Check a delivery before opening it: signed, for this recipient, and in the manifest.

    Raises as `check_bundle`, and `RecordError` `part-unsealed` for a label without a text.
    """
    verified = SignedRecord(delivered.record).verify(membership)
    record = check_verified_record(verified, delivered.labels, membership, hub=False)
    for text in delivered.texts:
        check_sealed(text.sealed, record.labels)
        verify_entry(text.sealed.entry(), text.path, record.manifest)
    sealed = tuple(text.sealed for text in delivered.texts)
    if set(record.labels) != {text.part for text in sealed}:
        raise RecordError(
            "part-unsealed", "a label has no sealed text", fix="ask the hub for it again"
        )
    return replace(record, entries=tuple(text.entry() for text in sealed), sealed=sealed)


def open_part(record: Record, part: str, keys: Mapping[str, PrivateKey]) -> OpenedPart:
    """Open a part of a record from `check_delivery` with the recipient's keys.

    INVARIANT: the caller has asked the `disclosure` decision first. Raises `SealError`,
    `RecordError` `unknown-part`, `wrong-content`, and `ContentError` `wrong-content`.
    """
    sealed_text = next(
        (text for text in record.sealed if text.part == part and text.to in keys), None
    )
    if sealed_text is None:
        raise RecordError(
            "unknown-part",
            f"`{shorten(part)}` isn't sealed to any of these keys",
            fix="ask its issuer for it again",
        )
    try:
        disclosure = unseal(sealed_text, record.jti, keys[sealed_text.to]).decode("ascii")
    except UnicodeDecodeError:
        raise _wrong_content(part) from None
    return OpenedPart(
        record.labels[part],
        read_content(disclosure, record.labels[part], record),
        disclosure,
        sealed_text.entry(),
    )


def read_content(disclosure: str, label: Label, record: Record) -> Any:
    """Return the content behind a label, if this disclosure is the one that the label names.

    The content must match kind and categories. Raises `DisclosureError`, `RecordError`
    `wrong-content`, `ContentError` `wrong-content`.
    """
    parsed = sd_jwt.read(disclosure)
    if parsed.name != CONTENT or parsed.digest != label.content_digest:
        raise _wrong_content(label.id)
    answer = label.statement.answer if isinstance(label.statement, statements.Answer) else None
    check_part_content(record.kind, record.role, label.category, answer, parsed.value)
    return parsed.value


def _wrong_content(part: str) -> RecordError:
    return RecordError(
        "wrong-content",
        f"the content of `{part}` doesn't match its label",
        fix="ask its issuer",
    )
