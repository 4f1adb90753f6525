"""Refusals of a token in the wrong place, each with the mistake that people make there.

Each function takes the tokens and the index of the token at fault, and raises `ConditionError`.
"""

from __future__ import annotations

from typing import NoReturn

from rules.language.tokens import CLOSERS, KEYWORDS, Tokens, shorten

# Words in place of operators.
_HABITS = {"and": "&&", "or": "||", "not": "!", "is": "==", "equals": "=="}


def fail_field(tokens: Tokens, at: int) -> NoReturn:
    """Refuse a token after a `.` that names no field."""
    kind, text, offset = tokens.kinds[at], tokens.texts[at], tokens.starts[at]
    if kind == "end":
        tokens.fail(tokens.starts[at - 1], "nothing follows the last `.`", "name a field after it")
    if kind in KEYWORDS:
        tokens.fail(
            offset, f"the word `{text}` can't name a field after a `.`", f'write `["{text}"]`'
        )
    tokens.fail(
        offset,
        f"`{shorten(text)}` is where a field's name should",
        "name a field after the `.`",
    )


def fail_before_value(tokens: Tokens, at: int) -> NoReturn:
    """Refuse a token that can't begin a value."""
    kind, text, offset = tokens.kinds[at], tokens.texts[at], tokens.starts[at]
    before = tokens.texts[at - 1] if at else ""
    if kind == "end":
        last = tokens.starts[at - 1]
        if before in CLOSERS:
            tokens.fail(last, f"the bracket `{before}` is never closed", f"add `{CLOSERS[before]}`")
        tokens.fail(
            last, f"nothing follows `{before}`", "write what belongs after it, or leave it out"
        )
    if kind in ("-", "!"):
        tokens.fail(
            offset,
            f"`{text}` can't follow `{before}`",
            f"put brackets round it: `{before}({text}…)`",
        )
    if kind == "in" and tokens.kinds[at - 1] == "!":
        tokens.fail(offset, "`!` can't come before `in`", "write `!(a in list)`")
    if before:
        tokens.fail(offset, f"`{text}` can't follow `{before}`", "a value belongs between them")
    tokens.fail(offset, f"`{text}` can't come first", "begin with a value")


def fail_after_value(tokens: Tokens, at: int) -> NoReturn:
    """Refuse a token that can neither continue nor end the value before it."""
    kind, text, offset = tokens.kinds[at], tokens.texts[at], tokens.starts[at]
    before = tokens.texts[at - 1]
    for index in (at, at - 1):
        if tokens.kinds[index] == "name" and tokens.texts[index].lower() in _HABITS:
            _fail_habit(tokens, index)
    if kind == "!" and tokens.kinds[at + 1] == "in":
        tokens.fail(offset, "`!in` is not an operator", "write `!(a in list)`")
    if (
        kind == "text"
        and before in ("b", "B", "br", "bR", "Br", "BR")
        and tokens.ends[at - 1] == offset
    ):
        tokens.fail(offset - len(before), "bytes are not read here", f"leave out the `{before}`")
    if kind in (")", "]", "}"):
        tokens.fail(
            offset,
            f"the bracket `{text}` closes nothing that is open here",
            "leave it out, or open it",
        )
    if kind == "{":
        tokens.fail(
            offset,
            f"`{{` can't follow `{shorten(before)}`: records can't be built here",
            'write a map: `{"key": value}`',
        )
    if kind == ":":
        tokens.fail(offset, "the `:` has no `?` before it", "write `condition ? one : other`")
    if kind == ",":
        tokens.fail(
            offset,
            f"the `,` after `{shorten(before)}` is not inside brackets",
            "put the list in `[ ]`",
        )
    tokens.fail(
        offset,
        f"`{shorten(text)}` can't follow `{shorten(before)}` without an operator between them",
        "put `&&`, `||` or a comparison between them",
    )


def _fail_habit(tokens: Tokens, at: int) -> NoReturn:
    """Refuse a word in place of an operator."""
    habit, offset = tokens.texts[at], tokens.starts[at]
    operator = _HABITS[habit.lower()]
    if operator == "!" and tokens.kinds[at + 1] == "in":
        tokens.fail(offset, f"`{habit} in` is not an operator", "write `!(a in list)`")
    tokens.fail(offset, f"the word `{habit}` is not an operator", f"write `{operator}`")
