"""Every refusal of the rules half: one lower-case sentence naming the thing, a stable code, its place and the fix.

The sentence keeps the user's own words in back-ticks and never a word of the implementation (after Cedar's guide for
error messages). `docs/errors.md` lists every code; a test holds the list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@frozen
class Place:
    """Where the fault lies: a file with line and column (both from 1), or a path inside the facts, or both."""

    file: str | None = None
    line: int | None = None
    column: int | None = None
    path: str | None = None

    def __str__(self) -> str:
        if self.file is not None:
            where = ":".join(
                str(part) for part in (self.file, self.line, self.column) if part is not None
            )
        else:
            named = (("line", self.line), ("column", self.column))
            where = ", ".join(f"{name} {number}" for name, number in named if number is not None)
        if self.path is not None:
            where = f"{where} at {self.path}" if where else self.path
        return where


class Refusal(Exception):
    """Base of every error that is the input's fault and not ours.

    `code` is stable and documented; `message` one sentence; `at` the place; `fix` what to do about it.
    """

    def __init__(self, code: str, message: str, *, at: Place | None = None, fix: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.at = at or Place()
        self.fix = fix

    def __str__(self) -> str:
        where = f"{self.at}: " if str(self.at) else ""
        fix = f"; {self.fix}" if self.fix else ""
        return f"{where}{self.message}{fix} [{self.code}]"

    def as_json(self) -> dict[str, str | None]:
        """The shape that `--json` prints: `code`, `message`, `at` and `fix`."""
        return {
            "code": self.code,
            "message": self.message,
            "at": str(self.at) or None,
            "fix": self.fix or None,
        }


class PackError(Refusal):
    """The pack, the vocabulary or its scenarios can't be read as what they claim to be."""


class FactsError(Refusal):
    """The facts aren't what the vocabulary says they are."""


class RequestError(Refusal):
    """The question can't be asked: no such pack or decision, or a day on which there was no program."""


class ConditionError(Refusal):
    """A text is not a condition. `check` reports it as a `PackError`, at its place in the pack.

    `offset` is the place of the fault in the text: characters from 0.
    """

    def __init__(self, code: str, message: str, *, at: Place, offset: int, fix: str) -> None:
        super().__init__(code, message, at=at, fix=fix)
        self.offset = offset


# Names that had a British spelling before, and patterns for both spellings of their words.
RESPELLED = (
    "judgment",
    "enrollment",
    "counseling_note",
    "counseling_notes",
    "offense_disclosure",
    "no_offense",
    "offenses",
    "offenses.csv",
)
_EITHER_SPELLING = (
    ("judge?ment", "judgment"),
    ("enroll?ment", "enrollment"),
    ("counsell?ing", "counseling"),
    ("offen[cs]e", "offense"),
)


def respelled(name: str) -> str | None:
    """The new spelling of a name or of a dotted path, or None if no part of it is an old one."""
    import re

    new = name
    for either, american in _EITHER_SPELLING:
        new = re.sub(either, american, new)
    is_old = new != name and (new in RESPELLED or any(part in RESPELLED for part in new.split(".")))
    return new if is_old else None


def respelling(name: str, known: Iterable[str]) -> str | None:
    """The fix for an old spelling of a known name, or of a group of known paths."""
    new = respelled(name)
    if new is None or not any(path == new or path.startswith(f"{new}.") for path in known):
        return None
    return f"write `{new}`, its spelling now"


def nearest(name: str, known: Sequence[str]) -> str:
    """The fix for an unknown name: its new spelling, the nearest known name, or the first few."""
    import difflib  # a decision without an error doesn't need it

    fix = respelling(name, known)
    if fix is not None:
        return fix
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    listed = ", ".join(f"`{known_name}`" for known_name in sorted(known)[:8])
    more = " …" if len(known) > 8 else ""
    return f"known here: {listed}{more}" if listed else "nothing is declared here"
