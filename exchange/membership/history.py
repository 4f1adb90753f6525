"""History of the directory: its versions and the sealing keys, by the index of their leaves."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping

from exchange.errors import DirectoryError, shorten
from exchange.membership.directory import Agency, Directory, read_directory
from exchange.membership.signatures import SignedPayload, missing_signers, signing_kids
from exchange.models import agency_of
from exchange.standards import i_json, jws, keys
from exchange.standards.keys import PrivateKey, PublicKey
from rules.errors import nearest
from rules.frozen import frozen

KEY_TYP = "offramp-key+jwt"

EPOCHS_OPEN = 2
# The numbers of the keys that replace a stolen one, in order: `police.2026-11.02`. Each sorts after
# the month's own key and before the next month's.
_REPLACEMENTS = tuple(f"{number:02}" for number in range(2, 100))


@frozen
class Membership:
    """The directory and the sealing keys at an index of the log.

    `sealing` are the open sealing keys of each agency, newest first.
    """

    index: int
    directory: Directory
    sealing: Mapping[str, tuple[PublicKey, ...]]

    def signer(self, kid: str) -> tuple[Agency, PublicKey]:
        """Return the agency and the key of a key id.

        Raises `DirectoryError` `unknown-key` for a key that was never listed or has retired.
        """
        return self.directory.signer(kid)

    def recipient(self, kid: str) -> tuple[Agency, PublicKey]:
        """Return the agency with this open sealing key, and the key.

        Raises `DirectoryError`: `unknown-recipient`, or `key-old` if the agency has newer ones.
        """
        agency = self.directory.agencies.get(agency_of(kid))
        if agency is None:
            raise DirectoryError(
                "unknown-recipient",
                f"the key `{shorten(kid)}` belongs to no listed agency",
                fix="check the directory",
            )
        for key in self.sealing.get(agency.id, ()):
            if key.kid == kid:
                return agency, key
        raise DirectoryError(
            "key-old",
            f"the key `{shorten(kid)}` isn't an open sealing key",
            fix="seal to the agency's newest key",
        )

    def newest_key(self, agency: str) -> PublicKey:
        """Return the newest sealing key of an agency.

        Raises `DirectoryError` `unknown-recipient`, `no-key`.
        """
        if agency not in self.directory.agencies:
            raise DirectoryError(
                "unknown-recipient",
                f"`{shorten(agency)}` isn't listed",
                fix=nearest(agency, sorted(self.directory.agencies)),
            )
        keys = self.sealing.get(agency)
        if not keys:
            raise DirectoryError(
                "no-key",
                f"`{agency}` has no open sealing key",
                fix="ask it to announce this month's key",
            )
        return keys[0]


class History:
    """Every version and every sealing key, each at the index of its leaf. It only grows."""

    def __init__(self) -> None:
        self._versions: list[tuple[int, Directory]] = []
        self._sealing: list[tuple[int, str, PublicKey]] = []
        # The thumbprint of each signing key that was ever listed, by id, and all of these.
        self._known: dict[str, str] = {}
        self._known_thumbprints: set[str] = set()
        # The same of sealing keys: all thumbprints, and the open keys of each agency, newest first.
        self._sealing_thumbprints: set[str] = set()
        self._open: dict[str, tuple[PublicKey, ...]] = {}
        self._newest_membership: Membership | None = None

    @property
    def size(self) -> int:
        """The number of versions and keys."""
        return len(self._versions) + len(self._sealing)

    @property
    def newest(self) -> Directory:
        """The last version. Raises `DirectoryError` `no-directory`."""
        if not self._versions:
            raise _none_yet()
        return self._versions[-1][1]

    @property
    def founders(self) -> str:
        """The fingerprint that the founders compare by voice.

        It is the SHA-256 of version 1's payload: 64 hex digits. Raises `DirectoryError`
        `no-directory`.
        """
        if not self._versions:
            raise _none_yet()
        return self._versions[0][1].sha256

    def packs(self) -> frozenset[str]:
        """Return the digest of the pack of every version."""
        return frozenset(directory.pack for _, directory in self._versions)

    def pack_since(self) -> int:
        """Return the index from which on the pack in force has been the one of today.

        Raises `DirectoryError` `no-directory`.
        """
        since, pack = 0, self.newest.pack
        for index, directory in reversed(self._versions):
            if directory.pack != pack:
                break
            since = index
        return since

    def signing_kids(self) -> frozenset[str]:
        """Return the id of every signing key that was ever listed."""
        return frozenset(self._known)

    def sealing_kids(self) -> frozenset[str]:
        """Return the id of every sealing key that was ever announced."""
        return frozenset(key.kid for _, _, key in self._sealing)

    def sealing_keys_of(self, agency: str) -> tuple[tuple[int, PublicKey], ...]:
        """Return an agency's announced sealing keys in their order, each with its leaf's index."""
        return tuple((leaf, key) for leaf, owner, key in self._sealing if owner == agency)

    def at(self, index: int) -> Directory:
        """Return the version in force at a leaf's index. Raises `DirectoryError` `no-directory`."""
        if self._versions and index > self._versions[-1][0]:
            return self._versions[-1][1]
        place = bisect_left(self._versions, index, key=_leaf_of)
        if not place:
            raise _none_yet()
        return self._versions[place - 1][1]

    def membership_at(self, index: int) -> Membership:
        """Return the directory and sealing keys in force for the leaf at this index.

        Raises `DirectoryError` `no-directory`.
        """
        if index > max(
            (found[-1][0] for found in (self._versions, self._sealing) if found), default=0
        ):
            return self._newest(index)
        sealing: dict[str, tuple[PublicKey, ...]] = {}
        for leaf, agency, key in self._sealing:
            if leaf < index:
                sealing[agency] = _open_with(key, sealing.get(agency, ()))
        return Membership(index, self.at(index), sealing)

    def _newest(self, index: int) -> Membership:
        """Return the membership after everything that is known, made once for each change."""
        newest = self._newest_membership
        if newest is None or newest.index != index:
            sealing = newest.sealing if newest is not None else dict(self._open)
            newest = self._newest_membership = Membership(index, self.newest, sealing)
        return newest

    def check(self, signed: SignedPayload) -> Directory:
        """Return the next version if enough of the right agencies signed it. Nothing is added yet.

        Raises as `read_directory`, and `DirectoryError`: `wrong-version`, `bad-signatures`,
        `threshold`, `key-reused`.
        """
        directory = read_directory(signed.payload)
        previous = self._versions[-1][1] if self._versions else None
        if directory.version != (previous.version + 1 if previous else 1) or (
            previous is not None and directory.document.previous != previous.sha256
        ):
            raise DirectoryError(
                "wrong-version",
                "this version doesn't follow the version in force",
                fix="draft it from the newest version",
            )
        kids = signing_kids(signed, previous or directory)
        signers = {agency_of(kid) for kid in kids}
        if previous is None:
            missing = sorted(set(directory.agencies) - signers)
        elif is_own_key_retirement(previous, directory, kids):
            missing = []
        else:
            missing = missing_signers(previous, signers)
        if missing:
            raise DirectoryError(
                "threshold",
                f"it lacks the signature of `{missing[0]}`",
                fix="have them sign it as well",
            )
        self._check_keys_unused(directory)
        return directory

    def add(self, index: int, signed: SignedPayload) -> Directory:
        """Add the next version, committed at this index. Raises as `check` does."""
        directory = self.check(signed)
        self._versions.append((index, directory))
        self._newest_membership = None
        for agency in directory.agencies.values():
            for key in agency.signing.values():
                self._known[key.kid] = key.thumbprint
                self._known_thumbprints.add(key.thumbprint)
        return directory

    def check_sealing(self, announced: str) -> tuple[Agency, PublicKey]:
        """Return the agency and the key of an announcement that the agency signed.

        It must be in force after the newest leaf. Raises `DirectoryError`: `unknown-key`, or
        `bad-announcement` for a key that isn't the agency's own, or not of a later month than its
        last, nor a replacement of that (`name_replacement`).
        """
        unverified = jws.read(announced, typ=KEY_TYP, at_most=4096)
        agency, signing = self.newest.signer(unverified.kid)
        announcement = i_json.read_object(unverified.payload(signing))
        if set(announcement) != {"iss", "key"} or announcement["iss"] != agency.id:
            raise _announcement("it belongs to another agency")
        key = keys.read_public_key(announcement["key"], "enc")
        owner, _, epoch = key.kid.partition(".")
        month, dot, number = epoch.partition(".")
        is_named = _is_month(month) and (not dot or number in _REPLACEMENTS)
        if owner != agency.id or not is_named:
            raise _announcement(f"`{shorten(key.kid)}` isn't named after the agency and the month")
        last_key = next(iter(self._open.get(agency.id, ())), None)
        if last_key is not None and key.kid <= last_key.kid:
            raise _announcement(
                f"`{shorten(key.kid)}` isn't of a later month than `{last_key.kid}`, nor a "
                "replacement after it"
            )
        if key.thumbprint in self._sealing_thumbprints:
            raise _announcement(f"`{shorten(key.kid)}` is a key of another month or agency")
        return agency, key

    def add_sealing(self, index: int, announced: str) -> None:
        """Add a sealing key, committed at this index. Raises as `check_sealing` does."""
        agency, key = self.check_sealing(announced)
        self._sealing.append((index, agency.id, key))
        self._sealing_thumbprints.add(key.thumbprint)
        self._open[agency.id] = _open_with(key, self._open.get(agency.id, ()))
        self._newest_membership = None

    def _check_keys_unused(self, directory: Directory) -> None:
        """Check that a key id names one key forever, and that a retired key doesn't return."""
        agencies = self.newest.agencies.values() if self._versions else ()
        in_force = {kid for agency in agencies for kid in agency.signing}
        for agency in directory.agencies.values():
            for key in agency.signing.values():
                thumbprint = self._known.get(key.kid)
                if (
                    thumbprint is not None
                    and (thumbprint != key.thumbprint or key.kid not in in_force)
                ) or (thumbprint is None and key.thumbprint in self._known_thumbprints):
                    raise DirectoryError(
                        "key-reused",
                        f"the key `{key.kid}` was used before",
                        fix="make a new key with a new id",
                    )


def _leaf_of(version: tuple[int, Directory]) -> int:
    return version[0]


def announce_key(key: PublicKey, signing: PrivateKey) -> str:
    """Sign an agency's announcement of a sealing key."""
    agency = agency_of(signing.public.kid)
    return jws.sign(i_json.write({"iss": agency, "key": key.as_jwk()}), signing, typ=KEY_TYP)


def name_replacement(kid: str, month: str) -> str:
    """Return the id of the key that replaces an agency's newest sealing key `kid`.

    `month` is the present one, as `2026-11`. Raises `DirectoryError` `bad-announcement` after the
    99th key of a month.
    """
    agency, _, epoch = kid.partition(".")
    last_month, _, number = epoch.partition(".")
    if last_month < month:
        return f"{agency}.{month}.{_REPLACEMENTS[0]}"
    following = int(number or 1) + 1
    if following > len(_REPLACEMENTS) + 1:
        raise _announcement("a month has at most 99 keys")
    return f"{agency}.{last_month}.{following:02}"


def is_replacement(kid: str) -> bool:
    """Return whether a sealing key replaces all earlier ones of its agency, as after a theft."""
    return kid.count(".") == 2


def _open_with(key: PublicKey, before: tuple[PublicKey, ...]) -> tuple[PublicKey, ...]:
    """Return an agency's open keys after one more.

    INVARIANT: a replacement closes every earlier key, because a thief may have any of them.
    """
    return (key,) if is_replacement(key.kid) else (key, *before)[:EPOCHS_OPEN]


def is_own_key_retirement(before: Directory, after: Directory, kids: Iterable[str]) -> bool:
    """Test if the only change is that one agency drops signing keys that it signed with.

    That agency must be the only signer. So the thief of a key can retire that key, and not the
    other one with which the agency defends itself.
    """
    signers = {agency_of(kid) for kid in kids}
    entries_before, entries_after = (
        {entry.id: entry for entry in version.document.agencies} for version in (before, after)
    )
    changed = [
        agency_id
        for agency_id in entries_before
        if entries_before[agency_id] != entries_after.get(agency_id)
    ]
    if len(changed) != 1 or set(signers) != set(changed) or changed[0] not in entries_after:
        return False
    rest_before, rest_after = (_plain(version, without=changed[0]) for version in (before, after))
    keys_before, keys_after = entries_before[changed[0]].signing, entries_after[changed[0]].signing
    retired = {str(jwk.get("kid")) for jwk in keys_before if jwk not in keys_after}
    return (
        rest_before == rest_after
        and bool(retired)
        and all(jwk in keys_before for jwk in keys_after)
        and retired <= set(kids)
    )


def _plain(directory: Directory, without: str) -> object:
    """Return the document without version, `previous`, and one agency's keys."""
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
        f"the announced key isn't accepted: {why}",
        fix="announce a new key of the next month",
    )


def _none_yet() -> DirectoryError:
    return DirectoryError(
        "no-directory", "no directory is in force yet", fix="have the founders sign version 1"
    )


def in_groups(fingerprint: str) -> str:
    """Return a fingerprint in groups of eight digits, as people read it out."""
    return " ".join(fingerprint[start : start + 8] for start in range(0, 64, 8))
