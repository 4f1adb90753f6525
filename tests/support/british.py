"""The British spelling that a name had before."""

from __future__ import annotations

_WORDS = (("judgm", "judgem"), ("enroll", "enrol"), ("counsel", "counsell"), ("offens", "offenc"))


def british(name: str) -> str:
    """This American name in its old spelling."""
    for american, old in _WORDS:
        name = name.replace(american, old)
    return name
