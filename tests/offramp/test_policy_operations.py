"""The operations of a policy author take values and return values."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

import rules
from offramp.policy import operations
from offramp.policy.case_input import CaseInput, read_case_lines
from rules import Refusal
from tests.conftest import ROOT

ARREST = json.loads((ROOT / "examples" / "arrest.json").read_text())
SANTA_FE = rules.load("santa-fe")


@pytest.fixture(autouse=True)
def silent(capsys: pytest.CaptureFixture[str]) -> object:
    """No operation prints."""
    yield
    assert capsys.readouterr() == ("", "")


def test_all_lists_every_public_name() -> None:
    source = (ROOT / "offramp" / "policy" / "operations.py").read_text()
    assert "argparse" not in source and "print(" not in source
    public = {
        name
        for name, value in vars(operations).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == operations.__name__
    }
    assert public | {"AnswerLine", "CaseFile", "CaseInput"} == set(operations.__all__)


def test_a_pack_is_checked() -> None:
    check = operations.check_pack("santa-fe")
    assert check.pack.id == "santa-fe" and check.digest == SANTA_FE.digest
    assert check.own_rules > 0 and set(check.invariants) == set(check.pack.invariants)
    with pytest.raises(Refusal, match="no pack"):
        operations.check_pack("santa-fee")


def test_scenarios_are_run() -> None:
    run = operations.run_scenarios("santa-fe")
    assert run.passed and run.report.scenarios > 50 and run.comparison is None


def test_a_case_is_decided_under_several_programs() -> None:
    decision = operations.decide_case(SANTA_FE, "eligibility", ARREST)
    answers = operations.compare_programs(["santa-fe", "nowhere"], "eligibility", ARREST)
    first, second = (answer for _, answer in answers)
    assert isinstance(first, rules.Decision) and first.as_json() == decision.as_json()
    assert isinstance(second, Refusal) and second.code == "unknown-pack"


def test_a_bad_case_does_not_stop_the_others(tmp_path: Path) -> None:
    lines = tmp_path / "cases.jsonl"
    lines.write_text('{"id": 1, "facts": {}}\nnonsense\n{"id": 3, "facts": {}}\n')
    results = list(operations.decide_cases(SANTA_FE, "offer", read_case_lines(str(lines))))
    assert [result.id for result in results] == [1, None, 3]
    assert [isinstance(result.answer, Refusal) for result in results] == [False, True, False]
    with pytest.raises(Refusal, match="no decision"):
        operations.decide_cases(SANTA_FE, "offr", [CaseInput(1, dict)])


def test_an_interview_starts_from_the_known_facts() -> None:
    interview = operations.start_interview(SANTA_FE, "eligibility", ARREST, role="police")
    assert interview.role == "police" and interview.as_facts()["encounter"]
    with pytest.raises(Refusal, match="no role"):
        operations.start_interview(SANTA_FE, "eligibility", role="polise")


def test_a_city_starts_from_its_parent(tmp_path: Path) -> None:
    folder = tmp_path / "las-cruces"
    city = operations.create_city(str(folder), "santa-fe", today=date(2026, 1, 5))
    assert city.city.starts == date(2026, 1, 5) and city.parent.id == "santa-fe"
    assert operations.run_scenarios(folder).passed


def test_offenses_and_programs_are_listed() -> None:
    offenses = operations.list_offenses("santa-fe", "2014-12-10")
    assert {answer.passes for answer in offenses.answers} == {None, False}
    programs = {entry.pack.id: entry.status for entry in operations.list_programs("2012-01-01")}
    assert set(programs) == set(operations.list_packs())
    assert (programs["seattle"], programs["santa-fe"]) == ("in_force", "not_yet")
