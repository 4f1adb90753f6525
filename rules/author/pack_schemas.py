"""JSON Schemas of `pack.yaml`, `scenarios.yaml`, and `cases.yaml`, for completion and for typos.

They are made of `rules.input.keys` and the vocabulary, in draft 7, which editors' YAML support
reads. A schema sees a file as an editor's YAML does: `2014` is a number, `true` a boolean. It never
refuses a file that `offramp check` accepts. `check` reports the faults that a schema can't see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rules.author.facts_schema import facts_schema
from rules.input import keys
from rules.input.vocabulary import KINDS, PERSONS, TYPES, DecisionTerms, Vocabulary
from rules.language.times import TIME_OF_DAY
from rules.packs.consent_sets import NEEDS
from rules.packs.costs import COST_UNITS
from rules.packs.head import CONFIDENCE, PROGRAM_KINDS
from rules.packs.own_reads import READS
from rules.packs.parameters import COUNTS, GREATEST, LISTS, UNITS

DRAFT = "http://json-schema.org/draft-07/schema#"
Schema = dict[str, Any]

_SCALAR: Schema = {"type": ["string", "number", "boolean"], "pattern": "\\S"}
_DAY = "^\\s*[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?\\s*$"
_TIME = "^\\s*([01][0-9]|2[0-3]):[0-5][0-9]\\s*$"
_PLAIN: dict[str, Schema] = {
    keys.TEXT: _SCALAR,
    keys.CONDITION: _SCALAR,
    keys.NAME: {**_SCALAR, "pattern": "^\\s*[a-z0-9][a-z0-9_.-]{0,63}\\s*$"},
    keys.DAY: {"type": ["string", "integer"], "pattern": _DAY, "minimum": 1, "maximum": 9999},
    keys.PERCENT: {"type": "integer", "minimum": 0, "maximum": 100},
    keys.COUNT: {"type": "integer", "minimum": 0},
    keys.DOLLARS: {"type": "number", "exclusiveMinimum": 0},
    keys.FLAG: {"type": "boolean"},
    keys.END: {"type": ["number", "null"]},
    keys.AMOUNT: {
        "anyOf": [
            {"type": "number", "minimum": 0},
            {"type": "array", "items": _SCALAR, "minItems": 1},
            {"type": "string", "pattern": _TIME},
            {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}},
        ]
    },
    keys.ANSWER: {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR}]},
    keys.PHRASE: {
        "anyOf": [_SCALAR, {"type": "array", "items": _SCALAR, "minItems": 2, "maxItems": 2}]
    },
    keys.FAULT: {"anyOf": [{"const": True}, _SCALAR]},
    keys.CITED: {
        "anyOf": [
            _SCALAR,
            {
                "type": "object",
                "properties": {
                    "id": _SCALAR,
                    "at": {**_SCALAR, "description": "The place in it: a paragraph, a page."},
                },
                "required": ["id"],
                "additionalProperties": False,
            },
        ]
    },
}


def pack_schema(vocabulary: Vocabulary) -> Schema:
    """Return the schema of `pack.yaml`."""
    maker = _Maker(vocabulary)
    pack = maker.of(keys.PACK, None)
    return {
        "$schema": DRAFT,
        "title": "A rule pack of Offramp",
        **pack,
        "definitions": maker.shared,
    }


def scenarios_schema(vocabulary: Vocabulary) -> Schema:
    """Return the schema of `scenarios.yaml`."""
    maker = _Maker(vocabulary)
    scenarios = maker.of(keys.SCENARIOS, None)
    return {
        "$schema": DRAFT,
        "title": "The scenarios of a rule pack",
        **scenarios,
        "definitions": maker.shared,
    }


def cases_schema(vocabulary: Vocabulary) -> Schema:
    """Return the schema of `cases.yaml`."""
    maker = _Maker(vocabulary)
    cases = maker.of(keys.CASES, None)
    return {
        "$schema": DRAFT,
        "title": "The cases of a rule pack, answered from the sources",
        **cases,
        "definitions": maker.shared,
    }


class _Maker:
    """Makes one schema.

    `shared` has each entry once, or once for each decision if the entry contains outcomes.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.shared: dict[str, Schema] = {}
        self.words: dict[str, tuple[str, ...]] = {
            "roles": tuple(vocabulary.roles),
            "categories": tuple(vocabulary.categories),
            "obligations": tuple(vocabulary.obligations),
            "decisions": tuple(vocabulary.decisions),
            "events": tuple(
                fact.path for fact in vocabulary.facts.values() if fact.kind == "event"
            ),
            "units": UNITS,
            "types": TYPES,
            "kinds": KINDS,
            "confidence": CONFIDENCE,
            "program_kinds": PROGRAM_KINDS,
            "cost_units": COST_UNITS,
            "persons": PERSONS,
            "reads": READS,
            "counts": COUNTS,
            "statuses": ("decided", "undetermined"),
            "purposes": tuple(vocabulary.purposes),
            "needs": NEEDS,
        }

    def of(self, value: keys.Value, around: DecisionTerms | None) -> Schema:
        """Return the schema of a value.

        `around` is the decision that contains it. None outside a decision, or in an unknown one.
        """
        match value:
            case keys.Entry():
                return self.entry(value, around)
            case keys.ListOf():
                ends = {
                    "minItems": value.least,
                    **({"maxItems": value.most} if value.most is not None else {}),
                }
                return {"type": "array", "items": self.of(value.item, around), **ends}
            case keys.MapOf():
                return self.map(value, around)
            case keys.Words():
                listed = {"enum": list(self.words[value.of])}
                return {"anyOf": [listed, _SCALAR]} if value.open_ended else listed
            case keys.OUTCOME:
                return {"enum": list(around.outcomes)} if around is not None else _SCALAR
            case keys.REPLACED:
                otherwise = {"properties": {"id": {"const": "otherwise"}}, "required": ["id"]}
                return {
                    "if": otherwise,
                    "then": self.of(keys.OTHERWISE, around),
                    "else": self.of(keys.RULE, around),
                }
            case keys.FACTS:
                return _opened(facts_schema(self.vocabulary)["properties"])
        return _PLAIN[value]

    def map(self, value: keys.MapOf, around: DecisionTerms | None) -> Schema:
        """Return the schema of a mapping."""
        if value.names_of == "outcomes" and around is not None:
            properties = {name: self.of(value.item, around) for name in around.outcomes}
            return {"type": "object", "properties": properties, "additionalProperties": False}
        schema: Schema = {"type": "object", "additionalProperties": self.of(value.item, None)}
        if value.names_of == "decisions":
            schema["properties"] = {
                name: _described(self.of(value.item, terms), terms.asks)
                for name, terms in self.vocabulary.decisions.items()
            }
        return schema

    def entry(self, entry: keys.Entry, around: DecisionTerms | None) -> Schema:
        """Return a reference to an entry's schema, made once."""
        name = (
            f"{entry.name} in {around.name}"
            if around is not None and _has_outcomes(entry)
            else entry.name
        )
        name = name.replace(" ", "-")  # an editor may show it, and a reference takes it as it is
        reference = {"$ref": f"#/definitions/{name}"}
        if name in self.shared:
            return reference
        schema: Schema = {
            "type": "object",
            "properties": {
                key: _described(self.of(entry_key.value, around), entry_key.about)
                for key, entry_key in entry.keys.items()
            },
            "required": list(entry.required),
            "additionalProperties": False,
        }
        if entry.one_of:
            schema["oneOf"] = [{"required": [key]} for key in entry.one_of]
        if entry is keys.PARAMETER:
            schema["allOf"] = _values_by_unit()
        if entry is keys.PACK:
            schema["anyOf"] = [{"required": ["decisions"]}, {"required": ["extends"]}]
        if entry in (keys.PACK, keys.SCENARIO, keys.CASE):
            return schema
        self.shared[name] = schema
        return reference


def _described(schema: Schema, about: str) -> Schema:
    # Beside a `$ref`, draft 7 ignores everything.
    return {"description": about, **({"allOf": [schema]} if "$ref" in schema else schema)}


def _has_outcomes(value: keys.Value) -> bool:
    match value:
        case keys.Entry():
            return any(_has_outcomes(key.value) for key in value.keys.values())
        case keys.ListOf() | keys.MapOf():
            return _has_outcomes(value.item)
    return value in (keys.OUTCOME, keys.REPLACED)


def _values_by_unit() -> list[Schema]:
    """Return the shape of a parameter's values: a list of codes, a time of day, or a number."""

    def values(kind: str) -> Schema:
        return {"properties": {"values": {"items": {"properties": {"value": {"type": kind}}}}}}

    def unit(*names: str) -> Schema:
        return {"properties": {"unit": {"enum": list(names)}}, "required": ["unit"]}

    return [
        {"if": unit(*LISTS), "then": values("array")},
        {"if": unit(TIME_OF_DAY), "then": values("string")},
        {
            "if": unit(*GREATEST),
            "then": {
                "if": {"required": ["by"]},
                "then": values("object"),
                "else": values("number"),
            },
        },
    ]


def _opened(properties: Mapping[str, Any]) -> Schema:
    """Return facts in groups that a pack may add to: facts, words of choices, and fields."""
    return {
        "type": "object",
        "properties": {name: _group(schema) for name, schema in properties.items()},
    }


def _group(schema: Mapping[str, Any]) -> Schema:
    if "enum" in schema:  # a pack may have finer words
        about = {key: value for key, value in schema.items() if key != "enum"}
        return {**about, "anyOf": [{"enum": schema["enum"]}, _SCALAR]}
    if _kinds(schema.get("type", ())) == {"array", "null"}:
        record = schema["items"]
        fields = {name: _group(inner) for name, inner in record["properties"].items()}
        return {
            **schema,
            "items": {**record, "properties": fields, "additionalProperties": True},
        }
    if _kinds(schema.get("type", ())) != {"object", "null"}:
        return dict(schema)
    below = {name: _group(inner) for name, inner in schema["properties"].items()}
    return {**schema, "properties": below, "additionalProperties": True}


def _kinds(types: str | Iterable[str]) -> set[str]:
    return {types} if isinstance(types, str) else set(types)
