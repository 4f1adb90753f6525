"""Signed notes, checkpoints, and timestamped cosignatures (C2SP signed-note, tlog-checkpoint,
tlog-cosignature, v1).

A note is a text with signatures under names. A checkpoint is a note that states the size and the
root of a log's tree. A cosignature states that its signer saw this tree grow out of every tree that
it had seen before, as of a time. Both kinds of signature are Ed25519 (RFC 8032). A signature by an
unknown key is ignored, ML-DSA included.

Some rules are stricter than C2SP where it leaves room. A checkpoint has exactly three lines. A note
is refused if it exceeds the limits, or if a known key signed it twice or wrongly. A cosignature
doesn't name its signer in the signed text, so no two names may share a key. `merkle` proves that a
tree grew out of an earlier one. The caller, with a clock, checks that a time is recent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from exchange.errors import KeyMaterialError, NoteError, TextError, shorten
from exchange.standards import base64
from exchange.standards.merkle import EMPTY_ROOT, HASH_BYTES, LARGEST_SIZE
from rules.frozen import frozen

# Signature types of C2SP: a plain note signature, and a cosignature with its time.
NOTE: Final = 0x01
COSIGNATURE: Final = 0x04
Kind = Literal[0x01, 0x04]

LARGEST = 64 * 1024
MOST_SIGNATURES = 64
KEY_BYTES, SIGNATURE_BYTES, ID_BYTES, TIME_BYTES = 32, 64, 4, 8
LATEST = 2**63 - 1

_COSIGNED = "cosignature/v1\n"
_NAME = re.compile(r"[^\s+\x00-\x20\x7f]{1,256}")
_VKEY = re.compile(r"(?P<name>[^+]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>.+)")
_SIGNATURE = re.compile(r"— (?P<name>[^ ]+) (?P<blob>[A-Za-z0-9+/=]+)")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")

# Points of order 1, 2, 4, and 8, in every encoding. With one of them as a key, some texts can be
# signed without any private part.
SMALL_ORDER = frozenset(
    bytes.fromhex(body + last)
    for body, lasts in {
        "00" * 31: ("00", "80"),
        "01" + "00" * 30: ("00", "80"),
        "ec" + "ff" * 30: ("7f", "ff"),
        "ed" + "ff" * 30: ("7f", "ff"),
        "ee" + "ff" * 30: ("7f", "ff"),
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc": ("05", "85"),
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03": ("7a", "fa"),
    }.items()
    for last in lasts
)


# Keys


@frozen
class NoteKey:
    """The public half of a key that signs notes.

    It has a name, the kind of signature that it makes, and 32 bytes of Ed25519.
    """

    name: str
    kind: Kind
    public: bytes

    @property
    def id(self) -> bytes:
        """Four bytes that identify the key together with its name.

        They are no fingerprint: anybody can make another key with the same id.
        """
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[
            :ID_BYTES
        ]

    @property
    def vkey(self) -> str:
        """The key as text, `name+id+base64`, as `read_verifier_key` reads it."""
        return f"{self.name}+{self.id.hex()}+{base64.encode(bytes([self.kind]) + self.public)}"


def read_verifier_key(vkey: str) -> NoteKey:
    """Read the key of a vkey.

    Raises `KeyMaterialError`: `not-a-key`, `wrong-kind`, `wrong-id`, `bad-point`.
    """
    parts = _VKEY.fullmatch(vkey) if len(vkey) <= 1024 else None
    if parts is None:
        raise KeyMaterialError(
            "not-a-key", f"`{shorten(vkey)}` is not a verifier key", fix="write `name+id+key`"
        )
    try:
        raw = base64.decode(parts["key"])
    except TextError as error:
        raise KeyMaterialError("not-a-key", error.message, fix="write `name+id+key`") from None
    kind = raw[0]
    if kind not in (NOTE, COSIGNATURE):
        raise KeyMaterialError(
            "wrong-kind", f"`{kind}` is not a kind of signature used here", fix="use Ed25519"
        )
    key = make_note_key(parts["name"], NOTE if kind == NOTE else COSIGNATURE, raw[1:])
    if key.id.hex() != parts["id"]:
        raise KeyMaterialError(
            "wrong-id",
            f"the key of `{shorten(key.name)}` doesn't have the id `{parts['id']}`",
            fix="ask for it again",
        )
    return key


def make_note_key(name: str, kind: Kind, public: bytes) -> NoteKey:
    """Make a checked key.

    Raises `KeyMaterialError`: `not-a-key` for a name that can't sign, `bad-point` for a malformed
    or weak Ed25519 key.
    """
    if not _NAME.fullmatch(name) or not name.isprintable():
        raise KeyMaterialError(
            "not-a-key",
            f"`{shorten(name)}` is not a name that can sign notes",
            fix="write it without blanks or plus",
        )
    if len(public) != KEY_BYTES or public in SMALL_ORDER:
        raise KeyMaterialError(
            "bad-point",
            f"the key of `{shorten(name)}` is not a safe Ed25519 key",
            fix="make a new one",
        )
    return NoteKey(name, kind, public)


def derive_note_key(private: Ed25519PrivateKey, name: str, kind: Kind) -> NoteKey:
    """Derive the public half of a private key under a name. Raises as `make_note_key` does."""
    return make_note_key(
        name, kind, private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    )


def is_valid_signature(public: bytes, message: bytes, signature: bytes) -> bool:
    """Test an Ed25519 signature over a message (RFC 8032 §5.1.7)."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


# Notes


@frozen
class Signature:
    """A signature line: the name, the four bytes of its key's id, and the signature's bytes."""

    name: str
    id: bytes
    signature: bytes

    def line(self) -> str:
        """Return the line as it is written under a note."""
        return f"— {self.name} {base64.encode(self.id + self.signature)}\n"


@frozen
class Note:
    """A text, with its last line feed, and its signatures, none of them checked yet."""

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """Return the note as bytes, as `read_note` reads it."""
        return f"{self.text}\n{''.join(signature.line() for signature in self.signatures)}".encode()


def read_note(data: bytes) -> Note:
    """Parse a note without verifying it. The text may not be used yet.

    Raises `NoteError`: `too-large`, `not-a-note`.
    """
    if len(data) > LARGEST:
        raise NoteError(
            "too-large", f"the note has `{len(data)}` bytes, which is too large", fix="send less"
        )
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError:
        raise _not_a_note("it isn't UTF-8") from None
    # The text ends at the last empty line. Only signatures are below it.
    text, divided, below = whole.rpartition("\n\n")
    if not divided or not below.endswith("\n"):
        raise _not_a_note("it has no signatures below an empty line")
    _text(text + "\n")
    lines = below[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise NoteError("too-large", f"`{len(lines)}` signatures are too many", fix="send fewer")
    return Note(text + "\n", tuple(_signature(line) for line in lines))


def sign_note(text: str, private: Ed25519PrivateKey, name: str) -> Signature:
    """Sign a text that ends in a line feed with a plain signature.

    Raises `NoteError` `not-a-note`, and `KeyMaterialError`.
    """
    _text(text)
    # INVARIANT: no plain signature can be passed off as a cosignature of the same key.
    if text.startswith(_COSIGNED):
        raise _not_a_note("it begins like a cosigned text")
    return Signature(name, derive_note_key(private, name, NOTE).id, private.sign(text.encode()))


def cosign(text: str, private: Ed25519PrivateKey, name: str, time: int) -> Signature:
    """Cosign a checkpoint's text as of a time, in seconds since 1970 (UTC).

    A cosignature states that the signer has seen no tree of this log that doesn't lead to this one.
    INVARIANT: the caller has checked that.
    """
    read_checkpoint(text)
    stamped = _time(time).to_bytes(TIME_BYTES, "big") + private.sign(_cosigned(text, time))
    return Signature(name, derive_note_key(private, name, COSIGNATURE).id, stamped)


def verify_note(note: Note, keys: Iterable[NoteKey]) -> Mapping[NoteKey, int | None]:
    """Verify the signatures of these keys.

    Returns the keys that signed, each with the time of its cosignature, or None for a plain
    signature. Signatures of other keys are ignored. Raises `NoteError`: `bad-signature` if a
    signature of one of these keys is invalid, `signed-twice`, `unsigned` if none of the keys
    signed.
    """
    by_id = {(key.name, key.id): key for key in keys}
    signed: dict[NoteKey, int | None] = {}
    for signature in note.signatures:
        key = by_id.get((signature.name, signature.id))
        if key is None:
            continue
        if key in signed:
            raise NoteError(
                "signed-twice",
                f"`{shorten(key.name)}` signed the note twice with one key",
                fix=_AGAIN,
            )
        signed[key] = _verified(note.text, key, signature.signature)
    if not signed:
        raise NoteError(
            "unsigned",
            "no known key signed the note",
            fix="ask for it with the signatures of its signers",
        )
    return signed


@lru_cache(maxsize=1024)
def _verified(text: str, key: NoteKey, signature: bytes) -> int | None:
    """Return when a valid signature was made, or None. Cached: many leaves rest on one note."""
    time, message, ed25519 = None, text.encode(), signature
    if key.kind == COSIGNATURE and len(signature) == TIME_BYTES + SIGNATURE_BYTES:
        time, ed25519 = int.from_bytes(signature[:TIME_BYTES], "big"), signature[TIME_BYTES:]
        message = _cosigned(text, time)
    if (
        len(ed25519) != SIGNATURE_BYTES
        or (key.kind == COSIGNATURE) != (time is not None)
        or (time or 0) > LATEST
    ):
        raise NoteError(
            "bad-signature", f"the signature of `{shorten(key.name)}` is malformed", fix=_AGAIN
        )
    if not is_valid_signature(key.public, message, ed25519):
        raise NoteError(
            "bad-signature", f"the signature of `{shorten(key.name)}` isn't valid", fix=_AGAIN
        )
    return time


# Checkpoints


@frozen
class Checkpoint:
    """A state of a log's tree: the log's origin, the number of leaves, and the root of 32 bytes."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The note's text: three lines."""
        return f"{self.origin}\n{self.size}\n{base64.encode(self.root)}\n"


@frozen
class WitnessedCheckpoint:
    """A checkpoint with the time of the log's signature and the times of its cosignatures, by name.

    Times are in seconds since 1970 (UTC).
    """

    checkpoint: Checkpoint
    signed_at: int
    cosigned_at: Mapping[str, int]

    def missing_cosigners(self, required: Iterable[str], at_least: int) -> tuple[str, ...]:
        """Return the required names that didn't cosign, sorted.

        `*` is added for each further name that is missing for `at_least` in all.
        """
        missing = tuple(sorted(set(required) - set(self.cosigned_at)))
        return missing + ("*",) * (at_least - len(self.cosigned_at) - len(missing))

    def check_quorum(self, required: Iterable[str], at_least: int) -> None:
        """Check that every required name cosigned, and at least so many in all.

        Raises `NoteError` `no-quorum`.
        """
        missing = self.missing_cosigners(required, at_least)
        if missing:
            names = (
                ", ".join(f"`{shorten(name)}`" for name in missing if name != "*")
                or f"`{len(missing)}` more"
            )
            raise NoteError(
                "no-quorum",
                f"the checkpoint lacks the cosignature of {names}",
                fix="wait for the witnesses",
            )


def read_checkpoint(text: str) -> Checkpoint:
    """Read the checkpoint in a note's text: origin, size, root, and no further line.

    Raises `NoteError` `not-a-checkpoint`.
    """
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise _not_a_checkpoint(text)
    origin, size, root_text = lines[:3]
    if (
        not _NAME.fullmatch(origin)
        or not origin.isprintable()
        or not _SIZE.fullmatch(size)
        or int(size) > LARGEST_SIZE
    ):
        raise _not_a_checkpoint(text)
    try:
        root = base64.decode(root_text)
    except TextError:
        raise _not_a_checkpoint(text) from None
    if len(root) != HASH_BYTES or (size == "0" and root != EMPTY_ROOT):
        raise _not_a_checkpoint(text)
    return Checkpoint(origin, int(size), root)


def open_checkpoint(data: bytes, log: NoteKey, witnesses: Iterable[NoteKey]) -> WitnessedCheckpoint:
    """Verify a checkpoint that the log signed with a time, and the cosignatures of these witnesses.

    The log's name is the origin. Other signatures are ignored. Raises as `read_note`,
    `verify_note`, and `read_checkpoint` do, and `NoteError`: `unsigned` if the log didn't sign,
    `wrong-log` for another origin, `wrong-witnesses` if two keys share a name or key, or one can't
    cosign.
    """
    cosigners = tuple(witnesses)
    _check_distinct(log, *cosigners)
    note = read_note(data)
    signed = verify_note(note, (log, *cosigners))
    checkpoint = read_checkpoint(note.text)
    if checkpoint.origin != log.name:
        raise NoteError(
            "wrong-log",
            f"the checkpoint is of the log `{shorten(checkpoint.origin)}`",
            fix=f"ask `{shorten(log.name)}` for its checkpoint",
        )
    times = {key.name: time for key, time in signed.items() if time is not None}
    if log.name not in times:
        raise NoteError(
            "unsigned", f"the log `{shorten(log.name)}` didn't sign the checkpoint", fix=_AGAIN
        )
    return WitnessedCheckpoint(checkpoint, times.pop(log.name), times)


_AGAIN = "ask its sender for it again, and keep this copy"


def _check_distinct(*keys: NoteKey) -> None:
    """Check that no two names share a key.

    An agency that shares the defender's key would make the defender's cosignature count for two.
    """
    names, publics = {key.name for key in keys}, {key.public for key in keys}
    if (
        len(names) < len(keys)
        or len(publics) < len(keys)
        or any(key.kind != COSIGNATURE for key in keys)
    ):
        raise NoteError(
            "wrong-witnesses",
            "the log and the witnesses don't have a cosigning key each",
            fix="check the directory",
        )


def _cosigned(text: str, time: int) -> bytes:
    """Return the bytes that a cosignature signs: two lines, then the text of the checkpoint."""
    return f"{_COSIGNED}time {time}\n{text}".encode()


def _time(time: int) -> int:
    if not 0 <= time <= LATEST:
        raise NoteError("bad-time", f"`{time}` is not a valid time", fix="give seconds since 1970")
    return time


def _text(text: str) -> None:
    if not text.endswith("\n") or any(letter < " " and letter != "\n" for letter in text):
        raise _not_a_note("its text doesn't end in a line feed, or contains a control character")


def _signature(line: str) -> Signature:
    parts = _SIGNATURE.fullmatch(line)
    if parts is None or not _NAME.fullmatch(parts["name"]):
        raise _not_a_note(f"`{shorten(line)}` is not a signature line")
    try:
        blob = base64.decode(parts["blob"])
    except TextError as error:
        raise _not_a_note(error.message) from None
    if len(blob) <= ID_BYTES:
        raise _not_a_note(f"the signature of `{shorten(parts['name'])}` is empty")
    return Signature(parts["name"], blob[:ID_BYTES], blob[ID_BYTES:])


def _not_a_note(why: str) -> NoteError:
    return NoteError("not-a-note", f"the bytes aren't a signed note: {why}", fix=_AGAIN)


def _not_a_checkpoint(text: str) -> NoteError:
    return NoteError(
        "not-a-checkpoint",
        f"`{shorten(text)}` is not a checkpoint",
        fix="write origin, size, and root, a line each",
    )
