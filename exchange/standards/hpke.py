"""HPKE (RFC 9180) in base mode, single shot, in one suite.

The suite is DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. A sealed text is `enc` (65 bytes,
an uncompressed point) ‖ ciphertext ‖ tag (16 bytes). There is no additional data: `info` binds the
text to its use.

Base mode doesn't authenticate the sender. The record's signature does. A private key opens
everything that was ever sealed to it, so sealing keys live in monthly epochs. `cryptography` draws
the ephemeral key.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke

from exchange.errors import SealError, shorten
from exchange.standards.keys import PrivateKey, PublicKey

SUITE = hpke.Suite(hpke.KEM.P256, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
ENC_BYTES = 65
TAG_BYTES = 16
OVERHEAD = ENC_BYTES + TAG_BYTES


def seal(recipient: PublicKey, info: bytes, plaintext: bytes) -> bytes:
    """Seal a plaintext to a sealing key. The result is `OVERHEAD` bytes longer.

    Raises `SealError` `not-a-sealing-key`.
    """
    _check_sealing_key(recipient)
    return SUITE.encrypt(plaintext, recipient.point, info)


def unseal(key: PrivateKey, info: bytes, sealed: bytes) -> bytes:
    """Open a text that was sealed to this key with this `info`.

    Raises `SealError`: `not-a-sealing-key`, `too-short`, or `does-not-open`. A wrong key, another
    `info`, and a changed text can't be told apart.
    """
    _check_sealing_key(key.public)
    if len(sealed) < OVERHEAD:
        raise SealError(
            "too-short",
            f"`{len(sealed)}` bytes are too few for a sealed text",
            fix="ask the sender for it again",
        )
    try:
        return SUITE.decrypt(sealed, key.scalar, info)
    except InvalidTag:
        kid = shorten(key.public.kid)
        raise SealError(
            "does-not-open",
            f"the sealed text doesn't open with the key `{kid}` for this purpose",
            fix=_ASK,
        ) from None


_ASK = "if the key is yours, ask the issuer for a new record"


def _check_sealing_key(key: PublicKey) -> None:
    if key.use != "enc":
        raise SealError(
            "not-a-sealing-key",
            f"the key `{shorten(key.kid)}` isn't a sealing key",
            fix="use the agency's key of the month",
        )
