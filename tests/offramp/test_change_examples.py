"""The contract's examples of rule changes that the command, the prover, and hiding must meet.

Pairs, points, files, and figures have tests beside their parts. These are the others.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from offramp.cli import main
from offramp.counts import Table, suppress, total
from rules.author.scenarios import read_generated, read_scenarios, run
from rules.decide.program import Program
from rules.shelf import find, read_pack
from tests.conftest import shared

CONTRACT = "contract/change-examples.jsonl"


def example(name: str) -> dict[str, Any]:
    for line in shared(CONTRACT).read_text().splitlines():
        case: dict[str, Any] = json.loads(line)
        if case["id"].startswith(f"{name}-"):
            return case
    raise AssertionError(name)


@pytest.mark.parametrize("name", ["d11", "d12"])
def test_a_small_cell_is_hidden_with_what_would_tell_it(name: str) -> None:
    case = example(name)
    counts = {**case["table"], "total": case["total"]}
    hidden = suppress(Table(counts, (total("total", list(case["table"])),))).hidden
    shown = {cell: "hidden" if cell in hidden else count for cell, count in counts.items()}
    assert shown == case["expect"]


def test_a_mistake_that_no_scenario_noticed_then_is_noticed_now(tmp_path: Path) -> None:
    """Then no scenario asked `offer` at 18. Since, `scenarios.auto.yaml` does."""
    case = example("d15")
    assert case["expect"]["missing_scenario"]["facts_include"] == {"person": {"age": 18}}
    folder = find(case["pack"])
    shutil.copytree(folder, tmp_path / folder.name)
    pack = tmp_path / folder.name / "pack.yaml"
    before, after = "when: person.age < minimum_age", "when: person.age <= minimum_age"
    text = pack.read_text()
    place = text.index(before, text.index("  offer:"))
    pack.write_text(text[:place] + after + text[place + len(before) :])
    written = read_scenarios(folder)
    report = run(
        Program(read_pack(tmp_path / folder.name, whole=False)),
        [*written, *read_generated(folder, written)],
    )
    assert [failure.scenario.id for failure in report.failures] == ["auto-offer-under-age"]


@pytest.mark.parametrize("name", ["d17", "d18"])
def test_a_claim_is_proved_or_refuted_as_the_contract_says(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("z3", reason="the solver isn't installed")
    case = example(name)
    text = {"because": "The contract asks it.", "source": "nation-2014", **case["claim"]}
    claims = tmp_path / "claims.yaml"
    claims.write_text(json.dumps({"invariants": [{"id": "asked", **text}]}))
    code = main(["prove", case["pack"], "--claim", str(claims), "--json"])
    printed = json.loads(capsys.readouterr().out)[case["pack"]]["claims"]
    (claim,) = (each for each in printed if each["id"] == "asked" and each["day"] == case["day"])
    assert claim["result"] == case["expect"]["result"]
    if claim["result"] == "refuted":
        assert code == 1 and claim["outcome"] == "eligible"
        assert any(charge.get("violent") for charge in claim["facts"]["encounter"]["charges"])
    else:
        assert code == 0 and claim["bound"]["complete"] is True


def test_louisiana_s_adults_without_an_assumption(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("z3", reason="the solver isn't installed")
    case = example("d08")
    words = ["change", case["old"], case["new"], "--decision", case["decision"], "--json"]
    words += ["--cohort", str(shared(case["cohort"].removeprefix("../shared/")))]
    words += ["--map", case["map"], "--where", "arrest_offense=35A", "--where", "age=18.."]
    assert main([*words, "--assume", case["assume"]]) == 0
    (flip,) = json.loads(capsys.readouterr().out)["cohort"]["groups"][0]["flips"]
    expect = case["expect"]["ALL"]
    assert (flip["surely"], flip["at_most"]) == (expect["surely"], expect["at_most"])
