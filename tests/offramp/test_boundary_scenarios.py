"""Test that a new city's scenarios notice a wrong amount, and `>=` in place of `>`.

An amount is a number, a time of day, a length of time, or a row of a table.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from offramp.cli import main
from rules.author.scenarios import read_scenarios, run
from rules.decide.program import Program
from rules.shelf import read_pack


def new(folder: Path, name: str, parent: str) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["new", name, "--from", parent, "--starts", "2027-01-01"]) == 0
    return folder / name


@pytest.fixture(scope="module")
def draft(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the draft that `offramp new` writes of Santa Fe's pack, as in the tutorial."""
    return new(tmp_path_factory.mktemp("towns"), "las-cruces", "santa-fe")


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a draft of a program with a look-back and opening hours."""
    return new(tmp_path_factory.mktemp("towns"), "center", "multnomah-or")


def mutated(draft: Path, pattern: str, replacement: str) -> Program:
    """Return the draft with one change to its pack, which is undone on disk."""
    file = draft / "pack.yaml"
    text = file.read_text(encoding="utf-8")
    changed, count = re.subn(pattern, replacement, text, count=1, flags=re.DOTALL)
    assert count == 1, pattern
    try:
        file.write_text(changed, encoding="utf-8")
        return Program(read_pack(draft, whole=False))
    finally:
        file.write_text(text, encoding="utf-8")


MUTANTS = {
    # The rule's exception ends at the cap too, so that `>=` in one of them changes no answer.
    "at least the cap": (r"> (quantity_cap.*?)<= quantity_cap", r">= \g<1>< quantity_cap"),
    "a lower cap": (r"(quantity_cap:.*?value: )6", r"\g<1>5"),
    "a higher cap": (r"(quantity_cap:.*?value: )6", r"\g<1>6.5"),
    "a higher age": (r"(minimum_age:.*?value: )18", r"\g<1>19"),
    "a lower age": (r"(minimum_age:.*?value: )18", r"\g<1>17"),
    "a day less for the intake": (r"(intake_days:.*?value: )30", r"\g<1>29"),
    "a day more for the intake": (r"(intake_days:.*?value: )30", r"\g<1>31"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_scenario_notices_each_wrong_amount(name: str, draft: Path) -> None:
    scenarios = read_scenarios(draft)
    assert not run(Program(read_pack(draft, whole=False)), scenarios).failures
    assert run(mutated(draft, *MUTANTS[name]), scenarios).failures


def test_a_scenario_says_on_which_side_of_its_amount_it_is(draft: Path, center: Path) -> None:
    says = {one.id: one.says for one in read_scenarios(draft)}
    # The cap takes no one with more of it, and the age no one with less.
    assert says["quantity-cap-beyond"] == "6.01 g is just over the opiate limit."
    assert says["quantity-cap-exactly"] == "6 g is exactly the opiate limit."
    assert says["minimum-age-beyond"].startswith("17 years is just under the ")
    says = {one.id: one.says for one in read_scenarios(center)}
    assert all("beyond" not in text and "a minute from" not in text for text in says.values())
    for text in says.values():
        if "A day less than" in text:
            assert "is just under the" in text
        if "A day more than" in text:
            assert "is just over the" in text
    assert any("a minute before this time" in text for text in says.values())


def test_an_amount_that_takes_no_one_has_its_case_just_under_it(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    city = new(tmp_path_factory.mktemp("towns"), "riverton", "fayetteville-nc")
    says = {one.id: one.says for one in read_scenarios(city)}
    assert says["quantity-limit-beyond"].startswith("3.99 g is just under the amount at which")


# The rules that read these times stay the parent's.
OF_THE_CENTER = {
    "a day less to look back": (r"(lookback_days:.*?value: )30", r"\g<1>29"),
    "a day more to look back": (r"(lookback_days:.*?value: )30", r"\g<1>31"),
    "opens a minute earlier": (r"(\bopens:.*?value: ')07:00", r"\g<1>06:59"),
    "opens a minute later": (r"(\bopens:.*?value: ')07:00", r"\g<1>07:01"),
    "closes a minute earlier": (r"(\bcloses:.*?value: ')23:00", r"\g<1>22:59"),
    "closes a minute later": (r"(\bcloses:.*?value: ')23:00", r"\g<1>23:01"),
    "a weekend's minute less": (r"(weekend_closes:.*?value: ')15:00", r"\g<1>14:59"),
    "a weekend's minute more": (r"(weekend_closes:.*?value: ')15:00", r"\g<1>15:01"),
}


@pytest.mark.parametrize("name", OF_THE_CENTER)
def test_a_scenario_notices_each_wrong_time(name: str, center: Path) -> None:
    scenarios = read_scenarios(center)
    assert not run(Program(read_pack(center, whole=False)), scenarios).failures
    assert run(mutated(center, *OF_THE_CENTER[name]), scenarios).failures


STATE = """
id: state
title: A state
time_zone: America/Denver
program: {from: 2020-01-01, source: act}
sources: {act: {title: An act, address: here, confidence: high}}
refine:
  encounter.drugs.kind: {heroin: opioid, fentanyl: opioid, other_opioid: opioid}
parameters:
  user_amount:
    label: largest amount of one drug
    unit: g
    by: encounter.drugs.kind
    values: [{value: {heroin: 1, opioid: 3, otherwise: 2.5}, source: act}]
decisions:
  eligibility:
    rules:
      - id: over-the-amount
        when: encounter.drugs.exists(d, d.grams > user_amount[d.kind])
        then: ineligible
        because: "There is more of a drug than the law allows: {user_amount}."
        source: act
    otherwise: {outcome: eligible, because: There is no more of any drug., source: act}
"""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a draft of a pack with a table, which has no scenario of its own."""
    folder = tmp_path_factory.mktemp("states")
    (folder / "state").mkdir()
    (folder / "state" / "pack.yaml").write_text(STATE, encoding="utf-8")
    return new(folder, "town", "state")


@pytest.mark.parametrize(
    ("old", "new_text"),
    [
        ("d.grams > user", "d.grams >= user"),
        ("heroin: 1", "heroin: 0.9"),
        ("heroin: 1", "heroin: 1.1"),
        ("opioid: 3", "opioid: 2.9"),
        ("opioid: 3", "opioid: 3.1"),
        ("otherwise: 2.5", "otherwise: 2.4"),
        ("otherwise: 2.5", "otherwise: 2.6"),
    ],
)
def test_a_scenario_notices_each_wrong_row_of_a_table(old: str, new_text: str, town: Path) -> None:
    scenarios = read_scenarios(town)
    assert not run(Program(read_pack(town, whole=False)), scenarios).failures
    assert run(mutated(town, re.escape(old), new_text), scenarios).failures
