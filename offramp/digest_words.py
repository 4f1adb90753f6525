"""A digest as eight words that people read to each other by telephone.

The words are of BIP 39's English list: 2,048 words, each told apart by its first four letters. So
eight words carry 88 bits of the digest. They are hashed once more, so any changed bit of the
digest changes them.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256

WORDS = 8
_BITS = 11  # of one word


def digest_words(digest: str) -> tuple[str, ...]:
    """Return the words of a digest, such as `sha256:…`."""
    number = int.from_bytes(sha256(digest.encode()).digest())
    top = number >> (256 - WORDS * _BITS)
    return tuple(
        _listed()[(top >> (_BITS * place)) & ((1 << _BITS) - 1)] for place in reversed(range(WORDS))
    )


@cache
def _listed() -> list[str]:
    from mnemonic import Mnemonic

    return list(Mnemonic("english").wordlist)
