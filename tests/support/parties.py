"""Seven agencies, a hub, and their keys for tests: always the same ones. They protect nothing."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import rules
from exchange.membership.directory import write_document
from exchange.membership.history import History
from exchange.membership.signatures import SignedPayload, sign_directory
from exchange.standards import i_json
from exchange.standards.notes import COSIGNATURE, derive_note_key
from tests.support.keys import key

ROLES = {
    "police": "police",
    "prosecutor": "prosecutor",
    "defender": "defender",
    "program": "program",
    "crossroads": "case_management",
    "clinic": "treatment_provider",
    "hospital": "health_provider",
}
LOG = "hub.example/lead"


@cache
def ed25519(name: str) -> Ed25519PrivateKey:
    """Return the Ed25519 key of this name: always the same one."""
    return Ed25519PrivateKey.from_private_bytes(sha256(f"{name} ed25519".encode()).digest())


@cache
def lead_digest() -> str:
    """Return the digest of the `lead` pack on the tests' day."""
    return str(rules.load("lead", "2026-11-23").digest)


def agency(
    name: str, role: str, *, signing: tuple[str, ...] = ("s1",), **members: Any
) -> dict[str, Any]:
    """Return an agency's entry in the document."""
    return {
        "id": name,
        "name": name.replace("-", " ").title(),
        "role": role,
        "part2": "no" if role in ("police", "prosecutor", "defender", "program") else "yes",
        "custody": "own",
        "signing": [key(f"{name}.{suffix}").public.as_jwk() for suffix in signing],
        "witness": derive_note_key(ed25519(f"{name}.w1"), f"{name}.w1", COSIGNATURE).vkey,
        **members,
    }


def document(**members: Any) -> dict[str, Any]:
    """Return version 1 of the directory, with these members changed."""
    return {
        "version": 1,
        "program": "LEAD in Example City",
        "zone": "America/Denver",
        "pack": {"id": "lead", "digest": lead_digest()},
        "log": derive_note_key(ed25519(LOG), LOG, COSIGNATURE).vkey,
        "agencies": [agency(name, role) for name, role in ROLES.items()],
        "threshold": {"signatures": 3, "of": ["prosecutor", "defender", "program", "clinic"]},
        "witnesses": {"required": ["defender"], "at_least": 2},
        **members,
    }


def signed(
    value: dict[str, Any], by: tuple[str, ...] = tuple(ROLES), *, whole: bool = True
) -> SignedPayload:
    """Sign a document for these agencies, each with its first key. `whole=False` allows a bad
    one.
    """
    payload = write_document(value) if whole else i_json.write(value)
    return SignedPayload(payload, tuple(sign_directory(payload, key(f"{name}.s1")) for name in by))


def after(history: History, **members: Any) -> dict[str, Any]:
    """Return the next version's document, with these members changed."""
    newest = history.newest
    value = newest.document.model_dump(mode="json", exclude_none=True)
    return {**value, "version": newest.version + 1, "previous": newest.sha256, **members}
