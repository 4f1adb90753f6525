"""The generated packs, with which engines are compared, have every construct of the language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from rules.decide.program import Program
from rules.language import tree
from rules.packs.pack import Pack, conditions
from tests.support import written

LENGTHS = {f"{unit}(parameter)" for unit in tree.LENGTHS}
PARTS = {f"{part}()" for part in tree.PARTS}
EXPECTED = {
    # Time: lengths of a parameter and in calendar months, parts, and times of day.
    *LENGTHS,
    *PARTS,
    "calendar months",
    "a written time of day",
    "a parameter's time of day",
    # Words and tables.
    "a word with finer words",
    "a word in a parameter's list",
    "two words alike",
    "a table of amounts",
    "a table of times",
    "a table by a record's field",
    # Fields of the pack's own in a shared list, and decisions on records.
    "a field added to a shared list",
    "a decision on records",
    "a decision that reads another",
    # Clocks.
    "a clock's status",
    "a clock that counts days",
    "a clock in months",
    "a clock in years",
    "a clock that elapses",
    "completion",
    "a decision of the pack's own on clocks",
    # At the scene.
    "if_known",
    "if_known beside another part",
    "if_known in exists",
    "an exception of an offer",
    "a scene decision",
    "an offer that reads a scene decision",
    "an offer that reads the prosecutor's approval",
    # Citations.
    "a written citation",
    "written citations",
    "a parameter's citations",
    # The rest.
    *(kind.__name__ for kind in get_args(tree.Tree)),
}


def constructs(pack: Pack) -> Iterator[str]:
    """Yield the name of each construct in a pack."""
    for clock in pack.clocks.values():
        yield "a clock that counts days" if clock.counts else "a clock that elapses"
        unit = pack.parameters[clock.length].unit
        if unit in ("months", "years"):
            yield f"a clock in {unit}"
    for name, decision in pack.decisions.items():
        if name == "completion":
            yield name
        own = {"records": "a decision on records", "scene": "a scene decision"}
        own["clocks"] = "a decision of the pack's own on clocks"
        yield from (own[read] for read in decision.reads)
        for rule in decision.rules.values():
            if name == "offer" and rule.unless:
                yield "an exception of an offer"
            for condition in conditions(rule):
                yield from _in_condition(pack, name, condition)


def _in_condition(pack: Pack, decision: str, condition: tree.Tree) -> Iterator[str]:
    for part in tree.nodes(condition):
        yield type(part).__name__
        inner = [child for child in tree.children(part) if isinstance(child, tree.IfKnown)]
        match part:
            case tree.LengthOf(unit):
                yield f"{unit}(parameter)"
            case tree.PartOf(name):
                yield f"{name}()"
            case tree.Constant(value) if type(value).__name__ in ("time", "Months"):
                yield (
                    "a written time of day"
                    if type(value).__name__ == "time"
                    else ("calendar months")
                )
            case tree.ParameterOf(name) if pack.parameters[name].unit == "time of day":
                yield "a parameter's time of day"
            case tree.IsOne(_, tree.ParameterOf()):
                yield "a word in a parameter's list"
            case tree.IsOne():
                yield "a word with finer words"
            case tree.Alike():
                yield "two words alike"
            case tree.RowOf(name, key):
                unit = pack.parameters[name].unit
                yield "a table of times" if unit == "time of day" else "a table of amounts"
                if isinstance(key, tree.FieldOf):
                    yield "a table by a record's field"
            case tree.FieldOf(_, fact) if fact.name in ("hidden", "juvenile"):
                yield "a field added to a shared list"
            case tree.StatusOf():
                yield "a clock's status"
            case tree.Cited(_, tree.ParameterOf()):
                yield "a parameter's citations"
            case tree.Cited(_, tuple() as values):
                yield "a written citation" if len(values) == 1 else "written citations"
            case tree.And() | tree.Or() if inner:
                yield "if_known beside another part"
            case tree.Quantifier("exists") if any(
                isinstance(below, tree.IfKnown) for below in tree.nodes(part)
            ):
                yield "if_known in exists"
            case tree.OutcomeOf():
                yield "a decision that reads another"
                if decision == "offer":
                    yield "an offer that reads a scene decision"
            case tree.FactOf(fact) if decision == "offer" and fact.path == "approval.prosecutor":
                yield "an offer that reads the prosecutor's approval"
            case tree.IfKnown():
                yield "if_known"


def test_generated_packs_have_every_construct() -> None:
    found: set[str] = set()

    @settings(
        max_examples=220,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(written.packs(), written.packs(("at_hand", "offer")))
    def collect(some: dict[str, Any], at_scene: dict[str, Any]) -> None:
        for pack in (some, at_scene):
            found.update(constructs(written.program(pack).pack))

    collect()
    assert sorted(EXPECTED - found) == []
    # A construct that is new belongs above, so that nobody forgets to generate it.
    assert sorted(found - EXPECTED) == []


# What a charge may be that the law leaves open, as decisions meet it.
OPEN_CHARGES = {
    "a section that nobody recognizes",
    "a chapter alone",
    "a text that cites nothing",
    "a word against the law",
}


# Most conditions name no section. These do.
OF_CHARGES = st.sampled_from(
    ["in sections", *(f'== "{section}"' for section in written.CITED)]
).map("encounter.charges.exists(c, c.code {})".format)


def open_charges(facts: dict[str, Any], program: Program) -> Iterator[str]:
    """Yield what is open about each charge of a case."""
    read = program.read(facts)
    given_charges = read.known.get(written.CHARGES) or ()
    filled = program.law.filled(read).known.get(written.CHARGES) or ()
    for charge, as_read in zip(given_charges, filled, strict=True):
        citation = as_read.get("code")
        if citation is not None and citation.section is None:
            yield "a text that cites nothing"
        elif citation is not None and not citation.section.is_whole:
            yield "a chapter alone"
        elif citation is not None and not citation.is_recognized:
            yield "a section that nobody recognizes"
        if any(name in charge and name not in as_read for name in ("level", "conduct")):
            yield "a word against the law"


def test_generated_cases_leave_open_what_the_law_can() -> None:
    found: set[str] = set()
    questions: set[str] = set()

    @settings(
        max_examples=250,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        written.complete().flatmap(written.unsettled),
        written.packs(("eligibility",)),
        OF_CHARGES,
    )
    def collect(flat: dict[str, Any], pack: dict[str, Any], condition: str) -> None:
        pack["decisions"]["eligibility"]["rules"][0]["when"] = condition
        program, facts = written.program(pack), written.nested(flat)
        found.update(open_charges(facts, program))
        needed = program.decide("eligibility", facts).needed
        questions.update(entry["given"] for entry in needed if entry["fact"].endswith(".code"))

    collect()
    assert sorted(found) == sorted(OPEN_CHARGES)
    assert questions, "no answer depends on a section that is not clear"
