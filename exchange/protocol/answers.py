"""Closed shapes of a hub's answers: a hub describes its API with them, and a gateway reads by them.

INVARIANT: a gateway keeps and shows nothing of an answer that doesn't fit its shape.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import Field, model_validator

from exchange.models import AgencyId, WireModel

T = TypeVar("T")

Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
# A list in JSON. Lax only for the step from `list` to `tuple`.
Items = Annotated[tuple[T, ...], Field(strict=False, max_length=65_536)]
Sentence = Annotated[str, Field(max_length=2000)]


class ErrorText(WireModel):
    """One refusal: a stable code, one sentence, and the fix."""

    code: Annotated[str, Field(max_length=100)]
    message: Sentence
    fix: Sentence | None
    at: Sentence | None = None


class LeafModel(WireModel):
    """An opened leaf of the log."""

    index: Count
    nonce: Annotated[str, Field(max_length=200)]
    body: str


class ReceiptModel(WireModel):
    """The place, time, and number of a record in the log."""

    index: Count
    time: Count
    number: Count
    nonce: Annotated[str, Field(max_length=200)]
    number_nonce: Annotated[str, Field(max_length=200)]


class Submitted(WireModel):
    """The answer to one record: its HTTP status, and a receipt or an error."""

    status: Annotated[int, Field(ge=100, le=599)]
    receipt: ReceiptModel | None = None
    error: ErrorText | None = None

    @model_validator(mode="after")
    def _one(self) -> Submitted:
        if (self.receipt is None) == (self.error is None):
            raise ValueError("an answer has either a receipt or an error")
        return self


class ReceiptAnswer(WireModel):
    """The receipt of a record, and the digest of its statement."""

    receipt: ReceiptModel
    sha256: Digest


class Cursor(WireModel):
    """The number of items that a gateway has stored."""

    after: Count


class Witnessed(WireModel):
    """A flag that states if the open checkpoint has its quorum."""

    witnessed: bool


class Entries(WireModel):
    """Blinded leaves from `start` on, base64url."""

    start: Count
    entries: Items[str]


class Proof(WireModel):
    """Hashes of a Merkle proof, hexadecimal."""

    proof: Items[Digest]


class SignedVersion(WireModel):
    """A version of the directory with its leaf."""

    leaf: LeafModel
    signed: dict[str, Any]


class AnnouncedKey(WireModel):
    """A sealing key with its leaf."""

    leaf: LeafModel
    announced: Annotated[str, Field(max_length=8192)]


class SignedGeneration(WireModel):
    """A generation of the log with its leaf."""

    leaf: LeafModel
    generation: dict[str, Any]


class DirectoryAnswer(WireModel):
    """Every version, sealing key, and generation, and whether the hub is closed."""

    versions: Items[SignedVersion]
    keys: Items[AnnouncedKey]
    generations: Items[SignedGeneration]
    closed: bool


class DraftModel(WireModel):
    """One draft of a next version, with the signatures so far."""

    by: str
    directory: str
    signatures: Items[str]


class Drafted(WireModel):
    """The newest draft."""

    directory: str


class Drafts(Drafted):
    """The newest draft, and every draft that waits for signatures."""

    drafts: Items[DraftModel]


class InForce(WireModel):
    """A flag that states if the draft came into force."""

    in_force: bool


class KeyAnswer(WireModel):
    """The leaf of a sealing key."""

    leaf: LeafModel


class ThresholdModel(WireModel):
    """The number of signatures that are needed, and the agencies that can sign."""

    signatures: Count
    of: Items[AgencyId]


class RestoreState(WireModel):
    """The state of a restored hub, and the text that the threshold must sign."""

    closed: bool
    generation: Count
    size: Count | None = None
    root: Digest | None = None
    items: Count | None = None
    heard: Items[AgencyId] | None = None
    waits: Items[AgencyId] | None = None
    aside: Items[AgencyId] | None = None
    lacks: ErrorText | None = None
    draft: str | None = None
    sha256: Digest | None = None
    signed: Items[AgencyId] | None = None
    threshold: ThresholdModel | None = None

    @model_validator(mode="after")
    def _whole(self) -> RestoreState:
        if self.closed and None in (self.size, self.root, self.heard, self.waits, self.aside):
            raise ValueError("a closed hub states what it has and for whom it waits")
        if (self.draft is None) != (self.sha256 is None):
            raise ValueError("a draft comes with its digest")
        return self


class PieceAnswer(WireModel):
    """The number of the piece that was taken."""

    n: Count


class Begun(WireModel):
    """A flag that states if the next generation of the log has begun."""

    begun: bool


class PackDigest(WireModel):
    """The digest of a pack that was read and proved."""

    digest: Annotated[str, Field(max_length=100)]
