"""Find records that carry this agency's name and were not sent from here.

The hub counts an agency's records in each case. A number that no receipt explains means that
another program signs with this agency's key: a thief, a copy of the folder, or a restored backup.
An acknowledgment of a record that was never sent from here means the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from exchange.consent.state import State
from exchange.records.statements import About
from rules.frozen import frozen


@frozen
class UnknownRecord:
    """A record of this agency that was not sent from here.

    Its number among the agency's records of the case is known from later receipts, its id from the
    case's account or from an acknowledgment. `agency` sent the acknowledgment.
    """

    case: str | None
    number: int | None = None
    jti: str | None = None
    agency: str | None = None


class OwnNumbers:
    """The numbers of this agency's records in each case, from the hub's receipts."""

    def __init__(self) -> None:
        self._numbers: dict[str | None, set[int]] = defaultdict(set)
        self._repeated: list[tuple[str | None, int]] = []

    def add(self, case: str | None, number: int) -> None:
        """Add the number of one receipt."""
        if number in self._numbers[case]:
            self._repeated.append((case, number))
        self._numbers[case].add(number)

    def unknown(self, queued: Mapping[str | None, int]) -> tuple[UnknownRecord, ...]:
        """Return the numbers that no record from here has.

        `queued` counts the records of each case that wait for a receipt. The hub may have
        committed them already, so they may explain as many missing numbers.
        """
        unknown = [UnknownRecord(case, number) for case, number in self._repeated]
        for case, numbers in self._numbers.items():
            missing = sorted(set(range(1, max(numbers) + 1)) - numbers)
            if len(missing) > queued.get(case, 0):
                unknown += [UnknownRecord(case, number) for number in missing]
        return tuple(unknown)


def acknowledged_unsent(
    agency: str, states: Iterable[State], known: set[str]
) -> tuple[UnknownRecord, ...]:
    """Return the records that others acknowledge and that were neither sent nor received here.

    Each is listed once, with the first agency that acknowledges a part of it. `known` are the ids
    of all records that were sent or received here.
    """
    unsent: dict[str, UnknownRecord] = {}
    for state in states:
        for record in state.kind("acknowledgement"):
            if record.issuer == agency:
                continue
            for _, statement in record.says():
                if isinstance(statement, About) and (jti := statement.about[0]) not in known:
                    unsent.setdefault(
                        jti, UnknownRecord(record.case, jti=jti, agency=record.issuer)
                    )
    return tuple(unsent.values())
