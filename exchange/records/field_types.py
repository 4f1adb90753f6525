"""Types of the fields in a content: names, days, and the terms of the vocabulary."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_after_validator_function

from exchange.errors import shorten
from rules.errors import respelled
from rules.input.values import read_instant
from rules.shelf import vocabulary

_VOCABULARY = vocabulary()


# The path of a fact that only a program's pack has. It is short and has few parts.
PACK_PATH = r"^[a-z][a-z0-9_]{0,39}(\.[a-z][a-z0-9_]{0,39}){1,3}$"


class _OneOf:
    """A check that a text is one of a few terms. A `Literal` would list all in each refusal.

    With `or_path`, it may also be the path of a fact that only a program's pack has.
    """

    def __init__(self, terms: Iterable[str], label: str, *, or_path: bool = False) -> None:
        self.terms, self.label = tuple(dict.fromkeys(terms)), label
        self.allowed = frozenset(self.terms)
        self.or_path = or_path

    def check(self, text: str) -> str:
        """Return the text if it is one of the terms."""
        if text not in self.allowed and not (self.or_path and is_pack_path(text)):
            raise ValueError(f"`{shorten(text)}` is not a {self.label}")
        return text

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        listed = {"type": "string", "enum": [*self.terms]}
        if not self.or_path:
            return listed
        return {"anyOf": [listed, {"type": "string", "pattern": PACK_PATH}]}


def is_pack_path(text: str) -> bool:
    """Return whether a text has the form of a path that no shared fact has or had."""
    shared = _is_shared(text) or _is_shared(respelled(text) or text)
    return re.fullmatch(PACK_PATH, text) is not None and not shared


def _is_shared(path: str) -> bool:
    return _VOCABULARY.fact_at(path) is not None or path.startswith("decisions.")


# The name of a person or place: up to five words, without digits or invisible characters. Phones
# type an apostrophe as U+2019.
_INVISIBLE = r"\xa0\xad\u1680\u2000-\u2018\u201a-\u206f\u3000\ufeff"
_NAME_WORD = rf"[^\x00-\x20!-&(-,/-@\[-`{{-{_INVISIBLE}]{{1,24}}"

_NAME = rf"^{_NAME_WORD}( {_NAME_WORD}){{0,4}}$"

# A person's whole name: a first name and a last name, each of which is a name.
_WHOLE_NAME = rf"^{_NAME_WORD}( {_NAME_WORD}){{0,9}}$"

# The place where a form was signed: a name, an address, or a room, such as `Crossroads, office #2`.
_SPOT_WORD = rf"[^\x00-\x22$%*+:-@\[-`{{-{_INVISIBLE}]{{1,24}}"

_SPOT = rf"^{_SPOT_WORD}( {_SPOT_WORD}){{0,9}}$"


def _check_words(text: str, pattern: str, longest: int, label: str) -> str:
    # The schema's pattern can't list every invisible letter.
    if len(text) > longest or not text.isprintable() or not re.fullmatch(pattern, text):
        raise ValueError(f"it is not {label}")
    return text


def _check_name(text: str) -> str:
    return _check_words(text, _NAME, 80, "a name of up to five plain words")


def _check_whole_name(text: str) -> str:
    return _check_words(text, _WHOLE_NAME, 161, "a name of up to ten plain words")


def _check_spot(text: str) -> str:
    return _check_words(text, _SPOT, 80, "a place of up to ten words")


Name = Annotated[
    str,
    AfterValidator(_check_name),
    WithJsonSchema({"type": "string", "pattern": _NAME, "maxLength": 80}),
]

WholeName = Annotated[
    str,
    AfterValidator(_check_whole_name),
    WithJsonSchema({"type": "string", "pattern": _WHOLE_NAME, "maxLength": 161}),
]

SigningPlace = Annotated[
    str,
    AfterValidator(_check_spot),
    WithJsonSchema({"type": "string", "pattern": _SPOT, "maxLength": 80}),
]

# `(505) 555-0142`, `505/555-0142`, and an extension: `505-555-0142 x3`.
Phone = Annotated[
    str, Field(pattern=r"^\+?[(]?[0-9][0-9 ()./-]{2,23}( ?(x|ext[.]?) ?[0-9]{1,6})?$")
]

Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]

Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

Role = Annotated[str, _OneOf(_VOCABULARY.roles, "role")]

DecisionName = Annotated[str, _OneOf(_VOCABULARY.decisions, "decision")]

Outcome = Annotated[
    str,
    _OneOf(
        (outcome for term in _VOCABULARY.decisions.values() for outcome in term.outcomes), "outcome"
    ),
]

# A word of a program's pack. It is short and has few parts, so that it can't carry a sentence.
FinerWord = Annotated[
    str, Field(max_length=40, pattern=r"^[a-z][a-z0-9]{0,23}(_[a-z0-9]{1,23}){0,3}$")
]

Obligation = Annotated[str, _OneOf(_VOCABULARY.obligations, "obligation")]

# A decision may also lack the outcome of another decision, or the day.
NON_FACTS = (*(f"decisions.{name}" for name in _VOCABULARY.decisions), "now", "as_of")

_PATHS = [
    field.path
    for fact in _VOCABULARY.facts.values()
    for field in (fact, *fact.fields.values())
    if field.category not in _VOCABULARY.never_travels and field.known_by != "hub"
]

_DISCLOSED = "fact that may be disclosed"

FactPath = Annotated[str, _OneOf(_PATHS, _DISCLOSED, or_path=True)]

# If the facts of a decision never travel, a question asks for its outcome instead.
_OUTCOMES = tuple(
    f"decisions.{name}"
    for name, term in _VOCABULARY.decisions.items()
    if term.reads_criminal_history
)

RequestedFact = Annotated[str, _OneOf((*_PATHS, *_OUTCOMES), _DISCLOSED, or_path=True)]

MissingFact = Annotated[str, _OneOf((*_PATHS, *NON_FACTS), _DISCLOSED, or_path=True)]

# A section of law: up to three short words for the code, a number, and a subsection, such as
# `NY PL 220.03` or `21 U.S.C. 844 (a)`.
StatuteSection = Annotated[
    str,
    Field(
        pattern=(
            r"^([A-Za-z0-9.§]{1,6} ){0,3}[A-Z]{0,3}[0-9§][A-Za-z0-9.:()/§-]{0,23}"
            r"( \([A-Za-z0-9]{1,4}\)){0,3}$"
        ),
        max_length=40,
    ),
]

# An address or a place in a city: up to eight words that begin with a capital letter or a number,
# and few small words between them. It can't carry a sentence of what somebody said.
_PLACE_WORD = r"[#A-Z0-9\u00c0-\u00de][A-Za-z0-9\u00c0-\u024f.'/#-]{0,19},?"
_BETWEEN = r"(and|at|near|of|the|y|de|del|la|en|cerca)"

_PLACE = rf"^{_PLACE_WORD}( ({_PLACE_WORD}|{_BETWEEN})){{0,7}}$"


def _check_place(text: str) -> str:
    if len(text) > 80 or not re.fullmatch(_PLACE, text):
        raise ValueError("it is not an address or a place of up to eight words")
    return text


PlaceName = Annotated[
    str,
    AfterValidator(_check_place),
    WithJsonSchema({"type": "string", "pattern": _PLACE, "maxLength": 80}),
]

Text = Annotated[str, Field(min_length=1, max_length=4000)]


def _check_instant(text: str) -> str:
    if read_instant(text) is None:
        raise ValueError("it is not a time")
    return text


Instant = Annotated[
    str, AfterValidator(_check_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]
