"""Notes and cosigned checkpoints for tests, with fixed keys. They protect nothing."""

from __future__ import annotations

from functools import cache
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.standards.notes import (
    COSIGNATURE,
    Checkpoint,
    Kind,
    Note,
    NoteKey,
    cosign,
    derive_note_key,
)

NOW = 1_793_000_000
POINT = Checkpoint("hub.example/log", 5, sha256(b"root").digest())


@cache
def private(name: str) -> Ed25519PrivateKey:
    """Return the Ed25519 key of this name: always the same one."""
    return Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest())


def public(name: str, kind: Kind = COSIGNATURE) -> NoteKey:
    """Return the public half of the key of this name."""
    return derive_note_key(private(name), name, kind)


HUB, DEFENDER, CLINIC = (public(name) for name in (POINT.origin, "defender.w1", "clinic.w1"))


def signed(*names: str, text: str = POINT.text, time: int = NOW) -> bytes:
    """Return a checkpoint's note, cosigned under these names."""
    return Note(text, tuple(cosign(text, private(name), name, time) for name in names)).encode()


WITNESSED = signed(HUB.name, DEFENDER.name, CLINIC.name)
