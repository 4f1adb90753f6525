"""Legal holds, and what ended a case's parts before their time. Pure.

It follows from the journal's events of the kind `retention`. A hold has a person and a code, and no
text, so that it names nobody. See docs/decisions/0079-retention.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from rules.frozen import frozen

# Why an agency must preserve a case, in fixed words.
HOLD_REASONS: Mapping[str, str] = {
    "litigation": "a lawsuit is pending or expected",
    "subpoena": "a subpoena asks for it",
    "court_order": "a court ordered it kept",
    "audit": "an audit or an investigation by a regulator covers it",
    "records_request": "a public-records request asks for it",
    "complaint": "the person complained, or asked to see the file",
}


@frozen
class Hold:
    """A legal hold on a case: its number, who placed it and why, and who released it.

    Times are in seconds since 1970. `reason` is a key of `HOLD_REASONS`.
    """

    number: int
    case: str
    time: int
    by: str
    reason: str
    released: int | None = None
    released_by: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the hold's JSON in `offramp agency retention`."""
        return {
            "number": self.number,
            "case": self.case,
            "time": self.time,
            "by": self.by,
            "reason": self.reason,
            "released": self.released,
            "released_by": self.released_by,
        }


@frozen
class Ending:
    """What ended a case's parts before their time: the cause, its day, and the day of the note.

    The pack's days are counted from `on`, the day of the dismissal, the court's order, or the
    completion. `by` is the person who noted it, None if the gateway read it in the case's records.

    INVARIANT: nothing ends before the day of the note is over, so a mistaken note can be withdrawn.
    """

    case: str
    cause: str
    on: date
    noted: date
    by: str | None = None


@frozen
class CountedMark:
    """What of a case is counted for good, since its records were destroyed. It has no content.

    `settled` are the measures' family and the quarter of each such count. `enrolled` is the quarter
    from which on the person counts as being in the program, None if nothing was destroyed that says
    so. See docs/decisions/0085-counts-outlive-records.md.
    """

    settled: frozenset[tuple[str, str]] = frozenset()
    enrolled: str | None = None


class RetentionState:
    """The holds and endings of an agency's cases, and the endings that it signed.

    `signed` has, by case and cause, the ids of the newest records that state it, `signed_at` the
    number of that event, and `noted_at` that of the note. `stated` counts the destroyed parts that
    those records state. `counted` has what of a case is counted for good.
    """

    def __init__(self) -> None:
        self.holds: dict[str, dict[int, Hold]] = {}
        self.endings: dict[str, dict[str, Ending]] = {}
        self.signed: dict[tuple[str, str], tuple[str, ...]] = {}
        self.signed_at: dict[tuple[str, str], int] = {}
        self.noted_at: dict[tuple[str, str], int] = {}
        self.stated: dict[tuple[str, str], int] = {}
        self.counted: dict[str, CountedMark] = {}

    def learn(self, at: int, time: int, body: Mapping[str, Any]) -> None:
        """Take the event `at` of the kind `retention`."""
        case = str(body["case"])
        match body["does"]:
            case "held":
                hold = Hold(at, case, time, body["by"], body["reason"])
                self.holds.setdefault(case, {})[at] = hold
            case "released":
                holds, number = self.holds[case], int(body["number"])
                holds[number] = replace(holds[number], released=time, released_by=body["by"])
            case "ended":
                on, noted = (date.fromisoformat(body[name]) for name in ("on", "noted"))
                ending = Ending(case, body["cause"], on, noted, body.get("by"))
                self.endings.setdefault(case, {})[ending.cause] = ending
                self.noted_at[case, ending.cause] = at
            case "withdrawn":
                self.endings.get(case, {}).pop(body["cause"], None)
            case "signed":
                signed = case, str(body["cause"])
                self.signed[signed] = tuple(body["records"])
                self.signed_at[signed] = at
                self.stated[signed] = int(body.get("ended", 0))
            case "counted":
                settled = frozenset((family, quarter) for family, quarter in body["settled"])
                earlier = self.mark_of(case).settled
                self.counted[case] = CountedMark(earlier | settled, body.get("enrolled"))

    def holds_on(self, case: str | None) -> tuple[Hold, ...]:
        """Return the holds of a case that nobody has released, the oldest first."""
        holds = self.holds.get(case or "", {}).values()
        return tuple(hold for hold in holds if hold.released is None)

    def is_held(self, case: str | None) -> bool:
        """Report whether a hold stops all destruction in a case."""
        return bool(self.holds_on(case))

    def mark_of(self, case: str) -> CountedMark:
        """Return what of a case is counted for good."""
        return self.counted.get(case, CountedMark())

    def ended(self, case: str | None) -> Mapping[str, Ending]:
        """Return what ended a case's parts before their time, by cause."""
        return self.endings.get(case or "", {})
