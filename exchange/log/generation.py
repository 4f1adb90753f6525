"""Generations of a log: the statement that agencies sign after a restore that lost something.

The log itself never forks. A restored hub puts every leaf that a member's tree contained back in
its place. Only the contents under some leaves may be gone. The threshold signs the list of them,
the agencies that it didn't wait for, and the index up to which the log was restored. That statement
is the next leaf. So every existing proof stays valid, and every loss has a name.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Annotated, Any

from pydantic import Field

from exchange.errors import ContentError, LogError, TextError
from exchange.log.leaves import GenerationBody, Leaf
from exchange.membership import signatures
from exchange.membership.directory import Directory
from exchange.membership.signatures import SignedPayload, check_threshold, detach
from exchange.models import AgencyId, NonEmptyTuple, WireModel, validate
from exchange.standards import base64, i_json, jws
from exchange.standards.keys import PrivateKey
from exchange.standards.notes import open_checkpoint

TYP = "offramp-generation+jws"
LARGEST = 256 * 1024
# With more ranges than these, nobody would read the list before signing.
MOST_RANGES = 2048

_Size = Annotated[int, Field(ge=0, le=2**53 - 1)]
_Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Range = Annotated[tuple[_Size, _Size], Field(strict=False)]
_Ranges = Annotated[tuple[_Range, ...], Field(strict=False, max_length=MOST_RANGES)]


class TreeHead(WireModel):
    """The size of a tree, in leaves, and its root in hexadecimal."""

    size: _Size
    root: _Hex


class GenerationTerms(WireModel):
    """The statement that the threshold signs.

    - `previous`: the digest of the statement before it, if any.
    - `checkpoint`: the note of the largest tree that a member had seen, with the hub's signature.
    - `seen`: that tree.
    - `restored`: the backup's tree.
    - `ends`: the tree that the next leaf follows.
    - `directory`: the digest of the version in force there.
    - `lost`: the leaves with lost bodies, as first and last index of each range.
    - `torn`: the records of which only the recipients' parts are left, as ranges.
    - `absent`: the agencies that weren't waited for.
    """

    generation: Annotated[int, Field(ge=2)]
    previous: _Hex | None
    log: Annotated[str, Field(max_length=256)]
    checkpoint: Annotated[str, Field(max_length=65536)] | None
    seen: TreeHead
    restored: TreeHead
    ends: TreeHead
    directory: _Hex
    lost: _Ranges
    torn: _Ranges
    absent: Annotated[tuple[AgencyId, ...], Field(strict=False, max_length=64)]

    @property
    def missing(self) -> tuple[int, ...]:
        """The indices of the log about which an account is incomplete."""
        return tuple(
            sorted(
                {
                    index
                    for first, last in (*self.lost, *self.torn)
                    for index in range(first, last + 1)
                }
            )
        )


class _SignedShape(WireModel):
    generation: Annotated[str, Field(max_length=2 * LARGEST)]
    signatures: NonEmptyTuple[Annotated[str, Field(max_length=1024)]]


def write(signed: SignedPayload) -> bytes:
    """Return a signed statement as JSON, as `read_signed` reads it."""
    return i_json.write(
        {"generation": base64.encode_url(signed.payload), "signatures": list(signed.signatures)}
    )


def read_signed(value: Any) -> SignedPayload:
    """Parse a signed statement from a JSON value without verifying it.

    Raises `LogError` `wrong-generation`.
    """
    try:
        shape = validate(_SignedShape, value, "the signed statement")
        return SignedPayload(base64.decode_url(shape.generation), shape.signatures)
    except (TextError, ContentError) as error:
        raise wrong_generation(error.message) from None


def read_terms(payload: bytes) -> GenerationTerms:
    """Read the terms in a payload. Raises `LogError` `wrong-generation`."""
    try:
        terms = validate(GenerationTerms, i_json.read_object(payload), "the statement")
    except (TextError, ContentError) as error:
        raise wrong_generation(error.message) from None
    if not max(terms.seen.size, terms.restored.size) <= terms.ends.size:
        raise wrong_generation("it ends before the seen or the restored tree")
    for ranges in (terms.lost, terms.torn):
        # INVARIANT: ranges are in order, so that `covers` finds every index.
        last_index = terms.restored.size - 1
        for first, last in ranges:
            if not last_index < first <= last < terms.ends.size:
                raise wrong_generation("its ranges are out of order or outside the restored part")
            last_index = last
    return terms


def sign(payload: bytes, key: PrivateKey) -> str:
    """Sign a statement for one agency. The signature is detached."""
    return detach(jws.sign(payload, key, typ=TYP))


def signer_of(signature: str, payload: bytes, in_force: Directory) -> str:
    """Return the agency that made a signature of a statement.

    Raises as `signatures.check_threshold` does, except `threshold`.
    """
    return signatures.signer_of(signature, payload, in_force, TYP)


def check(
    leaf: Leaf,
    signed: SignedPayload,
    in_force: Directory,
    earlier_statements: Iterable[SignedPayload],
) -> GenerationTerms:
    """Check that the threshold signed the statement behind a generation's leaf, and return its
    terms.

    The statement must follow exactly this tree and the earlier generations. Raises `LogError`
    `wrong-generation`, `NoteError` for a checkpoint that the hub didn't sign, and as
    `signatures.check_threshold` does.
    """
    terms, earlier, body = read_terms(signed.payload), tuple(earlier_statements), leaf.body
    expected = (terms.generation, terms.seen.size, terms.seen.root, digest(signed))
    if (
        not isinstance(body, GenerationBody)
        or (body.number, body.size, body.root, body.sha256) != expected
    ):
        raise wrong_generation("its leaf has other values")
    if terms.generation != len(earlier) + 2 or terms.previous != (
        digest(earlier[-1]) if earlier else None
    ):
        raise wrong_generation("it doesn't follow the previous generation")
    if (
        terms.ends.size != leaf.index
        or terms.log != in_force.log.name
        or terms.directory != in_force.sha256
    ):
        raise wrong_generation("it was signed to follow another tree or directory")
    if terms.checkpoint is not None:
        seen = open_checkpoint(terms.checkpoint.encode(), in_force.log, ()).checkpoint
        if (seen.size, seen.root.hex()) != (terms.seen.size, terms.seen.root):
            raise wrong_generation("its checkpoint is of another tree")
    if check_threshold(signed, in_force, TYP) & set(terms.absent):
        raise wrong_generation("an absent agency signed it")
    return terms


def digest(signed: SignedPayload) -> str:
    """Return the SHA-256 of a statement, to compare by voice: 64 hex digits."""
    return sha256(signed.payload).hexdigest()


def to_ranges(indices: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Join indices to ranges: first and last of each. Raises `LogError` `too-much-lost`."""
    ranges: list[tuple[int, int]] = []
    for index in sorted(indices):
        if ranges and ranges[-1][1] == index - 1:
            ranges[-1] = ranges[-1][0], index
        else:
            ranges.append((index, index))
    if len(ranges) > MOST_RANGES:
        raise LogError(
            "too-much-lost",
            f"the losses form `{len(ranges)}` ranges, which is too many",
            fix="wait for more agencies, or use a newer backup",
        )
    return tuple(ranges)


def covers(ranges: Sequence[tuple[int, int]], index: int) -> bool:
    """Test if an index is in one of these ordered ranges."""
    position = bisect_right(ranges, index, key=lambda index_range: index_range[0])
    return position > 0 and index <= ranges[position - 1][1]


def wrong_generation(why: str) -> LogError:
    """Build the refusal of an invalid statement."""
    return LogError(
        "wrong-generation",
        f"the log's next generation is invalid: {why}",
        fix="neither sign it nor rely on it",
    )
