"""Contents of parts: a closed model for each category, so that a part contains nothing else.

A part's content is an object with exactly its label's categories as keys. Facts are declared once:
a category's `facts` are those that the vocabulary assigns to it, by path, and those of a program's
pack in the closed form of `exchange.records.pack_facts`. The rules' answer
(`decision`) and a question (`asks`) may be in any category, since reasons and questions are about
something. The other members are each category's own.

No category that police or prosecutor may receive has free text: a closed form can't carry a
confidence. `python -m exchange.records.content FOLDER` writes each model as
`FOLDER/<category>.json`. A test compares the published schemas with these.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, create_model

from exchange.models import Day, ShortId, WireModel
from exchange.records.categories import CATEGORY_MODELS, Content
from exchange.records.field_types import FinerWord, Instant, StatuteSection
from exchange.records.finer_words import FINER
from exchange.records.pack_facts import CLOSED, EntryModel, FactsModel, check_number
from rules.input.vocabulary import Fact
from rules.shelf import vocabulary

# The most entries of a list in a content.
MOST_ENTRIES = 256


@cache
def content_models() -> Mapping[str, type[Content]]:
    """Return the model of every category that may travel."""
    terms = vocabulary()
    models_by_category = {}
    for category in terms.categories:
        if category in terms.never_travels:
            continue
        base = CATEGORY_MODELS.get(category, Content)
        facts = {
            path: fact
            for path, fact in terms.facts.items()
            if fact.category == category and fact.known_by != "hub"
        }
        title = "".join(part.title() for part in category.split("_"))
        added: dict[str, Any] = (
            {"facts": (_facts_model(f"{title}Facts", facts, category) | None, None)}
            if facts or category not in CLOSED
            else {}
        )
        models_by_category[category] = create_model(
            f"{title}Content", __base__=base, __doc__=terms.categories[category], **added
        )
    return models_by_category


def _facts_model(title: str, facts: Mapping[str, Fact], category: str) -> type[WireModel]:
    fields: dict[str, Any] = {
        path.replace(".", "__"): (
            field_type(fact) | None,
            Field(None, alias=path, description=fact.question),
        )
        for path, fact in facts.items()
    }
    return create_model(
        title,
        __base__=WireModel if category in CLOSED else FactsModel,
        __doc__="Facts by path, also those that only the program's pack has. Null means unknown.",
        **fields,
    )


def field_type(fact: Fact) -> Any:
    """Return the type of a fact's value in a content, as pydantic validates it."""
    bounded = Field(
        ge=None if fact.low is None else float(fact.low),
        le=None if fact.high is None else float(fact.high),
        allow_inf_nan=False if fact.type == "decimal" else None,
    )
    match fact.type:
        case "bool":
            return bool
        case "int":
            return Annotated[int, bounded, AfterValidator(check_number)]
        case "decimal":
            return Annotated[int | float, bounded, AfterValidator(check_number)]
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
                    Field(description="Names the entry among records. The rules don't see it."),
                ),
                **{
                    name: (field_type(field) | None, Field(None, description=field.question))
                    for name, field in fact.fields.items()
                },
            }
            fields |= _finer_field(fact)
            entry: Any = create_model(f"{title}Entry", __base__=EntryModel, **fields)
            return Annotated[
                tuple[entry, ...],
                Field(strict=False, max_length=MOST_ENTRIES),
                AfterValidator(_check_distinct),
            ]
    return StatuteSection


def _finer_field(fact: Fact) -> dict[str, Any]:
    """Return the member for finer words of a list's choices, if it has any."""
    choices = tuple(name for name, field in fact.fields.items() if field.type == "choice")
    if not choices:
        return {}
    about = "Finer words of the program's pack, each below the word in the field of its name."
    # The form is closed: a name of a choice, and one word.
    # Made from the vocabulary.
    words = dict[Literal[choices], FinerWord]  # type: ignore[valid-type]  # the choices are read from the vocabulary
    return {FINER: (words | None, Field(None, description=about, max_length=len(choices)))}


def _check_distinct(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    if len({entry.id for entry in entries}) < len(entries):
        raise ValueError("two entries have one id")
    return entries


def content_schema(category: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a category's content."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **content_models()[category].model_json_schema(),
    }


def main(arguments: Sequence[str]) -> None:
    """Write the schema of every category into a folder."""
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for category in content_models():
        text = json.dumps(content_schema(category), indent=2, ensure_ascii=False) + "\n"
        (folder / f"{category}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
