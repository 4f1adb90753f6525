"""JSON Schemas (draft 2020-12) of what goes in and comes out: facts from the vocabulary, decisions from what `decide` returns.

`python -m rules.author.schemas FOLDER` writes `facts.json` and `decision.json` there, and `pack.json` and `scenarios.json` of
`pack_schema`; a test holds the published ones to it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rules.input.vocabulary import Fact, Vocabulary
from rules.shelf import vocabulary

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def facts_schema(words: Vocabulary) -> dict[str, Any]:
    """What facts may look like for any shipped program; null and absent both say that a fact isn't known."""
    decisions = {
        name: {"enum": [*decision.outcomes, None], "description": decision.asks}
        for name, decision in words.decisions.items()
    }
    properties = {
        **_level(words.tree),
        "decisions": _object(decisions, "Outcomes that their deciders attest.", more=True),
    }
    return {
        "$schema": DRAFT,
        "title": "Facts of one case",
        **_object(properties, "Everything may be absent: unknown."),
    }


def _level(level: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _fact(entry) if isinstance(entry, Fact) else _object(_level(entry))
        for name, entry in level.items()
    }


def _object(
    properties: Mapping[str, Any], description: str = "", *, more: bool = False
) -> dict[str, Any]:
    shown: dict[str, Any] = {"description": description} if description else {}
    return {
        **shown,
        "type": ["object", "null"],
        "properties": dict(properties),
        "additionalProperties": more,
    }


def _fact(fact: Fact) -> dict[str, Any]:
    about = {
        "description": fact.question,
        "x-known-by": fact.known_by,
        "x-category": fact.category,
        "x-kind": fact.kind,
    }
    bounds: dict[str, Any] = {}
    if fact.low is not None:
        bounds["minimum"] = int(fact.low)
    if fact.high is not None:
        bounds["maximum"] = int(fact.high)
    match fact.type:
        case "bool":
            return {**about, "type": ["boolean", "null"]}
        case "int":
            return {**about, "type": ["integer", "null"], **bounds}
        case "decimal":
            return {**about, "type": ["number", "null"], **bounds}
        case "choice":
            return {**about, "enum": [*fact.choices, None]}
        case "date":
            return {**about, "type": ["string", "null"], "format": "date"}
        case "timestamp":
            return {**about, "type": ["string", "null"], "format": "date-time"}
        case "list":
            record = {
                "type": "object",
                "properties": {name: _fact(field) for name, field in fact.fields.items()},
                "additionalProperties": False,
            }
            return {**about, "type": ["array", "null"], "items": record}
    return {**about, "type": ["string", "null"]}


def decision_schema(words: Vocabulary) -> dict[str, Any]:
    """What `Decision.as_json` returns."""
    text, maybe = {"type": "string"}, {"type": ["string", "null"]}
    role = {"enum": list(words.roles)}
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
    other = {
        "type": "object",
        "required": ["says", "source", "why"],
        "additionalProperties": False,
        "properties": {"says": text, "source": source, "why": maybe},
    }
    reason = {
        "type": "object",
        "required": ["rule", "outcome", "text", "source", "facts", "provisional", "reviewable_by"],
        "properties": {
            "rule": text,
            "outcome": text,
            "text": text,
            "source": source,
            "facts": {"type": "object"},
            "provisional": maybe,
            "reviewable_by": {"enum": [*words.roles, None]},
            "lifts": text,
            "other": {"type": "array", "items": other},
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
        "obligations": {"type": "array", "items": {"enum": list(words.obligations)}},
        "clocks": {"type": "array", "items": clock},
        "provisional": {"type": "array", "items": text},
        "facts_digest": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
        "offenses": {"type": "array", "items": offense},
        "considered": {"type": "array", "items": considered},
    }
    required = [
        name for name in properties if name not in ("offenses", "considered", "facts_digest")
    ]
    return {
        "$schema": DRAFT,
        "title": "One decision",
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": False,
        "$defs": {"reason": reason},
    }


def main(folder: Path) -> None:
    """Writes the four schemas."""
    from rules.author.pack_schemas import (
        pack_schema,
        scenarios_schema,
    )  # which is made of this module's own

    makers = {
        "facts": facts_schema,
        "decision": decision_schema,
        "pack": pack_schema,
        "scenarios": scenarios_schema,
    }
    for name, made in makers.items():
        (folder / f"{name}.json").write_text(
            json.dumps(made(vocabulary()), indent=1) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
