"""The user's cache: small files that save work, each with its content's hash at the end.

INVARIANT: a file counts only if nobody else can have written it. The folder and the file belong to
the user, nobody else may read or write them, neither is a link, and the text is whole. Any other
file is as if it were missing, and no fault of the cache is ever an error. See
docs/decisions/0021-proofs-are-kept.md.
"""

from __future__ import annotations

import os
import stat
import time
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    from _blake2 import blake2b  # OpenSSL, which `hashlib` loads, takes longer than all hashes here
except ImportError:
    from hashlib import blake2b

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NOT_OURS = stat.S_IRWXG | stat.S_IRWXO
_STARTED = time.time()
_PACKAGE = Path(__file__).parent
_HASH_SIZE = 32  # bytes of BLAKE2b


def hash_of(content: bytes) -> str:
    """Return a hash of a content as 64 hexadecimal digits, for use on this machine alone."""
    return blake2b(content, digest_size=_HASH_SIZE).hexdigest()


def code_digest(parts: Iterable[str]) -> str | None:
    """Return a hash of the sources in some folders of `rules`. `.` is `rules` itself.

    Return None if this process may run other code than these sources: if there are none, or if one
    was written after the process began.
    """
    hashed = blake2b(digest_size=_HASH_SIZE)
    count = 0
    for part in parts:
        folder = f"{_PACKAGE}/{part}"
        try:
            for name in sorted(os.listdir(folder)):  # noqa: PTH208  # it is fast
                if name.endswith(".py"):
                    with open(f"{folder}/{name}", "rb", buffering=0) as file:  # noqa: PTH123  # it is fast
                        if os.fstat(file.fileno()).st_mtime > _STARTED:
                            return None
                        hashed.update(f"{part}/{name}\0".encode() + file.read() + b"\0")
                    count += 1
        except OSError:
            return None
    return hashed.hexdigest() if count else None


def read(kind: str, name: str, largest: int) -> bytes | None:
    """Return the content of a file of the cache, or None if there is none that counts."""
    try:
        with _opened(kind, make=False) as folder:
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
            with os.fdopen(descriptor, "rb") as file:
                status = os.fstat(descriptor)
                _only_ours(status)
                if not stat.S_ISREG(status.st_mode):
                    return None
                raw = file.read(largest + 1)
    except (OSError, ValueError, RuntimeError):  # RuntimeError: nobody's home
        return None
    return None if len(raw) > largest else unsealed(raw)


def write(kind: str, name: str, body: bytes, kept: int) -> None:
    """Write a file of the cache whole or not at all. Of over `kept` files the oldest go."""
    with suppress(OSError, RuntimeError), _opened(kind, make=True) as folder:
        draft = f"{name}.{os.getpid()}"
        descriptor = os.open(
            draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder
        )
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(sealed(body))
            os.replace(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            os.unlink(draft, dir_fd=folder)
            raise
        _forget_the_oldest(folder, kept)


def sealed(body: bytes) -> bytes:
    """Return a content with its hash at the end."""
    return body + b"\n" + hash_of(body).encode() + b"\n"


def unsealed(raw: bytes) -> bytes | None:
    """Return the content of a file, or None if its hash does not fit."""
    body = raw[:-66]
    return body if raw == sealed(body) else None


def _folder(kind: str) -> Path:
    cache_home = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(cache_home) if cache_home.startswith("/") else Path.home() / ".cache"
    return base / "offramp" / kind


@contextmanager
def _opened(kind: str, *, make: bool) -> Iterator[int]:
    """Open a folder of the cache. Its files are reached through the descriptor alone.

    Raises `OSError` if other users may read or write it.
    """
    folder = _folder(kind)
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


def _forget_the_oldest(folder: int, kept: int) -> None:
    names = os.listdir(folder)
    if len(names) > kept:
        aged = sorted(
            names, key=lambda name: os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime
        )
        for name in aged[: len(names) - kept]:
            os.unlink(name, dir_fd=folder)
