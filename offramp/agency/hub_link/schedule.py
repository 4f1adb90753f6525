"""The schedule of a gateway's duties. Pure: the caller brings the clock, the sleep and the chance.

A duty that fails waits, longer each time, at random between nothing and twice the last bound (full
jitter), so that after an outage not all gateways come back in one second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rules.frozen import frozen

SHORTEST, LONGEST = 1.0, 60.0


@frozen
class Duty:
    """An act to repeat after `every` seconds."""

    name: str
    every: float
    do: Callable[[], Any]


class Schedule:
    """The duties of one gateway. `monotonic` gives seconds, `chance` a number from 0 to 1."""

    def __init__(
        self, duties: tuple[Duty, ...], monotonic: Callable[[], float], chance: Callable[[], float]
    ) -> None:
        self._duties = duties
        self._monotonic = monotonic
        self._chance = chance
        self._due = {duty.name: monotonic() for duty in duties}
        self._failed: dict[str, int] = {}

    def next_in(self) -> float:
        """Return the seconds until a duty is due, 0 if one is overdue."""
        return max(0.0, min(self._due.values()) - self._monotonic())

    def run(
        self, failed: tuple[type[Exception], ...], report: Callable[[str, Exception], None]
    ) -> None:
        """Do every due duty, in order. Report a failure of these classes, and try again later."""
        for duty in self._duties:
            if self._due[duty.name] > self._monotonic():
                continue
            try:
                duty.do()
            except failed as error:
                self._failed[duty.name] = self._failed.get(duty.name, 0) + 1
                bound = min(LONGEST, SHORTEST * 2 ** self._failed[duty.name])
                self._due[duty.name] = self._monotonic() + self._chance() * bound
                report(duty.name, error)
            else:
                self._failed.pop(duty.name, None)
                self._due[duty.name] = self._monotonic() + duty.every

    def soon(self, name: str) -> None:
        """Make a duty due now."""
        self._due[name] = self._monotonic()

    @property
    def failing(self) -> Mapping[str, int]:
        """The number of failures in a row of each failing duty."""
        return self._failed
