"""How an evaluation stops without a value: a fault of the operands, or an allowance that has run out.

A `Fault` knows what is wrong and not yet where; `evaluate` gives it the text and the place. It leaves to `&&`, `||`,
`exists` and `all` to make up for it where CEL says so. Nothing makes up for `Exhausted`.
"""

from __future__ import annotations

from rules.errors import EvaluationError

MOST_WORK = 1_000_000


class Fault(Exception):
    """Why an operation has no value. The first `{}` in `message` stands for the text of the part at fault."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(message)
        self.code, self.message, self.fix = code, message, fix


class Exhausted(EvaluationError):
    """The evaluation itself had to stop."""


class Work:
    """What is left of an evaluation's allowance, in nodes evaluated and elements looked at; `of` is what is evaluated."""

    __slots__ = ("left", "of")

    def __init__(self, of: str) -> None:
        self.left = MOST_WORK
        self.of = of

    def spend(self, amount: int = 1) -> None:
        self.left -= amount
        if self.left < 0:
            raise Exhausted(
                "too-much-work",
                f"`{shown(self.of)}` takes over {MOST_WORK:,} steps on these facts",
                fix="walk shorter lists, or fewer of them inside each other",
            )


def shown(text: str, most: int = 60) -> str:
    """The user's own words in a message: on one line, and not too many of them."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 3] + "…"
