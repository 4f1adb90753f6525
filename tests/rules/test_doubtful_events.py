"""Clocks with doubtful events: a status only where every time of the events gives it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.decide.clocks import read_clock
from rules.packs.pack import Citation, Clock

START, STOP, RENEWED, PAUSES = "case.start", "case.stop", "case.renewed", "case.pauses"
NOW = datetime(2026, 6, 16, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def clock(*, repeats: bool = False) -> Clock:
    return Clock(
        name="intake",
        label="intake",
        owner="case_management",
        start=START,
        stop=None if repeats else STOP,
        repeats=RENEWED if repeats else None,
        length="allowed",
        tolling=PAUSES,
        follows="",
        source=Citation("source"),
    )


def status(facts: dict[str, Any], doubtful: dict[str, Any], hours: int = 72) -> str:
    return read_clock(clock(), hours, "hours", {"now": NOW, **facts}, doubtful).status


def test_a_clock_without_a_start_depends_on_its_stop() -> None:
    assert status({}, {STOP: None}) == "unknown"
    assert status({}, {}) == "not_started"


def test_an_event_that_changes_nothing_leaves_no_doubt() -> None:
    started = NOW - 10 * HOUR
    assert status({START: started, STOP: NOW}, {RENEWED: None}) == "met"


def test_an_unknown_clock_names_the_doubtful_events_that_it_reads() -> None:
    facts = {"now": NOW, START: NOW - 100 * HOUR}
    reading = read_clock(clock(), 72, "hours", facts, {STOP: None, RENEWED: None})
    assert (reading.status, reading.doubtful) == ("unknown", (STOP,))


def test_without_now_a_clock_is_unknown_and_no_event_is_to_blame() -> None:
    reading = read_clock(clock(), 72, "hours", {}, {STOP: None})
    assert (reading.status, reading.doubtful) == ("unknown", ())


def test_a_running_clock_with_two_starts_is_due_at_the_earlier() -> None:
    facts = {"now": NOW, START: NOW - 10 * HOUR}
    early, late = NOW - 5 * HOUR, NOW - 4 * HOUR
    reading = read_clock(clock(repeats=True), 72, "hours", facts, {RENEWED: (early, late)})
    assert (reading.status, reading.due) == ("running", NOW + 62 * HOUR)
    assert reading.started is None


def test_pauses_that_nobody_may_share_leave_an_overdue_clock_open() -> None:
    overdue = {START: NOW - 100 * HOUR}
    assert status(overdue, {}) == "overdue"
    assert status(overdue, {PAUSES: None}) == "unknown"
    assert status({START: NOW - 10 * HOUR}, {PAUSES: None}) == "running"
    assert status({START: NOW - 100 * HOUR, STOP: NOW - 99 * HOUR}, {PAUSES: None}) == "met"


HOURS = st.integers(-300, 3)
PAUSE = st.tuples(HOURS, st.integers(0, 100))


@pytest.mark.parametrize("repeats", [False, True])
@given(
    doubtful=st.sets(st.sampled_from([START, STOP, RENEWED, PAUSES]), min_size=1),
    hours=st.dictionaries(st.sampled_from([START, STOP, RENEWED]), HOURS),
    pauses=st.lists(PAUSE, max_size=3),
    length=st.integers(0, 200),
    tried=st.lists(HOURS, min_size=1, max_size=6, unique=True),
)
def test_a_status_is_that_of_every_time_of_a_doubtful_event(
    repeats: bool,
    doubtful: set[str],
    hours: dict[str, int],
    pauses: list[tuple[int, int]],
    length: int,
    tried: list[int],
) -> None:
    facts: dict[str, Any] = {
        path: NOW + hour * HOUR for path, hour in hours.items() if path not in doubtful
    }
    facts |= {"now": NOW}
    spans = tuple(
        {"from": NOW + begin * HOUR, "until": NOW + (begin + lasts) * HOUR}
        for begin, lasts in pauses
    )
    if PAUSES not in doubtful:
        facts[PAUSES] = spans
    timer = clock(repeats=repeats)
    reading = read_clock(timer, length, "hours", facts, dict.fromkeys(doubtful))
    times = [None, *(NOW + hour * HOUR for hour in tried)]
    possible = [(None, spans[:1], spans) if path == PAUSES else times for path in doubtful]
    statuses = {
        read_clock(
            timer, length, "hours", {**facts, **dict(zip(doubtful, choice, strict=True))}
        ).status
        for choice in product(*possible)
    }
    assert reading.status == "unknown" or statuses == {reading.status}
