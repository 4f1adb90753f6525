"""Check in every shipped pack which charges count: live ones, of this state, and never homicide.

A charge under a section that was void or repealed on the day is no charge beside another. A section
of another state is asked for again, and bars once it is said to be meant. A section of homicide is
never taken, whatever else is stated about its charge.
"""

from __future__ import annotations

from copy import deepcopy
from functools import lru_cache
from itertools import permutations
from typing import Any

import pytest

import rules
from rules.author.cases import read_cases
from rules.decide.decision import Decision
from rules.decide.program import Program
from rules.decide.same_law import law_changes
from rules.input.citations import reader_of, section_set
from rules.packs.law import HOMICIDE_SECTIONS
from rules.packs.offenses import NONE
from rules.shelf import jurisdictions, shipped, vocabulary

BASES = {"deflection", "lead"}  # they have no table, and so no state
TAKEN = {"may_offer", "must_offer", "eligible"}
OF_A_BASE = {
    "person": {"age": 30, "enrolled": False},
    "encounter": {
        "date": "2020-03-02",
        "route": "arrest",
        "charges": [{"conduct": "possession", "violent": False, "authority": "state"}],
    },
    "judgment": {"amenable": True},
}
BARRED = {"offer": "may_not_offer", "eligibility": "ineligible"}
DECISIONS = [
    (name, decision)
    for name in shipped()
    for decision in BARRED
    if decision in rules.load(name).pack.decisions
]


@lru_cache(maxsize=16)
def program(name: str) -> Program:
    return rules.load(name)


@lru_cache(maxsize=64)
def taken_case(name: str, decision: str) -> dict[str, Any]:
    """Return the first of a pack's cases of law with a charge that the program takes."""
    if name in BASES:
        return OF_A_BASE
    for case in read_cases(jurisdictions() / name):
        facts: dict[str, Any] = deepcopy(dict(case.facts))
        facts.setdefault("encounter", {}).setdefault("date", case.day.isoformat())
        is_arrest = facts["encounter"].get("route", "arrest") == "arrest"
        if case.decision == decision and is_arrest and facts["encounter"].get("charges"):
            if program(name).decide(decision, facts).outcome in TAKEN:
                return facts
    raise AssertionError(f"no case of {name} is taken by {decision}")


def with_charges(name: str, decision: str, *charges: dict[str, Any]) -> dict[str, Any]:
    """Return the case that the program takes, with other charges."""
    facts = deepcopy(taken_case(name, decision))
    facts["encounter"]["charges"] = list(charges)
    return facts


def charge_of(name: str, decision: str) -> dict[str, Any]:
    charge: dict[str, Any] = taken_case(name, decision)["encounter"]["charges"][0]
    return charge


def decided(name: str, decision: str, *charges: dict[str, Any]) -> Decision:
    return program(name).decide(decision, with_charges(name, decision, *charges))


# Void and repealed sections

VOID = [
    # The pack, the day, the void charges, and the live ones beside them.
    ("seattle", "2021-03-05", [{"code": "RCW 69.50.4013"}], [{"code": "RCW 9A.88.030"}]),
    ("seattle", "2021-03-05", [{"code": "RCW 69.50.4014"}], [{"code": "RCW 69.50.401"}]),
    ("drug-court", "2021-03-05", [{"code": "RCW 69.50.4013"}], [{"code": "RCW 69.50.412"}]),
    (
        "drug-court",
        "2021-03-05",
        [{"code": "RCW 69.50.4013(1)", "level": "felony", "conduct": "possession"}],
        [{"code": "RCW 9A.56.050", "level": "misdemeanor", "conduct": "theft", "violent": False}],
    ),
    ("staten-island-hope", "2021-06-01", [{"code": "NY PL 221.30"}], [{"code": "NY PL 220.03"}]),
    ("staten-island-hope", "2021-06-01", [{"code": "NY PL 221.15"}], [{"code": "NY PL 240.20"}]),
    ("nyc-violations", "2021-06-01", [{"code": "NY PL 221.15"}], [{"code": "NY PL 240.20"}]),
    (
        "nyc-violations",
        "2021-11-01",
        [
            {"code": "NY PL 220.45", "level": "misdemeanor", "conduct": "paraphernalia"},
            {"code": "Penal Law § 221.10(1)", "level": "misdemeanor", "violent": True},
        ],
        [{"code": "NY PL 222.25", "level": "violation", "conduct": "possession"}],
    ),
]


@pytest.mark.parametrize(("name", "day", "void", "live"), VOID)
def test_a_void_charge_beside_a_live_one_counts_for_nothing(
    name: str, day: str, void: list[dict[str, Any]], live: list[dict[str, Any]]
) -> None:
    for decision in program(name).pack.decisions:
        base = decision if decision in BARRED and (name, decision) in DECISIONS else "eligibility"
        alone = with_charges(name, base, *live)
        alone["encounter"]["date"] = day
        expected = program(name).decide(decision, alone)
        for charges in permutations([*void, *live]):
            facts = with_charges(name, base, *charges)
            facts["encounter"]["date"] = day
            answer = program(name).decide(decision, facts)
            assert (answer.status, answer.possible) == (expected.status, expected.possible)
            assert [reason["rule"] for reason in answer.reasons] == [
                reason["rule"] for reason in expected.reasons
            ]
            places = [place for place, charge in enumerate(charges) if charge in void]
            named = {
                *(entry["fact"] for entry in answer.needed),
                *(fact for reason in answer.reasons for fact in reason["facts"]),
            }
            assert not [
                fact for fact in named for place in places if f"charges[{place}]" in fact
            ], "a void charge is named"
            assert all(
                {(entry["fact"], entry["table"]) for entry in answer.offenses}
                >= {(f"encounter.charges[{place}].level", "none")}
                for place in places
                if answer.offenses
            )


def test_the_answer_says_that_a_charge_was_no_offense_and_by_what_source() -> None:
    facts = with_charges(
        "nyc-violations", "eligibility", {"code": "NY PL 221.15", "level": "misdemeanor"},
        {"code": "NY PL 240.20"},
    )  # fmt: skip
    facts["encounter"]["date"] = "2021-06-01"
    answer = program("nyc-violations").decide("eligibility", facts)
    assert answer.outcome == "eligible"
    (entry,) = [entry for entry in answer.offenses if entry["table"] == "none"]
    assert (entry["fact"], entry["given"]) == ("encounter.charges[0].level", "misdemeanor")
    assert entry["source"]["id"] == "new-york.mrta"
    assert answer.reasons[0]["facts"]["encounter.charges[1].level"] == "violation"


@pytest.mark.parametrize(("name", "day", "void", "live"), VOID)
def test_where_no_live_charge_is_left_the_answer_says_so(
    name: str, day: str, void: list[dict[str, Any]], live: list[dict[str, Any]]
) -> None:
    for decision in BARRED:
        if (name, decision) in DECISIONS:
            facts = with_charges(name, decision, *void, *void)
            facts["encounter"]["date"] = day
            answer = program(name).decide(decision, facts)
            assert answer.outcome == ("no_offense" if decision == "offer" else "ineligible")


def test_a_void_section_counts_again_on_the_day_after() -> None:
    charges = [{"code": "RCW 69.50.4011"}, {"code": "RCW 69.50.4013"}]
    for day, kept in (("2021-05-12", 1), ("2021-05-13", 2)):
        facts = program("seattle").read({"encounter": {"date": day, "charges": charges}})
        assert len(program("seattle").law.filled(facts).known["encounter.charges"]) == kept


@pytest.mark.parametrize("name", sorted(set(shipped()) - BASES))
def test_equal_rows_are_decided_again_where_a_section_becomes_void(name: str) -> None:
    table = program(name).pack.offenses
    days = {
        day
        for of_section in (table.rows.values() if table else ())
        for row in of_section
        if row.level == NONE or row.homicide
        for day in (row.since, row.until)
        if day is not None
    }
    assert days <= set(law_changes(program(name)))


# Sections of other states


def elsewhere(name: str) -> list[str]:
    """Return a section of each other state that a pack may meet by mistake."""
    sections = [
        "NJSA 2C:35-10",
        "RCW 69.50.4013",
        "NMSA 30-31-23",
        "Cal. Penal Code § 484(a)",
        "NY PL 220.03",
        "ORS 475.854",
        "N.C. Gen. Stat. 90-95",
        "SMC 12A.08.060",
    ]
    law, reader = program(name).law, reader_of(vocabulary())
    read = [(text, reader.read(text)) for text in sections]
    return [text for text, section in read if section and law.other_state(section) is not None]


@pytest.mark.parametrize(
    ("name", "decision"), [entry for entry in DECISIONS if entry[0] not in BASES]
)
def test_a_section_of_another_state_is_asked_for_and_never_taken(name: str, decision: str) -> None:
    own = charge_of(name, decision)
    sections = elsewhere(name)
    assert len(sections) >= 6
    for code in sections:
        for authority in ({}, {"authority": "state"}):
            foreign = {**own, "code": code, **authority}
            if not authority:
                foreign.pop("authority", None)
            for charges, place in (([foreign], 0), ([own, foreign], 1)):
                answer = decided(name, decision, *charges)
                assert answer.status == "undetermined", (code, answer.outcome)
                asked = {entry["fact"]: entry for entry in answer.needed}
                entry = asked[f"encounter.charges[{place}].code"]
                assert entry["given"] == code and "law of" in entry["question"]
                assert program(name).law.state in entry["question"]
        stated = {**own, "code": code, "authority": "other_state"}
        assert decided(name, decision, stated).outcome == BARRED[decision], code
        for sovereign in ("federal", "tribal"):
            barred = {**own, "code": code, "authority": sovereign}
            assert decided(name, decision, barred).outcome == BARRED[decision], code


@pytest.mark.parametrize(("name", "decision"), DECISIONS)
def test_a_federal_section_bars_as_before(name: str, decision: str) -> None:
    own = {key: value for key, value in charge_of(name, decision).items() if key != "authority"}
    assert decided(name, decision, {**own, "code": "21 USC 844"}).outcome == BARRED[decision]


def test_a_system_of_each_state_is_known_to_be_its_own() -> None:
    """Every system but the federal one has a state, so that no state's section passes as ours."""
    for system in vocabulary().citations.values():
        assert (system.state is None) == (system.authority == "federal"), system.name
    for name in shipped():
        assert (program(name).law.state is None) == (name in BASES), name


# Homicide


def homicide_sections(name: str) -> list[str]:
    """Return the sections and chapters of homicide that a pack's list or table has."""
    pack = program(name).pack
    parameter = pack.parameters.get(HOMICIDE_SECTIONS)
    listed = [section.text for section in parameter.values[-1].value] if parameter else []
    rows = pack.offenses.rows.values() if pack.offenses else ()
    return list(
        dict.fromkeys(
            [*listed, *(row.code for of_section in rows for row in of_section if row.homicide)]
        )
    )


STATED: list[dict[str, Any]] = [
    {},
    {"conduct": "possession", "violent": False, "level": "misdemeanor"},
    {"conduct": "other", "violent": True},
    {"conduct": "other", "violent": False},
    {"conduct": "sale", "level": "felony"},
    {"violent": False, "to_minor": False, "level": "violation"},
]


@pytest.mark.parametrize(("name", "decision"), DECISIONS)
def test_no_stated_conduct_takes_in_a_section_of_homicide(name: str, decision: str) -> None:
    sections = homicide_sections(name)
    assert sections
    own = charge_of(name, decision)
    for code in sections:
        for stated in STATED:
            for charges in ([{"code": code, **stated}], [own, {"code": code, **stated}]):
                facts = with_charges(name, decision, *charges)
                answer = program(name).decide(decision, facts)
                assert not TAKEN & {answer.outcome}, (code, stated)
                if name != "nyc-violations" and not is_later(name, code, facts):
                    assert answer.outcome == BARRED[decision], (code, stated, answer.needed)


# Their offer reads of a charge's conduct only what an officer happens to know.
OFFERS_WITHOUT_CONDUCT = {
    "california",
    "deflection",
    "fayetteville-nc",
    "lead",
    "staten-island-hope",
}


@pytest.mark.parametrize(
    ("name", "decision"),
    [
        (name, decision)
        for name, decision in DECISIONS
        if decision != "offer" or name not in OFFERS_WITHOUT_CONDUCT
    ],
)
def test_a_section_of_homicide_without_its_system_is_asked_for(name: str, decision: str) -> None:
    """The number alone cites nothing. What is stated of the charge doesn't let it pass."""
    own = charge_of(name, decision)
    state = program(name).law.state
    systems = program(name).pack.vocabulary.citations
    for code in homicide_sections(name):
        section = reader_of(program(name).pack.vocabulary).read(code)
        assert section is not None
        if not section.is_whole or (state and systems[section.system].state != state):
            continue
        number = code.removeprefix(f"{section.system} ")
        for charges in ([{"code": number, **STATED[1]}], [own, {"code": number, **STATED[1]}]):
            facts = with_charges(name, decision, *charges)
            if is_later(name, code, facts):
                continue
            answer = program(name).decide(decision, facts)
            assert not TAKEN & {answer.outcome}, number
            for question in answer.needed:
                assert "None" not in question["question"]


def is_later(name: str, code: str, facts: dict[str, Any]) -> bool:
    """Return whether a row of the section begins after the case."""
    table = program(name).pack.offenses
    rows = table.rows.get(code, ()) if table else ()
    day = facts["encounter"]["date"]
    return any(row.since is not None and row.since.isoformat() > day for row in rows)


def test_the_tables_and_the_base_list_the_same_homicide() -> None:
    (value,) = program("deflection").pack.parameters[HOMICIDE_SECTIONS].values
    listed = section_set(value.value)
    reader = reader_of(vocabulary())
    rows = {
        row.code: reader.read(row.code)
        for name in shipped()
        if (table := program(name).pack.offenses) is not None
        for of_section in table.rows.values()
        for row in of_section
        if row.homicide
    }
    assert len(rows) > 45
    assert [
        code for code, section in rows.items() if section and not listed.has_section(section)
    ] == []
    for section in value.value:
        assert any(
            section.contains(row) or row.contains(section) for row in rows.values() if row
        ), f"no table has a row of {section}"


def test_the_answer_shows_what_a_section_of_homicide_states_against_the_facts() -> None:
    """A drug homicide is stated as possession without violence, and the section decides."""
    charge = {"code": "RCW 69.50.415", "conduct": "possession", "violent": False}
    answer = decided("seattle", "eligibility", charge)
    shown = {
        entry["fact"].rpartition(".")[2]: (entry["given"], entry["table"])
        for entry in answer.offenses
    }
    assert shown["conduct"] == ("possession", "other") and shown["violent"] == (
        "not violent",
        "violent",
    )


def test_what_is_not_homicide_beside_it_in_one_section_is_not_taken_for_it() -> None:
    """The section on death by vehicle in North Carolina is about serious injury, too."""
    law = program("wilmington-nc").law
    for code, violent in (("NCGS 20-141.4(a1)", True), ("NCGS 20-141.4(a3)", None)):
        facts = {"encounter": {"date": "2020-03-02", "charges": [{"code": code}]}}
        (charge,) = law.filled(program("wilmington-nc").read(facts)).known["encounter.charges"]
        assert charge.get("violent") is violent
