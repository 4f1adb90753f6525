"""The standard's conformance suite for CEL, run in the language of packs.

Each case of the suite that needs no protobuf message ends in exactly one of two ways: the tree walk
and the compiled condition both agree with it, or the checker refuses it, by a listed kind.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest

from tests.conftest import ROOT, SHARED, shared
from tests.support.cel_cases import KINDS, Kind, Refused, expected_of, outcome_of

FILE = "vectors/cel-conformance.json"
CASES: list[dict[str, Any]] = (
    json.loads((SHARED / FILE).read_bytes())["cases"] if (SHARED / FILE).exists() else []
)
OURS: list[dict[str, Any]] = json.loads(
    (ROOT / "tests" / "conformance" / "three-valued.json").read_bytes()
)["cases"]
PAGE = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
AGREE = "agree"


def name_of(case: dict[str, Any]) -> str:
    return f"{case['file']}/{case['section']}/{case['name']}"


def test_the_suite_is_whole() -> None:
    shared(FILE)
    assert len(CASES) == 491
    assert len({name_of(case) for case in CASES}) == 491


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=name_of(case)) for case in CASES] or [pytest.param({}, id="none")],
)
def test_standard_case_agrees_or_is_refused_by_a_listed_kind(case: dict[str, Any]) -> None:
    shared(FILE)
    outcome = outcome_of(case)
    if isinstance(outcome, Refused):
        assert outcome.kind in KINDS
    else:
        assert outcome.are(expected_of(case)), outcome


def kinds(cases: list[dict[str, Any]], *, guess: bool) -> Counter[Kind | str]:
    outcomes = [outcome_of(case, guess=guess) for case in cases]
    return Counter(outcome.kind if isinstance(outcome, Refused) else AGREE for outcome in outcomes)


def listed(column: int) -> dict[str, int]:
    """A column of the table in `docs/language.md`: 0 the standard's cases, 1 ours."""
    rows = re.findall(r"^\| (.+?) \|(| .+?) \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)
    return {f"{row[0]}{row[1]}": int(row[2 + column]) for row in rows}


def table_of(counted: Counter[Kind | str]) -> dict[str, int]:
    table = {f"{kind.title} `{kind.code}`": counted[kind] for kind in KINDS}
    return {"agree": counted[AGREE], **table, "all cases": counted.total()}


def test_the_page_counts_the_standard_s_cases_of_each_kind() -> None:
    shared(FILE)
    counted = kinds(CASES, guess=False)
    assert counted.total() == len(CASES)
    assert listed(0) == table_of(counted)


def test_the_page_counts_our_cases_of_each_kind() -> None:
    assert listed(1) == table_of(kinds(OURS, guess=True))


def test_every_kind_is_used() -> None:
    assert all(listed(0)[key] or listed(1)[key] for key in listed(0))
