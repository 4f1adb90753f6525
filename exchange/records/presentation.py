"""Presentations: a record with some of its contents disclosed, verified by an outsider."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from exchange.errors import RecordError, shorten
from exchange.membership.history import Membership
from exchange.records.delivery import OpenedPart, read_content
from exchange.records.manifest import Entry, Path, verify_entry
from exchange.records.record import TYP, Record, SignedRecord, check_signed_record
from exchange.standards import i_json, jws, sd_jwt
from rules.frozen import frozen


def present(record: Record, opened: Iterable[OpenedPart]) -> str:
    """The record with these parts disclosed, as any verifier of SD-JWT reads it. What isn't here can't be guessed from it."""
    parts = list(opened)
    labels = [record.disclosures[part.label.id] for part in parts]
    return sd_jwt.join(record.jws, [*labels, *(part.disclosure for part in parts)])


@frozen
class VerifiedPresentation:
    """A verified presentation: the record, its disclosed contents by part, and how many digests stay closed.

    Closed ones are withheld parts or decoys; nobody can tell which.
    """

    record: Record
    contents: Mapping[str, Any]
    closed: int


def verify_presentation(
    text: str, membership: Membership, entries: Iterable[tuple[Entry, Path]] = ()
) -> VerifiedPresentation:
    """A presentation, verified at the index of its record: who signed, unaltered, and that these entries were the issuer's.

    Raises as `check`, `RecordError` `wrong-content`, `TreeError` where an entry isn't in the manifest.
    """
    signed_text, disclosures = sd_jwt.split(text)
    record = check_signed_record(SignedRecord(signed_text), disclosures, membership, hub=False)
    held_texts = {
        sd_jwt.digest(each): each for each in disclosures if sd_jwt.read(each).name is not None
    }
    contents: dict[str, Any] = {}
    for label in record.labels.values():
        if label.content_digest in held_texts:
            contents[label.id] = read_content(held_texts[label.content_digest], label, record)
    for entry, path in entries:
        if entry.part not in record.labels:
            raise RecordError(
                "unknown-part",
                f"`{shorten(entry.part)}` is no part shown here",
                fix="show its label too",
            )
        verify_entry(entry, path, record.manifest)
    payload = i_json.read_object(jws.read(signed_text, typ=TYP).unverified_payload)
    return VerifiedPresentation(record, contents, sd_jwt.process(payload, disclosures).closed)
