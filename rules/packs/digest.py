"""A pack's name for what it says: SHA-256 over canonical JSON of the resolved pack and the language's version.

Expressions are printed from the tree and numbers normalized, so that spelling doesn't count; wording and sources do;
scenarios, comments and the order of rules don't.
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
_LEFT_OUT = {"place", "vocabulary", "coverage", "declared_in"}
_TREES = get_args(tree.Tree)


def digest(pack: Pack) -> str:
    """`sha256:` and 64 hex digits. Two packs with the same digest decide alike and say the same."""
    import hashlib  # OpenSSL loads with it, and an answer in words needs no digest

    return f"sha256:{hashlib.sha256(text(pack).encode()).hexdigest()}"


def text(pack: Pack) -> str:
    """What a pack's digest is of: one JSON text, the same for all that decide alike."""
    facts = sorted(pack.vocabulary.facts)
    described = {
        "language": LANGUAGE,
        "pack": canonical(pack),
        "facts": {path: canonical(pack.vocabulary.facts[path]) for path in facts},
    }
    return json.dumps(described, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical(value: Any) -> Any:
    """The value as plain JSON, the same for everything that means the same."""
    if isinstance(value, _TREES):
        return tree.text(value)
    if is_dataclass(value) and not isinstance(value, type):
        held = {
            field.name: canonical(getattr(value, field.name))
            for field in fields(value)
            if field.name not in _LEFT_OUT
        }
        return {name: one for name, one in held.items() if one not in (None, [], {}, "")}
    if isinstance(value, Mapping):
        return {str(key): canonical(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [canonical(one) for one in value]
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value
