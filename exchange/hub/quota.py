"""Limit how many records an agency can add to a case, and to the log, on one day.

A quota keeps one careless or hostile member from filling a case or the disk. It depends only on the
agency's own records, so its refusal tells nothing about a person. A change that takes a permission
away is never counted: a revocation must always succeed.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from exchange.errors import RequestRefused
from exchange.hub.store import Store

DAY = 24 * 3600
MOST_IN_CASE = 500
MOST_OF_AGENCY = 50_000
# The kinds that no quota counts, and those that the quota of a case doesn't count. What a person
# permits and takes back keeps its order, so a consent must not wait where its end doesn't.
UNCOUNTED = ("consent_change",)
UNCOUNTED_IN_CASE = ("consent", *UNCOUNTED)


class Quota:
    """The records of this day (UTC), counted from the store once and then in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._day = -1
        self._in_case: Counter[tuple[str, str | None]] = Counter()
        self._of_agency: Counter[str] = Counter()

    def forget(self) -> None:
        """Count from the store again, because a transaction was undone."""
        self._day = -1

    def check(self, kind: str, issuer: str, case: str | None, time: int) -> None:
        """Refuse a record over a quota. Raises `RequestRefused` `quota`, with the time to send."""
        if kind in UNCOUNTED:
            return
        self._turn_to(time // DAY)
        of_agency = self._count_of_agency(issuer)
        is_counted = case is not None and kind not in UNCOUNTED_IN_CASE
        in_case = self._count_in_case(issuer, case) if is_counted else 0
        if in_case < MOST_IN_CASE and of_agency < MOST_OF_AGENCY:
            return
        where = "in this case" if in_case >= MOST_IN_CASE else "in all"
        count = in_case if in_case >= MOST_IN_CASE else of_agency
        opens = datetime.fromtimestamp((self._day + 1) * DAY, UTC)
        raise RequestRefused(
            "quota",
            f"`{issuer}` has sent {count} records {where} today",
            fix=f"send it after {opens:%Y-%m-%dT%H:%M:%SZ}",
        )

    def add(self, kind: str, issuer: str, case: str | None, time: int) -> None:
        """Count a committed record. `check` was called with the same arguments before."""
        if kind in UNCOUNTED:
            return
        self._turn_to(time // DAY)
        self._of_agency[issuer] += 1
        if case is not None and kind not in UNCOUNTED_IN_CASE:
            self._in_case[issuer, case] += 1

    def _turn_to(self, day: int) -> None:
        if day != self._day:
            self._day = day
            self._in_case.clear()
            self._of_agency.clear()

    def _count_of_agency(self, issuer: str) -> int:
        if issuer not in self._of_agency:
            self._of_agency[issuer] = self._store.count_since(self._day * DAY, issuer)
        return self._of_agency[issuer]

    def _count_in_case(self, issuer: str, case: str | None) -> int:
        if (issuer, case) not in self._in_case:
            kinds = self._store.kinds_in_case_since(self._day * DAY, issuer, case)
            counted = [kind for kind in kinds if kind not in UNCOUNTED_IN_CASE]
            self._in_case[issuer, case] = len(counted)
        return self._in_case[issuer, case]
