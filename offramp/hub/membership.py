"""Add agencies to the directory: drafts of the next version, and their signatures.

`offramp.hub.invitations` invites an agency. An agency that joins puts its keys into a draft of the
next version. A draft comes into force when the agencies that must sign have signed: all founders
for the first version, the threshold for a later one. The hub only collects signatures. It can sign
nothing.

Drafts exist side by side, by digest, a few for each agency. So no proposal can void the signatures
of another. A draft may follow a draft: an agency that retires a stolen key at once proposes the new
key together with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import Field

from exchange.errors import DirectoryError, ExchangeError
from exchange.hub.hub import Hub
from exchange.membership.directory import (
    AgencyEntry,
    Directory,
    read_directory,
    write_document,
)
from exchange.membership.proposal import draft_next_version
from exchange.membership.signatures import SignedPayload, read_signing_kid
from exchange.models import AgencyId, WireModel, validate
from exchange.standards import base64, i_json, keys
from offramp.hub.invitations import Invited, bad_code
from rules.frozen import frozen

# For each agency. Its next draft then replaces its oldest.
MOST_DRAFTS = 4
# The store keeps each pack that was ever proposed, under this word and its digest.
PACK = "pack"
# And each memo of a change, under this word, the digest of the new pack, and its own.
MEMO = "memo"
MOST_MEMOS = 16  # of one pack
_DRAFTS, _JOINED = "drafts", ""
_POLICY_GROUP = ("prosecutor", "defender", "program", "case_management", "treatment_provider")


class Joining(WireModel):
    """An agency's own entry when it joins. `signing` is a JWK, `witness` a C2SP key."""

    code: Annotated[str, Field(max_length=2048)]
    agency: AgencyId
    part2: Literal["yes", "no", "unknown"]
    custody: Literal["own", "hosted"] = "own"
    signing: dict[str, str]
    witness: Annotated[str, Field(max_length=512)]


@frozen
class Founding:
    """The first version of a directory, without its agencies."""

    name: str
    zone: str
    pack: Mapping[str, str]
    log: str


@frozen
class Draft:
    """A draft and its detached signatures. `by` proposed it. It is empty for joins by code."""

    by: str
    payload: bytes
    signatures: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """The digest of the payload, hexadecimal: the draft's name."""
        return sha256(self.payload).hexdigest()

    def json(self) -> dict[str, object]:
        """Return the draft as JSON: proposer, directory in base64url, and signatures."""
        return {
            "by": self.by,
            "directory": base64.encode_url(self.payload),
            "signatures": list(self.signatures),
        }


def join(hub: Hub, invited: Invited, joining: Joining, founding: Founding) -> bytes:
    """Add an agency to the draft of the next version, and return the draft's payload.

    Raises `RequestRefused` `bad-code`, `KeyMaterialError`, `DirectoryError` `already-listed`.
    """
    if joining.agency != invited.agency:
        raise bad_code()
    newest = hub.history.newest if hub.history.size else None
    if newest is not None and invited.agency in newest.agencies:
        raise DirectoryError(
            "already-listed",
            f"`{invited.agency}` is in the directory",
            fix="propose a change of it",
        )
    entry = _entry_of(invited, joining)
    document = _draft_to_join(hub, founding)
    document["agencies"] = [
        *(agency for agency in document["agencies"] if agency["id"] != invited.agency),
        entry,
    ]
    if newest is None:
        document |= _founding_rules(document["agencies"])
    # Nobody should sign a founding draft that lacks an agency that has joined since.
    return _add(hub, i_json.write(document), _JOINED, alone=newest is None)


def _entry_of(invited: Invited, joining: Joining) -> dict[str, Any]:
    """Return the agency's entry in the directory, with its key checked."""
    keys.read_public_key(joining.signing, "sig")
    entry = {
        "id": invited.agency,
        "name": invited.name,
        "role": invited.role,
        "part2": joining.part2,
        "custody": joining.custody,
        "signing": [joining.signing],
        "witness": joining.witness,
    }
    return validate(AgencyEntry, entry, "the agency").model_dump(mode="json")


def _draft_to_join(hub: Hub, founding: Founding) -> dict[str, Any]:
    """Return the newest draft of joins for the next version, or that version unchanged."""
    fresh = _next_version(hub, founding)
    joined = [i_json.read_object(draft.payload) for draft in drafts(hub) if draft.by == _JOINED]
    # A draft of an older version can't be continued.
    current = [document for document in joined if document.get("version") == fresh["version"]]
    return current[-1] if current else fresh


def _next_version(hub: Hub, founding: Founding) -> dict[str, Any]:
    if hub.history.size:
        return draft_next_version(hub.history.newest)
    return {
        "version": 1,
        "program": founding.name,
        "zone": founding.zone,
        "pack": dict(founding.pack),
        "log": founding.log,
        "agencies": [],
    }


def _founding_rules(agencies: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the first threshold and witnesses.

    More than half of the policy group must sign later versions. The defender and one other agency
    witness the log.
    """
    group = [agency["id"] for agency in agencies if agency["role"] in _POLICY_GROUP]
    defenders = [agency["id"] for agency in agencies if agency["role"] == "defender"]
    return {
        "threshold": {"signatures": max(2, len(group) // 2 + 1), "of": group},
        "witnesses": {"required": defenders, "at_least": 2},
    }


def drafts(hub: Hub) -> tuple[Draft, ...]:
    """Return every draft that waits for signatures, oldest first."""
    stored = i_json.read(hub.store.value(_DRAFTS) or b"[]")
    assert isinstance(stored, list), "as `_store` writes them"
    return tuple(
        Draft(entry["by"], base64.decode_url(entry["directory"]), tuple(entry["signatures"]))
        for entry in stored
    )


def draft(hub: Hub) -> bytes:
    """Return the payload of the newest draft. Raises `DirectoryError` `no-draft`."""
    waiting = drafts(hub)
    if not waiting:
        raise DirectoryError(
            "no-draft", "no version of the directory is being drafted", fix="invite an agency first"
        )
    return waiting[-1].payload


def propose(hub: Hub, document: Mapping[str, object], by: str) -> bytes:
    """Add a draft that an agency wrote whole, on the version in force or on a draft.

    Raises as `directory.write_document`, and `DirectoryError` `wrong-version`, `pack-missing`,
    `memo-missing`.
    """
    payload = write_document(document)
    drafted = read_directory(payload)
    newest = hub.history.newest
    if drafted.pack != newest.pack and hub.store.value(f"{PACK} {drafted.pack}") is None:
        raise DirectoryError(
            "pack-missing",
            f"the hub doesn't have the pack `{drafted.pack[:19]}…`",
            fix="send the pack first",
        )
    memo = drafted.document.pack.memo
    if memo is not None and memo != newest.document.pack.memo:
        if hub.store.value(f"{MEMO} {drafted.pack} {memo}") is None:
            raise DirectoryError(
                "memo-missing",
                f"the hub doesn't have the memo `{memo[:19]}…` of this pack",
                fix="send the memo first",
            )
    versions = {entry.sha256: read_directory(entry.payload).version for entry in drafts(hub)}
    versions[newest.sha256] = newest.version
    if versions.get(drafted.document.previous or "") != drafted.version - 1:
        raise DirectoryError(
            "wrong-version",
            "this doesn't follow the version in force",
            fix="draft it on the newest",
        )
    return _add(hub, payload, by)


def keep_memo(hub: Hub, pack: str, digest: str, text: bytes) -> None:
    """Keep the memo of the change to a pack.

    Raises `DirectoryError` `pack-missing`, and `too-many-memos` for a pack with `MOST_MEMOS`.
    """
    if hub.store.value(f"{PACK} {pack}") is None:
        raise DirectoryError(
            "pack-missing", f"the hub doesn't have the pack `{pack[:19]}…`", fix="send it first"
        )
    names = hub.store.value_names(f"{MEMO} {pack} ")
    name = f"{MEMO} {pack} {digest}"
    if len(names) >= MOST_MEMOS and name not in names:
        raise DirectoryError(
            "too-many-memos",
            f"the hub keeps {MOST_MEMOS} memos of the pack `{pack[:19]}…` already",
            fix="propose one of those",
        )
    hub.store.set_value(name, text)


def sign(hub: Hub, digest: str, signature: str, now: int) -> bool:
    """Add a signature to the draft of a digest. Return whether the version is now in force.

    Raises `DirectoryError`: `no-draft`, `another-draft` (no draft has that digest), and as
    `History.check` if the signature or the draft is wrong.
    """
    draft(hub)
    waiting = drafts(hub)
    chosen = next((entry for entry in waiting if entry.sha256 == digest), None)
    if chosen is None:
        raise DirectoryError(
            "another-draft",
            "no draft is the one that was signed",
            fix="look at it again, then sign",
        )
    signed = _with_signature(hub, chosen, signature)
    try:
        hub.change_directory(SignedPayload(signed.payload, signed.signatures), now)
    except DirectoryError as error:
        if error.code != "threshold":
            raise
        _store(hub, (signed if entry is chosen else entry for entry in waiting))
        return False
    _store(hub, _still_possible(drafts(hub), hub.history.newest.sha256))
    return True


def _with_signature(hub: Hub, unsigned: Draft, signature: str) -> Draft:
    """Return the draft with one more signature: one of each key, none of a retired key."""
    known = hub.history.newest if hub.history.size else read_directory(unsigned.payload)
    kid = read_signing_kid(signature, unsigned.payload, known)
    kept = [
        earlier
        for earlier in unsigned.signatures
        if _kid_or_none(earlier, unsigned.payload, known) not in (None, kid)
    ]
    return Draft(unsigned.by, unsigned.payload, (*kept, signature))


def _kid_or_none(signature: str, payload: bytes, known: Directory) -> str | None:
    try:
        return read_signing_kid(signature, payload, known)
    except ExchangeError:
        return None


def _add(hub: Hub, payload: bytes, by: str, *, alone: bool = False) -> bytes:
    """Add a draft. Other drafts keep their signatures. `alone` replaces all of the same `by`."""
    waiting = drafts(hub)
    if payload not in [entry.payload for entry in waiting]:
        own = [entry for entry in waiting if entry.by == by]
        replaced = own if alone else own[: max(0, len(own) + 1 - MOST_DRAFTS)]
        kept = (entry for entry in waiting if entry not in replaced)
        _store(hub, (*kept, Draft(by, payload)))
    return payload


def _store(hub: Hub, waiting: Iterable[Draft]) -> None:
    hub.store.set_value(_DRAFTS, i_json.write([entry.json() for entry in waiting]))


def _still_possible(waiting: Iterable[Draft], newest: str) -> Iterator[Draft]:
    """Yield drafts that can still come into force: on the newest version, or on one of these."""
    bases = {newest}
    for entry in waiting:
        if read_directory(entry.payload).document.previous in bases:
            bases.add(entry.sha256)
            yield entry
