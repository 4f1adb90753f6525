"""Cases of CEL conformance files, translated to the language of packs and run in it.

A case has an expression and tagged bindings: `{"int": 1}`, `{"double": "1.0"}`, `{"list": [...]}`,
`{"map": [[key, value], ...]}`. The standard's suite uses this form, and so do the cases in
`tests/conformance`, where `{"unknown": true}` is a value that nobody recorded.

The translation of a case:

* Each binding becomes a typed fact of a small vocabulary, and a map becomes a group of facts.
* A list of plain values becomes a list of records with the field `value`, in a binding and in the
  expression, and the expression reads it as `name.map(element, element.value)`.
* A result that is not a yes or no is compared: `(expression) == result`.

Every translated case ends in `Answers` or in `Refused`, by the code of the checker.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product
from typing import Any

from rules.decide.compile import compile_condition
from rules.decide.walk import World, walk
from rules.errors import PackError
from rules.input.amounts import fits
from rules.input.facts import read_facts
from rules.input.vocabulary import Fact, Vocabulary, nested
from rules.input.yaml import Node
from rules.language import syntax
from rules.language.check import check
from rules.language.checker import Scope
from rules.language.parse import parse

Tagged = Mapping[str, Any]
Bindings = Mapping[str, Tagged]
FACT_TYPES = {"bool": "bool", "int": "int", "double": "decimal", "string": "text"}
LITERALS = {"bool": "bool", "int": "int", "float": "double", "text": "string"}
# The types that a name without any value may have, in the order in which they are tried.
GUESSES = ("bool", "int", "text", "list")


@dataclass(frozen=True)
class Kind:
    """A kind of CEL outside the language: an error code, and what the message shows in it."""

    code: str
    shows: str
    title: str


KINDS = (
    Kind("not-in-packs", "can fail", "division and remainder"),
    Kind("not-in-packs", "picks out", "an element by its index, a value by its key"),
    Kind("not-in-packs", r"^`\{.* is CEL", "a map written out"),
    Kind("not-in-packs", "is CEL", "`exists_one`"),
    Kind("not-in-packs", "is not a fact|is known", "a field of a written value, `has()`"),
    Kind("unknown-function", "`(int|double|string|bool|dyn|type)`", "a conversion"),
    Kind("unknown-function", "`(startsWith|endsWith|contains|matches)`", "a search in a text"),
    Kind("unknown-function", r"`(timestamp|duration|get\w+)`", "a time stamp or a duration"),
    Kind("unknown-function", "", "any other function"),
    Kind("wrong-arguments", "", "`size` or `sum` as a method"),
    Kind("wrong-type", "orders", "an order of texts, or of yes and no"),
    Kind("wrong-type", "has no meaning", "joining texts or lists"),
    Kind("wrong-type", "", "values of two types, or a value that is no yes or no"),
    Kind("number-too-fine", "", "a number of over 12 digits before the point or 6 after it"),
    Kind("no-null", "", "`null`"),
    Kind("unknown-fact", "", "a name without a value, or with one that no fact can have"),
    Kind("list-equality", "", "a list or a record compared as a whole"),
    Kind("list-alone", "", "a list as the result"),
    Kind("not-a-list", "", "`size`, `in`, or a macro on anything but a list of one type"),
    Kind("name-clash", "", "a variable with the name of a fact"),
    Kind("not-a-condition", "", "an overflow of 64 bits: numbers here are exact"),
)


@dataclass(frozen=True)
class Refused:
    """A condition outside the language of packs, by the code and message of its refusal."""

    code: str
    message: str

    @property
    def kind(self) -> Kind:
        """The first kind that fits. Raises `LookupError` for a refusal of no listed kind."""
        for kind in KINDS:
            if kind.code == self.code and re.search(kind.shows, self.message):
                return kind
        raise LookupError(f"no listed kind of refusal fits: {self.code}: {self.message}")


@dataclass(frozen=True)
class Answers:
    """The value of the tree walk and the compiled condition: True, False, or None for unknown."""

    walked: bool | None
    compiled: bool | None

    def are(self, expected: bool | None) -> bool:
        return self.walked is expected and self.compiled is expected


def run(condition: str, vocabulary: Vocabulary, facts: Mapping[str, Any]) -> Answers | Refused:
    """Check a condition, then decide it twice on nested facts."""
    try:
        node = check(
            Node("a condition", 1, 1, condition, quoted=True), Scope(vocabulary, {}, {}, ())
        )
    except PackError as error:
        return Refused(error.code, error.message)
    known = read_facts(facts, vocabulary).known
    world = World(known, {}, _unnamed, _unnamed)
    return Answers(walk(node, world), compile_condition(node, {})(known, _unnamed, _unnamed))


def _unnamed(_: str) -> None:
    """No decision and no clock is named by these conditions."""


def make_vocabulary(facts: Mapping[str, Fact]) -> Vocabulary:
    """A vocabulary of these facts alone."""
    return Vocabulary({}, {}, (), {}, {}, {}, {}, {}, facts, nested(facts))


def make_fact(path: str, kind: str, fields: Mapping[str, Fact] | None = None) -> Fact:
    """A fact about which only its type is stated."""
    return Fact(path, kind, "?", "police", "encounter", "record", fields=fields or {})


# One case


@dataclass(frozen=True)
class Translation:
    """A case in the language of packs. `known_facts` are typed, `open_names` still need a type."""

    condition: str
    known_facts: Mapping[str, Fact]
    open_names: tuple[str, ...]
    open_fields: tuple[str, ...]
    rows: Mapping[str, Any]  # lists that the expression writes out
    is_open: bool  # the case expects unknown

    def answer(self, bindings: Bindings) -> Answers | Refused:
        """Return the result of the expression with these bindings.

        An open name takes the first type with which the condition is one. If there is none, the
        refusal is that of the first type.
        """
        refusals: list[Refused] = []
        for vocabulary in self.vocabularies():
            flat = {
                path: value
                for name, tagged in bindings.items()
                for path, value in _plain_facts(name, tagged)
                if path in vocabulary.facts
            }
            facts = nested({**flat, **self.rows})
            answer = run(self.condition, vocabulary, facts)
            if self.is_open and isinstance(answer, Refused) and answer.code == "not-a-condition":
                # `x == x` is unknown exactly where `x` is.
                doubled = f"({self.condition}) == ({self.condition})"
                answer = run(doubled, vocabulary, facts)
            if isinstance(answer, Answers):
                return answer
            refusals.append(answer)
        return refusals[0]

    def vocabularies(self) -> Iterator[Vocabulary]:
        """The vocabularies to try, one for each choice of types for what is open."""
        ways = [GUESSES] * len(self.open_names) + [GUESSES[:-1]] * len(self.open_fields)
        for types in product(*ways):
            names, fields = types[: len(self.open_names)], types[len(self.open_names) :]
            guessed = {
                name: make_fact(name, kind)
                for name, kind in zip(self.open_names, names, strict=True)
            }
            typed = tuple(zip(self.open_fields, fields, strict=True))
            yield make_vocabulary(
                {
                    path: _with_fields(fact, typed)
                    for path, fact in {**self.known_facts, **guessed}.items()
                }
            )


def _with_fields(fact: Fact, typed: tuple[tuple[str, str], ...]) -> Fact:
    if fact.type != "list":
        return fact
    added = {name: make_fact(f"{fact.path}.{name}", kind) for name, kind in typed}
    return replace(fact, fields={**added, **fact.fields})


def translate(case: Mapping[str, Any], *, guess: bool = False) -> Translation:
    """Translate a case. With `guess`, a name that has no value is an unknown fact of some type."""
    sets = [case.get("bindings", {}), *(more["bindings"] for more in case.get("completions", ()))]
    facts: dict[str, Fact] = {}
    for bindings in sets:
        for name, tagged in bindings.items():
            for path, fact in _facts_of(name, tagged):
                facts[path] = _joined(facts[path], fact) if path in facts else fact
    expression, rows = _lifted(str(case["expr"]), open_too=guess)
    for name, tagged in rows.items():
        facts.update(_facts_of(name, tagged))
    expression = _with_values_read(expression, facts)
    names, fields = _open_parts(parse(expression), facts) if guess else ((), ())
    return Translation(
        _compared(expression, case), facts, names, fields,
        {name: _plain(tagged) for name, tagged in rows.items()}, bool(case.get("unknown")),
    )  # fmt: skip


def _compared(expression: str, case: Mapping[str, Any]) -> str:
    """The condition that asks for the result of the case."""
    if "value" in case and "bool" not in case["value"]:
        return f"({expression}) == {_written(case['value'])}"
    return expression


def outcome_of(case: Mapping[str, Any], *, guess: bool = False) -> Answers | Refused:
    """Return the result of a case in the language of packs."""
    return translate(case, guess=guess).answer(case.get("bindings", {}))


def expected_of(case: Mapping[str, Any]) -> bool | None:
    """The answer that agrees with a case: whether its condition holds, or None for unknown.

    Raises `LookupError` for a case that expects an error: no condition of a pack can give one.
    """
    if case.get("error"):
        raise LookupError("the case expects an error")
    if case.get("unknown"):
        return None
    return bool(case["value"].get("bool", True))


# Tagged values


def _facts_of(path: str, tagged: Tagged) -> Iterator[tuple[str, Fact]]:
    """The facts that a value needs. Null, a duration, a list of lists, and the like need none."""
    ((tag, value),) = tagged.items()
    if tag in FACT_TYPES:
        yield path, make_fact(path, FACT_TYPES[tag])
    elif tag == "map" and _is_record(tagged):
        for key, item in value:
            yield from _facts_of(f"{path}.{key['string']}", item)
    elif tag == "list" and all(_is_record(item) or "unknown" in item for item in value):
        if any("map" in item for item in value) or not value:
            yield path, make_fact(path, "list", _fields_of(path, value))
    elif tag == "list" and (kind := _common_type(value)):
        yield path, make_fact(path, "list", {"value": make_fact(f"{path}.value", kind)})


def _fields_of(path: str, records: list[Tagged]) -> dict[str, Fact]:
    return {
        field_path.removeprefix(f"{path}."): field
        for record in records
        for key, item in record.get("map", ())
        for field_path, field in _facts_of(f"{path}.{key['string']}", item)
    }


def _common_type(values: list[Tagged]) -> str | None:
    """The type of a list of plain values and unknown ones, if they have one in common."""
    tags = {tag for tagged in values for tag in tagged} - {"unknown"}
    if tags and tags <= {"int", "double"}:
        return "int" if tags == {"int"} else "decimal"
    return FACT_TYPES.get(tags.pop()) if len(tags) == 1 else None


def _is_record(tagged: Tagged) -> bool:
    return "map" in tagged and all(
        "string" in key and key["string"].isidentifier() for key, _ in tagged["map"]
    )


def _joined(one: Fact, other: Fact) -> Fact:
    return replace(one, fields={**one.fields, **other.fields})


def _plain_facts(path: str, tagged: Tagged) -> Iterator[tuple[str, Any]]:
    """The values of a binding as JSON facts contain them, by path."""
    if "map" in tagged:
        for key, item in tagged["map"]:
            yield from _plain_facts(f"{path}.{key.get('string')}", item)
    else:
        yield path, _plain(tagged)


def _plain(tagged: Tagged) -> Any:
    ((tag, value),) = tagged.items()
    match tag:
        case "list":
            return [_plain_record(item) for item in value]
        case "double":
            return float(value)
        case "unknown" | "null":
            return None
    return value


def _plain_record(tagged: Tagged) -> dict[str, Any]:
    if "map" in tagged:
        return {key.get("string"): _plain(item) for key, item in tagged["map"]}
    return {} if "unknown" in tagged else {"value": _plain(tagged)}


def _written(tagged: Tagged) -> str:
    """A tagged value as CEL text."""
    ((tag, value),) = tagged.items()
    match tag:
        case "bool" | "null" | "string":
            return json.dumps(value)
        case "list":
            return f"[{', '.join(map(_written, value))}]"
        case "map":
            entries = (f"{_written(key)}: {_written(item)}" for key, item in value)
            return f"{{{', '.join(entries)}}}"
        case "timestamp" | "duration":
            return f'{tag}("{value}")'
    return str(value)


# The expression


def _lifted(text: str, *, open_too: bool) -> tuple[str, dict[str, Tagged]]:
    """Make each written list that is walked or counted a list of facts.

    Returns the text with a name in place of each list, and the lists by name. With `open_too`, a
    name among the elements is an unknown value.
    """
    rows: dict[str, Tagged] = {}
    places: list[tuple[int, int, str]] = []
    for written in _walked_lists(parse(text)):
        elements = [_tagged_literal(item, open_too=open_too) for item in written.items]
        listed = {"list": [element for element in elements if element is not None]}
        name = f"written{len(rows) + 1}"
        if None not in elements and (not elements or list(_facts_of(name, listed))):
            rows[name] = listed
            places.append((written.start, written.end, name))
    for start, end, name in sorted(places, reverse=True):
        text = f"{text[:start]}{name}{text[end:]}"
    return text, rows


def _walked_lists(node: syntax.Expression) -> Iterator[syntax.ListOf]:
    """The written lists on which a macro is called, or that `size` or `sum` is about."""
    match node:
        case syntax.Comprehension(target=syntax.ListOf() as written):
            yield written
        case syntax.Call("size" | "sum", None, (syntax.ListOf() as written,)):
            yield written
    for child in syntax.children(node):
        yield from _walked_lists(child)


def _tagged_literal(node: syntax.Expression, *, open_too: bool) -> Tagged | None:
    match node:
        case syntax.Literal(kind, value) if kind in LITERALS:
            is_number = kind in ("int", "float")
            return None if is_number and not fits(Decimal(str(value))) else {LITERALS[kind]: value}
        case syntax.Name() if open_too:
            return {"unknown": True}
        case syntax.MapOf(entries):
            pairs = [
                [_tagged_literal(part, open_too=open_too) for part in entry] for entry in entries
            ]
            return {"map": pairs} if all(None not in pair for pair in pairs) else None
    return None


def _with_values_read(text: str, facts: Mapping[str, Fact]) -> str:
    """Read a list of plain values as `name.map(element, element.value)`."""
    places = [
        node
        for node in _every_node(parse(text))
        if isinstance(node, syntax.Name)
        and node.name in facts
        and list(facts[node.name].fields) == ["value"]
    ]
    for name in sorted(places, key=lambda place: place.start, reverse=True):
        read = f"{name.name}.map(element, element.value)"
        text = f"{text[: name.start]}{read}{text[name.end :]}"
    return text


def _every_node(node: syntax.Expression) -> Iterator[syntax.Expression]:
    yield node
    for child in syntax.children(node):
        yield from _every_node(child)


def _open_parts(
    tree: syntax.Expression, facts: Mapping[str, Fact]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The paths and the fields of records that an expression reads and no binding gives."""
    paths: dict[str, None] = {}
    fields: dict[str, None] = {}
    _find_open(tree, frozenset(), paths, fields)
    known_fields = {name for fact in facts.values() for name in fact.fields}
    return (
        tuple(path for path in paths if not any(_overlap(path, taken) for taken in facts)),
        tuple(field for field in fields if field not in known_fields),
    )


def _overlap(one: str, other: str) -> bool:
    """Return whether two paths name the same fact, or one is a group that contains the other."""
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def _find_open(
    node: syntax.Expression,
    variables: frozenset[str],
    paths: dict[str, None],
    fields: dict[str, None],
) -> None:
    match node:
        case syntax.Name() | syntax.Select():
            path = _dotted(node)
            if path is not None:
                first, _, rest = path.partition(".")
                if first not in variables:
                    paths[path] = None
                elif rest:
                    fields[rest] = None
                return
        case syntax.Comprehension():
            _find_open(node.target, variables, paths, fields)
            for part in (node.keep, node.body):
                if part is not None:
                    _find_open(part, variables | {node.variable}, paths, fields)
            return
    for child in syntax.children(node):
        _find_open(child, variables, paths, fields)


def _dotted(node: syntax.Expression) -> str | None:
    if isinstance(node, syntax.Name):
        return node.name
    if isinstance(node, syntax.Select):
        above = _dotted(node.operand)
        return None if above is None else f"{above}.{node.field}"
    return None
