"""Test how long a ruling holds: until then, the same facts give the same answer at any time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.decide.decision import Decision
from rules.decide.holding import holds_until, pack_holds_until
from rules.decide.program import Program
from rules.input.facts import Facts
from rules.input.vocabulary import nested
from rules.shelf import read_pack, shipped

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
EVENTS = ("case.referred_at", "case.intake_at", "case.plan_at", "case.last_review_at")
DECISIONS = ("review", "filing", "admission")
PROGRAMS = {name: Program(read_pack(name)) for name in shipped()}

PAUSED = """
id: made-up
title: Made up
time_zone: America/Los_Angeles
program: {from: 2015-01-01, until: 2035-01-01, source: act}
sources: {act: {title: The act, address: https://example.org, confidence: high}}
facts:
  case.pauses:
    type: list
    kind: event
    known_by: program
    category: operation
    question: When did the clock stand still?
    source: act
    fields:
      from: {type: timestamp, question: From when?}
      until: {type: timestamp, question: Until when?}
parameters:
  days: {label: days, unit: days, values: [{value: 7, source: act}]}
clocks:
  intake: {label: intake, owner: case_management, start: case.referred_at, stop: case.intake_at,
           length: days, follows: "…", tolling: case.pauses, source: act}
decisions:
  filing:
    rules:
      - {id: late, when: clocks.intake == "overdue", then: prosecutor_may_file, because: Late.,
         source: act}
    otherwise: {outcome: hold, because: The charge rests., source: act}
"""

# Whole seconds, often near to the lengths of clocks, so that due times are met exactly.
moments = st.builds(
    lambda days, seconds: START + timedelta(days=days, seconds=seconds),
    st.sampled_from([-200, -31, -30, -14, -7, -1, 0, 1, 7, 30, 90]),
    st.sampled_from([-1, 0, 1, 3600]),
)
doubts = st.one_of(st.none(), st.tuples(moments), st.tuples(moments, moments))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A program whose clock for the intake stands still in a pause."""
    folder = tmp_path_factory.mktemp("packs") / "made-up"
    folder.mkdir()
    (folder / "pack.yaml").write_text(PAUSED, encoding="utf-8")
    return Program(read_pack(folder))


def written(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def decide(
    program: Program, decision: str, events: dict[str, datetime], doubtful: Any, now: datetime
) -> Decision:
    facts: Facts = program.read(
        nested(
            {path: written(at) for path, at in events.items() if path not in doubtful}
            | {"now": written(now), "encounter.date": "2026-11-01", "person.enrolled": True}
        )
    )
    return program.decide(decision, replace(facts, doubtful=doubtful))


def answer(ruling: Decision) -> Any:
    return ruling.status, ruling.outcome, ruling.possible, ruling.needed, ruling.clocks


@pytest.mark.parametrize("name", ["santa-fe", "lead", "seattle"])
@given(
    st.dictionaries(st.sampled_from(EVENTS), moments),
    st.dictionaries(st.sampled_from(EVENTS), doubts, max_size=2),
    st.sampled_from(DECISIONS),
    moments,
    st.lists(st.integers(0, 10**9), max_size=6),
)
def test_until_then_no_time_gives_another_answer(
    name: str,
    events: dict[str, datetime],
    doubtful: dict[str, Any],
    decision: str,
    now: datetime,
    later: list[int],
) -> None:
    program = PROGRAMS[name]
    ruling = decide(program, decision, events, doubtful, now)
    until = holds_until(ruling)
    assert until is None or until > now
    last = (until or now + timedelta(days=9000)) - timedelta(seconds=1)
    span = int((last - now).total_seconds())
    for offset in {0, span, *(each % (span + 1) for each in later)}:
        at = now + timedelta(seconds=offset)
        assert answer(decide(program, decision, events, doubtful, at)) == answer(ruling), at


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_a_pack_holds_until_the_next_day_of_other_rules(name: str) -> None:
    program, now = PROGRAMS[name], datetime(1900, 1, 1, tzinfo=UTC)
    days = {*program.pack.boundaries(), program.pack.program.since, program.pack.program.until}
    starts = []
    while (until := pack_holds_until(program, now)) is not None:
        assert until > now
        starts.append(until.astimezone(ZoneInfo(program.pack.time_zone)))
        now = until
    assert {(at.date(), at.hour) for at in starts} == {(day, 0) for day in days if day is not None}


spans = st.fixed_dictionaries({"from": moments}, optional={"until": moments})


@given(st.lists(spans, max_size=3), moments, moments, st.lists(st.integers(0, 10**9), max_size=6))
def test_a_pause_that_runs_moves_a_due_time_with_each_second(
    program: Program,
    pauses: list[dict[str, datetime]],
    referred: datetime,
    now: datetime,
    later: list[int],
) -> None:
    case = {
        "referred_at": written(referred),
        "pauses": [{name: written(at) for name, at in pause.items()} for pause in pauses],
    }

    def at(now: datetime) -> Decision:
        facts = {"case": case, "encounter": {"date": "2024-06-01"}, "now": written(now)}
        return program.decide("filing", facts)

    until = holds_until(at(now))
    last = (until or now + timedelta(days=90)) - timedelta(seconds=1)
    span = int((last - now).total_seconds())
    for offset in {0, span, *(each % (span + 1) for each in later)}:
        assert answer(at(now + timedelta(seconds=offset))) == answer(at(now))
