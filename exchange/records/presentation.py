"""Presentations: a record with some of its contents disclosed, for verification by outsiders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from exchange.errors import RecordError, shorten
from exchange.membership.history import Membership
from exchange.records.delivery import OpenedPart, read_content
from exchange.records.manifest import Entry, Path, verify_entry
from exchange.records.record import TYP, Record, SignedRecord, check_verified_record
from exchange.standards import i_json, jws, sd_jwt
from rules.frozen import frozen


def present(record: Record, opened: Iterable[OpenedPart]) -> str:
    """Join a record and these opened parts to an SD-JWT that any verifier reads.

    A content that isn't included can't be guessed from it.
    """
    parts = list(opened)
    labels = [record.disclosures[part.label.id] for part in parts]
    return sd_jwt.join(record.jws, [*labels, *(part.disclosure for part in parts)])


@frozen
class VerifiedPresentation:
    """A verified presentation: the record, and its disclosed contents by part id.

    `closed` is the number of digests that stay closed. They are withheld parts or decoys, and a
    reader can't tell which.
    """

    record: Record
    contents: Mapping[str, Any]
    closed: int


def verify_presentation(
    text: str, membership: Membership, entries: Iterable[tuple[Entry, Path]] = ()
) -> VerifiedPresentation:
    """Verify a presentation at the index of its record.

    The issuer signed the record, nothing is altered, and these entries are in its manifest. Raises
    as `check_bundle`, `RecordError` `wrong-content`, and `TreeError` for an entry that isn't in the
    manifest.
    """
    signed_text, disclosures = sd_jwt.split(text)
    record = check_verified_record(
        SignedRecord(signed_text).verify(membership), disclosures, membership, hub=False
    )
    by_digest = {
        sd_jwt.digest(disclosure): disclosure
        for disclosure in disclosures
        if sd_jwt.read(disclosure).name is not None
    }
    contents: dict[str, Any] = {}
    for label in record.labels.values():
        if label.content_digest in by_digest:
            contents[label.id] = read_content(by_digest[label.content_digest], label, record)
    for entry, path in entries:
        if entry.part not in record.labels:
            raise RecordError(
                "unknown-part",
                f"`{shorten(entry.part)}` is not a part of this presentation",
                fix="include its label",
            )
        verify_entry(entry, path, record.manifest)
    payload = i_json.read_object(jws.read(signed_text, typ=TYP).unverified_payload)
    return VerifiedPresentation(record, contents, sd_jwt.process(payload, disclosures).closed)
