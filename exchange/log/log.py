"""The log: what was shared, when and on what basis, blinded, in one order that nobody can rewrite.

A leaf's entry is the SHA-256 of a nonce and a body. Whoever holds the nonce can open it; whoever loses it is left with a number
that says nothing, so that the log never becomes a list of people. A record's number within its issuer and case hides behind a
second nonce: only issuer and accounting know how many there are.

Time is stamped once for each commit and never goes back. It can't be trusted alone: it lies between the times at which the hub
signed the last witnessed checkpoint before a leaf and the first one over it, and `check_time` holds it to that.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Any, Literal, Protocol, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field

from exchange.errors import ContentError, LogError, TextError, TreeError, shown
from exchange.models import AgencyId, Handle, Listed, Shape, ShortId, Word, held
from exchange.standards import i_json, merkle, notes
from exchange.standards.merkle import Tree, leaf_hash, verify_inclusion
from exchange.standards.notes import Checkpoint, Note, NoteKey, Signature, Witnessed
from exchange.standards.sd_jwt import RandomBytes
from rules.frozen import frozen

NONCE_BYTES = 16
CLOCKS_APART = 5 * 60

# A part rests on one record for each of its categories, and that must never make a leaf which can't be written or read.
MOST_RELIED = 32

_Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Nonce = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
_Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
_Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


# Leaves


class Body(Shape):
    """Base of what a leaf says. `time` is in seconds since 1970 (UTC), the same for all leaves of one commit."""

    time: _Count


class Recorded(Body):
    """A record was committed. `sha256` is its statement's; `number` the commitment to its number for issuer and case."""

    type: Literal["record"] = "record"
    id: Handle
    issuer: AgencyId
    sha256: _Hex
    number: _Hex


class HandedPart(Shape):
    """A part that was handed out: for what, on what basis, and the records of its case that the basis rests on."""

    part: ShortId
    purpose: Word
    basis: Word
    relies: Annotated[tuple[Handle, ...], Field(strict=False, max_length=MOST_RELIED)] = ()


class HandedOut(Body):
    """Parts of a record were handed to an agency, as its `number`-th from this issuer, by the rules of `pack`."""

    type: Literal["handout"] = "handout"
    record: Handle
    issuer: AgencyId
    to: AgencyId
    parts: Listed[HandedPart]
    number: Annotated[int, Field(ge=1)]
    pack: _Digest


class Withdrawn(Body):
    """Parts of a record were destroyed before the agency had them. The number is used up; no cause is given."""

    type: Literal["withdrawn"] = "withdrawn"
    record: Handle
    issuer: AgencyId
    to: AgencyId
    parts: Listed[ShortId]
    number: Annotated[int, Field(ge=1)]


class DirectoryChanged(Body):
    """A version of the directory."""

    type: Literal["directory"] = "directory"
    version: Annotated[int, Field(ge=1)]
    sha256: _Hex


class KeyOpened(Body):
    """An agency's key to seal to."""

    type: Literal["key"] = "key"
    agency: AgencyId
    sha256: _Hex


class Conflict(Body):
    """An issuer sent a second statement under an id that it had used: this is the second's digest."""

    type: Literal["conflict"] = "conflict"
    id: Handle
    issuer: AgencyId
    sha256: _Hex


class Generation(Body):
    """The first leaf after a restore: the largest tree that a member saw before it, and what the threshold signed of the rest.

    `sha256` is the payload's of that statement (`exchange.log.generation`).
    """

    type: Literal["generation"] = "generation"
    number: Annotated[int, Field(ge=2)]
    size: _Count
    root: _Hex
    sha256: _Hex


BODIES: dict[str, type[Body]] = {
    "record": Recorded,
    "handout": HandedOut,
    "withdrawn": Withdrawn,
    "directory": DirectoryChanged,
    "key": KeyOpened,
    "conflict": Conflict,
    "generation": Generation,
}


def write_body(body: Body) -> bytes:
    """A body as the log stores and hashes it: one line of JSON."""
    return i_json.write(body.model_dump(mode="json"))


def read_body(data: bytes) -> Body:
    """The body of those bytes. Raises `LogError` `not-a-leaf`."""
    try:
        value = i_json.read_object(data)
        model = BODIES.get(str(value.get("type")))
        if model is not None:
            return held(model, value, "the leaf")
    except (TextError, ContentError) as error:
        raise LogError("not-a-leaf", f"a leaf can't be read: {error.message}", fix=_KEEP) from None
    raise LogError("not-a-leaf", f"`{shown(value.get('type'))}` is no kind of leaf", fix=_KEEP)


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
        return self.nonce if self.lost else entry(self.nonce, self.stored)

    @property
    def lost(self) -> bool:
        return not self.stored

    @cached_property
    def body(self) -> Body:
        """What it says. Raises `LogError` `not-a-leaf`."""
        return read_body(self.stored)

    def json(self) -> dict[str, Any]:
        """As JSON, as `leaf_of` reads it."""
        return {"index": self.index, "nonce": self.nonce.hex(), "body": self.stored.decode("utf-8")}


class _LeafShape(Shape):
    index: _Count
    nonce: _Nonce
    body: Annotated[str, Field(min_length=1, max_length=65536)]


def leaf_of(value: Any) -> Leaf:
    """An opened leaf of a JSON value; its body isn't read yet. Raises `ContentError`."""
    shape = held(_LeafShape, value, "the opened leaf")
    return Leaf(
        shape.index, bytes.fromhex(shape.nonce), shape.body.encode("utf-8", "surrogatepass")
    )


def entry(nonce: bytes, stored: bytes) -> bytes:
    """SHA-256 of nonce and body. Raises `LogError` `not-a-leaf` for a nonce of another length."""
    if len(nonce) != NONCE_BYTES:
        raise LogError(
            "not-a-leaf", f"a nonce has `{len(nonce)}` bytes and not {NONCE_BYTES}", fix=_KEEP
        )
    return sha256(nonce + stored).digest()


def commit_number(nonce: bytes, number: int) -> str:
    """The commitment to a number, 64 hex digits: it fixes the number and tells nothing of it."""
    return sha256(nonce + number.to_bytes(8, "big")).hexdigest()


def number_nonce(
    secret: bytes, index: int, nonce: bytes, *, jti: str, issuer: str, statement: str
) -> bytes:
    """The nonce that hides a record's number, for whoever has the hub's secret and the record's leaf opened.

    Nobody else can make one that fits: so an opened leaf that comes back after a restore shows that this hub wrote it, and the
    hub finds the number again.
    """
    bound = "\0".join(("offramp/1/number", str(index), issuer, jti, statement, nonce.hex()))
    return hmac.digest(secret, bound.encode("utf-8"), "sha256")[:NONCE_BYTES]


class Kept(Protocol):
    """Where the leaves of a log are kept: a hub's store."""

    def leaf(self, at: int) -> Leaf: ...

    def leaves(self, start: int = 0, end: int | None = None) -> Iterator[Leaf]: ...

    def add_leaf(self, leaf: Leaf) -> None: ...


class Log:
    """The tree over leaves that are kept elsewhere, and the time of the last commit. The tree alone is in memory."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self.tree = Tree()
        self.time = 0
        for leaf in kept.leaves():
            self.tree.append(leaf_hash(leaf.entry))
        if self.size:
            self.time = kept.leaf(self.size - 1).body.time

    @property
    def size(self) -> int:
        return self.tree.size

    @property
    def leaves(self) -> list[Leaf]:
        """Every leaf, opened. Of a large log, too many: ask `kept` for those you need."""
        return list(self.kept.leaves())

    def stamp(self, now: int) -> int:
        """The time of a commit: now, or the last commit's where the clock went back."""
        self.time = max(self.time, now)
        return self.time

    def append(self, body: Body, random_bytes: RandomBytes) -> Leaf:
        """One more leaf. INVARIANT: no leaf is older than the one before it."""
        assert body.time >= self.time, "a commit's time is stamped"
        return self._add(Leaf(self.size, random_bytes(NONCE_BYTES), write_body(body)))

    def take_back(self, leaf: Leaf) -> None:
        """A leaf that stood at this very place before a restore, whatever is left of it."""
        assert leaf.index == self.size, "leaves come back in their order"
        if not leaf.lost:
            self.time = max(self.time, leaf.body.time)
        self._add(leaf)

    def _add(self, leaf: Leaf) -> Leaf:
        self.kept.add_leaf(leaf)
        self.tree.append(leaf_hash(leaf.entry))
        return leaf

    def checkpoint(self, origin: str) -> Checkpoint:
        """What the tree is now."""
        return Checkpoint(origin, self.size, self.tree.root())


# Receipts and proofs


@frozen
class Receipt:
    """The hub's answer to a submission: where and when the record was committed, its number, and the nonces of both.

    No promise and not signed: the proof under the next checkpoint is what counts.
    """

    index: int
    time: int
    number: int
    nonce: bytes
    number_nonce: bytes

    def json(self) -> dict[str, Any]:
        """As JSON, as `receipt_of` reads it."""
        return {
            "index": self.index,
            "time": self.time,
            "number": self.number,
            "nonce": self.nonce.hex(),
            "number_nonce": self.number_nonce.hex(),
        }


class _ReceiptShape(Shape):
    index: _Count
    time: _Count
    number: Annotated[int, Field(ge=1, le=2**53 - 1)]
    nonce: _Nonce
    number_nonce: _Nonce


def receipt_of(value: Any) -> Receipt:
    """A receipt of a JSON value. Raises `ContentError`."""
    shape = held(_ReceiptShape, value, "the receipt")
    return Receipt(
        shape.index,
        shape.time,
        shape.number,
        bytes.fromhex(shape.nonce),
        bytes.fromhex(shape.number_nonce),
    )


def receipt_leaf(receipt: Receipt, *, jti: str, issuer: str, statement: str) -> Leaf:
    """The leaf that a receipt speaks of, rebuilt from the record: whoever has the record needs no body from the hub."""
    number = commit_number(receipt.number_nonce, receipt.number)
    body = Recorded(id=jti, issuer=issuer, sha256=statement, time=receipt.time, number=number)
    return Leaf(receipt.index, receipt.nonce, write_body(body))


def check_included(leaf: Leaf, path: Sequence[bytes], checkpoint: Checkpoint) -> None:
    """Holds if the leaf stands in the tree of the checkpoint. Raises `LogError` `not-in-log`."""
    try:
        verify_inclusion(leaf_hash(leaf.entry), leaf.index, checkpoint.size, path, checkpoint.root)
    except TreeError as error:
        raise LogError(
            "not-in-log", f"the leaf `{leaf.index}` isn't in the log: {error.message}", fix=_KEEP
        ) from None


def check_time(leaf: Leaf, before: Witnessed | None, over: Witnessed) -> None:
    """Holds if a leaf's time lies between the hub's times on the checkpoints around it.

    `before` is the last witnessed one that doesn't hold the leaf, None for the log's beginning; `over` the first that does.
    Raises `LogError` `back-dated`, `wrong-checkpoints`.
    """
    if (
        before is not None and before.checkpoint.size > leaf.index
    ) or over.checkpoint.size <= leaf.index:
        raise LogError(
            "wrong-checkpoints",
            f"the leaf `{leaf.index}` doesn't lie between these checkpoints",
            fix=_KEEP,
        )
    if not (before.signed_at if before else 0) <= leaf.body.time <= over.signed_at:
        raise LogError(
            "back-dated",
            f"the time of leaf `{leaf.index}` isn't one that its witnesses saw",
            fix=_KEEP,
        )


class Watch:
    """What a witness remembers of a log: the last checkpoint that grew out of all before it.

    A tree that is smaller, or that didn't grow out of the last, is refused at once and for good: the two signed checkpoints are
    the evidence.
    """

    def __init__(self, log: NoteKey) -> None:
        self.log = log
        self.last: Checkpoint | None = None
        # As the hub signed it: after a restore it is what shows how far the log had grown.
        self.note = b""

    def advance(self, note: bytes, consistency: Sequence[bytes]) -> Witnessed:
        """The hub's newest checkpoint, if it grew out of the last.

        Raises `NoteError`, `LogError` `rolled-back`, `split-view`.
        """
        witnessed = notes.open_checkpoint(note, self.log, ())
        new = witnessed.checkpoint
        # A tree without leaves is the beginning of every tree, and there is nothing to prove.
        if self.last is not None and self.last.size:
            if new.size < self.last.size:
                raise LogError(
                    "rolled-back",
                    f"the log had `{self.last.size}` leaves, and now has `{new.size}`",
                    fix=_KEEP,
                )
            try:
                merkle.verify_consistency(
                    self.last.size, new.size, consistency, self.last.root, new.root
                )
            except TreeError as error:
                raise LogError(
                    "split-view",
                    f"the log didn't grow out of what was seen before: {error.message}",
                    fix=_KEEP,
                ) from None
        self.last, self.note = new, note
        return witnessed

    def cosign(
        self, note: bytes, consistency: Sequence[bytes], key: Ed25519PrivateKey, name: str, now: int
    ) -> Signature:
        """A witness's cosignature of the newest checkpoint, if the hub's clock is this one's to five minutes.

        Raises as `advance`, and `LogError` `clocks-apart`: the tree is taken, and not cosigned.
        """
        witnessed = self.advance(note, consistency)
        if abs(witnessed.signed_at - now) > CLOCKS_APART:
            raise LogError(
                "clocks-apart",
                f"the hub's clock is `{witnessed.signed_at - now}` seconds from this one",
                fix="set this clock",
            )
        return notes.cosign(witnessed.checkpoint.text, key, name, now)


def with_cosignatures(note: bytes, cosignatures: Iterable[Signature]) -> bytes:
    """Add the witnesses' cosignatures to a checkpoint's note."""
    unsigned = notes.read_note(note)
    return Note(unsigned.text, (*unsigned.signatures, *cosignatures)).encoded()


# Signed lines


class InboxLine(Shape):
    """How many items an agency's inbox has had up to this answer's last, how large the tree was when the hub said so, and which
    directory held. `total` is how many there were in all: a long inbox comes in several answers.

    The directory's version and the log's generation are here so that a hub which hides a new one, and the retirement or the
    loss in it, must sign a lie.
    """

    agency: AgencyId
    items: _Count
    total: _Count
    size: _Count
    time: _Count
    directory: _Count
    generation: _Count = 1


class LastNumber(Shape):
    issuer: AgencyId
    last: Annotated[int, Field(ge=1)]


class AccountLine(Shape):
    """Each issuer's last number in a case, how many leaves passed its records on, and how large the tree is that holds them.

    An account itself is unsigned: because the line counts both, whoever carries it can take nothing out unnoticed.
    """

    case: Handle
    size: _Count
    time: _Count
    last: Annotated[tuple[LastNumber, ...], Field(strict=False, max_length=64)]
    passed: _Count
    generation: _Count = 1


L = TypeVar("L", InboxLine, AccountLine)
_HEADS: dict[type[Shape], str] = {
    InboxLine: "offramp/inbox-line/v1",
    AccountLine: "offramp/account-line/v1",
}


def sign_line(line: InboxLine | AccountLine, key: Ed25519PrivateKey, name: str) -> bytes:
    """A line as a note that the hub signed. Its first words say what it is, so that it can pass for no checkpoint."""
    text = f"{_HEADS[type(line)]}\n{i_json.write(line.model_dump(mode='json')).decode()}\n"
    return Note(text, (notes.sign_note(text, key, name),)).encoded()


def read_inbox_line(data: bytes, log: NoteKey, agency: str) -> InboxLine:
    """The line for one agency. Raises `NoteError`, `LogError` `wrong-line`."""
    line = _read_line(InboxLine, data, log)
    if line.agency != agency:
        raise LogError("wrong-line", f"this line is for `{line.agency}`", fix="ask for your own")
    return line


def read_account_line(data: bytes, log: NoteKey, case: str) -> AccountLine:
    """The line of one case. Raises `NoteError`, `LogError` `wrong-line`."""
    line = _read_line(AccountLine, data, log)
    if line.case != case:
        raise LogError("wrong-line", "this line is of another case", fix="ask for the right one")
    return line


_NEVER_BACK = ("items", "size", "time", "directory", "generation")


def check_newer(old: InboxLine | None, new: InboxLine) -> None:
    """Holds if a line isn't older than the last one held. Raises `LogError` `older-line`."""
    if old is not None and any(getattr(new, each) < getattr(old, each) for each in _NEVER_BACK):
        raise LogError(
            "older-line", f"the hub's answer is older than one of tree size `{old.size}`", fix=_KEEP
        )


def _read_line(model: type[L], data: bytes, log: NoteKey) -> L:
    note = notes.read_note(data)
    # The key that cosigns checkpoints signs lines too; a plain signature is another kind, under another id.
    plain = notes.note_key(log.name, notes.NOTE, log.public)
    notes.verify_note(note, (plain,))
    head, _, rest = note.text.partition("\n")
    if head != _HEADS[model]:
        raise LogError(
            "wrong-line", f"`{shown(head)}` isn't the line that was asked for", fix=_KEEP
        )
    try:
        return held(model, i_json.read_object(rest.encode("utf-8")), "the line")
    except (TextError, ContentError) as error:
        raise LogError(
            "wrong-line", f"the hub's line can't be read: {error.message}", fix=_KEEP
        ) from None


_KEEP = "keep what was answered as evidence, and tell the other agencies"


def digest(data: bytes) -> str:
    """SHA-256, 64 hex digits."""
    return sha256(data).hexdigest()
