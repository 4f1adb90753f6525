"""Limit what one member can have in flight, and what all of them together can cost in memory.

A member is an agency that signed the head of its request. The limits are far above what a gateway
needs, and one member that reaches them is refused alone.
"""

from __future__ import annotations

import time
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
# Bytes a second that a member can send for long, and at once. Its next request waits for the rest.
BYTES_A_SECOND = 4 * MEBIBYTE
BYTES_AT_ONCE = 16 * MEBIBYTE
# Requests a second from one address that nobody signed, and at once. The next one waits.
UNSIGNED_A_SECOND = 50
UNSIGNED_AT_ONCE = 100
# The most values in the JSON of a request, and of one with records. Reading more keeps the whole
# process busy. A hundred records have fewer.
MOST_VALUES = 400_000
MOST_VALUES_IN_RECORDS = 100_000
# Requests of one member at once, and those among them that wait for a new item.
MOST_REQUESTS = 64
MOST_POLLS = 8
RETRY_AFTER = 5
# Older ones are forgotten when more senders than this are known.
MOST_SENDERS = 10_000


def check_values(body: bytes, most: int = MOST_VALUES) -> None:
    """Refuse a JSON text of too many values before it is read.

    The count is by the signs between values, so it is quick and never too low. Raises
    `RequestRefused` `too-large`.
    """
    if sum(map(body.count, (b",", b"[", b"{"))) > most:
        raise RequestRefused(
            "too-large", f"a request of over {most} values", fix="send fewer records"
        )


class Pace:
    """A pace that each of many senders keeps: so much a second for long, and so much at once."""

    def __init__(self, a_second: float, at_once: float) -> None:
        self._a_second = a_second
        self._at_once = at_once
        # What a sender is ahead of its pace, and when that was true.
        self._ahead: dict[str, tuple[float, float]] = {}

    def add(self, sender: str, amount: float) -> None:
        """Count what a sender sent."""
        now = time.monotonic()
        if len(self._ahead) > MOST_SENDERS:
            self._ahead = {
                name: known for name, known in self._ahead.items() if now < known[1] + 60
            }
        self._ahead[sender] = self._debt(sender, now) + amount, now

    def delay(self, sender: str) -> float:
        """Return the seconds after which a sender is back at its pace."""
        return max(0.0, self._debt(sender, time.monotonic()) - self._at_once) / self._a_second

    def _debt(self, sender: str, now: float) -> float:
        ahead, then = self._ahead.get(sender, (0.0, now))
        return max(0.0, ahead - (now - then) * self._a_second)


class InFlight:
    """Counts of the requests, waits, and bytes that are in flight, by member."""

    def __init__(self) -> None:
        self._requests: Counter[str] = Counter()
        self._polls: Counter[str] = Counter()
        self._proofs: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self._all_bytes = 0
        self._sent = Pace(BYTES_A_SECOND, BYTES_AT_ONCE)
        self._unsigned = Pace(UNSIGNED_A_SECOND, UNSIGNED_AT_ONCE)

    @property
    def requests(self) -> int:
        """The number of signed requests in flight."""
        return sum(self._requests.copy().values())

    @property
    def bytes(self) -> int:
        """The number of bytes of signed bodies in flight."""
        return self._all_bytes

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
        self._sent.add(member, count)

    def delay(self, member: str) -> float:
        """Return the seconds that a member's next body must wait, so that it keeps its pace."""
        return self._sent.delay(member)

    def delay_unsigned(self, address: str) -> float:
        """Count an unsigned request from an address, and return the seconds that it must wait."""
        self._unsigned.add(address, 1)
        return self._unsigned.delay(address)

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
