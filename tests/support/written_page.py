"""A page whose blocks are worked in order: who acts, when, the commands, and what they print.

Random ids and codes are renamed in the order in which they appear, so that two runs print the same
where the same id stands in the same places.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

# What the page calls the one case. Its commands name the case by the first four digits.
HANDLE = "3f2a91c4" + sha256(b"the handle of the page").hexdigest()
YEAR = 2026
_BLOCK = re.compile(
    r"^\*\*(?P<who>[a-z]+), (?P<when>[A-Z][a-z]+ \d+, \d+:\d\d [ap]\.m\.)\*\*\n\n"
    r"```console\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_ID = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{8,64}(?![0-9A-Za-z])")
_CODE = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){3}\b")
_SPOKEN = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True)
class Block:
    """The commands of one actor at one time, each with what the page shows under it."""

    who: str
    when: datetime
    commands: tuple[tuple[str, str], ...]


def blocks_of(text: str) -> list[Block]:
    """Return the blocks of a page in order."""
    blocks = []
    for found in _BLOCK.finditer(text):
        typed = re.split(r"^\$ ", found["body"], flags=re.MULTILINE)[1:]
        commands = tuple((part.partition("\n")[0], part.partition("\n")[2]) for part in typed)
        spelled = found["when"].replace("a.m.", "AM").replace("p.m.", "PM")
        when = datetime.strptime(f"{YEAR} {spelled}", "%Y %B %d, %I:%M %p")
        blocks.append(Block(found["who"], when, commands))
    return blocks


def like(found: str, expected: str) -> str:
    """Return an output that leaves out what the page leaves out: the lines at its one `…`."""
    head, ellipsis, tail = expected.partition("…\n")
    lines = found.splitlines(keepends=True)
    first, last = head.count("\n"), tail.count("\n")
    if not ellipsis or len(lines) <= first + last:
        return found
    return "".join([*lines[:first], ellipsis, *lines[len(lines) - last :]])


def with_outputs(text: str, outputs: Sequence[str]) -> str:
    """Return the page with other contents of its blocks."""
    contents = iter(outputs)

    def write(found: re.Match[str]) -> str:
        whole: str = found[0]
        return whole.replace(found["body"], next(contents))

    return _BLOCK.sub(write, text)


@dataclass
class Names:
    """The names of ids and codes on the page, by those of this run."""

    ids: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    # The longest form of each id of this run, by its first digits.
    whole: dict[str, str] = field(default_factory=dict)

    def actual(self, line: str) -> str:
        """Return a command of the page with the ids and codes of this run."""
        words = {page: code for code, page in self.codes.items()}
        for start, page in self.ids.items():
            words |= {page[:length]: self.whole.get(start, start)[:length] for length in (8, 64)}
            words |= {page[: len(self.whole.get(start, start))]: self.whole.get(start, start)}
            if page == HANDLE:
                words[page[:4]] = start
        return " ".join(words.get(word, word) for word in line.split(" "))

    def know_handle(self, handle: str) -> None:
        """Call the case of this run as the page does."""
        self.ids.setdefault(handle[:8], HANDLE)

    def rename(self, text: str) -> str:
        """Return a text of this run with the page's ids and codes."""
        return _CODE.sub(self._code, _ID.sub(self._id, text))

    def _id(self, found: re.Match[str]) -> str:
        token = found[0]
        number = len(self.ids)
        base = self.ids.setdefault(token[:8], sha256(f"id {number}".encode()).hexdigest())
        self.whole[token[:8]] = max(self.whole.get(token[:8], ""), token, key=len)
        return base[: len(token)]

    def _code(self, found: re.Match[str]) -> str:
        token = found[0]
        digest = sha256(f"code {len(self.codes)}".encode()).digest()
        spoken = "".join(_SPOKEN[byte % 32] for byte in digest[:16])
        grouped = "-".join(spoken[at : at + 4] for at in range(0, 16, 4))
        return self.codes.setdefault(token, grouped)
