"""The next generation of a log: what the agencies sign so that a hub goes on after a restore that cost it something.

The log itself never forks: a restored hub puts every leaf that any member's tree held back in its place, and only what stood
under some of them may be gone. The threshold signs which those are, which agencies nobody waited for, and up to where the log
was put back; that statement is the next leaf. So every proof that anybody holds stays good, and what is missing has a name.
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
# With more holes than these, what was lost is no longer a list that anybody reads before signing.
MOST_RANGES = 2048

_Size = Annotated[int, Field(ge=0, le=2**53 - 1)]
_Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Range = Annotated[tuple[_Size, _Size], Field(strict=False)]
_Ranges = Annotated[tuple[_Range, ...], Field(strict=False, max_length=MOST_RANGES)]


class TreeHead(WireModel):
    """A tree: how many leaves, and its root in hexadecimal."""

    size: _Size
    root: _Hex


class GenerationTerms(WireModel):
    """What the threshold signs.

    `previous` is the digest of the statement before it. `checkpoint` is the note of the largest tree that a member had seen,
    with the hub's signature, and `seen` that tree; `restored` is the backup's, `ends` the one that the next leaf follows.
    `directory` is the digest of the version in force there. Of the leaves in `lost` (first and last of each stretch) nobody
    has what stood in them; of the records in `torn` only what their recipients were given is left. `absent` weren't heard.
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
        """The places of the log of which an account can't tell all."""
        return tuple(
            sorted(
                {at for first, last in (*self.lost, *self.torn) for at in range(first, last + 1)}
            )
        )


class _SignedShape(WireModel):
    generation: Annotated[str, Field(max_length=2 * LARGEST)]
    signatures: NonEmptyTuple[Annotated[str, Field(max_length=1024)]]


def write(signed: SignedPayload) -> bytes:
    """A signed statement as JSON, as `read_signed` reads it."""
    return i_json.write(
        {"generation": base64.encode_url(signed.payload), "signatures": list(signed.signatures)}
    )


def read_signed(value: Any) -> SignedPayload:
    """A signed statement of a JSON value, nothing verified. Raises `LogError` `wrong-generation`."""
    try:
        shape = validate(_SignedShape, value, "the signed statement")
        return SignedPayload(base64.decode_url(shape.generation), shape.signatures)
    except (TextError, ContentError) as error:
        raise wrong_generation(error.message) from None


def read_terms(payload: bytes) -> GenerationTerms:
    """What a payload says. Raises `LogError` `wrong-generation`."""
    try:
        terms = validate(GenerationTerms, i_json.read_object(payload), "the statement")
    except (TextError, ContentError) as error:
        raise wrong_generation(error.message) from None
    if not max(terms.seen.size, terms.restored.size) <= terms.ends.size:
        raise wrong_generation("it ends before what was seen or restored")
    for stretches in (terms.lost, terms.torn):
        # INVARIANT: in order, so that no place can hide between others from whoever looks for it.
        before = terms.restored.size - 1
        for first, last in stretches:
            if not before < first <= last < terms.ends.size:
                raise wrong_generation(
                    "the places that it names are out of order, or none that could be lost"
                )
            before = last
    return terms


def sign(payload: bytes, key: PrivateKey) -> str:
    """One agency's detached signature of a statement."""
    return detach(jws.sign(payload, key, typ=TYP))


def signer_of(signature: str, payload: bytes, in_force: Directory) -> str:
    """The agency that made one signature of a statement. Raises as `directory.check_threshold`, but for `threshold`."""
    return signatures.signer_of(signature, payload, in_force, TYP)


def check(
    leaf: Leaf, signed: SignedPayload, in_force: Directory, before: Iterable[SignedPayload]
) -> GenerationTerms:
    """What a generation's leaf stands for, if the threshold signed it to follow just this tree and the generations before.

    Raises `LogError` `wrong-generation`; `NoteError` for a checkpoint that the hub didn't sign; as `directory.check_threshold`.
    """
    terms, earlier, body = read_terms(signed.payload), tuple(before), leaf.body
    said = (terms.generation, terms.seen.size, terms.seen.root, digest(signed))
    if (
        not isinstance(body, GenerationBody)
        or (body.number, body.size, body.root, body.sha256) != said
    ):
        raise wrong_generation("its leaf says something else")
    if terms.generation != len(earlier) + 2 or terms.previous != (
        digest(earlier[-1]) if earlier else None
    ):
        raise wrong_generation("it doesn't follow the generation before")
    if (
        terms.ends.size != leaf.index
        or terms.log != in_force.log.name
        or terms.directory != in_force.sha256
    ):
        raise wrong_generation("it was signed to follow another tree or directory")
    if terms.checkpoint is not None:
        seen = open_checkpoint(terms.checkpoint.encode(), in_force.log, ()).checkpoint
        if (seen.size, seen.root.hex()) != (terms.seen.size, terms.seen.root):
            raise wrong_generation("its checkpoint is of another tree than it names")
    if check_threshold(signed, in_force, TYP) & set(terms.absent):
        raise wrong_generation("an agency signed it that wasn't waited for")
    return terms


def digest(signed: SignedPayload) -> str:
    """SHA-256 of a statement: what is compared by voice, 64 hex digits."""
    return sha256(signed.payload).hexdigest()


def to_ranges(places: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Places as stretches, first and last of each. Raises `LogError` `too-much-lost`."""
    found: list[tuple[int, int]] = []
    for at in sorted(places):
        if found and found[-1][1] == at - 1:
            found[-1] = found[-1][0], at
        else:
            found.append((at, at))
    if len(found) > MOST_RANGES:
        raise LogError(
            "too-much-lost",
            f"what was lost falls into `{len(found)}` stretches",
            fix="wait for more agencies, or a newer backup",
        )
    return tuple(found)


def covers(stretches: Sequence[tuple[int, int]], at: int) -> bool:
    """Whether a place lies in one of these stretches, which are in order."""
    found = bisect_right(stretches, at, key=lambda one: one[0])
    return found > 0 and at <= stretches[found - 1][1]


def wrong_generation(why: str) -> LogError:
    """The refusal of a statement that isn't one to go on by."""
    return LogError(
        "wrong-generation",
        f"the log's next generation doesn't hold: {why}",
        fix="sign and take nothing by it",
    )
