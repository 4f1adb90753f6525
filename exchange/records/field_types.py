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
from rules.input.values import read_instant
from rules.shelf import vocabulary

_WORDS = vocabulary()


class _OneOf:
    """Makes of a text one of few words. A `Literal` would list them all in each refusal."""

    def __init__(self, words: Iterable[str], what: str) -> None:
        self.words, self.what = tuple(dict.fromkeys(words)), what
        self.known = frozenset(self.words)

    def check(self, text: str) -> str:
        if text not in self.known:
            raise ValueError(f"`{shorten(text)}` is no {self.what}")
        return text

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "enum": [*self.words]}


# A person's name, or a place's: up to five words without digits, and no blank or line break that only looks like part of one.
_NAME_WORD = r"[^\x00-\x20!-&(-,/-@\[-`{-\xa0\xad\u1680\u2000-\u206f\u3000\ufeff]{1,24}"

_NAME = rf"^{_NAME_WORD}( {_NAME_WORD}){{0,4}}$"


def _a_name(text: str) -> str:
    # The schema's pattern can't list every letter that isn't seen.
    if len(text) > 80 or not text.isprintable() or not re.fullmatch(_NAME, text):
        raise ValueError("no name in up to five plain words")
    return text


Name = Annotated[
    str,
    AfterValidator(_a_name),
    WithJsonSchema({"type": "string", "pattern": _NAME, "maxLength": 80}),
]

Phone = Annotated[str, Field(pattern=r"^\+?[0-9][0-9 ().-]{2,23}$")]

Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]

Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

Role = Annotated[str, _OneOf(_WORDS.roles, "role")]

DecisionName = Annotated[str, _OneOf(_WORDS.decisions, "decision")]

Outcome = Annotated[
    str, _OneOf((one for word in _WORDS.decisions.values() for one in word.outcomes), "outcome")
]

Obligation = Annotated[str, _OneOf(_WORDS.obligations, "obligation")]

# What a decision may lack, besides a fact: another one's outcome, or the day.
NON_FACTS = (*(f"decisions.{name}" for name in _WORDS.decisions), "now", "as_of")

_PATHS = [
    one.path
    for fact in _WORDS.facts.values()
    for one in (fact, *fact.fields.values())
    if one.category not in _WORDS.never_travels and one.known_by != "hub"
]

FactPath = Annotated[str, _OneOf(_PATHS, "fact that may be told")]

# Besides a fact, the outcome of a decision whose facts never travel is asked for.
_OUTCOMES = tuple(
    f"decisions.{name}" for name, word in _WORDS.decisions.items() if word.reads_criminal_history
)

RequestedFact = Annotated[str, _OneOf((*_PATHS, *_OUTCOMES), "fact that may be told")]

MissingFact = Annotated[str, _OneOf((*_PATHS, *NON_FACTS), "fact that may be told")]

# A section of law: whose, in three short words at most, its number, and what of it (`NY PL 220.03`, `21 U.S.C. 844 (a)`).
StatuteSection = Annotated[
    str,
    Field(
        pattern=r"^([A-Za-z0-9.§]{1,6} ){0,3}[A-Z]{0,3}[0-9§][A-Za-z0-9.:()/§-]{0,23}( \([A-Za-z0-9]{1,4}\)){0,3}$",
        max_length=40,
    ),
]

Text = Annotated[str, Field(min_length=1, max_length=4000)]


def _an_instant(text: str) -> str:
    if read_instant(text) is None:
        raise ValueError("no such time")
    return text


Instant = Annotated[
    str, AfterValidator(_an_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]
