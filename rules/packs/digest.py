"""The digest of a pack: SHA-256 over canonical JSON of the whole pack and the language's version.

Conditions are printed from their trees and numbers are normalized, so that spelling does not count.
Wording and sources count. Scenarios, comments, and the order of rules do not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from typing import Any, get_args

from rules.language import tree
from rules.packs.pack import Pack

LANGUAGE = "offramp-rules/1"
_LEFT_OUT = {"place", "vocabulary", "coverage", "declared_in", "local"}
_TREES = get_args(tree.Tree)


def digest(pack: Pack) -> str:
    """Return `sha256:` and 64 hex digits, the same for packs with the same rules and words."""
    import hashlib  # OpenSSL loads with it, and an answer in words needs no digest

    return f"sha256:{hashlib.sha256(text(pack).encode()).hexdigest()}"


def text(pack: Pack) -> str:
    """Return the JSON text that is hashed."""
    facts = sorted(pack.vocabulary.facts)
    described = {
        "language": LANGUAGE,
        "pack": canonical(pack),
        "facts": {path: canonical(pack.vocabulary.facts[path]) for path in facts},
    }
    return json.dumps(described, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical(value: Any) -> Any:
    """Return the value as plain JSON, the same for every spelling of one meaning."""
    if isinstance(value, _TREES):
        return tree.text(value)
    if is_dataclass(value) and not isinstance(value, type):
        members = {
            field.name: canonical(getattr(value, field.name))
            for field in fields(value)
            if field.name not in _LEFT_OUT
        }
        return {
            name: member for name, member in members.items() if member not in (None, [], {}, "")
        }
    if isinstance(value, Mapping):
        return {str(key): canonical(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [canonical(item) for item in value]
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value
