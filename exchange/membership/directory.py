"""Who takes part, under which keys, by whose signatures: the directory, its versions in the log, and the keys to seal to.

The hub serves the directory and can't change it. Version 1 is signed by every founder; each later one by the threshold of the
version before it. The threshold stands for the policy group: a defender and a treatment provider belong to it, and nothing
passes without a signature of each, since a quorum of the others would make their seats worth nothing. One thing an agency may
do alone: retire keys of its own, at once, because a stolen key can't wait for a meeting.

A version is in force for what stands after its leaf in the log. So a key retires at an index and not at a time, and what was
signed before stays good.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from exchange.errors import DirectoryError, KeyMaterialError, TextError, shorten
from exchange.models import AgencyId, NonEmptyTuple, WireModel, agency_of, validate
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

# Both must have signed, whatever else has: those whose clients' interests the directory could be turned against.
MUST_SIGN = ("defender", "treatment_provider")


def _a_zone(name: str) -> str:
    try:
        ZoneInfo(name)
        # `localtime` and its like are whatever the machine that reads them has.
        if "/" not in name and name != "UTC":
            raise ValueError(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError("it is no time zone") from error
    return name


_Name = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,100}$")]

_Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class PackReference(WireModel):
    """Which pack's `disclosure` decides: its id, and the digest of the resolved pack."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class AgencyEntry(WireModel):
    """One agency, as the document writes it. `part2` says whether 42 CFR Part 2 covers it; unknown counts as yes."""

    id: AgencyId
    name: _Name
    role: Role
    part2: Literal["yes", "no", "unknown"]
    custody: Literal["own", "hosted"]
    signing: Annotated[tuple[dict[str, str], ...], Field(strict=False, max_length=8)]
    witness: Annotated[str, Field(max_length=512)]


class Threshold(WireModel):
    """How many of whom sign a new version."""

    signatures: Annotated[int, Field(ge=2, le=64)]
    of: NonEmptyTuple[AgencyId]


class Quorum(WireModel):
    """Who must have cosigned a checkpoint, and how many in all."""

    required: NonEmptyTuple[AgencyId]
    at_least: Annotated[int, Field(ge=2, le=64)]


class DirectoryDocument(WireModel):
    """The directory as it is signed. `previous` is the SHA-256 of the payload before, absent from version 1."""

    version: Annotated[int, Field(ge=1)]
    program: _Name
    zone: Annotated[str, AfterValidator(_a_zone)]
    pack: PackReference
    log: Annotated[str, Field(max_length=512)]
    agencies: NonEmptyTuple[AgencyEntry]
    threshold: Threshold
    witnesses: Quorum
    previous: _Hex | None = None


@frozen
class Agency:
    """One agency with its keys, parsed: those that sign records, by id, and the one that witnesses the log."""

    id: str
    name: str
    role: str
    part2: str
    custody: str
    signing: Mapping[str, PublicKey]
    witness: NoteKey


@frozen
class Directory:
    """One version, whole and consistent. Who signed it is for `History` to say."""

    document: DirectoryDocument
    payload: bytes
    agencies: Mapping[str, Agency]
    log: NoteKey
    zone: ZoneInfo

    @property
    def version(self) -> int:
        return self.document.version

    @property
    def sha256(self) -> str:
        """Of the signed bytes, 64 hex digits."""
        return sha256(self.payload).hexdigest()

    @property
    def pack(self) -> str:
        """The digest of the pack in force."""
        return self.document.pack.digest

    def signer(self, kid: str) -> tuple[Agency, PublicKey]:
        """Return the agency and key of a key id.

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
        """The role of an agency; None for one that isn't listed."""
        found = self.agencies.get(agency)
        return found.role if found else None

    def sole_signer_role(self, agency: str) -> str | None:
        """The role without whose signature there is no next version, if this agency is the last that can give it; else None."""
        role = self.role(agency)
        able = [
            one
            for one in self.document.threshold.of
            if self.role(one) == role and self.agencies[one].signing
        ]
        return role if role in MUST_SIGN and set(able) <= {agency} else None

    def part2(self, agency: str) -> str:
        """Whether 42 CFR Part 2 covers an agency: `yes`, `no` or `unknown`."""
        found = self.agencies.get(agency)
        return found.part2 if found else "unknown"

    def with_role(self, role: str) -> tuple[str, ...]:
        """The agencies of a role, in the document's order."""
        return tuple(agency.id for agency in self.agencies.values() if agency.role == role)

    def witnesses(self) -> tuple[NoteKey, ...]:
        """The cosigning key of every agency."""
        return tuple(agency.witness for agency in self.agencies.values())

    def check_quorum(self, witnessed: notes.WitnessedCheckpoint) -> None:
        """Holds if the required witnesses, and enough of them, cosigned. Raises `NoteError` `no-quorum`."""
        required = [
            self.agencies[agency].witness.name for agency in self.document.witnesses.required
        ]
        witnessed.check_quorum(required, self.document.witnesses.at_least)


def read_directory(payload: bytes) -> Directory:
    """The directory of a signed payload.

    Raises `DirectoryError`: `not-a-directory`, `bad-directory` (it contradicts itself, or a key in it may not be used).
    """
    if len(payload) > LARGEST:
        raise DirectoryError(
            "not-a-directory",
            f"a directory of `{len(payload)}` bytes isn't read",
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
        raise _bad("an agency stands twice")
    try:
        log = notes.read_verifier_key(document.log)
    except KeyMaterialError as error:
        raise _bad(f"of the log's key, {error.message}") from None
    directory = Directory(document, payload, agencies, log, ZoneInfo(document.zone))
    _check_whole(directory)
    return directory


def write_document(document: Mapping[str, object]) -> bytes:
    """The payload of a drafted document, once it has been found whole. Raises as `read_directory`."""
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
        raise _bad(f"a key of `{entry.id}` stands twice")
    by_id = {key.kid: key for key in signing_keys}
    return Agency(entry.id, entry.name, entry.role, entry.part2, entry.custody, by_id, witness)


def _check_whole(directory: Directory) -> None:
    document, agencies = directory.document, directory.agencies
    cosigners = (directory.log, *directory.witnesses())
    # A cosignature doesn't name its signer: who shares the defender's key would count for two.
    if len({key.name for key in cosigners}) < len(cosigners):
        raise _bad("log and witnesses don't each have a name of their own")
    if len({key.public for key in cosigners}) < len(cosigners) or any(
        key.kind != notes.COSIGNATURE for key in cosigners
    ):
        raise _bad("log and witnesses don't each have one cosigning key")
    points = [key.thumbprint for agency in agencies.values() for key in agency.signing.values()]
    if len(set(points)) < len(points):
        raise _bad("two agencies, or two names, share a signing key")
    for listed, what in (
        (document.threshold.of, "the threshold"),
        (document.witnesses.required, "the witnesses"),
    ):
        for agency in listed:
            if agency not in agencies:
                raise _bad(f"{what} names `{agency}`, which isn't listed")
        if len(set(listed)) < len(listed):
            raise _bad(f"{what} names an agency twice")
    if document.threshold.signatures > len(document.threshold.of):
        raise _bad("the threshold asks more signatures than it has signers")
    for role in MUST_SIGN:
        if not any(agencies[one].role == role for one in document.threshold.of):
            raise _bad(f"the threshold has no `{role}`")
    if not any(agencies[one].role == "defender" for one in document.witnesses.required):
        raise _bad("the required witnesses have no `defender`")
    if document.witnesses.at_least > len(agencies):
        raise _bad("more witnesses are asked than there are agencies")
    if (document.version == 1) != (document.previous is None):
        raise _bad("every version but the first names the one before it")


_REDRAW = "draft it again"


def _bad(why: str) -> DirectoryError:
    return DirectoryError(
        "bad-directory", f"the directory doesn't hold together: {why}", fix=_REDRAW
    )
