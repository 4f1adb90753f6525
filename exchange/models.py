"""What a JSON value from outside must look like: closed pydantic models, and one readable refusal where a value isn't that.

Every model here is strict (no text for a number), closed (no unknown member) and frozen. They are also the one source of the
published JSON Schemas.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema

from exchange.errors import ContentError, shorten
from rules.errors import respelled

MOST_LISTED = 64


class WireModel(BaseModel):
    """Base of every value that one agency writes and another reads."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


S = TypeVar("S", bound=WireModel)
T = TypeVar("T")


def _a_day(text: str) -> str:
    if len(text) != 10 or date.fromisoformat(text).isoformat() != text:
        raise ValueError("no such day")
    return text


# A list as JSON has it. Lax for the one step from `list` to `tuple`; what it holds stays strict.
NonEmptyTuple = Annotated[tuple[T, ...], Field(strict=False, min_length=1, max_length=MOST_LISTED)]
Day = Annotated[str, AfterValidator(_a_day), WithJsonSchema({"type": "string", "format": "date"})]
AgencyId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,30}$")]
# Of a case and of a record.
Handle = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
# Of a part, a grant and a restriction.
ShortId = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
# A word of the vocabulary: a category, a purpose, a decision, an outcome, a rule's id.
Term = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


def agency_of(kid: str) -> str:
    """The agency that a key is named after: `police` of `police.s1`."""
    return kid.partition(".")[0]


def validate(model: type[S], value: Any, what: str) -> S:
    """The value as this model. `what` names it in the refusal. Raises `ContentError` `wrong-shape`."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = shorten(".".join(str(step) for step in first["loc"])) or "the whole"
        raise ContentError(
            "wrong-shape",
            f"{what} isn't what it must be, at `{place}`: {_why(first)}",
            fix=_fix(error) or "write what its schema says",
        ) from None


def _fix(error: ValidationError) -> str | None:
    """The new spelling, if an old one is at fault. Nothing else of the input is shown."""
    first = error.errors(include_url=False)[0]
    for name in (*_texts(list(first["loc"])), *_texts(first["input"])):
        new = respelled(name)
        if new is not None:
            return f"write `{new}`, its spelling now"
    return None


def _texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value, keys of objects aside."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        yield from _texts(list(value.values()))


def _why(first: Any) -> str:
    kind = first["type"]
    if kind == "extra_forbidden":
        return "nothing is known by this name"
    if kind == "missing":
        return "it is missing"
    if kind == "literal_error":
        words = str(first["ctx"]["expected"]).replace("'", "").replace(" or ", ", ")
        return f"it is none of {words if len(words) < 130 else words[:129] + '…'}"
    if kind == "value_error":
        return str(first["ctx"]["error"])
    message: str = first["msg"]
    return message[0].lower() + message[1:]
