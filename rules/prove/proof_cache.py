"""Keep proofs, so that a pack is proved once: one small file for each pack, in the user's cache.

The key is SHA-256 over all that `soundness` reads: the pack's canonical text, the ids of its own
rules, and the sources of `rules`. So neither an edit of the pack nor another version of the prover
meets an old answer.

INVARIANT: a file counts only if nobody else can have written it. The folder and the file belong to
the user, nobody else may read or write them, neither is a link, and the text is whole. Anything
else is proved again, and no fault of the cache is ever an error. See
docs/decisions/0021-proofs-are-kept.md.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from rules.errors import FactsError
from rules.frozen import frozen
from rules.input.json_text import parse_json
from rules.packs import digest
from rules.packs.pack import Pack

KEPT = 400  # files; the oldest is removed first
_LARGEST = 100_000  # bytes of one file; the largest shipped pack's has a hundredth of it
_NOT_OURS = stat.S_IRWXG | stat.S_IRWXO


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


def _folder() -> Path:
    cache_home = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(cache_home) if cache_home.startswith("/") else Path.home() / ".cache"
    return base / "offramp" / "proofs"


@contextmanager
def _opened(*, make: bool) -> Iterator[int]:
    """Open the cache's folder. Its files are reached through the descriptor alone.

    Raises `OSError` if other users may read or write it.
    """
    folder = _folder()
    if make:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _only_ours(os.fstat(descriptor))
        yield descriptor
    finally:
        os.close(descriptor)


def _only_ours(status: os.stat_result) -> None:
    if status.st_uid != os.geteuid() or status.st_mode & _NOT_OURS:
        raise PermissionError("somebody else may have written it")


def _text(key: str, proved: tuple[str, ...]) -> bytes:
    """Return a file's content: the key, the proved ids, and a hash of both."""
    body = json.dumps({"key": key, "proved": list(proved)}, ensure_ascii=False).encode()
    return body + b"\n" + hashlib.sha256(body).hexdigest().encode() + b"\n"


def _read(key: str) -> tuple[str, ...] | None:
    try:
        with _opened(make=False) as folder:
            descriptor = os.open(key, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
            with os.fdopen(descriptor, "rb") as file:
                status = os.fstat(descriptor)
                _only_ours(status)
                if not stat.S_ISREG(status.st_mode):
                    return None
                raw = file.read(_LARGEST + 1)
        first_line = raw.partition(b"\n")[0].decode("utf-8")
        proved = tuple(parse_json(first_line, "the proof")["proved"])
    except (
        FactsError,
        OSError,
        ValueError,
        KeyError,
        TypeError,
        RuntimeError,
    ):  # RuntimeError: nobody's home
        return None
    return proved if raw == _text(key, proved) else None


def _write(key: str, proved: tuple[str, ...]) -> None:
    with suppress(OSError, RuntimeError), _opened(make=True) as folder:
        draft = f"{key}.{os.getpid()}"
        descriptor = os.open(
            draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder
        )
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(_text(key, proved))
            os.replace(draft, key, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            os.unlink(draft, dir_fd=folder)
            raise
        _forget_the_oldest(folder)


def _forget_the_oldest(folder: int) -> None:
    names = os.listdir(folder)
    if len(names) > KEPT:
        aged = sorted(
            names, key=lambda name: os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime
        )
        for name in aged[: len(names) - KEPT]:
            os.unlink(name, dir_fd=folder)
