"""Children of packs: items that they add, override, and remove, and items with own dates."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from rules.decide.program import Program
from rules.errors import PackError
from tests.support.written import assembled

SOURCES = "sources: {act: {title: The act, address: here, confidence: high}}"
PARENT = f"""
id: base
title: Base
time_zone: UTC
program: {{from: 2015-01-01, source: act}}
{SOURCES}
parameters:
  cap: {{label: cap, unit: g, values: [{{value: 3, source: act}}]}}
  hours: {{label: hours, unit: hours, values: [{{value: 72, source: act}}]}}
clocks:
  plan: {{label: plan, owner: case_management, start: case.intake_at, stop: case.plan_at,
         length: hours, follows: "…", source: act}}
decisions:
  eligibility:
    rules:
      - {{id: over, when: 'sum(encounter.drugs.map(d, d.grams)) > cap', then: ineligible,
         because: "Over {{cap}} g.", source: act}}
      - {{id: young, when: person.age < 18, then: ineligible, because: Under 18., source: act}}
    otherwise: {{outcome: eligible, because: Nothing bars it., source: act}}
    while_waiting: {{who: police, text: Wait., source: act}}
    next: {{ineligible: {{who: police, text: Book., source: act}},
            eligible: {{who: program, text: Call., source: act}}}}
  filing:
    otherwise: {{outcome: hold, because: It rests., source: act}}
"""
CHILD = """
id: town
title: Town
extends: base
time_zone: America/New_York
program: {from: 2018-01-01, source: ordinance}
sources: {ordinance: {title: The ordinance, address: there, confidence: high}}
"""


def town(rest: str, *more: str) -> Program:
    return Program(assembled(PARENT, CHILD + rest, *more))


def ask(program: Program, grams: float, age: int, day: str = "2019-01-01") -> Any:
    facts = {"encounter": {"date": day, "drugs": [{"grams": grams}]}, "person": {"age": age}}
    return program.decide("eligibility", facts).outcome


def test_a_child_that_says_nothing_decides_as_its_parent() -> None:
    program = town("")
    assert (ask(program, 4, 30), ask(program, 3, 30), ask(program, 3, 12)) == (
        "ineligible",
        "eligible",
        "ineligible",
    )


def test_a_rule_that_is_added_stands_beside_the_parent_s() -> None:
    program = town("""
decisions:
  eligibility:
    rules: [{id: old, when: person.age > 60, then: ineligible, because: Over 60.,
             source: ordinance}]
""")
    assert (ask(program, 1, 70), ask(program, 4, 30), ask(program, 1, 30)) == (
        "ineligible",
        "ineligible",
        "eligible",
    )


def test_an_override_replaces_the_whole_rule() -> None:
    program = town("""
decisions:
  eligibility:
    override: [{id: young, when: person.age < 16, then: ineligible, because: Under 16.,
                source: ordinance}]
""")
    assert (ask(program, 1, 17), ask(program, 1, 15)) == ("eligible", "ineligible")
    rule = program.pack.decisions["eligibility"].rules["young"]
    assert (rule.because, rule.source.id, rule.declared_in) == ("Under 16.", "ordinance", "town")


def test_a_rule_that_is_removed_is_gone() -> None:
    program = town("""
decisions:
  eligibility:
    remove: [{id: young, because: The ordinance has no age., source: ordinance}]
""")
    assert (ask(program, 1, 12), ask(program, 4, 12)) == ("eligible", "ineligible")


def test_what_holds_otherwise_is_overridden_by_that_name() -> None:
    program = town("""
decisions:
  filing:
    override: [{id: otherwise, outcome: nothing_held, because: Nothing is held here.,
                source: ordinance}]
""")
    assert program.decide("filing", {"now": "2019-01-01T00:00:00Z"}).outcome == "nothing_held"


def test_a_parameter_and_a_clock_are_overridden_whole() -> None:
    program = town("""
override:
  parameters:
    cap: {label: cap, unit: g,
          values: [{from: 2018-01-01, until: 2018-07-01, value: 3, source: ordinance},
                   {from: 2018-07-01, value: 6, source: ordinance}]}
  clocks:
    plan: {label: plan, owner: program, start: case.intake_at, stop: case.plan_at,
           length: hours, follows: "…", source: ordinance}
""")
    assert (ask(program, 4, 30, "2018-06-30"), ask(program, 4, 30, "2018-07-01")) == (
        "ineligible",
        "eligible",
    )
    decision = program.decide(
        "eligibility", {"encounter": {"date": "2019-01-01", "drugs": [{"grams": 7}]}}
    )
    assert decision.reasons[0]["text"] == "Over 6 g.", "the parent's words with the child's value"
    (clock,) = program.decide("filing", {"now": "2019-01-01T00:00:00Z"}).clocks
    assert clock["owner"] == "program"


def test_words_for_what_comes_next_stand_in_place_of_the_parent_s_one_by_one() -> None:
    program = town("""
decisions:
  eligibility:
    while_waiting: {who: program, text: Sit down., source: ordinance}
    next: {eligible: {who: case_management, text: Walk over., source: ordinance}}
""")
    waits, goes, stays = (
        {"encounter": {"date": "2019-01-01", "drugs": drugs}, "person": {"age": 30}}
        for drugs in (None, [], [{"grams": 9}])
    )
    assert program.decide("eligibility", waits).next["text"].startswith("Sit down. ")
    assert program.decide("eligibility", goes).next == {
        "who": "case_management",
        "text": "Walk over.",
    }
    assert program.decide("eligibility", stays).next == {"who": "police", "text": "Book."}


def test_a_grandchild_builds_on_both() -> None:
    grandchild = """
id: village
title: Village
extends: town
time_zone: UTC
program: {from: 2020-01-01, source: act}
sources: {}
decisions:
  eligibility:
    override: [{id: old, when: person.age > 80, then: ineligible, because: Over 80., source: act}]
"""
    added = """
decisions:
  eligibility:
    rules: [{id: old, when: person.age > 60, then: ineligible, because: Over 60.,
             source: ordinance}]
"""
    program = town(added, grandchild)
    assert (ask(program, 1, 70, "2020-01-01"), ask(program, 1, 81, "2020-01-01")) == (
        "eligible",
        "ineligible",
    )
    assert ask(program, 4, 70, "2020-01-01") == "ineligible"


def test_the_program_s_own_dates_are_the_child_s() -> None:
    with pytest.raises(Exception, match="began on 2018-01-01"):
        ask(town(""), 1, 30, "2017-12-31")


# Items with dates of their own


def test_a_next_step_is_said_only_while_it_is_in_force() -> None:
    program = town("""
decisions:
  eligibility:
    while_waiting: {who: program, text: Sit down., source: ordinance, until: 2019-01-01}
    next: {eligible: {who: program, text: Walk over., source: ordinance, from: 2019-01-01}}
""")
    known = {"drugs": [], "in_area": True}
    before, after = (
        {"encounter": {"date": day, **known}, "person": {"age": 30}}
        for day in ("2018-12-31", "2019-01-01")
    )
    assert program.decide("eligibility", before).next is None
    assert program.decide("eligibility", after).next == {"who": "program", "text": "Walk over."}
    steps = [
        program.decide("eligibility", {"encounter": {"date": day}}).next
        for day in ("2018-12-31", "2019-01-01")
    ]
    assert [step["text"].startswith("Sit down.") for step in steps if step] == [True, False]


def test_what_holds_otherwise_always_holds_and_takes_no_dates() -> None:
    with pytest.raises(PackError) as refused:
        town("""
decisions:
  filing:
    override: [{id: otherwise, outcome: hold, because: It rests., source: ordinance,
                from: 2019-01-01}]
""")
    assert (refused.value.code, refused.value.message) == (
        "unknown-key",
        "`otherwise` has no key `from`",
    )


def test_an_invariant_that_begins_later_holds_from_its_first_day() -> None:
    floor = """
invariants:
  - {id: no-cap, decision: eligibility, when: person.age >= 18,
     always: eligibility == "eligible", source: ordinance, from: 2030-01-01}
"""
    assert town("").pack.boundaries() == ()
    assert town(floor).pack.boundaries() == (date(2030, 1, 1),)
    with pytest.raises(PackError) as refused:
        assembled(PARENT, CHILD + floor, whole=True)
    assert refused.value.code == "floor-lifted" and "2030-01-01" in refused.value.message


def test_obligations_stand_in_one_order_whatever_the_pack_s() -> None:
    disclosure = (
        "  disclosure:\n    otherwise: {outcome: permit, because: Fine., source: act}\n"
        "    obligations: [%s]\n"
    )
    listed = [
        "{id: second_person, when: 'true', source: act}",
        "{id: keep_until, when: 'true', source: act}",
    ]
    one, other = (
        Program(assembled(PARENT + disclosure % ", ".join(some))) for some in (listed, listed[::-1])
    )
    assert one.digest == other.digest
    day = date(2019, 1, 1)
    assert one.on(day).decide("disclosure", {}).obligations == ["keep_until", "second_person"]
    assert other.on(day).decide("disclosure", {}).obligations == ["keep_until", "second_person"]
