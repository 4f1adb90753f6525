"""Check each line of the language's examples, and the example packs of the contract as a whole."""

from __future__ import annotations

import json
import shutil
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

import rules
from rules.author.scenarios import read_scenarios, run
from rules.decide.program import Program
from rules.prove.soundness import check_whole
from rules.shelf import read_pack, shipped
from tests.conftest import SHARED, shared

EXAMPLES = SHARED / "contract" / "language-examples.jsonl"
PACKS = SHARED / "contract" / "packs"


def lines() -> list[dict[str, Any]]:
    """Return the examples, or none where the reference material is missing."""
    if not EXAMPLES.exists():
        return []
    return [json.loads(line) for line in EXAMPLES.read_text(encoding="utf-8").splitlines()]


def params(*, edited: bool) -> list[Any]:
    """Return the lines with or without an edit, or one that skips."""
    chosen = [pytest.param(line, id=line["id"]) for line in lines() if ("edit" in line) is edited]
    return chosen or [pytest.param(None, id="the contract's examples")]


def example_packs() -> list[str]:
    """Return the ids of the example packs, or one that skips."""
    return sorted(path.parent.name for path in PACKS.glob("*/pack.yaml")) or [""]


@lru_cache(maxsize=16)
def program(name: str) -> Program:
    """Return an example pack or a shipped one, ready to decide."""
    pack = name if name in shipped() and not (PACKS / name).exists() else PACKS / name
    return Program(read_pack(pack, whole=False))


@pytest.mark.parametrize("line", params(edited=False))
def test_a_case_comes_out_as_the_contract_says(line: dict[str, Any] | None) -> None:
    if line is None:
        shared("contract/language-examples.jsonl")
        return
    expect = line["expect"]
    decision = program(line["pack"]).decide(line["decision"], line["facts"])
    asked = [entry["fact"] for entry in decision.needed]
    assert decision.status == expect.get("status", decision.status), asked
    assert decision.outcome == expect.get("outcome", decision.outcome)
    if "outcome_not" in expect:
        assert decision.outcome != expect["outcome_not"]
    if "needs" in expect:
        assert set(expect["needs"]) <= set(asked) if expect["needs"] else not asked
    assert not set(expect.get("needs_not", [])) & set(asked)
    assert set(expect.get("rules", [])) <= {reason["rule"] for reason in decision.reasons}
    clocks = {clock["clock"]: clock["status"] for clock in decision.clocks}
    assert {name: clocks.get(name) for name in expect.get("clocks", {})} == expect.get("clocks", {})
    if "would_bar" in expect:
        entries = decision.as_json().get("would_bar", [])
        assert sorted(entry["rule"] for entry in entries) == expect["would_bar"]


@pytest.mark.parametrize("line", params(edited=True))
def test_an_edit_is_refused_as_the_contract_says(
    line: dict[str, Any] | None, tmp_path: Path
) -> None:
    if line is None:
        shared("contract/language-examples.jsonl")
        return
    shutil.copytree(PACKS, tmp_path / "packs")
    file = tmp_path / "packs" / line["pack"] / "pack.yaml"
    text = file.read_text(encoding="utf-8")
    assert line["edit"]["replace"] in text
    edited = text.replace(line["edit"]["replace"], line["edit"]["with"], 1)
    file.write_text(edited, encoding="utf-8")
    with pytest.raises(rules.Refusal) as refused:
        read_pack(file.parent, whole=True)
    codes = [error.code for error in getattr(refused.value, "all", lambda: [refused.value])()]
    assert line["expect"]["error"] in codes
    assert refused.value.fix


@pytest.mark.parametrize("name", example_packs())
def test_an_example_pack_is_sound_and_its_scenarios_hold(name: str) -> None:
    if not name:
        shared("contract/packs")
        return
    pack = program(name).pack
    check_whole(pack)
    report = run(Program(pack), read_scenarios(PACKS / name))
    assert not report.failures
