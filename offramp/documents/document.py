"""A document as blocks (headings, paragraphs, rules, lists, tables, notes), and its JSON form.

`markdown`, `plain_text`, and `web_page` are its other forms. Notes are numbered within a section. A
mark such as `[2]` or `[2, in doubt]` in a text leads to the section's note of that number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from rules.author.english import Passage

BLANK = "_" * 18  # a line to fill in by hand


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 (once, the title) to 4; `id` is the target of links in the page."""

    level: int
    text: str
    id: str


@dataclass(frozen=True)
class Text:
    """A paragraph, perhaps after a label. `lang` is set where it differs from the document's."""

    text: str
    label: str = ""
    lang: str | None = None


@dataclass(frozen=True)
class Bullets:
    """A list; a passage with items is a list inside it."""

    items: tuple[Passage, ...]
    lang: str | None = None


@dataclass(frozen=True)
class Statement:
    """A sentence that binds, such as a rule's reason, with its name and its conditions below it."""

    text: str
    name: str
    id: str
    items: tuple[Passage, ...] = ()


Cell = str | tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table. A row's first cell names the row; a cell is a text or a list of statements."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Notes:
    """The numbered notes at the end of a section."""

    items: tuple[str, ...]


Block = Heading | Text | Bullets | Statement | Table | Notes


@dataclass(frozen=True)
class Document:
    """A title and blocks; `kind` selects the layout: page, card (one sheet), or letter."""

    title: str
    lang: str
    blocks: tuple[Block, ...]
    kind: Literal["page", "card", "letter"] = "page"


def passages(texts: Iterable[str]) -> tuple[Passage, ...]:
    """Return one plain passage for each text."""
    return tuple(Passage(text) for text in texts)


def anchor(*parts: str) -> str:
    """Return an id for a heading, made of lower-case letters, digits, and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")


def code_parts(text: str) -> Iterator[tuple[str, bool]]:
    """Split the text at back-ticks and say of each part if it is code.

    A text with an odd number of back-ticks has no code.
    """
    parts = text.split("`") if text.count("`") % 2 == 0 else [text]
    yield from ((part, index % 2 == 1) for index, part in enumerate(parts))


def as_json(document: Document) -> dict[str, Any]:
    """Return `{"title", "lang", "blocks"}`.

    A block is `{"heading", "level"}`, `{"text"}` (perhaps with `label` and `lang`), `{"list"}`,
    `{"statement", "name", "list"}`, `{"table", "head", "rows"}`, or `{"notes"}`.
    """
    return {
        "title": document.title,
        "lang": document.lang,
        "blocks": [_block_as_json(block) for block in document.blocks],
    }


def _block_as_json(block: Block) -> dict[str, Any]:
    match block:
        case Heading(level, text):
            return {"heading": text, "level": level}
        case Text(text, label, lang):
            labeled = {"label": label} if label else {}
            return {"text": text, **labeled, **({"lang": lang} if lang else {})}
        case Bullets(items, lang):
            return {"list": _nested(items), **({"lang": lang} if lang else {})}
        case Statement(text, name, _, items):
            return {"statement": text, "name": name, "list": _nested(items)}
        case Table(caption, head, rows):
            cells = [
                [cell if isinstance(cell, str) else list(cell) for cell in row] for row in rows
            ]
            return {"table": caption, "head": list(head), "rows": cells}
        case Notes(items):
            return {"notes": list(items)}


def _nested(items: tuple[Passage, ...]) -> list[Any]:
    return [{item.text: _nested(item.items)} if item.items else item.text for item in items]
