"""Test that coverage counts a condition once for each value in time that it reads."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from offramp.cli import main
from rules.author.scenarios import Report, read_scenarios, run
from rules.decide.program import Program
from rules.shelf import jurisdictions, read_pack, shipped


def copied(folder: Path, amount: str) -> Path:
    """Return Santa Fe's pack with a cap that changes in 2027, and no scenario for it."""
    shutil.copytree(jurisdictions() / "santa-fe", folder / "santa-fe")
    pack = folder / "santa-fe" / "pack.yaml"
    before = "      - from: 2018-10-01\n        value: 6\n"
    text = pack.read_text(encoding="utf-8")
    assert text.count(before) == 1
    dated = f"      - {{from: 2027-01-01, value: {amount}, source: santa-fe-referral}}\n"
    pack.write_text(text.replace(before, dated + before), encoding="utf-8")
    return folder / "santa-fe"


def report_of(folder: Path) -> Report:
    return run(Program(read_pack(folder, whole=False)), read_scenarios(folder))


@pytest.mark.parametrize("amount", ["4", "40"])
def test_a_value_from_a_later_day_needs_scenarios_of_its_own(
    amount: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied(tmp_path, amount)
    report = report_of(folder)
    assert not report.failures and report.condition_coverage >= 90
    assert report.value_coverage < 100 and not report.passed
    missing = [entry.text for entry in report.untouched if "2027-01-01" in entry.text]
    assert any("is never true" in text for text in missing)
    assert any("is never false" in text for text in missing)
    assert main(["test", str(folder)]) == 1
    out = capsys.readouterr().out
    assert "under the value of `quantity_cap` from 2027-01-01" in out
    assert "coverage of values is" in out


def test_scenarios_on_both_sides_of_the_new_cap_cover_it(tmp_path: Path) -> None:
    folder = copied(tmp_path, "4")
    with (folder / "scenarios.yaml").open("a", encoding="utf-8") as file:
        for decision in ("eligibility", "offer"):
            for name, grams in (("over", 4.1), ("at", 4)):
                drug = f"{{kind: opioid, grams: {grams}, form: weighed}}"
                file.write(
                    f"\n- id: {name}-four-grams-in-2027-{decision}\n  says: A case.\n"
                    f"  decision: {decision}\n"
                    f"  facts: {{encounter: {{date: 2027-02-01, drugs: [{drug}]}}}}\n"
                    "  expect: {outcome_not: none}\n"
                )
    missing = [entry.text for entry in report_of(folder).untouched if "2027" in entry.text]
    assert not any("grams" in text for text in missing)


def test_a_value_outside_the_program_s_time_needs_none(tmp_path: Path) -> None:
    folder = copied(tmp_path, "4")
    pack = folder / "pack.yaml"
    text = pack.read_text(encoding="utf-8")
    head, _, rest = text.partition("program:")
    pack.write_text(f"{head}program:\n  until: 2026-12-31{rest}", encoding="utf-8")
    assert report_of(folder).value_coverage == 100


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_pack_asks_for_all_values(name: str) -> None:
    assert read_pack(name).coverage["values"] == 100
