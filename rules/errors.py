"""Errors of the rules: a stable code, one lower-case sentence, the place of the fault, and the fix.

The sentence has the user's own words in back-ticks, and no word of the implementation (after the
guide for error messages of Cedar). `docs/errors.md` lists every code, and a test compares the list.
"""

from __future__ import annotations

from rules.frozen import frozen

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@frozen
class Place:
    """The place of a fault: a file with line and column, a path in the facts, or both.

    Lines and columns count from 1.
    """

    file: str | None = None
    line: int | None = None
    column: int | None = None
    path: str | None = None

    def __str__(self) -> str:
        if self.file is not None:
            parts = (self.file, self.line, self.column)
            where = ":".join(str(part) for part in parts if part is not None)
        else:
            counts = (("line", self.line), ("column", self.column))
            where = ", ".join(f"{name} {number}" for name, number in counts if number is not None)
        if self.path is not None:
            where = f"{where} at {self.path}" if where else self.path
        return where


class Refusal(Exception):
    """The base of every error that the input causes.

    `code` is stable and documented, `message` is one sentence, `at` the place, `fix` the remedy.
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
        """Return the error as `--json` prints it: `code`, `message`, `at`, and `fix`."""
        return {
            "code": self.code,
            "message": self.message,
            "at": str(self.at) or None,
            "fix": self.fix or None,
        }


class PackError(Refusal):
    """A pack, the vocabulary, scenarios, or a map can't be read.

    `others` are the further faults of the same stage, so that an author can fix all in one go.
    """

    others: tuple[PackError, ...] = ()

    def all(self) -> tuple[PackError, ...]:
        """Return this error and the others of its stage."""
        return (self, *self.others)


class FactsError(Refusal):
    """The facts do not fit the vocabulary."""


class RequestError(Refusal):
    """A question can't be asked.

    There is no such pack or decision, or there was no program on that day.
    """


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
    """Return the new spelling of a name or dotted path, or None if no part has an old one."""
    import re

    new = name
    for either, american in _EITHER_SPELLING:
        new = re.sub(either, american, new)
    is_old = new != name and (new in RESPELLED or any(part in RESPELLED for part in new.split(".")))
    return new if is_old else None


def respelling(name: str, allowed: Iterable[str]) -> str | None:
    """Return the fix for an old spelling of an allowed name, or of a group of allowed paths."""
    new = respelled(name)
    if new is None or not any(path == new or path.startswith(f"{new}.") for path in allowed):
        return None
    return f"write `{new}`, its spelling now"


# Below it a guess misleads. `refuses` and `agrees` are 0.62 alike, `act` and its typo `atc` 0.67.
_LEAST_LIKENESS = 0.66
# So many names are shown in full, so that all units, roles, and categories are. Of more, a few.
_LONGEST_SHOWN = 30
_FEW = 8


def nearest(name: str, allowed: Sequence[str]) -> str:
    """Return the fix for an unknown name.

    It is the new spelling, or the nearest allowed name, or else all of them. Of a list that is too
    long to read it names the most similar ones.
    """
    import difflib  # a decision without an error doesn't need it

    fix = respelling(name, allowed)
    if fix is not None:
        return fix
    close = difflib.get_close_matches(name, allowed, n=1, cutoff=_LEAST_LIKENESS)
    if close:
        return f"did you mean `{close[0]}`?"
    if len(allowed) > _LONGEST_SHOWN:
        similar = difflib.get_close_matches(name, sorted(allowed), n=_FEW, cutoff=0.0)
        listed = ", ".join(f"`{known_name}`" for known_name in similar)
        return f"nearest of {len(allowed)} that are known here: {listed}"
    listed = ", ".join(f"`{known_name}`" for known_name in sorted(allowed))
    return f"known here: {listed}" if listed else "nothing is declared here"
