"""Check that `docs/errors.md` lists exactly the codes that refusals have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.codes import raised
from tests.support.error_page import rows
from tests.support.exchange_refusals import refusals

RULES = ("PackError", "FactsError", "RequestError")
EXCHANGE = (
    "TextError",
    "KeyMaterialError",
    "SignedTextError",
    "SealError",
    "DisclosureError",
    "TreeError",
    "NoteError",
    "ContentError",
    "RecordError",
    "DirectoryError",
    "LogError",
    "RequestRefused",
    "StoreError",
    "NotPassed",
)
# The refusals of programs are checked in the tests of each program. This module checks all of the
# core's.
PROGRAMS = ("AgencyError", "EngineError", "SolverError")
KINDS = (*RULES, *EXCHANGE, *PROGRAMS)


def test_the_sources_raise_these_classes_and_no_other() -> None:
    assert set(raised()) == set(KINDS)
    assert len(raised()["PackError"]) > 50, "the sources are read"


@pytest.mark.parametrize("kind", KINDS)
def test_every_code_is_documented_once_and_none_is_that_no_longer_exists(kind: str) -> None:
    listed = [row["code"] for row in rows(kind)]
    assert sorted(listed) == sorted(raised()[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_every_code_has_one_sentence_of_meaning_an_example_and_a_fix(kind: str) -> None:
    for row in rows(kind):
        assert row["meaning"][0].isupper() or row["meaning"][0] == "`"
        assert row["meaning"].endswith((".", ".)")), row["code"]
        assert row["example"][0] in "`[(" or row["example"][0].islower(), row["code"]


def page_example(path: Path) -> str:
    """Return a bad pack's expected error without its file and line, escaped as the page has it."""
    return re.sub(
        r"^[^ ]+\.(yaml|csv)(:\d+)*: ", "", path.read_text(encoding="utf-8").strip()
    ).replace("|", "\\|")


def test_every_example_of_a_pack_s_error_is_one_that_a_bad_pack_gives() -> None:
    expected = {
        page_example(path) for path in (ROOT / "tests" / "packs" / "bad").glob("*/expected.txt")
    }
    for row in rows("PackError"):
        if row["code"] != "too-large":  # its file would be too large to keep
            assert f"{row['example']}; {row['fix']} [{row['code']}]" in expected


@pytest.mark.parametrize("kind", EXCHANGE)
def test_every_example_of_an_exchange_s_error_is_one_that_it_gives(kind: str) -> None:
    core = raised(("exchange",))[kind]
    refused = {
        (error.code, error.message, error.fix)
        for error in refusals()
        if type(error).__name__ == kind
    }
    listed = {
        (row["code"], row["example"].replace("\\|", "|"), row["fix"])
        for row in rows(kind)
        if row["code"] in core
    }
    assert listed == refused
