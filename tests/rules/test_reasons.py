"""Test that a reason cites what decided: the value of each parameter, its source, and its day."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import rules
from offramp.documents.letter import write_letter
from offramp.documents.plain_text import plain_text
from offramp.policy.decision_text import in_words
from rules.author.decision_schema import decision_schema
from rules.author.scenarios import read_scenarios
from rules.errors import Refusal
from rules.shelf import day_of, find, shipped, vocabulary

SEVEN_GRAMS = {
    "person": {"age": 30, "enrolled": False},
    "encounter": {
        "date": "2019-06-10",
        "route": "arrest",
        "in_area": True,
        "charges": [{"conduct": "possession", "violent": False, "to_minor": False}],
        "drugs": [{"kind": "opioid", "grams": 7, "form": "weighed"}],
    },
}


@lru_cache(maxsize=32)
def decisions(name: str) -> tuple[rules.Decision, ...]:
    """Return the decision of every scenario of a shipped pack that is not refused."""
    program, found = rules.load(name), []
    for scenario in read_scenarios(find(name)):
        dated = program.on(day_of(scenario.as_of)) if scenario.as_of else program
        try:
            found.append(dated.decide(scenario.decision, scenario.facts))
        except Refusal:
            continue
    return tuple(found)


def reasons_of(name: str) -> list[tuple[rules.Decision, dict[str, Any]]]:
    return [(answer, reason) for answer in decisions(name) for reason in answer.reasons]


@pytest.mark.parametrize("name", shipped())
def test_every_amount_in_a_reason_is_cited_and_nothing_is_cited_for_and_against(name: str) -> None:
    for answer, reason in reasons_of(name):
        values = {value["parameter"]: value for value in reason["values"]}
        sources = {reason["source"]["id"]} if reason["source"] else set()
        sources |= {value["source"]["id"] for value in values.values()}
        assert not sources & {other["source"]["id"] for other in reason.get("other", [])}
        declared = answer.program.pack.decisions[answer.decision].rules.get(reason["rule"])
        if declared is not None:
            assert set(re.findall(r"\{(\w+)\}", declared.because)) <= set(values)
        for parameter, value in values.items():
            in_force = answer.segment and answer.segment.segment.values[parameter]
            assert in_force and value["source"]["id"] == in_force.source.id
            assert value["from"] == (in_force.since.isoformat() if in_force.since else None)


@pytest.mark.parametrize("name", ["santa-fe", "seattle"])
def test_the_decision_fits_its_schema(name: str) -> None:
    validator = jsonschema.Draft202012Validator(decision_schema(vocabulary()))
    for answer in decisions(name):
        validator.validate(answer.as_json(considered=True))


def test_the_source_of_the_value_that_decided_comes_first() -> None:
    """Santa Fe's cap was 3 g in the article of 2014, and 6 g by the program's own page of 2018."""
    answer = rules.load("santa-fe").decide("eligibility", SEVEN_GRAMS)
    (reason,) = answer.reasons
    (value,) = reason["values"]
    assert (value["parameter"], value["value"], value["unit"], value["from"]) == (
        "quantity_cap", 6, "g", "2018-10-01",
    )  # fmt: skip
    assert (value["source"]["id"], reason["source"]["id"]) == ("santa-fe-referral", "nation-2014")
    text = in_words(answer)
    assert text.index("Referral Process") < text.index("The Nation, 2014")
    assert "says:" not in text, "the article is the rule's own source"


CHILD = """\
id: town
title: A town
extends: santa-fe
time_zone: America/Denver
program: {from: 2027-01-01, source: resolution}
sources:
  resolution: {title: Resolution 27-015, address: the town's clerk, confidence: high}
override:
  parameters:
    quantity_cap: {label: largest amount, unit: g, values: [{value: 4, source: resolution}]}
"""


def test_a_letter_names_the_source_of_the_town_s_own_cap_first(tmp_path: Path) -> None:
    folder = tmp_path / "town"
    folder.mkdir()
    (folder / "pack.yaml").write_text(CHILD, encoding="utf-8")
    program = rules.load(folder)
    encounter = {**SEVEN_GRAMS["encounter"], "date": "2027-03-01"}
    answer = program.decide("eligibility", {**SEVEN_GRAMS, "encounter": encounter})
    letter = plain_text(write_letter(answer.as_json(), by=program), 80)
    where = letter.index("Where it is written")
    assert "4 g" in letter and "Resolution 27-015" in letter[where : where + 60]


TABLE = """\
id: tabled
title: A program with a table
time_zone: America/Los_Angeles
program: {from: 2024-01-01, source: act}
sources:
  act: {title: The act, address: here, confidence: high}
refine:
  encounter.drugs.kind: {heroin: opioid, other_opioid: opioid}
parameters:
  cap:
    label: largest amount
    unit: g
    by: encounter.drugs.kind
    values: [{value: {heroin: 1, opioid: 2, otherwise: 3}, source: act}]
decisions:
  eligibility:
    rules:
      - id: over
        when: encounter.drugs.exists(d, d.grams > cap[d.kind])
        then: ineligible
        because: Too much.
        source: act
    otherwise: {outcome: eligible, because: Fine., source: act}
"""


def test_of_a_table_the_rows_that_mattered_are_cited(tmp_path: Path) -> None:
    folder = tmp_path / "tabled"
    folder.mkdir()
    (folder / "pack.yaml").write_text(TABLE, encoding="utf-8")
    program = rules.load(folder)
    for drugs, rows in (
        ([{"kind": "heroin", "grams": 1.5}, {"kind": "cannabis", "grams": 1}], {"heroin": 1}),
        ([{"kind": "opioid", "grams": 2.5}], {"heroin": 1, "other_opioid": 2}),
    ):
        encounter = {"date": "2024-05-01", "drugs": drugs}
        (reason,) = program.decide("eligibility", {"encounter": encounter}).reasons
        assert {value["row"]: value["value"] for value in reason["values"]} == rows


def test_a_doubt_about_the_program_is_said_on_its_days_and_no_other() -> None:
    """Santa Fe's program was renamed, and nobody saw the rules that its successor uses."""
    facts = {"encounter": {"charges": [{"authority": "federal"}]}}
    program = rules.load("santa-fe")

    def doubts(day: str) -> list[str]:
        found = program.decide(
            "eligibility", facts | {"encounter": facts["encounter"] | {"date": day}}
        )
        assert found.outcome == "ineligible"
        return [doubt for doubt in found.provisional if "Thrive" in doubt]

    assert not doubts("2019-10-31")
    (said,) = doubts("2019-11-01")
    assert said.startswith("program: ") and doubts("2026-11-29") == [said]
