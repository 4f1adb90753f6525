"""The command that proves: its words, its JSON, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import rules
from offramp.cli import main

CLAIM = """
invariants:
  - id: nobody-under-19
    decision: eligibility
    when: person.age < 19
    always: eligibility == "ineligible"
    because: A claim to be tried.
    source: {source}
"""
SANTA_FE = CLAIM.replace("{source}", "santa-fe-referral")
LEAD = CLAIM.replace("{source}", "golden-rule")
DRUG_COURT = CLAIM.replace("{source}", "kcpao-faq")  # proved in a second, as LEAD is


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    path = tmp_path / "claims.yaml"
    path.write_text(DRUG_COURT)
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
    assert main(["prove", "drug-court", "--claim", str(claims), "--json"]) == 1
    answers = json.loads(capsys.readouterr().out)["drug-court"]["claims"]
    refuted = [answer for answer in answers if answer["result"] == "refuted"]
    assert {answer["id"] for answer in refuted} == {"nobody-under-19"}
    (first, *_) = refuted
    assert first["bound"]["complete"] is True and first["outcome"] == "eligible"
    case = tmp_path / "case.json"
    case.write_text(json.dumps(first["facts"]))
    words = ["decide", "drug-court", "eligibility", str(case), "--as-of", first["day"], "--json"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == "eligible"
    assert main(["prove", "drug-court", "--claim", str(claims)]) == 1
    printed = capsys.readouterr().out
    days = ", ".join(dict.fromkeys(answer["day"] for answer in answers))
    assert f"`nobody-under-19` from {days}: refuted: `eligible` by `otherwise` where" in printed
    assert "the person's age is 18" in printed
    assert not any(mark in printed for mark in ("{", "99999"))


@pytest.mark.usefixtures("solver")
def test_a_claim_comes_out_alike_beside_any_other_claims(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On each stretch of days a short case is found, whatever else is asked."""
    violent = (
        "  - {id: violent, decision: eligibility, when: 'encounter.charges.exists(c, c.violent)', "
        "always: 'eligibility == \"ineligible\"', because: B., source: santa-fe-referral}\n"
    )
    offered = (
        "  - {id: offered, decision: offer, when: 'size(encounter.charges) > 0', "
        "always: 'offer != \"may_offer\"', because: B., source: santa-fe-referral}\n"
    )
    path = tmp_path / "claims.yaml"
    for text in (offered + violent, violent):
        path.write_text(f"invariants:\n{text}")
        assert main(["prove", "santa-fe", "--claim", str(path), "--json"]) == 1
        claims = json.loads(capsys.readouterr().out)["santa-fe"]["claims"]
        asked = [claim for claim in claims if claim["id"] in ("violent", "offered")]
        assert asked and {claim["result"] for claim in asked} == {"refuted"}
        records = [len(claim["facts"]["encounter"]["charges"]) for claim in asked]
        assert set(records) == {1}


@pytest.mark.usefixtures("solver")
def test_a_false_independence_is_one_result_among_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(
        "invariants:\n  - {id: ageless, decision: eligibility, independent_of: [person.age], "
        "because: B., source: kcpao-faq}\n"
        "  - {id: no-minor, decision: eligibility, when: person.age < 18, "
        "always: 'eligibility == \"ineligible\"', because: B., source: kcpao-faq}\n"
    )
    assert main(["prove", "drug-court", "--claim", str(path)]) == 1
    printed = capsys.readouterr().out
    assert "13 proved, 4 refuted" in printed.splitlines()[0]
    assert "drug-court: `no-minor` holds on all its days: proved" in printed.splitlines()
    assert "reads `person.age`, and `ageless` says that `eligibility` does not" in printed


# A draft of one's own


@pytest.fixture
def draft(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A city's pack that takes everybody from 16 years on, against its base."""
    folder = tmp_path / "las-cruces"
    assert main(["new", str(folder), "--from", "santa-fe"]) == 0
    pack = folder / "pack.yaml"
    changed = pack.read_text().replace("value: 18", "value: 16")
    assert changed != pack.read_text()
    pack.write_text(changed)
    capsys.readouterr()
    return folder


@pytest.mark.usefixtures("solver")
def test_a_refuted_draft_has_the_answer_of_its_base_and_becomes_a_scenario(
    draft: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (draft / "scenarios.yaml").read_text()
    assert main(["prove", str(draft), "--as-scenario", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)[str(draft)]
    refuted = [claim for claim in answer["claims"] if claim["result"] == "refuted"]
    assert refuted and all("base" in claim for claim in refuted)
    added = answer["scenarios"]
    assert added == [f"against-{claim_id}" for claim_id in dict.fromkeys(c["id"] for c in refuted)]
    after = (draft / "scenarios.yaml").read_text()
    assert after.startswith(before) and "# CHANGE" in after
    assert main(["prove", str(draft), "--as-scenario"]) == 1
    assert (draft / "scenarios.yaml").read_text() == after, "a scenario is added once"
    capsys.readouterr()
    # With the rule put right, the added scenarios hold.
    pack = draft / "pack.yaml"
    pack.write_text(pack.read_text().replace("value: 16", "value: 18"))
    assert main(["test", str(draft), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[str(draft)]["failures"] == {}


@pytest.mark.usefixtures("solver")
def test_the_scenarios_of_a_shipped_pack_stay(
    claims: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prove", "santa-fe", "--claim", str(claims), "--as-scenario"]) == 2
    assert "name the folder of a pack of your own [usage]" in capsys.readouterr().err


@pytest.mark.usefixtures("solver")
def test_an_invariant_that_is_never_in_force_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(LEAD + "    from: 2010-01-01\n    until: 2010-02-01\n")
    assert main(["prove", "lead", "--claim", str(path)]) == 0
    first, idle, *opened_by_consent = capsys.readouterr().out.splitlines()
    assert first.startswith("lead: 17 invariants") and "on 2 stretches" in first
    assert len(opened_by_consent) == 2
    assert idle.endswith("it is in force on no day of the program, so it says nothing")


@pytest.mark.usefixtures("solver")
@pytest.mark.parametrize(
    ("text", "code"),
    [
        (SANTA_FE.replace("eligibility\n", "eligibilty\n"), "unknown-decision"),
        (SANTA_FE.replace("person.age", "person.agee"), "unknown-fact"),
        (SANTA_FE.replace("nobody-under-19", "minors-stay-out"), "duplicate-id"),
        (SANTA_FE.replace("invariants", "claims"), "unknown-key"),
        ("", "empty-file"),
        ("invariants:", "wrong-shape"),
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
    [
        ("nowhere",),
        ("santa-fe", "--claim", "nowhere.yaml"),
        ("santa-fe", "--claim", "."),
        ("santa-fe", "--claim", "empty.yaml"),
        ("santa-fe", "--limit", "0"),
    ],
)
def test_nonsense_is_one_sentence(
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty.yaml").write_text("invariants: []\n")
    monkeypatch.chdir(tmp_path)
    assert main(["prove", *words]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_without_the_solver_it_says_how_to_install_it() -> None:
    code = "import sys; sys.modules['z3'] = None; from offramp.cli import main; sys.exit(main())"
    command: list[Any] = [sys.executable, "-c", code, "prove", "santa-fe"]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 2 and ran.stdout == ""
    assert "pip install -c constraints.txt '.[prove]' [no-solver]" in ran.stderr


@pytest.mark.usefixtures("solver")
def test_a_folder_in_place_of_claims_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["prove", "santa-fe", "--claim", "."]) == 2
    printed = capsys.readouterr()
    assert "`.` is a folder, and claims are in a file; name the file in it" in (
        printed.out + printed.err
    )


@pytest.mark.usefixtures("solver")
def test_what_consent_opens_is_said_and_is_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    """A test result or a relapse may reach justice with consent, where the base permits it."""
    assert main(["prove", "deflection"]) == 0
    printed = capsys.readouterr().out
    for reader in ("the police", "prosecutors"):
        opened = f"with the person's consent, a test result or a relapse may reach {reader}: "
        assert f"deflection: {opened}`disclosure` is `permit` by `consented`" in printed
    assert main(["prove", "santa-fe", "deflection", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert {claim["result"] for claim in value["santa-fe"]["stricter"]} == {"proved"}
    for claim in value["deflection"]["stricter"]:
        assert claim["result"] == "refuted" and claim["outcome"] == "permit"
        assert claim["facts"]["basis"] == "consent"
        answer = rules.load("deflection", claim["day"]).decide("disclosure", claim["facts"])
        assert answer.outcome == "permit"


@pytest.mark.usefixtures("solver")
@pytest.mark.parametrize("pack", rules.shelf.shipped())
def test_lead_alone_keeps_tests_and_relapses_in_care(pack: str) -> None:
    from rules.prove.by_solver import what_consent_opens

    read = rules.shelf.read_pack(pack, whole=False)
    results = {claim.result for claim in what_consent_opens(read)}
    if "disclosure" not in read.decisions:
        assert results == set()
    elif "care-never-reaches-justice" in read.invariants:
        assert results == {"proved"}
    else:
        assert results == {"refuted"}
