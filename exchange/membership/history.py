"""Versions of the directory and the sealing keys, by the index of their leaves in the log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from exchange.errors import DirectoryError, shorten
from exchange.membership.directory import Agency, Directory, read_directory
from exchange.membership.signatures import SignedPayload, missing_signers, signing_kids
from exchange.models import agency_of
from exchange.standards import i_json, jws, keys
from exchange.standards.keys import PrivateKey, PublicKey
from rules.frozen import frozen

KEY_TYP = "offramp-key+jwt"

EPOCHS_OPEN = 2


@frozen
class Membership:
    """What holds at one index of the log: the directory in force, and each agency's open keys to seal to, newest first."""

    index: int
    directory: Directory
    sealing: Mapping[str, tuple[PublicKey, ...]]

    def signer(self, kid: str) -> tuple[Agency, PublicKey]:
        """The agency and key of a key id. Raises `DirectoryError` `unknown-key`: never listed, or retired by then."""
        return self.directory.signer(kid)

    def recipient(self, kid: str) -> tuple[Agency, PublicKey]:
        """The agency whose open key this is.

        Raises `DirectoryError`: `unknown-recipient`, or `key-old` where the agency has newer ones.
        """
        agency = self.directory.agencies.get(agency_of(kid))
        if agency is None:
            raise DirectoryError(
                "unknown-recipient",
                f"`{shorten(kid)}` is no listed agency's key",
                fix="check the directory",
            )
        key = next((key for key in self.sealing.get(agency.id, ()) if key.kid == kid), None)
        if key is None:
            raise DirectoryError(
                "key-old",
                f"the key `{shorten(kid)}` isn't open",
                fix="seal to the agency's newest key",
            )
        return agency, key

    def newest_key(self, agency: str) -> PublicKey:
        """The key to seal to for an agency. Raises `DirectoryError` `unknown-recipient`, `no-key`."""
        if agency not in self.directory.agencies:
            raise DirectoryError(
                "unknown-recipient", f"`{shorten(agency)}` isn't listed", fix="check the directory"
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

    def membership_at(self, index: int) -> Membership:
        """What holds for the leaf at this index. Raises `DirectoryError` `no-directory`."""
        sealing: dict[str, tuple[PublicKey, ...]] = {}
        for leaf, agency, key in self._sealing:
            if leaf < index:
                sealing[agency] = (key, *sealing.get(agency, ()))[:EPOCHS_OPEN]
        return Membership(index, self.at(index), sealing)

    def check(self, signed: SignedPayload) -> Directory:
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
        kids = signing_kids(signed, before or directory)
        signers = {agency_of(kid) for kid in kids}
        if before is None:
            lacking = sorted(set(directory.agencies) - signers)
        elif is_own_key_retirement(before, directory, kids):
            lacking = []
        else:
            lacking = missing_signers(before, signers)
        if lacking:
            raise DirectoryError(
                "threshold",
                f"it lacks the signature of `{lacking[0]}`",
                fix="have them sign it too",
            )
        self._no_key_twice(directory)
        return directory

    def add(self, index: int, signed: SignedPayload) -> Directory:
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
        unverified = jws.read(announced, typ=KEY_TYP, at_most=4096)
        agency, signing = self.newest.signer(unverified.kid)
        said = i_json.read_object(unverified.payload(signing))
        if set(said) != {"iss", "key"} or said["iss"] != agency.id:
            raise _announcement("it isn't the agency's own")
        key = keys.read_public_key(said["key"], "enc")
        owner, _, month = key.kid.partition(".")
        if owner != agency.id or not _is_month(month):
            raise _announcement(f"`{shorten(key.kid)}` isn't named after agency and month")
        last = next((held for _, of, held in reversed(self._sealing) if of == agency.id), None)
        if last is not None and key.kid <= last.kid:
            raise _announcement(f"`{shorten(key.kid)}` isn't of a later month than `{last.kid}`")
        if key.thumbprint in {held.thumbprint for _, _, held in self._sealing}:
            raise _announcement(f"`{shorten(key.kid)}` is a key of another month or agency")
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


def announce_key(key: PublicKey, signing: PrivateKey) -> str:
    """An agency's announcement of a key to seal to."""
    agency = agency_of(signing.public.kid)
    return jws.sign(i_json.write({"iss": agency, "key": key.as_jwk()}), signing, typ=KEY_TYP)


def is_own_key_retirement(before: Directory, after: Directory, kids: Iterable[str]) -> bool:
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


def _is_month(text: str) -> bool:
    year, dash, month = text.partition("-")
    digits = year.isascii() and year.isdigit() and month.isascii() and month.isdigit()
    return bool(dash) and digits and len(year) == 4 and len(month) == 2 and 1 <= int(month) <= 12


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
