"""The standard's own conformance suite for CEL, every case of it that needs no protobuf message.

Where Offramp means to differ, because what is unbound or null in the facts is unknown to it, the case is skipped by
kind. A kind is a rule about the case itself, so that nothing else can hide under it.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from rules.language.parse import parse
from rules.language.syntax import Name
from tests.conftest import SHARED, shared
from tests.support.tagged import UNDETERMINED, expected_of, result_of

FILE = "vectors/cel-conformance.json"
CASES: list[dict[str, Any]] = (
    json.loads((SHARED / FILE).read_bytes())["cases"] if (SHARED / FILE).exists() else []
)

UNBOUND = "unbound as error: a name that the facts don't bind is unknown here"
NULL = "null semantics: a null in the facts is unknown here, not CEL's null"
SKIPPED = {UNBOUND: 2, NULL: 2}


def name_of(case: dict[str, Any]) -> str:
    return f"{case['file']}/{case['section']}/{case['name']}"


def kind_of_skip(case: dict[str, Any]) -> str | None:
    bindings = case.get("bindings", {})
    tree = parse(case["expr"])
    if case.get("error") and isinstance(tree, Name) and tree.name not in bindings:
        return UNBOUND
    if {"null": None} in bindings.values():
        return NULL
    return None


def test_the_suite_is_whole() -> None:
    shared(FILE)
    assert len(CASES) == 491
    assert len({name_of(case) for case in CASES}) == 491


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=name_of(case)) for case in CASES] or [pytest.param({}, id="none")],
)
def test_standard_case(case: dict[str, Any]) -> None:
    shared(FILE)
    kind = kind_of_skip(case)
    if kind is not None:
        pytest.skip(kind)
    assert result_of(case["expr"], case.get("bindings", {})) == expected_of(case)


def test_every_kind_of_skip_is_used_and_no_more_often_than_listed() -> None:
    shared(FILE)
    assert Counter(kind for case in CASES if (kind := kind_of_skip(case))) == SKIPPED


def test_what_is_skipped_is_unknown_to_us_and_not_merely_wrong() -> None:
    shared(FILE)
    for case in CASES:
        if kind_of_skip(case):
            assert result_of(case["expr"], case.get("bindings", {})) == UNDETERMINED, name_of(case)
