"""The published schemas say what really goes in and comes out."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

import rules
from rules.author.decision_schema import decision_schema
from rules.author.facts_schema import facts_schema
from rules.author.scenarios import read_scenarios
from rules.shelf import find, shipped, vocabulary
from tests.conftest import ROOT


def published(name: str) -> Any:
    return json.loads((ROOT / "schemas" / f"{name}.json").read_text())


def test_the_published_schemas_are_the_ones_made_from_the_vocabulary() -> None:
    assert published("facts") == facts_schema(vocabulary())
    assert published("decision") == decision_schema(vocabulary())


@pytest.mark.parametrize("pack", shipped())
def test_every_scenario_s_facts_and_decision_fit_the_schemas(pack: str) -> None:
    program = rules.load(pack)
    # A pack may add facts and fields to those that are published.
    facts = jsonschema.Draft202012Validator(facts_schema(program.pack.vocabulary))
    decision = jsonschema.Draft202012Validator(published("decision"))
    for scenario in read_scenarios(find(pack)):
        if "error" in scenario.expect:
            continue
        given = json.loads(json.dumps(scenario.facts, default=float))
        facts.validate(given)
        asked = rules.load(pack, scenario.as_of) if scenario.as_of else program
        answer = asked.decide(scenario.decision, scenario.facts)
        decision.validate(json.loads(json.dumps(answer.as_json(considered=True))))
