"""Documents as plain text, for a card or a letter in a terminal."""

from __future__ import annotations

from textwrap import wrap

from offramp.documents.document import (
    Block,
    Bullets,
    Document,
    Heading,
    Notes,
    Statement,
    Table,
    Text,
)
from rules.author.english import Passage
from rules.input.characters import printable_lines


def plain_text(document: Document, width: int) -> str:
    """Return the document as lines of at most `width` characters."""
    writer = _Writer(width, is_letter=document.kind == "letter")
    for block in document.blocks:
        writer.write(block)
    return "\n".join(writer.lines).strip("\n")


class _Writer:
    """The lines written so far; a letter has an empty line after each paragraph and list."""

    def __init__(self, width: int, *, is_letter: bool) -> None:
        self.width = width
        self.is_letter = is_letter
        self.lines: list[str] = []

    def write(self, block: Block) -> None:
        """Add the lines of a block."""
        match block:
            case Heading(level, text):
                self.lines.append("")
                self.put(text.upper() if level == 1 else text)
                self.lines.append(("=" if level == 1 else "-") * min(self.width, len(text)))
            case Text(text, label):
                for index, part in enumerate(text.split("\n")):
                    self.put(f"{label} {part}" if label and index == 0 else part)
                self.end_paragraph()
            case Bullets(items):
                self.put_items(items, 0)
                self.end_paragraph()
            case Statement(text, _, _, items):
                self.put(text)
                self.put_items(items, 0)
                self.end_paragraph()
            case Table(caption, _, rows):
                self.put(caption)
                for row in rows:
                    cells = (cell if isinstance(cell, str) else " ".join(cell) for cell in row)
                    self.put(": ".join(cells), "- ", "  ")
            case Notes(items):
                for number, item in enumerate(items, start=1):
                    self.put(item, f"[{number}] ", "    ")

    def put(self, text: str, first: str = "", rest: str = "") -> None:
        """Add a text as wrapped lines."""
        self.lines += wrap(
            printable_lines(text).replace("`", ""),
            self.width,
            initial_indent=first,
            subsequent_indent=rest,
            break_on_hyphens=False,
        )

    def put_items(self, items: tuple[Passage, ...], depth: int) -> None:
        """Add a list, indented by its depth."""
        for item in items:
            self.put(item.text, f"{'  ' * depth}- ", f"{'  ' * depth}  ")
            self.put_items(item.items, depth + 1)

    def end_paragraph(self) -> None:
        """Add the empty line after a paragraph of a letter."""
        if self.is_letter:
            self.lines.append("")
