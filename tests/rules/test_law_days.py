"""Check every day on which a row of a shipped offense table begins or ends, in several spellings.

The day before and the day itself have different answers wherever the law changes what the table
states. A spelling of the citation changes neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import pytest

import rules
from rules.decide.program import Program
from rules.input.citations import reader_of, section_set
from rules.input.facts import read_facts
from rules.packs.law import CHARGES, Law
from rules.packs.offenses import NONE, no_offense, read_offenses
from rules.packs.pack import Offense, Offenses
from rules.packs.table_head import read_table_head
from rules.shelf import jurisdictions, vocabulary

LAW = jurisdictions() / "law"
TABLES = tuple(sorted(path.parent.name for path in LAW.glob("*/offenses.csv")))
# A program of each state that tells an offense from none at the scene.
PROGRAMS = {"new-york": "nyc-violations", "washington": "seattle"}
DAY = timedelta(days=1)


@lru_cache(maxsize=8)
def table(name: str) -> Offenses:
    offenses, _ = read_offenses(LAW / name, read_table_head(LAW / name, vocabulary()))
    return offenses


@lru_cache(maxsize=8)
def law(name: str) -> Law:
    return Law(table(name), vocabulary(), None)


@lru_cache(maxsize=8)
def program(name: str) -> Program:
    return rules.load(PROGRAMS[name])


def changes() -> Iterator[tuple[str, str, date]]:
    """Return the table, the section, and the day of each beginning and end of a row."""
    for name in TABLES:
        for code, rows in table(name).rows.items():
            days = {day for row in rows for day in (row.since, row.until) if day is not None}
            for day in sorted(days):
                yield name, code, day


CHANGES = list(changes())


def spellings(code: str) -> list[str]:
    """Return a citation as people write it: with points, with words, with a subsection."""
    section = reader_of(vocabulary()).read(code)
    assert section is not None
    system = vocabulary().citations[section.system]
    number = code.removeprefix(system.name).strip()
    longest = max((system.name, *system.spellings), key=len)
    return [
        code,
        f"{'.'.join(system.name.split()).lower()}. § {number}",
        f"{longest}, Section {number}.",
        f"{system.name}{number}(1)",
        f"{longest.upper()} {number} (a)",
    ]


def in_force(name: str, code: str, day: date) -> list[Offense]:
    return [row for row in table(name).rows[code] if row.in_force(day)]


def stated(name: str, spelled: str, day: date) -> dict[str, set[str]]:
    """Return what the law states about a citation on a day: levels and conducts, or `none`."""
    facts = {"encounter": {"charges": [{"code": spelled}]}}
    (charge,) = read_facts(facts, vocabulary()).known[CHARGES]
    parameter = no_offense(table(name))
    listed = (
        next((value for value in parameter.values if value.in_force(day)), None)
        if (parameter is not None)
        else None
    )
    if listed is not None and section_set(listed.value).has(charge["code"]):
        return {"level": {NONE}}
    return {
        field: {statement.value for statement in statements}
        for field, statements in law(name).stated(charge, day).items()
        if field != "authority"
    }


def expected(rows: list[Offense]) -> dict[str, set[str]]:
    """Return what the rows in force state."""
    if any(row.level == NONE for row in rows):
        return {"level": {NONE}}
    if not rows:
        return {}
    return {"level": {row.level for row in rows}, "conduct": {row.conduct for row in rows}}


def test_the_tables_have_days_on_which_the_law_changes() -> None:
    assert {name for name, _, _ in CHANGES} == set(TABLES)
    assert len(CHANGES) > 50


@pytest.mark.parametrize(("name", "code", "day"), CHANGES)
def test_the_day_before_and_the_day_itself_state_their_own_law(
    name: str, code: str, day: date
) -> None:
    before, after = in_force(name, code, day - DAY), in_force(name, code, day)
    assert {row.title for row in before} != {row.title for row in after}
    for spelled in spellings(code):
        assert stated(name, spelled, day - DAY) == expected(before), spelled
        assert stated(name, spelled, day) == expected(after), spelled


def arrest(day: date, spelled: str, row: Offense) -> dict[str, Any]:
    """Return an adult's arrest for what a row is about, under a spelling of its section."""
    charge = {"code": spelled, "conduct": row.conduct, "violent": False}
    if row.level != NONE:
        charge["level"] = row.level
    return {
        "person": {"age": 30, "enrolled": False},
        "encounter": {
            "date": str(day),
            "route": "arrest",
            "in_area": True,
            "overdose_help_sought": False,
            "charges": [charge],
            "drugs": [],
        },
        "judgment": {"amenable": True},
        "history": {"recorded_diversions": 0},
    }


def repeals() -> Iterator[tuple[str, str, date]]:
    """Return the days on which a section stops or starts to be an offense."""
    for name, code, day in CHANGES:
        sides = [
            {row.level == NONE for row in in_force(name, code, each)} for each in (day - DAY, day)
        ]
        if name in PROGRAMS and all(sides) and sides[0] != sides[1]:
            yield name, code, day


@pytest.mark.parametrize(("name", "code", "day"), list(repeals()))
def test_a_repealed_section_is_no_offense_from_its_day_on(name: str, code: str, day: date) -> None:
    """Both answers are decided, and a program offers nothing for what is no offense."""
    for spelled in spellings(code):
        for each in (day - DAY, day):
            (row, *_) = in_force(name, code, each)
            answer = program(name).decide("offer", arrest(each, spelled, row))
            assert answer.status == "decided", (spelled, each, answer.needed)
            assert (answer.outcome == "no_offense") == (row.level == NONE), (spelled, each)
