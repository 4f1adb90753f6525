"""A source that nobody has read for a year is named where the officer and the author see it."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

import rules
from offramp.agency.operations import examine
from offramp.cli import main
from rules.decide.law_age import is_stale, oldest_check, stale_sources_of
from rules.packs.digest import digest
from rules.packs.pack import Source
from rules.shelf import jurisdictions, read_pack, shipped
from tests.support.agencies import Town
from tests.support.simulator import DAY

PACK = """\
id: town
title: The town's program
time_zone: America/Denver
program: {from: 2014-04-01, source: act}
checked: 2026-03-01
sources:
  act: {title: The act, address: https://example.org/act, confidence: high}
  order:
    {title: The order, address: https://example.org/o, confidence: high, checked: 2025-02-01}
  page: {title: The page, address: https://example.org/page, confidence: low}
parameters:
  least_age: {label: least age, unit: years, values: [{value: 18, source: order}]}
decisions:
  eligibility:
    rules:
      - id: under-age
        when: person.age < least_age
        then: ineligible
        because: Too young.
        source: act
      - {id: gun, when: encounter.weapon, then: ineligible, because: A weapon., source: page}
    otherwise: {outcome: eligible, because: Nothing bars the person., source: act}
  offer:
    rules: []
    otherwise: {outcome: may_offer, because: All may be offered it., source: page}
"""
YOUNG = {"person": {"age": 12}, "encounter": {"date": "2020-01-01", "weapon": False}}


@pytest.fixture
def town(tmp_path: Path) -> Path:
    folder = tmp_path / "town"
    folder.mkdir()
    (folder / "pack.yaml").write_text(PACK)
    (folder / "facts.json").write_text(json.dumps(YOUNG))
    return folder


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(list(words))
    return code, capsys.readouterr().out


def decide(
    town: Path, capsys: pytest.CaptureFixture[str], today: str, *words: str
) -> tuple[int, str]:
    facts = str(town / "facts.json")
    return run(capsys, "decide", f"{town}/", "eligibility", facts, "--today", today, *words)


@pytest.mark.parametrize(
    ("checked", "today", "stale"),
    [
        (date(2026, 3, 1), date(2027, 3, 1), False),
        (date(2026, 3, 1), date(2027, 3, 2), True),
        (date(2024, 2, 29), date(2025, 2, 28), False),
        (date(2024, 2, 29), date(2025, 3, 2), True),
        (None, date(2026, 3, 1), True),
    ],
)
def test_a_source_is_out_of_date_a_year_after_its_last_check(
    checked: date | None, today: date, stale: bool
) -> None:
    assert is_stale(Source("act", "The act", "here", "high", None, checked), today) is stale


def test_an_answer_names_the_old_sources_that_it_rests_on_and_no_others(
    town: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = decide(town, capsys, "2026-01-15")
    assert code == 0 and "Age" not in printed
    code, printed = decide(town, capsys, "2026-06-01")
    assert code == 0
    said = " ".join(printed.split("\nAge")[1].split())
    assert said.startswith(
        "Nobody has checked these sources for a year: The order (last on February 1, 2025)."
    )
    assert "The act" not in said and "The page" not in said


def test_json_has_the_old_sources_as_a_member_of_its_own(
    town: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = decide(town, capsys, "2026-01-15", "--json")
    recent = json.loads(printed)
    assert code == 0 and "stale_sources" not in recent
    code, printed = decide(town, capsys, "2028-01-01", "--json")
    old = json.loads(printed)
    assert old.pop("stale_sources") == [
        {"id": "order", "title": "The order", "checked": "2025-02-01"},
        {"id": "act", "title": "The act", "checked": "2026-03-01"},
    ]
    assert old == recent, "the decision itself reads no clock"


def test_an_open_answer_names_the_old_sources_of_its_open_rules(town: Path) -> None:
    program = rules.load(f"{town}/")
    facts = {"person": {"age": 30}, "encounter": {"date": "2020-01-01"}}
    decision = program.decide("eligibility", facts)
    assert decision.status == "undetermined"
    stale = stale_sources_of(decision, date(2028, 1, 1))
    assert "act" not in {source.id for source in stale if source.checked is None}
    assert "page" in {source.id for source in stale}


def test_check_lists_the_old_sources(town: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = run(capsys, "check", f"{town}/", "--today", "2026-01-15")
    assert code == 0 and "nobody has checked" not in printed
    code, printed = run(capsys, "check", f"{town}/", "--today", "2026-06-01")
    assert code == 0
    assert (
        "warning: nobody has checked 1 source for a year: `order` (last on February 1, 2025)"
        in printed
    )
    code, printed = run(capsys, "check", "--json", f"{town}/", "--today", "2026-06-01")
    shown = next(iter(json.loads(printed).values()))
    assert [source["id"] for source in shown["stale_sources"]] == ["order"]


def test_the_card_and_the_list_of_programs_show_the_last_check(
    town: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = run(capsys, "card", f"{town}/", "--today", "2026-01-15")
    said = " ".join(printed.split())
    assert code == 0 and "Each source was last checked on February 1, 2025 or later." in said
    assert "may have changed" not in said
    code, printed = run(capsys, "card", f"{town}/", "--today", "2026-06-01")
    assert "The law may have changed. Nobody has checked these sources" in " ".join(printed.split())
    code, printed = run(capsys, "programs", "--on", "2020-01-01", f"{town}/")
    assert code == 0 and "Each source was last checked on February 1, 2025 or later." in printed
    code, printed = run(capsys, "programs", "--on", "2020-01-01", f"{town}/", "--json")
    assert json.loads(printed)["in_force"][0]["sources_checked"] == "2025-02-01"


def test_the_day_of_a_check_changes_no_digest(town: Path) -> None:
    before = digest(read_pack(f"{town}/"))
    changed = PACK.replace("checked: 2026-03-01", "checked: 2027-03-01")
    (town / "pack.yaml").write_text(changed)
    pack = read_pack(f"{town}/")
    assert digest(pack) == before
    assert pack.sources["act"].checked == date(2027, 3, 1)
    assert pack.sources["order"].checked == date(2025, 2, 1)


def test_a_bad_day_of_a_check_is_refused_at_its_place(
    town: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (town / "pack.yaml").write_text(PACK.replace("checked: 2026-03-01", "checked: 2026-02-30"))
    code, printed = run(capsys, "check", f"{town}/")
    assert code == 2 and "town/pack.yaml:5:10: `2026-02-30` is not a day" in printed


@pytest.mark.parametrize("name", shipped())
def test_each_source_of_a_shipped_pack_has_a_day(name: str) -> None:
    assert oldest_check(read_pack(name)) is not None


def test_each_shipped_offense_table_has_a_day() -> None:
    tables = sorted((jurisdictions() / "law").glob("*/table.yaml"))
    assert tables
    for path in tables:
        assert "\nchecked: 20" in path.read_text(encoding="utf-8"), path


def test_doctor_lists_the_old_sources_of_the_pack_in_force(tmp_path: Path) -> None:
    city = Town(tmp_path)

    def says() -> list[str]:
        with closing(city.office("police")) as office:
            return [finding.text for finding in examine(office)]

    assert not any("nobody has checked" in text for text in says())
    city.hub.clock += 4000 * DAY
    (said,) = (text for text in says() if "nobody has checked" in text)
    assert said.startswith("the pack `lead` may be out of date: nobody has checked ")
