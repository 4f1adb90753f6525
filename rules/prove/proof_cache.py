"""Keep proofs, so that a pack is proved once: one small file for each pack, in the user's cache.

The key is SHA-256 over all that `soundness` reads: the pack's canonical text, the ids of its own
rules, and the sources of `rules`. So neither an edit of the pack nor another version of the prover
meets an old answer.

INVARIANT: a file counts only if nobody else can have written it (see `rules.user_cache`). Anything
else is proved again. See docs/decisions/0021-proofs-are-kept.md.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path

from rules import user_cache
from rules.errors import FactsError
from rules.frozen import frozen
from rules.input.json_text import parse_json
from rules.packs import digest
from rules.packs.pack import Pack

KEPT = 400  # files; the oldest is removed first
_LARGEST = 100_000  # bytes of one file; the largest shipped pack's has a hundredth of it
_KIND = "proofs"


@frozen
class Proof:
    """The ids of the proved invariants. `known` is True if an earlier proof is the source."""

    proved: tuple[str, ...]
    known: bool


def prove(pack: Pack, *, again: bool = False) -> Proof:
    """Return the proof of a pack, from the cache unless `again`.

    Raises `PackError` for whatever `soundness.check_whole` refuses.
    """
    key = _key(pack)
    if not again:
        cached = _read(key)
        if cached is not None and set(cached) <= set(pack.invariants):
            return Proof(cached, known=True)
    # A cached proof needs no search, and a cold start is slower with one.
    from rules.prove.soundness import check_whole

    proved = check_whole(pack)
    _write(key, proved)
    return Proof(proved, known=False)


def _key(pack: Pack) -> str:
    own = sorted(
        f"{decision.name} {rule.id}"
        for decision in pack.decisions.values()
        for rule in decision.rules.values()
        if rule.declared_in == pack.id
    )
    return hashlib.sha256(json.dumps([_prover(), digest.text(pack), own]).encode()).hexdigest()


@lru_cache(maxsize=1)
def _prover() -> str:
    """Return a hash of the code that proves: all of `rules`, since what decides is proved."""
    hashed = hashlib.sha256()
    package = Path(__file__).parent.parent
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        hashed.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return hashed.hexdigest()


def _text(key: str, proved: tuple[str, ...]) -> bytes:
    """Return a file's bytes: the key, the proved ids, and a hash of both."""
    return user_cache.sealed(_body(key, proved))


def _body(key: str, proved: tuple[str, ...]) -> bytes:
    return json.dumps({"key": key, "proved": list(proved)}, ensure_ascii=False).encode()


def _read(key: str) -> tuple[str, ...] | None:
    body = user_cache.read(_KIND, key, _LARGEST)
    if body is None:
        return None
    try:
        proved = tuple(parse_json(body.decode("utf-8"), "the proof")["proved"])
    except (FactsError, ValueError, KeyError, TypeError):
        return None
    return proved if body == _body(key, proved) else None


def _write(key: str, proved: tuple[str, ...]) -> None:
    user_cache.write(_KIND, key, _body(key, proved), KEPT)
