"""Check each line of the contract's examples, and the disclosure rules of `lead`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import rules
from rules.input.yaml import Node
from rules.language import tree
from rules.language.check import check
from rules.language.checker import Scope
from rules.shelf import read_pack, vocabulary
from tests.conftest import SHARED, shared

EXAMPLES = SHARED / "contract" / "examples.jsonl"


def examples() -> list[Any]:
    """Return the lines of the examples, or one that skips if the reference material is missing."""
    if not EXAMPLES.exists():
        return [pytest.param(None, id="the contract's examples")]
    lines = [json.loads(line) for line in EXAMPLES.read_text().splitlines()]
    return [pytest.param(line, id=line["id"]) for line in lines]


@pytest.mark.parametrize("example", examples())
def test_a_contract_example_comes_out_as_it_must(example: dict[str, Any] | None) -> None:
    if example is None:
        shared("contract/examples.jsonl")
        return
    expect = example["expect"]
    if expect.get("error"):
        with pytest.raises(rules.Refusal) as refused:
            rules.load(example["pack"], example.get("as_of")).decide(
                example["decision"], example["facts"]
            )
        assert refused.value.fix
        return
    decision = rules.load(example["pack"], example.get("as_of")).decide(
        example["decision"], example["facts"]
    )
    asked = [entry["fact"] for entry in decision.needed]
    assert decision.status == expect.get("status", decision.status), asked
    assert decision.outcome == expect.get("outcome", decision.outcome)
    assert decision.possible == expect.get("possible", decision.possible)
    if "outcome_not" in expect:
        assert decision.status == "decided" and decision.outcome != expect["outcome_not"]
    if "needs" in expect:
        assert set(expect["needs"]) <= set(asked) if expect["needs"] else not asked
    assert set(expect.get("outcome_includes", [])) <= set(decision.outcome or [])
    clocks = {clock["clock"]: clock["status"] for clock in decision.clocks}
    assert {name: clocks.get(name) for name in expect.get("clocks", {})} == expect.get("clocks", {})


def condition(text: str, where: Path) -> str:
    """A condition's canonical words."""
    words = vocabulary()
    scope = Scope(words, {}, {name: word.outcomes for name, word in words.decisions.items()}, ())
    return tree.text(check(Node(str(where), 1, 1, text, quoted=True), scope))


def test_lead_s_disclosure_is_the_contract_s_rule_by_rule() -> None:
    page = shared("contract/disclosure.yaml")
    contract = yaml.load(page.read_text(), Loader=yaml.BaseLoader)
    lead = read_pack("lead").decisions["disclosure"]
    amendment = yaml.load(
        shared("contract/disclosure-amendment.yaml").read_text(), Loader=yaml.BaseLoader
    )
    added = {"limit-never-lifted", "identity-apart"}  # only deny: see the comments in the pack
    asked = {
        rule["id"]: (rule["then"], condition(rule["when"], page))
        for rule in contract["disclosure"]["rules"]
    }
    given = {
        rule.id: (rule.then, tree.text(rule.when))
        for rule in lead.rules.values()
        if rule.id not in added
    }
    # `barriers` are apart from the status since the contract was written: care's own, and by a
    # consent of their own also the prosecutor's.
    for rule, place in (("limit-missing", '"plan", '), ("prosecutor-ceiling", '"consent_terms", ')):
        then, when = asked[rule]
        assert when.count(place) == 1
        asked[rule] = (then, when.replace(place, f'"barriers", {place}'))
    # The amendment for a crime on a program's premises. Its permit is off until a pack uses it.
    then, _ = asked["part2-needs-consent"]
    asked["part2-needs-consent"] = (
        then,
        condition(amendment["change"]["part2-needs-consent"], page),
    )
    then, when = asked["limit-missing"]
    place = 'basis != "operation"'
    asked["limit-missing"] = (then, when.replace(place, f'{place} && basis != "premises_crime"'))
    then, when = asked["police-ceiling"]
    asked["police-ceiling"] = (then, when.replace('"operation"]', '"operation", "premises_crime"]'))
    permit, only_so = (
        (rule["id"], (rule["then"], condition(rule["when"], page))) for rule in amendment["add"]
    )
    asked[only_so[0]] = only_so[1]
    assert given == asked
    assert {rule.id: (rule.then, tree.text(rule.when)) for rule in lead.optional.values()} == {
        permit[0]: permit[1]
    }
    assert {lead.rules[name].then for name in added} == {"deny"}
    assert lead.otherwise.outcome == contract["disclosure"]["otherwise"]["outcome"]
    assert {one.id: tree.text(one.when) for one in lead.obligations.values()} == {
        one["id"]: condition(one["when"], page) for one in contract["disclosure"]["obligations"]
    }
    invariants = read_pack("lead").invariants
    for one in (*contract["invariants"], *amendment["invariants"]):
        when, always = invariants[one["id"]].when, invariants[one["id"]].always
        assert when is not None and always is not None
        assert (tree.text(when), tree.text(always)) == (
            condition(one["when"], page),
            condition(one["always"], page),
        )
