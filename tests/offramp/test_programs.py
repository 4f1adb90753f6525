"""Test `offramp programs`: the programs in force on a day, and cases open when one ends."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offramp.cli import main
from offramp.documents.programs import programs_as_json
from offramp.documents.programs_picture import picture
from offramp.policy.break_even import break_even_text, needed, program_lines
from rules.errors import RequestError
from rules.input.printing import plain
from rules.shelf import load, read_pack, shipped
from tests.conftest import ROOT

TOWN = """\
id: town
title: Town
extends: lead
time_zone: UTC
program:
  from: 2018-01-01
  until: 2020-01-01
  source: act
  pilot: {from: 2018-01-01, until: 2019-01-01, source: act, provisional: the day is not sure}
  places:
    - {value: 30, until: 2019-01-01, source: act}
    - {value: 60, from: 2019-01-01, source: act}
  funding: [{says: A grant of the state., source: act}]
  bodies:
    - {name: Council, members: [police, defender], others: [a judge], does: It decides.,
       source: act}
  open_cases: {says: They go on as they began., source: act, provisional: read at second hand}
sources: {act: {title: The act, address: here, confidence: high}}
"""


@pytest.fixture
def town(tmp_path: Path) -> Path:
    folder = tmp_path / "town"
    folder.mkdir()
    (folder / "pack.yaml").write_text(TOWN)
    return folder


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(("programs", *arguments))
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    code, out, err = ran(capsys, *arguments, "--json")
    assert (code, err) == (0, "")
    found: dict[str, Any] = json.loads(out)
    return found


def ids(found: dict[str, Any], place: str) -> list[str]:
    return [one["id"] for one in found[place]]


def test_a_day_shows_what_was_in_force_and_apart_from_it_what_nobody_ran(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = listed(capsys, "--on", "2016-01-01")
    assert {"drug-court", "seattle", "santa-fe"} <= set(ids(found, "in_force"))
    assert {"lead", "nyc-violations"} <= set(ids(found, "not_run"))
    santa_fe = next(one for one in found["in_force"] if one["id"] == "santa-fe")
    assert (santa_fe["from"], santa_fe["pilot"]["until"]) == ("2014-04-01", "2017-04-01")
    assert santa_fe["pilot"]["provisional"]
    assert [one["says"] for one in santa_fe["funding"]] == [
        "$300,000 from the city over three years"
    ]
    assert ["case_management", "police", "prosecutor", "defender"] in [
        one["members"] for one in santa_fe["bodies"]
    ]
    code, out, _ = ran(capsys, "--on", "2016-01-01")
    assert code == 0
    assert "**Pilot:** A three-year pilot, from April 1, 2014, until April 1, 2017." in out
    assert "In doubt: the source gives three years" in out
    assert (
        "**Not run:** New York City plan of 2014 (`nyc-violations`), from December 2, 2014. "
        "It was announced" in out
    )


def test_a_day_before_all_says_that_there_was_none_and_when_the_next_began(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = ran(capsys, "--on", "1993-12-31")
    assert code == 0
    assert (
        "No program was in force. The next, King County Drug Diversion Court, "
        "began on January 1, 1994." in out
    )
    found = listed(capsys, "--on", "1993-12-31")
    assert (found["in_force"], found["not_run"], found["over"]) == ([], [], [])
    assert set(ids(found, "not_yet")) == set(shipped())


def test_what_has_days_of_its_own_is_told_on_those_days(
    town: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for day, pilot, places in (("2018-12-31", True, [30]), ("2019-01-01", False, [60])):
        (one,) = listed(capsys, str(town), "--on", day)["in_force"]
        assert ((one["pilot"] is not None), [held["value"] for held in one["places"]]) == (
            pilot,
            places,
        )
    _, out, _ = ran(capsys, str(town), "--on", "2018-12-31")
    assert "**Body:** Council (police, defender, a judge). It decides. Source: The act." in out
    assert "**Places:** 30 at once, until January 1, 2019. Source: The act." in out
    assert (
        "**Cases open at the end:** They go on as they began. Source: The act. "
        "In doubt: read at second hand." in out
    )


def test_after_the_end_it_is_over_and_what_becomes_of_open_cases_is_said(
    town: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = listed(capsys, str(town), "--on", "2020-01-01")
    assert (ids(found, "in_force"), ids(found, "over")) == ([], ["town"])
    assert found["over"][0]["open_cases"]["says"] == "They go on as they began."
    _, out, _ = ran(capsys, str(town), "--on", "2020-01-01")
    assert "No program was in force." in out
    assert "until January 1, 2020. Cases open then: They go on as they began." in out


def test_a_decision_about_a_day_after_the_end_is_refused_with_what_becomes_of_open_cases(
    town: Path,
) -> None:
    facts = {
        "case": {"charge_held": True, "referred_at": "2019-12-20T10:00:00Z"},
        "now": "2020-01-02T10:00:00Z",
    }
    with pytest.raises(RequestError) as refused:
        load(town).decide("filing", facts)
    assert refused.value.code == "outside-program"
    assert refused.value.message == (
        "the last day of `town` is 2019-12-31, and 2020-01-02 is later; "
        "of cases then open it says: They go on as they began (doubtful)"
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--on", "2016-13-01"], "no-such-day"),
        (["--on", "January"], "no-such-day"),
        ([], "usage"),
        (["nowhere", "--on", "2016-01-01"], "unknown-pack"),
    ],
)
def test_a_wrong_request_is_refused_in_a_sentence(
    arguments: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code, out, err = ran(capsys, *arguments)
    assert (exit_code, out) == (2, "") and f"[{code}]" in err and err.count("\n") == 1
    exit_code, out, err = ran(capsys, *arguments, "--json")
    assert (exit_code, err, json.loads(out)["error"]["code"]) == (2, "", code)


@given(st.dates(date(1990, 1, 1), date(2035, 1, 1)))
def test_every_pack_stands_in_one_place_and_that_is_where_a_decision_about_that_day_would_put_it(
    day: date,
) -> None:
    packs = [PACKS[name] for name in shipped()]
    found = programs_as_json(packs, day)
    places = {
        one["id"]: place
        for place in ("in_force", "not_run", "not_yet", "over")
        for one in found[place]
    }
    assert sorted(places) == sorted(shipped())
    for pack in packs:
        try:
            load_on(pack.id, day)
        except RequestError as refusal:
            assert refusal.code == "outside-program" and places[pack.id] in ("not_yet", "over")
        else:
            assert places[pack.id] in ("in_force", "not_run")


def test_the_picture_is_what_the_packs_say_and_is_told_in_words_too() -> None:
    drawn = picture(list(PACKS.values()))
    assert (ROOT / "docs" / "programs.svg").read_text(encoding="utf-8") == drawn, (
        "python -m offramp.documents.programs_picture docs/programs.svg"
    )
    (told,) = ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}desc")
    for pack in PACKS.values():
        assert f"{pack.title}: from {pack.program.since}" in str(told.text)
    assert "LEAD San Francisco: from 2017-10-01 until 2021-01-01" in str(told.text)


def test_every_stated_value_of_a_shipped_pack_has_a_source_and_says_so_where_that_is_weak() -> None:
    for pack in PACKS.values():
        for what, item in pack.program.stated():
            source = pack.sources[item.source.id]
            assert source.confidence != "low" or item.provisional, f"{pack.id}: {what}"


def test_a_pilot_lies_within_its_program() -> None:
    for pack in PACKS.values():
        pilot, program = pack.program.pilot, pack.program
        if pilot is not None and pilot.until is not None and program.since is not None:
            assert (pilot.since or program.since) >= program.since
            assert pilot.until <= (program.until or pilot.until), pack.id
            assert pilot.until > program.since + timedelta(days=1)


PACKS = {name: read_pack(name) for name in shipped()}


def load_on(name: str, day: date) -> None:
    from rules.decide.program import Program

    Program(PACKS[name], day).refuse_day_outside(day, "as_of")


def test_the_published_figures_come_out_as_they_disagree(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Never one number without its range, and the page says for whom the larger figure is."""
    assert main(["programs", "--on", "2015-01-01", "santa-fe", "--json"]) == 0
    (program,) = json.loads(capsys.readouterr().out)["in_force"]
    halved, city = program["break_even"]
    assert (halved["low"]["about"], halved["high"]["about"]) == (69, 481)
    assert halved["high"]["each"] == {
        "dollars": 1558,
        "says": "17 % less, as evaluated in 2018",
        "source": "nmsc-2018",
    }
    assert (city["low"]["about"], city["low"]["each"]["dollars"]) == (9, 34000)
    assert city["high"]["about"] == 13
    assert main(["programs", "--on", "2015-01-01", "santa-fe"]) == 0
    printed = capsys.readouterr().out
    assert "about 69 to about 481 people for a year" in printed
    assert "chosen for being costly" in printed and "saving" not in printed.lower()


@pytest.mark.parametrize("pack", shipped())
def test_a_break_even_is_the_total_divided_by_each_end(pack: str) -> None:
    for entry in read_pack(pack).program.break_even:
        least, most = needed(entry)
        assert least.number * entry.each.high.dollars == pytest.approx(entry.total.low.dollars)
        assert most.number * entry.each.low.dollars == pytest.approx(entry.total.high.dollars)
        assert least.number <= most.number
        text = break_even_text(entry)
        for figure in (entry.each.low, entry.each.high):
            assert f"${figure.dollars:,}" in text and figure.source.id in text


def test_places_stand_beside_what_the_rule_lets_in() -> None:
    """In the words of a memo, from its JSON alone."""
    value = {"places": [{"low": 30, "high": 40, "source": "act"}], "break_even": []}
    cohort = {"unit": "arrest", "groups": [{"after": {"eligible": 1884, "either": 1582}}]}
    assert list(program_lines(value, None)) == ["- Places: 30 to 40 at once. Source: act"]
    assert list(program_lines(value, cohort))[1] == (
        "  Beside them: the rule lets in at least 1,884 and at most 3,466 of these arrests"
    )
    cohort["groups"] = [{"after": {"eligible": {"hidden": True}, "either": 5}}]
    assert "is hidden" in list(program_lines(value, cohort))[1]


def test_the_memo_of_a_change_has_places_and_money() -> None:
    pytest.importorskip("z3", reason="the solver isn't installed")
    from offramp.policy.change_text import memo_lines
    from offramp.policy.operations import change_memo

    memo = change_memo(
        "santa-fe@2014-04-01", "santa-fe@2018-10-01", today="2026-01-01", decisions=("ejection",)
    )
    text = "\n".join(memo_lines(plain(memo.value)))
    assert "\nPlaces and money\n" in text and "about 69 to about 481 people for a year" in text
