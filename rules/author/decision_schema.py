"""The JSON Schema (draft 2020-12) of a decision."""

from __future__ import annotations

from typing import Any

from rules.author.facts_schema import DRAFT
from rules.input.vocabulary import PERSONS, Vocabulary


def decision_schema(vocabulary: Vocabulary) -> dict[str, Any]:
    """Return the schema of what `Decision.as_json` returns."""
    text, maybe = {"type": "string"}, {"type": ["string", "null"]}
    role = {"enum": list(vocabulary.roles)}
    source = {
        "type": ["object", "null"],
        "required": ["id", "title", "at", "confidence"],
        "properties": {
            "id": text,
            "title": text,
            "at": maybe,
            "confidence": {"enum": ["high", "medium", "low"]},
        },
        "additionalProperties": False,
    }
    other_source = {
        "type": "object",
        "required": ["says", "source", "why"],
        "additionalProperties": False,
        "properties": {"says": text, "source": source, "why": maybe},
    }
    amount = {"type": ["number", "string"]}
    value = {
        "type": "object",
        "required": ["parameter", "value", "unit", "from", "source", "provisional"],
        "properties": {
            "parameter": text,
            "value": {"anyOf": [amount, {"type": "array", "items": text}]},
            "unit": text,
            "from": maybe,
            "source": source,
            "provisional": maybe,
            "row": text,
        },
        "additionalProperties": False,
    }
    reason = {
        "type": "object",
        "required": [
            "rule",
            "outcome",
            "text",
            "source",
            "values",
            "facts",
            "provisional",
            "reviewable_by",
        ],
        "properties": {
            "rule": text,
            "outcome": text,
            "text": text,
            "source": source,
            "values": {"type": "array", "items": value},
            "facts": {"type": "object"},
            "provisional": maybe,
            "reviewable_by": {"enum": [*vocabulary.roles, None]},
            "lifts": text,
            "other": {"type": "array", "items": other_source},
            "because": {
                "type": "object",
                "additionalProperties": {"type": "array", "items": {"$ref": "#/$defs/reason"}},
            },
        },
        "additionalProperties": False,
    }
    needed = {
        "type": "object",
        "required": ["fact", "question", "ask", "kind", "rule"],
        "additionalProperties": False,
        "properties": {
            "fact": text,
            "question": text,
            "ask": role,
            "rule": maybe,
            "kind": {"enum": ["record", "measurement", "judgment", "event", "decision"]},
            "given": text,
            "of": {"enum": list(PERSONS)},
        },
    }
    clock = {
        "type": "object",
        "required": ["clock", "owner", "status", "started", "due", "met_at"],
        "additionalProperties": False,
        "properties": {
            "clock": text,
            "owner": role,
            "started": maybe,
            "due": maybe,
            "met_at": maybe,
            "status": {"enum": ["not_started", "running", "met", "late", "overdue", "unknown"]},
        },
    }
    considered = {
        "type": "object",
        "required": ["rule", "outcome", "value", "text", "source", "settled_by"],
        "properties": {
            "rule": text,
            "outcome": text,
            "value": {"type": ["boolean", "null"]},
            "text": text,
            "source": source,
            "settled_by": {"type": "object"},
            "unknown": {"type": "array", "items": text},
            "excepted_by": {"type": "array", "items": text},
        },
        "additionalProperties": False,
    }
    exact = {
        "type": "object",
        "required": ["possible", "needs"],
        "properties": {
            "possible": {"type": "array", "items": text, "minItems": 1},
            "needs": {"type": "array", "items": text},
            "open": text,
        },
        "additionalProperties": False,
    }
    other_words = {"type": "array", "items": text, "minItems": 1}
    changed = {
        "type": "object",
        "required": ["fact", "from", "to"],
        "properties": {"fact": text, "from": {}, "to": {}, "or": other_words},
        "additionalProperties": False,
    }
    learned = {
        "type": "object",
        "required": ["fact", "is"],
        "properties": {"fact": text, "is": {}, "or": other_words},
        "additionalProperties": False,
    }
    what_if = {
        "type": "object",
        "required": ["outcome", "change", "rule", "source"],
        "properties": {
            "outcome": text,
            "change": {"type": "array", "items": changed, "minItems": 1},
            "learn": {"type": "array", "items": learned, "minItems": 1},
            "rule": text,
            "source": {"type": ["string", "null"]},
        },
        "additionalProperties": False,
    }
    bar = {
        "type": "object",
        "required": ["rule", "outcome", "facts"],
        "properties": {
            "rule": text,
            "outcome": text,
            "facts": {"type": "array", "items": text, "minItems": 1},
        },
        "additionalProperties": False,
    }
    step = {
        "type": ["object", "null"],
        "required": ["who", "text"],
        "properties": {"who": role, "text": text},
        "additionalProperties": False,
    }
    offense = {
        "type": "object",
        "required": ["fact", "code", "table", "given", "source", "provisional"],
        "additionalProperties": False,
        "properties": {
            "fact": text,
            "code": text,
            "table": text,
            "given": maybe,
            "source": source,
            "provisional": maybe,
        },
    }
    local = {
        "type": "object",
        "required": ["kind", "id"],
        "properties": {"kind": {"enum": ["pack", "offense table"]}, "id": text},
        "additionalProperties": False,
    }
    stale = {
        "type": "object",
        "required": ["id", "title", "checked"],
        "properties": {"id": text, "title": text, "checked": maybe},
        "additionalProperties": False,
    }
    pack = {
        "type": "object",
        "required": ["id", "digest", "as_of", "as_of_from"],
        "additionalProperties": False,
        "properties": {
            "id": text,
            "digest": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
            "as_of": maybe,
            "as_of_from": maybe,
        },
    }
    properties = {
        "decision": text,
        "status": {"enum": ["decided", "undetermined"]},
        "outcome": {"type": ["string", "array", "null"], "items": text},
        "possible": {"type": "array", "items": text},
        "decided_by": role,
        "next": step,
        "pack": pack,
        "reasons": {"type": "array", "items": {"$ref": "#/$defs/reason"}},
        "needed": {"type": "array", "items": needed},
        "obligations": {"type": "array", "items": {"enum": list(vocabulary.obligations)}},
        "clocks": {"type": "array", "items": clock},
        "provisional": {"type": "array", "items": text},
        "facts_digest": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
        "would_bar": {"type": "array", "items": bar},
        "offenses": {"type": "array", "items": offense},
        "considered": {"type": "array", "items": considered},
        "exact": exact,
        "what_if": {"type": "array", "items": what_if},
        "what_if_open": {"type": "object", "additionalProperties": text},
        "local": {"type": "array", "items": local},
        "stale_sources": {"type": "array", "items": stale},
    }
    optional = (
        *("would_bar", "offenses", "considered", "exact", "what_if", "what_if_open"),
        *("facts_digest", "local", "stale_sources"),
    )
    required = [name for name in properties if name not in optional]
    return {
        "$schema": DRAFT,
        "title": "One decision",
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": False,
        "$defs": {"reason": reason},
    }
