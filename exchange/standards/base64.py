"""Base64 and base64url with one spelling for each value (RFC 4648 §3.5, §4, §5): what decodes encodes back to the same text.

So padding where none belongs, letters outside the alphabet, line breaks and set bits behind the last byte are all refused,
and no two texts, and no two digests of texts, stand for the same bytes.
"""

from __future__ import annotations

import base64
import binascii

from exchange.errors import TextError, shorten

_PLAIN, _URL = bytes.maketrans(b"-_", b"+/"), bytes.maketrans(b"+/", b"-_")


def encode_url(data: bytes) -> str:
    """Base64url without padding (§5, RFC 7515 §2)."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_URL).decode("ascii")


def decode_url(text: str) -> bytes:
    """The bytes of a base64url text without padding. Raises `TextError` `base64`."""
    try:
        data = binascii.a2b_base64(text.encode("ascii").translate(_PLAIN) + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise _refused(text, "base64url without padding") from None
    # Python's decoder skips what it doesn't know; only the way back shows that nothing was skipped.
    if encode_url(data) != text:
        raise _refused(text, "base64url without padding")
    return data


def encode(data: bytes) -> str:
    """Plain base64 with padding (§4)."""
    return base64.b64encode(data).decode("ascii")


def decode(text: str) -> bytes:
    """The bytes of a plain base64 text with padding. Raises `TextError` `base64`."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _refused(text, "base64") from None
    if encode(data) != text:
        raise _refused(text, "base64")
    return data


def _refused(text: str, what: str) -> TextError:
    return TextError(
        "base64",
        f"`{shorten(text)}` is not {what} in its one spelling",
        fix="encode the bytes again",
    )
