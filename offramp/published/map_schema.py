"""The JSON Schema of a map, from a table's columns to facts.

It never refuses a map that `offramp decide --map` accepts. The reader reports what a schema can't
see, such as a column that the table lacks.
"""

from __future__ import annotations

from typing import Any

from offramp.policy.map_cells import CELL
from rules.input.csv_text import ENCODINGS, SEPARATORS
from rules.input.vocabulary import Fact, Vocabulary

Schema = dict[str, Any]

_SCALAR: Schema = {"type": ["string", "number", "boolean"]}
_CELLS: Schema = {"type": "array", "items": _SCALAR}
_TABLE: Schema = {"type": "object"}
_ENDS: Schema = {"type": "array", "minItems": 2, "maxItems": 2}


def map_schema(vocabulary: Vocabulary) -> Schema:
    """Return the schema of a map. A pack may add facts, so other names of facts are allowed."""
    facts: Schema = {
        path: {"$ref": "#/$defs/records" if fact.type == "list" else "#/$defs/cell"}
        for path, fact in vocabulary.facts.items()
        if _may_be_mapped(fact)
    }
    names = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A map from a table to facts",
        "type": "object",
        "required": ["title", "id", "facts"],
        "additionalProperties": False,
        "properties": {
            "title": _SCALAR,
            "id": {**_SCALAR, "description": "The column that names a row."},
            "unit": {**_SCALAR, "description": "One row in a word, such as `arrest`."},
            "groups": {
                "type": "object",
                "description": "Groups that rows are counted by, each read like a fact.",
                "additionalProperties": {"$ref": "#/$defs/cell"},
            },
            "unknown": {**_CELLS, "description": "Cells that mean unknown, in every column."},
            "note": _SCALAR,
            "source": _SCALAR,
            "separator": {"enum": [*SEPARATORS, "tab"]},
            "encoding": {"enum": [*ENCODINGS]},
            "facts": {
                "type": "object",
                "properties": facts,
                "patternProperties": {
                    names: {"anyOf": [{"$ref": "#/$defs/cell"}, {"$ref": "#/$defs/records"}]}
                },
                "additionalProperties": False,
            },
        },
        "$defs": {
            "cell": _cell(),
            "records": _records(),
            "when": _when(),
            "record": _record(),
        },
    }


def _may_be_mapped(fact: Fact) -> bool:
    return fact.known_by != "hub" and "." in fact.path


def _cell() -> Schema:
    properties: Schema = dict.fromkeys(CELL, True) | {
        "column": _SCALAR,
        "part": _SCALAR,
        "values": _TABLE,
        "patterns": {"type": "array", "items": _pattern()},
        "times": {
            "anyOf": [
                {"type": ["number", "string"]},
                {"type": "object", "required": ["values"]},
            ]
        },
        "when": {"$ref": "#/$defs/when"},
        "split": _SCALAR,
        "any_of": _CELLS,
        "none_of": _CELLS,
        "date": {"anyOf": [_SCALAR, _CELLS]},
        "thousands": {"type": "string"},
        "decimal": {"type": "string"},
    }
    entry = {"type": "object", "properties": properties, "additionalProperties": False}
    tried = {"type": "array", "items": {"$ref": "#/$defs/cell"}}
    return {"if": {"type": "array"}, "then": tried, "else": entry}


def _pattern() -> Schema:
    return {
        "type": "object",
        "required": ["is"],
        "properties": {"is": _SCALAR, "to": True, "between": _ENDS, "times": True},
        "additionalProperties": False,
    }


def _when() -> Schema:
    return {
        "type": "object",
        "properties": {"column": _SCALAR, "part": _SCALAR, "is": _CELLS, "is_not": _CELLS},
        "additionalProperties": False,
        "oneOf": [{"required": ["is"]}, {"required": ["is_not"]}],
    }


def _record() -> Schema:
    return {
        "type": "object",
        "properties": {"when": {"$ref": "#/$defs/when"}},
        "additionalProperties": {"$ref": "#/$defs/cell"},
    }


def _records() -> Schema:
    split = {
        "type": "object",
        "required": ["column", "by"],
        "properties": {
            "column": {"anyOf": [_SCALAR, {**_CELLS, "minItems": 1}]},
            "by": _SCALAR,
            "parts": _SCALAR,
            "names": {**_CELLS, "minItems": 1},
            "empty": {"enum": ["unknown", "none"]},
        },
        "additionalProperties": False,
    }
    record = {"$ref": "#/$defs/record"}
    forms: list[Schema] = [
        {"properties": {"items": {"type": "array", "items": record}}, "required": ["items"]},
        {"properties": {"split": split, "item": record}, "required": ["split", "item"]},
        {"properties": {"count": {"$ref": "#/$defs/cell"}}, "required": ["count"]},
    ]
    listed: Schema = {"$ref": "#/$defs/cell"}
    for form in reversed(forms):
        key = form["required"][-1]
        closed = {"type": "object", "additionalProperties": False, **form}
        listed = {"if": {"type": "object", "required": [key]}, "then": closed, "else": listed}
    tried = {"type": "array", "items": {"$ref": "#/$defs/records"}}
    return {"if": {"type": "array"}, "then": tried, "else": listed}
