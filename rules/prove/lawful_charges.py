"""Formulas for what the law states about charges: their words by section and day.

A field that contradicts the law is unknown. It stands for the words that agree, and those cases
remain. A charge may be said to be no local prosecutor's, whatever its section. A section of
homicide decides by itself what its charge is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import z3

from rules.input.citations import GivenCitation, Section
from rules.input.vocabulary import Fact
from rules.packs.law import AUTHORITY, CHARGES, ELSEWHERE, HOMICIDE, NO_CRIME, Law


def lawful_charges(
    citations: Mapping[str, tuple[Any, ...]],
    unknowns: Mapping[str, Any],
    among: Callable[[Any, Iterable[Any]], z3.BoolRef],
    fields: Mapping[str, Fact],
    law: Law,
    days: Sequence[date],
) -> tuple[list[z3.BoolRef], list[z3.BoolRef]]:
    """Return what is true of every charge, and of one that is clear on the first of the days.

    `citations` are the candidates of each code, `unknowns` the terms by path, and `fields` those of
    a charge. A clear charge agrees with the law of that day, and cites a section of this state that
    is known and in force.
    """
    always: list[z3.BoolRef] = []
    clear: list[z3.BoolRef] = []
    for path, candidates in citations.items():
        record, _, name = path.rpartition(".")
        if not record.startswith(f"{CHARGES}[") or name != "code":
            continue
        for number, candidate in enumerate(candidates):
            cites = unknowns[path] == number
            section = candidate.section if candidate is not None else None
            if section is None or not law.is_clear(section, days[0]):
                clear.append(z3.Not(cites))
            elif law.is_homicide(section, days[0]) and f"{record}.level" in unknowns:
                clear.append(
                    z3.Implies(cites, z3.Not(among(unknowns[f"{record}.level"], NO_CRIME)))
                )
            if section is None or law.other_state(section) is not None:
                continue
            stated = [_stated(fields, law, candidate, section, day) for day in days]
            for field in dict.fromkeys(field for values in stated for field in values):
                unknown = unknowns.get(f"{record}.{field}")
                if unknown is None:
                    continue
                if field in stated[0]:
                    clear.append(z3.Implies(cites, among(unknown, stated[0][field])))
                if all(field in values for values in stated):
                    meant = {value for values in stated for value in values[field]}
                    if field == AUTHORITY and law.state is None:
                        meant |= set(ELSEWHERE)
                    always.append(z3.Implies(cites, among(unknown, sorted(meant))))
    return always, clear


def _stated(
    fields: Mapping[str, Fact], law: Law, citation: GivenCitation, section: Section, day: date
) -> Mapping[str, tuple[Any, ...]]:
    """Return the finest words that the fields of a charge may have by the law of a day."""
    stated = {}
    for field, statements in law.stated({"code": citation}, day).items():
        finest = (fields[field].word_tree.finest_of(statement.value) for statement in statements)
        stated[field] = tuple(sorted(frozenset[str]().union(*finest)))
    if law.is_homicide(section, day):
        stated |= {field: (value,) for field, value in HOMICIDE.items()}
    return stated
