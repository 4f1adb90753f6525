"""Check the shared cases of law: any of the expected outcomes is right."""

from __future__ import annotations

import json
from typing import Any

import pytest

import rules
from tests.conftest import SHARED, shared

CASES = SHARED / "cases" / "law" / "cases.jsonl"


def cases() -> list[Any]:
    """Return the cases, or one that skips if the reference material is missing."""
    if not CASES.exists():
        return [pytest.param(None, id="the cases of law")]
    lines = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]
    return [pytest.param(line, id=line["id"]) for line in lines]


@pytest.mark.parametrize("case", cases())
def test_a_case_comes_out_as_the_law_has_it(case: dict[str, Any] | None) -> None:
    if case is None:
        shared("cases/law/cases.jsonl")
        return
    decision = rules.load(case["pack"]).decide(case["decision"], case["facts"])
    outcome = decision.outcome if decision.status == "decided" else "undetermined"
    assert outcome in case["expected"], case["why"]
