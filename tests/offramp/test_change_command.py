"""The command that tests a rule change: its memo, its JSON, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from offramp.cli import main
from offramp.memo_file import digest_of, memo_text
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


def test_a_fault_of_scenarios_names_its_side_as_it_was_typed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = pack_in(tmp_path / "old"), pack_in(tmp_path / "new")
    for label, folder in (("OLD", old), ("NEW", new)):
        file = Path(folder) / "scenarios.yaml"
        file.write_text("- {id: x\n")
        assert main(["change", old, new, "--today", "2026-12-01"]) == 2
        err = capsys.readouterr().err
        assert f"{file}:2:1: {label} `{folder}`: this is not YAML" in err
        file.unlink()


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


def test_a_case_below_an_amount_that_takes_no_one_is_just_under_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at_least = PACK.replace("> cap", ">= cap")
    old = pack_in(tmp_path / "old", at_least)
    new = pack_in(tmp_path / "new", at_least.replace("value: 4", "value: 40"))
    memo = memo_of(capsys, old, new, "--today", "2026-01-01", "--decision", "eligibility")
    says = [edge["says"].partition(":")[0] for edge in memo["scenarios"]["edges"]]
    assert says[-2:] == ["The case is exactly at 40 g", "The case is just under 40 g"]


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
    read_first = "Read before you keep: the new pack's own answer is taken as right."
    assert exactly["says"] == f"The case is exactly at 40 g: eligible. {read_first}"
    assert beyond["says"] == f"The case is just over 40 g: ineligible. {read_first}"
    # The scenarios are ready: with them, the new pack passes and the old one fails.
    assert main(["change", old, new, *words, "--write-scenarios"]) == 0
    shown = capsys.readouterr()
    assert f"\n- {json.dumps(edges[0], ensure_ascii=False)}\n" in shown.out  # as it can be pasted
    assert shown.err == f"added to `{new}`: 3 scenarios to read\n"
    assert main(["test", new]) == 0
    old = pack_in(tmp_path / "old", PACK, [*scenarios, *edges])
    assert main(["test", old]) == 1
    again = memo_of(capsys, old, new, *words)
    assert again["scenarios"]["edges"] == []
    # A second change of the same day offers its cases under ids that the pack lacks.
    (pack_file,) = Path(new).glob("pack.yaml")
    pack_file.write_text(PACK.replace("value: 4", "value: 50"))
    offered = memo_of(capsys, old, new, *words, code=1)["scenarios"]["edges"]
    assert offered and not {edge["id"] for edge in offered} & {edge["id"] for edge in edges}
    pack_file.write_text(PACK.replace("value: 4", "value: 40"))
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
    # A sentence that gets other words has no Spanish, whatever the old one had.
    (Path(old) / "spanish.csv").write_text("english,spanish\nNobody under 18.,Nadie menor de 18.\n")
    worded = pack_in(tmp_path / "worded", PACK.replace("Nobody under 18.", "Adults only."))
    redline = memo_of(capsys, old, worded, "--today", "2026-01-01")["redline"]
    assert {(line["what"], line["how"]) for line in redline} == {
        ("wording of rule eligibility.under-age", "reworded"),
        ("Spanish of Nobody under 18.", "removed"),
        ("Spanish of Adults only.", "missing"),
    }
    assert all(line["changes_no_answer"] for line in redline)


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
    # A fact takes no effect before a rule reads it.
    rule = "{id: veteran, when: person.veteran, then: ineligible, because: B., source: own, "
    later = f"{fact}{PACK}      - {rule}from: 2027-01-01}}\n"
    late = pack_in(tmp_path / "late", later)
    assert main(["change", old, late, "--today", "2026-12-01", "--decision", "eligibility"]) == 0
    effect = capsys.readouterr().out.splitlines()[1]
    assert effect.startswith("Takes effect on January 1, 2027, in 1 month.")
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
    # A smallest case is of the compared day, and of no day of 1970.
    (pair, *_) = memo["decisions"]["filing"]["pairs"]
    assert pair["example"]["facts"]["now"].startswith("2026-01-01T")
    # The old end of the time fails a scenario of it, and each side of the new end is offered.
    (new_end,) = (edge for edge in memo["scenarios"]["edges"] if "running" in edge["id"])
    assert new_end["says"].startswith("It is the last second of the 10 days for this")
    kept = pack_in(
        tmp_path / "new",
        with_time.replace("value: 20", "value: 5"),
        [new_end],
    )
    failing = memo_of(capsys, old, kept, "--decision", "filing", "--today", "2026-01-01", code=1)
    why = "the clock `intake` is overdue, and was to be running"
    assert failing["scenarios"]["failing"] == [{"id": new_end["id"], "why": why}]
    assert failing["findings"] == [f"the scenario `{new_end['id']}` of the new pack fails: {why}"]


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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both versions of a pack lie in folders with its name. The error is of the broken one."""
    sound = pack_in(tmp_path / "sound")
    broken = pack_in(tmp_path, PACK.replace("person.age", "person.agee"))
    monkeypatch.chdir(tmp_path)
    for words, file in (
        (["lead", broken], f"{broken}/pack.yaml"),
        ([sound, "riverton"], "./riverton/pack.yaml"),
        (["riverton", sound], "./riverton/pack.yaml"),
    ):
        assert main(["change", *map(str, words), "--json"]) == 2
        error = json.loads(capsys.readouterr().out)["error"]
        assert (error["code"], error["at"].split(":")[0]) == ("unknown-fact", file)
    (tmp_path / "case.json").write_text("{}")
    for packs in (f"{sound},riverton", f"riverton,{sound}"):
        assert main(["decide", packs, "eligibility", "case.json", "--json"]) == 2
        assert '"./riverton/pack.yaml:' in capsys.readouterr().out


def test_a_change_that_breaks_its_own_promise_has_a_memo_that_begins_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = pack_in(tmp_path / "old", PACK + PROMISE)
    new = pack_in(tmp_path / "new", PACK.replace("person.age < 18", "person.age < 17") + PROMISE)
    page = tmp_path / "memo.html"
    # Also where the decision of the promise isn't among those that are compared.
    words = ("--today", "2026-01-01", "--decision", "filing", "--html", str(page))
    memo = memo_of(capsys, old, new, *words, code=1)
    assert memo["findings"] == ["the invariant `no-minors` is broken"]
    (broken,) = memo["promises"]["broken"]
    assert broken["facts"]["person"] == {"age": 17} and broken["lifted"] is False
    assert "This change breaks" in page.read_text() and "eight words" not in page.read_text()
    assert main(["change", old, new, *words[:2]]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "FINDING: the invariant `no-minors` is broken."
    assert '"person": {"age": 17}' in lines[3] and "in words:" not in "\n".join(lines)
    # The old pack keeps its promises, or there is nothing to compare with.
    assert main(["change", new, old]) == 2
    refused = capsys.readouterr()
    assert refused.out == "" and f"OLD `{new}`: the invariant `no-minors`" in refused.err


def test_a_promise_that_check_gives_up_on_is_broken_by_the_solver_s_case(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The offer is withheld from more people than the test is, by one edit of its rule."""
    head = PACK.split("parameters:")[0].replace("2020-01-01", "2026-06-01")
    head = head.replace("extends: lead", "extends: santa-fe")
    rule = """
decisions:
  offer:
    override:
      - id: no-drug-charge
        when: >-
          encounter.route != "community"
          && !encounter.charges.exists(c, c.conduct in
          ["possession", "public_use", "paraphernalia", "sale", "intent_to_sell"])
        then: may_not_offer
        because: No charge here is about drugs.
        source: own
"""
    old, new = pack_in(tmp_path / "old", head), pack_in(tmp_path / "new", head + rule)
    words = (old, new, "--decision", "offer", "--today", "2026-12-01")
    memo = memo_of(capsys, *words, code=1)
    assert memo["findings"] == ["the invariant `no-offer-withheld-from-the-eligible` is broken"]
    assert memo["promises"]["broken"][0]["facts"]["encounter"]["route"] == "social_contact"


def test_a_promise_that_is_made_weaker_under_its_name_is_a_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = pack_in(tmp_path / "old", PACK + PROMISE)
    words = ("--today", "2026-01-01", "--decision", "eligibility")
    weaker = (PACK + PROMISE).replace("person.age < 18", "person.age < 17")
    memo = memo_of(capsys, old, pack_in(tmp_path / "new", weaker), *words, code=1)
    assert memo["findings"] == ["the invariant `no-minors` of the old pack is weakened"]
    # Another way to say the same breaks nothing.
    same = (PACK + PROMISE).replace("when: person.age < 18", "when: person.age <= 17")
    assert memo_of(capsys, old, pack_in(tmp_path / "new", same), *words)["findings"] == []


# Days


LATER = PACK.replace(
    "{value: 4, source: own}", "{value: 4, source: own}, {from: 2027-07-01, value: 6, source: own}"
)


def test_a_value_that_starts_later_is_said_and_decided_on_its_days(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = pack_in(tmp_path / "old", PACK), pack_in(tmp_path / "new", LATER)
    words = (old, new, "--today", "2026-12-01")
    memo = memo_of(capsys, *words)
    assert memo["redline"] == [] and "eligibility" in memo["unchanged"]
    assert memo["covers"] == {"from": "2026-12-01", "until": "2027-07-01"}
    (later,) = memo["later"]
    assert later["covers"] == {"from": "2027-07-01", "until": None}
    (cap,) = later["redline"]
    assert (cap["what"], cap["before"], cap["after"]) == ("parameter cap", "4 g", "6 g")
    (pair,) = later["decisions"]["eligibility"]["pairs"]
    assert (pair["before"], pair["after"]) == ("ineligible", "eligible")
    assert later["changed_only_through"] == {"admission": ["eligibility"]}
    edges = memo["scenarios"]["edges"]
    assert {edge["as_of"] for edge in edges} == {"2027-06-30", "2027-07-01"}
    (eve,) = (edge for edge in edges if edge["as_of"] == "2027-06-30")
    (same,) = (edge for edge in edges if edge["facts"] == eve["facts"] and edge is not eve)
    assert eve["expect"] == {"outcome": "ineligible"} and same["expect"] == {"outcome": "eligible"}
    assert eve["says"].startswith("It is June 30, 2027, the day before the rules change: inelig")
    assert memo["redline_other_days"] == [] and memo["differs_from"] is None
    assert main(["change", *words]) == 0
    text = capsys.readouterr().out
    # Both sides have one name and one day. The digests tell them apart.
    first, effect, *_ = text.splitlines()
    assert [f"digest {memo[side]['digest'][7:15]}…" in first for side in ("old", "new")] == [
        True
    ] * 2
    assert effect == "Takes effect on July 1, 2027, in 7 months."
    assert "From December 1, 2026 to June 30, 2027:\n   Nothing, on these days." in text
    assert "From July 1, 2027 on:\n   - parameter cap changes: 4 g -> 6 g" in text
    until, since = (text.index(day) for day in ("to June 30, 2027:\n   Proved:", "on:\n   elig"))
    assert until < text.index("Proved: no answer changes of offer, eligibility") < since
    assert since < text.index("From ineligible to eligible") < text.index("goes from eligible")
    # A year that is a typo is seen at once.
    far = pack_in(tmp_path / "far", LATER.replace("2027-07-01", "2072-07-01"))
    assert main(["change", old, far, "--today", "2026-12-01"]) == 0
    assert "Takes effect on July 1, 2072, in 45 years." in capsys.readouterr().out
    assert main(["check", far, "--today", "2026-12-01"]) == 0
    place = "pack.yaml:10:"
    shown = capsys.readouterr().out
    assert place in shown
    assert "`parameters.cap.values[1].from` is July 1, 2072, in 45 years; correct the" in shown
    # No scenario is of these days.
    assert memo_of(capsys, *words, "--strict", code=1)["findings"][0].startswith("no scenario")
    # A promise that only the old pack has is broken on the later day.
    old = pack_in(tmp_path / "old", PACK + NEVER_FIVE_GRAMS)
    memo = memo_of(capsys, old, new, "--today", "2026-12-01", code=1)
    (broken,) = memo["promises"]["broken"]
    assert (broken["promise"], broken["day"]) == ("never-five", "2027-07-01")


def test_a_change_for_a_time_ends_on_its_day_and_is_shown_on_both_sides_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for_a_time = LATER.replace(
        "value: 6, source: own}", "value: 6, source: own}, {from: 2027-09-01, value: 4, source: b}"
    ).replace("sources:\n", "sources:\n  b: {title: Another, address: here, confidence: low}\n")
    new = pack_in(tmp_path / "new", for_a_time)
    words = (pack_in(tmp_path / "old"), new, "--today", "2026-12-01")
    memo = memo_of(capsys, *words, "--decision", "eligibility")
    days = [edge["as_of"] for edge in memo["scenarios"]["edges"] if "-09-01" in edge["id"]]
    assert days == ["2027-08-31", "2027-09-01"]
    (cap,) = memo["later"][-1]["redline"]
    assert (cap["how"], cap.get("before"), cap["after"]) == ("sourced", None, "4 g")
    page = tmp_path / "memo.html"
    assert main(["change", *words, "--write-scenarios", "--html", str(page)]) == 0
    text = capsys.readouterr().out
    says = (
        "Takes effect on July 1, 2027, in 7 months. Ends on September 1, 2027, in 9 months: the "
        "rules are those of the old pack from then on."
    )
    assert text.splitlines()[1] == says
    # The page is read on other days too, so it counts from none.
    says = says.replace(", in 7 months", "").replace(", in 9 months", "")
    assert says in page.read_text()
    same = "parameter cap is the same, with another source or doubt: 4 g\n     source: b\n"
    assert same in text and "4 g -> 4 g" not in text
    assert "Source before:" in page.read_text()
    assert main(["test", new]) == 0
    assert memo_of(capsys, *words)["scenarios"]["edges"] == []


def test_a_program_that_starts_later_says_so_and_offers_both_sides_of_its_first_day(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = pack_in(tmp_path / "old")
    new = pack_in(tmp_path / "new", PACK.replace("from: 2020-01-01", "from: 2027-03-01"))
    words = (old, new, "--decision", "eligibility", "--today", "2026-12-01")
    memo = memo_of(capsys, *words)
    eve, first = memo["scenarios"]["edges"]
    assert eve["facts"]["encounter"]["date"] == "2027-02-28"
    assert eve["expect"] == {"error": "outside-program"}
    assert first["facts"]["encounter"]["date"] == "2027-03-01" and "error" not in first["expect"]
    assert main(["change", *words, "--write-scenarios"]) == 0
    assert capsys.readouterr().out.splitlines()[1:3] == [
        "Takes effect at once. Ends on March 1, 2027, in 3 months: the rules are those of the old "
        "pack from then on. Answers differ on days since January 1, 2020, so it also decides cases "
        "of days since then.",
        "From January 1, 2020 to February 28, 2027, the new pack gives no answer: its program "
        "begins on March 1, 2027. The old pack gives answers.",
    ]
    assert main(["test", new]) == 0
    assert memo_of(capsys, *words)["scenarios"]["edges"] == []


def test_a_removed_rule_has_the_reason_and_the_source_that_the_variant_gives(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain_pack = pack_in(tmp_path / "old")
    removed = PACK.replace("id: riverton", "id: eastside").replace(
        "extends: lead", "extends: riverton"
    )
    start, _, _ = removed.partition("sources:")
    start = start.replace("source: own}", "source: council}")
    removed = start + (
        "sources:\n  council: {title: A vote, address: the clerk's office, confidence: low}\n"
        "decisions:\n  eligibility:\n    remove:\n      - id: over-the-cap\n"
        "        because: The council takes\n          any amount.\n        source: council\n"
    )
    variant = tmp_path / "old" / "eastside"
    variant.mkdir()
    (variant / "pack.yaml").write_text(removed)
    page = tmp_path / "memo.html"
    words = (plain_pack, str(variant), "--decision", "eligibility", "--today", "2026-12-01")
    rows = {row["what"]: row for row in memo_of(capsys, *words)["redline"]}
    gone = rows["rule eligibility.over-the-cap"]
    assert (gone["how"], gone["because"], gone["source"]) == ("went", "More than 4 g.", "own")
    assert rows["reason for removing rule eligibility.over-the-cap"] == {
        "what": "reason for removing rule eligibility.over-the-cap",
        "how": "came",
        "after": "The council takes any amount.",
        "source": "council",
    }
    assert main(["change", *words, "--html", str(page)]) == 0
    text = capsys.readouterr().out
    reason = (
        "- reason for removing rule eligibility.over-the-cap is new: The council takes any amount."
    )
    assert f"{reason}\n     source: council" in text
    assert "     reason: More than 4 g.\n     source: own\n" in text
    assert "Reason: More than 4 g." in page.read_text()
    assert "The council takes any amount." in page.read_text()
    # Another reason is another pack, and a change that moves no answer.
    other = removed.replace("any amount", "all amounts")
    folder = tmp_path / "new" / "eastside"
    folder.mkdir(parents=True)
    pack_in(tmp_path / "new")
    (folder / "pack.yaml").write_text(other)
    memo = memo_of(capsys, str(variant), str(folder), "--today", "2026-12-01")
    (row,) = memo["redline"]
    assert (row["how"], row["before"], row["after"]) == (
        "changed",
        "The council takes any amount.",
        "The council takes all amounts.",
    )
    assert memo["old"]["digest"] != memo["new"]["digest"] and memo["decisions"] == {}


def test_an_exception_in_other_words_changes_no_answer_and_is_of_these_days(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = "because: Nobody under 18.\n"
    exception = "{id: x, when: person.enrolled, because: In., source: own}"
    excepted = f"{rule}        unless: [{exception}]\n"
    old = pack_in(tmp_path / "old", PACK.replace(rule, excepted))
    new = pack_in(tmp_path / "new", PACK.replace(rule, excepted.replace("In.", "Already in.")))
    memo = memo_of(capsys, old, new, "--decision", "eligibility", "--today", "2026-12-01")
    (line, *spanish) = memo["redline"]
    assert line["what"] == "wording of exception eligibility.under-age.x"
    assert (line["how"], line["before"], line["after"]) == ("reworded", "In.", "Already in.")
    assert all(missing["what"].startswith("Spanish of ") for missing in spanish)
    assert memo["redline_other_days"] == []


def test_many_failing_scenarios_are_one_line_at_the_head(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    many = [deepcopy(SCENARIO) | {"id": f"too-young-{number}"} for number in range(6)]
    old = pack_in(tmp_path / "old")
    new = pack_in(tmp_path / "new", PACK.replace("< 18", "< 17"), many)
    assert main(["change", old, new, "--decision", "filing", "--today", "2026-12-01"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("FINDING")] == [
        "FINDING: 6 scenarios of the new pack fail for one cause: the outcome is undetermined, and "
        "was to be ineligible; it asks for encounter.charges, encounter.drugs, judgment.amenable."
    ]
    (line,) = [line for line in lines if "after the change" in line]
    assert "- 6 scenarios (`too-young-0`, `too-young-1`, `too-young-2` and 3 more) fail" in line


NEVER_FIVE_GRAMS = """
invariants:
  - id: never-five
    decision: eligibility
    when: sum(encounter.drugs.map(d, d.grams)) > 5
    always: eligibility == "ineligible"
    because: Never five grams.
    source: own
"""


def test_days_before_the_compared_one_are_said_with_their_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = pack_in(
        tmp_path / "old",
        PACK.replace(
            "{value: 4,", "{value: 3, until: 2022-01-01, source: own}, {value: 4,"
        ).replace("{value: 4, source", "{value: 4, from: 2022-01-01, source"),
    )
    new = pack_in(tmp_path / "new", PACK)
    words = (old, new, "--today", "2026-12-01")
    memo = memo_of(capsys, *words)
    assert memo["redline"] == [] and memo["later"] == [] and memo["differs_from"] == "2020-01-01"
    assert main(["change", *words]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert (
        "parameter cap changes: largest amount: 3 g until 2022-01-01; 4 g from 2022-01-01" in text
    )
    assert "on days before December 1, 2026, from January 1, 2020 on." in text
    assert "The rules of each day from December 1, 2026 on are compared." in text
    # The day that it names has the rest.
    memo = memo_of(capsys, f"{old}@2020-01-01", f"{new}@2020-01-01")
    assert [change["after"] for change in memo["redline"]] == ["4 g"]
    assert memo["later"] and not any(part["redline"] for part in memo["later"])


# The digest


def test_the_digest_doesn_t_depend_on_names_or_on_what_was_solved_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pack_in(tmp_path / "now"), pack_in(tmp_path / "then", PACK.replace("value: 4", "value: 6"))
    names = ("now/riverton", "then/riverton")
    whole = [str(tmp_path / name) for name in names]
    first = memo_of(capsys, *whole, "--today", "2026-12-01")
    # Another question of the solver in between, and other names for the same folders.
    memo_of(capsys, *SANTA_FE, "--decision", "eligibility")
    monkeypatch.chdir(tmp_path)
    again = memo_of(capsys, *names, "--today", "2026-12-01")
    monkeypatch.chdir(tmp_path / "now")
    third = memo_of(capsys, "./riverton@2026-12-01", "../then/riverton/pack.yaml@2026-12-01")
    assert first["memo"] == again["memo"] == third["memo"]
    assert first["repeat"]["command"] != again["repeat"]["command"]
    assert str(tmp_path) not in memo_text(first).decode()


# Two changes of Seattle's law, whose smallest cases the solver may take from many.
SEATTLE = (("2018-01-01", "2018-09-11"), ("2023-12-14", "2026-01-01"))
MEMOS_IN_ORDER = """
import sys
from datetime import date
from offramp.memo_file import memo_text
from offramp.policy.change import make_memo

for days in sys.argv[2:]:
    kept = [[] for _ in range(int(sys.argv[1]))]
    for each in kept:
        each.append(each)  # only a collection frees it, sooner or later
    del kept
    sides = [f"seattle@{day}" for day in days.split("/")]
    memo = make_memo(*sides, today=date(2026, 12, 1), decisions=["eligibility"])
    print(days, memo_text(memo.value).hex())
"""


def test_a_memo_has_the_same_bytes_in_any_process_after_any_other() -> None:
    first, second = ("/".join(days) for days in SEATTLE)
    orders = ((0, [first, second, first]), (700, [second, first]))
    texts: dict[str, set[str]] = {}
    for cycles, order in orders:
        words = [sys.executable, "-c", MEMOS_IN_ORDER, str(cycles), *order]
        seed = {"PYTHONHASHSEED": str(cycles + 1)}
        done = subprocess.run(
            words, cwd=ROOT, env=os.environ | seed, check=True, capture_output=True, text=True
        )
        for line in done.stdout.splitlines():
            days, text = line.split()
            texts.setdefault(days, set()).add(text)
    assert {days: len(different) for days, different in texts.items()} == {first: 1, second: 1}


@pytest.mark.parametrize(
    ("words", "side"),
    [
        (["no/such/folder", "lead"], "OLD `no/such/folder`: there is no pack"),
        (["lead", "no/such/folder"], "NEW `no/such/folder`: there is no pack"),
        (["santa-fe@2010-01-01", "santa-fe"], "OLD `santa-fe@2010-01-01`: "),
        (["lead", "santa-fe@2014-02-30"], "NEW: `2014-02-30` is not a day"),
    ],
)
def test_an_error_names_its_side_as_it_was_typed(
    words: list[str], side: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["change", *words]) == 2
    assert side in capsys.readouterr().err


def test_a_cost_is_said_with_its_amounts_on_both_sides(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    costs = """program:
  from: 2020-01-01
  source: own
  costs:
    - id: arrest
      says: an arrest
      unit: arrest
      low: {dollars: 150, says: booking, source: own}
      high: {dollars: 900, says: booking and court, source: own}
      source: own
    - id: spent
      says: what was spent
      unit: total
      low: {dollars: 30000, says: a grant, source: own}
      high: {dollars: 30000, says: a grant, source: own}
      source: own
  break_even:
    - {says: To break even, total: spent, each: arrest, source: own}
"""
    text = PACK.replace("program: {from: 2020-01-01, source: own}\n", costs)
    old = pack_in(tmp_path / "old", text)
    new = pack_in(tmp_path / "new", text.replace("dollars: 900", "dollars: 600"))
    words = (old, new, "--decision", "filing", "--today", "2026-12-01")
    memo = memo_of(capsys, *words)
    change = next(line for line in memo["redline"] if "the cost `arrest`" in line["what"])
    assert "$150 [booking, own] to $900 [booking and court, own] for one arrest" in change["before"]
    assert "to $600" in change["after"]
    before, after = memo["program"]["before"], memo["program"]
    assert [each["break_even"][0]["low"]["about"] for each in (before, after)] == [33, 50]
    assert main(["change", *words]) == 0
    printed = capsys.readouterr().out
    assert printed.index("Before the change:") < printed.index("about 33 to about 200 arrests")
    assert printed.index("After it:") < printed.index("about 50 to about 200 arrests")


def test_a_promise_that_is_taken_back_is_said_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = pack_in(tmp_path / "old", PACK + PROMISE)
    new = pack_in(tmp_path / "new", PACK.replace("person.age < 18", "person.age < 17"))
    words = (old, new, "--decision", "eligibility", "--today", "2026-01-01")
    memo = memo_of(capsys, *words, code=1)
    assert memo["findings"] == ["the invariant `no-minors` of the old pack is removed"]
    (pair,) = memo["decisions"]["eligibility"]["pairs"]
    assert pair["example"]["facts"]["person"] == {"age": 17}
    assert main(["change", *words]) == 1
    assert capsys.readouterr().out.splitlines()[1] == (
        "FINDING: the invariant `no-minors` of the old pack is removed."
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
    assert "pip install -c constraints.txt '.[prove]' [no-solver]" in ran.stderr


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
