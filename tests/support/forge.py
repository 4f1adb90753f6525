"""Records built by hand, step by step, so that a test can break any step and still sign the
result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from exchange.records import manifest, sealing
from exchange.records.bundle import Bundle
from exchange.records.record import TYP
from exchange.standards import base64, hpke, i_json, jws, sd_jwt
from tests.support.chance import chance
from tests.support.keys import key

JTI, CASE = "ab" * 16, "cd" * 16
PART = "0123456789abcdef"

Change = Mapping[str, Any]


def label(**members: Any) -> dict[str, Any]:
    """Return a label of a status part, with these members changed. None removes a member."""
    whole = {
        "id": PART,
        "category": ["status"],
        "sensitivity": "plain",
        "use": "no_adverse_action",
        "notice": "none",
        "keep_until": "2027-11-30",
        **members,
    }
    return {name: value for name, value in whole.items() if value is not None}


def bundle(
    *labels: dict[str, Any],
    by: str = "crossroads.s1",
    to: str = "prosecutor.2026-11",
    content: Any = None,
    payload: Change | None = None,
    entry: Change | None = None,
    pads: Callable[[tuple[bytes, ...]], tuple[bytes, ...]] = lambda pads: pads,
    typ: str = TYP,
    filling: Callable[[bytes], bytes] = sealing.pad,
    hide: bool = True,
) -> Bundle:
    """Build a bundle of these labels' parts, each sealed to one key.

    Every argument may be wrong. The signature is valid.
    """
    random = chance(7)
    disclosures, texts = [], []
    entry_values = {"purpose": "diversion_coordination", "basis": "consent", **(entry or {})}
    for clear_label in labels or (label(),):
        disclosure = sd_jwt.disclose_property(
            "content", {"status": {}} if content is None else content, random
        )
        hidden = sd_jwt.hide_properties(clear_label, [disclosure]) if hide else clear_label
        disclosures.append(base64.encode_url(i_json.write([base64.encode_url(random(16)), hidden])))
        part = str(entry_values.get("part", clear_label.get("id")))
        info = b"\0".join(
            value.encode()
            for value in (
                "offramp/1/part",
                JTI,
                part,
                to,
                entry_values["purpose"],
                entry_values["basis"],
            )
        )
        ct = hpke.seal(key(to, "enc").public, info, filling(disclosure.encode()))
        texts.append(sealing.Sealed(part, to, entry_values["purpose"], entry_values["basis"], ct))
    tree = manifest.build_manifest([text.entry() for text in texts], random)
    claims = {
        "iss": by.partition(".")[0],
        "jti": JTI,
        "iat": 1_793_600_000,
        "case": CASE,
        "kind": "status",
        "parts": sd_jwt.hide_elements(disclosures, random),
        "manifest": base64.encode_url(tree.root),
        "_sd_alg": "sha-256",
        **(payload or {}),
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    signed_text = jws.sign(i_json.write(claims), key(by), typ=typ)
    return Bundle(signed_text, tuple(disclosures), tuple(texts), pads(tree.pads))
