"""A part's content, sealed to one recipient: filled to a size class, bound to record, part, recipient, purpose and basis.

What a seal is bound to is its `info`; what the issuer signed is the entry in the manifest. Both name the same four things, so a
sealed text can't be moved to another part, record, recipient or purpose, and no other text can stand in its place.
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
    """One sealed entry of a bundle: the part's id, the recipient's key id, purpose, basis, and the sealed bytes."""

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
        """Its entry in the manifest."""
        return Entry(self.part, self.to, self.purpose, self.basis, sha256(self.ct).hexdigest())

    @property
    def has_size_class(self) -> bool:
        """Whether its length is one of the classes', so that it tells nothing more of the content's."""
        return len(self.ct) - hpke.OVERHEAD in CLASSES


class SealedModel(WireModel):
    """A sealed text as JSON."""

    part: ShortId
    to: Annotated[str, Field(max_length=64)]
    purpose: Term
    basis: Literal["consent", "offer_at_scene", "operation", "none"]
    ct: str


def parse_sealed(model: SealedModel) -> Sealed:
    """Convert a sealed text from its JSON model. Raises `TextError` `base64`."""
    return Sealed(model.part, model.to, model.purpose, model.basis, base64.decode_url(model.ct))


def seal_info(jti: str, part: str, to: str, purpose: str, basis: str) -> bytes:
    """What a seal is bound to: `offramp/1/part` and these five, with NUL between. Raises `SealError` `bad-binding`."""
    if not _JTI.fullmatch(jti):
        raise SealError(
            "bad-binding",
            f"`{shorten(jti)}` is no record's id",
            fix="write 32 lower-case hex digits",
        )
    fields = (part, to, purpose, basis)
    for field in fields:
        # INVARIANT: no field is empty or holds a NUL, so that the join can be read in one way only.
        if not FIELD.fullmatch(field):
            raise SealError(
                "bad-binding", f"`{shorten(field)}` can't be sealed to", fix="use an id's letters"
            )
    return "\0".join(("offramp/1/part", jti, *fields)).encode("ascii")


def seal(
    content: bytes, jti: str, part: str, recipient: PublicKey, purpose: str, basis: str
) -> Sealed:
    """The content sealed to one key. Raises `SealError`: `content-too-large`, `bad-binding`, `not-a-sealing-key`."""
    bound = seal_info(jti, part, recipient.kid, purpose, basis)
    return Sealed(part, recipient.kid, purpose, basis, hpke.seal(recipient, bound, pad(content)))


def unseal(sealed: Sealed, jti: str, key: PrivateKey) -> bytes:
    """The content of an entry of the record `jti`.

    Raises `SealError`: `wrong-recipient`, `bad-padding`, `bad-binding`, or as `hpke.unseal`.
    """
    if sealed.to != key.public.kid:
        raise SealError(
            "wrong-recipient",
            f"this is sealed to `{shorten(sealed.to)}`",
            fix="take the key that it names",
        )
    if not sealed.has_size_class:
        raise _bad_padding()
    bound = seal_info(jti, sealed.part, sealed.to, sealed.purpose, sealed.basis)
    return unpad(hpke.unseal(key, bound, sealed.ct))


def pad(content: bytes) -> bytes:
    """Length (4 bytes, big-endian), content, zeros: in all the smallest of 1, 4, 16, 64 and 256 KiB that holds them.

    Raises `SealError` `content-too-large`.
    """
    whole = LENGTH_BYTES + len(content)
    size = next((size for size in CLASSES if whole <= size), None)
    if size is None:
        raise SealError(
            "content-too-large",
            f"a part of `{len(content)}` bytes is too large",
            fix="split it into parts",
        )
    return (len(content).to_bytes(LENGTH_BYTES, "big") + content).ljust(size, b"\0")


def unpad(filled: bytes) -> bytes:
    """The content again. Any other filling than `padded` gives is refused: `bad-padding`."""
    length = int.from_bytes(filled[:LENGTH_BYTES], "big")
    content = filled[LENGTH_BYTES : LENGTH_BYTES + length]
    if len(content) > LARGEST_CONTENT or pad(content) != filled:
        raise _bad_padding()
    return content


def _bad_padding() -> SealError:
    return SealError(
        "bad-padding",
        "what is sealed isn't filled to a size class",
        fix="ask the issuer for a new record",
    )
