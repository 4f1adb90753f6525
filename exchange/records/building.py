"""Building a record: labels, sealed contents, manifest, and the issuer's signature."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from exchange.membership.history import Membership
from exchange.models import agency_of
from exchange.records.bundle import Bundle, check_size
from exchange.records.content_checks import check_part_content, check_recipient
from exchange.records.ids import new_id, new_short_id
from exchange.records.manifest import build_manifest
from exchange.records.record import CONTENT, TYP
from exchange.records.sealing import Sealed, seal
from exchange.standards import base64, i_json, jws, sd_jwt
from exchange.standards.keys import PrivateKey
from exchange.standards.sd_jwt import RandomBytes
from rules.frozen import frozen_by_name


@frozen_by_name
class Part:
    """A part to send: its clear label, its content, and its recipients.

    `to` maps each recipient to a purpose and a basis. `says` is the label's statement as JSON.
    `keep_until` is an ISO date. Without an `id`, one is drawn.
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


def build_bundle(
    signer: PrivateKey,
    kind_name: str,
    parts: Iterable[Part],
    *,
    membership: Membership,
    case: str | None,
    iat: int,
    random_bytes: RandomBytes,
    jti: str | None = None,
) -> Bundle:
    """Build, sign, and seal a record.

    Each part is sealed to its recipients' newest keys. The issuer is the agency that the signing
    key is named after. `iat` is in seconds since 1970 (UTC). Raises as `build_with_disclosures`.
    """
    return build_with_disclosures(
        signer,
        kind_name,
        parts,
        membership=membership,
        case=case,
        iat=iat,
        random_bytes=random_bytes,
        jti=jti,
    )[0]


def build_with_disclosures(
    signer: PrivateKey,
    kind_name: str,
    parts: Iterable[Part],
    *,
    membership: Membership,
    case: str | None,
    iat: int,
    random_bytes: RandomBytes,
    jti: str | None = None,
    salts: RandomBytes | None = None,
) -> tuple[Bundle, Mapping[str, str]]:
    """Build a record as `build_bundle` does, and return the disclosure of each content by part id.

    Without the disclosure, the issuer couldn't prove the content later. `salts` draws the contents'
    salts if `random_bytes` shouldn't (a demonstration marks them).

    Raises `DirectoryError` (`unknown-recipient`, `no-key`), `ContentError` (`unknown-kind`,
    `wrong-shape`, `wrong-content`), `RecordError` as `check_bundle` if the hub would refuse the
    form, `SealError` `content-too-large`, and `DisclosureError` `too-many`.
    """
    jti = jti or new_id(random_bytes)
    labels: list[str] = []
    sealed: list[Sealed] = []
    contents: dict[str, str] = {}
    for part in parts:
        part_id = part.id or new_short_id(random_bytes)
        role = membership.signer(signer.public.kid)[0].role
        check_part_content(
            kind_name, role, part.category, (part.says or {}).get("answer"), part.content
        )
        content = contents[part_id] = sd_jwt.disclose_property(
            CONTENT, part.content, salts or random_bytes
        )
        label = {
            "id": part_id,
            "category": list(part.category),
            "sensitivity": part.sensitivity,
            "use": part.use,
            "notice": part.notice,
            "keep_until": part.keep_until,
            **({"says": dict(part.says)} if part.says is not None else {}),
        }
        labels.append(
            sd_jwt.disclose_element(sd_jwt.hide_properties(label, [content]), random_bytes)
        )
        for agency, (purpose, basis) in sorted(part.to.items()):
            check_recipient(membership.directory.role(agency), part.content)
            key = membership.newest_key(agency)
            sealed.append(seal(content.encode("ascii"), jti, part_id, key, purpose, basis))
    manifest = build_manifest([sealed_text.entry() for sealed_text in sealed], random_bytes)
    payload = {
        "iss": agency_of(signer.public.kid),
        "jti": jti,
        "iat": iat,
        **({"case": case} if case is not None else {}),
        "kind": kind_name,
        "parts": sd_jwt.hide_elements(labels, random_bytes),
        "manifest": base64.encode_url(manifest.root),
        "_sd_alg": sd_jwt.HASH,
    }
    record = jws.sign(i_json.write(payload), signer, typ=TYP)
    bundle = Bundle(record, tuple(labels), tuple(sealed), manifest.pads)
    check_size(len(bundle.write()))
    return bundle, contents
