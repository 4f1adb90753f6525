"""Sealing: a part's content for one recipient, padded to a size class.

A seal's `info` binds it to record, part, recipient, purpose, and basis. The issuer signs the entry
in the manifest with the same values. So a sealed text can't be moved to another part, record,
recipient, or purpose, and no other text can replace it.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Annotated, Literal

from pydantic import Field

from exchange.errors import SealError, shorten
from exchange.models import ShortId, Term, WireModel
from exchange.records.manifest import FIELD, Entry
from exchange.standards import base64, hpke
from exchange.standards.keys import PrivateKey, PublicKey
from rules.frozen import frozen

LENGTH_BYTES = 4
CLASSES = tuple(kibibytes * 1024 for kibibytes in (1, 4, 16, 64, 256))
LARGEST_CONTENT = CLASSES[-1] - LENGTH_BYTES

_JTI = re.compile(r"[0-9a-f]{32}")


@frozen
class Sealed:
    """A sealed text of a bundle: part id, recipient's key id, purpose, basis, and sealed bytes."""

    part: str
    to: str
    purpose: str
    basis: str
    ct: bytes

    def json(self) -> dict[str, str]:
        """Return the text as JSON, as `parse_sealed` reads it."""
        return {
            "part": self.part,
            "to": self.to,
            "purpose": self.purpose,
            "basis": self.basis,
            "ct": base64.encode_url(self.ct),
        }

    def entry(self) -> Entry:
        """Return the text's entry in the manifest."""
        return Entry(self.part, self.to, self.purpose, self.basis, sha256(self.ct).hexdigest())

    @property
    def has_size_class(self) -> bool:
        """True if the length is one of the size classes, and so reveals only the class."""
        return len(self.ct) - hpke.OVERHEAD in CLASSES


class SealedModel(WireModel):
    """A sealed text as JSON."""

    part: ShortId
    to: Annotated[str, Field(max_length=64)]
    purpose: Term
    basis: Literal["consent", "offer_at_scene", "operation", "premises_crime", "none"]
    ct: str


def parse_sealed(model: SealedModel) -> Sealed:
    """Convert a sealed text from its JSON model. Raises `TextError` `base64`."""
    return Sealed(model.part, model.to, model.purpose, model.basis, base64.decode_url(model.ct))


def seal_info(jti: str, part: str, to: str, purpose: str, basis: str) -> bytes:
    """Return the `info` of a seal: `offramp/1/part` and the five values, separated by NUL.

    Raises `SealError` `bad-binding`.
    """
    if not _JTI.fullmatch(jti):
        raise SealError(
            "bad-binding",
            f"`{shorten(jti)}` is not a record's id",
            fix="write 32 lower-case hex digits",
        )
    fields = (part, to, purpose, basis)
    for field in fields:
        # INVARIANT: no field is empty or contains a NUL, so that the joined text is unambiguous.
        if not FIELD.fullmatch(field):
            raise SealError(
                "bad-binding",
                f"`{shorten(field)}` can't be a field of a seal",
                fix="use an id's letters",
            )
    return "\0".join(("offramp/1/part", jti, *fields)).encode("ascii")


def seal(
    content: bytes, jti: str, part: str, recipient: PublicKey, purpose: str, basis: str
) -> Sealed:
    """Seal a content to one key.

    Raises `SealError`: `content-too-large`, `bad-binding`, `not-a-sealing-key`.
    """
    bound = seal_info(jti, part, recipient.kid, purpose, basis)
    return Sealed(part, recipient.kid, purpose, basis, hpke.seal(recipient, bound, pad(content)))


def unseal(sealed: Sealed, jti: str, key: PrivateKey) -> bytes:
    """Open a sealed text of the record `jti`.

    Raises `SealError`: `wrong-recipient`, `bad-padding`, `bad-binding`, or as `hpke.unseal` does.
    """
    if sealed.to != key.public.kid:
        raise SealError(
            "wrong-recipient",
            f"the text is sealed to `{shorten(sealed.to)}`",
            fix="use that key",
        )
    if not sealed.has_size_class:
        raise _bad_padding()
    bound = seal_info(jti, sealed.part, sealed.to, sealed.purpose, sealed.basis)
    return unpad(hpke.unseal(key, bound, sealed.ct))


def pad(content: bytes) -> bytes:
    """Pad a content: its length in 4 bytes (big-endian), the content, and zeros.

    The result has the smallest sufficient size of 1, 4, 16, 64, or 256 KiB. Raises `SealError`
    `content-too-large`.
    """
    length = LENGTH_BYTES + len(content)
    size = next((size for size in CLASSES if length <= size), None)
    if size is None:
        raise SealError(
            "content-too-large",
            f"a part of `{len(content)}` bytes is too large to seal",
            fix="split it into parts",
        )
    return (len(content).to_bytes(LENGTH_BYTES, "big") + content).ljust(size, b"\0")


def unpad(filled: bytes) -> bytes:
    """Return the content of padded bytes. Raises `SealError` `bad-padding` for any other form."""
    length = int.from_bytes(filled[:LENGTH_BYTES], "big")
    content = filled[LENGTH_BYTES : LENGTH_BYTES + length]
    if len(content) > LARGEST_CONTENT or pad(content) != filled:
        raise _bad_padding()
    return content


def _bad_padding() -> SealError:
    return SealError(
        "bad-padding",
        "the sealed content isn't padded to a size class",
        fix="ask the issuer for a new record",
    )
