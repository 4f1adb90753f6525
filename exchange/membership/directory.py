"""Who takes part, under which keys, by whose signatures: the directory, its versions in the log, and the keys to seal to.

The hub serves the directory and can't change it. Version 1 is signed by every founder; each later one by the threshold of the
version before it. The threshold stands for the policy group: a defender and a treatment provider belong to it, and nothing
passes without a signature of each, since a quorum of the others would make their seats worth nothing. One thing an agency may
do alone: retire keys of its own, at once, because a stolen key can't wait for a meeting.

A version is in force for what stands after its leaf in the log. So a key retires at an index and not at a time, and what was
signed before stays good.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from hashlib import sha256
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from exchange.errors import DirectoryError, KeyMaterialError, TextError, shown
from exchange.models import AgencyId, Listed, Shape, agency_of, held
from exchange.standards import base64, i_json, notes
from exchange.standards import jws as jws_
from exchange.standards import keys as keys_
from exchange.standards.keys import PrivateKey, PublicKey
from exchange.standards.notes import NoteKey
from rules.frozen import frozen

TYP = "offramp-directory+jws"
KEY_TYP = "offramp-key+jwt"
LARGEST = 256 * 1024
EPOCHS_OPEN = 2

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


# The document


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


class PackNamed(Shape):
    """Which pack's `disclosure` decides: its id, and the digest of the resolved pack."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class AgencyEntry(Shape):
    """One agency, as the document writes it. `part2` says whether 42 CFR Part 2 covers it; unknown counts as yes."""

    id: AgencyId
    name: _Name
    role: Role
    part2: Literal["yes", "no", "unknown"]
    custody: Literal["own", "hosted"]
    signing: Annotated[tuple[dict[str, str], ...], Field(strict=False, max_length=8)]
    witness: Annotated[str, Field(max_length=512)]


class Threshold(Shape):
    """How many of whom sign a new version."""

    signatures: Annotated[int, Field(ge=2, le=64)]
    of: Listed[AgencyId]


class Quorum(Shape):
    """Who must have cosigned a checkpoint, and how many in all."""

    required: Listed[AgencyId]
    at_least: Annotated[int, Field(ge=2, le=64)]


class Document(Shape):
    """The directory as it is signed. `previous` is the SHA-256 of the payload before, absent from version 1."""

    version: Annotated[int, Field(ge=1)]
    program: _Name
    zone: Annotated[str, AfterValidator(_a_zone)]
    pack: PackNamed
    log: Annotated[str, Field(max_length=512)]
    agencies: Listed[AgencyEntry]
    threshold: Threshold
    witnesses: Quorum
    previous: _Hex | None = None


# What it means


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

    document: Document
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

    def role(self, agency: str) -> str | None:
        """The role of an agency; None for one that isn't listed."""
        found = self.agencies.get(agency)
        return found.role if found else None

    def signs_alone(self, agency: str) -> str | None:
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

    def check_quorum(self, witnessed: notes.Witnessed) -> None:
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
        document = held(Document, i_json.read_object(payload), "the directory")
    except TextError as error:
        raise DirectoryError(
            "not-a-directory", f"the directory can't be read: {error.message}", fix=_REDRAW
        ) from None
    agencies = {entry.id: _agency(entry) for entry in document.agencies}
    if len(agencies) != len(document.agencies):
        raise _bad("an agency stands twice")
    try:
        log = notes.verifier_key(document.log)
    except KeyMaterialError as error:
        raise _bad(f"of the log's key, {error.message}") from None
    directory = Directory(document, payload, agencies, log, ZoneInfo(document.zone))
    _check_whole(directory)
    return directory


def _agency(entry: AgencyEntry) -> Agency:
    try:
        keys = [keys_.public_key(jwk, "sig") for jwk in entry.signing]
        witness = notes.verifier_key(entry.witness)
    except KeyMaterialError as error:
        raise _bad(f"of `{entry.id}`, {error.message}") from None
    for kid in (*(key.kid for key in keys), witness.name):
        if agency_of(kid) != entry.id or not kid.partition(".")[2]:
            raise _bad(f"the key `{shown(kid)}` isn't named after `{entry.id}`")
    if len({key.kid for key in keys}) < len(keys):
        raise _bad(f"a key of `{entry.id}` stands twice")
    by_id = {key.kid: key for key in keys}
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


# Signing


@frozen
class Signed:
    """A directory's payload with detached signatures, compact JWS whose middle is empty (RFC 7515, appendix F)."""

    payload: bytes
    signatures: tuple[str, ...]

    def write(self) -> bytes:
        """As JSON, as `read_signed` reads it."""
        return i_json.write(
            {"directory": base64.encode_url(self.payload), "signatures": list(self.signatures)}
        )


class _SignedShape(Shape):
    directory: Annotated[str, Field(max_length=2 * LARGEST)]
    signatures: Listed[Annotated[str, Field(max_length=1024)]]


def write_document(document: Mapping[str, object]) -> bytes:
    """The payload of a drafted document, once it has been found whole. Raises as `read_directory`."""
    payload = i_json.write(dict(document))
    read_directory(payload)
    return payload


def sign_directory(payload: bytes, key: PrivateKey) -> str:
    """One agency's detached signature of a payload."""
    return detached(jws_.sign(payload, key, typ=TYP))


def detached(jws: str) -> str:
    """A compact JWS without its payload."""
    header, _, signature = jws.split(".")
    return f"{header}..{signature}"


def attached(signature: str, payload: bytes) -> str:
    """A detached JWS with its payload again. Raises `DirectoryError` `bad-signatures`."""
    header, dots, value = signature.partition("..")
    if not dots or "." in header or "." in value:
        raise DirectoryError(
            "bad-signatures", f"`{shown(signature)}` is no detached signature", fix="sign it again"
        )
    return f"{header}.{base64.encode_url(payload)}.{value}"


def read_signed(data: bytes) -> Signed:
    """A signed directory, nothing verified. Raises `TextError`, `ContentError`, `DirectoryError` `not-a-directory`."""
    if len(data) > 2 * LARGEST:
        raise DirectoryError(
            "not-a-directory",
            f"a directory of `{len(data)}` bytes isn't read",
            fix="make it smaller",
        )
    shape = held(_SignedShape, i_json.read_object(data), "the signed directory")
    return Signed(base64.decode_url(shape.directory), shape.signatures)


# Over time


@frozen
class Standing:
    """What holds at one index of the log: the directory in force, and each agency's open keys to seal to, newest first."""

    index: int
    directory: Directory
    sealing: Mapping[str, tuple[PublicKey, ...]]

    def signer(self, kid: str) -> tuple[Agency, PublicKey]:
        """The agency and key of a key id. Raises `DirectoryError` `unknown-key`: never listed, or retired by then."""
        agency = self.directory.agencies.get(agency_of(kid))
        key = agency.signing.get(kid) if agency else None
        if agency is None or key is None:
            raise DirectoryError(
                "unknown-key",
                f"the key `{shown(kid)}` isn't in force",
                fix="sign with a key in force",
            )
        return agency, key

    def recipient(self, kid: str) -> tuple[Agency, PublicKey]:
        """The agency whose open key this is.

        Raises `DirectoryError`: `unknown-recipient`, or `key-old` where the agency has newer ones.
        """
        agency = self.directory.agencies.get(agency_of(kid))
        if agency is None:
            raise DirectoryError(
                "unknown-recipient",
                f"`{shown(kid)}` is no listed agency's key",
                fix="check the directory",
            )
        key = next((key for key in self.sealing.get(agency.id, ()) if key.kid == kid), None)
        if key is None:
            raise DirectoryError(
                "key-old",
                f"the key `{shown(kid)}` isn't open",
                fix="seal to the agency's newest key",
            )
        return agency, key

    def newest_key(self, agency: str) -> PublicKey:
        """The key to seal to for an agency. Raises `DirectoryError` `unknown-recipient`, `no-key`."""
        if agency not in self.directory.agencies:
            raise DirectoryError(
                "unknown-recipient", f"`{shown(agency)}` isn't listed", fix="check the directory"
            )
        keys = self.sealing.get(agency)
        if not keys:
            raise DirectoryError(
                "no-key",
                f"`{agency}` has opened no key to seal to",
                fix="ask it to open this month's",
            )
        return keys[0]


class History:
    """Every version and every key to seal to, each at the index of its leaf. Append-only."""

    def __init__(self) -> None:
        self._versions: list[tuple[int, Directory]] = []
        self._sealing: list[tuple[int, str, PublicKey]] = []
        self._known: dict[str, str] = {}

    @property
    def size(self) -> int:
        """How many versions and keys there are."""
        return len(self._versions) + len(self._sealing)

    @property
    def newest(self) -> Directory:
        """The last version. Raises `DirectoryError` `no-directory`."""
        if not self._versions:
            raise _none_yet()
        return self._versions[-1][1]

    @property
    def founders(self) -> str:
        """The fingerprint that founders compare by voice: SHA-256 of version 1's payload, 64 hex digits."""
        if not self._versions:
            raise _none_yet()
        return self._versions[0][1].sha256

    def at(self, index: int) -> Directory:
        """The version in force for the leaf at this index. Raises `DirectoryError` `no-directory`."""
        found = [directory for leaf, directory in self._versions if leaf < index]
        if not found:
            raise _none_yet()
        return found[-1]

    def standing(self, index: int) -> Standing:
        """What holds for the leaf at this index. Raises `DirectoryError` `no-directory`."""
        sealing: dict[str, tuple[PublicKey, ...]] = {}
        for leaf, agency, key in self._sealing:
            if leaf < index:
                sealing[agency] = (key, *sealing.get(agency, ()))[:EPOCHS_OPEN]
        return Standing(index, self.at(index), sealing)

    def check(self, signed: Signed) -> Directory:
        """The next version, if enough of the right agencies signed it; nothing is added yet.

        Raises as `read_directory`, and `DirectoryError`: `wrong-version`, `bad-signatures`, `threshold`, `key-reused`.
        """
        directory = read_directory(signed.payload)
        before = self._versions[-1][1] if self._versions else None
        if directory.version != (before.version + 1 if before else 1) or (
            before is not None and directory.document.previous != before.sha256
        ):
            raise DirectoryError(
                "wrong-version",
                "this doesn't follow the version in force",
                fix="draft it on the newest",
            )
        kids = _signers(signed, before or directory)
        signers = {agency_of(kid) for kid in kids}
        if before is None:
            lacking = sorted(set(directory.agencies) - signers)
        elif retires_own(before, directory, kids):
            lacking = []
        else:
            lacking = _lacking(before, signers)
        if lacking:
            raise DirectoryError(
                "threshold",
                f"it lacks the signature of `{lacking[0]}`",
                fix="have them sign it too",
            )
        self._no_key_twice(directory)
        return directory

    def add(self, index: int, signed: Signed) -> Directory:
        """The next version, committed at this index. Raises as `check`."""
        directory = self.check(signed)
        self._versions.append((index, directory))
        for agency in directory.agencies.values():
            for key in agency.signing.values():
                self._known[key.kid] = key.thumbprint
        return directory

    def check_sealing(self, announced: str) -> tuple[Agency, PublicKey]:
        """The agency and key of an announcement that the agency signed, in force after the newest leaf.

        Raises `DirectoryError`: `unknown-key`, `bad-announcement` (not its own, or not of a later month than its last).
        """
        unverified = jws_.read(announced, typ=KEY_TYP, at_most=4096)
        agency, signing = Standing(0, self.newest, {}).signer(unverified.kid)
        said = i_json.read_object(unverified.payload(signing))
        if set(said) != {"iss", "key"} or said["iss"] != agency.id:
            raise _announcement("it isn't the agency's own")
        key = keys_.public_key(said["key"], "enc")
        owner, _, month = key.kid.partition(".")
        if owner != agency.id or not _is_month(month):
            raise _announcement(f"`{shown(key.kid)}` isn't named after agency and month")
        last = next((held for _, of, held in reversed(self._sealing) if of == agency.id), None)
        if last is not None and key.kid <= last.kid:
            raise _announcement(f"`{shown(key.kid)}` isn't of a later month than `{last.kid}`")
        if key.thumbprint in {held.thumbprint for _, _, held in self._sealing}:
            raise _announcement(f"`{shown(key.kid)}` is a key of another month or agency")
        return agency, key

    def add_sealing(self, index: int, announced: str) -> None:
        """A key to seal to, committed at this index. Raises as `check_sealing`."""
        agency, key = self.check_sealing(announced)
        self._sealing.append((index, agency.id, key))

    def _no_key_twice(self, directory: Directory) -> None:
        """A key id means one key for ever, and a retired one doesn't come back."""
        listed = self.newest.agencies.values() if self._versions else ()
        in_force = {kid for agency in listed for kid in agency.signing}
        for agency in directory.agencies.values():
            for key in agency.signing.values():
                known = self._known.get(key.kid)
                if (known is not None and (known != key.thumbprint or key.kid not in in_force)) or (
                    known is None and key.thumbprint in self._known.values()
                ):
                    raise DirectoryError(
                        "key-reused",
                        f"the key `{key.kid}` was used before",
                        fix="make a new key, a new id",
                    )


def announce(key: PublicKey, signing: PrivateKey) -> str:
    """An agency's announcement of a key to seal to."""
    agency = agency_of(signing.public.kid)
    return jws_.sign(i_json.write({"iss": agency, "key": key.as_jwk()}), signing, typ=KEY_TYP)


def retires_own(before: Directory, after: Directory, kids: Iterable[str]) -> bool:
    """Whether all that changes is that one agency, which alone signed, has fewer signing keys: those that it signed with.

    So whoever stole one key can retire that one, and not the other with which the agency defends itself.
    """
    signers = {agency_of(kid) for kid in kids}
    held_before, held_after = (
        {entry.id: entry for entry in one.document.agencies} for one in (before, after)
    )
    changed = [one for one in held_before if held_before[one] != held_after.get(one)]
    if len(changed) != 1 or set(signers) != set(changed) or changed[0] not in held_after:
        return False
    old, new = (_plain(one, without=changed[0]) for one in (before, after))
    then, now = held_before[changed[0]].signing, held_after[changed[0]].signing
    retired = {str(jwk.get("kid")) for jwk in then if jwk not in now}
    return old == new and bool(retired) and all(jwk in then for jwk in now) and retired <= set(kids)


def _plain(directory: Directory, without: str) -> object:
    """The document without version, `previous` and one agency's keys."""
    members = directory.document.model_dump(exclude={"version", "previous"})
    for agency in members["agencies"]:
        if agency["id"] == without:
            del agency["signing"]
    return members


def check_threshold(signed: Signed, before: Directory, typ: str) -> frozenset[str]:
    """The agencies that signed a payload of this type, if they are enough of the right ones by a directory.

    Raises `DirectoryError`: `threshold`, `bad-signatures`, `unknown-key`; `SignedTextError`.
    """
    signers = frozenset(agency_of(kid) for kid in _signers(signed, before, typ))
    if lacking := _lacking(before, signers):
        raise DirectoryError(
            "threshold", f"it lacks the signature of `{lacking[0]}`", fix="have them sign it too"
        )
    return signers


def _signers(signed: Signed, known: Directory, typ: str = TYP) -> set[str]:
    """The keys that signed, by id; a signature that doesn't hold refuses the whole."""
    standing = Standing(0, known, {})
    found: list[str] = []
    for signature in signed.signatures:
        jws = attached(signature, signed.payload)
        unverified = jws_.read(jws, typ=typ, at_most=2 * LARGEST)
        _, key = standing.signer(unverified.kid)
        unverified.payload(key)
        found.append(unverified.kid)
    return set(found)


def signer_of(signature: str, payload: bytes, known: Directory, typ: str = TYP) -> str:
    """The agency that made one detached signature of a payload, by the keys of a directory. Raises as `History.check`."""
    return agency_of(key_behind(signature, payload, known, typ))


def key_behind(signature: str, payload: bytes, known: Directory, typ: str = TYP) -> str:
    """The id of the key that made one detached signature of a payload, in force in a directory. Raises as `History.check`."""
    (kid,) = _signers(Signed(payload, (signature,)), known, typ)
    return kid


def _lacking(before: Directory, signers: Set[str]) -> list[str]:
    threshold, agencies = before.document.threshold, before.agencies
    signed = [one for one in threshold.of if one in signers]
    lacking = [role for role in MUST_SIGN if not any(agencies[one].role == role for one in signed)]
    if len(signed) < threshold.signatures:
        lacking += [one for one in threshold.of if one not in signers]
    return lacking


def _is_month(text: str) -> bool:
    year, dash, month = text.partition("-")
    digits = year.isascii() and year.isdigit() and month.isascii() and month.isdigit()
    return bool(dash) and digits and len(year) == 4 and len(month) == 2 and 1 <= int(month) <= 12


_REDRAW = "draft it again"


def _bad(why: str) -> DirectoryError:
    return DirectoryError(
        "bad-directory", f"the directory doesn't hold together: {why}", fix=_REDRAW
    )


def _announcement(why: str) -> DirectoryError:
    return DirectoryError(
        "bad-announcement",
        f"the announced key isn't taken: {why}",
        fix="announce next month's own key",
    )


def _none_yet() -> DirectoryError:
    return DirectoryError(
        "no-directory", "no directory is in force yet", fix="have the founders sign version 1"
    )
