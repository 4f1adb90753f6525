"""The command that proves: its words, its JSON, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from offramp.cli import main

CLAIM = """
invariants:
  - id: nobody-under-19
    decision: eligibility
    when: person.age < 19
    always: eligibility == "ineligible"
    because: A claim to be tried.
    source: santa-fe-referral
"""


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    path = tmp_path / "claims.yaml"
    path.write_text(CLAIM)
    return path


@pytest.fixture
def solver() -> None:
    pytest.importorskip("z3", reason="the solver isn't installed")


@pytest.mark.usefixtures("solver")
def test_a_pack_is_proved_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", "drug-court"]) == 0
    assert capsys.readouterr().out.startswith("drug-court: 3 invariants on ")


@pytest.mark.usefixtures("solver")
def test_a_wrong_claim_is_refuted_by_a_case_that_the_rules_decide(
    claims: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["prove", "santa-fe", "--claim", str(claims), "--json"]) == 1
    answers = json.loads(capsys.readouterr().out)["santa-fe"]["claims"]
    refuted = [answer for answer in answers if answer["result"] == "refuted"]
    assert {answer["id"] for answer in refuted} == {"nobody-under-19"}
    (first, *_) = refuted
    assert first["bound"]["complete"] is True and first["outcome"] == "eligible"
    case = tmp_path / "case.json"
    case.write_text(json.dumps(first["facts"]))
    words = ["decide", "santa-fe", "eligibility", str(case), "--as-of", first["day"], "--json"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == "eligible"
    assert main(["prove", "santa-fe", "--claim", str(claims)]) == 1
    assert "`nobody-under-19` from 2014-04-01: refuted: `eligible` for" in capsys.readouterr().out


@pytest.mark.usefixtures("solver")
@pytest.mark.parametrize(
    ("text", "code"),
    [
        (CLAIM.replace("eligibility\n", "eligibilty\n"), "unknown-decision"),
        (CLAIM.replace("person.age", "person.agee"), "unknown-fact"),
        (CLAIM.replace("nobody-under-19", "minors-stay-out"), "duplicate-id"),
        (CLAIM.replace("invariants", "claims"), "unknown-key"),
        ("", "empty-file"),
        ("a: [", "yaml-syntax"),
    ],
)
def test_a_bad_file_of_claims_is_refused_at_its_place(
    text: str, code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(text)
    assert main(["prove", "santa-fe", "--claim", str(path), "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["santa-fe"]["error"]
    assert error["code"] == code and error["at"].startswith("claims.yaml")


@pytest.mark.usefixtures("solver")
@pytest.mark.parametrize(
    "words",
    [("nowhere",), ("santa-fe", "--claim", "nowhere.yaml"), ("santa-fe", "--limit", "0")],
)
def test_nonsense_is_one_sentence(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prove", *words]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_without_the_solver_it_says_how_to_install_it() -> None:
    code = "import sys; sys.modules['z3'] = None; from offramp.cli import main; sys.exit(main())"
    command: list[Any] = [sys.executable, "-c", code, "prove", "santa-fe"]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 2 and ran.stdout == ""
    assert "pip install 'offramp[prove]' [no-solver]" in ran.stderr
