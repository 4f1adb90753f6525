"""Lengths of time, parts of a moment, and the moment of the encounter."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.decide.moments import months_later, part_of
from rules.decide.program import Program
from rules.errors import FactsError
from rules.language import tree
from tests.support.written import assembled

ZONES = st.sampled_from(["America/Los_Angeles", "America/Denver", "Pacific/Kiritimati", "UTC"])
PACK = """
id: made-up
title: Made up
time_zone: America/Los_Angeles
program: {from: 2000-01-01, source: s}
sources: {s: {title: S, address: here, confidence: high}}
parameters:
  spell: {label: spell, unit: UNIT, values: [{value: NUMBER, source: s}]}
  opens: {label: opening time, unit: time of day, values: [{value: "07:00", source: s}]}
  closed_on: {label: closed days, unit: codes, values: [{value: [sunday], source: s}]}
decisions:
  eligibility:
    rules:
      - {id: asked, when: 'CONDITION', then: ineligible, because: It is so., source: s}
    otherwise: {outcome: eligible, because: It is not so., source: s}
"""


def program(condition: str, unit: str = "days", number: str = "30") -> Program:
    text = PACK.replace("CONDITION", condition).replace("UNIT", unit).replace("NUMBER", number)
    return Program(assembled(text))


def is_so(asked: Program, encounter: dict[str, Any]) -> bool | None:
    decision = asked.decide("eligibility", {"encounter": encounter})
    # An outcome of this pack.
    return {"ineligible": True, "eligible": False, None: None}[decision.outcome]  # type: ignore[index]  # the outcome is one of the three


@given(st.dates(date(1600, 1, 1), date(2400, 1, 1)), st.integers(-2400, 2400))
def test_a_month_later_is_the_same_day_or_the_last_of_its_month(day: date, months: int) -> None:
    later = months_later(day, months)
    assert (later.year - day.year) * 12 + later.month - day.month == months
    is_last = later.day == monthrange(later.year, later.month)[1]
    assert later.day == day.day or (is_last and later.day < day.day)
    assert months_later(later, 1) >= later, "a longer time never ends earlier"


@pytest.mark.parametrize(
    ("start", "length", "end"),
    [
        ("2024-03-31", "months(-1)", "2024-02-29"),
        ("2023-03-31", "months(-1)", "2023-02-28"),
        ("2024-02-29", "years(-10)", "2014-02-28"),
        ("2024-02-29", "months(-120)", "2014-02-28"),
        ("2024-01-31", "months(1)", "2024-02-29"),
        ("2024-12-31", "months(2)", "2025-02-28"),
        ("2024-03-31", "weeks(1)", "2024-04-07"),
    ],
)
def test_a_length_follows_the_calendar(start: str, length: str, end: str) -> None:
    asked = program(f'encounter.date + {length} == date("{end}")')
    assert is_so(asked, {"date": start}) is True


@pytest.mark.parametrize(
    ("unit", "number", "written"),
    [("days", "30", "30"), ("weeks", "6", "6"), ("months", "7", "7"), ("years", "10", "10")],
)
def test_a_parameter_is_as_long_as_the_number_written_out(
    unit: str, number: str, written: str
) -> None:
    asked = program(
        f"encounter.date - {unit}(spell) == encounter.date - {unit}({written})", unit, number
    )
    for day in ("2024-02-29", "2024-03-31", "2023-12-31"):
        assert is_so(asked, {"date": day}) is True


@given(st.datetimes(datetime(2007, 1, 1), datetime(2030, 1, 1)), ZONES)
def test_the_parts_of_a_moment_are_those_that_local_clocks_show(
    moment: datetime, zone: str
) -> None:
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    shown = moment.astimezone(ZoneInfo(zone))
    assert part_of("day", moment, zone) == shown.date()
    assert part_of("time", moment, zone) == shown.time()
    assert part_of("weekday", moment, zone) == shown.strftime("%A").lower()
    assert part_of("weekday", shown.date(), zone) == part_of("weekday", moment, zone)


@pytest.mark.parametrize(
    ("at", "closed"),
    [
        ("2024-11-05T15:00:00Z", False),  # 07:00 on a Tuesday, standard time
        ("2024-11-05T14:59:59Z", True),
        ("2025-07-08T14:00:00Z", False),  # 07:00, daylight time
        ("2024-11-03T20:00:00Z", True),  # a Sunday
        ("2024-11-04T07:30:00Z", True),  # still Sunday, by local clocks
    ],
)
def test_opening_hours_follow_local_clocks(at: str, closed: bool) -> None:
    asked = program("weekday(encounter.at) in closed_on || time(encounter.at) < opens")
    assert is_so(asked, {"at": at}) is closed


def test_an_unknown_moment_leaves_its_parts_unknown() -> None:
    asked = program("time(encounter.at) < opens")
    decision = asked.decide("eligibility", {"encounter": {"date": "2024-11-05"}})
    assert [question["fact"] for question in decision.needed] == ["encounter.at"]


def test_the_day_of_the_encounter_is_filled_in_from_its_moment() -> None:
    asked = program('encounter.date == date("2024-11-04")')
    facts = {"encounter": {"at": "2024-11-05T05:00:00Z"}}
    decision = asked.decide("eligibility", facts)
    assert (decision.outcome, decision.pack["as_of"]) == ("ineligible", "2024-11-04")
    day_given = asked.decide("eligibility", {"encounter": {"date": "2024-11-04"}})
    assert decision.facts_digest != day_given.facts_digest, "the digest is of the facts as given"


def test_a_moment_on_another_day_than_the_encounter_is_refused() -> None:
    asked = program("time(encounter.at) < opens")
    facts = {"encounter": {"date": "2024-11-05", "at": "2024-11-05T05:00:00Z"}}
    with pytest.raises(FactsError) as refused:
        asked.decide("eligibility", facts)
    assert refused.value.code == "facts-disagree"
    agreeing = {"encounter": {"date": "2024-11-04", "at": "2024-11-05T05:00:00Z"}}
    assert asked.decide("eligibility", agreeing).status == "decided"


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_no_condition_fails_at_the_ends_of_the_calendar(at: str) -> None:
    asked = program("day(encounter.at) - years(200) < day(encounter.at) || time(now) < opens")
    moment = datetime.fromisoformat(at)
    assert part_of("weekday", moment, "Pacific/Kiritimati") in tree.WEEKDAYS
    assert months_later(moment.date(), 2400 if moment.year > 5000 else -2400) in (
        date.max,
        date.min,
    )
    assert asked.decide("eligibility", {"encounter": {"date": "2024-01-01"}, "now": at})


def test_an_amount_of_hours_is_exact() -> None:
    asked = program("encounter.at - hours(spell) < encounter.at", "hours", "0.000001")
    assert is_so(asked, {"at": "2024-11-05T15:00:00Z"}) is True
    from rules.language.times import length_of

    assert length_of("hours", 1) == timedelta(hours=1)
