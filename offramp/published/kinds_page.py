"""The page `docs/kinds.md`: what each kind of record contains, made from the vocabulary.

`python -m offramp.published.kinds_page docs/kinds.md` writes it. A test compares it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from exchange.records.content import content_models
from exchange.records.kinds import kinds
from exchange.records.statements import MODELS
from offramp.documents.markdown import format_cell
from rules.input.vocabulary import Fact, RecordKind
from rules.shelf import vocabulary

_HEAD = """# Roles, kinds of record, and their contents

This page is made from `jurisdictions/vocabulary.yaml` and the models of contents:
`python -m offramp.published.kinds_page docs/kinds.md`. `offramp schema KIND` prints the JSON Schema
of a draft of a kind, and `offramp validate FILE --as KIND` holds a file against it. Most people
need none of it: `offramp agency refer`, `screen`, `intake`, and the like ask what they need
([an agency](agency.md)).
"""
_NO_AGENCIES = ("hub", "person", "policy_group")
# Members of every content, which no person writes.
_COMMON = ("facts", "asks", "decision")


def kinds_page() -> str:
    """Return the page as Markdown."""
    lines = [
        _HEAD,
        *_section_of_roles(),
        *_section_of_kinds(),
        *_section_of_categories(),
        *_section_of_purposes(),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _row(*cells: str) -> str:
    return f"| {' | '.join(format_cell(cell) for cell in cells)} |"


def _section_of_roles() -> Iterator[str]:
    yield "## Roles\n"
    yield "| role | who it is |"
    yield "| --- | --- |"
    for role, text in vocabulary().roles.items():
        if role not in _NO_AGENCIES:
            yield _row(f"`{role}`", text)
    yield ""


def _section_of_kinds() -> Iterator[str]:
    yield "## Kinds of record\n"
    yield (
        "Each part of a record has one or more of these categories. A label states the terms of "
        "the last column in clear text, and the hub acts on them.\n"
    )
    yield "| kind | what it tells | senders | categories of its parts | stated in clear |"
    yield "| --- | --- | --- | --- | --- |"
    for kind in kinds().values():
        yield _row(
            f"`{kind.name}`",
            kind.line if kind.case else f"{kind.line} (about no case)",
            _senders(kind),
            ", ".join(f"`{category}`" for category in kind.categories),
            _statement(kind),
        )
    yield ""


def _senders(kind: RecordKind) -> str:
    agencies = [role for role in vocabulary().roles if role not in _NO_AGENCIES]
    return "every agency" if list(kind.issuers) == agencies else ", ".join(kind.issuers)


def _statement(kind: RecordKind) -> str:
    if kind.says is None:
        return "–"
    fields = MODELS[kind.says].model_fields
    names = ", ".join(f"`{field.alias or name}`" for name, field in fields.items())
    where = f" (in parts of `{kind.says_in}`)" if kind.says_in else ""
    return f"{names}{where}"


def _section_of_categories() -> Iterator[str]:
    words = vocabulary()
    yield "## Contents by category\n"
    yield (
        "A content has these members and nothing else. The facts are in its member `facts`, by "
        "path, and null means unknown. Decisions have `decision`, and questions have `asks`.\n"
    )
    for category, model in content_models().items():
        yield f"### `{category}`\n"
        text = words.categories[category]
        file = f"content/{category}.json"
        yield f"{text[0].upper()}{text[1:]}. Schema: [`{file}`](../schemas/{file}).\n"
        members = [name for name in model.model_fields if name not in _COMMON]
        if members:
            yield f"Members: {', '.join(f'`{name}`' for name in members)}.\n"
        facts = [
            fact
            for fact in words.facts.values()
            if fact.category == category and fact.known_by != "hub"
        ]
        if facts:
            yield from _facts(facts)
    never = ", ".join(f"`{category}`" for category in words.never_travels)
    yield f"These categories are never sent: {never}.\n"


def _facts(facts: list[Fact]) -> Iterator[str]:
    yield "| fact | question | known by | values |"
    yield "| --- | --- | --- | --- |"
    for fact in facts:
        yield _row(f"`{fact.path}`", fact.question, fact.known_by, _values(fact))
        for field in fact.fields.values():
            yield _row(f"`{field.path}`", field.question, field.known_by, _values(field))
    yield ""


def _values(fact: Any) -> str:
    if fact.choices:
        return ", ".join(f"`{choice}`" for choice in fact.choices)
    unit = f" ({fact.unit})" if fact.unit else ""
    return f"{fact.type}{unit}"


def _section_of_purposes() -> Iterator[str]:
    yield "## Purposes\n"
    yield "| purpose | what for |"
    yield "| --- | --- |"
    for purpose, text in vocabulary().purposes.items():
        yield _row(f"`{purpose}`", text)
    yield "\nThese are always denied:\n"
    yield "| purpose | what for |"
    yield "| --- | --- |"
    for purpose, text in vocabulary().barred_purposes.items():
        yield _row(f"`{purpose}`", text)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(kinds_page(), encoding="utf-8")
