"""The digest of a pack: SHA-256 over canonical JSON of the whole pack and the language's version.

Conditions are printed from their trees and numbers are normalized, so that spelling does not count.
Wording and sources count. Scenarios, comments, the order of rules, the days on which somebody
checked the sources, and the source of an added fact do not. A field with its default value is left
out, so that a new optional key changes no digest of a pack without it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal

from rules.frozen import MISSING, fields, is_record
from rules.input.citations import Section
from rules.language import tree
from rules.packs.pack import Pack

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LANGUAGE = "offramp-rules/2"
_LEFT_OUT = {"place", "vocabulary", "coverage", "declared_in", "local", "sections", "checked"}
_LEFT_OUT |= {"cited"}  # of a fact: digests of packs from before it was kept stay as they are
_TREES = tree.NODES


def digest(pack: Pack) -> str:
    """Return `sha256:` and 64 hex digits, the same for packs with the same rules and words."""
    # That of a pack that was kept ready, or of an earlier call. It takes as long as reading a pack.
    found: str | None = pack.__dict__.get("_digest")
    if found is None:
        from rules.sha256 import hex_digest  # an answer in words needs no digest

        found = pack.__dict__["_digest"] = f"sha256:{hex_digest(text(pack).encode())}"
    return found


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
    if isinstance(value, Section):
        return value.text
    if is_record(value):
        return {
            field.name: member
            for field in fields(value)
            if field.name not in _LEFT_OUT
            and (member := canonical(getattr(value, field.name)))
            not in _defaults(type(value), field)
        }
    if isinstance(value, Mapping):
        return {str(key): canonical(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [canonical(item) for item in value]
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def _defaults(kind: type, field: Any) -> tuple[Any, ...]:
    """Return the values of a field that are left out: its default, or what is empty without one."""
    defaults = _DEFAULTS.get((kind, field.name))
    if defaults is None:
        if field.default is not MISSING:
            defaults = (canonical(field.default),)
        elif field.default_factory is not MISSING:
            defaults = (canonical(field.default_factory()),)
        else:
            defaults = (None, [], {}, "", False)
        _DEFAULTS[kind, field.name] = defaults
    return defaults


# By class and field. Defaults never change.
_DEFAULTS: dict[tuple[type, str], tuple[Any, ...]] = {}
