"""`--beside`: the commands, what they refuse, and which counts of a new report may be shown."""

from __future__ import annotations

import json
import re
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from offramp.cli import main
from offramp.counts import JointCount, shown_beside
from offramp.policy.cohort.report import CohortRequest, CohortSource
from offramp.policy.draft_process import check_apart
from offramp.policy.earlier_reports import read_reports
from tests.conftest import ROOT, shared
from tests.support.report_reader import NEW, OLD, write_file
from tests.support.riverton import PACK, pack_in

needs_solver = pytest.mark.skipif(find_spec("z3") is None, reason="the solver isn't installed")
Capture = pytest.CaptureFixture[str]
DECIDE = ["decide", "santa-fe", "eligibility", "rows.csv", "--map", "map.yaml", "--as-of", NEW]
CHANGE = ["change", f"santa-fe@{OLD}", f"santa-fe@{NEW}", "--decision", "eligibility"]
COHORT = ["--cohort", "rows.csv", "--map", "map.yaml", "--allow-left-out", "50"]
BY_RACE = ["--by", "race", "--allow-left-out", "50"]
FLAGS = re.MULTILINE | re.DOTALL


# Which counts may be shown


def test_a_count_that_tells_a_small_one_is_hidden() -> None:
    # An earlier report shows 35 rows. A new count has 31 of them, and would tell the other 4.
    rows = [31, 4, 40]
    counts = [JointCount(0b011, True), JointCount(0b001), JointCount(0b100)]
    assert shown_beside(rows, counts, [1, 2]) == frozenset({2})


def test_a_count_that_follows_from_shown_ones_is_shown() -> None:
    rows = [30, 40, 50]
    counts = [JointCount(0b011, True), JointCount(0b001, True), JointCount(0b010)]
    assert shown_beside(rows, counts, [2]) == frozenset({2})


def test_a_report_is_withheld_if_the_earlier_ones_tell_its_small_number() -> None:
    rows = [30, 4]
    counts = [JointCount(0b11, True), JointCount(0b01, True), JointCount(0b10)]
    assert shown_beside(rows, counts, [2]) is None


# The commands


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_file(tmp_path, 6)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def print_json(words: list[str], name: str, capsys: Capture) -> dict[str, Any]:
    """Run a command, and keep its JSON in a file."""
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    text = capsys.readouterr().out
    Path(name).write_text(text)
    return dict(json.loads(text))


def refused(words: list[str], capsys: Capture) -> str:
    capsys.readouterr()
    assert main(words) == 2
    return capsys.readouterr().err


@needs_solver
def test_reports_and_memos_are_made_beside_each_other(folder: Path, capsys: Capture) -> None:
    print_json([*DECIDE, *BY_RACE], "first.json", capsys)
    where = ["--where", "sex=F"]
    second = [*CHANGE, *COHORT, "--by", "race", *where, "--beside", "first.json"]
    memo = print_json([*second, "--html", "page.html"], "second.json", capsys)
    (digest,) = memo["cohort"]["beside"]
    assert "--beside first.json" in memo["repeat"]["command"]
    assert digest in Path("page.html").read_text()
    assert main(second) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert f"Made beside the report {digest}: together with this report, they tell" in text
    third = [*DECIDE, *BY_RACE, "--where", "race=a", "--beside", "second.json"]
    assert "[report-not-beside]" in refused(third, capsys)
    value = print_json([*third, "--beside", "first.json"], "third.json", capsys)
    assert sorted(value["cohort"]["beside"]) == sorted([digest, memo["memo"]])
    # Of one report, the option is named.
    assert main([*DECIDE, *BY_RACE]) == 0
    assert "A report made with --beside REPORT" in " ".join(capsys.readouterr().out.split())


@needs_solver
def test_a_memo_of_several_stretches_of_days_is_asked_again(folder: Path, capsys: Capture) -> None:
    """Also the days on which one pack gives no answer."""
    later = "value: 4, source: own}, {value: 9, from: 2027-01-01, source: own}"
    new = PACK.replace("value: 4, source: own}", later).replace("value: 4", "value: 3")
    new = new.replace("from: 2020-01-01", "from: 2020-01-01, until: 2028-01-01")
    pack_in(folder / "old")
    pack_in(folder / "new", new)
    change = ["change", "old/riverton", "new/riverton", "--decision", "eligibility", *COHORT]
    change += ["--today", "2026-01-01", "--by", "race"]
    memo = print_json(change, "first.json", capsys)
    assert memo["cohort"]["later"] and memo["cohort"]["without_rules"]
    beside = ["--where", "sex=F", "--beside", "first.json"]
    second = print_json([*change, *beside], "second.json", capsys)
    assert second["cohort"]["beside"] == [memo["memo"]]


@needs_solver
def test_the_drafts_of_a_memo_are_found_by_its_command(folder: Path, capsys: Capture) -> None:
    """A second draft beside the memo of the first. Once the first is edited, it is gone."""
    for name, cap in (("old", 3), ("one", 4), ("two", 9)):
        pack_in(folder / name, PACK.replace("value: 4", f"value: {cap}"))
    change = ["change", "old/riverton", "--decision", "eligibility", *COHORT, "--by", "race"]
    print_json([*change[:2], "one/riverton", *change[2:]], "first.json", capsys)
    second = [*change[:2], "two/riverton", *change[2:], "--beside", "first.json"]
    assert len(print_json(second, "second.json", capsys)["cohort"]["beside"]) == 1
    pack_in(folder / "one", PACK.replace("value: 4", "value: 5"))
    said = refused(second, capsys)
    assert "[pack-not-at-hand]" in said and f"`{folder.resolve() / 'one' / 'riverton'}`" in said
    # A draft that is kept as it was, under another name of its folder, is found again.
    missing = [*change[:2], "two/riverton", *change[2:], "--beside", "none.json"]
    assert "`none.json` doesn't exist" in refused(missing, capsys)


@needs_solver
def test_the_memo_of_a_draft_on_a_console_is_made_beside_others(
    folder: Path, capsys: Capture
) -> None:
    """The console makes it in a process of its own."""
    pack_in(folder / "old", PACK.replace("value: 4", "value: 3"))
    draft = Path(pack_in(folder / "draft"))
    change = ["change", "old/riverton", "draft/riverton", "--decision", "eligibility"]
    memo = print_json([*change, *COHORT, "--by", "race"], "first.json", capsys)
    source = CohortSource("rows.csv", "map.yaml", ("sex",), allowed=50)
    request = CohortRequest(source, beside=read_reports(["first.json"], []))
    check = check_apart({"riverton": "old/riverton"}, draft, date(2026, 1, 1), request)
    assert check.memo is not None and check.memo["cohort"]["beside"] == [memo["memo"]]


@needs_solver
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("file", "report-of-another-file"),
        ("map", "report-of-another-map"),
        ("pack", "pack-not-at-hand"),
        ("number", "report-differs"),
        ("group", "report-differs"),
        ("assumed", "report-differs"),
        ("asked", "not-a-report"),
        ("text", "not-a-report"),
        ("missing", "not-a-report"),
    ],
)
def test_what_cannot_be_asked_again_is_refused(
    change: str, code: str, folder: Path, capsys: Capture
) -> None:
    value = print_json([*DECIDE, *BY_RACE], "first.json", capsys)
    cohort = value["cohort"]
    everyone, group = cohort["programs"][0]["groups"][:2]
    if change == "file":
        Path("rows.csv").write_text(Path("rows.csv").read_text() + "\n")
    elif change == "map":
        Path("map.yaml").write_text(Path("map.yaml").read_text() + "\n")
    elif change == "pack":
        cohort["asked"][0]["sides"][0]["digest"] = f"sha256:{'0' * 64}"
    elif change == "number":
        everyone["rows"] += 1
    elif change == "group":
        group["group"] = "another"
    elif change == "assumed":
        cohort["assumed"]["judgment.amenable"] = False
    elif change == "asked":
        del cohort["asked"]
    Path("first.json").write_text("no JSON" if change == "text" else json.dumps(value))
    name = "none.json" if change == "missing" else "first.json"
    assert f"[{code}]" in refused([*DECIDE, *BY_RACE, "--beside", name], capsys)


@needs_solver
def test_a_memo_that_was_edited_is_refused(folder: Path, capsys: Capture) -> None:
    memo = print_json([*CHANGE, *COHORT], "first.json", capsys)
    memo["cohort"]["groups"][0]["rows"] = {"hidden": True}
    Path("first.json").write_text(json.dumps(memo))
    words = [*DECIDE, *BY_RACE, "--beside", "first.json"]
    assert "[memo-changed]" in refused(words, capsys)
    del memo["cohort"]
    del memo["memo"]
    Path("first.json").write_text(json.dumps(memo))
    assert "[not-a-report]" in refused(words, capsys)


def test_the_option_is_for_counted_rows(folder: Path, capsys: Capture) -> None:
    assert "`--beside` is for counted rows" in refused([*CHANGE, "--beside", "a.json"], capsys)
    alone = ["decide", "santa-fe", "eligibility", "facts.json", "--beside", "a.json"]
    assert "`--beside` is for counted rows" in refused(alone, capsys)


@needs_solver
def test_spark_and_standard_input_are_refused(folder: Path, capsys: Capture) -> None:
    print_json([*DECIDE, *BY_RACE], "first.json", capsys)
    beside = [*BY_RACE, "--beside", "first.json"]
    assert "leave one out" in refused([*DECIDE, *beside, "--engine", "spark"], capsys)
    piped = [word if word != "rows.csv" else "-" for word in DECIDE]
    assert "[report-of-another-file]" in refused([*piped, *beside], capsys)


@needs_solver
@pytest.mark.skipif(find_spec("duckdb") is None, reason="the database isn't installed")
def test_second_reports_of_louisiana_show_the_share_that_the_page_states(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """The first is by race. Of the second, the page shows the table, and counts what is shown."""
    page = (ROOT / "docs" / "cohorts.md").read_text()
    file = shared("data/la_nibrs_arrestees_2010_2020.csv.gz").resolve()
    (tmp_path / "louisiana.csv.gz").symlink_to(file)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")
    blocks = re.search(
        r"^```text\n\$ ([^\n]+) > first.json\n\$ ([^\n]+)\n…\n(.*?)…\n```$", page, FLAGS
    )
    assert blocks is not None
    first, second, table = blocks[1].split()[1:], blocks[2].split()[1:], blocks[3]
    print_json(first, "first.json", capsys)
    assert main(second) == 0
    assert table in capsys.readouterr().out
    women = second[: second.index("--beside")]
    of_2014 = [word.replace("2018-10-01", "2014-04-01") for word in first]
    for row, words in (("women", women), ("the rules of 2014", of_2014)):
        alone = shown(print_json(words, "alone.json", capsys))
        beside = shown(print_json([*words, "--beside", "first.json"], "second.json", capsys))
        assert f"| {row}, by race | {alone} | {beside} |" in page


def shown(report: dict[str, Any]) -> int:
    """Return how many counts of the table are shown, without zeros."""
    groups = report["cohort"]["programs"][0]["groups"]
    counts = [group["rows"] for group in groups]
    for group in groups:
        counts += [group["answers"]["either"]]
        counts += [item[end] for item in group["ranges"] for end in ("surely", "at_most")]
    return sum(1 for count in counts if isinstance(count, int) and count)
