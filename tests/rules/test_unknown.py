"""Unknown is never false: a new fact flips no decision, and each question matters."""

from __future__ import annotations

import copy
import itertools
import pickle
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import rules
from rules.decide.compile import compile_condition
from rules.decide.walk import World, walk
from rules.input.facts import read_facts
from rules.input.interval import Interval
from rules.language import tree
from rules.shelf import vocabulary
from rules.unknown import UNKNOWN, Unknown
from tests.support import generated


def test_unknown_is_one_value_without_a_truth() -> None:
    assert repr(UNKNOWN) == "UNKNOWN"
    assert Unknown() is UNKNOWN is copy.deepcopy(UNKNOWN) is pickle.loads(pickle.dumps(UNKNOWN))
    with pytest.raises(TypeError, match="is UNKNOWN"):
        bool(UNKNOWN)


def nobody(_: str) -> None:
    """No other decision and no clock is known."""


def value(condition: tree.Tree, facts: dict[str, Any]) -> bool | None:
    compiled = compile_condition(condition, generated.PARAMETERS)
    return compiled(read_facts(facts, vocabulary()).known, nobody, nobody)


PLAIN = generated.conditions(decisions=False, clocks=False)


@given(PLAIN, generated.complete_facts(), st.data())
def test_learning_facts_never_flips_a_decided_condition(
    condition: tree.Tree, complete: dict[str, Any], data: Any
) -> None:
    partial = data.draw(generated.with_holes(complete))
    known = value(condition, partial)
    if known is not None:
        assert value(condition, complete) is known
    assert value(condition, complete) is not None, "with everything known, everything is decided"


def completions(facts: dict[str, Any]) -> Any:
    """Yield all ways to fill the missing fields of the drug records."""
    records = facts["encounter"]["drugs"]
    holes = [
        (record, name) for record in records for name in ("kind", "grams") if name not in record
    ]
    values = {"kind": ["opioid", "cannabis"], "grams": [0, 2, 4]}
    for chosen in itertools.product(*(values[name] for _, name in holes)):
        filled = copy.deepcopy(facts)
        for (record, name), one in zip(holes, chosen, strict=True):
            filled["encounter"]["drugs"][records.index(record)][name] = one
        yield filled


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "kind": st.sampled_from(["opioid", "cannabis"]),
                "grams": st.sampled_from([0, 2, 4]),
            },
        ),
        max_size=2,
        unique_by=lambda record: tuple(sorted(record.items())),
    ),
    st.sampled_from(["exists", "all"]),
    st.sampled_from([0, 1, 3, 5]),
    st.sampled_from(generated.OPERATORS),
)
def test_a_decided_sum_is_what_every_completion_gives(
    records: list[dict[str, Any]], kind: str, cap: int, operator: str
) -> None:
    drugs = generated.FACTS["encounter.drugs"]
    kinds, grams = tree.FieldOf("d", drugs.fields["kind"]), tree.FieldOf("d", drugs.fields["grams"])
    opioid = tree.Compare("==", kinds, tree.Constant("opioid"))
    total = tree.Total(drugs, "d", opioid, grams, grams.fact.low, grams.fact.high)
    condition = tree.Or(
        (
            tree.Compare(operator, total, tree.Constant(cap)),
            tree.Quantifier(kind, drugs, "d", opioid),
        )
    )
    facts = {"encounter": {"drugs": records}}
    decided = value(condition, facts)
    seen = {value(condition, filled) for filled in completions(facts)}
    assert None not in seen
    if decided is not None:
        assert seen == {decided}


# Worked examples

CAP = 'sum(encounter.drugs.filter(d, d.kind == "opioid").map(d, d.grams)) > 3'


def asked(drugs: Any) -> tuple[str, list[str]]:
    facts = {
        "encounter": {
            "date": "2014-07-02",
            "route": "arrest",
            "in_area": True,
            "drugs": drugs,
            "charges": [
                {"level": "felony", "conduct": "possession", "authority": "state", "violent": False}
            ],
        },
        "person": {"age": 30},
        "judgment": {"amenable": True, "exploits_others": False},
        "approval": {"prosecutor": "approved"},
        "decisions": {"screening": "proceed"},
    }
    decision = rules.load("santa-fe").decide("eligibility", facts)
    return str(decision.outcome or decision.status), [entry["fact"] for entry in decision.needed]


@pytest.mark.parametrize(
    ("says", "drugs", "outcome", "needed"),
    [
        (
            "4 g and an unweighed bag are surely over 3 g",
            [{"kind": "opioid", "grams": 4}, {"kind": "opioid"}],
            "ineligible",
            [],
        ),
        (
            "4 g and a bag of nobody knows what are surely over 3 g",
            [{"kind": "opioid", "grams": 4}, {}],
            "ineligible",
            [],
        ),
        (
            "2 g and an unweighed bag wait for the scale",
            [{"kind": "opioid", "grams": 2}, {"kind": "opioid"}],
            "undetermined",
            ["encounter.drugs[1].grams"],
        ),
        (
            "2 g and 9 g of who knows what wait for the kind",
            [{"kind": "opioid", "grams": 2}, {"grams": 9}],
            "undetermined",
            ["encounter.drugs[1].kind"],
        ),
        (
            "2 g and half a gram of who knows what are within the cap",
            [{"kind": "opioid", "grams": 2}, {"grams": 0.5}],
            "eligible",
            [],
        ),
        (
            "null is absent",
            [{"kind": "opioid", "grams": None}],
            "undetermined",
            ["encounter.drugs[0].grams"],
        ),
        ("exactly at the cap", [{"kind": "opioid", "grams": 3.0}], "eligible", []),
        (
            "a tenth and two tenths are exactly three tenths",
            [{"kind": "opioid", "grams": g} for g in (0.1, 0.2, 2.7)],
            "eligible",
            [],
        ),
    ],
)
def test_worked(says: str, drugs: Any, outcome: str, needed: list[str]) -> None:
    assert asked(drugs) == (outcome, needed), says


def test_an_unknown_list_is_one_question() -> None:
    assert asked(None)[1] == ["encounter.drugs"]


def test_an_interval_decides_what_all_its_values_agree_on() -> None:
    facts = read_facts({"encounter": {"drugs": [{"grams": 1}, {}]}}, vocabulary()).known
    world = World(facts, {}, nobody, nobody)
    drugs = generated.FACTS["encounter.drugs"]
    grams = drugs.fields["grams"]
    total = tree.Total(drugs, "d", None, tree.FieldOf("d", grams), grams.low, grams.high)
    assert walk(total, world) == Interval(1, None)
    assert walk(tree.Compare(">=", total, tree.Constant(1)), world) is True
    assert walk(tree.Compare("<", total, tree.Constant(1)), world) is False
    assert walk(tree.Compare("==", total, tree.Constant(0)), world) is False
    assert walk(tree.Compare(">", total, tree.Constant(1)), world) is None
    assert walk(tree.Arithmetic("+", total, tree.Constant(1)), world) is None, (
        "anything but a comparison is unknown"
    )


@given(generated.complete_facts(), st.data())
def test_absent_and_null_are_the_same(complete: dict[str, Any], data: Any) -> None:
    partial = data.draw(generated.with_holes(complete))
    without = {
        group: {key: one for key, one in inner.items() if one is not None}
        for group, inner in partial.items()
    }
    assume(without != partial)
    one, other = (
        rules.load("seattle").decide("eligibility", facts).as_json() for facts in (partial, without)
    )
    assert one == other
