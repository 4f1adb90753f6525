"""Compare the names of people as they are typed: on a phone, from paper, or in another spelling."""

from __future__ import annotations

import re

_LONGEST = 200


def fold_name(name: str) -> str:
    """Return a name in small Latin letters and digits, a space between two words.

    Two names that look alike fold alike: accents, apostrophes, and repeated spaces are left out.
    """
    return " ".join(re.findall(r"[a-z0-9]+", latin_name(name)))


def join_name(name: str) -> str:
    """Return a name without spaces, accents, and marks, in small letters, to compare it."""
    return fold_name(name).replace(" ", "")


def is_same_name(typed: str, name: str) -> bool:
    """Report whether a typed name is another, whatever its capitals, accents, and apostrophes."""
    folded = fold_name(typed)
    return bool(folded) and folded == fold_name(name)


def latin_name(name: str) -> str:
    """Return a name in small Latin letters, without apostrophes of any kind."""
    if not name.isascii():
        from anyascii import anyascii  # most names need none of it

        name = anyascii(name[:_LONGEST])
    return name[:_LONGEST].lower().replace("'", "").replace("`", "")
