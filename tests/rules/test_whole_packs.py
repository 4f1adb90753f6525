"""Whole programs made up by Hypothesis: dates, exceptions, clocks, and decisions of all kinds.

The plain meaning is written apart from the engine: it compares dates and walks trees.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.decide.clocks import read_clock
from rules.decide.decision import Decision
from rules.decide.program import Program
from rules.decide.walk import World, conjunction, disjunction, walk
from rules.errors import PackError
from rules.input.facts import read_facts
from rules.language import tree
from rules.packs.digest import digest
from rules.packs.pack import Item, Pack, Parameter
from rules.packs.ready import pickled, unpickled
from rules.packs.tables import table_of
from tests.support import written
from tests.support.written import AS_OF, Flat, program


class Plain:
    """A program's meaning, read off the pack as slowly as one likes."""

    def __init__(
        self, pack: Pack, known: Mapping[str, Any], attested: Mapping[str, str], as_of: date | None
    ) -> None:
        self.pack, self.known, self.attested, self.as_of = pack, known, attested, as_of

    def day(self, name: str) -> date | None:
        governed_by = self.pack.decisions[name].governed_by
        at = self.as_of or self.known.get(governed_by)
        if isinstance(at, datetime):
            return at.astimezone(ZoneInfo(self.pack.time_zone)).date()
        return at

    def outcome(self, name: str) -> str | None:
        if name in self.attested:
            return self.attested[name]
        sure, may_be = self.answer(name)
        return sure[0] if len(may_be) == 1 and sure else None

    def as_read(self, parameter: Parameter, value: Any) -> Any:
        if parameter.by is None or value is None:
            return value
        fact = self.pack.vocabulary.fact_at(parameter.by)
        assert fact is not None
        return table_of(value, fact.word_tree)

    def answer(self, name: str) -> tuple[list[str], list[str]]:
        """The sure outcomes (all that a collecting decision answers) and the possible ones."""
        decision, day = self.pack.decisions[name], self.day(name)
        assert day is not None

        def holds(item: Item) -> bool:
            assert day is not None
            return not (item.since and day < item.since) and not (item.until and day >= item.until)

        values = {
            name: self.as_read(one, next((v.value for v in one.values if holds(v)), None))
            for name, one in self.pack.parameters.items()
        }

        def status(clock: str) -> str | None:
            declared = self.pack.clocks[clock]
            unit, zone = self.pack.parameters[declared.length].unit, self.pack.time_zone
            length = values[declared.length]
            status = read_clock(declared, length, unit, self.known, time_zone=zone).status
            return None if status == "unknown" else status

        def outcome(other: str) -> str | None:
            return (
                self.outcome(other)
                if self.day(other) is not None or other in self.attested
                else None
            )

        world = World(self.known, values, outcome, status, time_zone=self.pack.time_zone)
        of_outcome: dict[str, bool | None] = {}
        for rule in decision.rules.values():
            if holds(rule):
                lifted = disjunction([walk(one.when, world) for one in rule.unless if holds(one)])
                value = conjunction(
                    [walk(rule.when, world), None if lifted is None else not lifted]
                )
                of_outcome[rule.then] = disjunction([value, of_outcome.get(rule.then, False)])
        true = [one for one in decision.outcomes if of_outcome.get(one) is True]
        unknown = [one for one in decision.outcomes if of_outcome.get(one, False) is None]
        last = decision.otherwise.outcome
        order = decision.outcomes.index
        if decision.collect:
            sure = true or ([] if unknown else [last])
            return sure, sorted({*sure, *unknown, *([] if true else [last])}, key=order)
        above = unknown if not true else [one for one in unknown if order(one) < order(true[0])]
        may_be = sorted({*above, true[0] if true else last}, key=order)
        return may_be[:1], may_be


@given(written.packs(), written.complete(), written.cases(), AS_OF, st.data())
def test_the_engine_decides_as_the_program_means(
    pack: dict[str, Any], complete: Flat, case: Flat, as_of: str | None, data: st.DataObject
) -> None:
    holes = data.draw(written.holes_in(complete))
    facts = {**data.draw(written.unsettled(holes)), **case}
    asked = program(pack, as_of)
    attested = {
        name: data.draw(st.sampled_from(part["outcomes"]))
        for name, part in written.PARTS.items()
        if name in pack["decisions"]
        and not part.get("collect")
        and data.draw(st.integers(0, 5)) == 0
    }
    given_facts = {**written.nested(facts), "decisions": attested}
    plain = Plain(
        asked.pack,
        asked.law.filled(
            read_facts(written.nested(written.with_day(facts)), asked.pack.vocabulary)
        ).known,
        attested,
        asked.as_of,
    )
    for name, declared in asked.pack.decisions.items():
        decision = asked.decide(name, given_facts)
        if name in attested:
            assert (decision.outcome, decision.possible, decision.status) == (
                attested[name],
                [attested[name]],
                "decided",
            )
        elif plain.day(name) is None:
            assert (decision.status, [one["fact"] for one in decision.needed]) == (
                "undetermined",
                [declared.governed_by],
            )
        else:
            sure, may_be = plain.answer(name)
            assert decision.possible == may_be
            if declared.collect:
                assert decision.outcome == sure
                assert (decision.status == "decided") == (sure == may_be)
            else:
                assert decision.outcome == (may_be[0] if len(may_be) == 1 else None)
                assert (decision.status == "decided") == (len(may_be) == 1)
        assert (decision.needed == []) == (decision.status == "decided")
        assert [one["fact"] for one in decision.needed] == sorted(
            one["fact"] for one in decision.needed
        )
        json.dumps(decision.as_json(considered=True))


@given(written.packs(), written.complete(), written.cases(), AS_OF, st.data())
def test_learning_never_flips_a_decided_result(
    pack: dict[str, Any], complete: Flat, case: Flat, as_of: str | None, data: st.DataObject
) -> None:
    asked = program(pack, as_of)
    steady = {path: one for path, one in complete.items() if path != "now"}
    less = {**data.draw(written.holes_in(steady)), **case}
    more = {**less, **{path: steady[path] for path in steady if data.draw(st.booleans())}}
    for name, declared in asked.pack.decisions.items():
        before, after = (
            asked.decide(name, written.nested(less)),
            asked.decide(name, written.nested(more)),
        )
        if name == "offer":
            only_what_was_announced(before, after, less, more)
            continue
        assert set(after.possible) <= set(before.possible)
        if before.status == "decided":
            assert (after.status, after.outcome, after.possible) == (
                before.status,
                before.outcome,
                before.possible,
            )
        if declared.collect:
            assert isinstance(before.outcome, list) and isinstance(after.outcome, list)
            assert set(before.outcome) <= set(after.outcome) <= set(after.possible)


def only_what_was_announced(before: Decision, after: Decision, less: Flat, more: Flat) -> None:
    """The one exception to learning: an observation adds an outcome that the answer announced."""
    added = set(after.possible) - set(before.possible)
    order = before.rules_in_force.decision.outcomes.index if before.segment else None
    if before.segment is None:
        return
    assert order is not None
    assert added <= {entry["outcome"] for entry in before.would_bar}
    # `otherwise` stands below every rule, wherever its outcome is in the order.
    if any(value is True for value in rule_values(before)):
        assert all(order(outcome) < order(before.possible[-1]) for outcome in added)
    parts = [
        part
        for rule in before.rules_in_force.rules
        for part in tree.nodes(rule.condition)
        if isinstance(part, tree.IfKnown)
    ]
    assert not added or parts
    observed = {path for part in parts for path in tree.facts_read(part)}
    if seen(written.with_day(less), observed) == seen(written.with_day(more), observed):
        assert not added
        if before.status == "decided":
            assert (after.status, after.outcome) == (before.status, before.outcome)


def rule_values(decision: Decision) -> list[bool | None]:
    return [entry["value"] for entry in decision.as_json(considered=True)["considered"]]


def seen(facts: Flat, observed: set[str]) -> dict[str, Any]:
    """The observations in the facts: whole facts, and fields of records."""
    found: dict[str, Any] = {}
    for path, value in facts.items():
        if isinstance(value, list):
            fields = [one for one in observed if one.startswith(f"{path}.")]
            if fields:
                found[path] = [
                    {one: record.get(one.rpartition(".")[2]) for one in fields} for record in value
                ]
        if path in observed and not isinstance(value, list):
            found[path] = value
        elif path in observed:
            found.setdefault(path, len(value))
    return found


@given(written.packs(("at_hand", "offer")), written.complete(), written.cases(), st.data())
def test_an_observation_adds_only_what_the_offer_announced(
    pack: dict[str, Any], complete: Flat, case: Flat, data: st.DataObject
) -> None:
    asked = program(pack)
    steady = {path: one for path, one in complete.items() if path != "now"}
    less = {**data.draw(written.holes_in(steady)), **case}
    more = {**less, **{path: steady[path] for path in steady if data.draw(st.booleans())}}
    before, after = (asked.decide("offer", written.nested(facts)) for facts in (less, more))
    only_what_was_announced(before, after, less, more)
    needed = {entry["fact"] for entry in before.needed}
    assert all(path == "approval.prosecutor" or is_of_scene(path) for path in needed)


def test_an_observation_that_replaces_otherwise_was_announced() -> None:
    """The outcome of `otherwise` is first in the order here, and still below every rule."""
    said = {"because": "B.", "source": "s"}
    rule = {"id": "open", "when": "if_known(encounter.in_area)", "then": "immune", **said}
    offer = {"rules": [rule], "otherwise": {"outcome": "no_offense", **said}}
    pack = {**written.HEAD, "parameters": {}, "clocks": {}, "decisions": {"offer": offer}}
    less: Flat = {"encounter.date": "2014-03-31"}
    asked = program(pack)
    before = asked.decide("offer", written.nested(less))
    after = asked.decide("offer", written.nested({**less, "encounter.in_area": True}))
    assert (before.outcome, after.outcome) == ("no_offense", "immune")
    assert [entry["rule"] for entry in before.would_bar] == ["open"]
    only_what_was_announced(before, after, less, {**less, "encounter.in_area": True})


def is_of_scene(path: str) -> bool:
    """Whether a needed path is of the scene, or a decision about it."""
    listed, _, rest = path.partition("[")
    if path == "decisions.at_hand":
        return True
    fact = written.WORDS.facts[listed]
    return fact.fields[rest.partition("].")[2]].scene if rest else fact.scene


@given(written.packs(), written.complete(), written.complete(written.EVENTS))
def test_with_every_fact_known_every_decision_is_decided(
    pack: dict[str, Any], complete: Flat, events: Flat
) -> None:
    asked = program(pack)
    for name in asked.pack.decisions:
        decision = asked.decide(name, written.nested({**complete, **events}))
        assert decision.status == "decided" and decision.needed == []


@given(written.packs(), written.complete(), written.cases(), st.data())
def test_the_questions_come_to_an_end_and_ask_only_for_what_is_unknown(
    pack: dict[str, Any], complete: Flat, case: Flat, data: st.DataObject
) -> None:
    asked = program(pack)
    facts = {**data.draw(written.holes_in(complete)), **case}
    name = data.draw(st.sampled_from(sorted(pack["decisions"])))
    attested: dict[str, str] = {}
    answered: set[str] = set()
    for _ in range(60):
        decision = asked.decide(name, {**written.nested(facts), "decisions": attested})
        paths = [one["fact"] for one in decision.needed]
        if decision.status == "decided":
            assert not paths
            return
        assert paths and not answered & set(paths), "nothing is asked twice"
        leaves = [path for path in paths if not path.startswith("decisions.")]
        kept = [one for one in ("screening", "record") if f"decisions.{one}" in paths]
        for one in kept:
            attested[one] = data.draw(st.sampled_from(written.PARTS[one]["outcomes"]))
        if not kept:
            assert leaves, "a decision that is asked for gives its own questions too"
        for path in leaves:
            supply(facts, path, complete, data)
        answered |= {*leaves, *(f"decisions.{one}" for one in attested)}
    pytest.fail("the questions have no end")


def supply(facts: Flat, path: str, complete: Flat, data: st.DataObject) -> None:
    """Any value there may be, at a path that was unknown, or known by a coarse word."""
    listed, _, rest = path.partition("[")
    if not rest:
        fact = written.WORDS.facts[path]
        assert written.is_open(fact, facts.get(path)), f"{path} is known"
        coarse = facts.get(path)
        facts[path] = complete[path] if coarse is None else written.meant(fact, coarse)[0]
        return
    index, _, name = rest.partition("].")
    records = copy.deepcopy(facts[listed])
    field, before = written.WORDS.facts[listed].fields[name], records[int(index)].get(name)
    assert written.is_open(field, before), f"{path} is known"
    values = (
        written.values_of(field)
        if before is None
        else st.sampled_from(written.meant(field, before))
    )
    records[int(index)][name] = data.draw(values)
    if listed == written.CHARGES and name == "code":
        records[int(index)] = written.agreeing_charge(records[int(index)])
    facts[listed] = records


# The digest


def respelled(value: Any, data: st.DataObject) -> Any:
    """Spell numbers another way and put keys and rules in another order."""
    if isinstance(value, dict):
        return {
            key: respelled(one, data)
            for key, one in data.draw(st.permutations(list(value.items())))
        }
    if isinstance(value, list):
        inner = [respelled(one, data) for one in value]
        of_rules = bool(inner) and isinstance(inner[0], dict) and "then" in inner[0]
        return data.draw(st.permutations(inner)) if of_rules else inner
    if isinstance(value, int):
        return data.draw(st.sampled_from([value, float(value)]))
    return value


@given(written.packs(), written.complete(), written.cases(), st.data())
def test_spelling_and_order_change_neither_digest_nor_a_word_of_any_answer(
    pack: dict[str, Any], complete: Flat, case: Flat, data: st.DataObject
) -> None:
    other = respelled(pack, data)
    other["decisions"] = {name: other["decisions"][name] for name in pack["decisions"]}
    width = data.draw(st.sampled_from([40, 120]))
    text = yaml.dump(
        other, Dumper=yaml.CSafeDumper, sort_keys=False, width=width, allow_unicode=True
    )
    head = f"# another style\nid: {pack['id']}\n"
    again = head + "".join(
        line for line in text.splitlines(keepends=True) if not line.startswith("id:")
    )
    before, after = written.assembled(json.dumps(pack)), written.assembled(again)
    assert digest(before) == digest(after)
    facts = written.nested({**data.draw(written.holes_in(complete)), **case})
    programs = (Program(before), Program(after))
    for name in pack["decisions"]:
        said = [json.dumps(one.decide(name, facts).as_json(considered=True)) for one in programs]
        assert said[0] == said[1]


CHANGES = {
    "another outcome": lambda p, rule: rule.update(then="other"),
    "a later start": lambda p, rule: rule.update({"from": "2011-01-01"}),
    "an earlier end": lambda p, rule: rule.update({"until": "2030-01-01"}),
    "the condition turned round": lambda p, rule: rule.update(when=f"!({rule['when']})"),
    "other words": lambda p, rule: rule.update(because="Other."),
    "an exception": lambda p, rule: rule.update(
        unless=[
            {"id": "new", "when": "encounter.in_area", "because": "N.", "source": "s"},
            *rule.get("unless", []),
        ]
    ),
    "another id": lambda p, rule: rule.update(id="other"),
    "a place in the source": lambda p, rule: rule.update(source={"id": "s", "at": "page 2"}),
    "a doubt": lambda p, rule: rule.update(provisional="so they say"),
    "another time zone": lambda p, rule: p.update(time_zone="UTC"),
    "another cap": lambda p, rule: p["parameters"]["cap"]["values"][0].update(value=3.000001),
    "a cap from another day": lambda p, rule: p["parameters"]["cap"]["values"][1].update(
        {"from": "2018-10-02"}
    ),
    "another code": lambda p, rule: p["parameters"]["listed"]["values"][0].update(value=["A", "C"]),
    "another start of the program": lambda p, rule: p["program"].update({"from": "2010-01-02"}),
    "another title": lambda p, rule: p.update(title="Made down"),
    "another owner of a clock": lambda p, rule: p["clocks"]["plan"].update(owner="case_management"),
    "another fact": lambda p, rule: p["facts"]["tiny.score"].update(range=[-1, 2]),
}


# The codes by which a change may be refused: dates in another order, and what an offer reads in a
# place where more knowledge could make its rule false.
MAY_REFUSE = {
    "a later start": ("dates-reversed",),
    "an earlier end": ("dates-reversed",),
    "a cap from another day": ("dates-reversed",),
    "another start of the program": ("dates-reversed",),
    "the condition turned round": ("if-known", "reads-too-much"),
}


@given(st.sampled_from(sorted(CHANGES)), written.packs(), st.data())
def test_the_digest_sees_every_change(
    change: str, pack: dict[str, Any], data: st.DataObject
) -> None:
    changed = copy.deepcopy(pack)
    name = data.draw(st.sampled_from(sorted(pack["decisions"])))
    rule = data.draw(st.sampled_from(changed["decisions"][name]["rules"]))
    before = copy.deepcopy(rule)
    if change == "another outcome":
        rule["then"] = next(one for one in written.PARTS[name]["outcomes"] if one != rule["then"])
    else:
        CHANGES[change](changed, rule)
    if changed == pack or (change == "a later start" and before == rule):
        return
    try:
        after = written.assembled(json.dumps(changed))
    except PackError as refused:
        assert refused.code in MAY_REFUSE.get(change, ())
        return
    assert digest(written.assembled(json.dumps(pack))) != digest(after)


def test_the_digest_does_not_see_how_a_condition_spells_its_numbers() -> None:
    pack = {
        **written.HEAD,
        "decisions": {
            "eligibility": {"otherwise": {"outcome": "eligible", "because": "O.", "source": "s"}}
        },
    }
    rule = {"id": "r", "then": "ineligible", "because": "B.", "source": "s"}
    seen = set()
    for number in ("3", "3.0", "3.00", "3e0", "0.3e1", "0x3", "( 3 )"):
        pack["decisions"]["eligibility"]["rules"] = [{**rule, "when": f"wide.heat  > {number}"}]
        seen.add(digest(written.assembled(json.dumps(pack))))
    assert len(seen) == 1


@given(written.packs())
def test_every_condition_of_a_program_reads_back_as_it_prints(pack: dict[str, Any]) -> None:
    read = written.assembled(json.dumps(pack))
    changed = copy.deepcopy(pack)
    for name, decision in read.decisions.items():
        for rule in changed["decisions"][name]["rules"]:
            rule["when"] = tree.text(decision.rules[rule["id"]].when)
            for one, exempt in zip(
                rule.get("unless", []), decision.rules[rule["id"]].unless, strict=True
            ):
                one["when"] = tree.text(exempt.when)
    again = written.assembled(json.dumps(changed))
    assert again.decisions == read.decisions
    assert digest(again) == digest(read)


@settings(max_examples=50)
@given(written.packs())
def test_a_pack_that_is_kept_ready_is_the_pack(pack: dict[str, Any]) -> None:
    read = written.assembled(json.dumps(pack))
    again = unpickled(pickled(read))
    assert again == read and digest(again) == digest(read)
