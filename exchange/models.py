"""Closed models of JSON values from outside, and one readable refusal for a value that doesn't fit.

Every model is strict (no text for a number), closed (no unknown member), and frozen. The published
JSON Schemas are generated from these models.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema

from exchange.errors import ContentError, shorten
from rules.errors import respelled
from rules.input.characters import code_point, find_hidden

MOST_LISTED = 64

# Words with a new name: "papers" could be read as immigration papers.
_RENAMED = {"papers": "id_documents"}


class WireModel(BaseModel):
    """Base class of every value that one agency writes and another reads."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


S = TypeVar("S", bound=WireModel)
T = TypeVar("T")


def _check_day(day: str) -> str:
    if len(day) != 10 or date.fromisoformat(day).isoformat() != day:
        raise ValueError("it is no date")
    return day


def is_day(text: str) -> bool:
    """Return whether a text is a `Day`: a date as `2027-11-30`."""
    try:
        _check_day(text)
    except ValueError:
        return False
    return True


# A list in JSON. Lax only for the step from `list` to `tuple`. The items stay strict.
NonEmptyTuple = Annotated[tuple[T, ...], Field(strict=False, min_length=1, max_length=MOST_LISTED)]
Day = Annotated[
    str, AfterValidator(_check_day), WithJsonSchema({"type": "string", "format": "date"})
]
# A name that others read: up to 100 characters, none of them hidden (see `rules.input.characters`).
PlainName = Annotated[
    str,
    Field(
        pattern=(
            r"^[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
            r"\ufeff\ufff9-\ufffb]{1,100}$"
        )
    ),
]
AGENCY_ID = r"^[a-z][a-z0-9-]{1,30}$"
AgencyId = Annotated[str, Field(pattern=AGENCY_ID)]
# The id of a case or a record.
HANDLE = r"^[0-9a-f]{32}$"
Handle = Annotated[str, Field(pattern=HANDLE)]
# The id of a part, a grant, or a restriction.
SHORT_ID = r"^[0-9a-f]{16}$"
ShortId = Annotated[str, Field(pattern=SHORT_ID)]
# A term of the vocabulary: category, purpose, decision, outcome, or rule id.
TERM = r"^[a-z][a-z0-9_]{0,63}$"
Term = Annotated[str, Field(pattern=TERM)]


def inner_pattern(pattern: str) -> str:
    """Return the pattern of a whole value without its anchors, as a part of a longer one."""
    assert pattern.startswith("^") and pattern.endswith("$"), "the pattern is of a whole value"
    return pattern[1:-1]


def agency_of(kid: str) -> str:
    """Return the agency that a key id is named after: `police` for `police.s1`."""
    return kid.partition(".")[0]


def validate(model: type[S], value: Any, label: str) -> S:
    """Validate a value as a model.

    `label` names the value in the refusal. Raises `ContentError` `wrong-shape`.
    """
    _refuse_hidden(value, label)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = shorten(".".join(str(step) for step in first["loc"])) or "the whole"
        raise ContentError(
            "wrong-shape",
            f"{label} is malformed at `{path}`: {describe_fault(first)}",
            fix=_fix(error) or "follow its schema",
        ) from None


def _refuse_hidden(value: Any, label: str) -> None:
    """Refuse a control or bidirectional character in any text, since others read it later."""
    texts = _texts(value)
    # One search over all of them. Only a value at fault is looked through text by text.
    if find_hidden("\n".join(texts), "\n\t") is None:
        return
    for text in texts:
        offset = find_hidden(text, "\n\t")
        if offset is not None:
            character = code_point(text[offset])
            raise ContentError(
                "wrong-shape",
                f"{label} is malformed: it contains the hidden character `{character}`",
                fix="delete it, and type the text again",
            )


def _fix(error: ValidationError) -> str | None:
    """Return the new spelling if an old one is at fault. Nothing else of the input is shown."""
    first = error.errors(include_url=False)[0]
    members = list(first["input"]) if isinstance(first["input"], dict) else []
    for name in (*_texts(list(first["loc"])), *_texts(members), *_texts(first["input"])):
        new = _RENAMED.get(name) or respelled(name)
        if new is not None:
            return f"write `{new}`, its spelling now"
    return None


def _texts(value: Any) -> list[str]:
    """Return every text in a JSON value, except the keys of objects."""
    texts: list[str] = []
    _add_texts(value, texts)
    return texts


def _add_texts(value: Any, texts: list[str]) -> None:
    if isinstance(value, str):
        texts.append(value)
        return
    if not isinstance(value, dict | list | tuple):
        return
    for item in value.values() if isinstance(value, dict) else value:
        # Most items are texts, and a call for each takes longer than to add it.
        if item.__class__ is str:
            texts.append(item)
        elif item is not None:
            _add_texts(item, texts)


def describe_fault(first: Any) -> str:
    """Return the fault that pydantic found, as part of a sentence without the input."""
    kind = first["type"]
    if kind == "extra_forbidden":
        return "this name is unknown"
    if kind == "missing":
        return "it is missing"
    if kind == "literal_error":
        expected = str(first["ctx"]["expected"]).replace("'", "").replace(" or ", ", ")
        return f"it must be one of {expected if len(expected) < 130 else expected[:129] + '…'}"
    if kind == "value_error":
        return str(first["ctx"]["error"])
    message: str = first["msg"]
    return message[0].lower() + message[1:]
