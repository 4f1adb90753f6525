"""A British spelling in a pack, in facts, or in a scenario is refused, with the new one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import rules
from rules.author.scenarios import read_scenarios
from rules.errors import RESPELLED, FactsError, PackError, Refusal, nearest, respelled
from rules.shelf import read_pack, vocabulary
from tests.conftest import ROOT
from tests.support.british import british

HEAD = """\
id: made-up
title: Made up
time_zone: UTC
program: {from: 2000-01-01, source: s}
sources: {s: {title: S, address: here, confidence: high}}
"""
OFFER = """\
decisions:
  offer:
    rules: [{id: r, when: encounter.in_area, then: may_not_offer, because: B., source: s}]
    otherwise: {outcome: may_offer, because: B., source: s}
"""
FACT = """\
facts:
  made.up: {type: bool, kind: record, known_by: police, category: encounter,
            question: Q?, source: s}
"""


def fixed(refused: pytest.ExceptionInfo[Any], new: str) -> bool:
    error = refused.value
    assert isinstance(error, Refusal)
    return error.fix == f"write `{new}`, its spelling now"


def test_the_table_is_whole_and_every_new_name_is_new() -> None:
    assert len(RESPELLED) == 8
    assert all(respelled(british(name)) == name and respelled(name) is None for name in RESPELLED)
    words = vocabulary()
    for name in (*words.categories, *words.facts, *words.kinds, *words.obligations):
        assert respelled(name) is None


@pytest.mark.parametrize("new", RESPELLED)
def test_the_new_spelling_comes_before_any_nearer_name(new: str) -> None:
    old = british(new)
    assert nearest(old, [f"{old}s", new]) == f"write `{new}`, its spelling now"
    assert new not in nearest(old, ["a", "b"])


@pytest.mark.parametrize(
    ("facts", "new"),
    [
        ({british("judgment"): {"amenable": True}}, "judgment"),
        ({british("judgment"): {"no_such_fact": True}}, "judgment"),
        ({"consent": {}}, "counseling_notes"),
        ({"decisions": {"offer": british("no_offense")}}, "no_offense"),
    ],
)
def test_facts(facts: dict[str, Any], new: str) -> None:
    paths = vocabulary().facts
    if "consent" in facts:
        (path,) = (path for path, fact in paths.items() if "counseling_notes" in fact.choices)
        group, _, name = path.rpartition(".")
        facts = {group: {name: british("counseling_notes")}}
    with pytest.raises(FactsError) as refused:
        rules.load("santa-fe").read(facts)
    assert fixed(refused, new)


@pytest.mark.parametrize(
    ("text", "new"),
    [
        (HEAD + british("offenses") + ": new-york\n" + OFFER, "offenses"),
        (
            HEAD + OFFER.replace("encounter.in_area", british("judgment.amenable")),
            "judgment.amenable",
        ),
        (HEAD + OFFER.replace("may_not_offer", british("no_offense")), "no_offense"),
        (
            HEAD
            + "offenses: new-york\n"
            + OFFER.replace(
                "encounter.in_area", british("'encounter.charges.exists(c, c.code in no_offense)'")
            ),
            "no_offense",
        ),
        (HEAD + FACT.replace("kind: record", british("kind: judgment")) + OFFER, "judgment"),
        (
            HEAD + FACT.replace("category: encounter", british("category: enrollment")) + OFFER,
            "enrollment",
        ),
        (
            HEAD
            + FACT.replace("category: encounter", british("category: counseling_note"))
            + OFFER,
            "counseling_note",
        ),
        (
            HEAD
            + FACT.replace("category: encounter", british("category: offense_disclosure"))
            + OFFER,
            "offense_disclosure",
        ),
    ],
)
def test_packs(text: str, new: str, tmp_path: Path) -> None:
    folder = tmp_path / "made-up"
    folder.mkdir()
    (folder / "pack.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(PackError) as refused:
        read_pack(folder, whole=False)
    assert fixed(refused, new)


def test_the_pack_of_these_tests_is_sound_without_an_old_spelling(tmp_path: Path) -> None:
    folder = tmp_path / "made-up"
    folder.mkdir()
    (folder / "pack.yaml").write_text(HEAD + FACT + OFFER, encoding="utf-8")
    assert read_pack(folder, whole=False).id == "made-up"


def test_the_file_of_an_offense_table(tmp_path: Path) -> None:
    (tmp_path / "made-up").mkdir()
    (tmp_path / "made-up" / "pack.yaml").write_text(
        HEAD + "offenses: our-state\n" + OFFER, encoding="utf-8"
    )
    table = tmp_path / "our-state"
    shutil.copytree(ROOT / "jurisdictions" / "law" / "new-york", table)
    (table / "offenses.csv").rename(table / british("offenses.csv"))
    with pytest.raises(PackError) as refused:
        read_pack(tmp_path / "made-up", whole=False)
    assert refused.value.code == "unknown-offenses"
    assert refused.value.fix == f"rename its `{british('offenses.csv')}` to `offenses.csv`"


@pytest.mark.parametrize(
    ("expect", "new"),
    [
        (british("{outcome: no_offense}"), "no_offense"),
        (british("{possible: [no_offense, may_offer]}"), "no_offense"),
        (british("{needs: [judgment.amenable]}"), "judgment.amenable"),
    ],
)
def test_what_a_scenario_expects(expect: str, new: str, tmp_path: Path) -> None:
    (tmp_path / "scenarios.yaml").write_text(
        f"- {{id: a, says: S., decision: offer, facts: {{}}, expect: {expect}}}\n", encoding="utf-8"
    )
    with pytest.raises(PackError) as refused:
        read_scenarios(tmp_path)
    assert refused.value.code == "unknown-word"
    assert refused.value.fix == f"write `{new}`"
