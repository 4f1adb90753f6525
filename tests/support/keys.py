"""Keys for tests, made from fixed numbers so that a failure repeats. They protect nothing."""

from __future__ import annotations

from functools import cache
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec

from exchange.standards.keys import PrivateKey, Use, from_scalar


@cache
def key(kid: str, use: Use = "sig") -> PrivateKey:
    """Return the P-256 key of this id and use: always the same one."""
    number = int.from_bytes(sha256(f"{kid} {use}".encode()).digest(), "big") >> 1
    return from_scalar(ec.derive_private_key(number, ec.SECP256R1()), kid, use)
