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
from dataclasses import replace
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import Field

from exchange.errors import ExchangeError, RecordError, TreeError, shown
from exchange.membership.directory import Standing, attached, detached
from exchange.models import AgencyId, Day, Handle, Listed, Shape, ShortId, Word, agency_of, held
from exchange.records import statements
from exchange.records.content import check_content, check_decider, check_no
from exchange.records.kinds import Kind, kind, purposes
from exchange.records.label import Label
from exchange.records.manifest import Entry, Path, padded, rebuilt, verify_entry
from exchange.records.sealing import Sealed, seal, unseal
from exchange.standards import base64, i_json, sd_jwt
from exchange.standards import jws as jws_
from exchange.standards.keys import PrivateKey
from exchange.standards.sd_jwt import RandomBytes
from rules.errors import respelling
from rules.frozen import frozen, frozen_by_name
from rules.shelf import vocabulary

TYP = "offramp-record+sd-jwt"
COUNTERSIGNATURE_TYP = "offramp-countersignature+jws"
LARGEST = 1024 * 1024
CONTENT = "content"
ID_BYTES, SHORT_ID_BYTES = 16, 8

BASES = ("consent", "offer_at_scene", "operation", "none")


# What stands in a record


class _Payload(Shape):
    iss: AgencyId
    jti: Handle
    # Never judged: when something counts, the log's index and time say.
    iat: Annotated[int, Field(ge=0)]
    case: Handle | None = None
    kind: Word
    parts: Annotated[tuple[dict[str, str], ...], Field(strict=False, min_length=8, max_length=32)]
    manifest: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
    sd_alg: Literal["sha-256"] = Field(alias="_sd_alg")


class _Label(Shape):
    id: ShortId
    category: Listed[Word]
    sensitivity: Literal["plain", "health", "part2"]
    use: Literal["none", "no_adverse_action"]
    # Which wording of the notice of 42 CFR 2.32: none, the official one, or the deployment's own, by its number.
    notice: Annotated[str, Field(pattern=r"^(none|(official|own)-[0-9]{1,4})$")]
    keep_until: Day
    says: Any = None
    sd: Annotated[tuple[str], Field(strict=False, alias="_sd")]


@frozen
class _Signed:
    """The signed text of a record and what it claims, each read when it's first asked for. Nothing of it is verified."""

    jws: str

    @cached_property
    def unverified(self) -> jws_.Unverified:
        return jws_.read(self.jws, typ=TYP)

    @cached_property
    def claimed(self) -> dict[str, Any]:
        return i_json.read_object(self.unverified.unverified_payload)


# The issuer's side


@frozen_by_name
class Part:
    """A part to be sent: its label in clear, its content, and to which agencies, each for a purpose and on a basis.

    `id` is drawn where none is given.
    """

    category: tuple[str, ...]
    content: Any
    to: Mapping[str, tuple[str, str]]
    keep_until: str
    sensitivity: str = "plain"
    use: str = "none"
    notice: str = "none"
    says: Mapping[str, Any] | None = None
    id: str | None = None


@frozen
class Bundle:
    """What is submitted: the record, its labels' disclosures, its sealed texts, and the manifest's pads."""

    record: str
    labels: tuple[str, ...]
    sealed: tuple[Sealed, ...]
    pads: tuple[bytes, ...]

    @property
    def claims(self) -> tuple[str, str]:
        """The issuer and id that the record claims, unverified. Raises `SignedTextError`, `TextError`."""
        claimed = self.signed.claimed
        return str(claimed.get("iss")), str(claimed.get("jti"))

    @cached_property
    def signed(self) -> _Signed:
        """The record, taken apart once for whoever asks what it claims and whoever checks it."""
        return _Signed(self.record)

    @property
    def id(self) -> str:
        """The id that the record claims."""
        return self.claims[1]

    def write(self) -> bytes:
        """As JSON, as `read_bundle` reads it."""
        return i_json.write(
            {
                "record": self.record,
                "labels": list(self.labels),
                "sealed": [_sealed_json(each) for each in self.sealed],
                "pads": [base64.encode_url(pad) for pad in self.pads],
            }
        )


def new_id(random_bytes: RandomBytes) -> str:
    """A new handle of a case or id of a record: 32 hex digits that say nothing."""
    return random_bytes(ID_BYTES).hex()


def new_short_id(random_bytes: RandomBytes) -> str:
    """A new id of a part or grant: 16 hex digits."""
    return random_bytes(SHORT_ID_BYTES).hex()


def build(
    signer: PrivateKey,
    kind_name: str,
    parts: Iterable[Part],
    *,
    standing: Standing,
    case: str | None,
    iat: int,
    random_bytes: RandomBytes,
    jti: str | None = None,
) -> Bundle:
    """A record, signed, and sealed to each recipient's newest key. The issuer is the agency that the signing key is named
    after.

    Raises as `build_and_keep`.
    """
    return build_and_keep(
        signer,
        kind_name,
        parts,
        standing=standing,
        case=case,
        iat=iat,
        random_bytes=random_bytes,
        jti=jti,
    )[0]


def build_and_keep(
    signer: PrivateKey,
    kind_name: str,
    parts: Iterable[Part],
    *,
    standing: Standing,
    case: str | None,
    iat: int,
    random_bytes: RandomBytes,
    jti: str | None = None,
    salts: RandomBytes | None = None,
) -> tuple[Bundle, Mapping[str, str]]:
    """The same, and the disclosure of each part's content, by its id: without it, its issuer couldn't show what it said.
    `salts` draws the contents' salts, where they aren't to come from `random_bytes` (a demonstration marks them).

    Raises `DirectoryError` (`unknown-recipient`, `no-key`), `ContentError` (`unknown-kind`, `wrong-shape`, `wrong-content`),
    `RecordError` as `check` where the hub would refuse the form, `SealError` `content-too-large`, `DisclosureError` `too-many`.
    """
    jti = jti or new_id(random_bytes)
    labels: list[str] = []
    sealed: list[Sealed] = []
    contents: dict[str, str] = {}
    for part in parts:
        part_id = part.id or new_short_id(random_bytes)
        role = standing.signer(signer.public.kid)[0].role
        _check_told(kind_name, role, part.category, (part.says or {}).get("answer"), part.content)
        content = contents[part_id] = sd_jwt.property_(CONTENT, part.content, salts or random_bytes)
        label = {
            "id": part_id,
            "category": list(part.category),
            "sensitivity": part.sensitivity,
            "use": part.use,
            "notice": part.notice,
            "keep_until": part.keep_until,
            **({"says": dict(part.says)} if part.says is not None else {}),
        }
        labels.append(sd_jwt.element(sd_jwt.hiding(label, [content]), random_bytes))
        for agency, (purpose, basis) in sorted(part.to.items()):
            key = standing.newest_key(agency)
            sealed.append(seal(content.encode("ascii"), jti, part_id, key, purpose, basis))
    manifest = padded([each.entry() for each in sealed], random_bytes)
    payload = {
        "iss": agency_of(signer.public.kid),
        "jti": jti,
        "iat": iat,
        **({"case": case} if case is not None else {}),
        "kind": kind_name,
        "parts": sd_jwt.hidden_elements(labels, random_bytes),
        "manifest": base64.encode_url(manifest.root),
        "_sd_alg": sd_jwt.HASH,
    }
    record = jws_.sign(i_json.write(payload), signer, typ=TYP)
    bundle = Bundle(record, tuple(labels), tuple(sealed), manifest.pads)
    _fits(len(bundle.write()))
    return bundle, contents


# The hub's side


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
        return statement(self.jws)


def kept(
    jws: str,
    labels: Iterable[str],
    role: str,
    entries: tuple[Entry, ...],
    pads: tuple[bytes, ...],
    sealed: tuple[Sealed, ...],
) -> Record:
    """A record that was checked when it came, from where it has been kept since: nothing of it is verified again."""
    unverified = jws_.read(jws, typ=TYP)
    payload = i_json.read_object(unverified.unverified_payload)
    texts = {}
    found = {}
    for text in labels:
        label = _label(sd_jwt.read(text).value, kind(payload["kind"]))
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
        jws,
        texts,
        entries,
        pads,
        sealed,
    )


def statement(jws: str) -> str:
    """SHA-256 of what a JWS says, without its signature: 64 hex digits."""
    return sha256(jws.rpartition(".")[0].encode("ascii")).hexdigest()


class _SealedShape(Shape):
    part: ShortId
    to: Annotated[str, Field(max_length=64)]
    purpose: Word
    basis: Literal["consent", "offer_at_scene", "operation", "none"]
    ct: str


class _BundleShape(Shape):
    record: str
    labels: Listed[str]
    sealed: Annotated[tuple[_SealedShape, ...], Field(strict=False, min_length=1, max_length=128)]
    pads: Annotated[tuple[str, ...], Field(strict=False, max_length=128)]


def read_bundle(data: bytes) -> Bundle:
    """A bundle taken apart, nothing of it verified. Raises `RecordError` `too-large`, `TextError`, `ContentError`."""
    _fits(len(data))
    return bundle_of(i_json.read_object(data))


def bundle_of(value: Any) -> Bundle:
    """The same, of a JSON value."""
    shape = held(_BundleShape, value, "the bundle")
    pads = tuple(base64.decode_url(pad) for pad in shape.pads)
    return Bundle(
        shape.record, shape.labels, tuple(_sealed_of(each) for each in shape.sealed), pads
    )


def check(bundle: Bundle, standing: Standing) -> Record:
    """The hub's view of a bundle: everything that can be known of it without reading, at the index of `standing`.

    Raises, besides what the standards' modules raise: `DirectoryError` (`unknown-key`, `unknown-recipient`, `key-old`),
    `ContentError` (`unknown-kind`, `wrong-shape`), and `RecordError`: `wrong-issuer`, `not-its-kind`, `case-missing`,
    `case-unasked`, `unknown-word`, `says-misplaced`, `part-twice`, `unknown-part`, `part-unsealed`, `sealed-twice`,
    `sealed-to-self`, `notice-missing`, `wrong-size`, `wrong-manifest`, `bad-countersignature`.
    """
    record = _signed_part(bundle.signed, bundle.labels, standing, hub=True)
    for entry in bundle.sealed:
        recipient, _ = standing.recipient(entry.to)
        if recipient.id == record.issuer:
            raise RecordError(
                "sealed-to-self",
                f"`{record.issuer}` sealed a part to itself",
                fix="seal to others only",
            )
        _check_entry(entry, record.labels)
    targets = [(entry.part, agency_of(entry.to)) for entry in bundle.sealed]
    if len(set(targets)) < len(targets):
        raise RecordError(
            "sealed-twice", "one part is sealed to one agency twice", fix="seal it once"
        )
    return _whole(
        record, tuple(entry.entry() for entry in bundle.sealed), bundle.pads, bundle.sealed
    )


def check_entries(
    jws: str,
    labels: Sequence[str],
    entries: Sequence[Entry],
    pads: Sequence[bytes],
    standing: Standing,
) -> Record:
    """A record with all its labels and the digests of all its texts, but no text: what an account holds. Raises as `check`."""
    return _whole(
        _signed_part(_Signed(jws), labels, standing, hub=True), tuple(entries), tuple(pads)
    )


def _whole(
    record: Record,
    entries: tuple[Entry, ...],
    pads: tuple[bytes, ...],
    sealed: tuple[Sealed, ...] = (),
) -> Record:
    """Every part goes to somebody, nothing but parts does, and the issuer signed just these."""
    sent = {entry.part for entry in entries}
    for part in record.labels:
        if part not in sent:
            raise RecordError(
                "part-unsealed",
                f"the part `{part}` is sealed to nobody",
                fix="seal it, or leave it out",
            )
    for entry in entries:
        if entry.part not in record.labels:
            raise RecordError(
                "unknown-part",
                f"`{shown(entry.part)}` is no part of this record",
                fix="send its label too",
            )
    if rebuilt(entries, pads).root != record.manifest:
        raise _wrong_manifest()
    return replace(record, entries=entries, pads=pads, sealed=sealed)


def _signed_part(
    signed: _Signed, disclosures: Sequence[str], standing: Standing, *, hub: bool
) -> Record:
    """What a record and some of its labels say, once signature, form, words and roles hold."""
    unverified = signed.unverified
    agency, key = standing.signer(unverified.kid)
    unverified.payload(key)
    # INVARIANT: what was claimed is the payload of this very signed text, whose signature holds now.
    payload = held(_Payload, signed.claimed, "the record")
    if payload.iss != agency.id:
        raise RecordError(
            "wrong-issuer",
            f"`{payload.iss}` isn't who signed, `{agency.id}` is",
            fix="sign with a key of the issuer",
        )
    known = kind(payload.kind)
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
        _check_countersigned(label, payload.jti, unverified.kid, standing)
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
        signed.jws,
        texts,
    )


def _label(value: Any, known: Kind) -> Label:
    shape = held(_Label, value, "a label")
    if len(set(shape.category)) < len(shape.category):
        raise RecordError(
            "unknown-word", f"a label of `{shape.id}` names a category twice", fix="name each once"
        )
    for category in shape.category:
        if category not in known.categories:
            raise RecordError(
                "unknown-word",
                f"`{shown(category)}` is no category of a `{known.name}`",
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
    statement_ = statements.read(known.says, shape.says) if speaks and known.says else None
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


def _check_entry(entry: Sealed, labels: Mapping[str, Label]) -> None:
    if entry.part not in labels:
        raise RecordError(
            "unknown-part", f"`{entry.part}` is no part of this record", fix="send its label too"
        )
    if entry.purpose not in purposes():
        raise RecordError(
            "unknown-word",
            f"`{shown(entry.purpose)}` is no purpose",
            fix="use one of the vocabulary's",
        )
    if not entry.fills_a_class:
        raise RecordError(
            "wrong-size",
            f"what is sealed for `{shown(entry.to)}` fills no size class",
            fix="seal it again",
        )


# A second person's signature


def countersign(
    second: PrivateKey, *, jti: str, part: str, told: str, category: str, on: str
) -> str:
    """A second person's signature over an emergency's report, with another key of the same agency: a detached JWS.

    Stands in the label as `countersigned` (42 CFR 2.51 asks no second person; the exchange does, for what no consent covers).
    """
    payload = _countersigned(agency_of(second.public.kid), jti, part, told, category, on)
    return detached(jws_.sign(payload, second, typ=COUNTERSIGNATURE_TYP))


def _countersigned(agency: str, jti: str, part: str, told: str, category: str, on: str) -> bytes:
    return i_json.write([agency, jti, part, told, category, on])


def _check_countersigned(label: Label, jti: str, first: str, standing: Standing) -> None:
    """Where a label claims a second person, the second person must have signed. Without the claim there is no override."""
    said = label.says
    if not isinstance(said, statements.Emergency) or said.countersigned is None:
        return
    agency = agency_of(first)
    try:
        jws = attached(
            said.countersigned,
            _countersigned(agency, jti, label.id, said.told, said.category, said.on),
        )
        unverified = jws_.read(jws, typ=COUNTERSIGNATURE_TYP)
        second, key = standing.signer(unverified.kid)
        unverified.payload(key)
        holds = second.id == agency and key.kid != first
    except ExchangeError:
        holds = False
    if not holds:
        raise RecordError(
            "bad-countersignature",
            f"no second person of `{agency}` signed `{label.id}`",
            fix="have a second key sign it",
        )


# The recipient's side


@frozen
class Handed:
    """One sealed text for one recipient, with its place in the manifest."""

    sealed: Sealed
    path: Path


@frozen
class Delivery:
    """What the hub hands one recipient of a record: the signed text, the labels of its parts, its texts with their paths."""

    record: str
    labels: tuple[str, ...]
    handed: tuple[Handed, ...]

    def json(self) -> dict[str, Any]:
        """As JSON, as `delivery_of` reads it. A path is one text of a length that the manifest's size alone decides."""
        return {
            "record": self.record,
            "labels": list(self.labels),
            "sealed": [
                {**_sealed_json(each.sealed), "path": path_text(each.path)} for each in self.handed
            ],
        }


class _HandedShape(_SealedShape):
    path: Annotated[str, Field(max_length=512)]


class _DeliveryShape(Shape):
    record: str
    labels: Listed[str]
    sealed: Annotated[tuple[_HandedShape, ...], Field(strict=False, min_length=1, max_length=128)]


def delivery(record: Record, agency: str, parts: Iterable[str]) -> Delivery:
    """What one agency gets of a record that the hub checked: these parts and nothing about any other.

    The labels stand in order of their texts, so that not even their order tells of one that is missing.
    """
    manifest = rebuilt(record.entries, record.pads)
    chosen = set(parts)
    mine = [
        entry for entry in record.sealed if entry.part in chosen and agency_of(entry.to) == agency
    ]
    labels = sorted(record.disclosures[part] for part in {entry.part for entry in mine})
    handed = tuple(
        Handed(entry, manifest.path(entry.entry()))
        for entry in sorted(mine, key=lambda one: one.part)
    )
    return Delivery(record.jws, tuple(labels), handed)


def delivery_of(value: Any) -> Delivery:
    """A delivery taken apart, nothing of it verified. Raises `ContentError`, `TextError`, `TreeError`."""
    shape = held(_DeliveryShape, value, "the delivery")
    return Delivery(
        shape.record,
        shape.labels,
        tuple(Handed(_sealed_of(each), read_path(each.path)) for each in shape.sealed),
    )


def path_text(path: Path) -> str:
    """A path in one text: index in two bytes, then the siblings. The size follows from how many they are."""
    return base64.encode_url(path.index.to_bytes(2, "big") + b"".join(path.proof))


def read_path(text: str) -> Path:
    """The path of a text. Raises `TextError`, `TreeError` `proof-length`."""
    raw = base64.decode_url(text)
    hashes, rest = divmod(len(raw) - 2, 32)
    if rest or not 0 <= hashes <= 7:
        raise TreeError(
            "proof-length",
            "a path in the manifest has a wrong length",
            fix="ask the hub for it again",
        )
    return Path(
        int.from_bytes(raw[:2], "big"),
        2**hashes,
        tuple(raw[2 + 32 * i : 34 + 32 * i] for i in range(hashes)),
    )


@frozen
class Opened:
    """A part that a recipient may read: its label, its content, and the content's disclosure, which may be shown on."""

    label: Label
    content: Any
    disclosure: str
    entry: Entry


def check_delivery(delivered: Delivery, standing: Standing) -> Record:
    """A recipient's view before it opens anything: signed, its own, in the manifest. Raises as `check`."""
    record = _signed_part(_Signed(delivered.record), delivered.labels, standing, hub=False)
    for each in delivered.handed:
        _check_entry(each.sealed, record.labels)
        verify_entry(each.sealed.entry(), each.path, record.manifest)
    sealed = tuple(each.sealed for each in delivered.handed)
    if set(record.labels) != {each.part for each in sealed}:
        raise RecordError(
            "part-unsealed", "a label came without its text", fix="ask the hub for it again"
        )
    return replace(record, entries=tuple(each.entry() for each in sealed), sealed=sealed)


def open_part(record: Record, part: str, keys: Mapping[str, PrivateKey]) -> Opened:
    """One part of a record that `check_delivery` passed, opened with the recipient's keys.

    Whoever calls has asked `disclosure` first. Raises `RecordError` `unknown-part`, `wrong-content`; `SealError`;
    `ContentError` `wrong-content`.
    """
    entry = next((each for each in record.sealed if each.part == part and each.to in keys), None)
    if entry is None:
        raise RecordError(
            "unknown-part",
            f"`{shown(part)}` isn't sealed to a key held here",
            fix="ask its issuer again",
        )
    try:
        text = unseal(entry, record.jti, keys[entry.to]).decode("ascii")
    except UnicodeDecodeError:
        raise _wrong_content(part) from None
    return Opened(
        record.labels[part], content_of(text, record.labels[part], record), text, entry.entry()
    )


def content_of(disclosure: str, label: Label, record: Record) -> Any:
    """The content that a label hides, if this disclosure is the one it names and holds what kind and categories hold.

    Raises `DisclosureError`, `RecordError` `wrong-content`, `ContentError` `wrong-content`.
    """
    read = sd_jwt.read(disclosure)
    if read.name != CONTENT or read.digest != label.content_digest:
        raise _wrong_content(label.id)
    answer = label.says.answer if isinstance(label.says, statements.Answer) else None
    _check_told(record.kind, record.role, label.category, answer, read.value)
    return read.value


def _check_told(
    kind_name: str, role: str, category: Sequence[str], answer: str | None, value: Any
) -> None:
    """A content is what its kind, issuer and statement let it be. Raises `ContentError` `wrong-content`."""
    check_content(kind_name, category, value)
    check_decider(role, value)
    check_no(answer, value)


# The outsider's side


def presentation(record: Record, opened: Iterable[Opened]) -> str:
    """The record with these parts disclosed, as any verifier of SD-JWT reads it. What isn't here can't be guessed from it."""
    parts = list(opened)
    labels = [record.disclosures[part.label.id] for part in parts]
    return sd_jwt.join(record.jws, [*labels, *(part.disclosure for part in parts)])


@frozen
class Shown:
    """A verified presentation: the record, its disclosed contents by part, and how many digests stay closed.

    Closed ones are withheld parts or decoys; nobody can tell which.
    """

    record: Record
    contents: Mapping[str, Any]
    closed: int


def verify(text: str, standing: Standing, entries: Iterable[tuple[Entry, Path]] = ()) -> Shown:
    """A presentation, verified at the index of its record: who signed, unaltered, and that these entries were the issuer's.

    Raises as `check`, `RecordError` `wrong-content`, `TreeError` where an entry isn't in the manifest.
    """
    jws, disclosures = sd_jwt.split(text)
    record = _signed_part(_Signed(jws), disclosures, standing, hub=False)
    held_texts = {
        sd_jwt.digest(each): each for each in disclosures if sd_jwt.read(each).name is not None
    }
    contents: dict[str, Any] = {}
    for label in record.labels.values():
        if label.content_digest in held_texts:
            contents[label.id] = content_of(held_texts[label.content_digest], label, record)
    for entry, path in entries:
        if entry.part not in record.labels:
            raise RecordError(
                "unknown-part",
                f"`{shown(entry.part)}` is no part shown here",
                fix="show its label too",
            )
        verify_entry(entry, path, record.manifest)
    payload = i_json.read_object(jws_.read(jws, typ=TYP).unverified_payload)
    return Shown(record, contents, sd_jwt.process(payload, disclosures).closed)


# Words for what is wrong


def _sealed_json(each: Sealed) -> dict[str, str]:
    return {
        "part": each.part,
        "to": each.to,
        "purpose": each.purpose,
        "basis": each.basis,
        "ct": base64.encode_url(each.ct),
    }


def _sealed_of(shape: _SealedShape) -> Sealed:
    return Sealed(shape.part, shape.to, shape.purpose, shape.basis, base64.decode_url(shape.ct))


def _fits(size: int) -> None:
    if size > LARGEST:
        raise RecordError(
            "too-large", f"a submission of `{size}` bytes is over 1 MiB", fix="send several records"
        )


def _wrong_manifest() -> RecordError:
    return RecordError(
        "wrong-manifest",
        "the sealed texts aren't those that the issuer signed",
        fix="build the record again",
    )


def _wrong_content(part: str) -> RecordError:
    return RecordError(
        "wrong-content",
        f"what was sealed as `{part}` isn't what its label names",
        fix="ask its issuer",
    )


def _or(words: Sequence[str]) -> str:
    return ", ".join(words[:6]) + (" …" if len(words) > 6 else "")
