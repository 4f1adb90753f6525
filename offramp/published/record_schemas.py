"""The JSON Schemas of a record's draft, in general and for each kind of record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from exchange.models import AGENCY_ID, WireModel
from exchange.records.categories import SignedForm
from exchange.records.content import content_models
from exchange.records.kinds import kinds, purposes
from exchange.records.statements import MODELS
from rules.input.vocabulary import RecordKind
from rules.shelf import vocabulary

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_BASES = ("consent", "offer_at_scene", "operation", "premises_crime", "none")


def draft_schema() -> Schema:
    """Return the schema of a draft of any kind, as `offramp agency send` reads it."""
    models: list[type[WireModel]] = [SignedForm, *content_models().values(), *MODELS.values()]
    definitions = _definitions(models)
    says: Schema = {"anyOf": [_reference(model) for model in MODELS.values()]}
    part = _part(tuple(content_models()), says, required=("category", "to"))
    return {
        "$schema": DIALECT,
        "title": "A draft of a record",
        **_draft(part, is_signed=True),
        "$defs": definitions,
    }


def kind_schema(name: str) -> Schema:
    """Return the schema of a draft of one kind. Its description names the kind's senders."""
    kind = kinds()[name]
    categories = {category: content_models()[category] for category in kind.categories}
    models: list[type[WireModel]] = [*categories.values()]
    if kind.says is not None:
        models.append(MODELS[kind.says])
    if name == "consent":
        models.append(SignedForm)
    required = ("category", "to") + (("says",) if kind.says and kind.says_in is None else ())
    says: Schema | bool = _reference(MODELS[kind.says]) if kind.says is not None else False
    return {
        "$schema": DIALECT,
        "title": f"A draft of the kind `{name}`",
        "description": describe_kind(kind),
        **_draft(_part(kind.categories, says, required=required), is_signed=name == "consent"),
        "$defs": _definitions(models),
    }


def describe_kind(kind: RecordKind) -> str:
    """Return a kind's line and its senders, as a sentence."""
    line = kind.line[0].upper() + kind.line[1:]
    return f"{line}. Sent by {', '.join(kind.issuers)}."


def _draft(part: Schema, *, is_signed: bool) -> Schema:
    form: Mapping[str, Any] = {"form": _reference(SignedForm)} if is_signed else {}
    return {
        "type": "object",
        "required": ["parts"],
        "properties": {"parts": {"type": "array", "items": part}, **form},
        "additionalProperties": False,
    }


def _part(categories: tuple[str, ...], says: Schema | bool, required: tuple[str, ...]) -> Schema:
    words = vocabulary()
    category = {"enum": [*categories]}
    purpose = {"enum": sorted(purposes())}
    way = {
        "type": "object",
        "required": ["purpose"],
        "properties": {"purpose": purpose, "basis": {"enum": [*_BASES]}},
        "additionalProperties": False,
    }
    by_category = {name: _reference(content_models()[name]) for name in categories}
    return {
        "type": "object",
        "required": [*required],
        "properties": {
            "category": {
                "if": {"type": "array"},
                "then": {"type": "array", "items": category, "minItems": 1},
                "else": category,
                "description": "; ".join(
                    f"{name}: {words.categories[name]}" for name in categories
                ),
            },
            "content": {"type": ["object", "null"]},
            "to": {
                "type": "object",
                "propertyNames": {"pattern": AGENCY_ID},
                "additionalProperties": {"if": {"type": "string"}, "then": purpose, "else": way},
            },
            "keep_until": {"type": "string", "format": "date"},
            "sensitivity": {"enum": ["plain", "health", "part2"]},
            "use": {"enum": ["none", "no_adverse_action"]},
            "notice": {"type": "string", "pattern": "^(none|(official|own)-[0-9]{1,4})$"},
            "says": says,
            "id": {"type": ["string", "null"], "pattern": "^[0-9a-f]{16}$"},
        },
        "additionalProperties": False,
        "allOf": [
            *(_content_of(name, schema) for name, schema in by_category.items()),
            _content_of_several(by_category),
        ],
    }


def _content_of(category: str, schema: Schema) -> Schema:
    """Return the rule for a part of one category, which may leave out the category's name."""
    keyed = {"type": "object", "properties": {category: schema}, "additionalProperties": False}
    is_keyed = {"type": "object", "required": [category], "maxProperties": 1}
    content = {"if": {"type": "null"}, "else": {"if": is_keyed, "then": keyed, "else": schema}}
    return {
        "if": {
            "properties": {"category": {"enum": [category, [category]]}},
            "required": ["category"],
        },
        "then": {"properties": {"content": content}},
    }


def _content_of_several(by_category: Mapping[str, Schema]) -> Schema:
    keyed = {
        "if": {"type": "object"},
        "then": {"properties": dict(by_category), "additionalProperties": False},
    }
    return {
        "if": {
            "properties": {"category": {"type": "array", "minItems": 2}},
            "required": ["category"],
        },
        "then": {"properties": {"content": keyed}},
    }


def _definitions(models: list[type[WireModel]]) -> Schema:
    _, schema = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/$defs/{model}"
    )
    definitions: Schema = schema["$defs"]
    # The office completes a grant's id, and a person need not invent one.
    if "Grant" in definitions:
        definitions["Grant"]["required"].remove("id")
    return definitions


def _reference(model: type[WireModel]) -> Schema:
    return {"$ref": f"#/$defs/{model.__name__}"}
