"""A database file held to its pages: one number beside it says what every byte of it was when it was last written.

SQLite finds a page that doesn't fit together, not a byte that fits and is wrong, nor one in a page's unused space. So each time
the write-ahead log is written back, the sum of all pages' digests is written to a file beside the database, and a start, or
`offramp fsck`, compares. Between two write-backs the database file doesn't change, however the hub is stopped. Stopped in the
middle of one, the file says so, and only rows and tree can be checked then.

SQLite reads a write-ahead log up to the first frame that doesn't hold, and says nothing of what follows: a wrong byte there
takes back what was acknowledged after it, a revocation too. So it is read to its end here. Each commit is synced before the
next one is written; where another follows one that doesn't hold, it's damage. The very last may be what a power failure left.

The sum is no secret and proves nothing against whoever can write both files: the log and its witnesses do.
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
    """The pages of one database file; holds the lock that makes this the only program that writes it.

    Raises `StoreError`: `in-use`, `damaged` where a page isn't what was written.
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
        # Not after a write-back that failed: what it wrote may have left the write-ahead log since.
        self._known = True
        lost = lost_commits(self._wal)
        fault = _LOST if lost.surely else self.fault()
        if fault is not None:
            self.release()
            raise StoreError("damaged", fault, fix="run `offramp fsck`, and restore a backup")

    def fault(self) -> str | None:
        """What doesn't hold of the file's pages, in a sentence."""
        written = self._written()
        if written not in (b"", MOVING.encode(), self._sum()):
            return f"`{self._database.name}` isn't, byte for byte, what was last written to it"
        return None

    @property
    def unwritten(self) -> bool:
        """Whether no sum says yet what the pages are."""
        return not os.pread(self._lock, 1, 0)

    @property
    def moving(self) -> bool:
        """Whether a program was stopped while it wrote pages back."""
        return self._written() == MOVING.encode()

    @contextmanager
    def written_back(self) -> Iterator[None]:
        """Brackets a write-back of the write-ahead log."""
        size, changed = _in_wal(self._wal)
        self._write(MOVING.encode())
        known, self._known = self._known, False
        yield
        if not self._size or not known:
            self._size, self._digests = page_digests(self._database)
        else:
            self._again(size or self._size, changed)
        self._write(self._sum())
        self._known = True

    def _again(self, size: int, changed: set[int]) -> None:
        count = self._database.stat().st_size // size
        del self._digests[count:]
        # A page that the file grew by stands in the log too, unless an earlier write-back was interrupted.
        changed |= set(range(len(self._digests), count))
        self._digests += [0] * (count - len(self._digests))
        with self._database.open("rb") as file:
            for number in sorted(one for one in changed if one < count):
                file.seek(number * size)
                self._digests[number] = _digest(number, file.read(size))

    def _sum(self) -> bytes:
        return json.dumps(
            {"pages": len(self._digests), "sum": f"{sum(self._digests) % _MODULUS:064x}"}
        ).encode()

    def _written(self) -> bytes:
        return os.pread(self._lock, _LINE, 0).rstrip(b" \n")

    def _write(self, text: bytes) -> None:
        # Always as long: one write changes all of it, and a disk that refuses leaves the one or the other.
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
        """What a program that goes without closing leaves: SQLite will write back by itself, and no sum says what."""
        with suppress(StoreError):
            self._write(MOVING.encode())
        self.release()

    def release(self) -> None:
        """Lets another program have the database."""
        os.close(self._lock)


@frozen
class Lost:
    """What of a write-ahead log SQLite won't read. `surely`: it was on the disk; else it may be what a power failure left."""

    some: bool
    surely: bool


def lost_commits(wal: Path) -> Lost:
    """Whether a write-ahead log holds commits after a frame that doesn't hold (sqlite.org/fileformat2.html §4.1, §4.2)."""
    raw = wal.read_bytes() if wal.exists() else b""
    head, rest = raw[:_WAL_HEADER], raw[_WAL_HEADER:]
    if len(rest) <= _FRAME_HEADER:
        return Lost(False, False)
    order: Literal["<", ">"] = ">" if head[3] & 1 else "<"
    sums = _checksum(order, head[:24], (0, 0))
    sound = head[:3] == _MAGIC and head[24:] == struct.pack(">II", *sums)
    size = int.from_bytes(head[8:12], "big") if sound else _PAGE
    whole = _FRAME_HEADER + size
    frames = [rest[start : start + whole] for start in range(0, len(rest) - whole + 1, whole)]
    salt, held = head[16:24] if sound else frames[0][8:16] if frames else b"", 0
    while sound and held < len(frames):
        frame = frames[held]
        sums = _checksum(order, frame[:8] + frame[_FRAME_HEADER:], sums)
        if frame[8:16] != salt or frame[16:24] != struct.pack(">II", *sums):
            break
        held += 1
    # Frames whose salt is another in both halves are left from before the log was begun anew. A process that is killed leaves
    # no whole frame that doesn't hold, whether or not it says that it ends a commit.
    of_this = [number for number in range(held, len(frames)) if _half(frames[number][8:16], salt)]
    commits = [number for number in of_this if frames[number][4:8] != bytes(4)]
    return Lost(bool(of_this), bool(commits) and of_this[-1] > commits[0])


def _half(one: bytes, other: bytes) -> bool:
    return one[:4] == other[:4] or one[4:] == other[4:]


def _checksum(order: Literal["<", ">"], data: bytes, before: tuple[int, int]) -> tuple[int, int]:
    one, two = before
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two


def page_digests(database: Path) -> tuple[int, list[int]]:
    """A database's page size, and a number for each page; nothing for one that has no pages yet."""
    if not database.exists() or database.stat().st_size < 100:
        return 0, []
    with database.open("rb") as file:
        size = int.from_bytes(file.read(18)[16:18], "big")
        # SQLite writes 65,536 as 1; whatever is no size of a page is damage, which the sum will show.
        size = 65536 if size == 1 else size if size >= 512 else 4096
        file.seek(0)
        digests: list[int] = []
        while page := file.read(size):
            digests.append(_digest(len(digests), page))
    return size, digests


def _digest(number: int, page: bytes) -> int:
    return int.from_bytes(sha256(number.to_bytes(8, "big") + page).digest(), "big")


def _in_wal(wal: Path) -> tuple[int, set[int]]:
    """The page size and the numbers, from 0, of the pages that a write-ahead log holds (sqlite.org/fileformat2.html §4)."""
    if not wal.exists() or wal.stat().st_size <= _WAL_HEADER:
        return 0, set()
    numbers: set[int] = set()
    with wal.open("rb") as file:
        size = int.from_bytes(file.read(_WAL_HEADER)[8:12], "big")
        while len(header := file.read(_FRAME_HEADER)) == _FRAME_HEADER:
            numbers.add(int.from_bytes(header[:4], "big") - 1)
            file.seek(size, os.SEEK_CUR)
    return size, numbers
