"""How an agency comes into the directory: invited with a code, added to a draft, in force once enough have signed.

An invitation is a code that the hub can check and doesn't store: who, in which role, until when, under the hub's own secret.
Whoever joins puts its keys into a draft of the directory's next version. A draft is in force when those have signed it who
must: all founders of the first version, the threshold of any later one. The hub only collects; it can sign nothing.

Drafts stand side by side, by digest, a few for each agency: nobody's proposal makes way for another's, and so nobody can void
what others have signed. A draft may follow a draft: who retires its stolen key at once proposes the new one with it.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import Field

from exchange.errors import DirectoryError, ExchangeError, RequestRefused
from exchange.hub.hub import Hub
from exchange.membership.directory import (
    AgencyEntry,
    Directory,
    Role,
    read_directory,
    write_document,
)
from exchange.membership.proposal import draft_next_version
from exchange.membership.signatures import SignedPayload, read_signing_kid
from exchange.models import AgencyId, WireModel, validate
from exchange.standards import base64, i_json, keys
from rules.frozen import frozen

LASTS = 7 * 24 * 3600
# A few for each agency; the oldest of its own makes way for its next.
MOST_DRAFTS = 4
# Under this and its digest, each pack that was ever proposed.
PACK = "pack"
_DRAFTS, _JOINED = "drafts", ""
_POLICY_GROUP = ("prosecutor", "defender", "program", "case_management", "treatment_provider")


class Invited(WireModel):
    """Who is invited, as what, and the second since 1970 until when."""

    agency: AgencyId
    role: Role
    name: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,100}$")]
    until: Annotated[int, Field(ge=0)]


class Joining(WireModel):
    """What an agency says of itself when it joins; `signing` is a JWK, `witness` a C2SP key."""

    code: Annotated[str, Field(max_length=2048)]
    agency: AgencyId
    part2: Literal["yes", "no", "unknown"]
    custody: Literal["own", "hosted"] = "own"
    signing: dict[str, str]
    witness: Annotated[str, Field(max_length=512)]


@frozen
class Program:
    """What the first version of a directory says besides its agencies."""

    name: str
    zone: str
    pack: Mapping[str, str]
    log: str


def invite(secret: bytes, invited: Invited) -> str:
    """The code to hand to an agency."""
    said = i_json.write(invited.model_dump(mode="json"))
    return f"{base64.encode_url(said)}.{base64.encode_url(hmac.digest(secret, said, 'sha256'))}"


def read_invite(secret: bytes, code: str, now: int) -> Invited:
    """Who was invited with a code. Raises `RequestRefused` `bad-code`, for whatever is wrong with it."""
    try:
        said, _, tag = code.partition(".")
        raw = base64.decode_url(said)
        invited = validate(Invited, i_json.read_object(raw), "the invitation")
        right = hmac.compare_digest(hmac.digest(secret, raw, "sha256"), base64.decode_url(tag))
    except ExchangeError:
        raise _bad_code() from None
    if not right or now > invited.until:
        raise _bad_code()
    return invited


def join(hub: Hub, invited: Invited, said: Joining, program: Program) -> bytes:
    """The draft with this agency in it.

    Raises `RequestRefused` `bad-code`, `KeyMaterialError`, `DirectoryError` `already-listed`.
    """
    if said.agency != invited.agency:
        raise _bad_code()
    keys.read_public_key(said.signing, "sig")
    entry = validate(
        AgencyEntry,
        {
            "id": invited.agency,
            "name": invited.name,
            "role": invited.role,
            "part2": said.part2,
            "custody": said.custody,
            "signing": [said.signing],
            "witness": said.witness,
        },
        "the agency",
    ).model_dump(mode="json")
    newest = hub.history.newest if hub.history.size else None
    if newest is not None and invited.agency in newest.agencies:
        raise DirectoryError(
            "already-listed",
            f"`{invited.agency}` is in the directory",
            fix="propose a change of it",
        )
    fresh = _next(hub, program)
    joined = [i_json.read_object(one.payload) for one in drafts(hub) if one.by == _JOINED]
    # A draft of a version that has been passed by is no beginning.
    begun = [one for one in joined if one.get("version") == fresh["version"]]
    document = begun[-1] if begun else fresh
    document["agencies"] = [
        *(one for one in document["agencies"] if one["id"] != invited.agency),
        entry,
    ]
    if newest is None:
        document |= _founding(document["agencies"])
    # A founding draft without somebody who has joined since is one that nobody should sign.
    return _add(hub, i_json.write(document), _JOINED, alone=newest is None)


def _next(hub: Hub, program: Program) -> dict[str, Any]:
    """The next version, as it stands before anything is changed."""
    if hub.history.size:
        return draft_next_version(hub.history.newest)
    return {
        "version": 1,
        "program": program.name,
        "zone": program.zone,
        "pack": dict(program.pack),
        "log": program.log,
        "agencies": [],
    }


def _founding(agencies: list[dict[str, Any]]) -> dict[str, Any]:
    """More than half of the policy group sign later versions; the defender and one more witness the log."""
    group = [one["id"] for one in agencies if one["role"] in _POLICY_GROUP]
    defenders = [one["id"] for one in agencies if one["role"] == "defender"]
    return {
        "threshold": {"signatures": max(2, len(group) // 2 + 1), "of": group},
        "witnesses": {"required": defenders, "at_least": 2},
    }


@frozen
class Draft:
    """One draft: who proposed it (nobody, where agencies join by code), and the detached signatures so far."""

    by: str
    payload: bytes
    signatures: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        return sha256(self.payload).hexdigest()

    def json(self) -> dict[str, object]:
        return {
            "by": self.by,
            "directory": base64.encode_url(self.payload),
            "signatures": list(self.signatures),
        }


def drafts(hub: Hub) -> tuple[Draft, ...]:
    """Every draft that waits for signatures, in the order in which they came."""
    kept = i_json.read(hub.store.value(_DRAFTS) or b"[]")
    assert isinstance(kept, list), "as `_keep` writes them"
    return tuple(
        Draft(each["by"], base64.decode_url(each["directory"]), tuple(each["signatures"]))
        for each in kept
    )


def _keep(hub: Hub, kept: Iterable[Draft]) -> None:
    hub.store.set_value(_DRAFTS, i_json.write([one.json() for one in kept]))


def _add(hub: Hub, payload: bytes, by: str, *, alone: bool = False) -> bytes:
    """One more draft; what is there already keeps its signatures. An agency's oldest makes way."""
    found = drafts(hub)
    if payload not in [one.payload for one in found]:
        own = [one for one in found if one.by == by]
        gone = (
            own if alone else own[: len(own) + 1 - MOST_DRAFTS] if len(own) >= MOST_DRAFTS else []
        )
        _keep(hub, (*(one for one in found if one not in gone), Draft(by, payload)))
    return payload


def propose(hub: Hub, document: Mapping[str, object], by: str) -> bytes:
    """A draft that an agency wrote whole, on the version in force or on a draft.

    Raises as `directory.write_document`, and `DirectoryError` `wrong-version`, `pack-missing` (send it first).
    """
    payload = write_document(document)
    drafted = read_directory(payload)
    if (
        drafted.pack != hub.history.newest.pack
        and hub.store.value(f"{PACK} {drafted.pack}") is None
    ):
        raise DirectoryError(
            "pack-missing",
            f"the hub doesn't have the pack `{drafted.pack[:19]}…`",
            fix="send the pack first",
        )
    behind = {one.sha256: read_directory(one.payload).version for one in drafts(hub)}
    behind[hub.history.newest.sha256] = hub.history.newest.version
    if behind.get(drafted.document.previous or "") != drafted.version - 1:
        raise DirectoryError(
            "wrong-version",
            "this doesn't follow the version in force",
            fix="draft it on the newest",
        )
    return _add(hub, payload, by)


def draft(hub: Hub) -> bytes:
    """The payload of the newest draft. Raises `DirectoryError` `no-draft`."""
    found = drafts(hub)
    if not found:
        raise DirectoryError(
            "no-draft", "no version of the directory is being drafted", fix="invite somebody first"
        )
    return found[-1].payload


def sign(hub: Hub, digest: str, signature: str, now: int) -> bool:
    """One more signature of the draft of a digest; True if with it the version is in force.

    Raises `DirectoryError`: `no-draft`, `another-draft` (there is none of that digest), as `History.check` where the signature
    or the draft doesn't hold.
    """
    draft(hub)
    found = drafts(hub)
    mine = next((one for one in found if one.sha256 == digest), None)
    if mine is None:
        raise DirectoryError(
            "another-draft",
            "no draft is the one that was signed",
            fix="look at it again, then sign",
        )
    known = hub.history.newest if hub.history.size else read_directory(mine.payload)
    kid = read_signing_kid(signature, mine.payload, known)
    # One of each key. A key that has retired since signs nothing any more.
    others = [one for one in mine.signatures if _holds(one, mine.payload, known, but=kid)]
    signed = Draft(mine.by, mine.payload, (*others, signature))
    try:
        hub.change_directory(SignedPayload(signed.payload, signed.signatures), now)
    except DirectoryError as error:
        if error.code != "threshold":
            raise
        _keep(hub, (signed if one is mine else one for one in found))
        return False
    _keep(hub, _still_following(drafts(hub), hub.history.newest.sha256))
    return True


def _holds(signature: str, payload: bytes, known: Directory, *, but: str) -> bool:
    try:
        return read_signing_kid(signature, payload, known) != but
    except ExchangeError:
        return False


def _still_following(found: Iterable[Draft], newest: str) -> Iterator[Draft]:
    """Drafts that can still come into force: on the newest version, or on one of these."""
    behind = {newest}
    for one in found:
        if read_directory(one.payload).document.previous in behind:
            behind.add(one.sha256)
            yield one


def _bad_code() -> RequestRefused:
    return RequestRefused(
        "bad-code", "this is no invitation, or one that is over", fix="ask the hub for a new code"
    )
