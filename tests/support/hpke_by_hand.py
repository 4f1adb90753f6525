"""A second HPKE (RFC 9180 §4, §5.1, §7.1) from HMAC, P-256, and AES-GCM, to compare with."""

from __future__ import annotations

import hmac

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

KEM = b"KEM" + (0x0010).to_bytes(2, "big")
SUITE = b"HPKE" + b"".join(number.to_bytes(2, "big") for number in (0x0010, 0x0001, 0x0002))


def extract(salt: bytes, suite: bytes, label: bytes, keying: bytes) -> bytes:
    """LabeledExtract (RFC 9180 §4)."""
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + keying, "sha256")


def expand(secret: bytes, suite: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """LabeledExpand (RFC 9180 §4), up to one block."""
    labeled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    # Every requested length is at most one block.
    return hmac.digest(secret, labeled + b"\x01", "sha256")[:length]


def raw(key: ec.EllipticCurvePublicKey) -> bytes:
    """Return a key as an uncompressed point."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def schedule(agreed: bytes, enc: bytes, recipient: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Return the key and the first nonce of base mode (RFC 9180 §5.1)."""
    shared = expand(
        extract(b"", KEM, b"eae_prk", agreed), KEM, b"shared_secret", enc + recipient, 32
    )
    context = (
        b"\x00" + extract(b"", SUITE, b"psk_id_hash", b"") + extract(b"", SUITE, b"info_hash", info)
    )
    secret = extract(shared, SUITE, b"secret", b"")
    return expand(secret, SUITE, b"key", context, 32), expand(
        secret, SUITE, b"base_nonce", context, 12
    )


def seal(
    to: ec.EllipticCurvePublicKey,
    ephemeral: ec.EllipticCurvePrivateKey,
    info: bytes,
    text: bytes,
    aad: bytes,
) -> bytes:
    """Seal a text with this ephemeral key."""
    enc = raw(ephemeral.public_key())
    key, nonce = schedule(ephemeral.exchange(ec.ECDH(), to), enc, raw(to), info)
    return enc + AESGCM(key).encrypt(nonce, text, aad)


def unseal(key: ec.EllipticCurvePrivateKey, info: bytes, sealed: bytes, aad: bytes) -> bytes:
    """Open a sealed text."""
    enc, rest = sealed[:65], sealed[65:]
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), enc)
    symmetric, nonce = schedule(key.exchange(ec.ECDH(), theirs), enc, raw(key.public_key()), info)
    return AESGCM(symmetric).decrypt(nonce, rest, aad)
