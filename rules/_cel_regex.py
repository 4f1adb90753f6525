"""`matches`: a small regular-expression engine that takes time in proportion to the text, whatever the pattern.

CEL means RE2, whose promise is that no pattern can hang it; Python's `re` goes back over the text and breaks that. Here
the pattern becomes a list of states, and all states that a text could be in are followed at once, one character at a
time (K. Thompson, 1968). Read: literals, `.`, classes, `\\d \\w \\s` and their opposites (ASCII, as in RE2), groups,
`|`, `* + ? {m,n}` (lazy ones too: for a yes or no they are the same), `^ $ \\A \\z \\b \\B`, and the flags `(?ims)` at
the start. Not read: `\\p{…}`, `[[:alpha:]]`, flags inside. As in RE2, there are no back-references and no look-around.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from rules._cel_fault import Fault, Work

LONGEST_PATTERN = 1000
MOST_STATES = 2000
MOST_PARTS = 10_000
MOST_REPETITIONS = 1000
DEEPEST_GROUPS = 50

_FLAGS = re.compile(r"\(\?([ims]+)\)")
_CLASS = re.compile(r"\[\^?\]?(?:[^\]\\\[]|\\[\s\S]|\[(?!:))*\]")
_COUNT = re.compile(r"\{([0-9]{1,5})(,([0-9]{0,5}))?\}")
_GROUP = re.compile(r"\((?:\?(?::|P?<[A-Za-z_][A-Za-z0-9_]*>))?")
_HEXADECIMAL = re.compile(r"\\x(?:([0-9a-fA-F]{2})|\{([0-9a-fA-F]{1,6})\})")
_CONTROLS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_WORD = re.compile(r"[A-Za-z0-9_]")

Test = Callable[[str], object]
# A state is one of: a test of the next character; a fork to two states; a condition on the place; the end.
State = tuple[str, object, int, int]


class Pattern:
    """A compiled pattern."""

    def __init__(self, text: str) -> None:
        self.states: list[State] = []
        flags = _FLAGS.match(text)
        self.flags = flags[1] if flags else ""
        self.text = text
        self.at = flags.end() if flags else 0
        self.depth = 0
        self.parts = 0
        if len(text) > LONGEST_PATTERN:
            raise _fault(text, "is longer than a pattern may be")
        self.start = self.compile(self.alternatives(), self.state("end", None, 0, 0))
        if self.at < len(text):
            raise _fault(text, "closes a group that isn't open")

    # From text to a nest of tuples

    def alternatives(self) -> tuple[object, ...]:
        self.depth += 1
        if self.depth > DEEPEST_GROUPS:
            raise _fault(self.text, "has groups too deep inside each other")
        branches = [self.sequence()]
        while self.at < len(self.text) and self.text[self.at] == "|":
            self.at += 1
            branches.append(self.sequence())
        self.depth -= 1
        return ("either", branches)

    def sequence(self) -> tuple[object, ...]:
        parts: list[object] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            parts.append(self.repeated(self.atom()))
        return ("all", parts)

    def repeated(self, part: object) -> object:
        low, high = 1, 1
        character = self.text[self.at : self.at + 1]
        count = _COUNT.match(self.text, self.at)
        if character and character in "*+?":
            low, high = {"*": (0, -1), "+": (1, -1), "?": (0, 1)}[character]
            self.at += 1
        elif count:
            low = int(count[1])
            high = low if count[2] is None else int(count[3]) if count[3] else -1
            self.at = count.end()
        else:
            return part
        if max(low, high) > MOST_REPETITIONS or -1 < high < low:
            raise _fault(self.text, "repeats something too often")
        if self.text.startswith("?", self.at):
            self.at += 1
        if self.text[self.at : self.at + 1] in ("*", "+", "?") or _COUNT.match(self.text, self.at):
            raise _fault(self.text, "repeats a repetition without a group")
        return ("repeat", part, low, high)

    def atom(self) -> tuple[object, ...]:
        character = self.text[self.at]
        if character == "(":
            group = _GROUP.match(self.text, self.at)
            if group is None or self.text.startswith("?", group.end()):
                raise _fault(self.text, "has a group of a kind that isn't read here")
            self.at = group.end()
            inner = self.alternatives()
            if not self.text.startswith(")", self.at):
                raise _fault(self.text, "opens a group that is never closed")
            self.at += 1
            return inner
        if character == "[":
            return self.character_class()
        if character == "\\":
            return self.escape()
        self.at += 1
        if character in "*+?":
            raise _fault(self.text, "repeats nothing")
        if character == ".":
            return ("test", (lambda one: True) if "s" in self.flags else (lambda one: one != "\n"))
        if character in "^$":
            return (
                "place",
                {"^": "line start", "$": "line end"}[character] if "m" in self.flags else character,
            )
        return ("test", self.literal(character))

    def literal(self, character: str) -> Test:
        if "i" in self.flags:
            folded = character.casefold()
            return lambda one: one.casefold() == folded
        return lambda one: one == character

    def character_class(self) -> tuple[object, ...]:
        match = _CLASS.match(self.text, self.at)
        if match is None:
            raise _fault(self.text, "has a `[ ]` that can't be read")
        self.at = match.end()
        written = match.group()
        if any(
            escaped.isalnum() and escaped not in "dDwWsSnrtfavx"
            for escaped in re.findall(r"\\([\s\S])", written)
        ):
            raise _fault(self.text, "has an escape in `[ ]` that isn't read here")
        if "--" in written:
            raise _fault(self.text, "has `--` in `[ ]`")
        # Python means to give these signs a meaning of their own inside a class.
        safe = re.sub(
            r"\\[\s\S]|[\[&~|]",
            lambda one: one[0] if len(one[0]) == 2 else "\\" + one[0],
            written[1:-1],
        )
        try:
            return (
                "test",
                re.compile(
                    f"[{safe}]", re.ASCII | (re.IGNORECASE if "i" in self.flags else 0)
                ).match,
            )
        except re.error:
            raise _fault(self.text, "has a `[ ]` that can't be read") from None

    def escape(self) -> tuple[object, ...]:
        number = _HEXADECIMAL.match(self.text, self.at)
        if number:
            code = int(number[1] or number[2], 16)
            if code > 0x10FFFF:
                raise _fault(self.text, "names no character")
            self.at = number.end()
            return ("test", self.literal(chr(code)))
        letter = self.text[self.at + 1 : self.at + 2]
        self.at += 2
        if letter and letter in "dDwWsS":
            return ("test", re.compile("\\" + letter, re.ASCII).match)
        if letter and letter in "AzbB":
            return ("place", {"A": "^", "z": "$"}.get(letter, letter))
        if letter in _CONTROLS:
            return ("test", self.literal(_CONTROLS[letter]))
        if letter and not letter.isalnum() and letter != "_":
            return ("test", self.literal(letter))
        raise _fault(self.text, "has an escape that isn't read here")

    # From tuples to states, from the last part to the first

    def state(self, sort: str, what: object, one: int, other: int) -> int:
        if len(self.states) >= MOST_STATES:
            raise _fault(self.text, "repeats too much")
        self.states.append((sort, what, one, other))
        return len(self.states) - 1

    def compile(self, part: object, following: int) -> int:
        """The state at which `part` begins when `following` comes after it."""
        assert isinstance(part, tuple)
        self.parts += 1
        if self.parts > MOST_PARTS:  # repetitions of nothing make no states
            raise _fault(self.text, "repeats too much")
        if part[0] == "all":
            for inner in reversed(part[1]):
                following = self.compile(inner, following)
            return following
        if part[0] == "either":
            start = self.compile(part[1][-1], following)
            for branch in reversed(part[1][:-1]):
                start = self.state("fork", None, self.compile(branch, following), start)
            return start
        if part[0] == "repeat":
            return self.compile_repeat(part[1], part[2], part[3], following)
        return self.state(part[0], part[1], following, following)

    def compile_repeat(self, inner: object, low: int, high: int, following: int) -> int:
        if high == -1:
            loop = self.state("fork", None, following, following)
            self.states[loop] = ("fork", None, self.compile(inner, loop), following)
            following = loop
        else:
            after = following
            for _ in range(high - low):
                following = self.state("fork", None, self.compile(inner, following), after)
        for _ in range(low):
            following = self.compile(inner, following)
        return following

    # Running

    def found_in(self, text: str, work: Work) -> bool:
        """Whether some part of `text` matches."""
        current: set[int] = set()
        for at in range(len(text) + 1):
            current = self.closure({*current, self.start}, text, at, work)
            if 0 in current:  # the end is the first state that was made
                return True
            if at == len(text):
                return False
            character = text[at]
            moved: set[int] = set()
            for number in current:
                sort, what, following, _ = self.states[number]
                if sort == "test" and what(character):  # type: ignore[operator]  # a test's `what` is a function
                    moved.add(following)
            current = moved
        return False

    def closure(self, states: set[int], text: str, at: int, work: Work) -> set[int]:
        """Every state that can be reached without taking a character."""
        reached = set(states)
        waiting = list(states)
        while waiting:
            sort, what, one, other = self.states[waiting.pop()]
            ahead = (
                (one, other)
                if sort == "fork"
                else (one,)
                if sort == "place" and _holds(what, text, at)
                else ()
            )
            for number in ahead:
                if number not in reached:
                    reached.add(number)
                    waiting.append(number)
        work.spend(1 + len(reached) // 4)
        return reached


def _holds(place: object, text: str, at: int) -> bool:
    if place == "^":
        return at == 0
    if place == "$":
        return at == len(text)
    if place == "line start":
        return at == 0 or text[at - 1] == "\n"
    if place == "line end":
        return at == len(text) or text[at] == "\n"
    before = at > 0 and _WORD.match(text[at - 1]) is not None
    after = at < len(text) and _WORD.match(text[at]) is not None
    return (before != after) == (place == "b")


def _fault(pattern: str, reason: str) -> Fault:
    shown = pattern if len(pattern) <= 40 else pattern[:37] + "…"
    return Fault(
        "bad-pattern", f"{{}} has the pattern `{shown}`, which {reason}", "write a simpler one"
    )


_compiled = lru_cache(maxsize=64)(Pattern)


def matches(text: str, pattern: str, work: Work) -> bool:
    return _compiled(pattern).found_in(text, work)
