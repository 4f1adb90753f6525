"""Passkey signatures (Web Authentication Level 3, section 7.2), checked offline by the public key.

Only what a kept assertion needs is here: its signature, its challenge, where it was made, and that
a person was present and unlocked the passkey. Keys are COSE keys (RFC 9053) for ES256, EdDSA with
Ed25519, and RS256.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from exchange.errors import ExchangeError
from exchange.standards import base64, i_json
from rules.frozen import frozen

# The labels of a COSE key's members.
_KEY_TYPE, _ALGORITHM, _FIRST, _SECOND, _THIRD = 1, 3, -1, -2, -3
_OKP, _EC2, _RSA = 1, 2, 3
_ES256, _EDDSA, _RS256 = -7, -8, -257
_P256, _ED25519 = 1, 6
# The flags of an authenticator: the person was present, and was verified.
_PRESENT, _VERIFIED = 0x01, 0x04
_DIGEST_BYTES, _FLAGS_AT = 32, 32
# A COSE key has a few members, and no value is longer than an RSA modulus.
_MOST_MEMBERS, _LONGEST_VALUE = 16, 1024


@frozen
class Assertion:
    """A passkey's answer: what the browser and the authenticator signed, and the public key.

    `client` is the browser's JSON, `authenticator` the authenticator's data, `key` a COSE key.
    `host` and `origin` are where the passkey belongs.
    """

    client: bytes
    authenticator: bytes
    signature: bytes
    key: bytes
    host: str
    origin: str


def is_assertion_of(assertion: Assertion, challenge: bytes) -> bool:
    """Report whether a passkey signed this challenge, for this host, by an unlocked device."""
    try:
        client = i_json.read_object(assertion.client)
    except ExchangeError:
        return False
    claims = client.get("type"), client.get("challenge"), client.get("origin")
    if claims != ("webauthn.get", base64.encode_url(challenge), assertion.origin):
        return False
    data = assertion.authenticator
    if len(data) <= _FLAGS_AT or data[:_DIGEST_BYTES] != sha256(assertion.host.encode()).digest():
        return False
    if data[_FLAGS_AT] & (_PRESENT | _VERIFIED) != _PRESENT | _VERIFIED:
        return False
    signed = data + sha256(assertion.client).digest()
    try:
        _verify(_read_key(assertion.key), assertion.signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def _verify(key: Mapping[int, Any], signature: bytes, signed: bytes) -> None:
    """Check a signature. Raises `InvalidSignature`, or `ValueError` for an unknown key."""
    kind = key.get(_KEY_TYPE), key.get(_ALGORITHM)
    if kind == (_EC2, _ES256) and key.get(_FIRST) == _P256:
        point = b"\x04" + _bytes(key, _SECOND) + _bytes(key, _THIRD)
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        public.verify(signature, signed, ec.ECDSA(SHA256()))
    elif kind == (_OKP, _EDDSA) and key.get(_FIRST) == _ED25519:
        ed25519.Ed25519PublicKey.from_public_bytes(_bytes(key, _SECOND)).verify(signature, signed)
    elif kind == (_RSA, _RS256):
        exponent, modulus = (
            int.from_bytes(_bytes(key, label), "big") for label in (_SECOND, _FIRST)
        )
        numbers = rsa.RSAPublicNumbers(exponent, modulus)
        numbers.public_key().verify(signature, signed, padding.PKCS1v15(), SHA256())
    else:
        raise ValueError("an unknown kind of key")


def _bytes(key: Mapping[int, Any], label: int) -> bytes:
    member = key.get(label)
    if not isinstance(member, bytes):
        raise ValueError("a key without its member")
    return member


# CBOR (RFC 8949), as far as a COSE key uses it: a map of integers to integers and byte strings.

_UNSIGNED, _NEGATIVE, _BYTE_STRING, _MAP = 0, 1, 2, 5


def _read_key(data: bytes) -> dict[int, int | bytes]:
    major, count, at = _read_head(data, 0)
    if major != _MAP or count > _MOST_MEMBERS:
        raise ValueError("no map")
    members: dict[int, int | bytes] = {}
    for _ in range(count):
        label, at = _read_item(data, at)
        member, at = _read_item(data, at)
        if not isinstance(label, int) or label in members:
            raise ValueError("no label")
        members[label] = member
    if at != len(data):
        raise ValueError("more than a map")
    return members


def _read_item(data: bytes, at: int) -> tuple[int | bytes, int]:
    major, number, at = _read_head(data, at)
    if major == _UNSIGNED:
        return number, at
    if major == _NEGATIVE:
        return -1 - number, at
    if major != _BYTE_STRING or number > _LONGEST_VALUE or at + number > len(data):
        raise ValueError("no integer and no byte string")
    return data[at : at + number], at + number


def _read_head(data: bytes, at: int) -> tuple[int, int, int]:
    """Return the major type, the argument, and where the content begins."""
    if at >= len(data):
        raise ValueError("too short")
    major, small = data[at] >> 5, data[at] & 0x1F
    if small < 24:
        return major, small, at + 1
    if small > 26:
        raise ValueError("a longer argument")
    end = at + 1 + (1 << (small - 24))
    if end > len(data):
        raise ValueError("too short")
    return major, int.from_bytes(data[at + 1 : end], "big"), end
