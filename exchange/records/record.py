"""Records: built by their issuer, checked by a hub that can't read them, opened by a recipient, verified by anybody.

A record is a conformant SD-JWT (RFC 9901). What the issuer signs is who, about which case, which kind, the digests of the
parts among decoys, and the root of the manifest, which fixes every sealed text and who it is for. Each part is a label, which
the hub sees, and a content, which only its recipients can open. So four parties hold four views of one signed text:

- the issuer `build`s a `Bundle`: record, all labels, all sealed texts, the manifest's pads;
- the hub `check`s it: every signature, digest, id and word, without reading a content;
- a recipient `open_handed`s what the hub handed it: its own labels and texts, nothing that tells of others;
- whoever is shown a `presentation` of that `verify`s it under the issuer's key, and that the parts were meant for who shows it.

Everything here is strict: whatever is unknown, missing, twice or unasked is refused, and nothing is half taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import Field

from exchange.errors import RecordError, shorten
from exchange.membership.history import Membership
from exchange.models import AgencyId, Day, Handle, NonEmptyTuple, ShortId, Term, WireModel, validate
from exchange.records import statements
from exchange.records.countersignature import check_countersignature
from exchange.records.kinds import Kind, find_kind
from exchange.records.label import Label
from exchange.records.manifest import Entry
from exchange.records.sealing import Sealed
from exchange.standards import base64, i_json, jws, sd_jwt
from rules.errors import respelling
from rules.frozen import frozen
from rules.shelf import vocabulary

TYP = "offramp-record+sd-jwt"

LARGEST = 1024 * 1024

CONTENT = "content"

BASES = ("consent", "offer_at_scene", "operation", "none")


class _Payload(WireModel):
    iss: AgencyId
    jti: Handle
    # Never judged: when something counts, the log's index and time say.
    iat: Annotated[int, Field(ge=0)]
    case: Handle | None = None
    kind: Term
    parts: Annotated[tuple[dict[str, str], ...], Field(strict=False, min_length=8, max_length=32)]
    manifest: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
    sd_alg: Literal["sha-256"] = Field(alias="_sd_alg")


class _Label(WireModel):
    id: ShortId
    category: NonEmptyTuple[Term]
    sensitivity: Literal["plain", "health", "part2"]
    use: Literal["none", "no_adverse_action"]
    # Which wording of the notice of 42 CFR 2.32: none, the official one, or the deployment's own, by its number.
    notice: Annotated[str, Field(pattern=r"^(none|(official|own)-[0-9]{1,4})$")]
    keep_until: Day
    says: Any = None
    sd: Annotated[tuple[str], Field(strict=False, alias="_sd")]


@frozen
class SignedRecord:
    """The signed text of a record and what it claims, each read when it's first asked for. Nothing of it is verified."""

    text: str

    @cached_property
    def unverified(self) -> jws.UnverifiedJws:
        return jws.read(self.text, typ=TYP)

    @cached_property
    def claimed(self) -> dict[str, Any]:
        return i_json.read_object(self.unverified.unverified_payload)


@frozen
class Record:
    """A record as whoever checked it knows it: what the issuer signed, and those labels and entries that it holds.

    `sha256` is over the JWS up to its last dot, since one statement may carry several ES256 signatures that all hold.
    """

    jti: str
    issuer: str
    role: str
    kid: str
    kind: str
    case: str | None
    manifest: bytes
    labels: Mapping[str, Label]
    jws: str
    disclosures: Mapping[str, str]
    entries: tuple[Entry, ...] = ()
    pads: tuple[bytes, ...] = ()
    # The texts may be fewer than the entries: a recipient has its own, and a hub destroys what may no longer pass.
    sealed: tuple[Sealed, ...] = ()

    @property
    def sha256(self) -> str:
        return hash_statement(self.jws)


def restore_record(
    signed_text: str,
    labels: Iterable[str],
    role: str,
    entries: tuple[Entry, ...],
    pads: tuple[bytes, ...],
    sealed: tuple[Sealed, ...],
) -> Record:
    """A record that was checked when it came, from where it has been kept since: nothing of it is verified again."""
    unverified = jws.read(signed_text, typ=TYP)
    payload = i_json.read_object(unverified.unverified_payload)
    texts = {}
    found = {}
    for text in labels:
        label = _label(sd_jwt.read(text).value, find_kind(payload["kind"]))
        found[label.id], texts[label.id] = label, text
    return Record(
        payload["jti"],
        payload["iss"],
        role,
        unverified.kid,
        payload["kind"],
        payload.get("case"),
        base64.decode_url(payload["manifest"]),
        found,
        signed_text,
        texts,
        entries,
        pads,
        sealed,
    )


def hash_statement(signed_text: str) -> str:
    """SHA-256 of what a JWS says, without its signature: 64 hex digits."""
    return sha256(signed_text.rpartition(".")[0].encode("ascii")).hexdigest()


def check_signed_record(
    signed: SignedRecord, disclosures: Sequence[str], membership: Membership, *, hub: bool
) -> Record:
    """What a record and some of its labels say, once signature, form, words and roles hold."""
    unverified = signed.unverified
    agency, key = membership.signer(unverified.kid)
    unverified.payload(key)
    # INVARIANT: what was claimed is the payload of this very signed text, whose signature holds now.
    payload = validate(_Payload, signed.claimed, "the record")
    if payload.iss != agency.id:
        raise RecordError(
            "wrong-issuer",
            f"`{payload.iss}` isn't who signed, `{agency.id}` is",
            fix="sign with a key of the issuer",
        )
    known = find_kind(payload.kind)
    if agency.role not in known.issuers:
        raise RecordError(
            "not-its-kind",
            f"a `{agency.role}` sends no `{known.name}`",
            fix=f"it is for {_or(known.issuers)}",
        )
    if known.case and payload.case is None:
        raise RecordError("case-missing", f"a `{known.name}` is about a case", fix="name the case")
    if not known.case and payload.case is not None:
        raise RecordError(
            "case-unasked", f"a `{known.name}` is about no case", fix="leave the case out"
        )
    # Who holds contents too reads them elsewhere: here it's only seen that everything belongs to this record.
    processed = sd_jwt.process(signed.claimed, disclosures)
    labels: dict[str, Label] = {}
    texts: dict[str, str] = {}
    for disclosure in processed.disclosed:
        if disclosure.name is not None:
            if hub:
                raise RecordError(
                    "content-in-clear", "a content stands among the labels", fix="seal it"
                )
            continue
        label = _label(disclosure.value, known)
        if label.id in labels:
            raise RecordError(
                "part-twice", f"two parts have the id `{label.id}`", fix="draw another id"
            )
        labels[label.id], texts[label.id] = label, disclosure.text
        check_countersignature(label, payload.jti, unverified.kid, membership)
    manifest = base64.decode_url(payload.manifest)
    return Record(
        payload.jti,
        agency.id,
        agency.role,
        unverified.kid,
        known.name,
        payload.case,
        manifest,
        labels,
        signed.text,
        texts,
    )


def _label(value: Any, known: Kind) -> Label:
    shape = validate(_Label, value, "a label")
    if len(set(shape.category)) < len(shape.category):
        raise RecordError(
            "unknown-word", f"a label of `{shape.id}` names a category twice", fix="name each once"
        )
    for category in shape.category:
        if category not in known.categories:
            raise RecordError(
                "unknown-word",
                f"`{shorten(category)}` is no category of a `{known.name}`",
                fix=respelling(category, vocabulary().categories) or f"use {_or(known.categories)}",
            )
    if shape.sensitivity == "part2" and shape.notice == "none":
        raise RecordError(
            "notice-missing",
            f"the part `{shape.id}` needs the notice of 42 CFR 2.32",
            fix="name its version",
        )
    speaks = known.says is not None and (known.says_in is None or known.says_in in shape.category)
    if speaks != (shape.says is not None):
        why = "says nothing, and must" if speaks else "says something, and may not"
        raise RecordError(
            "says-misplaced",
            f"the label of `{shape.id}` {why}",
            fix=f"see what a `{known.name}` says",
        )
    statement_ = (
        statements.read_statement(known.says, shape.says) if speaks and known.says else None
    )
    return Label(
        shape.id,
        shape.category,
        shape.sensitivity,
        shape.use,
        shape.notice,
        shape.keep_until,
        statement_,
        shape.sd[0],
    )


def _or(words: Sequence[str]) -> str:
    return ", ".join(words[:6]) + (" …" if len(words) > 6 else "")
