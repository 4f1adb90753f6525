"""Characters that no text from outside may contain, and texts made printable.

A control character moves a terminal's cursor, or erases a line that was there. A bidirectional
control shows the letters of a line in another order than they are stored. So every reader of text
refuses both, and whatever is shown to people is made printable at the last step.
"""

from __future__ import annotations

from rules.errors import FactsError, Place

# C0, DEL, and C1. Bidirectional marks, embeddings, overrides, and isolates. Separators of lines and
# paragraphs, the byte order mark, annotations, language tags, and halves of surrogate pairs.
_RANGES = (
    (0x00, 0x1F), (0x7F, 0x9F), (0x061C, 0x061C), (0x200E, 0x200F), (0x2028, 0x202E),
    (0x2066, 0x2069), (0xD800, 0xDFFF), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB), (0xE0000, 0xE007F),
)  # fmt: skip


def is_hidden(character: str) -> bool:
    """Return True for a control, bidirectional, or otherwise invisible instruction character."""
    number = ord(character)
    return any(first <= number <= last for first, last in _RANGES)


def find_hidden(text: str, allowed: str = "") -> int | None:
    """Return the offset of the first hidden character that is not `allowed`, or None."""
    # Much faster than the loop, and true of nearly every text.
    if text.isprintable() or ("\n" in allowed and text.replace("\n", "").isprintable()):
        return None
    for offset, character in enumerate(text):
        if not character.isprintable() and is_hidden(character) and character not in allowed:
            return offset
    return None


def code_point(character: str) -> str:
    """Return a character's number as `U+001B`."""
    return f"U+{ord(character):04X}"


def refuse_hidden(text: str, subject: str, allowed: str = "") -> str:
    """Return the text, which has no hidden character. Raises `FactsError` `hidden-character`."""
    offset = find_hidden(text, allowed)
    if offset is None:
        return text
    raise FactsError(
        "hidden-character",
        f"{subject} contains the hidden character `{code_point(text[offset])}`",
        at=Place(line=text.count("\n", 0, offset) + 1) if "\n" in allowed else None,
        fix="delete it, and type the text again",
    )


def printable_lines(text: str) -> str:
    r"""Return a text whose hidden characters are written out (`\u001b`). Lines and tabs stay."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(
        _written_out(character) if character not in "\n\t" and is_hidden(character) else character
        for character in text
    )


def _written_out(character: str) -> str:
    """Return a character as JSON escapes it, so that JSON stays JSON."""
    number = ord(character)
    if number <= 0xFFFF:
        return f"\\u{number:04x}"
    high, low = divmod(number - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
