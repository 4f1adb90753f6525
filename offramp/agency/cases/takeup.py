"""Take-up: how many people reached each stage, counted at one agency over its own cases.

Never by officer, and no small cell. A count under `LEAST` could identify a person, and so could the
difference of two counts. Such counts aren't published, not even zeros. Each quarter is published
once: a second count of it, a few cases later, would reveal the cases between.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime

from exchange.consent.disclosure import day_of
from offramp.agency.cases.case import Case
from offramp.agency.cases.caseload import (
    case_of,
    decisions_here,
    handles,
    standing_records,
    utc,
)
from offramp.agency.cases.stated import stated_contents
from offramp.agency.errors import AgencyError
from offramp.agency.folder.working_set import WorkingSet
from rules.decide.program import Program
from rules.errors import Refusal

LEAST = 11
STAGES = ("eligible", "offered", "accepted", "handed_off", "intake_in_time", "engaged", "ended")
_QUARTER = re.compile(r"([0-9]{4})-?[qQ]([1-4])")


def quarter_of(text: str) -> tuple[date, date]:
    """Return a quarter's first day and the day after it. Raises `AgencyError` `no-quarter`."""
    match = _QUARTER.fullmatch(text)
    if match is None or not 2000 <= int(match[1]) <= 2999:
        raise AgencyError("no-quarter", f"`{text[:20]}` is no quarter", fix="write it like 2026-Q2")
    year, number = int(match[1]), int(match[2])
    after = date(year + 1, 1, 1) if number == 4 else date(year, 3 * number + 1, 1)
    return date(year, 3 * number - 2, 1), after


def counted(
    working_set: WorkingSet, program: Program, quarter: tuple[date, date], now: int
) -> dict[str, int]:
    """Count the cases of a quarter, by day of referral, and those that reached each stage."""
    counts = dict.fromkeys(("cases", *STAGES), 0)
    for handle in handles(working_set):
        case = case_of(working_set, handle)
        day = _began(working_set, case)
        if day is not None and quarter[0] <= day < quarter[1]:
            counts["cases"] += 1
            for stage in _stages(working_set, case, program, handle, now):
                counts[stage] += 1
    return counts


def suppressed(counts: Mapping[str, int]) -> dict[str, int | None]:
    """Return the counts to publish: None for a small count, or one too near another."""
    published: dict[str, int | None] = {}
    for name, count in counts.items():
        apart = all(other is None or abs(other - count) >= LEAST for other in published.values())
        published[name] = count if count >= LEAST and apart else None
    return published if published.get("cases") is not None else dict.fromkeys(counts)


def check_over(working_set: WorkingSet, quarter: tuple[date, date], now: int) -> None:
    """Check that a quarter is over. Raises `AgencyError` `quarter-open`."""
    if (
        day_of(working_set.gateway.hub_time(now), working_set.gateway.history.newest.zone)
        < quarter[1]
    ):
        raise AgencyError(
            "quarter-open", f"the quarter lasts until {quarter[1]}", fix="count it when it is over"
        )


def _began(working_set: WorkingSet, case: Case) -> date | None:
    referred = case.known.get("case.referred_at")
    if referred is not None:
        return _day_of_text(working_set, referred.value)
    met = case.known.get("encounter.date")
    if met is not None:
        return date.fromisoformat(str(met.value))
    moment = case.known.get("encounter.at")
    return None if moment is None else _day_of_text(working_set, moment.value)


def _day_of_text(working_set: WorkingSet, text: object) -> date:
    """Return the local day of a timestamp as records hold it."""
    at = datetime.fromisoformat(str(text).replace("Z", "+00:00")).astimezone(UTC)
    return day_of(int(at.timestamp()), working_set.gateway.history.newest.zone)


def _stages(
    working_set: WorkingSet, case: Case, program: Program, handle: str, now: int
) -> set[str]:
    stages = set()
    if _eligible(working_set, case, program, now):
        stages.add("eligible")
    accepted = case.known.get("offer.accepted")
    if accepted is not None:
        stages.add("offered")
        if accepted.value:
            stages.add("accepted")
    if standing_records(working_set, handle, "hand_off", "consent"):
        stages.add("handed_off")
    if _in_time(case, program, now, working_set):
        stages.add("intake_in_time")
    if _engaged(working_set, case, handle):
        stages.add("engaged")
    enrolled = case.known.get("person.enrolled")
    has_left = bool(standing_records(working_set, handle, "exit", "ejection"))
    if has_left or (enrolled is not None and not enrolled.value):
        stages.add("ended")
    return stages


def _eligible(working_set: WorkingSet, case: Case, program: Program, now: int) -> bool:
    attested = case.attested.get("eligibility")
    if attested is not None:
        return bool(attested.value == "eligible")
    if "eligibility" not in decisions_here(working_set):
        return False
    try:
        return (
            case.decide(program, "eligibility", utc(working_set.gateway.hub_time(now))).outcome
            == "eligible"
        )
    except Refusal:
        return False


def _in_time(case: Case, program: Program, now: int, working_set: WorkingSet) -> bool:
    if "case.intake_at" not in case.known:
        return False
    try:
        clocks = case.decide(
            program, "admission", utc(working_set.gateway.hub_time(now))
        ).ruling.clocks
    except Refusal:
        return False
    return any(clock["clock"] == "intake" and clock["status"] == "met" for clock in clocks)


def _engaged(working_set: WorkingSet, case: Case, handle: str) -> bool:
    """Report whether a status sent or received says so, as corrected. None says the opposite."""
    statuses = (
        stated.content.get("status") or {} for stated in stated_contents(working_set, handle, case)
    )
    return any(status.get("engagement") in ("engaged", "meeting_goals") for status in statuses)
