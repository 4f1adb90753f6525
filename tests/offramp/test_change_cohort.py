"""Who is affected by a change: the section of the memo, its JSON, and what is refused.

The contract's cohorts are counted through the real command. Figures of the packs of that day that
the law has changed since are recomputed without the engine in `test_cohort_files`.
"""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from offramp.cli import main
from offramp.policy import progress
from offramp.policy.counted_rows_text import counted_row_lines, touched_rows
from tests.conftest import ROOT, shared
from tests.support.riverton import pack_in

pytest.importorskip("z3", reason="the solver isn't installed")

CONTRACT = "contract/change-examples.jsonl"
SANTA_FE = ["santa-fe@2014-04-01", "santa-fe@2018-10-01"]
MAP = """\
title: arrests
id: id
unit: arrest
unknown: [""]
facts:
  encounter.date: {column: day}
  encounter.route: {value: arrest}
  person.age: {column: age}
  encounter.charges: {items: [{conduct: {value: possession}, violent: {value: false}}]}
  encounter.drugs:
    items: [{kind: {column: kind}, grams: {column: grams}, form: {value: weighed}}]
"""
HEAD = "id,day,age,kind,grams,place\n"


def rows(number: int, start: int, **cells: str) -> str:
    usual = {"day": "2014-05-01", "age": "30", "kind": "opioid", "grams": "2", "place": "north"}
    text = ",".join((usual | cells).values())
    return "".join(f"{start + index},{text}\n" for index in range(number))


# 40 change surely, 30 stay out, 25 stay in. 27 can change: a drug without weight, of 12 without a
# kind. 15 of an unknown kind weigh more than both limits: they are out whatever they are.
ARRESTS = HEAD + "".join(
    [
        rows(40, 100, grams="4"),
        rows(30, 200, grams="7", place="south"),
        rows(25, 300),
        rows(12, 400, kind="", grams=""),
        rows(15, 500, grams="", place="south"),
        rows(15, 600, kind="", grams="9"),
    ]
)


class Memos:
    """Runs `offramp change … --cohort` on a made-up file, in this process."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys

    def run(
        self, table: str, *more: str, sides: Sequence[str] = SANTA_FE, mapping: str = MAP
    ) -> tuple[int, str]:
        file, map_file = self.folder / "rows.csv", self.folder / "map.yaml"
        file.write_text(table)
        map_file.write_text(mapping)
        words = ["change", *sides, "--cohort", str(file), "--map", str(map_file)]
        self.capsys.readouterr()
        code = main([*words, *more])
        printed = self.capsys.readouterr()
        if code == 2:
            assert printed.out == ""
        return code, printed.out + printed.err

    def memo(self, table: str, *more: str, sides: Sequence[str] = SANTA_FE) -> dict[str, Any]:
        code, text = self.run(table, "--json", *more, sides=sides)
        assert code == 0, text
        memo: dict[str, Any] = json.JSONDecoder().raw_decode(text)[0]  # standard error follows
        return memo


@pytest.fixture
def memos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Memos:
    return Memos(tmp_path, capsys)


def groups(cohort: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {group["group"]: group for group in cohort["groups"]}


def flips(group: dict[str, Any]) -> dict[tuple[str, str], tuple[Any, Any]]:
    return {
        (flip["before"], flip["after"]): tuple(
            "hidden" if flip[end] == {"hidden": True} else flip[end]
            for end in ("surely", "at_most")
        )
        for flip in group["flips"]
    }


GAIN = ("ineligible", "eligible")


def test_rows_that_change_are_counted_surely_and_at_most(memos: Memos) -> None:
    memo = memos.memo(ARRESTS, "--by", "place", "--decision", "eligibility")
    cohort = memo["cohort"]
    assert (cohort["rows"], cohort["selected"], cohort["unit"]) == (137, 137, "arrest")
    assert (cohort["decision"], cohort["by"], cohort["left_out"]) == ("eligibility", "place", [])
    counted = groups(cohort)
    assert flips(counted["ALL"]) == {GAIN: (40, 67)}
    assert flips(counted["north"]) == {GAIN: (40, 52)}
    assert flips(counted["south"]) == {GAIN: (0, 15)}
    everyone = counted["ALL"]
    assert everyone["before"] == {"eligible": 25, "either": 27, "ineligible": 85}
    assert everyone["after"] == {"eligible": 65, "either": 27, "ineligible": 45}
    (flip,) = everyone["flips"]
    assert flip["sharp"] and flip["rate"] == [0.291971, 0.489051]
    assert flip["interval"][0] < flip["rate"][0] < flip["rate"][1] < flip["interval"][1]


def test_the_deciding_rules_of_each_side_are_named_and_counted(memos: Memos) -> None:
    cohort = memos.memo(ARRESTS, "--decision", "eligibility")["cohort"]
    (flip,) = cohort["groups"][0]["flips"]
    assert flip["rules"] == {"before": ["over-the-cap"], "after": ["otherwise"]}
    decided = {
        side: {item.get("rule", item["decides"]): item["rows"] for item in rows}
        for side, rows in cohort["rules"].items()
    }
    # 15 drugs of an unknown kind are opioids over the cap, or another drug alone.
    assert decided["before"] == {"over-the-cap": 70, "otherwise": 25, "open": 42}
    assert decided["after"] == {"over-the-cap": 30, "otherwise": 65, "open": 42}
    says = next(item["says"] for item in cohort["rules"]["before"] if "rule" in item)
    assert "3 g" in says
    text = memos.run(ARRESTS)[1]
    assert "decided before by  `over-the-cap`" in text


def test_rules_beside_a_hidden_count_are_not_named(memos: Memos) -> None:
    table = HEAD + rows(300, 100) + rows(5, 500, grams="4")
    (flip,) = memos.memo(table)["cohort"]["groups"][0]["flips"]
    assert flip["at_most"] == flip["rules"] == {"hidden": True}


def capped(folder: Path, *limits: tuple[str, int]) -> str:
    """Write a pack that takes its cap from each of these days on, and return its folder."""
    values = [{"from": since, "value": limit, "source": "own"} for since, limit in limits]
    pack = {
        "id": "riverton",
        "title": "Riverton",
        "extends": "santa-fe",
        "time_zone": "America/Denver",
        "program": {"from": "2026-06-01", "source": "own"},
        "sources": {"own": {"title": "A resolution", "address": "the clerk", "confidence": "low"}},
        "override": {
            "parameters": {"quantity_cap": {"label": "opiate limit", "unit": "g", "values": values}}
        },
    }
    return str(pack_in(folder, json.dumps(pack)))


START = "2026-06-01"


def test_drugs_of_an_unknown_kind_below_both_limits_change_in_no_case(
    memos: Memos, tmp_path: Path
) -> None:
    """Since 2021 a rule reads the code of a charge, which no row has."""
    sides = [f"{capped(tmp_path / str(cap), (START, cap))}@2026-07-01" for cap in (3, 6)]
    table = HEAD + rows(20, 100, kind="") + rows(15, 200, kind="", grams="4")
    cohort = memos.memo(table, "--decision", "eligibility", sides=sides)["cohort"]
    everyone = cohort["groups"][0]
    assert flips(everyone) == {GAIN: (0, 15)} and everyone["flips"][0]["sharp"]
    assert cohort["not_sharp"] == []
    assert everyone["flips"][0]["rules"] == {"before": ["over-the-cap"], "after": ["otherwise"]}
    assert everyone["before"] == {"eligible": 0, "either": 20, "ineligible": 15}
    assert everyone["after"] == {"eligible": 0, "either": 35, "ineligible": 0}
    for side in ("before", "after"):
        assert cohort["rules"][side] == [{"decides": "open", "rows": 35}]


def test_rows_are_counted_by_the_rules_of_each_day_on_which_the_sides_differ(
    memos: Memos, tmp_path: Path
) -> None:
    """A cap that rises next year, and again later, moves no row under the rules of today."""
    old = capped(tmp_path / "old", (START, 3))
    new = capped(tmp_path / "new", (START, 3), ("2027-03-01", 6), ("2028-01-01", 10))
    table = HEAD + rows(20, 100, grams="4") + rows(15, 200, grams="9") + rows(30, 300)
    words = "--decision", "eligibility", "--today", "2026-12-01"
    cohort = memos.memo(table, *words, sides=[old, new])["cohort"]
    (later,) = cohort["later"]
    assert [part["rules_of"] for part in (cohort, later)] == [
        {
            "before": "2027-03-01",
            "after": "2027-03-01",
            "until": "2028-01-01",
            "same_since": "2026-12-01",
        },
        {"before": "2028-01-01", "after": "2028-01-01", "until": None},
    ]
    assert flips(cohort["groups"][0]) == {GAIN: (20, 20)}
    assert flips(later["groups"][0]) == {GAIN: (35, 35)}
    said = "the rules of March 1, 2027, again by those of January 1, 2028, whatever their own days"
    page = tmp_path / "memo.html"
    text = memos.run(table, *words, "--html", str(page), sides=[old, new])[1]
    assert said in " ".join(" ".join(counted_row_lines(cohort)).split())  # as a signer reads it
    assert said in " ".join(text.split()) and said in page.read_text()
    assert "No answer changes" not in text and "No answer changes for" not in page.read_text()
    assert touched_rows({"cohort": cohort})[:2] == [
        "From March 1, 2027 to December 31, 2027: At least 20 and at most 20 of 65 arrests go from "
        "ineligible to eligible.",
        "From January 1, 2028 on: At least 35 and at most 35 of 65 arrests go from ineligible to "
        "eligible.",
    ]
    on_the_day = [f"{side}@2027-03-01" for side in (old, capped(tmp_path / "6", (START, 6)))]
    alone = memos.memo(table, "--decision", "eligibility", sides=on_the_day)["cohort"]
    assert alone["groups"] == cohort["groups"] and alone["rules"] == cohort["rules"]


def test_counts_of_each_side_add_up_to_the_rows(memos: Memos) -> None:
    cohort = memos.memo(ARRESTS, "--by", "place")["cohort"]
    everyone, *parts = cohort["groups"]
    for side in ("before", "after"):
        assert sum(everyone[side].values()) == everyone["rows"] == cohort["selected"]
    assert sum(part["rows"] for part in parts) == everyone["rows"]
    for end in ("surely", "at_most"):
        counts = [part["flips"][0][end] for part in parts]
        assert sum(counts) == everyone["flips"][0][end]


def test_the_same_rules_twice_move_no_row_also_at_most(memos: Memos) -> None:
    memo = memos.memo(ARRESTS, sides=[SANTA_FE[1]] * 2)
    assert memo["redline"] == [] and "eligibility" in memo["unchanged"]
    assert all(group["flips"] == [] for group in memo["cohort"]["groups"])
    text = memos.run(ARRESTS, sides=[SANTA_FE[1]] * 2)[1]
    assert "No answer changes for any of these arrests." in text


def test_a_change_that_is_proved_never_to_happen_has_no_row(memos: Memos) -> None:
    """Also without time for the solver, when only the wider range of logic is known."""
    memo = memos.memo(ARRESTS, "--decision", "eligibility")
    never = {(item["before"], item["after"]) for item in memo["decisions"]["eligibility"]["never"]}
    assert never == {("eligible", "ineligible")}
    assert not never & set(flips(memo["cohort"]["groups"][0]))


def test_a_fact_that_a_changed_rule_reads_is_never_assumed(memos: Memos) -> None:
    assumed = memos.memo(ARRESTS)["cohort"]["assumed"]
    assert "judgment.above_subsistence" not in assumed
    assert assumed["judgment.amenable"] is True


def test_nothing_is_assumed_on_request(memos: Memos) -> None:
    memo = memos.memo(ARRESTS, "--assume", "nothing")
    assert memo["cohort"]["assumed"] == {}
    # The 40 and the 27. Nothing moves 2 g, nor 9 g of any kind.
    assert flips(memo["cohort"]["groups"][0]) == {GAIN: (0, 67)}
    assert memo["repeat"]["command"].endswith("--assume nothing")


def test_what_a_report_prints_as_assumed_is_a_file_for_another_report(memos: Memos) -> None:
    """A change assumes nothing that its changed rules read, and `decide` does."""
    before = memos.memo(ARRESTS)["cohort"]["groups"][0]["before"]
    words = ["decide", "santa-fe", "eligibility", str(memos.folder / "rows.csv"), "--by", "place"]
    words += ["--map", str(memos.folder / "map.yaml"), "--as-of", "2018-10-01"]
    memos.capsys.readouterr()
    assert main(words) == 0
    alone = memos.capsys.readouterr().out
    (printed,) = re.findall(r"\{.+?\}", alone.partition("No column says these")[0], re.DOTALL)
    assert json.loads(printed)["judgment.above_subsistence"] is False
    file = memos.folder / "assumed.json"
    file.write_text(printed)
    memo = memos.memo(ARRESTS, "--assume", str(file))
    assert memo["cohort"]["assumed"] == json.loads(printed) and memo["cohort"]["assumed_is_given"]
    assert main([*words, "--assume", str(file)]) == 0
    again = memos.capsys.readouterr().out
    assert "Given with --assume" in again and again.split("\n\n")[2:] == alone.split("\n\n")[2:]
    assert memo["cohort"]["groups"][0]["before"] == before


def test_the_command_of_the_memo_counts_the_same_rows(
    memos: Memos, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--by", "place", "--where", "age=18..", "--min-cell", "12"]
    memo = memos.memo(ARRESTS, *where, "--decision", "eligibility")
    words = memo["repeat"]["command"].split()
    assert words[0] == "offramp" and main([*words[1:], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cohort"] == memo["cohort"]


def test_the_section_says_what_was_counted_and_nothing_of_people(memos: Memos) -> None:
    code, text = memos.run(ARRESTS, "--by", "place")
    assert code == 0
    section = text.split("5. Who is affected")[1].split("\n6. ")[0]
    assert "How the rule treats these arrests, by eligibility" in section
    assert "From ineligible to eligible:" in section
    (line,) = [line for line in section.splitlines() if line.strip().startswith("ALL")]
    assert line.split()[:4] == ["ALL", "137", "40", "67"]
    assert not re.search(r"would be eligible|savings|score|people who", section)


def test_left_out_rows_are_named_at_the_head_of_the_memo(memos: Memos) -> None:
    table = ARRESTS + "900,2014-05-01,forty,opioid,2,north\n"
    _, text = memos.run(table)
    assert "a hidden number that can't be read" in text.split("1. What changes")[0]
    (item,) = memos.memo(table)["cohort"]["left_out"]
    assert item == {"column": "age", "reason": item["reason"], "rows": {"hidden": True}}
    assert "900" not in json.dumps(memos.memo(table)["cohort"])
    assert "(id 900)" in text  # on standard error


def test_strict_refuses_a_row_that_is_left_out(memos: Memos) -> None:
    code, text = memos.run(ARRESTS + "900,2014-05-01,forty,opioid,2,north\n", "--strict")
    assert code == 2 and "`age`" in text


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--decision", "offer", "--decision", "eligibility"], "one decision at a time"),
        (["--min-cell", "5"], "`--min-cell 5`"),
        (["--where", "place"], "`--where place`"),
        (["--where", "place=west"], "no row of the file is selected"),
        (["--by", "nowhere"], "`nowhere`"),
    ],
)
def test_words_that_make_no_sense_are_refused(more: list[str], says: str, memos: Memos) -> None:
    code, text = memos.run(ARRESTS, *more)
    assert code == 2 and says in text


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--by", "place"], "`--by`"),
        (["--map", "louisiana-nibrs"], "`--map`"),
        (["--cohort", "rows.csv"], "`--cohort`"),
    ],
)
def test_words_of_a_cohort_need_each_other(
    more: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["change", *SANTA_FE, *more]) == 2
    assert says in capsys.readouterr().err


def test_what_is_assumed_is_to_blame_for_its_own_value(memos: Memos) -> None:
    file = memos.folder / "assumed.json"
    for assumed, place in (
        ({"judgment.amenable": "yes"}, "`judgment.amenable` is `yes`"),
        ({"encounter.charges.authority": 3}, "`encounter.charges.authority` is a number"),
    ):
        file.write_text(json.dumps(assumed))
        code, text = memos.run(ARRESTS, "--assume", str(file))
        assert code == 2 and f"what is assumed (`--assume`): {place}" in text


class Terminal(io.StringIO):
    """A terminal that keeps what is shown on it."""

    def isatty(self) -> bool:
        return True


def test_a_long_wait_is_shown_on_a_terminal_and_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A count in DuckDB and a question to the solver have no parts to be counted."""
    monkeypatch.setattr(progress, "_AFTER", 0.01)
    monkeypatch.setattr(progress, "_EVERY", 0.01)
    terminal, shown = Terminal(), Event()
    monkeypatch.setattr(terminal, "flush", shown.set)
    with progress.waiting(terminal, "counting the rows"):
        assert shown.wait(20)
    assert terminal.getvalue().startswith("\rcounting the rows, 0 s")
    assert terminal.getvalue().endswith(f"\r{'':60}\r")
    monkeypatch.setattr(progress, "_AFTER", 60.0)
    quiet = Terminal()
    with progress.waiting(quiet, "counting the rows"), progress.waiting(None, "nothing"):
        pass
    assert quiet.getvalue() == ""


SHOWN_SOON = """
import sys
from offramp.policy import progress
from offramp.policy.counted_rows_text import touched_rows

progress._AFTER = 0.001
from offramp.cli import main

sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("words", "doing"),
    [
        (["change", *SANTA_FE, "--cohort", "rows.csv", "--map", "map.yaml"], "counting the rows"),
        (["prove", "lead"], "proving lead"),
        (["test", "lead", "--mutants"], "trying lead"),
    ],
    ids=["change", "prove", "test"],
)
def test_what_takes_long_is_shown_on_a_terminal_and_in_no_pipe(
    tmp_path: Path, words: list[str], doing: str
) -> None:
    (tmp_path / "rows.csv").write_text(ARRESTS)
    (tmp_path / "map.yaml").write_text(MAP)
    command = [sys.executable, "-c", SHOWN_SOON, *words]
    parent, terminal = pty.openpty()
    with os.fdopen(parent, "rb", buffering=0) as shown:
        with os.fdopen(terminal, "wb") as errors:
            subprocess.run(
                command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=errors, check=True
            )
        assert doing.encode() in shown.read(65_536)
    piped = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    assert piped.stderr == b""


# The worked example of the page


def test_the_worked_example_prints_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, file in (
        ("louisiana.csv.gz", "la_nibrs_arrestees_2010_2020.csv.gz"),
        ("nypd.csv.gz", "nypd_arrests_2017-12.csv.gz"),
    ):
        (tmp_path / name).symlink_to(shared(f"data/{file}").resolve())
    text = (ROOT / "docs" / "change.md").read_text()
    pages = re.findall(r"^```text\n\$ (.+?)\n…\n(.*?)…\n```$", text, re.MULTILINE | re.DOTALL)
    assert len(pages) == 2
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")
    for command, shown in pages:
        capsys.readouterr()
        assert main(command.split()[1:]) == 0
        assert shown in capsys.readouterr().out
        assert not re.search(r"would be eligible|savings|score|people who|\bnet\b", shown)


def test_lead_beside_drug_court_has_the_figures_of_the_page_on_counted_rows() -> None:
    """`test_cohort_text` runs the command of that page."""
    page, _, _ = (ROOT / "docs" / "cohorts.md").read_text().partition("## Small counts")
    counted = re.findall(r"^ALL +([\d,]+) +([\d,]+) +([\d,]+) +([\d,]+) ", page, re.MULTILINE)
    rows = re.findall(
        r"^\| (?:Santa Fe LEAD|King.*?Court) \| (.*) \|$",
        (ROOT / "docs" / "change.md").read_text(),
        re.MULTILINE,
    )
    assert [tuple(row.split(" | ")) for row in rows] == counted and len(counted) == 2


# The contract's examples


def example(name: str) -> dict[str, Any]:
    for line in shared(CONTRACT).read_text().splitlines():
        case: dict[str, Any] = json.loads(line)
        if case["id"].startswith(name):
            return case
    raise AssertionError(name)


@pytest.mark.parametrize("name", ["d13", "d14"])
def test_the_contract_s_bad_files_make_no_memo(name: str, memos: Memos) -> None:
    case = example(name)
    file = memos.folder / "cohort.csv"
    file.write_text(case["content"])
    mapping = case.get("map", "nypd-arrests")
    words = ["change", *SANTA_FE, "--cohort", str(file), "--map", mapping, "--json"]
    assert main(words) == 2
    printed = memos.capsys.readouterr()
    error = json.loads(printed.out or printed.err)["error"]
    assert error["code"] == case["expect"]["code"]
    for column in case["expect"].get("names", ()):
        assert f"`{column}`" in error["message"]


def contract_memo(
    case: dict[str, Any], capsys: pytest.CaptureFixture[str], *more: str
) -> dict[str, Any]:
    words = ["change", case["old"], case["new"], "--decision", case["decision"], "--json"]
    words += ["--cohort", str(shared(case["cohort"].removeprefix("../shared/")))]
    for column, values in case.get("where", {}).items():
        for value in [f"{values[2:]}.."] if isinstance(values, str) else values:
            words += ["--where", f"{column}={value}"]
    capsys.readouterr()
    assert main([*words, "--map", case["map"], *more]) == 0
    memo: dict[str, Any] = json.loads(capsys.readouterr().out)
    return memo


def test_louisiana_s_adults_under_the_contract_s_assumption(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Since the contract, homicide bars: one row of those that surely change is open for it.

    Pills without a prescription are weighed too, so fewer rows are surely eligible after.
    """
    case = example("d07")
    assumed = tmp_path / "assumed.json"
    # Since the contract: a charge under federal or tribal law bars.
    assumed.write_text(json.dumps(case["assume"] | {"encounter.charges.authority": "state"}))
    memo = contract_memo(case, capsys, "--by", "race", "--assume", str(assumed))
    counted = groups(memo["cohort"])
    pair = tuple(case["expect"]["pair"])
    shown = {name: dict(ends) for name, ends in case["expect"]["shown"].items()}
    assert shown["ALL"]["surely"] == 38 and shown["white"]["surely"] == 26
    shown["ALL"]["surely"], shown["white"]["surely"] = 37, 25
    for name, ends in shown.items():
        assert flips(counted[name]) == {pair: (ends["surely"], ends["at_most"])}
    expected = case["before_suppression"]
    assert counted["ALL"]["rows"] == expected["ALL"]["rows"] == 42_596
    assert counted["ALL"]["before"] == {"eligible": 412, "either": 2_722, "ineligible": 39_462}
    assert counted["ALL"]["after"]["ineligible"] == expected["ALL"]["after"]["surely_ineligible"]
    assert {name: counted[name]["rows"] for name in ("black", "hispanic", "white")} == {
        name: expected[name]["rows"] for name in ("black", "hispanic", "white")
    }


def test_new_york_s_arrests_before_and_after_the_act_of_2021(
    capsys: pytest.CaptureFixture[str],
) -> None:
    case = example("d09")
    memo = contract_memo(case, capsys, "--by", "race")
    counted, expect = groups(memo["cohort"]), case["expect"]
    pair = tuple(expect["pair"])
    assert memo["cohort"]["rows"] == expect["rows"]
    assert flips(counted["ALL"])[pair][0] == expect["surely"] == 34
    assert flips(counted["black"])[pair][0] == expect["shown"]["black"]
    for name in ("hispanic", "white"):
        assert flips(counted[name])[pair][0] == expect["shown"][name] == "hidden"
