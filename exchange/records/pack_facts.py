"""Facts that only a program's pack has, as parts carry them: in closed forms.

A part has such a fact by its path among the shared facts of its category. Without the pack, a
reader checks its form: numbers, days, and short words, so that no fact carries a sentence. With the
pack, issuer and recipient check that it is declared in the part's category, and that its value is
as declared. A category that never travels, or that states terms of the exchange, has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from exchange.errors import shorten
from exchange.models import Day, ShortId, WireModel
from exchange.records.field_types import FinerWord, Instant, StatuteSection, is_pack_path
from rules.input.amounts import fits
from rules.input.vocabulary import CLOSED_TO_PACKS

# A pack adds nothing to these categories.
CLOSED = CLOSED_TO_PACKS
# The most facts of a pack in one part, and the most fields of a pack in an entry of a list.
MOST = 32


def check_number(number: int | float) -> int | float:
    """Check that a number has the digits that the rules read."""
    if not fits(Decimal(repr(number)) if isinstance(number, float) else number):
        raise ValueError("over 12 digits before the point or 6 after it")
    return number


_Number = Annotated[int | float, Field(allow_inf_nan=False), AfterValidator(check_number)]
_Scalar = bool | _Number | FinerWord | Day | Instant | StatuteSection | None


class PackEntry(WireModel):
    """An entry of a list that only the pack has: its id, and fields by name."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, _Scalar] = Field(init=False)

    id: Annotated[
        ShortId, Field(description="Names the entry among records. The rules don't see it.")
    ]

    @model_validator(mode="after")
    def _check(self) -> PackEntry:
        _check_names(self.model_extra or {})
        return self


_List = Annotated[tuple[PackEntry, ...], Field(strict=False, max_length=256)]


class FactsModel(WireModel):
    """Facts by path. Null means unknown. A path that all packs share isn't among the others."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, _Scalar | _List] = Field(init=False)

    @model_validator(mode="after")
    def _check(self) -> FactsModel:
        _check_paths(self.model_extra or {})
        return self


class EntryModel(WireModel):
    """An entry of a shared list, with the fields that only the pack has."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, _Scalar] = Field(init=False)

    @model_validator(mode="after")
    def _check(self) -> EntryModel:
        _check_names(self.model_extra or {})
        return self


_field_name = TypeAdapter(FinerWord)


def _check_paths(added: Mapping[str, Any]) -> None:
    _check_few(added)
    for path in added:
        if not is_pack_path(path):
            raise ValueError(f"`{shorten(path)}` is not one of its facts")


def _check_names(added: Mapping[str, Any]) -> None:
    _check_few(added)
    for name in added:
        try:
            _field_name.validate_python(name)
        except ValidationError:
            raise ValueError(f"`{shorten(name)}` is no name of a field") from None


def _check_few(added: Mapping[str, Any]) -> None:
    if len(added) > MOST:
        raise ValueError(f"over {MOST} facts that not all packs share")
