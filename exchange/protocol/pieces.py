"""Wire form of an agency's holdings, which members send to a restored hub in pieces.

A gateway writes the pieces (`exchange.agency.pieces`) and a hub reads them
(`exchange.hub.gathering`). Neither imports the other.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from exchange.consent.account import EntryShape
from exchange.models import AgencyId, Handle, NonEmptyTuple, ShortId, Term, WireModel

# The largest piece, in bytes, and the largest number of pieces.
LARGEST_PIECE = 4 * 1024 * 1024
MOST_PIECES = 10_000
# The most values of one kind in a piece.
MOST_VALUES = 65_536


class SealedShape(WireModel):
    """An entry of a sent record's manifest, with its ciphertext if that is still there."""

    part: ShortId
    to: Annotated[str, Field(max_length=64)]
    purpose: Term
    basis: Term
    ct: str | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class SentShape(WireModel):
    """A record as its issuer sent it. Some of its ciphertext may be gone."""

    record: str
    labels: NonEmptyTuple[str]
    sealed: Annotated[tuple[SealedShape, ...], Field(strict=False, max_length=128)]
    pads: Annotated[tuple[str, ...], Field(strict=False, max_length=128)]


class DeliveredEntry(EntryShape):
    """An entry of a delivered record's manifest, with its path under the manifest's root."""

    path: Annotated[str, Field(max_length=512)]


class DeliveredShape(WireModel):
    """A record as far as one of its recipients received it."""

    record: str
    labels: NonEmptyTuple[str]
    entries: NonEmptyTuple[DeliveredEntry]


class MemberShape(WireModel):
    """The leaf of a directory version, a sealing key, or a generation, with its document."""

    leaf: dict[str, Any]
    signed: dict[str, Any] | None = None
    announced: str | None = None
    generation: dict[str, Any] | None = None


class ItemShape(WireModel):
    """An item of the agency's inbox: its number from the issuer, and the record's id if known."""

    number: Annotated[int, Field(ge=1, le=2**53 - 1)]
    issuer: AgencyId
    record: Handle | Annotated[str, Field(max_length=0)]


class Piece(WireModel):
    """A piece of an agency's holdings.

    `entries` are blinded leaves from index `start` on, end to end, in base64url. `done` is true
    in the last piece only.
    """

    n: Annotated[int, Field(ge=0, lt=MOST_PIECES)]
    is_last: Annotated[bool, Field(alias="done")] = False
    checkpoint: Annotated[str, Field(max_length=65_536)] | None = None
    line: Annotated[str, Field(max_length=65_536)] | None = None
    start: Annotated[int, Field(ge=0, le=2**53 - 1)] = 0
    entries: str = ""
    items: Annotated[tuple[ItemShape, ...], Field(strict=False, max_length=MOST_VALUES)] = ()
    leaves: Annotated[tuple[Any, ...], Field(strict=False, max_length=MOST_VALUES)] = ()
    members: Annotated[tuple[MemberShape, ...], Field(strict=False, max_length=MOST_VALUES)] = ()
    deliveries: Annotated[
        tuple[DeliveredShape, ...], Field(strict=False, max_length=MOST_VALUES, alias="given")
    ] = ()
    records: Annotated[tuple[SentShape, ...], Field(strict=False, max_length=MOST_VALUES)] = ()
