"""Test that a new city's scenarios notice a wrong amount, and `>=` in place of `>`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from offramp.cli import main
from rules.author.scenarios import read_scenarios, run
from rules.decide.program import Program
from rules.shelf import read_pack


@pytest.fixture(scope="module")
def draft(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the draft that `offramp new` writes of Santa Fe's pack, as in the tutorial."""
    folder = tmp_path_factory.mktemp("towns")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["new", "las-cruces", "--from", "santa-fe", "--starts", "2027-01-01"]) == 0
    return folder / "las-cruces"


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
