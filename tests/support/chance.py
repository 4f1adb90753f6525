"""Repeatable randomness: a stream of bytes from a seed, as the function that callers expect."""

from __future__ import annotations

from collections.abc import Callable
from random import Random


def chance(seed: int = 0) -> Callable[[int], bytes]:
    """A function from a count to that many bytes, the same for the same seed."""
    return Random(seed).randbytes
