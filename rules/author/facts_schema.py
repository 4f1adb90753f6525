"""The JSON Schema (draft 2020-12) of facts, made from the vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rules.input.vocabulary import Fact, Vocabulary

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def facts_schema(vocabulary: Vocabulary) -> dict[str, Any]:
    """Return the schema of facts for any shipped program. Null and absent both mean unknown."""
    decisions = {
        name: {"enum": [*decision.outcomes, None], "description": decision.asks}
        for name, decision in vocabulary.decisions.items()
    }
    properties = {
        **_level(vocabulary.tree),
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
    about = {"description": description} if description else {}
    return {
        **about,
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
