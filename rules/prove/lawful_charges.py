"""Formulas for what the law states about charges: their words by section and day.

A field that contradicts the law is unknown. It stands for the words that agree, and those cases
remain. A charge may be said to be another state's where the law of the case isn't known. A section
of homicide decides by itself what its charge is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

import z3

from rules.decide.scene_day import DAY
from rules.input.citations import GivenCitation, Section
from rules.input.vocabulary import Fact
from rules.packs.law import AUTHORITY, CHARGES, HOMICIDE, LEVEL, NO_CRIME, OTHER_STATE, Law


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
    by_text: dict[str, list[Mapping[str, tuple[Any, ...]]]] = {}
    made: dict[tuple[str, tuple[Any, ...]], z3.BoolRef] = {}

    def one_of(field: str, values: tuple[Any, ...]) -> z3.BoolRef:
        """Many sections state the same words of a field."""
        if (field, values) not in made:
            made[field, values] = among(unknowns[field], values)
        return made[field, values]

    for path, candidates in citations.items():
        record, _, name = path.rpartition(".")
        if not record.startswith(f"{CHARGES}[") or name != "code":
            continue
        for number, candidate in enumerate(candidates):
            section = candidate.section if candidate is not None else None
            is_clear = section is not None and law.is_clear(section, days[0])
            stated: list[Mapping[str, tuple[Any, ...]]] = []
            if section is not None:
                if candidate.given not in by_text:
                    by_text[candidate.given] = [
                        _stated(fields, law, candidate, section, day) for day in days
                    ]
                stated = by_text[candidate.given]
            if is_clear and not any(stated):
                continue
            cites = unknowns[path] == number
            if not is_clear:
                clear.append(z3.Not(cites))
            for field in dict.fromkeys(field for values in stated for field in values):
                place = f"{record}.{field}"
                if place not in unknowns:
                    continue
                if field in stated[0]:
                    clear.append(z3.Implies(cites, one_of(place, stated[0][field])))
                if all(field in values for values in stated):
                    meant = {value for values in stated for value in values[field]}
                    if field == AUTHORITY and section and law.may_be_elsewhere(section):
                        meant.add(OTHER_STATE)
                    always.append(z3.Implies(cites, one_of(place, tuple(sorted(meant)))))
    return always, clear


def void_apart(
    citations: Mapping[str, tuple[Any, ...]],
    unknowns: Mapping[str, Any],
    size: z3.ArithRef,
    law: Law,
    days: Sequence[date],
) -> list[z3.BoolRef]:
    """Return that no charge that was no offense is beside another, as rules read charges.

    `size` is the number of charges, and the law changes on some of the days.
    """
    in_order = sorted(set(days))
    encounter = unknowns.get(DAY)
    stretches = _stretches(in_order, encounter) if encounter is not None else None
    all_are_void = z3.Bool("all charges were no offense")
    apart: list[z3.BoolRef] = []
    answers: dict[str, list[bool]] = {}
    for path, candidates in citations.items():
        record, _, name = path.rpartition(".")
        if not record.startswith(f"{CHARGES}[") or name != "code":
            continue
        void, either = [], []
        for number, candidate in enumerate(candidates):
            section = candidate.section if candidate is not None else None
            if section is None:
                continue
            on_days = answers.get(candidate.given)
            if on_days is None:
                on_days = [law.is_void(section, day) for day in in_order]
                answers[candidate.given] = on_days
            if not any(on_days):
                continue
            cites = unknowns[path] == number
            if all(on_days):
                void.append(cites)
            elif stretches is None:
                either.append(cites)
            else:
                pairs = zip(stretches, on_days, strict=True)
                void.append(z3.And(cites, z3.Or([when for when, is_void in pairs if is_void])))
        if void or either:
            place = int(record.removeprefix(f"{CHARGES}[").removesuffix("]"))
            is_known = z3.And(size > place, z3.Not(z3.Or(either)))
            apart.append(z3.Implies(is_known, all_are_void == z3.Or(void)))
    return apart


def _stretches(days: Sequence[date], encounter: z3.ArithRef) -> list[z3.BoolRef]:
    """Return when the day of the encounter is from each day up to the next."""
    numbers = [day.toordinal() for day in days]
    stretches = [
        z3.And(encounter >= begins, encounter < ends) for begins, ends in pairwise(numbers)
    ]
    return [*stretches, encounter >= numbers[-1]]


def _stated(
    fields: Mapping[str, Fact], law: Law, citation: GivenCitation, section: Section, day: date
) -> Mapping[str, tuple[Any, ...]]:
    """Return the finest words that the fields of a charge may have by the law of a day."""
    stated: dict[str, tuple[Any, ...]] = {}
    # A charge under another state's section may have any words here.
    is_ours = law.other_state(section) is None
    for field, statements in law.stated({"code": citation}, day).items() if is_ours else ():
        finest = (fields[field].word_tree.finest_of(statement.value) for statement in statements)
        stated[field] = tuple(sorted(frozenset[str]().union(*finest)))
    if law.is_homicide(section, day):
        levels = stated.get(LEVEL, fields[LEVEL].word_tree.finest)
        stated[LEVEL] = tuple(level for level in levels if level not in NO_CRIME)
        stated |= {field: (value,) for field, value in HOMICIDE.items()}
    return stated
