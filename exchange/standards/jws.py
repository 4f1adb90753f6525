"""Compact JWS (RFC 7515 §3.1), with ES256 and nothing else (RFC 7518 §3.4).

A header is exactly `alg`, `kid` and `typ`. The algorithm comes from the key, never from the header, and the type from the
caller: a text signed for one purpose can't pass for another (RFC 8725 §3.1, §3.11). `zip`, `crit`, `jku`, `jwk`, `x5u`, `x5c`,
`b64` and any other member are refused, as are keys that stand twice and any second spelling of base64url. joserfc signs and
verifies; it never sees a header. What a payload means, and whether a key was in force, is for others.

ES256 signatures are malleable: from one, anybody can make a second that holds too. So two signed texts are the same
statement if they are equal up to the last dot, and only that part may be called evidence of two statements.
"""

from __future__ import annotations

from functools import lru_cache

from joserfc.jws import JWSRegistry

from exchange.errors import SignedTextError, TextError, shorten
from exchange.standards import base64, i_json
from exchange.standards.keys import PrivateKey, PublicKey
from rules.frozen import frozen

LARGEST = 256 * 1024
LARGEST_HEADER = 512
SIGNATURE_BYTES = 64

_ES256 = JWSRegistry(algorithms=["ES256"]).get_alg("ES256")
_DANGEROUS = frozenset({"zip", "crit", "jku", "jwk", "x5u", "x5c", "b64"})


@frozen
class UnverifiedJws:
    """A well-formed JWS whose signature nobody has checked: only the key id may be used, to find the key."""

    kid: str
    signed: bytes
    signature: bytes
    unverified_payload: bytes

    def payload(self, key: PublicKey) -> bytes:
        """The payload, if the key with this id signed it. Raises `SignedTextError` `wrong-key` or `bad-signature`."""
        if key.kid != self.kid or key.use != "sig":
            raise SignedTextError(
                "wrong-key",
                f"this names the key `{shorten(self.kid)}` and was checked with another",
                fix=_KEY,
            )
        if not is_valid_signature(key, self.signed, self.signature):
            raise SignedTextError(
                "bad-signature",
                f"the signature doesn't hold under the key `{shorten(self.kid)}`",
                fix=_AGAIN,
            )
        return self.unverified_payload


def sign(payload: bytes, key: PrivateKey, *, typ: str) -> str:
    """The compact JWS of a payload. Raises `SignedTextError` `wrong-key` where the key isn't one to sign with."""
    if key.public.use != "sig":
        raise SignedTextError(
            "wrong-key", f"the key `{shorten(key.public.kid)}` isn't one to sign with", fix=_KEY
        )
    header = i_json.write({"alg": "ES256", "kid": key.public.kid, "typ": typ})
    signed = f"{base64.encode_url(header)}.{base64.encode_url(payload)}"
    return f"{signed}.{base64.encode_url(_ES256.sign(signed.encode('ascii'), key.jose))}"


def read(text: str, *, typ: str | None, at_most: int = LARGEST) -> UnverifiedJws:
    """A JWS of this type, at most so many bytes long, taken apart; `typ` None wants a header without one.

    Raises `SignedTextError`: `too-large`, `not-a-jws`, `bad-header`, `header-member`, `wrong-algorithm`, `wrong-type`.
    """
    if len(text) > at_most:
        raise SignedTextError(
            "too-large",
            f"this has `{len(text)}` bytes, and at most `{at_most}` are read",
            fix="send less",
        )
    segments = text.split(".")
    if len(segments) != 3:
        raise SignedTextError(
            "not-a-jws", "this is no JWS: its parts aren't three with dots between", fix=_AGAIN
        )
    header, payload, signature = segments
    kid = _kid(header, typ)
    try:
        parts = base64.decode_url(payload), base64.decode_url(signature)
    except TextError as error:
        raise SignedTextError("not-a-jws", error.message, fix=_AGAIN) from None
    if len(parts[1]) != SIGNATURE_BYTES:
        raise SignedTextError(
            "not-a-jws", f"the signature has `{len(parts[1])}` bytes and not 64", fix=_AGAIN
        )
    return UnverifiedJws(kid, f"{header}.{payload}".encode("ascii"), parts[1], parts[0])


def verify(text: str, key: PublicKey, *, typ: str | None, at_most: int = LARGEST) -> bytes:
    """The payload of a JWS of this type that this key signed. Raises as `read` and `Unverified.payload`."""
    return read(text, typ=typ, at_most=at_most).payload(key)


def is_valid_signature(key: PublicKey, message: bytes, signature: bytes) -> bool:
    """Whether the key made this ES256 signature, 64 bytes, over these bytes (RFC 7518 §3.4)."""
    return _ES256.verify(message, signature, key.jose)


_KEY = "look the key up by its id"
_AGAIN = "ask its sender for it again"


@lru_cache(maxsize=1024)
def _kid(segment: str, typ: str | None) -> str:
    """The key id of a header that says what a header must and nothing else. A key's headers are all the same text."""
    if len(segment) > LARGEST_HEADER:
        raise SignedTextError(
            "too-large",
            f"the header has `{len(segment)}` letters, and at most 512 are read",
            fix=_AGAIN,
        )
    try:
        members = i_json.read_object(base64.decode_url(segment))
    except TextError as error:
        raise SignedTextError("bad-header", f"in the header, {error.message}", fix=_AGAIN) from None
    for name in members:
        if name not in ("alg", "kid", "typ"):
            why = "is never followed" if name in _DANGEROUS else "isn't known"
            raise SignedTextError(
                "header-member", f"the header's `{shorten(name)}` {why} here", fix="sign without it"
            )
    if members.get("alg") != "ES256":
        raise SignedTextError(
            "wrong-algorithm", f"`{shorten(members.get('alg'))}` isn't ES256", fix="sign with ES256"
        )
    if members.get("typ") != typ or (typ is None and "typ" in members):
        raise SignedTextError(
            "wrong-type",
            f"this is a `{shorten(members.get('typ'))}` and not a `{typ}`",
            fix="send the right text",
        )
    kid = members.get("kid")
    if not isinstance(kid, str) or not kid:
        raise SignedTextError("bad-header", "the header names no key", fix="sign with a `kid`")
    return kid
