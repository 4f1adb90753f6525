"""Clocks that count local days, against calendar arithmetic that is written apart from the engine.

The oracle walks day by day and minute by minute: it asks the time zone for the local day of each
minute, and never adds a length of time.
"""

from __future__ import annotations

import json
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.decide.clocks import read_clock
from rules.decide.program import Program
from rules.errors import PackError
from rules.packs.pack import Citation, Clock
from tests.support.written import assembled

ZONES = (
    "America/Denver",
    "America/New_York",
    "America/Havana",  # clocks change at midnight
    "America/St_Johns",  # until 2011 clocks changed a minute after midnight
    "UTC",
)
START, STOP, RENEWED, PAUSES = "case.a", "case.b", "case.c", "case.pauses"
# Around changes of the clocks, and around the 29th of February.
DAYS = (
    date(2010, 3, 13),
    date(2010, 11, 6),
    date(2012, 1, 31),
    date(2012, 2, 29),
    date(2013, 2, 28),
    date(2024, 3, 9),
    date(2024, 11, 2),
    date(2024, 12, 31),
)


def timer(*, counts: str | None = "days", repeats: bool = False) -> Clock:
    return Clock(
        name="timer",
        label="a",
        owner="person",
        start=START,
        stop=None if repeats else STOP,
        repeats=RENEWED if repeats else None,
        length="p",
        tolling=PAUSES,
        follows="F.",
        counts=counts,
        source=Citation("s"),
    )


def day_of(moment: datetime, zone: str) -> date:
    return moment.astimezone(ZoneInfo(zone)).date()


def last_second_of(day: date, zone: str) -> datetime:
    """The last minute of which the local day is this one, and its last second."""
    minute = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1)
    minutes = [minute + timedelta(minutes=number) for number in range(3 * 24 * 60)]
    return max(one for one in minutes if day_of(one, zone) == day) + timedelta(seconds=59)


def plain_due(
    start: datetime, length: int, unit: str, pauses: Any, now: datetime, zone: str
) -> datetime:
    """The end of the last day, found by counting days one after the other."""
    paused = set()
    for pause in pauses:
        moment = pause["from"]
        end = min(pause.get("until", now), now)
        while moment <= end:
            paused.add(day_of(moment, zone))
            moment += timedelta(hours=1)
        if pause["from"] <= end:
            paused.add(day_of(end, zone))
    day = day_of(start, zone)
    if unit in ("months", "years"):
        months = length * (12 if unit == "years" else 1)
        year, month = day.year, day.month
        for _ in range(months):
            year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        nominal = date(year, month, min(day.day, monthrange(year, month)[1]))
        counted = (nominal - day).days
    else:
        counted = length * (7 if unit == "weeks" else 1)
    while counted:
        day += timedelta(days=1)
        counted -= day not in paused
    return last_second_of(day, zone)


@st.composite
def moments(draw: st.DrawFn, least: int = 0, most: int = 40) -> datetime:
    day = draw(st.sampled_from(DAYS))
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    moment += timedelta(days=draw(st.integers(least, most)))
    return moment + timedelta(
        seconds=draw(st.sampled_from([0, 1, 3_599, 14_400, 18_000, 21_600, 25_200, 43_200, 86_399]))
    )


@given(
    st.sampled_from(ZONES),
    st.sampled_from([("days", 1), ("days", 30), ("weeks", 2), ("months", 1), ("years", 1)]),
    moments(0, 2),
    st.lists(st.tuples(moments(), st.one_of(st.none(), st.integers(0, 400))), max_size=3),
    st.integers(0, 60 * 24 * 70),
    st.sampled_from([None, -1, 0, 1]),
)
def test_the_time_ends_with_the_last_second_of_the_last_local_day(
    zone: str,
    span: tuple[str, int],
    start: datetime,
    drawn: list[tuple[datetime, int | None]],
    minutes: int,
    stop: int | None,
) -> None:
    unit, length = span
    now = start + timedelta(minutes=minutes)
    pauses = [
        {"from": begins} | ({} if hours is None else {"until": begins + timedelta(hours=hours)})
        for begins, hours in drawn
    ]
    due = plain_due(start, length, unit, pauses, now, zone)
    facts: dict[str, Any] = {"now": now, START: start, PAUSES: pauses}
    stopped = None if stop is None else due + timedelta(seconds=stop)
    if stopped is not None and start <= stopped <= now:
        facts[STOP] = stopped
    reading = read_clock(timer(), length, unit, facts, time_zone=zone)
    assert reading.due == due
    if STOP in facts:
        assert reading.status == ("late" if stop == 1 else "met")
    else:
        assert reading.status == ("running" if now <= due else "overdue")


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("day", [day + timedelta(days=n) for day in DAYS for n in (0, 1, 2)])
def test_each_local_day_ends_once(zone: str, day: date) -> None:
    start = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    reading = read_clock(timer(), 3, "days", {"now": start, START: start}, time_zone=zone)
    assert reading.due is not None
    assert day_of(reading.due, zone) == day_of(start, zone) + timedelta(days=3)
    assert day_of(reading.due + timedelta(seconds=1), zone) != day_of(reading.due, zone)


def test_a_day_that_a_place_skipped_ends_with_the_day_before() -> None:
    start = datetime(2011, 12, 28, 22, tzinfo=UTC)  # December 28 in Apia, which skipped the 30th
    facts = {"now": start, START: start}
    due = read_clock(timer(), 2, "days", facts, time_zone="Pacific/Apia").due
    assert due == datetime(2011, 12, 30, 9, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stop", "status"), [("2024-12-05", "met"), ("2024-12-06", "late"), ("2024-12-21", "overdue")]
)
def test_a_stop_event_may_be_a_day(stop: str, status: str) -> None:
    facts = {
        "now": datetime(2024, 12, 20, 12, tzinfo=UTC),
        START: datetime(2024, 11, 5, 20, tzinfo=UTC),
        STOP: date.fromisoformat(stop),
    }
    reading = read_clock(timer(), 30, "days", facts, time_zone="America/Los_Angeles")
    assert reading.status == status
    assert reading.as_json()["met_at"] == (None if status == "overdue" else stop)


def test_the_ends_of_the_calendar_stop_no_clock() -> None:
    last = datetime.max.replace(microsecond=0, tzinfo=UTC)
    first = datetime.min.replace(tzinfo=UTC)
    for now, start in ((last, last), (last, first), (first, first)):
        for zone in ("America/Denver", "Pacific/Kiritimati", "UTC"):
            for unit, length in (("days", 73_000), ("years", 200), ("days", 0)):
                facts = {"now": now, START: start, PAUSES: [{"from": first}]}
                assert read_clock(timer(), length, unit, facts, time_zone=zone).due is not None


@given(
    st.sampled_from([("days", 10), ("weeks", 1), ("months", 1)]),
    moments(0, 30),
    moments(0, 60),
    st.booleans(),
    st.booleans(),
)
def test_a_doubtful_event_leaves_every_status_that_some_time_brings(
    span: tuple[str, int], start: datetime, now: datetime, paused: bool, in_doubt_of_start: bool
) -> None:
    unit, length = span
    now = max(now, start)
    pauses = [{"from": start - timedelta(days=1), "until": start + timedelta(days=1)}]
    facts = {"now": now, PAUSES: pauses if paused else []}
    clock = timer(repeats=not in_doubt_of_start)
    path = START if in_doubt_of_start else RENEWED
    if not in_doubt_of_start:
        facts[START] = start
    reading = read_clock(clock, length, unit, facts, {path: None}, "America/Denver")
    tried = [now - timedelta(hours=7 * number) for number in range(24 * 14)]
    statuses = {
        read_clock(clock, length, unit, {**facts, **more}, time_zone="America/Denver").status
        for more in ({}, *({path: moment} for moment in tried))
    }
    assert reading.status == "unknown" or statuses == {reading.status}


PACK = """
id: made-up
title: Made up
time_zone: America/Los_Angeles
program: {from: 2024-01-01, source: act}
sources: {act: {title: The act, address: here, confidence: high}}
facts:
  case.deflected_at: {type: timestamp, kind: event, known_by: program, category: enrollment,
    question: When was the person deflected?, source: act}
  case.service_on: {type: date, kind: event, known_by: program, category: service,
    question: On what day did the person take up the service?, source: act}
parameters:
  service_time: {label: time for the service, unit: months, values: [{value: 1, source: act}]}
clocks:
  service: {label: the service, owner: person, start: case.deflected_at, stop: case.service_on,
    length: service_time, counts: days, follows: 'After {service_time} months it is over.',
    source: act}
decisions:
  completion:
    rules:
      - {id: new-crime, then: unsuccessful, because: A new crime., source: act,
         when: 'size(case.new_charges) > 0 && clocks.service in ["running", "overdue"]'}
      - {id: taken, when: 'clocks.service == "met"', then: completed, because: It is taken up.,
         source: act}
      - {id: too-late, when: 'clocks.service in ["overdue", "late"]', then: expired, because: Late.,
         source: act}
    otherwise: {outcome: under_way, because: There is time left., source: act}
  pace:
    asks: How far is the person?
    decided_by: program
    governed_by: now
    reads: [clocks]
    outcomes: [behind, on_time]
    rules:
      - {id: late, when: 'clocks.service == "overdue"', then: behind, because: Late., source: act}
    otherwise: {outcome: on_time, because: Fine., source: act}
"""


@pytest.fixture(scope="module")
def program() -> Program:
    return Program(assembled(PACK, whole=True))


@pytest.mark.parametrize(
    ("case", "outcome", "status"),
    [
        ({"service_on": "2025-02-28"}, "completed", "met"),
        ({"service_on": "2025-03-01"}, "expired", "late"),
        ({}, "expired", "overdue"),
        ({"new_charges": [{}]}, "unsuccessful", "overdue"),
        ({"new_charges": [{}], "service_on": "2025-02-01"}, "completed", "met"),
    ],
)
def test_a_decision_on_completion_reads_the_clock(
    program: Program, case: dict[str, Any], outcome: str, status: str
) -> None:
    facts = {
        "now": "2025-03-02T12:00:00Z",
        "case": {"deflected_at": "2025-01-31T20:00:00Z", "new_charges": [], **case},
    }
    decision = program.decide("completion", facts)
    assert (decision.outcome, decision.clocks[0]["status"]) == (outcome, status)
    assert decision.clocks[0]["due"] == "2025-03-01T07:59:59Z"
    pace = program.decide("pace", facts)
    assert pace.outcome == ("behind" if status == "overdue" else "on_time")
    assert [clock["status"] for clock in pace.clocks] == [status]
    json.dumps(decision.as_json())


def test_without_now_nothing_is_decided(program: Program) -> None:
    for name in ("completion", "pace"):
        decision = program.decide(name, {"case": {"deflected_at": "2025-01-31T20:00:00Z"}})
        assert [need["fact"] for need in decision.needed] == ["now"]


def test_nobody_fails_by_a_delay_of_the_program() -> None:
    text = PACK.replace("owner: person", "owner: program")
    with pytest.raises(PackError, match="must keep") as refused:
        assembled(text, whole=True)
    assert refused.value.code == "own-delay"
