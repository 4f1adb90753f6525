"""A checksum beside the database file, so that a start finds any byte that changed.

SQLite finds a page that is malformed, not a wrong byte in a well-formed page, nor one in a page's
unused space. So each time the write-ahead log is written back, the sum of all pages' digests goes
to a file beside the database. A start and `offramp hub fsck` compare it. Between two write-backs
the database file doesn't change, however the hub stops. If the hub stops in the middle of one, the
file says so, and only the rows and the tree can be checked then.

SQLite reads a write-ahead log up to the first invalid frame and ignores the rest. A wrong byte
there would undo later acknowledged commits, a revocation among them. So this module reads the log
to its end. Each commit is synced before the next is written. An invalid frame that another commit
follows is therefore damage. An invalid last frame may come from a power failure.

The sum is no secret, and proves nothing against an attacker that can write both files. The log and
its witnesses protect against that.
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Literal

from exchange.errors import StoreError
from rules.frozen import frozen

MOVING = "moving"
_WAL_HEADER, _FRAME_HEADER = 32, 24
_MODULUS = 2**256
_LINE = 128
_MAGIC, _PAGE = b"\x37\x7f\x06", 4096
_LOST = "the write-ahead log breaks off before commits that were on the disk"


class Pages:
    """The pages of one database file, with the lock that keeps other programs from writing it.

    Raises `StoreError`: `in-use`, `damaged` if a page isn't as written.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._wal = database.with_name(f"{database.name}-wal")
        self._beside = database.with_name(f"{database.name}.sum")
        self._lock = os.open(self._beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise StoreError(
                "in-use", f"another program works with `{database.name}`", fix="stop the other one"
            ) from None
        self._size, self._digests = page_digests(database)
        # False after a failed write-back: its pages may have left the write-ahead log since.
        self._digests_current = True
        lost = lost_commits(self._wal)
        fault = _LOST if lost.is_damage else self.fault()
        if fault is not None:
            self.release()
            raise StoreError(
                "damaged", fault, fix="run `offramp hub fsck DIR`, and restore a backup"
            )

    def fault(self) -> str | None:
        """Return a sentence about the fault of the file's pages, or None."""
        written = self._written()
        if written not in (b"", MOVING.encode(), self._sum()):
            return f"`{self._database.name}` isn't, byte for byte, what was last written to it"
        return None

    @property
    def unwritten(self) -> bool:
        """Return whether the file has no sum yet."""
        return not os.pread(self._lock, 1, 0)

    @property
    def moving(self) -> bool:
        """Return whether a program stopped while it wrote pages back."""
        return self._written() == MOVING.encode()

    @contextmanager
    def written_back(self) -> Iterator[None]:
        """Update the sum around a write-back of the write-ahead log."""
        size, changed = _in_wal(self._wal)
        self._write(MOVING.encode())
        were_current, self._digests_current = self._digests_current, False
        yield
        if not self._size or not were_current:
            self._size, self._digests = page_digests(self._database)
        else:
            self._update_digests(size or self._size, changed)
        self._write(self._sum())
        self._digests_current = True

    def _update_digests(self, size: int, changed: set[int]) -> None:
        count = self._database.stat().st_size // size
        del self._digests[count:]
        # New pages at the end are in the log too, unless an earlier write-back was interrupted.
        changed |= set(range(len(self._digests), count))
        self._digests += [0] * (count - len(self._digests))
        with self._database.open("rb", buffering=0) as file:
            for number in sorted(each for each in changed if each < count):
                page = os.pread(file.fileno(), size, number * size)
                self._digests[number] = _digest(number, page)

    def _sum(self) -> bytes:
        return json.dumps(
            {"pages": len(self._digests), "sum": f"{sum(self._digests) % _MODULUS:064x}"}
        ).encode()

    def _written(self) -> bytes:
        return os.pread(self._lock, _LINE, 0).rstrip(b" \n")

    def _write(self, text: bytes) -> None:
        # The length never changes, so one write replaces all of it or, on a full disk, nothing.
        try:
            os.pwrite(self._lock, text.ljust(_LINE - 1) + b"\n", 0)
            os.fsync(self._lock)
        except OSError as error:
            raise StoreError(
                "no-room",
                f"the hub's disk refuses: {error.strerror}",
                fix="make room, then send again",
            ) from None

    def abandon(self) -> None:
        """Mark the sum as unknown when a program ends without `close`.

        SQLite then writes pages back by itself.
        """
        with suppress(StoreError):
            self._write(MOVING.encode())
        self.release()

    def release(self) -> None:
        """Release the lock for another program."""
        os.close(self._lock)


@frozen
class LostCommits:
    """The part of a write-ahead log that SQLite ignores.

    `is_damage` is true if it was on the disk. Otherwise it may come from a power failure.
    """

    exist: bool
    is_damage: bool


def lost_commits(wal: Path) -> LostCommits:
    """Look for commits after an invalid frame (sqlite.org/fileformat2.html §4.1, §4.2)."""
    raw = wal.read_bytes() if wal.exists() else b""
    head, rest = raw[:_WAL_HEADER], raw[_WAL_HEADER:]
    if len(rest) <= _FRAME_HEADER:
        return LostCommits(False, False)
    order: Literal["<", ">"] = ">" if head[3] & 1 else "<"
    sums = _checksum(order, head[:24], (0, 0))
    is_sound = head[:3] == _MAGIC and head[24:] == struct.pack(">II", *sums)
    size = int.from_bytes(head[8:12], "big") if is_sound else _PAGE
    frame_size = _FRAME_HEADER + size
    frames = [
        rest[start : start + frame_size]
        for start in range(0, len(rest) - frame_size + 1, frame_size)
    ]
    salt, valid = head[16:24] if is_sound else frames[0][8:16] if frames else b"", 0
    while is_sound and valid < len(frames):
        frame = frames[valid]
        sums = _checksum(order, frame[:8] + frame[_FRAME_HEADER:], sums)
        if frame[8:16] != salt or frame[16:24] != struct.pack(">II", *sums):
            break
        valid += 1
    # A frame with a salt that differs in both halves is left from before the log was restarted. A
    # killed process leaves no complete invalid frame, whether or not the frame ends a commit.
    current = [
        number for number in range(valid, len(frames)) if _shares_salt(frames[number][8:16], salt)
    ]
    commits = [number for number in current if frames[number][4:8] != bytes(4)]
    return LostCommits(bool(current), bool(commits) and current[-1] > commits[0])


def _shares_salt(salt: bytes, other: bytes) -> bool:
    return salt[:4] == other[:4] or salt[4:] == other[4:]


def _checksum(order: Literal["<", ">"], data: bytes, before: tuple[int, int]) -> tuple[int, int]:
    sum1, sum2 = before
    integers = struct.unpack(f"{order}{len(data) // 4}I", data)
    for first, second in zip(integers[::2], integers[1::2], strict=True):
        sum1 = (sum1 + first + sum2) & 0xFFFFFFFF
        sum2 = (sum2 + second + sum1) & 0xFFFFFFFF
    return sum1, sum2


def page_digests(database: Path) -> tuple[int, list[int]]:
    """Return a database's page size and a digest for each page, empty before its first page."""
    if not database.exists() or database.stat().st_size < 100:
        return 0, []
    with database.open("rb") as file:
        size = int.from_bytes(file.read(18)[16:18], "big")
        # SQLite writes 65,536 as 1. Any other invalid size is damage, which the sum will show.
        size = 65536 if size == 1 else size if size >= 512 else 4096
        file.seek(0)
        digests: list[int] = []
        while page := file.read(size):
            digests.append(_digest(len(digests), page))
    return size, digests


def _digest(number: int, page: bytes) -> int:
    return int.from_bytes(sha256(number.to_bytes(8, "big") + page).digest(), "big")


def _in_wal(wal: Path) -> tuple[int, set[int]]:
    """Return the page size and the page numbers, from 0, in a write-ahead log.

    See sqlite.org/fileformat2.html §4.
    """
    if not wal.exists() or wal.stat().st_size <= _WAL_HEADER:
        return 0, set()
    with wal.open("rb", buffering=0) as file:
        size = int.from_bytes(os.pread(file.fileno(), 4, 8), "big")
        frames = range(_WAL_HEADER, wal.stat().st_size - _FRAME_HEADER + 1, _FRAME_HEADER + size)
        numbers = {int.from_bytes(os.pread(file.fileno(), 4, at), "big") - 1 for at in frames}
    return size, numbers
