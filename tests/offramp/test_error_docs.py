"""`docs/errors.md` lists every code of every refusal, and none that there isn't."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.codes import raised
from tests.support.exchange_refusals import refusals

PAGE = ROOT / "docs" / "errors.md"
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
# Refusals of programs, each held where its program is tested; those of the core are all given below.
PROGRAMS = ("AgencyError", "EngineError")
KINDS = (*RULES, *EXCHANGE, *PROGRAMS)
_ROW = re.compile(
    r"^\| `(?P<code>[a-z0-9-]+)` \| (?P<meaning>.+) \| (?P<example>.+) \| (?P<fix>.+) \|$",
    re.MULTILINE,
)


def rows(kind: str) -> list[re.Match[str]]:
    """The rows of the part of the page that is about one class of refusal."""
    (part,) = [
        part
        for part in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
        if f"`{kind}`" in part.partition("\n")[0]
    ]
    return list(_ROW.finditer(part))


def codes(kind: str) -> set[str]:
    return raised()[kind]


def test_the_sources_raise_these_classes_and_no_other() -> None:
    assert set(raised()) == set(KINDS)
    assert len(raised()["PackError"]) > 50, "the sources are read"


@pytest.mark.parametrize("kind", KINDS)
def test_every_code_is_documented_once_and_none_is_that_no_longer_exists(kind: str) -> None:
    listed = [row["code"] for row in rows(kind)]
    assert sorted(listed) == sorted(codes(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_every_code_has_one_sentence_of_meaning_an_example_and_a_fix(kind: str) -> None:
    for row in rows(kind):
        assert row["meaning"][0].isupper() or row["meaning"][0] == "`"
        assert row["meaning"].endswith((".", ".)")), row["code"]
        assert row["example"][0] in "`[(" or row["example"][0].islower(), row["code"]


def shown(path: Path) -> str:
    """What a bad pack's error says after its place, as the page would show it."""
    return re.sub(r"^[^ ]+\.yaml(:\d+)*: ", "", path.read_text(encoding="utf-8").strip()).replace(
        "|", "\\|"
    )


def test_every_example_of_a_pack_s_error_is_one_that_a_bad_pack_gives() -> None:
    given = {shown(path) for path in (ROOT / "tests" / "packs" / "bad").glob("*/expected.txt")}
    for row in rows("PackError"):
        if row["code"] != "too-large":  # its file would be too large to keep
            assert f"{row['example']}; {row['fix']} [{row['code']}]" in given


@pytest.mark.parametrize("kind", EXCHANGE)
def test_every_example_of_an_exchange_s_error_is_one_that_it_gives(kind: str) -> None:
    core = raised(("exchange",))[kind]
    found = {
        (error.code, error.message, error.fix)
        for error in refusals()
        if type(error).__name__ == kind
    }
    shown_ = {
        (row["code"], row["example"].replace("\\|", "|"), row["fix"])
        for row in rows(kind)
        if row["code"] in core
    }
    assert shown_ == found
