"""Bundles: a record as its issuer submits it, and the checks of a hub that can't read it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from exchange.errors import RecordError, TextError, shorten
from exchange.membership.history import Membership
from exchange.models import (
    MOST_LISTED,
    SHORT_ID,
    TERM,
    NonEmptyTuple,
    WireModel,
    agency_of,
    inner_pattern,
    validate,
)
from exchange.records.kinds import purposes
from exchange.records.label import Label
from exchange.records.manifest import Entry, rebuild_manifest
from exchange.records.record import (
    LARGEST,
    Record,
    SignedRecord,
    VerifiedRecord,
    check_verified_record,
)
from exchange.records.sealing import Sealed, SealedModel, parse_sealed
from exchange.standards import base64, i_json
from rules.errors import nearest
from rules.frozen import cached_property, frozen
from rules.shelf import vocabulary


@frozen
class Bundle:
    """A submitted record with its labels' disclosures, its sealed texts, and the manifest's
    pads.
    """

    record: str
    labels: tuple[str, ...]
    sealed: tuple[Sealed, ...]
    pads: tuple[bytes, ...]

    @property
    def claims(self) -> tuple[str, str]:
        """The issuer and id that the record claims, unverified.

        Raises `SignedTextError`, `TextError`.
        """
        return self.signed.claims

    @cached_property
    def signed(self) -> SignedRecord:
        """The signed record, parsed once for `claims` and for `check_bundle`."""
        return SignedRecord(self.record)

    @property
    def id(self) -> str:
        """The id that the record claims."""
        return self.claims[1]

    def write(self) -> bytes:
        """Return the bundle as JSON, as `read_bundle` reads it."""
        return i_json.write(
            {
                "record": self.record,
                "labels": list(self.labels),
                "sealed": [text.json() for text in self.sealed],
                "pads": [base64.encode_url(pad) for pad in self.pads],
            }
        )


class _BundleShape(WireModel):
    record: str
    labels: NonEmptyTuple[str]
    sealed: Annotated[tuple[SealedModel, ...], Field(strict=False, min_length=1, max_length=128)]
    pads: Annotated[tuple[str, ...], Field(strict=False, max_length=128)]


def read_bundle(data: bytes) -> Bundle:
    """Parse a bundle without verifying it.

    Raises `RecordError` `too-large`, `TextError`, `ContentError`.
    """
    check_size(len(data))
    return parse_bundle(i_json.read_object(data))


def parse_bundle(value: Any) -> Bundle:
    """Parse a bundle from a JSON value. Raises `TextError`, `ContentError`."""
    shape = validate(_BundleShape, value, "the bundle")
    pads = tuple(base64.decode_url(pad) for pad in shape.pads)
    return Bundle(
        shape.record, shape.labels, tuple(parse_sealed(model) for model in shape.sealed), pads
    )


_ID, _TERM = inner_pattern(SHORT_ID), inner_pattern(TERM)
_LETTERS = "[A-Za-z0-9_-]"
_SEALED = (
    rf'\{{"part":"({_ID})","to":"([a-z0-9.-]{{1,64}})","purpose":"({_TERM})",'
    rf'"basis":"(consent|offer_at_scene|operation|premises_crime|none)","ct":"({_LETTERS}*)"\}}'
)
_SEALED_TEXT = re.compile(_SEALED)
_UNGROUPED = _SEALED.replace("(", "(?:")
_USUAL = re.compile(
    rf'\{{"record":"({_LETTERS}+\.{_LETTERS}+\.{_LETTERS}+)",'
    rf'"labels":\[("{_LETTERS}+"(?:,"{_LETTERS}+"){{0,{MOST_LISTED - 1}}})\],'
    rf'"sealed":\[({_UNGROUPED}(?:,{_UNGROUPED}){{0,127}})\],'
    rf'"pads":\[((?:"{_LETTERS}+"(?:,"{_LETTERS}+"){{0,127}})?)\]\}}'
)


def read_usual_bundles(data: bytes) -> list[Bundle] | None:
    """Read a bundle or a list of them in the form that every gateway writes (`usual_form`).

    INVARIANT: `parse_bundle` reads the same bundles from the same bytes. None means that the bytes
    have another form, and leaves them and every refusal to it.
    """
    if not data.isascii():
        return None
    text, bundles = data.decode("ascii"), []
    is_list = text.startswith("[")
    start = 1 if is_list else 0
    while True:
        found = _USUAL.match(text, start)
        bundle = _usual_bundle(found) if found is not None else None
        if found is None or bundle is None or found.end() - start > LARGEST:
            return None
        bundles.append(bundle)
        start = found.end() + 1
        if not is_list or not text.startswith(",", start - 1):
            break
    return bundles if text[start - 1 :] == ("]" if is_list else "") else None


def _usual_bundle(found: re.Match[str]) -> Bundle | None:
    record, labels, sealed, pads = found.groups()
    try:
        texts = tuple(
            [
                Sealed(part, to, purpose, basis, base64.decode_url(ct))
                for part, to, purpose, basis, ct in _SEALED_TEXT.findall(sealed)
            ]
        )
        decoded = tuple(map(base64.decode_url, pads[1:-1].split('","'))) if pads else ()
    except TextError:
        return None
    return Bundle(record, tuple(labels[1:-1].split('","')), texts, decoded)


def check_bundle(bundle: Bundle, membership: Membership) -> Record:
    """Check everything about a bundle that can be checked without reading a content.

    This is the hub's view, at the index of `membership`. Raises as the modules of the standards,
    `DirectoryError` (`unknown-key`, `unknown-recipient`, `key-old`), `ContentError`
    (`unknown-kind`, `wrong-shape`), and `RecordError`: `wrong-issuer`, `not-its-kind`,
    `case-missing`, `case-unasked`, `unknown-word`, `says-misplaced`, `part-twice`, `unknown-part`,
    `part-unsealed`, `sealed-twice`, `sealed-to-self`, `notice-missing`, `wrong-size`,
    `wrong-manifest`, `bad-countersignature`.
    """
    return check_verified_bundle(bundle, bundle.signed.verify(membership), membership)


def check_verified_bundle(
    bundle: Bundle, verified: VerifiedRecord, membership: Membership
) -> Record:
    """Check the rest of a bundle whose record is verified. Raises as `check_bundle`."""
    record = check_verified_record(verified, bundle.labels, membership, hub=True)
    for entry in bundle.sealed:
        recipient, _ = membership.recipient(entry.to)
        if recipient.id == record.issuer:
            raise RecordError(
                "sealed-to-self",
                f"`{record.issuer}` sealed a part to itself",
                fix="seal to others only",
            )
        check_sealed(entry, record.labels)
    targets = [(entry.part, agency_of(entry.to)) for entry in bundle.sealed]
    if len(set(targets)) < len(targets):
        raise RecordError(
            "sealed-twice", "a part is sealed to the same agency twice", fix="seal it once"
        )
    return _check_manifest(
        record, tuple(entry.entry() for entry in bundle.sealed), bundle.pads, bundle.sealed
    )


def check_entries(
    signed_text: str,
    labels: Sequence[str],
    entries: Sequence[Entry],
    pads: Sequence[bytes],
    membership: Membership,
) -> Record:
    """Check a record with all labels and the digests of all texts, but without the texts.

    An account contains records in this form. Raises as `check_bundle`.
    """
    return _check_manifest(
        check_verified_record(
            SignedRecord(signed_text).verify(membership), labels, membership, hub=True
        ),
        tuple(entries),
        tuple(pads),
    )


def _check_manifest(
    record: Record,
    entries: tuple[Entry, ...],
    pads: tuple[bytes, ...],
    sealed: tuple[Sealed, ...] = (),
) -> Record:
    """Check that exactly the record's parts are sealed, and that the issuer signed these
    entries.
    """
    sent = {entry.part for entry in entries}
    for part in record.labels:
        if part not in sent:
            raise RecordError(
                "part-unsealed",
                f"the part `{part}` is sealed to no agency",
                fix="seal it, or leave it out",
            )
    for entry in entries:
        if entry.part not in record.labels:
            raise RecordError(
                "unknown-part",
                f"`{shorten(entry.part)}` is not a part of this record",
                fix="send its label too",
            )
    if rebuild_manifest(entries, pads).root != record.manifest:
        raise _wrong_manifest()
    return record.with_entries(entries, pads, sealed)


def check_sealed(entry: Sealed, labels: Mapping[str, Label]) -> None:
    """Check a sealed text against the labels.

    Raises `RecordError`: `unknown-part`, `unknown-word`, `wrong-size`.
    """
    if entry.part not in labels:
        raise RecordError(
            "unknown-part", f"`{entry.part}` is not a part of this record", fix="send its label too"
        )
    if entry.purpose not in purposes():
        raise RecordError(
            "unknown-word",
            f"`{shorten(entry.purpose)}` is not a purpose",
            fix=nearest(entry.purpose, sorted(vocabulary().purposes)),
        )
    if not entry.has_size_class:
        raise RecordError(
            "wrong-size",
            f"the text sealed to `{shorten(entry.to)}` has no standard size",
            fix="seal it again",
        )


def check_size(size: int) -> None:
    """Check that a submission is at most 1 MiB. Raises `RecordError` `too-large`."""
    if size > LARGEST:
        raise RecordError(
            "too-large", f"a submission of `{size}` bytes is over 1 MiB", fix="send several records"
        )


def _wrong_manifest() -> RecordError:
    return RecordError(
        "wrong-manifest",
        "the sealed texts don't match the signed manifest",
        fix="build the record again",
    )
