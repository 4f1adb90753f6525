"""The tokens of a condition: numbers, texts, names, and signs, each with its place in the text."""

from __future__ import annotations

import re
from typing import NoReturn

from rules.errors import ConditionError, Place

KEYWORDS = frozenset({"true", "false", "null", "in"})
RESERVED = frozenset(
    {
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "namespace",
        "package",
        "return",
        "var",
        "void",
        "while",
    }
)
CLOSERS = {"(": ")", "[": "]", "{": "}"}
# INVARIANT: where a quantifier repeats a choice, no character begins two of its sides, so that no
# text makes the lexer slow. (Possessive quantifiers would do it, and Python before 3.11.4 has them
# wrong.)
_TOKEN = re.compile(
    r"(?P<gap>(?:[\t\n\f\r ]|//[^\r\n]*)+)"
    r"|(?P<text>"
    r'[rR](?:"""(?:(?!""")[\s\S])*"""|"(?!"")[^"\r\n]*"|""(?!")'
    r"|'''(?:(?!''')[\s\S])*'''|'(?!'')[^'\r\n]*'|''(?!'))"
    r'|"""(?:[^"\\]|\\[\s\S]|"(?!""))*"""|"(?!"")(?:[^"\\\r\n]|\\[^\r\n])*"|""(?!")'
    r"|'''(?:[^'\\]|\\[\s\S]|'(?!''))*'''|'(?!'')(?:[^'\\\r\n]|\\[^\r\n])*'|''(?!')"
    r")"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<float>[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)"
    r"|(?P<int>0x[0-9a-fA-F]+(?![0-9a-fA-FuU])|[0-9]+(?![0-9uU]))"
    r"|(?P<sign>&&|\|\||==(?!=)|!=(?!=)|!(?!=)|<=|>=|<(?!>)|[-+*/%>?:.,()\[\]{}])"
    r"|(?P<stray>[\s\S])"
)
_LONGEST_SHOWN = 40  # characters of a condition in a message
# Characters that people write from habit, and the fix for each.
_STRAYS = {
    "=": "write `==` to compare",
    "<": "write `!=` for not equal",
    "!": "write `!=` for not equal",
    "&": "write `&&` for and",
    "|": "write `||` for or",
    "≤": "write `<=`",
    "≥": "write `>=`",
    "≠": "write `!=`",
    "−": "write a plain `-`",
    "–": "write a plain `-`",
    "—": "write a plain `-`",
    "×": "write `*`",
    "÷": "write `/`",
    "…": "write the condition out",
    "\u00a0": "put a plain space in its place",
    "\u202f": "put a plain space in its place",
    "“": 'use straight quotes: `"`',
    "”": 'use straight quotes: `"`',
    "„": 'use straight quotes: `"`',
    "‘": "use straight quotes: `'`",
    "’": "use straight quotes: `'`",
    "`": "write the name without back-quotes",
    ";": "leave it out: there is one expression and nothing after it",
    "#": "a comment here begins with `//`",
    "^": "there is no such operator",
    "~": "there is no such operator",
    "@": "there is no such operator",
    "$": "a name is made of letters, digits and `_`",
}


class Tokens:
    """The tokens of one text, in order. The last token is of kind `end`.

    The kind of a sign or a keyword is its own text. `starts` and `ends` are offsets in characters.
    """

    __slots__ = ("ends", "kinds", "starts", "text", "texts")

    def __init__(self, text: str) -> None:
        self.text = text
        self.kinds: list[str] = []
        self.texts: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []

    def add(self, kind: str, text: str, start: int, end: int) -> None:
        """Add a token at the end."""
        self.kinds.append(kind)
        self.texts.append(text)
        self.starts.append(start)
        self.ends.append(end)

    def fail(self, offset: int, message: str, fix: str) -> NoReturn:
        """Refuse the text at this offset."""
        at = place_in(self.text, offset)
        raise ConditionError("syntax", message, at=at, offset=offset, fix=fix)


def read_tokens(text: str) -> Tokens:
    """Split a text into tokens. Raises `ConditionError`."""
    tokens = Tokens(text)
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind == "gap":
            continue
        token = match.group()
        start, end = match.span()
        if kind == "sign" or token in KEYWORDS:
            kind = token
        elif kind == "stray":
            _fail_stray(tokens, start, token)
        tokens.add(kind, token, start, end)  # type: ignore[arg-type]  # every group has a name
    tokens.add("end", "", len(text), len(text))
    return tokens


def _fail_stray(tokens: Tokens, offset: int, character: str) -> NoReturn:
    """Refuse a character that begins no token."""
    rest = tokens.text[offset:]
    if character in "\"'":
        tokens.fail(
            offset,
            f"the text that begins with `{shorten(rest)}` has no closing `{character}`",
            f"add `{character}` at its end",
        )
    if character.isdigit() and character.isascii():
        number = re.match(r"[0-9a-fA-FxX]+[uU]", rest)
        tokens.fail(
            offset,
            f"`{shorten(number.group() if number else rest)}` is an unsigned number, "
            "which isn't read here",
            "leave out the `u`",
        )
    sign = next((sign for sign in ("===", "!==", "<>") if rest.startswith(sign)), character)
    fix = "write `==` to compare" if sign == "===" else _STRAYS.get(character, "")
    if not fix and character.isalnum():
        fix = "a name is made of the letters a to z, digits and `_`; put text in quotes"
    stray = sign if sign.isprintable() else f"U+{ord(character):04X}"
    tokens.fail(
        offset, f"`{stray}` has no meaning here", fix or "take it out, or put text in quotes"
    )


def place_in(text: str, offset: int) -> Place:
    """Return the column of a character, and its line if that is not the first."""
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    return Place(line=line if line > 1 else None, column=column)


def shorten(text: str) -> str:
    """Return a text as a message quotes it: one line of at most 40 characters."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_SHOWN else line[: _LONGEST_SHOWN - 3] + "…"
