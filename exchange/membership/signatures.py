"""Detached signatures of a directory, and the threshold that they must reach."""

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
    """A payload with detached signatures: compact JWS with an empty middle (RFC 7515, appendix
    F).
    """

    payload: bytes
    signatures: tuple[str, ...]

    def write(self) -> bytes:
        """Return the signed directory as JSON, as `read_signed_directory` reads it."""
        return i_json.write(
            {"directory": base64.encode_url(self.payload), "signatures": list(self.signatures)}
        )


class _SignedShape(WireModel):
    directory: Annotated[str, Field(max_length=2 * LARGEST)]
    signatures: NonEmptyTuple[Annotated[str, Field(max_length=1024)]]


def sign_directory(payload: bytes, key: PrivateKey) -> str:
    """Sign a payload for one agency. The signature is detached."""
    return detach(jws.sign(payload, key, typ=TYP))


def detach(text: str) -> str:
    """Return a compact JWS without its payload."""
    header, _, signature = text.split(".")
    return f"{header}..{signature}"


def attach(signature: str, payload: bytes) -> str:
    """Return a detached JWS with its payload again. Raises `DirectoryError` `bad-signatures`."""
    header, dots, value = signature.partition("..")
    if not dots or "." in header or "." in value:
        raise DirectoryError(
            "bad-signatures",
            f"`{shorten(signature)}` is not a detached signature",
            fix="sign it again",
        )
    return f"{header}.{base64.encode_url(payload)}.{value}"


def read_signed_directory(data: bytes) -> SignedPayload:
    """Parse a signed directory without verifying it.

    Raises `TextError`, `ContentError`, and `DirectoryError` `not-a-directory`.
    """
    if len(data) > 2 * LARGEST:
        raise DirectoryError(
            "not-a-directory",
            f"the directory has `{len(data)}` bytes, which is too large",
            fix="make it smaller",
        )
    shape = validate(_SignedShape, i_json.read_object(data), "the signed directory")
    return SignedPayload(base64.decode_url(shape.directory), shape.signatures)


def check_threshold(signed: SignedPayload, before: Directory, typ: str) -> frozenset[str]:
    """Return the agencies that signed a payload of this type, if they reach a directory's
    threshold.

    Raises `SignedTextError`, and `DirectoryError`: `threshold`, `bad-signatures`, `unknown-key`.
    """
    signers = frozenset(agency_of(kid) for kid in signing_kids(signed, before, typ))
    if missing := missing_signers(before, signers):
        raise DirectoryError(
            "threshold",
            f"it lacks the signature of `{missing[0]}`",
            fix="have them sign it as well",
        )
    return signers


def signer_of(signature: str, payload: bytes, directory: Directory, typ: str = TYP) -> str:
    """Return the agency that made a detached signature of a payload, by a directory's keys.

    Raises as `check_threshold` does, except `threshold`.
    """
    return agency_of(read_signing_kid(signature, payload, directory, typ))


def read_signing_kid(signature: str, payload: bytes, directory: Directory, typ: str = TYP) -> str:
    """Return the id of the key that made a detached signature of a payload.

    The key must be in force in the directory. Raises as `signer_of` does.
    """
    (kid,) = signing_kids(SignedPayload(payload, (signature,)), directory, typ)
    return kid


def signing_kids(signed: SignedPayload, directory: Directory, typ: str = TYP) -> set[str]:
    """Return the ids of the keys that signed. An invalid signature refuses the whole payload."""
    kids: list[str] = []
    for signature in signed.signatures:
        unverified = jws.read(attach(signature, signed.payload), typ=typ, at_most=2 * LARGEST)
        _, key = directory.signer(unverified.kid)
        unverified.payload(key)
        kids.append(unverified.kid)
    return set(kids)


def missing_signers(directory: Directory, signers: Set[str]) -> list[str]:
    """Return the roles and agencies that must still sign. Empty if the threshold is reached."""
    threshold, agencies = directory.document.threshold, directory.agencies
    signed = [agency for agency in threshold.of if agency in signers]
    lacking = [
        role for role in MUST_SIGN if not any(agencies[agency].role == role for agency in signed)
    ]
    if len(signed) < threshold.signatures:
        lacking += [agency for agency in threshold.of if agency not in signers]
    return lacking
