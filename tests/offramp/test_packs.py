"""The shipped packs: sound, held by their scenarios, and enough of those."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from rules.author.scenarios import read_scenarios, run
from rules.prove.soundness import check_whole
from rules.shelf import find, load, read_pack, shipped
from tests.conftest import ROOT


def test_the_packs_ship() -> None:
    assert shipped() == (
        "bernalillo-nm",
        "california",
        "clackamas-or",
        "deflection",
        "drug-court",
        "fayetteville-nc",
        "lane-or",
        "lead",
        "multnomah-or",
        "nyc-violations",
        "san-francisco",
        "santa-fe",
        "seattle",
        "staten-island-hope",
        "wilmington-nc",
    )


def test_every_pack_is_named_where_a_reader_looks_for_it() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    documents = (ROOT / "docs" / "documents.md").read_text(encoding="utf-8")
    assert [name for name in shipped() if f"| `{name}` |" not in readme] == []
    assert [name for name in shipped() if f"(packs/{name}.md)" not in documents] == []


@pytest.mark.parametrize("pack", shipped())
def test_a_shipped_pack_is_sound(pack: str) -> None:
    check_whole(read_pack(pack))


@pytest.mark.parametrize("pack", shipped())
def test_a_shipped_pack_s_scenarios_hold_and_reach_what_it_asks(pack: str) -> None:
    report = run(load(pack), read_scenarios(find(pack)))
    assert [(failure.scenario.id, failure.what) for failure in report.failures] == []
    assert report.short_of == []
    assert report.rule_coverage == 100 and report.pack.coverage["rules"] == 100
    assert report.scenarios >= (10 if pack in ("deflection", "lead") else 20)


@pytest.mark.parametrize("pack", shipped())
def test_every_item_has_a_source_with_a_title_an_address_and_a_confidence(pack: str) -> None:
    read = read_pack(pack)
    for what, item in read.items():
        source = read.sources[item.source.id]
        assert source.title and source.address and source.confidence in ("high", "medium", "low"), (
            what
        )
        assert source.confidence != "low" or item.provisional, (
            f"{what} rests on a weak source and does not say so"
        )


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "offramp", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_an_argument_all_shipped_packs_are_checked() -> None:
    ran = command("check", "--json")
    shown: dict[str, Any] = json.loads(ran.stdout)
    assert (ran.returncode, tuple(shown)) == (0, shipped())
    assert all(one["digest"].startswith("sha256:") for one in shown.values())


def test_a_failing_scenario_is_told_with_its_sentence_and_exit_code_1(tmp_path: Any) -> None:
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "pack.yaml").write_text(
        "id: tiny\ntitle: Tiny\ntime_zone: UTC\nprogram: {from: 2020-01-01, source: s}\n"
        "sources: {s: {title: S, address: here, confidence: high}}\ncoverage: {rules: 100}\n"
        "decisions:\n  offer:\n    rules:\n"
        "      - {id: child, when: person.age < 18, then: may_not_offer,\n"
        "         because: Too young., source: s}\n"
        "    otherwise: {outcome: may_offer, because: Nothing bars it., source: s}\n"
    )
    (folder / "scenarios.yaml").write_text(
        "- id: a-child\n  says: A child of 12 gets the offer.\n  decision: offer\n"
        "  facts: {person: {age: 12}, encounter: {date: 2020-02-02}}\n"
        "  expect: {status: decided, outcome: may_offer}\n"
    )
    ran = command("test", str(folder))
    assert ran.returncode == 1
    assert "A child of 12 gets the offer." in ran.stdout
    assert "the outcome is may_not_offer (decided), and was to be may_offer" in ran.stdout
    (folder / "scenarios.yaml").write_text(
        "- id: an-adult\n  says: A man of 30 gets the offer.\n  decision: offer\n"
        "  facts: {person: {age: 30}, encounter: {date: 2020-02-02}}\n"
        "  expect: {status: decided, outcome: may_offer}\n"
    )
    ran = command("test", str(folder))
    assert ran.returncode == 1
    assert "coverage of rules is 0 %, and the pack asks for 100 %" in ran.stdout
    assert "`child` of `offer`: it never holds" in ran.stdout


@pytest.mark.parametrize(
    "expected",
    ["needs: 5", "rules: over-the-cap", "clocks: late", "provisional: often", "outcome: {}"],
)
def test_an_expectation_that_no_answer_could_meet_is_refused_at_its_line_by_check_and_by_test(
    tmp_path: Any, expected: str
) -> None:
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "pack.yaml").write_text(
        "id: tiny\ntitle: Tiny\nextends: lead\ntime_zone: UTC\n"
        "program: {from: 2020-01-01, source: nation-2014}\nsources: {}\n"
    )
    (folder / "scenarios.yaml").write_text(
        f"- id: a\n  says: A.\n  decision: eligibility\n  expect: {{{expected}}}\n"
    )
    for verb in ("check", "test"):
        ran = command(verb, str(folder))
        assert (ran.returncode, ran.stderr) == (2, "")
        assert "tiny/scenarios.yaml:4:" in ran.stdout and "[wrong-shape]" in ran.stdout
