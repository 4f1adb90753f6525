"""The statute as a floor: what a place under it may set by itself, and what it can't."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.errors import PackError
from rules.prove.soundness import check_whole
from rules.shelf import read_pack

PLACE = """\
id: place
title: A place
extends: california
time_zone: America/Los_Angeles
program: {from: 2018-01-01, source: council}
sources: {council: {title: The council, address: here, confidence: high}}
"""
INTAKE = """\
override:
  parameters:
    intake_days: {label: time for the interview, unit: days, values: [{value: DAYS,
         source: council}]}
"""
EJECTION = """\
decisions:
  ejection:
    rules:
      - {id: relapsed, when: case.relapses > 2, then: prosecutor_may_eject,
             because: Three relapses end it., source: council}
"""
FILING = """\
decisions:
  filing:
    rules:
      - {id: at-once, when: case.charge_held, then: prosecutor_may_file, because: Any day.,
             source: council}
"""


def place(folder: Path, added: str) -> Path:
    (folder / "place").mkdir()
    (folder / "place" / "pack.yaml").write_text(PLACE + added, encoding="utf-8")
    return folder / "place"


@pytest.mark.parametrize("days", ["14", "30"])
def test_a_place_sets_its_own_time_for_the_interview_up_to_thirty_days(
    tmp_path: Path, days: str
) -> None:
    check_whole(read_pack(place(tmp_path, INTAKE.replace("DAYS", days))))


@pytest.mark.parametrize(
    ("added", "lifted"),
    [
        (INTAKE.replace("DAYS", "31"), "no-place-gives-more-than-30-days"),
        (EJECTION, "abstinence-never-ends-a-place"),
        (FILING, "an-intake-in-time-keeps-the-charge-unfiled"),
    ],
)
def test_what_the_statute_promises_no_place_takes_back(
    tmp_path: Path, added: str, lifted: str
) -> None:
    with pytest.raises(PackError) as refused:
        check_whole(read_pack(place(tmp_path, added)))
    assert refused.value.code == "floor-lifted" and f"`{lifted}`" in refused.value.message
