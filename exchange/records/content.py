"""What a part may hold: one closed model for each category, so that nothing rides along that its category doesn't cover.

A part's content is an object with exactly its label's categories as keys. Facts aren't declared twice: a category's `facts` are
those that the vocabulary gives it, by their paths. What the rules answered (`decision`), and what is asked (`asks`), may stand
in any category, since reasons and questions are about something. The rest is each category's own.

No category that police or prosecutor may ever receive has free text: a closed form can't carry what was said in confidence.
`python -m exchange.records.content FOLDER` writes each model as `FOLDER/<category>.json`; a test holds the published ones to it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, create_model

from exchange.models import Day, ShortId, WireModel
from exchange.records.categories import CATEGORY_MODELS, Content
from exchange.records.field_types import Instant, StatuteSection
from rules.input.values import fits
from rules.input.vocabulary import Fact
from rules.shelf import vocabulary


@cache
def content_models() -> Mapping[str, type[Content]]:
    """The model of every category that may travel."""
    words = vocabulary()
    found = {}
    for category in words.categories:
        if category in words.never_travels:
            continue
        own = CATEGORY_MODELS.get(category, Content)
        facts = {
            path: fact
            for path, fact in words.facts.items()
            if fact.category == category and fact.known_by != "hub"
        }
        title = "".join(part.title() for part in category.split("_"))
        added: dict[str, Any] = (
            {"facts": (_facts(f"{title}Facts", facts) | None, None)} if facts else {}
        )
        found[category] = create_model(
            f"{title}Content", __base__=own, __doc__=words.categories[category], **added
        )
    return found


def _facts(title: str, facts: Mapping[str, Fact]) -> type[WireModel]:
    fields: dict[str, Any] = {
        path.replace(".", "__"): (
            _type(fact) | None,
            Field(None, alias=path, description=fact.question),
        )
        for path, fact in facts.items()
    }
    return create_model(
        title,
        __base__=WireModel,
        __doc__="Facts by their paths; null says that one isn't known.",
        **fields,
    )


def _type(fact: Fact) -> Any:
    bounded = Field(
        ge=None if fact.low is None else float(fact.low),
        le=None if fact.high is None else float(fact.high),
        allow_inf_nan=False if fact.type == "decimal" else None,
    )
    match fact.type:
        case "bool":
            return bool
        case "int":
            return Annotated[int, bounded, AfterValidator(_a_number)]
        case "decimal":
            return Annotated[int | float, bounded, AfterValidator(_a_number)]
        case "choice":
            return Literal[fact.choices]
        case "date":
            return Day
        case "timestamp":
            return Instant
        case "list":
            title = "".join(part.title() for part in fact.path.replace(".", "_").split("_"))
            fields: dict[str, Any] = {
                "id": (
                    ShortId,
                    Field(description="Names the entry among records; the rules don't see it."),
                ),
                **{
                    name: (_type(one) | None, Field(None, description=one.question))
                    for name, one in fact.fields.items()
                },
            }
            entry: Any = create_model(f"{title}Entry", __base__=WireModel, **fields)
            return Annotated[
                tuple[entry, ...], Field(strict=False, max_length=256), AfterValidator(_each_once)
            ]
    return StatuteSection


def _a_number(number: int | float) -> int | float:
    if not fits(Decimal(repr(number)) if isinstance(number, float) else number):
        raise ValueError("over 12 digits before the point or 6 after it")
    return number


def _each_once(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    if len({entry.id for entry in entries}) < len(entries):
        raise ValueError("two entries have one id")
    return entries


def content_schema(category: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a category's content."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **content_models()[category].model_json_schema(),
    }


def main(arguments: Sequence[str]) -> None:
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for category in content_models():
        text = json.dumps(content_schema(category), indent=2, ensure_ascii=False) + "\n"
        (folder / f"{category}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
