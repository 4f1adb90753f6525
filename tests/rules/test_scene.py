"""What an offer reads at the scene, `if_known` over small fact spaces, and its counterpart."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offramp.cli import main
from rules.author.english import words_of
from rules.author.observations import sentence_of
from rules.decide.compile import compile_condition
from rules.decide.decision import Decision
from rules.decide.observed import open_rules
from rules.decide.program import Program
from rules.decide.walk import World, walk
from rules.errors import PackError
from rules.input.facts import read_facts
from rules.language import tree
from rules.prove.implied import implies, without_if_known
from rules.prove.soundness import check_whole
from rules.second_engine import project
from rules.shelf import english
from tests.conftest import ROOT
from tests.support import written
from tests.support.written import SMALL, TINY, WORDS, assembled

PACK = """
id: made-up
title: Made up
time_zone: America/Denver
program: {from: 2000-01-01, source: s}
sources: {s: {title: S, address: here, confidence: high}}
parameters: {cap: {label: largest amount, unit: g, values: [{value: 3, source: s}]}}
decisions:
  grave:
    asks: Is a charge grave?
    decided_by: police
    governed_by: encounter.date
    reads: [scene]
    outcomes: [grave, petty]
    rules:
      - {id: violent, when: 'encounter.charges.exists(c, c.violent)', then: grave,
         because: A charge is violent., source: s}
    otherwise: {outcome: petty, because: No charge is violent., source: s}
  offer:
    rules:
      - {id: weighed, when: 'if_known(sum(encounter.drugs.map(d, d.grams)) > cap)',
         then: may_not_offer, because: 'More than {cap} g.', source: s}
      - {id: enrolled, when: if_known(person.enrolled), then: already_enrolled,
         because: The person is enrolled., source: s}
      - {id: declined, when: 'grave == "grave" && encounter.in_area
           && approval.prosecutor == "declined"', then: may_not_offer,
         because: The prosecutor declined., source: s}
    otherwise: {outcome: may_offer, because: Nothing bars it., source: s}
  eligibility:
    rules:
      - {id: over, when: 'sum(encounter.drugs.map(d, d.grams)) > cap', then: ineligible,
         because: 'More than {cap} g.', source: s}
    otherwise: {outcome: eligible, because: Nothing bars it., source: s}
"""
SCENE: dict[str, Any] = {"date": "2024-01-02", "charges": [], "drugs": [{"kind": "opioid"}]}


def decided(encounter: dict[str, Any], **person: Any) -> Decision:
    facts = {"encounter": {**SCENE, **encounter}, "person": person}
    return Program(assembled(PACK)).decide("offer", facts)


def test_an_unknown_weight_blocks_nothing_and_is_announced() -> None:
    offer = decided({})
    assert (offer.outcome, offer.needed) == ("may_offer", [])
    assert offer.would_bar == [
        {"rule": "weighed", "outcome": "may_not_offer", "facts": ["encounter.drugs[0].grams"]},
        {"rule": "enrolled", "outcome": "already_enrolled", "facts": ["person.enrolled"]},
    ]
    assert offer.as_json()["would_bar"] == offer.would_bar
    assert offer.segment is not None
    terms = words_of(offer.segment.segment, english())
    sentences = [sentence_of(rule, terms) for rule, _ in open_rules(offer)]
    assert sentences[0].startswith("If you weigh it and the total weight of all drugs is over")
    assert sentences[0].endswith("the program may not be offered.")


def test_with_the_weight_known_and_the_kind_coarse_there_is_nothing_to_weigh() -> None:
    pack = PACK.replace(
        "if_known(sum(encounter.drugs.map(d, d.grams)) > cap)",
        'encounter.drugs.exists(d, if_known(d.kind == "stimulant" && d.grams > cap))',
    )
    assert pack != PACK
    for drug, lead in (
        ({"kind": "stimulant"}, "If you weigh it and "),
        ({"grams": 4}, "If it is known that "),
    ):
        offer = Program(assembled(pack)).decide("offer", {"encounter": {**SCENE, "drugs": [drug]}})
        assert offer.segment is not None
        terms = words_of(offer.segment.segment, english())
        (rule, facts) = open_rules(offer)[0]
        assert sentence_of(rule, terms, facts).startswith(lead), drug


def test_a_known_weight_bars_or_settles_the_rule() -> None:
    over, under = ({"drugs": [{"kind": "opioid", "grams": grams}]} for grams in (4, 1))
    assert decided(over).outcome == "may_not_offer"
    assert [entry["rule"] for entry in decided(under).would_bar] == ["enrolled"]
    assert decided(over, enrolled=True).outcome == "may_not_offer", "a bar is above the enrollment"
    assert decided(under, enrolled=True).outcome == "already_enrolled"
    assert "would_bar" not in decided(under, enrolled=False).as_json()


def test_the_prosecutor_is_asked_only_where_the_scene_calls_for_it() -> None:
    def asked(encounter: dict[str, Any]) -> list[str]:
        return [entry["fact"] for entry in decided(encounter).needed]

    violent, petty, open_charge = ({"charges": [{**known}]} for known in
                                   ({"violent": True}, {"violent": False}, {}))  # fmt: skip
    assert asked({**petty, "in_area": True}) == []
    assert asked({**violent, "in_area": True}) == ["approval.prosecutor"]
    assert asked(violent) == ["encounter.in_area"]
    assert asked(open_charge) == [
        "decisions.grave",
        "encounter.charges[0].violent",
        "encounter.in_area",
    ]


# `if_known` by brute force

CONDITIONS = written.conditions(SMALL)
PLACES = st.sampled_from(
    [
        "if_known({0})",
        "if_known({0}) && ({1})",
        "({1}) || if_known({0})",
        "tiny.yes && (if_known({0}) || {1})",
        "if_known({0}) && if_known({1})",
    ]
)


TABLES = written.parameters()


def nothing(_: str) -> None:
    """No decision and no clock is named."""


@given(PLACES, CONDITIONS, CONDITIONS, written.complete(TINY).flatmap(written.holes_in))
def test_if_known_is_true_exactly_where_every_completion_of_its_condition_was_decided_true(
    place: str, first: str, second: str, partial: dict[str, Any]
) -> None:
    condition = written.checked(place.format(first, second), SMALL.scope)
    known = read_facts(written.nested(partial), WORDS).known
    world = World(known, TABLES, nothing, nothing)
    value = walk(condition, world)
    assert compile_condition(condition, TABLES)(known, nothing, nothing) is value
    for part in tree.nodes(condition):
        if isinstance(part, tree.IfKnown):
            assert walk(part, world) is (walk(part.condition, world) is True)
    waiting = World(known, TABLES, nothing, nothing, waits=True)
    if value is True:
        assert walk(condition, waiting) is True, "the marker never makes a rule true"
    if walk(condition, waiting) is False:
        assert value is False
    for tried, filled in enumerate(written.completions(partial, tree.facts_read(condition))):
        if tried == 300:
            break
        complete = World(read_facts(written.nested(filled), WORDS).known, TABLES, nothing,
                         nothing)  # fmt: skip
        later = walk(condition, complete)
        assert later is walk(without_if_known(condition), complete), "complete facts: no marker"
        assert value is not True or later is True, "knowing more keeps a true rule true"


# The counterpart

YES = [
    ("a && b", "a"), ("b && a", "a && b"), ("a", "a || b"), ("a && b", "b || c"),
    ("encounter.drugs.exists(d, if_known(d.grams > 3))", "encounter.drugs.exists(x, x.grams > 3)"),
    ('encounter.drugs.exists(d, d.kind == "opioid" && if_known(d.grams > 3))',
     "encounter.drugs.exists(d, d.grams > 3)"),
    ('if_known(sum(encounter.drugs.filter(d, d.kind == "opioid").map(d, d.grams)) > 3)',
     "sum(encounter.drugs.map(d, d.grams)) > 3"),
    ("sum(encounter.drugs.map(d, d.grams)) > 3", "!(sum(encounter.drugs.map(d, d.grams)) <= 3)"),
    ("size(encounter.drugs.filter(d, d.grams > 3)) >= 2", "size(encounter.drugs) >= 2"),
    ("size(encounter.drugs) < 2", "size(encounter.drugs.filter(d, d.grams > 3)) < 2"),
    ("!(a || b)", "!a"), ("a || b", "b || a || c"),
]  # fmt: skip
NO = [
    ("a", "a && b"), ("a || b", "a"), ("a", "!a"),
    ("encounter.drugs.exists(d, d.grams > 3)", "encounter.drugs.all(d, d.grams > 3)"),
    ("sum(encounter.drugs.map(d, d.grams)) > 3",
     'sum(encounter.drugs.filter(d, d.kind == "opioid").map(d, d.grams)) > 3'),
    ('sum(encounter.drugs.filter(d, d.kind == "opioid").map(d, d.grams)) < 3',
     "sum(encounter.drugs.map(d, d.grams)) < 3"),
    ("sum(wide.rows.filter(r, r.count > 1).map(r, r.grams)) > 3",
     "sum(wide.rows.map(r, r.grams)) > 3"),
]  # fmt: skip
NAMES = {"a": "tiny.yes", "b": "encounter.in_area", "c": "person.age < 18"}


def spelled(text: str) -> tree.Tree:
    words = text.replace("(", "( ").replace(")", " )").replace("!", "! ").split()
    return written.checked(" ".join(NAMES.get(word, word) for word in words))


@pytest.mark.parametrize(("premise", "conclusion"), YES)
def test_a_rule_implies_its_parts(premise: str, conclusion: str) -> None:
    assert implies(spelled(premise), spelled(conclusion))


@pytest.mark.parametrize(("premise", "conclusion"), NO)
def test_a_rule_implies_no_more_than_its_parts_show(premise: str, conclusion: str) -> None:
    assert not implies(spelled(premise), spelled(conclusion))


@given(CONDITIONS, CONDITIONS, st.sampled_from(["{0} && {1}", "{0} || {1}", "{0}"]))
def test_what_is_implied_is_true_on_every_complete_case(first: str, second: str, form: str) -> None:
    premise = written.checked(form.format(first, second), SMALL.scope)
    conclusion = written.checked(second, SMALL.scope)
    if not implies(premise, conclusion):
        return
    read = {**tree.facts_read(premise), **tree.facts_read(conclusion)}
    for tried, filled in enumerate(written.completions({}, read)):
        if tried == 300:
            break
        world = World(read_facts(written.nested(filled), WORDS).known, TABLES, nothing, nothing)
        assert not walk(premise, world) or walk(conclusion, world)


def test_a_search_proves_a_counterpart_that_no_part_shows() -> None:
    lines = """
id: made-up
title: Made up
time_zone: UTC
program: {from: 2000-01-01, source: s}
sources: {s: {title: S, address: here, confidence: high}}
decisions:
  offer:
    rules:
      - {id: r, when: 'if_known(judgment.amenable) && person.age > 20', then: may_not_offer,
         because: B., source: s}
    otherwise: {outcome: may_offer, because: O., source: s}
  eligibility:
    rules:
      - {id: old, when: person.age > LIMIT, then: ineligible, because: B., source: s}
    otherwise: {outcome: eligible, because: O., source: s}
"""
    check_whole(assembled(lines.replace("LIMIT", "18")))
    with pytest.raises(PackError) as refused:
        check_whole(assembled(lines.replace("LIMIT", "30")))
    assert refused.value.code == "no-counterpart"


def test_an_offer_over_every_small_case_is_its_rules_with_open_markers_left_out() -> None:
    values = [None, True, False]
    for grams, enrolled, area in product([None, 1, 4], values, values):
        drug = {"kind": "opioid"} | ({} if grams is None else {"grams": grams})
        person = {} if enrolled is None else {"enrolled": enrolled}
        around = {} if area is None else {"in_area": area}
        offer = decided({"drugs": [drug], **around}, **person)
        expected = "may_offer"
        if grams == 4:
            expected = "may_not_offer"
        elif enrolled:
            expected = "already_enrolled"
        assert (offer.outcome, offer.needed) == (expected, [])


@given(
    written.packs(("at_hand", "offer")),
    written.complete().flatmap(written.holes_in).flatmap(written.unsettled),
    written.cases(),
)
def test_the_second_engine_s_rules_chained_by_hand_give_the_same_offer(
    pack: dict[str, Any], partial: dict[str, Any], case: dict[str, Any]
) -> None:
    offer = written.program(pack).decide("offer", written.nested({**partial, **case}))
    if offer.segment is None:
        return
    projection = project(offer.rules_in_force)
    assert not projection.beyond
    derived = set(projection.facts(offer.world))
    while True:
        found = {rule.gives for rule in projection.rules if derived.issuperset(rule.facts)}
        if found <= derived:
            break
        derived |= found
    assert projection.possible(derived) == (offer.possible, offer.outcome)


# The page's own example


def documented_exclusion() -> str:
    """Return the example of an exclusion with two rules from `docs/language.md`."""
    page = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    section = page[page.index("**An exclusion has two rules.**") :]
    return section.split("```yaml\n", 1)[1].split("```", 1)[0]


Capture = pytest.CaptureFixture[str]
CITY = """
id: riverton
title: Riverton
extends: santa-fe
time_zone: America/Denver
program: {from: 2026-01-01, source: own}
sources: {own: {title: A resolution, address: here, confidence: low}}
"""
PLAIN = "encounter.weapon"


@pytest.mark.parametrize(
    ("old", "new", "code", "says"),
    [
        ("", "", None, ""),
        (f"if_known({PLAIN})", PLAIN, "reads-too-much", "rule of `eligibility` with the same"),
        (f"when: {PLAIN}", f"when: {PLAIN} && person.age < 20", "no-counterpart", "`eligibility`"),
        (
            f"if_known({PLAIN})",
            "person.age < 21",
            "floor-lifted",
            "`armed` of `offer`; an offer is",
        ),
    ],
)
def test_each_step_of_an_exclusion_is_named_by_the_error_before_it(
    old: str, new: str, code: str | None, says: str, tmp_path: Path, capsys: Capture
) -> None:
    folder = tmp_path / "riverton"
    folder.mkdir()
    example = documented_exclusion()
    assert old in example
    (folder / "pack.yaml").write_text(CITY + (example.replace(old, new) if old else example))
    assert main(["check", str(folder)]) == (0 if code is None else 2)
    printed = capsys.readouterr().out
    assert (f"[{code}]" if code else "sound") in printed and says in printed
