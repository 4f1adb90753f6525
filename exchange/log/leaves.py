"""Leaves of the log: the kinds of body, the blinded entry, and the opened leaf.

An entry is the SHA-256 of a nonce and a body. With the nonce an entry can be opened. Without it,
the entry is a number that says nothing, so the log never becomes a list of people. A record's
number within its issuer and case is behind a second nonce: only the issuer and an accounting
learn how many records there are.
"""

from __future__ import annotations

import hmac
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import Field

from exchange.errors import ContentError, LogError, TextError, shorten
from exchange.models import AgencyId, Handle, NonEmptyTuple, ShortId, Term, WireModel, validate
from exchange.standards import i_json
from rules.frozen import frozen

NONCE_BYTES = 16

# A part rests on one record for each of its categories, and that must never make a leaf which can't be written or read.
MOST_RELIED = 32

_Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

_Nonce = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]

_Count = Annotated[int, Field(ge=0, le=2**53 - 1)]

_Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class LeafBody(WireModel):
    """Base of what a leaf says. `time` is in seconds since 1970 (UTC), the same for all leaves of one commit."""

    time: _Count


class RecordBody(LeafBody):
    """A record was committed. `sha256` is its statement's; `number` the commitment to its number for issuer and case."""

    type: Literal["record"] = "record"
    id: Handle
    issuer: AgencyId
    sha256: _Hex
    number: _Hex


class HandoutPart(WireModel):
    """A part that was handed out: for what, on what basis, and the records of its case that the basis rests on."""

    part: ShortId
    purpose: Term
    basis: Term
    relies: Annotated[tuple[Handle, ...], Field(strict=False, max_length=MOST_RELIED)] = ()


class HandoutBody(LeafBody):
    """Parts of a record were handed to an agency, as its `number`-th from this issuer, by the rules of `pack`."""

    type: Literal["handout"] = "handout"
    record: Handle
    issuer: AgencyId
    to: AgencyId
    parts: NonEmptyTuple[HandoutPart]
    number: Annotated[int, Field(ge=1)]
    pack: _Digest


class WithdrawalBody(LeafBody):
    """Parts of a record were destroyed before the agency had them. The number is used up; no cause is given."""

    type: Literal["withdrawn"] = "withdrawn"
    record: Handle
    issuer: AgencyId
    to: AgencyId
    parts: NonEmptyTuple[ShortId]
    number: Annotated[int, Field(ge=1)]


class DirectoryBody(LeafBody):
    """A version of the directory."""

    type: Literal["directory"] = "directory"
    version: Annotated[int, Field(ge=1)]
    sha256: _Hex


class KeyBody(LeafBody):
    """An agency's key to seal to."""

    type: Literal["key"] = "key"
    agency: AgencyId
    sha256: _Hex


class ConflictBody(LeafBody):
    """An issuer sent a second statement under an id that it had used: this is the second's digest."""

    type: Literal["conflict"] = "conflict"
    id: Handle
    issuer: AgencyId
    sha256: _Hex


class GenerationBody(LeafBody):
    """The first leaf after a restore: the largest tree that a member saw before it, and what the threshold signed of the rest.

    `sha256` is the payload's of that statement (`exchange.log.generation`).
    """

    type: Literal["generation"] = "generation"
    number: Annotated[int, Field(ge=2)]
    size: _Count
    root: _Hex
    sha256: _Hex


BODIES: dict[str, type[LeafBody]] = {
    "record": RecordBody,
    "handout": HandoutBody,
    "withdrawn": WithdrawalBody,
    "directory": DirectoryBody,
    "key": KeyBody,
    "conflict": ConflictBody,
    "generation": GenerationBody,
}


def write_body(body: LeafBody) -> bytes:
    """A body as the log stores and hashes it: one line of JSON."""
    return i_json.write(body.model_dump(mode="json"))


def read_body(data: bytes) -> LeafBody:
    """The body of those bytes. Raises `LogError` `not-a-leaf`."""
    try:
        value = i_json.read_object(data)
        model = BODIES.get(str(value.get("type")))
        if model is not None:
            return validate(model, value, "the leaf")
    except (TextError, ContentError) as error:
        raise LogError("not-a-leaf", f"a leaf can't be read: {error.message}", fix=_KEEP) from None
    raise LogError("not-a-leaf", f"`{shorten(value.get('type'))}` is no kind of leaf", fix=_KEEP)


_KEEP = "keep what was answered as evidence, and tell the other agencies"


@frozen
class Leaf:
    """A leaf, opened: its index, the nonce that blinds it, and the stored bytes of its body.

    One that nobody could open after a restore is `lost`: it has its entry in the nonce's place, and no body.
    """

    index: int
    nonce: bytes
    stored: bytes

    @property
    def entry(self) -> bytes:
        """What the tree holds: 32 bytes."""
        return self.nonce if self.lost else hash_entry(self.nonce, self.stored)

    @property
    def lost(self) -> bool:
        return not self.stored

    @cached_property
    def body(self) -> LeafBody:
        """What it says. Raises `LogError` `not-a-leaf`."""
        return read_body(self.stored)

    def json(self) -> dict[str, Any]:
        """As JSON, as `leaf_of` reads it."""
        return {"index": self.index, "nonce": self.nonce.hex(), "body": self.stored.decode("utf-8")}


class _LeafShape(WireModel):
    index: _Count
    nonce: _Nonce
    body: Annotated[str, Field(min_length=1, max_length=65536)]


def parse_leaf(value: Any) -> Leaf:
    """An opened leaf of a JSON value; its body isn't read yet. Raises `ContentError`."""
    shape = validate(_LeafShape, value, "the opened leaf")
    return Leaf(
        shape.index, bytes.fromhex(shape.nonce), shape.body.encode("utf-8", "surrogatepass")
    )


def hash_entry(nonce: bytes, stored: bytes) -> bytes:
    """SHA-256 of nonce and body. Raises `LogError` `not-a-leaf` for a nonce of another length."""
    if len(nonce) != NONCE_BYTES:
        raise LogError(
            "not-a-leaf", f"a nonce has `{len(nonce)}` bytes and not {NONCE_BYTES}", fix=_KEEP
        )
    return sha256(nonce + stored).digest()


def commit_number(nonce: bytes, number: int) -> str:
    """The commitment to a number, 64 hex digits: it fixes the number and tells nothing of it."""
    return sha256(nonce + number.to_bytes(8, "big")).hexdigest()


def derive_number_nonce(
    secret: bytes, index: int, nonce: bytes, *, jti: str, issuer: str, statement: str
) -> bytes:
    """The nonce that hides a record's number, for whoever has the hub's secret and the record's leaf opened.

    Nobody else can make one that fits: so an opened leaf that comes back after a restore shows that this hub wrote it, and the
    hub finds the number again.
    """
    bound = "\0".join(("offramp/1/number", str(index), issuer, jti, statement, nonce.hex()))
    return hmac.digest(secret, bound.encode("utf-8"), "sha256")[:NONCE_BYTES]


def sha256_hex(data: bytes) -> str:
    """SHA-256, 64 hex digits."""
    return sha256(data).hexdigest()
