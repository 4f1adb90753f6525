"""Compact JWS (RFC 7515 §3.1) with ES256 and no other algorithm (RFC 7518 §3.4).

A header is exactly `alg`, `kid`, and `typ`. The algorithm comes from the key, never from the
header. The type comes from the caller, so a text signed for one purpose can't pass for another (RFC
8725 §3.1, §3.11). `zip`, `crit`, `jku`, `jwk`, `x5u`, `x5c`, `b64`, and any other member are
refused. So are repeated keys and any second spelling of base64url. joserfc signs and verifies and
never sees a header. Other modules interpret a payload and check that a key was in force.

ES256 signatures are malleable: anybody can turn a valid one into a second valid one. So two signed
texts are the same statement if they are equal up to the last dot. Only that part may count as
evidence of two statements.
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
    """A well-formed JWS with a signature that hasn't been checked.

    Until then only the key id may be used, to find the key.
    """

    kid: str
    signed: bytes
    signature: bytes
    unverified_payload: bytes

    def payload(self, key: PublicKey) -> bytes:
        """Return the payload if the key with this id signed it.

        Raises `SignedTextError` `wrong-key` or `bad-signature`.
        """
        if key.kid != self.kid or key.use != "sig":
            raise SignedTextError(
                "wrong-key",
                f"the text names the key `{shorten(self.kid)}` and was checked with another",
                fix=_KEY,
            )
        if not is_valid_signature(key, self.signed, self.signature):
            raise SignedTextError(
                "bad-signature",
                f"the signature isn't valid under the key `{shorten(self.kid)}`",
                fix=_AGAIN,
            )
        return self.unverified_payload


def sign(payload: bytes, key: PrivateKey, *, typ: str) -> str:
    """Sign a payload as a compact JWS.

    Raises `SignedTextError` `wrong-key` for a key that isn't a signing key.
    """
    if key.public.use != "sig":
        raise SignedTextError(
            "wrong-key", f"the key `{shorten(key.public.kid)}` isn't a signing key", fix=_KEY
        )
    header = i_json.write({"alg": "ES256", "kid": key.public.kid, "typ": typ})
    signed = f"{base64.encode_url(header)}.{base64.encode_url(payload)}"
    return f"{signed}.{base64.encode_url(_ES256.sign(signed.encode('ascii'), key.jose))}"


def read(text: str, *, typ: str | None, at_most: int = LARGEST) -> UnverifiedJws:
    """Parse a JWS of this type, of at most `at_most` bytes. `typ` None requires a header without
    one.

    Raises `SignedTextError`: `too-large`, `not-a-jws`, `bad-header`, `header-member`,
    `wrong-algorithm`, `wrong-type`.
    """
    if len(text) > at_most:
        raise SignedTextError(
            "too-large",
            f"the signed text has `{len(text)}` bytes and may have at most `{at_most}`",
            fix="send less",
        )
    segments = text.split(".")
    if len(segments) != 3:
        raise SignedTextError(
            "not-a-jws",
            "the text isn't a JWS: it must have three parts with dots between them",
            fix=_AGAIN,
        )
    header, payload, signature = segments
    kid = _kid(header, typ)
    try:
        parts = base64.decode_url(payload), base64.decode_url(signature)
    except TextError as error:
        raise SignedTextError("not-a-jws", error.message, fix=_AGAIN) from None
    if len(parts[1]) != SIGNATURE_BYTES:
        raise SignedTextError(
            "not-a-jws", f"the signature has `{len(parts[1])}` bytes instead of 64", fix=_AGAIN
        )
    return UnverifiedJws(kid, f"{header}.{payload}".encode("ascii"), parts[1], parts[0])


def verify(text: str, key: PublicKey, *, typ: str | None, at_most: int = LARGEST) -> bytes:
    """Return the payload of a JWS of this type that this key signed.

    Raises as `read` and `UnverifiedJws.payload` do.
    """
    return read(text, typ=typ, at_most=at_most).payload(key)


def is_valid_signature(key: PublicKey, message: bytes, signature: bytes) -> bool:
    """Test an ES256 signature of 64 bytes over a message (RFC 7518 §3.4)."""
    return _ES256.verify(message, signature, key.jose)


_KEY = "look the key up by its id"
_AGAIN = "ask its sender for it again"


@lru_cache(maxsize=1024)
def _kid(segment: str, typ: str | None) -> str:
    """Return the key id of a strict header. Cached: all headers of a key have the same text."""
    if len(segment) > LARGEST_HEADER:
        raise SignedTextError(
            "too-large",
            f"the header has `{len(segment)}` letters and may have at most 512",
            fix=_AGAIN,
        )
    try:
        members = i_json.read_object(base64.decode_url(segment))
    except TextError as error:
        raise SignedTextError("bad-header", f"in the header, {error.message}", fix=_AGAIN) from None
    for name in members:
        if name not in ("alg", "kid", "typ"):
            why = "is never followed" if name in _DANGEROUS else "is unknown"
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
            f"the text is a `{shorten(members.get('typ'))}` instead of a `{typ}`",
            fix="send the right text",
        )
    kid = members.get("kid")
    if not isinstance(kid, str) or not kid:
        raise SignedTextError("bad-header", "the header has no key id", fix="sign with a `kid`")
    return kid
