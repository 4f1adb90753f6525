"""Records built by hand, step by step, so that a test can make any one step wrong and sign the result all the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from exchange.records import manifest
from exchange.records import sealing as sealing_
from exchange.records.bundle import Bundle
from exchange.records.record import TYP
from exchange.standards import base64, i_json, sd_jwt
from exchange.standards import jws as jws_
from tests.support.chance import chance
from tests.support.keys import key

JTI, CASE = "ab" * 16, "cd" * 16
PART = "0123456789abcdef"

Change = Mapping[str, Any]


def label(**members: Any) -> dict[str, Any]:
    """A label of a status part, with these members changed; None takes one away."""
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
    filling: Callable[[bytes], bytes] = sealing_.pad,
    hide: bool = True,
) -> Bundle:
    """A bundle of these labels' parts, each sealed to one key. Whatever is passed may be wrong; the signature isn't."""
    random = chance(7)
    disclosures, texts = [], []
    sealing = {"purpose": "diversion_coordination", "basis": "consent", **(entry or {})}
    for each in labels or (label(),):
        inside = sd_jwt.disclose_property(
            "content", {"status": {}} if content is None else content, random
        )
        whole = sd_jwt.hide_properties(each, [inside]) if hide else each
        disclosures.append(base64.encode_url(i_json.write([base64.encode_url(random(16)), whole])))
        part = str(sealing.get("part", each.get("id")))
        bound = b"\0".join(
            one.encode()
            for one in ("offramp/1/part", JTI, part, to, sealing["purpose"], sealing["basis"])
        )
        ct = sealing_.hpke.seal(key(to, "enc").public, bound, filling(inside.encode()))
        texts.append(sealing_.Sealed(part, to, sealing["purpose"], sealing["basis"], ct))
    tree = manifest.build_manifest([text.entry() for text in texts], random)
    signed = {
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
    signed = {name: value for name, value in signed.items() if value is not None}
    jws = jws_.sign(i_json.write(signed), key(by), typ=typ)
    return Bundle(jws, tuple(disclosures), tuple(texts), pads(tree.pads))
