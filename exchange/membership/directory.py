"""Directory of the agencies: the members, their roles and keys, and the signers of the next
version.

The hub serves the directory and can't change it. Every founder signs version 1. The threshold of
the version before signs each later one. The threshold represents the policy group. A defender and a
treatment provider belong to it, and nothing passes without a signature of each, since a quorum of
the others would make their seats worthless. An agency may do one thing alone: retire its own keys
at once, because a stolen key can't wait for a meeting.

A version is in force for everything after its leaf in the log. So a key retires at an index and not
at a time, and earlier signatures stay valid.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from exchange.errors import DirectoryError, KeyMaterialError, TextError, shorten
from exchange.models import AgencyId, NonEmptyTuple, PlainName, WireModel, agency_of, validate
from exchange.standards import i_json, keys, notes
from exchange.standards.keys import PublicKey
from exchange.standards.notes import NoteKey
from rules.frozen import frozen

LARGEST = 256 * 1024

Role = Literal[
    "police",
    "prosecutor",
    "defender",
    "program",
    "case_management",
    "treatment_provider",
    "service_provider",
    "health_provider",
]

# An agency of each role must sign: the directory could be turned against their clients.
MUST_SIGN = ("defender", "treatment_provider")


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
        # `localtime` and its like depend on the machine that reads them.
        if "/" not in name and name != "UTC":
            raise ValueError(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError("it is not a time zone") from error
    return name


_Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class PackReference(WireModel):
    """The pack with the `disclosure` rules that decide: its id and the digest of the resolved
    pack.

    `memo` is the digest of the memo that the signers read of the change to this pack, if one was
    proposed with it.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    memo: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")] | None = None


class AgencyEntry(WireModel):
    """An agency as the document lists it.

    `part2` states whether 42 CFR Part 2 covers it. `unknown` counts as `yes`. `signing` are JWKs,
    and `witness` is the vkey that cosigns the log.
    """

    id: AgencyId
    name: PlainName
    role: Role
    part2: Literal["yes", "no", "unknown"]
    custody: Literal["own", "hosted"]
    signing: Annotated[tuple[dict[str, str], ...], Field(strict=False, max_length=8)]
    witness: Annotated[str, Field(max_length=512)]


class Threshold(WireModel):
    """The number of signatures that a new version needs, and the agencies that may give them."""

    signatures: Annotated[int, Field(ge=2, le=64)]
    of: NonEmptyTuple[AgencyId]


class Quorum(WireModel):
    """The witnesses that must cosign a checkpoint, and the number needed in all."""

    required: NonEmptyTuple[AgencyId]
    at_least: Annotated[int, Field(ge=2, le=64)]


class DirectoryDocument(WireModel):
    """The directory as it is signed.

    `previous` is the SHA-256 of the previous version's payload. Version 1 has none.
    """

    version: Annotated[int, Field(ge=1)]
    program: PlainName
    zone: Annotated[str, AfterValidator(_check_zone)]
    pack: PackReference
    log: Annotated[str, Field(max_length=512)]
    agencies: NonEmptyTuple[AgencyEntry]
    threshold: Threshold
    witnesses: Quorum
    previous: _Hex | None = None


@frozen
class Agency:
    """An agency with parsed keys.

    `signing` are its keys that sign records, by id. `witness` is its key that cosigns the log.
    """

    id: str
    name: str
    role: str
    part2: str
    custody: str
    signing: Mapping[str, PublicKey]
    witness: NoteKey


@frozen
class Directory:
    """A consistent version of the directory. `History` checks its signatures."""

    document: DirectoryDocument
    payload: bytes
    agencies: Mapping[str, Agency]
    log: NoteKey
    zone: ZoneInfo

    @property
    def version(self) -> int:
        """The number of the version, from 1."""
        return self.document.version

    @property
    def sha256(self) -> str:
        """The SHA-256 of the signed bytes: 64 hex digits."""
        return sha256(self.payload).hexdigest()

    @property
    def pack(self) -> str:
        """The digest of the pack in force."""
        return self.document.pack.digest

    def signer(self, kid: str) -> tuple[Agency, PublicKey]:
        """Return the agency and the key of a key id.

        Raises `DirectoryError` `unknown-key` for a key that isn't listed, or no longer.
        """
        agency = self.agencies.get(agency_of(kid))
        key = agency.signing.get(kid) if agency else None
        if agency is None or key is None:
            raise DirectoryError(
                "unknown-key",
                f"the key `{shorten(kid)}` isn't in force",
                fix="sign with a key in force",
            )
        return agency, key

    def role(self, agency: str) -> str | None:
        """Return the role of an agency, or None if it isn't listed."""
        entry = self.agencies.get(agency)
        return entry.role if entry else None

    def sole_signer_role(self, agency: str) -> str | None:
        """Return the required role that only this agency can still sign for, else None.

        Without a signature for that role there is no next version.
        """
        role = self.role(agency)
        able_signers = [
            member
            for member in self.document.threshold.of
            if self.role(member) == role and self.agencies[member].signing
        ]
        return role if role in MUST_SIGN and set(able_signers) <= {agency} else None

    def part2(self, agency: str) -> str:
        """Return `yes`, `no`, or `unknown`: does 42 CFR Part 2 cover the agency?"""
        entry = self.agencies.get(agency)
        return entry.part2 if entry else "unknown"

    def with_role(self, role: str) -> tuple[str, ...]:
        """Return the agencies of a role, in the document's order."""
        return tuple(agency.id for agency in self.agencies.values() if agency.role == role)

    def witnesses(self) -> tuple[NoteKey, ...]:
        """Return the cosigning key of every agency."""
        return tuple(agency.witness for agency in self.agencies.values())

    def check_quorum(self, witnessed: notes.WitnessedCheckpoint) -> None:
        """Check that the required witnesses, and enough of them, cosigned.

        Raises `NoteError` `no-quorum`.
        """
        required = [
            self.agencies[agency].witness.name for agency in self.document.witnesses.required
        ]
        witnessed.check_quorum(required, self.document.witnesses.at_least)


def read_directory(payload: bytes) -> Directory:
    """Read the directory in a signed payload.

    Raises `DirectoryError`: `not-a-directory`, or `bad-directory` if it contradicts itself or
    contains a key that may not be used.
    """
    if len(payload) > LARGEST:
        raise DirectoryError(
            "not-a-directory",
            f"the directory has `{len(payload)}` bytes, which is too large",
            fix="make it smaller",
        )
    try:
        document = validate(DirectoryDocument, i_json.read_object(payload), "the directory")
    except TextError as error:
        raise DirectoryError(
            "not-a-directory", f"the directory can't be read: {error.message}", fix=_REDRAW
        ) from None
    agencies = {entry.id: _agency(entry) for entry in document.agencies}
    if len(agencies) != len(document.agencies):
        raise _bad("an agency is listed twice")
    try:
        log = notes.read_verifier_key(document.log)
    except KeyMaterialError as error:
        raise _bad(f"of the log's key, {error.message}") from None
    directory = Directory(document, payload, agencies, log, ZoneInfo(document.zone))
    _check_consistent(directory)
    return directory


def write_document(document: Mapping[str, object]) -> bytes:
    """Write a drafted document as a payload, once it is consistent. Raises as `read_directory`."""
    payload = i_json.write(dict(document))
    read_directory(payload)
    return payload


def _agency(entry: AgencyEntry) -> Agency:
    try:
        signing_keys = [keys.read_public_key(jwk, "sig") for jwk in entry.signing]
        witness = notes.read_verifier_key(entry.witness)
    except KeyMaterialError as error:
        raise _bad(f"of `{entry.id}`, {error.message}") from None
    for kid in (*(key.kid for key in signing_keys), witness.name):
        if agency_of(kid) != entry.id or not kid.partition(".")[2]:
            raise _bad(f"the key `{shorten(kid)}` isn't named after `{entry.id}`")
    if len({key.kid for key in signing_keys}) < len(signing_keys):
        raise _bad(f"a key of `{entry.id}` is listed twice")
    by_id = {key.kid: key for key in signing_keys}
    return Agency(entry.id, entry.name, entry.role, entry.part2, entry.custody, by_id, witness)


def _check_consistent(directory: Directory) -> None:
    document, agencies = directory.document, directory.agencies
    cosigners = (directory.log, *directory.witnesses())
    # A cosignature doesn't name its signer, so a shared key would count for two agencies.
    if len({key.name for key in cosigners}) < len(cosigners):
        raise _bad("the log and the witnesses must have different names")
    if len({key.public for key in cosigners}) < len(cosigners) or any(
        key.kind != notes.COSIGNATURE for key in cosigners
    ):
        raise _bad("the log and the witnesses need a cosigning key each")
    thumbprints = [
        key.thumbprint for agency in agencies.values() for key in agency.signing.values()
    ]
    if len(set(thumbprints)) < len(thumbprints):
        raise _bad("two agencies, or two names, share a signing key")
    for listed, label in (
        (document.threshold.of, "the threshold"),
        (document.witnesses.required, "the witnesses"),
    ):
        for agency in listed:
            if agency not in agencies:
                raise _bad(f"{label} names `{agency}`, which isn't listed")
        if len(set(listed)) < len(listed):
            raise _bad(f"{label} names an agency twice")
    if document.threshold.signatures > len(document.threshold.of):
        raise _bad("the threshold needs more signatures than it has signers")
    for role in MUST_SIGN:
        if not any(agencies[agency_id].role == role for agency_id in document.threshold.of):
            raise _bad(f"the threshold has no `{role}`")
    if not any(agencies[agency_id].role == "defender" for agency_id in document.witnesses.required):
        raise _bad("the required witnesses have no `defender`")
    if document.witnesses.at_least > len(agencies):
        raise _bad("it needs more witnesses than there are agencies")
    if (document.version == 1) != (document.previous is None):
        raise _bad("every version except the first must name the previous one")


_REDRAW = "draft it again"


def _bad(why: str) -> DirectoryError:
    return DirectoryError("bad-directory", f"the directory is inconsistent: {why}", fix=_REDRAW)
