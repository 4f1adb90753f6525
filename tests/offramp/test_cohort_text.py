"""The report on a cohort speaks of rows, and the worked example prints what its page shows."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from offramp.cli import main
from offramp.policy.cohort.report_text import difference_rows
from offramp.policy.cohort.table import Difference
from offramp.policy.counted_rows_text import difference_rows as memo_difference_rows
from tests.conftest import ROOT, shared
from tests.support.riverton import PACK, pack_in
from tests.support.terminals import show_at_once

PAGE = ROOT / "docs" / "cohorts.md"
# A report says how rules treat rows. It says nothing of people elsewhere, and scores nobody.
FORBIDDEN = re.compile(
    r"would be eligible|people who use|drug users?|addicts?|offenders?|savings|\brisk|p-value =|"
    r"discriminat|\bnet\b",
    re.IGNORECASE,
)
REQUIRED = "treat these arrests"


def block(page: Path) -> tuple[str, str]:
    found = re.search(r"^```text\n\$ (.+?)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1], found[2]


@pytest.fixture
def printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    command, _ = block(PAGE)
    (tmp_path / "louisiana.csv.gz").symlink_to(
        shared("data/la_nibrs_arrestees_2010_2020.csv.gz").resolve()
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")
    assert main(command.split()[1:]) == 0
    return capsys.readouterr().out


@pytest.mark.skipif(find_spec("z3") is None, reason="the solver isn't installed")
def test_the_worked_example_prints_what_the_page_shows(printed: str) -> None:
    _, shown = block(PAGE)
    assert printed == shown
    assert REQUIRED in printed and not FORBIDDEN.search(printed)


def test_the_page_has_no_forbidden_words() -> None:
    text = PAGE.read_text()
    assert "treat these arrests" in text.replace("\n", " ")
    assert not FORBIDDEN.search(text)


@pytest.mark.parametrize("unit", ["arrest", "summons", "booking"])
def test_a_report_speaks_of_the_unit_of_its_map(
    unit: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mapping, table = tmp_path / "map.yaml", tmp_path / "rows.csv"
    mapping.write_text(
        f"title: t\nid: id\nunit: {unit}\nfacts:\n  encounter.date: {{column: day}}\n"
    )
    days = "".join(f"{number},2015-06-01,{number % 2}\n" for number in range(40))
    table.write_text(f"id,day,place\n{days}")
    words = ["decide", "santa-fe", "eligibility", str(table), "--map", str(mapping)]
    assert main([*words, "--by", "place"]) == 0
    text = capsys.readouterr().out
    plural = {"arrest": "arrests", "summons": "summons", "booking": "bookings"}[unit]
    assert f"How the rules of a program treat these {plural}" in text
    assert f"40 {plural} in the file" in text
    assert not FORBIDDEN.search(text)
    assert "a count from 1 to 10" in text


def test_a_raised_limit_is_stated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mapping, table = tmp_path / "map.yaml", tmp_path / "rows.csv"
    mapping.write_text("title: t\nid: id\nfacts:\n  encounter.date: {column: day}\n")
    days = "".join(f"{number},2015-06-01,{number % 8 == 0}\n" for number in range(120))
    table.write_text(f"id,day,place\n{days}")
    words = ["decide", "santa-fe", "eligibility", str(table), "--map", str(mapping)]
    assert main([*words, "--by", "place", "--min-cell", "20"]) == 0
    text = capsys.readouterr().out
    assert "a count from 1 to 19" in text and "hidden" in text
    assert not re.search(r"\b15\b", text)


def test_progress_is_shown_on_a_terminal_while_rows_are_counted(tmp_path: Path) -> None:
    mapping, table = tmp_path / "map.yaml", tmp_path / "rows.csv"
    mapping.write_text("title: t\nid: id\nfacts:\n  encounter.date: {column: day}\n")
    with table.open("w") as stream:
        stream.write("id,day,place\n")
        stream.writelines(f"{number},2015-06-01,{number % 3}\n" for number in range(30_000))
    words = ["decide", "santa-fe", "eligibility", str(table), "--map", str(mapping)]
    text = show_at_once(*words, "--by", "place")
    assert re.search(rb"\r[\d,]+ cases, \d+%, about [\d min]+ s left", text)


def test_tables_of_two_packs_with_one_id_are_headed_as_the_packs_were_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    pack_in(tmp_path / "old"), pack_in(tmp_path / "new", PACK.replace("value: 4", "value: 6"))
    Path("map.yaml").write_text("title: t\nid: id\nfacts:\n  encounter.date: {column: day}\n")
    days = "".join(f"{number},2025-06-01,{number % 2}\n" for number in range(40))
    Path("rows.csv").write_text(f"id,day,place\n{days}")
    words = ["decide", "old/riverton,new/riverton,lead", "eligibility", "rows.csv"]
    assert main([*words, "--map", "map.yaml", "--by", "place", "--as-of", "2025-06-01"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(", rules")[0] for line in lines if line.endswith("rules of 2025-06-01")][
        :2
    ] == ["Riverton (old/riverton)", "Riverton (new/riverton)"]
    assert any("(lead), rules of" in line for line in lines)


def test_a_difference_with_two_hidden_ends_is_listed_as_hidden() -> None:
    shown = Difference("race", "a", "b", ("eligible",), (0.1, 0.2), (0.0, 0.3))
    hidden = Difference("race", "c", "b", ("eligible",), (None, None), (None, None))
    assert difference_rows([shown, hidden])[1:] == [
        ["a less b", "100.0 to 200.0", "0.0 to 300.0"],
        ["c less b", "hidden", "hidden"],
    ]
    assert difference_rows([hidden]) == []
    values = [
        {"group": item.group, "less": item.less, "before": "x", "after": "y"}
        | {"range": list(item.range), "interval": list(item.interval)}
        for item in (shown, hidden)
    ]
    assert [row[2] for row in memo_difference_rows(values)] == ["100.0 to 200.0", "hidden"]
    assert list(memo_difference_rows(values[1:])) == []
