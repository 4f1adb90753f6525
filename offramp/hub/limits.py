"""Limit what one member can have in flight, and what all of them together can cost in memory.

A member is an agency that signed the head of its request. The limits are far above what a gateway
needs, and one member that reaches them is refused alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from exchange.errors import RequestRefused

MEBIBYTE = 1024 * 1024
# Bodies: of one request, of one that nobody signed, of one member, and of everybody.
LARGEST_BODY = 16 * MEBIBYTE
LARGEST_UNSIGNED_BODY = 64 * 1024
MOST_BYTES_OF_MEMBER = 32 * MEBIBYTE
MOST_BYTES = 96 * MEBIBYTE
# The most values in the JSON of a request, and of one with records. Reading more keeps the whole
# process busy. A hundred records have fewer.
MOST_VALUES = 400_000
MOST_VALUES_IN_RECORDS = 100_000
# Requests of one member at once, and those among them that wait for a new item.
MOST_REQUESTS = 64
MOST_POLLS = 8
RETRY_AFTER = 5


def check_values(body: bytes, most: int = MOST_VALUES) -> None:
    """Refuse a JSON text of too many values before it is read.

    The count is by the signs between values, so it is quick and never too low. Raises
    `RequestRefused` `too-large`.
    """
    if sum(map(body.count, (b",", b"[", b"{"))) > most:
        raise RequestRefused(
            "too-large", f"a request of over {most} values", fix="send fewer records"
        )


class InFlight:
    """Counts of the requests, waits, and bytes that are in flight, by member."""

    def __init__(self) -> None:
        self._requests: Counter[str] = Counter()
        self._polls: Counter[str] = Counter()
        self._proofs: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self._all_bytes = 0

    @contextmanager
    def request(self, member: str) -> Iterator[None]:
        """Count a request while it is answered. Raises `RequestRefused` `busy`."""
        with _counted(self._requests, member, MOST_REQUESTS, "requests"):
            yield

    @contextmanager
    def poll(self, member: str) -> Iterator[None]:
        """Count a request that waits for a new item. Raises `RequestRefused` `busy`."""
        with _counted(self._polls, member, MOST_POLLS, "requests that wait"):
            yield

    @contextmanager
    def proof(self, member: str) -> Iterator[None]:
        """Count a pack that waits for its proof or is proved. Raises `RequestRefused` `busy`."""
        with _counted(self._proofs, member, 1, "pack to prove"):
            yield

    def add_bytes(self, member: str, count: int) -> None:
        """Count bytes of a body before they are kept. Raises `RequestRefused` `busy`."""
        if self._bytes[member] + count > MOST_BYTES_OF_MEMBER or (
            self._all_bytes + count > MOST_BYTES
        ):
            raise _busy(f"`{member}` has too many bytes in flight")
        self._bytes[member] += count
        self._all_bytes += count

    def remove_bytes(self, member: str, count: int) -> None:
        """Count bytes no longer, because their request is answered."""
        self._bytes[member] -= count
        self._all_bytes -= count
        if not self._bytes[member]:
            del self._bytes[member]


@contextmanager
def _counted(counts: Counter[str], member: str, most: int, what: str) -> Iterator[None]:
    if counts[member] >= most:
        raise _busy(f"`{member}` has {most} {what} in flight")
    counts[member] += 1
    try:
        yield
    finally:
        counts[member] -= 1
        if not counts[member]:
            del counts[member]


def _busy(why: str) -> RequestRefused:
    return RequestRefused("busy", why, fix=f"send it again in {RETRY_AFTER} seconds")
