"""Signatures of a directory: detached JWS over its payload, and the threshold that they must reach."""

from __future__ import annotations

from collections.abc import Set
from typing import Annotated

from pydantic import Field

from exchange.errors import DirectoryError, shorten
from exchange.membership.directory import LARGEST, MUST_SIGN, Directory
from exchange.models import NonEmptyTuple, WireModel, agency_of, validate
from exchange.standards import base64, i_json, jws
from exchange.standards.keys import PrivateKey
from rules.frozen import frozen

TYP = "offramp-directory+jws"


@frozen
class SignedPayload:
    """A directory's payload with detached signatures, compact JWS whose middle is empty (RFC 7515, appendix F)."""

    payload: bytes
    signatures: tuple[str, ...]

    def write(self) -> bytes:
        """As JSON, as `read_signed` reads it."""
        return i_json.write(
            {"directory": base64.encode_url(self.payload), "signatures": list(self.signatures)}
        )


class _SignedShape(WireModel):
    directory: Annotated[str, Field(max_length=2 * LARGEST)]
    signatures: NonEmptyTuple[Annotated[str, Field(max_length=1024)]]


def sign_directory(payload: bytes, key: PrivateKey) -> str:
    """One agency's detached signature of a payload."""
    return detach(jws.sign(payload, key, typ=TYP))


def detach(text: str) -> str:
    """A compact JWS without its payload."""
    header, _, signature = text.split(".")
    return f"{header}..{signature}"


def attach(signature: str, payload: bytes) -> str:
    """A detached JWS with its payload again. Raises `DirectoryError` `bad-signatures`."""
    header, dots, value = signature.partition("..")
    if not dots or "." in header or "." in value:
        raise DirectoryError(
            "bad-signatures",
            f"`{shorten(signature)}` is no detached signature",
            fix="sign it again",
        )
    return f"{header}.{base64.encode_url(payload)}.{value}"


def read_signed_directory(data: bytes) -> SignedPayload:
    """A signed directory, nothing verified. Raises `TextError`, `ContentError`, `DirectoryError` `not-a-directory`."""
    if len(data) > 2 * LARGEST:
        raise DirectoryError(
            "not-a-directory",
            f"a directory of `{len(data)}` bytes isn't read",
            fix="make it smaller",
        )
    shape = validate(_SignedShape, i_json.read_object(data), "the signed directory")
    return SignedPayload(base64.decode_url(shape.directory), shape.signatures)


def check_threshold(signed: SignedPayload, before: Directory, typ: str) -> frozenset[str]:
    """The agencies that signed a payload of this type, if they are enough of the right ones by a directory.

    Raises `DirectoryError`: `threshold`, `bad-signatures`, `unknown-key`; `SignedTextError`.
    """
    signers = frozenset(agency_of(kid) for kid in signing_kids(signed, before, typ))
    if lacking := missing_signers(before, signers):
        raise DirectoryError(
            "threshold", f"it lacks the signature of `{lacking[0]}`", fix="have them sign it too"
        )
    return signers


def signer_of(signature: str, payload: bytes, known: Directory, typ: str = TYP) -> str:
    """The agency that made one detached signature of a payload, by the keys of a directory. Raises as `History.check`."""
    return agency_of(read_signing_kid(signature, payload, known, typ))


def read_signing_kid(signature: str, payload: bytes, known: Directory, typ: str = TYP) -> str:
    """The id of the key that made one detached signature of a payload, in force in a directory. Raises as `History.check`."""
    (kid,) = signing_kids(SignedPayload(payload, (signature,)), known, typ)
    return kid


def signing_kids(signed: SignedPayload, known: Directory, typ: str = TYP) -> set[str]:
    """The keys that signed, by id; a signature that doesn't hold refuses the whole."""
    found: list[str] = []
    for signature in signed.signatures:
        unverified = jws.read(attach(signature, signed.payload), typ=typ, at_most=2 * LARGEST)
        _, key = known.signer(unverified.kid)
        unverified.payload(key)
        found.append(unverified.kid)
    return set(found)


def missing_signers(before: Directory, signers: Set[str]) -> list[str]:
    threshold, agencies = before.document.threshold, before.agencies
    signed = [one for one in threshold.of if one in signers]
    lacking = [role for role in MUST_SIGN if not any(agencies[one].role == role for one in signed)]
    if len(signed) < threshold.signatures:
        lacking += [one for one in threshold.of if one not in signers]
    return lacking
