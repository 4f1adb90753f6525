"""Written values: a token of a number, text, yes or no, or null to its value."""

from __future__ import annotations

import re

from rules.language.syntax import Literal
from rules.language.tokens import Tokens, shorten

LOWEST_INT, HIGHEST_INT = -(2**63), 2**63 - 1
_ESCAPE = re.compile(
    r"\\(?:([\\?\"'`abfnrtv])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})"
    r"|([0-3][0-7]{2})|([\s\S]))"
)
_SIMPLE_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def read_literal(tokens: Tokens, at: int, start: int, sign: str) -> Literal:
    """Read the token at this index. `sign` is `-` if one stands before it, at `start`."""
    kind, text, end = tokens.kinds[at], sign + tokens.texts[at], tokens.ends[at]
    if kind == "text":
        return Literal("text", _read_text(tokens, text, start), start, end)
    if kind == "int":
        return Literal("int", _read_whole_number(tokens, text, start), start, end)
    if kind == "float":
        if float(text) in (float("inf"), float("-inf")):
            tokens.fail(start, f"the number `{shorten(text)}` is too large", "use a smaller one")
        return Literal("float", text, start, end)
    if kind == "null":
        return Literal("null", None, start, end)
    return Literal("bool", kind == "true", start, end)


def _read_whole_number(tokens: Tokens, text: str, start: int) -> int:
    digits = text.lstrip("-0")
    value = int(text, 16 if digits.startswith("x") else 10) if len(digits) < 30 else 2**64
    if not LOWEST_INT <= value <= HIGHEST_INT:
        tokens.fail(
            start,
            f"the whole number `{shorten(text)}` does not fit into 64 bits",
            "use a smaller one, or give it a point: `1e30`",
        )
    return value


def _read_text(tokens: Tokens, quoted: str, start: int) -> str:
    """Return a text without its quotes, its escapes replaced unless it is raw (`r"…"`)."""
    is_raw = quoted[0] in "rR"
    opening = start + is_raw
    is_triple = tokens.text.startswith(('"""', "'''"), opening) and len(quoted) - is_raw >= 6
    width = 3 if is_triple else 1
    inner = quoted[is_raw + width : -width]
    if not is_raw and "\\" in inner:
        inner = _unescape(tokens, inner, opening + width)
    if not inner.isascii() and any("\ud800" <= sign <= "\udfff" for sign in inner):
        tokens.fail(
            start,
            "the text holds half of a character (a lone surrogate)",
            "write the whole character",
        )
    return inner


def _unescape(tokens: Tokens, inner: str, start: int) -> str:
    """Replace the escapes of a text that begins at `start`."""

    def character_of(match: re.Match[str]) -> str:
        """Return the character of one escape."""
        simple, hexadecimal, short, long, octal, unknown = match.groups()
        if simple:
            return _SIMPLE_ESCAPES.get(simple, simple)
        if unknown:
            tokens.fail(
                start + match.start(),
                f"`{shorten(match.group())}` is not an escape that text may hold",
                "write `\\\\` for a backslash",
            )
        code = int(octal, 8) if octal else int(hexadecimal or short or long, 16)
        if code > 0x10FFFF:
            tokens.fail(
                start + match.start(),
                f"`{match.group()}` is not a character",
                "use `\\U0010FFFF` or less",
            )
        return chr(code)

    text = _ESCAPE.sub(character_of, inner)
    if any("\ud800" <= character <= "\udbff" for character in text):
        # Two escapes may spell one character of the higher planes as UTF-16 does.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return text
