"""How an agency comes into the directory: invited with a code, added to a draft, in force once enough have signed.

An invitation is a code that the hub can check and doesn't store: who, in which role, until when, under the hub's own secret.
Whoever joins puts its keys into the draft of the directory's next version. The draft is in force when those have signed it who
must: all founders of the first version, the threshold of any later one. The hub only collects; it can sign nothing.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import Field

from exchange import _rfc4648, _rfc7493, _rfc7517, directory
from exchange.directory import AgencyEntry, Role, Signed, read_directory, write_document
from exchange.errors import DirectoryError, ExchangeError, RequestRefused
from exchange.hub import Hub
from exchange.shape import AgencyId, Shape, held
from rules.frozen import frozen

LASTS = 7 * 24 * 3600
_DRAFT, _SIGNATURES = "draft", "signatures"
_POLICY_GROUP = ("prosecutor", "defender", "program", "case_management", "treatment_provider")


class Invited(Shape):
    """Who is invited, as what, and the second since 1970 until when."""

    agency: AgencyId
    role: Role
    name: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,100}$")]
    until: Annotated[int, Field(ge=0)]


class Joining(Shape):
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
    said = _rfc7493.write(invited.model_dump(mode="json"))
    return f"{_rfc4648.encode_url(said)}.{_rfc4648.encode_url(hmac.digest(secret, said, 'sha256'))}"


def read_invite(secret: bytes, code: str, now: int) -> Invited:
    """Who was invited with a code. Raises `RequestRefused` `bad-code`, for whatever is wrong with it."""
    try:
        said, _, tag = code.partition(".")
        raw = _rfc4648.decode_url(said)
        invited = held(Invited, _rfc7493.read_object(raw), "the invitation")
        right = hmac.compare_digest(hmac.digest(secret, raw, "sha256"), _rfc4648.decode_url(tag))
    except ExchangeError:
        raise _bad_code() from None
    if not right or now > invited.until:
        raise _bad_code()
    return invited


def join(hub: Hub, invited: Invited, said: Joining, program: Program) -> bytes:
    """The draft with this agency in it. Signatures of an earlier draft are void.

    Raises `RequestRefused` `bad-code`, `KeyMaterialError`, `DirectoryError` `already-listed`.
    """
    if said.agency != invited.agency:
        raise _bad_code()
    _rfc7517.public_key(said.signing, "sig")
    entry = held(
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
        raise DirectoryError("already-listed", f"`{invited.agency}` is in the directory", mend="propose a change of it")
    begun, fresh = _rfc7493.read_object(hub.store.known(_DRAFT) or b"{}"), _next(hub, program)
    # A draft of a version that has been passed by is no beginning.
    document = begun if begun.get("version") == fresh["version"] else fresh
    document["agencies"] = [*(one for one in document["agencies"] if one["id"] != invited.agency), entry]
    if newest is None:
        document |= _founding(document["agencies"])
    payload = _rfc7493.write(document)
    hub.store.know(_DRAFT, payload)
    hub.store.know(_SIGNATURES, b"[]")
    return payload


def _next(hub: Hub, program: Program) -> dict[str, Any]:
    """The next version, as it stands before anything is changed."""
    if hub.history.size:
        newest = hub.history.newest
        document = newest.document.model_dump(mode="json", exclude_none=True)
        return {**document, "version": newest.version + 1, "previous": newest.sha256}
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


def propose(hub: Hub, document: Mapping[str, object]) -> bytes:
    """A draft of the next version that somebody wrote whole. Raises as `directory.write_document`."""
    payload = write_document(document)
    hub.store.know(_DRAFT, payload)
    hub.store.know(_SIGNATURES, b"[]")
    return payload


def draft(hub: Hub) -> bytes:
    """The payload that is to be signed. Raises `DirectoryError` `no-draft`."""
    payload = hub.store.known(_DRAFT)
    if not payload:
        raise DirectoryError("no-draft", "no version of the directory is being drafted", mend="invite somebody first")
    return payload


def sign(hub: Hub, digest: str, signature: str, now: int) -> bool:
    """One more signature of the draft; True if with it the version is in force.

    Raises `DirectoryError`: `no-draft`, `another-draft` (it has changed since), as `History.check` where the signature or the
    draft doesn't hold.
    """
    payload = draft(hub)
    if sha256(payload).hexdigest() != digest:
        raise DirectoryError("another-draft", "the draft isn't the one that was signed", mend="look at it again, then sign")
    drafted = read_directory(payload)
    signer = directory.signer_of(signature, payload, hub.history.newest if hub.history.size else drafted)
    kept = [one for one in _kept(hub) if one != signature]
    hub.store.know(_SIGNATURES, _rfc7493.write([*kept, signature]))
    try:
        hub.change_directory(Signed(payload, (*kept, signature)), now)
    except DirectoryError as error:
        if error.code != "threshold":
            raise
        return False
    assert signer, "somebody signed"
    hub.store.know(_DRAFT, b"")
    hub.store.know(_SIGNATURES, b"[]")
    return True


def _kept(hub: Hub) -> list[str]:
    value = _rfc7493.read(hub.store.known(_SIGNATURES) or b"[]")
    return [str(one) for one in value]


def _bad_code() -> RequestRefused:
    return RequestRefused("bad-code", "this is no invitation, or one that is over", mend="ask the hub for a new code")
