"""Local times in an interview: each names exactly one instant, or is asked for again."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.consent.reduction import midnight
from offramp.cli import main
from rules.decide.interview import Question, read_answer
from rules.errors import FactsError
from rules.input.local_time import instants_of
from rules.input.typed_answers import AnswerForm, read_typed
from rules.input.values import read_instant

ZONES = (
    "America/Denver",
    "America/New_York",
    "America/Phoenix",
    "America/Havana",  # clocks change at midnight
    "America/Santiago",
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Apia",  # skipped a whole day
    "Asia/Kathmandu",
    "UTC",
)
QUESTION = Question("case.intake_at", "When?", "program", "event", None, "timestamp")


def shown_by_clocks(local: datetime, zone: ZoneInfo) -> list[datetime]:
    """Search all instants around a local time by minutes: an independent definition."""
    around = local.replace(tzinfo=UTC) - timedelta(hours=30)
    minutes = (around + timedelta(minutes=minute) for minute in range(60 * 60))
    return [at for at in minutes if at.astimezone(zone).replace(tzinfo=None, fold=0) == local]


CHANGES = st.sampled_from(
    [
        datetime(2014, 3, 9, 2), datetime(2014, 11, 2, 1), datetime(2016, 3, 13, 0),
        datetime(2016, 11, 6, 0), datetime(2016, 8, 14, 0), datetime(2016, 5, 14, 23),
        datetime(2016, 10, 2, 2), datetime(2016, 4, 3, 1), datetime(2011, 12, 30, 12),
    ]
)  # fmt: skip
TIMES = st.builds(lambda at, by: at + timedelta(minutes=by), CHANGES, st.integers(-180, 180))


@given(local=TIMES, zone=st.sampled_from(ZONES))
def test_a_local_time_names_one_instant_or_is_asked_again(local: datetime, zone: str) -> None:
    expected = shown_by_clocks(local, ZoneInfo(zone))
    assert instants_of(local, ZoneInfo(zone)) == expected
    typed = local.strftime("%Y-%m-%d %H:%M")
    if len(expected) == 1:
        assert read_instant(read_answer(QUESTION, typed, zone)) == expected[0]
        return
    with pytest.raises(FactsError) as refused:
        read_answer(QUESTION, typed, zone)
    error = refused.value
    assert error.code == ("time-twice" if expected else "no-such-day")
    assert f"`{typed}`" in error.message and f"`{zone}`" in error.message
    # The fix names times that are accepted, and for a time that comes twice both instants.
    times = [word.rstrip(",") for word in error.fix.split() if "T" in word and ":" in word]
    instants = [read_instant(read_answer(QUESTION, time, zone)) for time in times]
    assert instants == expected if expected else None not in instants


@given(at=st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)), zone=st.sampled_from(ZONES))
def test_any_local_time_is_an_instant_or_a_refusal(at: datetime, zone: str) -> None:
    try:
        text = read_answer(QUESTION, at.strftime("%Y-%m-%d %H:%M").rjust(16, "0"), zone)
    except FactsError as error:
        assert error.code in ("time-twice", "no-such-day") and error.fix
        return
    instant = read_instant(text)
    if instant is None:  # within a day of the calendar's ends
        assert at.year in (1, 9999)
        return
    assert instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == at.replace(
        second=0, microsecond=0
    )


@given(day=st.dates(date(1990, 1, 1), date(2030, 1, 1)), zone=st.sampled_from(ZONES))
def test_a_day_begins_at_its_first_instant(day: date, zone: str) -> None:
    first = datetime.fromtimestamp(midnight(day, ZoneInfo(zone)), UTC).astimezone(ZoneInfo(zone))
    before = (first.astimezone(UTC) - timedelta(seconds=1)).astimezone(ZoneInfo(zone))
    assert before.date() < day <= first.date()


@pytest.mark.parametrize(
    ("typed", "code", "words"),
    [
        ("2015-03-08 02:30", "no-such-day", "clocks skip it"),
        ("2015-11-01 01:30", "time-twice", "comes twice"),
        ("2015-11-01 24:30", "no-such-day", "no time"),
    ],
)
def test_an_interview_asks_again(
    typed: str,
    code: str,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps({"case": {"intake_at": "2015-01-05T18:00:00Z"}}))
    answers = f"{typed}\n2015-11-01T01:30:00-07:00\n"
    for form in ([], ["--json"]):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(answers.encode())))
        main(["interview", "santa-fe", "filing", str(facts), *form])
        out = capsys.readouterr().out
        assert words in out
        if form:
            lines = [json.loads(line) for line in out.splitlines()]
            assert lines[0]["question"]["fact"] == "now"
            assert lines[1]["error"]["code"] == code
            assert lines[2]["question"] == lines[0]["question"], "it is asked again"
            assert lines[-1]["facts"]["now"] == "2015-11-01T08:30:00Z"


@pytest.mark.parametrize(
    ("typed", "missing", "example"),
    [
        ("2026-11-02 4 pm", "has no minutes", "2026-11-02 16:00"),
        ("11/2/2026 at 4pm", "has no minutes", "2026-11-02 16:00"),
        ("November 2, 2026 4 p.m.", "has no minutes", "2026-11-02 16:00"),
        ("2026-11-02T16", "has no minutes", "2026-11-02 16:00"),
        ("2026-11-02", "has no time of day", "2026-11-02 16:30"),
        ("June 1, 2014", "has no time of day", "2014-06-01 16:30"),
        ("4 pm", "has no day", "2014-06-01 16:30"),
        ("16:30", "has no day", "2014-06-01 16:30"),
    ],
)
def test_half_a_time_says_what_is_missing_and_how_to_write_it(
    typed: str, missing: str, example: str
) -> None:
    for name in ("", "case.intake_at"):
        with pytest.raises(FactsError) as refused:
            read_typed(name, AnswerForm("timestamp"), typed, "America/Denver")
        assert refused.value.message == f"`{typed}` {missing}"
        assert example in str(refused.value.fix)
