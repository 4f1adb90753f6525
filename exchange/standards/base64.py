"""Base64 and base64url with a single spelling for each value (RFC 4648 §3.5, §4, §5).

A text that decodes also encodes back to itself. Padding that doesn't belong, letters outside the
alphabet, line breaks, and set bits after the last byte are refused. So no two texts, and no two
digests of texts, represent the same bytes.
"""

from __future__ import annotations

import base64
import binascii

from exchange.errors import TextError, shorten

_URL = bytes.maketrans(b"+/", b"-_")
# To the alphabet of the decoder. The letters of plain base64 become one that it refuses.
_PLAIN = bytes.maketrans(b"-_+/=", b"+/!!!")
# The padding that the decoder requires, and the last letters whose unused bits are zero, by the
# letters after the last group of four.
_GROUP_ENDS: dict[int, tuple[bytes, str]] = {2: (b"==", "AQgw"), 3: (b"=", "AEIMQUYcgkosw048")}


def encode_url(data: bytes) -> str:
    """Encode bytes as base64url without padding (RFC 4648 §5, RFC 7515 §2)."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_URL).decode("ascii")


def decode_url(text: str) -> bytes:
    """Decode base64url without padding. Raises `TextError` `base64`."""
    try:
        letters = text.encode("ascii").translate(_PLAIN)
        if rest := len(letters) % 4:
            padding, last = _GROUP_ENDS[rest]
            if text[-1] not in last:
                raise ValueError
            letters += padding
        return binascii.a2b_base64(letters, strict_mode=True)
    except (KeyError, ValueError):
        raise _not_canonical(text, "base64url without padding") from None


def encode(data: bytes) -> str:
    """Encode bytes as base64 with padding (RFC 4648 §4)."""
    return base64.b64encode(data).decode("ascii")


def decode(text: str) -> bytes:
    """Decode base64 with padding. Raises `TextError` `base64`."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _not_canonical(text, "base64") from None
    if encode(data) != text:
        raise _not_canonical(text, "base64")
    return data


def _not_canonical(text: str, encoding: str) -> TextError:
    return TextError(
        "base64",
        f"`{shorten(text)}` is not canonical {encoding}",
        fix="encode the bytes again",
    )
