"""HPKE (RFC 9180) in base mode, single shot, in one suite: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.

A sealed text is `enc` (65 bytes, an uncompressed point) ‖ ciphertext ‖ tag (16 bytes), and has no additional data: what it is
bound to stands in `info`. Base mode says nothing about who sealed; that is the signature's part. Whoever gets the private
key can read everything that was ever sealed to it, which is why keys to seal to live in monthly epochs.

The ephemeral key is drawn inside `cryptography`.
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
    """The plaintext sealed to a key to seal to, `OVERHEAD` bytes longer. Raises `SealError` `not-a-sealing-key`."""
    _for_seals(recipient)
    return SUITE.encrypt(plaintext, recipient.point, info)


def unseal(key: PrivateKey, info: bytes, sealed: bytes) -> bytes:
    """What was sealed to this key with this `info`.

    Raises `SealError`: `not-a-sealing-key`, `too-short`, or `does-not-open`: a wrong key, another `info` and a changed text
    can't be told apart.
    """
    _for_seals(key.public)
    if len(sealed) < OVERHEAD:
        raise SealError(
            "too-short",
            f"`{len(sealed)}` bytes are too few for a sealed text",
            fix="ask for it again",
        )
    try:
        return SUITE.decrypt(sealed, key.scalar, info)
    except InvalidTag:
        kid = shorten(key.public.kid)
        raise SealError(
            "does-not-open", f"this doesn't open with the key `{kid}` for this purpose", fix=_ASK
        ) from None


_ASK = "if the key is yours, ask the issuer for a new record"


def _for_seals(key: PublicKey) -> None:
    if key.use != "enc":
        raise SealError(
            "not-a-sealing-key",
            f"the key `{shorten(key.kid)}` isn't one to seal to",
            fix="take the month's key",
        )
