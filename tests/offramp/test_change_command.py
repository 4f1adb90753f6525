"""The command that tests a rule change: its memo, its JSON, and what it refuses."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from offramp.cli import main
from offramp.memo_file import digest_of
from offramp.policy.operations import change_memo
from rules.errors import RequestError
from tests.conftest import ROOT, SHARED, shared
from tests.support.riverton import PACK, PROMISE, pack_in

pytest.importorskip("z3", reason="the solver isn't installed")

SANTA_FE = ["santa-fe@2014-04-01", "santa-fe@2018-10-01"]
THREE = ["--decision", "eligibility", "--decision", "admission", "--decision", "screening"]
SCENARIO = {
    "id": "too-young",
    "says": "He is 17.",
    "decision": "eligibility",
    "as_of": "2021-05-05",
    "facts": {"person": {"age": 17}},
    "expect": {"outcome": "ineligible"},
}


def memo_of(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    """Run the command and return its memo as JSON."""
    capsys.readouterr()
    assert main(["change", *words, "--json"]) == code
    memo: dict[str, Any] = json.loads(capsys.readouterr().out)
    return memo


# The worked example


def test_the_cap_of_santa_fe_goes_from_3_to_6_grams(capsys: pytest.CaptureFixture[str]) -> None:
    memo = memo_of(capsys, *SANTA_FE, "--decision", "eligibility")
    cap = next(line for line in memo["redline"] if line["what"] == "parameter quantity_cap")
    assert (cap["before"], cap["after"]) == ("3 g", "6 g")
    assert cap["source"] == "santa-fe-referral" and "undated" in cap["provisional"]
    assert cap["source_before"] == "nation-2014"
    hows = {line["what"]: line["how"] for line in memo["redline"]}
    assert hows["rule eligibility.intent-to-sell"] == "went"
    assert hows["rule eligibility.sale-above-subsistence"] == "came"
    assert hows["exception eligibility.over-the-cap.pills-are-not-weighed"] == "came"
    assert not [what for what in hows if what.startswith("rule offer.")]
    answers = memo["decisions"]["eligibility"]
    assert answers["bound"]["complete"] is True
    (pair,) = answers["pairs"]
    assert (pair["before"], pair["after"]) == ("ineligible", "eligible")
    assert answers["never"] == [{"before": "eligible", "after": "ineligible"}]
    assert "3 g" in pair["regions"][0]["all"][0]["says"], "the changed number is first"
    assert all(region["and_no_other_bar"] for region in pair["regions"])
    assert [pair["regions_left_out"], pair["complete"]] == [0, True]
    assert pair["example"]["rules"] == {"before": ["over-the-cap"], "after": ["otherwise"]}
    assert ["ineligible", "undetermined"] in answers["with_unknowns"]
    assert ["undetermined", "eligible"] in answers["with_unknowns"]
    # What was not met is open, and the list claims no more than it has.
    still_open = answers["with_unknowns_open"]
    assert answers["with_unknowns_complete"] is (still_open == [])
    assert all("undetermined" in pair for pair in still_open)
    assert not any(pair in answers["with_unknowns"] for pair in still_open)
    flips = {flip["id"] for flip in memo["scenarios"]["flips"]}
    assert "six-grams-exactly" in flips


def test_what_only_reads_the_answer_is_said_apart(capsys: pytest.CaptureFixture[str]) -> None:
    memo = memo_of(capsys, *SANTA_FE, *THREE)
    assert set(memo["decisions"]) == {"eligibility"}
    assert set(memo["unchanged"]) == {"admission", "screening"}
    assert memo["changed_only_through"] == {"admission": ["eligibility"]}


def test_the_words_have_every_part_in_order_and_none_that_is_forbidden(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["change", *SANTA_FE, *THREE]) == 0
    text = capsys.readouterr().out
    titles = re.findall(r"^\d\. (.*)$", text, re.MULTILINE)
    assert titles == [
        "What changes",
        "Which cases change",
        "Do the scenarios notice?",
        "Open cases on the day",
        "How to repeat it",
    ]
    assert "- parameter quantity_cap changes: 3 g -> 6 g" in text
    assert "Proved: no case goes from eligible to ineligible." in text
    assert "admission changes only through eligibility: its own rules are the same." in text
    for forbidden in ("savings", "would be eligible in", "people who use drugs", "you should"):
        assert forbidden not in text


def test_the_memo_s_digest_covers_everything_else_and_no_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    first = memo_of(capsys, *SANTA_FE, "--decision", "screening")
    again = memo_of(capsys, *SANTA_FE, "--decision", "screening")
    assert first == again
    assert first["memo"] == digest_of(first)
    other = {**first, "redline": []}
    assert digest_of(other) != first["memo"]
    words = first["repeat"]["command"].split()[2:]
    assert memo_of(capsys, *words) == first


def test_the_same_pack_twice_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    memo = memo_of(capsys, "drug-court", "drug-court", "--today", "2020-01-01")
    assert memo["redline"] == [] and memo["decisions"] == {} and memo["scenarios"]["flips"] == []
    assert memo["old"] == memo["new"]


# A city's own packs


def test_a_cap_of_40_grams_instead_of_4_is_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    adult = {"person": {"age": 30}, "judgment": {"amenable": True}}
    scenarios = [
        {
            "id": "little",
            "says": "Little.",
            "decision": "eligibility",
            "facts": {**adult, "encounter": {"date": "2021-01-01", "charges": [], "drugs": []}},
            "expect": {"outcome": "eligible"},
        }
    ]
    old = pack_in(tmp_path / "old", PACK, scenarios)
    new = pack_in(tmp_path / "new", PACK.replace("value: 4", "value: 40"), scenarios)
    words = ("--today", "2026-01-01", "--decision", "eligibility")
    memo = memo_of(capsys, old, new, *words)
    (pair,) = memo["decisions"]["eligibility"]["pairs"]
    assert (pair["before"], pair["after"]) == ("ineligible", "eligible")
    grams = sum(drug["grams"] for drug in pair["example"]["facts"]["encounter"]["drugs"])
    assert 4 < grams <= 40
    assert memo["scenarios"]["flips"] == []
    edges = memo["scenarios"]["edges"]
    changes, exactly, beyond = edges
    assert exactly["says"] == "The case is exactly at 40 g: eligible."
    assert beyond["says"] == "The case is just beyond 40 g: ineligible."
    # The scenarios are ready: with them, the new pack passes and the old one fails.
    new = pack_in(tmp_path / "new", PACK.replace("value: 4", "value: 40"), [*scenarios, *edges])
    assert main(["test", new]) == 0
    old = pack_in(tmp_path / "old", PACK, [*scenarios, *edges])
    assert main(["test", old]) == 1
    again = memo_of(capsys, old, new, *words)
    assert again["scenarios"]["edges"] == []
    flips = [(flip["id"], flip["after"]) for flip in again["scenarios"]["flips"]]
    assert flips == [(changes["id"], "eligible"), (exactly["id"], "eligible")]
    # The other way round, the new pack fails its own scenarios. The memo begins with that.
    assert memo_of(capsys, new, old, *words, code=1)["findings"]
    assert main(["change", new, old, *words]) == 1
    assert capsys.readouterr().out.splitlines()[1].startswith("FINDING: the scenario `")


def test_strict_takes_an_edge_without_a_scenario_for_a_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = pack_in(tmp_path / "old")
    new = pack_in(tmp_path / "new", PACK.replace("value: 4", "value: 40"))
    memo = memo_of(capsys, old, new, "--strict", "--today", "2026-01-01", code=1)
    assert memo["findings"][0] == "no scenario covers `change-eligibility-1`"


def test_a_renamed_and_a_reordered_rule_change_no_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = pack_in(tmp_path / "old")
    head, cap, age = re.split(r"(?=      - id: )", PACK)
    renamed = (head + age + cap).replace("under-age", "minors")
    new = pack_in(tmp_path / "new", renamed)
    memo = memo_of(capsys, old, new, "--today", "2026-01-01")
    assert memo["redline"] == [
        {
            "what": "rule eligibility.under-age",
            "how": "renamed",
            "before": "under-age",
            "after": "minors",
            "changes_no_answer": True,
        }
    ]
    assert memo["decisions"] == {}
    swapped = pack_in(tmp_path / "swapped", head + age + cap)
    redline = memo_of(capsys, old, swapped, "--today", "2026-01-01")["redline"]
    assert [(line["how"], line["changes_no_answer"]) for line in redline] == [("reordered", True)]


def test_a_fact_that_only_the_new_pack_knows_is_left_out_for_the_old_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fact = (
        "facts:\n  person.veteran: {type: bool, kind: record, known_by: police, category: contact, "
        "question: 'Did the person serve?', source: own, says: [the person served, the person did "
        "not serve]}\n"
    )
    old = pack_in(tmp_path / "old")
    new = pack_in(tmp_path / "new", fact + PACK.replace("person.age < 18", "person.veteran"))
    words = ("--today", "2026-01-01", "--decision", "eligibility")
    memo = memo_of(capsys, old, new, *words)
    assert {"what": "fact person.veteran", "how": "came"}.items() <= next(
        line.items() for line in memo["redline"] if line["what"].startswith("fact ")
    )
    pairs = memo["decisions"]["eligibility"]["pairs"]
    assert {(pair["before"], pair["after"]) for pair in pairs} == {
        ("eligible", "ineligible"),
        ("ineligible", "eligible"),
    }
    barred = next(pair for pair in pairs if pair["after"] == "ineligible")
    assert barred["example"]["facts"]["person"] == {"age": 18, "veteran": True}


def test_a_section_may_mean_another_thing_on_another_day(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sides = ["nyc-violations@2021-03-30", "nyc-violations@2021-03-31"]
    assert main(["change", *sides, "--decision", "eligibility"]) == 0
    text = capsys.readouterr().out
    assert "offense NY PL 221.05 changes: unlawful possession of marihuana" in text
    assert "- the rule `a-crime` applies before the change" in text
    assert "(by the list after the change)" in text


def test_a_longer_clock_is_said_with_the_decisions_of_open_cases(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_time = PACK + (
        "override:\n  parameters:\n    intake_days:\n      label: time for the intake\n"
        "      unit: days\n      values: [{value: 20, source: own}]\n"
    )
    old = pack_in(tmp_path / "old", with_time)
    new = pack_in(tmp_path / "new", with_time.replace("value: 20", "value: 10"))
    memo = memo_of(capsys, old, new, "--decision", "filing", "--today", "2026-01-01")
    clocks = memo["open_cases"]["clocks"]
    assert {"clock": "intake", "before": "20 days", "after": "10 days"} in clocks
    assert "filing" in memo["decisions"]


# How the sides are named


def test_a_side_may_be_a_pack_of_an_earlier_revision(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*words: str) -> None:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q")
    packs = tmp_path / "packs"
    # The base of the pack is beside it, also in the revision.
    base = PACK.replace("id: riverton", "id: county").replace("title: Riverton", "title: County")
    (packs / "county").mkdir(parents=True)
    (packs / "county" / "pack.yaml").write_text(base)
    city = (
        "id: riverton\ntitle: Riverton\nextends: county\ntime_zone: America/Denver\n"
        "program: {from: 2020-01-01, source: city}\n"
        "sources: {city: {title: A resolution, address: here, confidence: low}}\n"
    )
    pack_in(packs, city)
    git("add", ".")
    git("commit", "-q", "-m", "Four grams")
    (packs / "county" / "pack.yaml").write_text(base.replace("value: 4", "value: 40"))
    monkeypatch.chdir(tmp_path)
    words = ["HEAD:packs/riverton", "packs/riverton", "--today", "2026-01-01"]
    memo = memo_of(capsys, *words)
    cap = next(line for line in memo["redline"] if line["what"] == "parameter cap")
    assert (cap["before"], cap["after"]) == ("4 g", "40 g")
    assert memo["repeat"]["command"].startswith("offramp change HEAD:packs/riverton@2026-01-01 ")
    assert "eligibility" in memo["decisions"]
    monkeypatch.chdir(packs)
    assert memo_of(capsys, "HEAD:./riverton", "./riverton", "--today", "2026-01-01")["redline"]
    wrong_sides = ("HEAD:packs/nowhere", "nothing:packs/riverton", "HEAD:../x", "--x:packs/y")
    for wrong in wrong_sides:
        with pytest.raises(RequestError) as refused:
            change_memo(wrong, "./riverton", today="2026-01-01")
        assert refused.value.code == "no-revision"


def test_without_dates_the_day_is_today_or_the_first_day_of_the_new_pack(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = pack_in(tmp_path / "old")
    new = pack_in(tmp_path / "new", PACK.replace("from: 2020-01-01", "from: 2027-03-01"))
    words = ("--decision", "disclosure", "--today", "2026-01-01")
    days = {side: memo_of(capsys, old, new, *words)[side]["day"] for side in ("old", "new")}
    assert days == {"old": "2027-03-01", "new": "2027-03-01"}
    memo = memo_of(capsys, f"{old}@2021-05-05", old, *words)
    assert memo["new"]["day"] == "2021-05-05"


def test_a_city_s_first_comparison_is_its_new_pack_beside_its_parent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The parent's scenarios are of days on which the city had no program."""
    old = pack_in(tmp_path / "old", scenarios=[SCENARIO])
    new = pack_in(tmp_path / "new", PACK.replace("from: 2020-01-01", "from: 2027-03-01"))
    memo = memo_of(capsys, old, new, "--decision", "eligibility", "--today", "2026-11-30")
    assert (memo["new"]["day"], memo["unchanged"]) == ("2027-03-01", ["eligibility"])


# Bad input


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["santa-fee", "santa-fe"], "unknown-pack"),
        (["santa-fe@2014-02-30", "santa-fe"], "no-such-day"),
        (["santa-fe@2010-01-01", "santa-fe"], "outside-program"),
        (["santa-fe", "santa-fe", "--decision", "eligibilty"], "unknown-decision"),
        (["santa-fe", "santa-fe", "--limit", "0"], "usage"),
    ],
)
def test_bad_input_gives_no_memo(
    words: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["change", *words, "--json"]) == 2
    value = json.loads(capsys.readouterr().out)
    assert value["error"]["code"] == code and "memo" not in value


def test_a_pack_that_fails_its_check_has_its_own_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = pack_in(tmp_path, PACK.replace("person.age", "person.agee"))
    assert main(["change", "lead", broken, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "unknown-fact"


def test_a_change_that_breaks_a_promise_is_refused_with_a_case(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = pack_in(tmp_path / "old", PACK + PROMISE)
    new = pack_in(tmp_path / "new", PACK.replace("person.age < 18", "person.age < 17") + PROMISE)
    assert main(["change", old, new]) == 2
    refused = capsys.readouterr()
    assert refused.out == "" and "`no-minors`" in refused.err and "17" in refused.err


def test_a_promise_that_is_taken_back_is_said_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = pack_in(tmp_path / "old", PACK + PROMISE)
    new = pack_in(tmp_path / "new", PACK.replace("person.age < 18", "person.age < 17"))
    words = (old, new, "--decision", "eligibility", "--today", "2026-01-01")
    memo = memo_of(capsys, *words, code=1)
    assert memo["findings"] == ["the guarantee `no-minors` is lifted"]
    (pair,) = memo["decisions"]["eligibility"]["pairs"]
    assert pair["example"]["facts"]["person"] == {"age": 17}
    assert main(["change", *words]) == 1
    assert capsys.readouterr().out.splitlines()[1] == (
        "FINDING: the guarantee `no-minors` is lifted."
    )


def test_what_has_no_complete_bound_is_open_and_not_proved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = pack_in(tmp_path / "old")
    compared = PACK.replace("person.age < 18", "size(encounter.drugs) > size(encounter.charges)")
    words = ("--decision", "eligibility", "--today", "2026-01-01")
    new = pack_in(tmp_path / "new", compared)
    memo = memo_of(capsys, old, new, *words, code=3)
    answers = memo["decisions"]["eligibility"]
    assert answers["bound"]["complete"] is False and answers["never"] == []
    assert "compared with what is no number" in answers["open"]
    assert answers["pairs"], "what was found is shown"
    assert main(["change", old, new, *words]) == 3
    text = capsys.readouterr().out
    assert "- Open: a total of `encounter." in text and "Proved: no case" not in text


def test_without_the_solver_the_command_says_how_to_install_it() -> None:
    hide = (
        "import sys; sys.modules['z3'] = None; from offramp.cli import main; "
        "sys.exit(main(['change', 'santa-fe', 'santa-fe']))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", hide], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert ran.returncode == 2 and ran.stdout == ""
    assert "pip install 'offramp[prove]' [no-solver]" in ran.stderr


@pytest.mark.parametrize(
    ("trap", "path", "records"), [("five-charges", "charges", 5), ("many-small", "drugs", 4)]
)
def test_a_change_that_needs_a_long_list_is_found(
    trap: str, path: str, records: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With one record less, no case would be there to find."""
    source = SHARED / "contract" / "change-packs" / trap
    if not source.exists():
        shared("contract/change-packs")
    shutil.copytree(source, tmp_path / trap)
    memo = memo_of(capsys, "lead", str(tmp_path / trap), "--decision", "eligibility")
    answers = memo["decisions"]["eligibility"]
    assert answers["bound"]["complete"] is True
    (pair,) = answers["pairs"]
    assert len(pair["example"]["facts"]["encounter"][path]) == records
    assert answers["never"] == [{"before": "ineligible", "after": "eligible"}]
