"""Signed records: the text that the issuer signs, and the checks that every reader makes.

A record is a conformant SD-JWT (RFC 9901). The issuer signs its own id, the case, the kind, the
digests of the parts among decoys, and the root of the manifest. The manifest fixes every sealed
text and its recipient. Each part is a label, which the hub sees, and a content, which only its
recipients can open. So four parties have four views of one signed text:

- The issuer calls `building.build_bundle`: the record, all labels, all sealed texts, and the
  manifest's pads.
- The hub calls `bundle.check_bundle`: every signature, digest, id, and term, without reading a
  content.
- A recipient calls `delivery.check_delivery` and `delivery.open_part`: its own labels and texts,
  and nothing about others.
- An outsider calls `presentation.verify_presentation`: the issuer's signature, and that the parts
  were sealed to the presenter.

Checks are strict. Anything unknown, missing, repeated, or superfluous is refused, and nothing is
accepted in part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import Field

from exchange.errors import RecordError, shorten
from exchange.membership.directory import Agency
from exchange.membership.history import Membership
from exchange.models import AgencyId, Day, Handle, NonEmptyTuple, ShortId, Term, WireModel, validate
from exchange.records import statements, usual_form
from exchange.records.countersignature import check_countersignature
from exchange.records.kinds import Kind, find_kind
from exchange.records.label import Label
from exchange.records.manifest import Entry
from exchange.records.sealing import Sealed
from exchange.records.usual_form import Claims, LabelForm
from exchange.standards import base64, i_json, jws, sd_jwt
from rules.errors import respelling
from rules.frozen import cached_property, frozen
from rules.shelf import vocabulary

TYP = "offramp-record+sd-jwt"

LARGEST = 1024 * 1024

CONTENT = "content"

BASES = ("consent", "offer_at_scene", "operation", "premises_crime", "none")


class _Payload(WireModel):
    iss: AgencyId
    jti: Handle
    # Never checked: the log's index and time decide when something counts.
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
    # The wording of the notice of 42 CFR 2.32: none, the official one, or a deployment's own.
    notice: Annotated[str, Field(pattern=r"^(none|(official|own)-[0-9]{1,4})$")]
    keep_until: Day
    says: Any = None
    sd: Annotated[tuple[str], Field(strict=False, alias="_sd")]


@frozen
class SignedRecord:
    """The signed text of a record and its claims, parsed on first use. Nothing is verified."""

    text: str

    @cached_property
    def unverified(self) -> jws.UnverifiedJws:
        """The parsed JWS. Raises `SignedTextError`."""
        return jws.read(self.text, typ=TYP)

    @cached_property
    def claimed(self) -> dict[str, Any]:
        """The payload, unverified. Raises `TextError`."""
        return i_json.read_object(self.unverified.unverified_payload)

    @cached_property
    def usual(self) -> Claims | None:
        """The payload, unverified, if it has the usual form. Raises `SignedTextError`."""
        return usual_form.read_claims(self.unverified.unverified_payload)

    @cached_property
    def claims(self) -> tuple[str, str]:
        """The issuer and id that the record claims, unverified.

        Raises `SignedTextError`, `TextError`.
        """
        if self.usual is not None:
            return self.usual.iss, self.usual.jti
        return str(self.claimed.get("iss")), str(self.claimed.get("jti"))

    def verify(self, membership: Membership) -> VerifiedRecord:
        """Verify the signature. Raises `SignedTextError`, `DirectoryError` `unknown-key`."""
        agency, key = membership.signer(self.unverified.kid)
        self.unverified.payload(key)
        return VerifiedRecord(self, agency)


@frozen
class VerifiedRecord:
    """A record whose signature was verified, and the agency that signed it.

    INVARIANT: only `SignedRecord.verify` makes one. Nothing else of the record is checked yet.
    """

    signed: SignedRecord
    agency: Agency


@frozen
class Record:
    """A checked record: the signed claims, and the labels and entries that the reader has.

    `sha256` is over the JWS up to its last dot, since one statement may have several valid ES256
    signatures. `disclosures` are the labels' disclosures by part id.
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
    # There may be fewer texts than entries: a recipient has only its own, and a hub destroys texts
    # that may no longer pass.
    sealed: tuple[Sealed, ...] = ()

    @cached_property
    def sha256(self) -> str:
        """The digest of the statement: 64 hex digits."""
        return hash_statement(self.jws)

    def with_entries(
        self, entries: tuple[Entry, ...], pads: tuple[bytes, ...], sealed: tuple[Sealed, ...]
    ) -> Record:
        """Return the record with its manifest's entries and pads, and its texts."""
        return Record(
            self.jti,
            self.issuer,
            self.role,
            self.kid,
            self.kind,
            self.case,
            self.manifest,
            self.labels,
            self.jws,
            self.disclosures,
            entries,
            pads,
            sealed,
        )


def restore_record(
    signed_text: str,
    labels: Iterable[str],
    role: str,
    entries: tuple[Entry, ...],
    pads: tuple[bytes, ...],
    sealed: tuple[Sealed, ...],
) -> Record:
    """Rebuild a stored record that was checked when it arrived. Nothing is verified again."""
    signed = SignedRecord(signed_text)
    claims = signed.usual or _claims_of(_Payload.model_validate(signed.claimed))
    kind = find_kind(claims.kind)
    disclosures = {}
    parsed_labels = {}
    for text in labels:
        label = _label(usual_form.read_label(text) or _read_label(sd_jwt.read(text).value), kind)
        parsed_labels[label.id], disclosures[label.id] = label, text
    return Record(
        claims.jti,
        claims.iss,
        role,
        signed.unverified.kid,
        claims.kind,
        claims.case,
        base64.decode_url(claims.manifest),
        parsed_labels,
        signed_text,
        disclosures,
        entries,
        pads,
        sealed,
    )


def hash_statement(signed_text: str) -> str:
    """Return the SHA-256 of a JWS without its signature: 64 hex digits."""
    return sha256(signed_text.rpartition(".")[0].encode("ascii")).hexdigest()


def check_verified_record(
    verified: VerifiedRecord, disclosures: Sequence[str], membership: Membership, *, hub: bool
) -> Record:
    """Check a verified record and some of its labels: form, terms, and roles.

    With `hub`, a disclosed content is refused. Raises as `bundle.check_bundle`.
    """
    signed, agency = verified.signed, verified.agency
    payload = signed.usual or _claims_of(validate(_Payload, signed.claimed, "the record"))
    if payload.iss != agency.id:
        raise RecordError(
            "wrong-issuer",
            f"`{payload.iss}` is named as issuer, and `{agency.id}` signed",
            fix="sign with a key of the issuer",
        )
    kind = find_kind(payload.kind)
    if agency.role not in kind.issuers:
        raise RecordError(
            "not-its-kind",
            f"a `{agency.role}` can't send a `{kind.name}`",
            fix=f"only {_or(kind.issuers)} may send it",
        )
    if kind.case and payload.case is None:
        raise RecordError("case-missing", f"a `{kind.name}` needs a case", fix="name the case")
    if not kind.case and payload.case is not None:
        raise RecordError(
            "case-unasked", f"a `{kind.name}` can't have a case", fix="leave the case out"
        )
    # Contents are read elsewhere. Here every disclosure must belong to this record.
    labels: dict[str, Label] = {}
    label_texts: dict[str, str] = {}
    for text, shape in _read_labels(signed, disclosures, hub=hub):
        label = _label(shape, kind)
        if label.id in labels:
            raise RecordError(
                "part-twice", f"two parts have the id `{label.id}`", fix="draw another id"
            )
        labels[label.id], label_texts[label.id] = label, text
        check_countersignature(label, payload.jti, signed.unverified.kid, membership)
    manifest = base64.decode_url(payload.manifest)
    return Record(
        payload.jti,
        agency.id,
        agency.role,
        signed.unverified.kid,
        kind.name,
        payload.case,
        manifest,
        labels,
        signed.text,
        label_texts,
    )


def _read_labels(
    signed: SignedRecord, disclosures: Sequence[str], *, hub: bool
) -> Iterator[tuple[str, LabelForm]]:
    """Yield the disclosure and the form of each label. All disclosures must be of this record."""
    usual = usual_form.read_labels(signed.usual, disclosures) if signed.usual else None
    if usual is not None:
        yield from zip(disclosures, usual, strict=True)
        return
    for disclosure in sd_jwt.process(signed.claimed, disclosures).disclosed:
        # Contents are read elsewhere.
        if disclosure.name is None:
            yield disclosure.text, _read_label(disclosure.value)
        elif hub:
            raise RecordError("content-in-clear", "a content is among the labels", fix="seal it")


def _claims_of(payload: _Payload) -> Claims:
    return Claims(payload.iss, payload.jti, payload.case, payload.kind, payload.manifest)


def _read_label(value: Any) -> LabelForm:
    shape = validate(_Label, value, "a label")
    return LabelForm(
        shape.id,
        shape.category,
        shape.sensitivity,
        shape.use,
        shape.notice,
        shape.keep_until,
        shape.says,
        shape.sd[0],
    )


def _label(shape: LabelForm, kind: Kind) -> Label:
    if len(set(shape.category)) < len(shape.category):
        raise RecordError(
            "unknown-word", f"a label of `{shape.id}` names a category twice", fix="name each once"
        )
    for category in shape.category:
        if category not in kind.categories:
            raise RecordError(
                "unknown-word",
                f"`{shorten(category)}` is not a category of a `{kind.name}`",
                fix=respelling(category, vocabulary().categories) or f"use {_or(kind.categories)}",
            )
    if shape.sensitivity == "part2" and shape.notice == "none":
        raise RecordError(
            "notice-missing",
            f"the part `{shape.id}` needs the notice of 42 CFR 2.32",
            fix="name its version",
        )
    needs_statement = kind.says is not None and (
        kind.says_in is None or kind.says_in in shape.category
    )
    if needs_statement != (shape.says is not None):
        reason = (
            "has no statement and needs one"
            if needs_statement
            else "has a statement and may not have one"
        )
        raise RecordError(
            "says-misplaced",
            f"the label of `{shape.id}` {reason}",
            fix=f"docs/kinds.md shows what a `{kind.name}` states under `says`",
        )
    statement = (
        statements.read_statement(kind.says, shape.says) if needs_statement and kind.says else None
    )
    return Label(
        shape.id,
        shape.category,
        shape.sensitivity,
        shape.use,
        shape.notice,
        shape.keep_until,
        statement,
        shape.content_digest,
    )


def _or(terms: Sequence[str]) -> str:
    return ", ".join(terms[:6]) + (" …" if len(terms) > 6 else "")
