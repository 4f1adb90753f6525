"""Documents as Markdown that also reads as plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from offramp.documents.document import (
    Block,
    Bullets,
    Cell,
    Document,
    Heading,
    Notes,
    Statement,
    Table,
    Text,
    code_parts,
)
from rules.author.english import Passage
from rules.input.characters import printable_lines

# A mark of a note after a space is shown as it is; other signs of Markdown are escaped.
_SIGNS = re.compile(r"((?<= )\[\d+(?:, in doubt)?\](?![\[(:]))|([*<`\[\]\\])")


def markdown(document: Document) -> str:
    """Return the document as Markdown."""
    lines: list[str] = []
    for block in document.blocks:
        lines += [*_block_lines(block), ""]
    return "\n".join(lines).rstrip() + "\n"


def _block_lines(block: Block) -> Iterator[str]:
    match block:
        case Heading(level, text):
            yield f"{'#' * level} {escape_line(text)}"
        case Text(text, label):
            flat = escape_line(" ".join(text.split()))
            yield f"**{escape_line(label)}** {flat}".rstrip() if label else flat
        case Bullets(items):
            yield from _bullets(items, 0)
        case Statement(text, name, _, items):
            yield f"{escape_line(' '.join(text.split()))} `{name}`"
            if items:
                yield ""
                yield from _bullets(items, 0)
        case Table(caption, head, rows):
            yield f"*{escape_line(caption)}*"
            yield ""
            yield f"| {' | '.join(format_cell(cell) for cell in head)} |"
            yield f"|{' --- |' * len(head)}"
            yield from (f"| {' | '.join(format_cell(cell) for cell in row)} |" for row in rows)
        case Notes(items):
            yield "Notes:"
            yield ""
            for number, item in enumerate(items, start=1):
                yield f"{number}. {escape_line(item)}"


def _bullets(items: tuple[Passage, ...], depth: int) -> Iterator[str]:
    for item in items:
        yield f"{'  ' * depth}- {escape_line(item.text)}"
        yield from _bullets(item.items, depth + 1)


def format_cell(cell: Cell) -> str:
    """Return a table's cell on one line."""
    text = cell if isinstance(cell, str) else "\n".join(f"• {statement}" for statement in cell)
    return _inline(f" {text}").strip().replace("|", "\\|").replace("\n", "<br>") or "–"


def escape_line(text: str) -> str:
    """Escape a line, so that no text of a pack starts a heading, a list, a quote, or a rule."""
    line = re.sub(r"^([#>+=-])", r"\\\1", _inline(text))
    return re.sub(r"^(\d+)([.)])(?=\s|$)", r"\1\\\2", line)


def _inline(text: str) -> str:
    """Escape the signs of Markdown outside of code, and hidden characters everywhere."""
    return "".join(
        f"`{part}`" if is_code else _SIGNS.sub(lambda sign: sign[1] or rf"\{sign[2]}", part)
        for part, is_code in code_parts(printable_lines(text))
    )
