"""Formulas for what the law states about charges: their words by section and day.

A field that contradicts the law is unknown. It stands for the words that agree, and those cases
remain. A charge may be said to be another state's where the law of the case isn't known. A section
of homicide decides by itself what its charge is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

import z3

from rules.decide.scene_day import DAY
from rules.input.citations import GivenCitation, Section
from rules.input.vocabulary import Fact
from rules.packs.law import (
    AUTHORITY,
    CHARGES,
    HOMICIDE,
    HOMICIDE_SECTIONS,
    LEVEL,
    NO_CRIME,
    OTHER_STATE,
    Law,
)
from rules.packs.pack import Pack
from rules.prove.solver_terms import any_of, implies, negated


class StatedLaw:
    """What the law of a pack states about sections, found once for each text and day."""

    def __init__(self, pack: Pack) -> None:
        homicide = pack.parameters.get(HOMICIDE_SECTIONS)
        self.law = Law(pack.offenses, pack.vocabulary, None, homicide)
        self.fields: Mapping[str, Fact] = pack.vocabulary.facts[CHARGES].fields
        self._clear: dict[tuple[str, date], bool] = {}
        self._void: dict[tuple[str, date], bool] = {}
        self._stated: dict[tuple[str, date], Mapping[str, tuple[Any, ...]]] = {}

    def is_clear(self, citation: GivenCitation, section: Section, day: date) -> bool:
        """Return what `Law.is_clear` does."""
        key = citation.given, day
        if key not in self._clear:
            self._clear[key] = self.law.is_clear(section, day)
        return self._clear[key]

    def is_void(self, citation: GivenCitation, section: Section, day: date) -> bool:
        """Return what `Law.is_void` does."""
        key = citation.given, day
        if key not in self._void:
            self._void[key] = self.law.is_void(section, day)
        return self._void[key]

    def stated(
        self, citation: GivenCitation, section: Section, day: date
    ) -> Mapping[str, tuple[Any, ...]]:
        """Return the finest words that the fields of a charge may have by the law of a day."""
        key = citation.given, day
        if key not in self._stated:
            self._stated[key] = _stated(self.fields, self.law, citation, section, day)
        return self._stated[key]


def stated_law_of(pack: Pack) -> StatedLaw:
    """Return what the law of a pack states, made once for each pack."""
    made: StatedLaw | None = pack.__dict__.get("_stated_law")
    if made is None:
        made = pack.__dict__["_stated_law"] = StatedLaw(pack)
    return made


def lawful_charges(
    citations: Mapping[str, tuple[Any, ...]],
    unknowns: Mapping[str, Any],
    cites_candidate: Callable[[str, int], z3.BoolRef],
    among: Callable[[Any, Iterable[Any]], z3.BoolRef],
    law: StatedLaw,
    days: Sequence[date],
) -> tuple[list[z3.BoolRef], Callable[[], list[z3.BoolRef]]]:
    """Return what is true of every charge, and of one that is clear on the first of the days.

    `citations` are the candidates of each code, and `unknowns` the terms by path. `cites_candidate`
    returns that a path's code is a candidate, by its number. A clear charge agrees with the law of
    that day, and cites a section of this state that is known and in force. No proof needs it, so
    a function makes it.
    """
    always: list[z3.BoolRef] = []
    unclear: list[tuple[str, int]] = []
    on_first_day: list[tuple[str, int, str, tuple[Any, ...]]] = []
    citing: dict[tuple[str, tuple[Any, ...]], list[z3.BoolRef]] = {}
    made: dict[tuple[str, tuple[Any, ...]], z3.BoolRef] = {}
    candidates_of: dict[int, list[_Candidate]] = {}

    def one_of(field: str, values: tuple[Any, ...]) -> z3.BoolRef:
        """Many sections state the same words of a field."""
        if (field, values) not in made:
            made[field, values] = among(unknowns[field], values)
        return made[field, values]

    for path, citations_of_path in citations.items():
        record, _, name = path.rpartition(".")
        if not record.startswith(f"{CHARGES}[") or name != "code":
            continue
        candidates = candidates_of.get(id(citations_of_path))  # each record's have the same
        if candidates is None:
            candidates = [*_candidates(citations_of_path, law, days)]
            candidates_of[id(citations_of_path)] = candidates
        for number, is_clear, stated in candidates:
            if not is_clear:
                unclear.append((path, number))
            for field, (on_first, meant) in stated.items():
                place = f"{record}.{field}"
                if place not in unknowns:
                    continue
                if on_first is not None:
                    on_first_day.append((path, number, place, on_first))
                if meant is not None:
                    citing.setdefault((place, meant), []).append(cites_candidate(path, number))
    for (place, meant), cites in citing.items():
        always.append(implies(any_of(cites), one_of(place, meant)))

    def clear() -> list[z3.BoolRef]:
        """Return what is true of a clear charge."""
        return [
            *(negated(cites_candidate(path, number)) for path, number in unclear),
            *(
                implies(cites_candidate(path, number), one_of(place, words))
                for path, number, place, words in on_first_day
            ),
        ]

    return always, clear


# The number of a section among the candidates, whether it is clear on the first of the days, and
# by field the words that the law of that day states and those of all the days. None is any word.
_Words = tuple[tuple[Any, ...] | None, tuple[Any, ...] | None]
_Candidate = tuple[int, bool, dict[str, _Words]]


def _candidates(
    citations: Iterable[GivenCitation | None], law: StatedLaw, days: Sequence[date]
) -> Iterator[_Candidate]:
    """Yield the candidates that the law says something about."""
    for number, citation in enumerate(citations):
        section = citation.section if citation is not None else None
        if citation is None or section is None:
            yield number, False, {}
            continue
        is_clear = law.is_clear(citation, section, days[0])
        stated = [law.stated(citation, section, day) for day in days]
        words: dict[str, _Words] = {}
        for field in dict.fromkeys(field for values in stated for field in values):
            meant = None
            if all(field in values for values in stated):
                every = {value for values in stated for value in values[field]}
                if field == AUTHORITY and law.law.may_be_elsewhere(section):
                    every.add(OTHER_STATE)
                meant = tuple(sorted(every))
            words[field] = stated[0].get(field), meant
        if words or not is_clear:
            yield number, is_clear, words


def void_apart(
    citations: Mapping[str, tuple[Any, ...]],
    unknowns: Mapping[str, Any],
    cites_candidate: Callable[[str, int], z3.BoolRef],
    size: z3.ArithRef,
    law: StatedLaw,
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
    void_of: dict[int, list[tuple[int, list[bool]]]] = {}
    for path, candidates in citations.items():
        record, _, name = path.rpartition(".")
        if not record.startswith(f"{CHARGES}[") or name != "code":
            continue
        if id(candidates) not in void_of:
            on_each_day = (
                (number, [law.is_void(citation, citation.section, day) for day in in_order])
                for number, citation in enumerate(candidates)
                if citation is not None and citation.section is not None
            )
            void_of[id(candidates)] = [entry for entry in on_each_day if any(entry[1])]
        void, either = [], []
        for number, on_days in void_of[id(candidates)]:
            cites = cites_candidate(path, number)
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
