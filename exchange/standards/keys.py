"""P-256 keys of agencies as JWKs (RFC 7517, RFC 7518 §6.2), to sign or to open seals.

A signing key has `use` `sig` and `alg` `ES256`. A sealing key has `use` `enc` and no `alg`, since
HPKE's suite is fixed here and has no registered name yet. Any other member, kind, or curve is
refused. So is a private part where a public key is expected. Keys are compared by RFC 7638
thumbprint.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey

from exchange.errors import KeyMaterialError, TextError, shorten
from exchange.standards import base64
from rules.frozen import frozen

Use = Literal["sig", "enc"]

# The members that a key's use requires, with their values.
_USES: dict[Use, dict[str, str]] = {"sig": {"use": "sig", "alg": "ES256"}, "enc": {"use": "enc"}}
_KID = re.compile(r"[!-~]{1,128}")
COORDINATE_BYTES = 32


@frozen
class PublicKey:
    """A checked public key: its id, its use, and the key as the libraries take it."""

    kid: str
    use: Use
    jose: ECKey

    @property
    def point(self) -> ec.EllipticCurvePublicKey:
        """The key as `cryptography` takes it."""
        return self.jose.public_key

    @property
    def thumbprint(self) -> str:
        """The RFC 7638 thumbprint with SHA-256: 43 letters of base64url."""
        return self.jose.thumbprint()

    def as_jwk(self) -> dict[str, str]:
        """Return the JWK, as `read_public_key` reads it."""
        return {**_point(self.jose), "kid": self.kid, **_USES[self.use]}


@frozen
class PrivateKey:
    """A checked private key with its public key."""

    public: PublicKey
    jose: ECKey

    @property
    def scalar(self) -> ec.EllipticCurvePrivateKey:
        """The key as `cryptography` takes it."""
        key = self.jose.private_key
        assert key is not None, "a private key was checked to be one"
        return key

    def as_jwk(self) -> dict[str, str]:
        """Return the JWK with its private part, as `read_private_key` reads it."""
        number = self.scalar.private_numbers().private_value
        secret = base64.encode_url(number.to_bytes(COORDINATE_BYTES, "big"))
        return {**self.public.as_jwk(), "d": secret}


def read_public_key(jwk: object, use: Use) -> PublicKey:
    """Read the public key of a JWK for one use.

    Raises `KeyMaterialError`: `not-a-key`, `private-part`, `wrong-kind`, `wrong-use`, `bad-point`.
    """
    members = _members(jwk, use)
    if "d" in members:
        raise KeyMaterialError(
            "private-part",
            f"the key `{shorten(members['kid'])}` contains its private part",
            fix=_LEAK,
        )
    return PublicKey(members["kid"], use, _imported(members))


def read_private_key(jwk: object, use: Use) -> PrivateKey:
    """Read the private key of a JWK for one use.

    Raises as `read_public_key`, and `not-a-key` if the private part is missing.
    """
    members = _members(jwk, use)
    if "d" not in members:
        raise KeyMaterialError(
            "not-a-key",
            f"the key `{shorten(members['kid'])}` has no private part",
            fix="use the key file",
        )
    private = _imported(members)
    public_members = {name: value for name, value in members.items() if name != "d"}
    return PrivateKey(PublicKey(members["kid"], use, _imported(public_members)), private)


def from_scalar(scalar: ec.EllipticCurvePrivateKey, kid: str, use: Use) -> PrivateKey:
    """Wrap a new private key under its key id. Raises as `read_private_key`."""
    if scalar.curve.name != "secp256r1":
        raise KeyMaterialError(
            "wrong-kind", f"the key `{shorten(kid)}` is on `{scalar.curve.name}`", fix=_MAKE
        )
    numbers = scalar.private_numbers()
    values = {
        "x": numbers.public_numbers.x,
        "y": numbers.public_numbers.y,
        "d": numbers.private_value,
    }
    encoded = {
        name: base64.encode_url(value.to_bytes(COORDINATE_BYTES, "big"))
        for name, value in values.items()
    }
    return read_private_key({"kty": "EC", "crv": "P-256", **encoded, "kid": kid, **_USES[use]}, use)


_MAKE = "make a P-256 key"
_LEAK = "send only the public part, and replace this key: it was disclosed"


def _members(jwk: object, use: Use) -> dict[str, str]:
    """Return a JWK's members: none unknown, none missing, each a text in its single spelling."""
    if not isinstance(jwk, Mapping) or not all(
        isinstance(text, str) for pair in jwk.items() for text in pair
    ):
        raise KeyMaterialError(
            "not-a-key",
            "the value isn't a key: a key is an object with texts as members",
            fix=_MAKE,
        )
    members = {str(name): str(value) for name, value in jwk.items()}
    if (members.get("kty"), members.get("crv")) != ("EC", "P-256"):
        kind = f"{members.get('kty')} {members.get('crv', '')}".strip()
        raise KeyMaterialError(
            "wrong-kind", f"`{shorten(kind)}` is not a kind of key used here", fix=_MAKE
        )
    if {name: members[name] for name in ("use", "alg") if name in members} != _USES[use]:
        wanted = "use `sig` and alg `ES256`" if use == "sig" else "use `enc` and no alg"
        raise KeyMaterialError(
            "wrong-use",
            f"the key `{shorten(members.get('kid'))}` isn't for this use",
            fix=f"use a key with {wanted}",
        )
    expected = {"kty", "crv", "x", "y", "kid", *_USES[use]}
    if set(members) - {"d"} != expected:
        misplaced = sorted((set(members) - {"d"}) ^ expected)[0]
        raise KeyMaterialError(
            "not-a-key",
            f"`{shorten(misplaced)}` is missing from the key or doesn't belong in it",
            fix=f"write {', '.join(sorted(expected))}",
        )
    if not _KID.fullmatch(members["kid"]):
        raise KeyMaterialError(
            "not-a-key",
            f"`{shorten(members['kid'])}` is not a key id",
            fix="write it without blanks",
        )
    for name in ("x", "y", "d"):
        if name in members:
            _coordinate(members, name)
    return members


def _coordinate(members: Mapping[str, str], name: str) -> None:
    try:
        length = len(base64.decode_url(members[name]))
    except TextError:
        length = -1
    if length != COORDINATE_BYTES:
        raise KeyMaterialError(
            "bad-point",
            f"the `{name}` of the key `{shorten(members['kid'])}` isn't 32 bytes of base64url",
            fix=_MAKE,
        )


def _imported(members: Mapping[str, str]) -> ECKey:
    """Import the key. The library checks its point and that the private part belongs to it."""
    try:
        return ECKey.import_key(
            {name: members[name] for name in ("kty", "crv", "x", "y", "d") if name in members}
        )
    except ValueError:
        raise KeyMaterialError(
            "bad-point",
            f"the numbers of the key `{shorten(members['kid'])}` don't form a key on P-256",
            fix=_MAKE,
        ) from None


def _point(key: ECKey) -> dict[str, str]:
    numbers = key.public_key.public_numbers()
    x, y = (
        base64.encode_url(value.to_bytes(COORDINATE_BYTES, "big"))
        for value in (numbers.x, numbers.y)
    )
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
