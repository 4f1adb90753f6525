"""Formats of days in maps: a day that is written in a format reads back to the same day."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offramp.policy.map_dates import read_formats, read_iso_day
from rules.input.yaml import read_text

FORMATS = {
    "MM/DD/YYYY": "%m/%d/%Y",
    "DD.MM.YYYY": "%d.%m.%Y",
    "YYYYMMDD": "%Y%m%d",
    "DD-MMM-YYYY": "%d-%b-%Y",
    "MM/DD/YYYY hh:mm:ss AM": "%m/%d/%Y %I:%M:%S %p",
    "YYYY-MM-DDTHH:mm:ss.SSS": "%Y-%m-%dT%H:%M:%S.%f",
}


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), st.sampled_from(sorted(FORMATS)))
def test_a_day_that_is_written_in_a_format_reads_back(moment: datetime, written: str) -> None:
    read = read_formats(read_text(f"'{written}'", "map.yaml"))
    assert read(moment.strftime(FORMATS[written])) == moment.date()


@given(st.dates(date(1000, 1, 1)), st.sampled_from(["", "T00:00:00.000", " 00:00", "T23:59:59"]))
def test_an_iso_day_reads_back(day: date, time: str) -> None:
    assert read_iso_day(f"{day.isoformat()}{time}") == day


@given(st.text("0123456789-/T: .Z", max_size=24))
def test_no_other_text_is_an_iso_day(text: str) -> None:
    try:
        day = read_iso_day(text)
    except ValueError:
        return
    assert day is None or text.startswith(day.isoformat())


def test_a_day_that_there_is_not_is_no_day() -> None:
    read = read_formats(read_text("[MM/DD/YYYY, DD/MM/YYYY]", "map.yaml"))
    with pytest.raises(ValueError):
        read("02/30/2015")
