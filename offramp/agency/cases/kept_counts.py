"""What destroyed records counted: numbers of a quarter at this agency, about nobody. Pure.

Before records of a case are destroyed, what they counted is added to these numbers, and a mark of
the case says which counts those are. So a report is the same before and after. See
docs/decisions/0085-counts-outlive-records.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

from offramp.agency.cases.counted import NOTHING, CountKey, QuarterCounts, count_cases
from offramp.agency.cases.quarters import Quarter, quarter_of, quarters_between
from offramp.agency.cases.tally import ENROLLMENT, CaseTally, family_of
from offramp.agency.folder.retention_state import CountedMark

# The journal's newest value that holds the numbers.
KEPT = "kept counts"


def read_kept(stored: Mapping[str, Any] | None, quarter: Quarter) -> QuarterCounts:
    """Return what destroyed records counted in a quarter."""
    body = (stored or {}).get(quarter.name)
    if body is None:
        return NOTHING
    return QuarterCounts(
        Counter({CountKey(*row[:5]): row[5] for row in body["counts"]}),
        Counter({((row[0], row[1], None), *row[2:5]): row[5] for row in body["hours"]}),
    )


def add_kept(
    stored: Mapping[str, Any] | None, more: Mapping[Quarter, QuarterCounts]
) -> dict[str, Any]:
    """Return the stored numbers with more of them. Their order says nothing of when."""
    kept = dict(stored or {})
    for quarter, counted in more.items():
        whole = read_kept(stored, quarter) + counted
        kept[quarter.name] = {
            "counts": _sorted([*key.as_list(), number] for key, number in whole.counts.items()),
            "hours": _sorted(
                [timed[0], timed[1], grouping, group, hours, number]
                for (timed, grouping, group, hours), number in whole.hours.items()
            ),
        }
    return kept


def _sorted(rows: Any) -> list[list[Any]]:
    return sorted(rows, key=str)


def enrolled_from(
    before: CaseTally, after: CaseTally, mark: CountedMark, today: date
) -> str | None:
    """Return the quarter from which on a person counts as enrolled whose entry is destroyed.

    It is the quarter before today's, so that this one, which goes on, is counted as it was. None if
    the person isn't in the program, or if what remains says so.
    """
    if before.is_enrolled == after.is_enrolled:
        return mark.enrolled
    return quarter_of(today).before.name if before.is_enrolled else None


def lost_counts(
    before: CaseTally, after: CaseTally, today: date
) -> tuple[dict[Quarter, QuarterCounts], frozenset[tuple[str, str]]]:
    """Return what a case no longer adds by itself once records are destroyed, and what is settled.

    Where a family of measures changes in a quarter, all of it that was counted before is kept, and
    the family is settled in that quarter. The group of a person who is in the program may change:
    the current quarter and the later ones go on to count what the remaining records state.
    """
    kept: dict[Quarter, QuarterCounts] = {}
    settled: set[tuple[str, str]] = set()
    for quarter in quarters_between(_first_day(before, after, today), today):
        was, now = (count_cases((tally,), quarter) for tally in (before, after))
        families = _changed(was, now)
        if before.is_enrolled and quarter.has(today) and _wholes(was) == _wholes(now):
            families -= {ENROLLMENT}
        if families:
            kept[quarter] = was.of(families)
            settled |= {(family, quarter.name) for family in families}
    return kept, frozenset(settled)


def _first_day(before: CaseTally, after: CaseTally, today: date) -> date:
    days = [tally.day for case in (before, after) for tally in case.tallies]
    days += [entered for case in (before, after) for entered, _ in case.stays]
    return min(days, default=today)


def _changed(was: QuarterCounts, now: QuarterCounts) -> set[str]:
    """Return the families of measures that differ."""
    counts = (was.counts - now.counts) + (now.counts - was.counts)
    hours = (was.hours - now.hours) + (now.hours - was.hours)
    return {key.family for key in counts} | {family_of(timed) for timed, *_ in hours}


def _wholes(quarter_counts: QuarterCounts) -> dict[CountKey, int]:
    """Return how many people were in the program, entered, and left, in all groups together."""
    enrollment = quarter_counts.of({ENROLLMENT}).counts
    return {key: number for key, number in enrollment.items() if key.grouping is None}
