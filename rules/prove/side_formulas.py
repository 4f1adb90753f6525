"""The rules of two packs, or of one pack on two days, as formulas over the same facts.

A fact has one unknown on both sides, and so has everything else that both sides read alike: a
clock with the same length, a moment moved by the same time. What a charge's section means is worked
out for each side by its own law. Another decision's answer is taken as given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import z3

from rules.decide.tried_values import Points, TriedValues
from rules.frozen import cached_property, frozen
from rules.input.citations import GivenCitation, Section, section_set
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.packs.law import CHARGES, HOMICIDE_SECTIONS, READ, VIOLENT
from rules.packs.resolve import Segment
from rules.prove.formulas import Formulas
from rules.prove.grounding import without_places
from rules.prove.list_bounds import ListBounds
from rules.prove.sides import Side
from rules.prove.solutions import facts_of
from rules.prove.solver_terms import any_of, implies
from rules.prove.solver_unknowns import A_DAY, EPOCH, Bound, CannotEncode, Term
from rules.prove.written_rules import written_clock, written_rule

_CODE = "code"
_A_WEEK = timedelta(days=7)
_DECISION = "decisions."
_DIFFERING = "_differing_sections"  # where a side keeps them


class BothSides:
    """The formulas of two sides, and everything that they share."""

    def __init__(self, sides: tuple[Side, Side], names: Sequence[str], bounds: ListBounds) -> None:
        self.sides = sides
        self._conditions = tuple(conditions_of(side, names) for side in sides)
        every = [condition for conditions in self._conditions for condition in conditions]
        self.reads_codes = any(
            isinstance(part, (tree.FactOf, tree.FieldOf)) and part.fact.type == "citation"
            for condition in every
            for part in tree.nodes(condition)
        )
        self.differing = differing_sections(sides)
        self.lengths = dict(bounds.lengths)
        if CHARGES in self.lengths and any(
            side.is_void(citation) for side in sides for citation in self.differing
        ):
            self.lengths[CHARGES] += 1  # one that counts, beside those that don't
        self._readings: dict[tuple[Any, ...], Readings] = {}
        self.statuses: dict[str, Term] = {}
        # What is true in a case of the week after the new side's day, by the pack's own clocks.
        self.timely: list[z3.BoolRef] = []
        self.outcomes: dict[str, Term] = {}
        self.candidates: dict[str, tuple[Any, ...]] = {}
        self.old = SideFormulas(self, 0, self._conditions[0])
        self.new = SideFormulas(self, 1, self._conditions[1])

    @property
    def always(self) -> list[z3.BoolRef]:
        """What is true in every case."""
        return self.old.always

    @property
    def clear(self) -> list[z3.BoolRef]:
        """What is true in a clear case besides."""
        return self.old.clear

    @cached_property
    def looks_at_codes(self) -> bool:
        """True if a charge's section can change an answer."""
        return self.reads_codes or bool(self.differing)

    def reads_alike(self, condition: tree.Tree) -> bool:
        """Return whether a condition that both sides write alike has one formula on both."""
        return self._has_same_words and _law_is_same(self.sides, condition)

    @cached_property
    def _has_same_words(self) -> bool:
        return _have_same_words(self.sides)

    @cached_property
    def _lists(self) -> tuple[tuple[tuple[Section, ...], ...], ...]:
        """The sections that each `Cited` of each side lists."""
        return tuple(
            tuple(
                dict.fromkeys(
                    formulas.listed(part.values)
                    for condition in conditions
                    for part in tree.nodes(condition)
                    if isinstance(part, tree.Cited)
                )
            )
            for formulas, conditions in zip((self.old, self.new), self._conditions, strict=True)
        )

    @cached_property
    def _read(self) -> tuple[Mapping[str, Fact], Mapping[str, Fact]]:
        """The fields of charges that each side's conditions read and that a section can change."""
        old, new = (
            {
                part.fact.name: part.fact
                for condition in conditions
                for part in tree.nodes(condition)
                if isinstance(part, tree.FieldOf)
                and part.fact.of == CHARGES
                and part.fact.name in READ
            }
            for conditions in self._conditions
        )
        return old, new

    @cached_property
    def _fields(self) -> tuple[Fact, ...]:
        old, new = self._read
        return tuple({**old, **new}.values())

    def meaning(self, citation: GivenCitation | None) -> Any:
        """Return everything that conditions of both sides can read of a charge's section."""
        if citation is None or citation.section is None:
            return None
        codes = [side.filled(citation).get(_CODE, citation) for side in self.sides]
        return (
            tuple(
                section_set(sections).has(code)
                for code, lists in zip(codes, self._lists, strict=True)
                for sections in lists
            ),
            tuple(side.is_void(citation) for side in self.sides),
            tuple(self.readings(fact, citation) for fact in self._fields),
        )

    def readings(self, fact: Fact, citation: GivenCitation) -> Readings:
        """Return what both sides read of a field of a charge under a section."""
        # Many sections are read alike, so each kind is worked out once.
        key = (fact.name, *(side.kind_of(citation) for side in self.sides))
        if key not in self._readings:
            finest = _words(fact)
            # A side that doesn't read the field can't contradict it.
            readers = [
                side if fact.name in read else None
                for side, read in zip(self.sides, self._read, strict=True)
            ]
            absent = [
                finest[0] if side is None else side.filled(citation).get(fact.name)
                for side in readers
            ]
            choices: dict[Any, tuple[Any, Any]] = {}
            left_out = set()
            for choice in finest:
                old, new = (
                    choice
                    if side is None
                    else side.filled(citation, **{fact.name: choice}).get(fact.name)
                    for side in readers
                )
                if old not in finest or new not in finest:
                    if absent[0] not in finest or absent[1] not in finest:
                        continue
                    old, new = absent
                    left_out.add(choice)
                choices[choice] = (old, new)
            self._readings[key] = Readings(tuple(choices.items()), frozenset(left_out))
        return self._readings[key]

    def points(self) -> Points:
        """Return what the conditions of both sides name."""
        old, new = (
            side.space.points(conditions)
            for side, conditions in zip(self.sides, self._conditions, strict=True)
        )
        return {kind: old[kind] | new[kind] for kind in old}

    def facts(self, model: z3.ModelRef) -> dict[str, Any]:
        """Return a solution as facts arrive."""
        facts = facts_of(self.old, model)
        charges = facts.get("encounter", {}).get("charges", ())
        for place, charge in enumerate(charges):
            code = self.old.unknowns.get(f"{CHARGES}[{place}].{_CODE}")
            if code is None:
                continue
            number = model.eval(code, model_completion=True).as_long()
            citation = self.old.citations[f"{CHARGES}[{place}].{_CODE}"][number]
            for fact in self._fields if citation is not None else ():
                if charge.get(fact.name) in self.readings(fact, citation).left_out:
                    del charge[fact.name]
        return facts


def differing_sections(sides: tuple[Side, Side]) -> tuple[GivenCitation, ...]:
    """Return the sections whose meaning differs between the laws of two sides.

    They are found once for all decisions. The new side keeps them, with the old one.
    """
    old, new = sides
    made: tuple[Side, tuple[GivenCitation, ...]] | None = new.__dict__.get(_DIFFERING)
    if made is None or made[0] is not old:
        made = new.__dict__[_DIFFERING] = old, tuple(_differing(old, new))
    return made[1]


def _differing(old: Side, new: Side) -> Iterator[GivenCitation]:
    if _law(old) == _law(new):
        return
    texts = {citation.given: citation for side in (old, new) for citation in side.citations}
    for citation in texts.values():
        if _meaning(old, citation) != _meaning(new, citation):
            yield citation


def has_same_rules(sides: tuple[Side, Side], name: str) -> bool:
    """Return whether both sides write a decision's rules alike, and their law reads charges alike.

    No formula is needed to tell. False says nothing.
    """
    segments = [side.space.segment for side in sides]
    if not _have_same_words(sides):
        return False
    old, new = (_written(segment, name) for segment in segments)
    return old == new and all(
        _law_is_same(sides, condition) for condition in conditions_of(sides[0], [name])
    )


def _have_same_words(sides: tuple[Side, Side]) -> bool:
    """Return whether both packs mean the same by a condition, but for the law of charges."""
    old, new = (side.space.segment.pack for side in sides)
    return old is new or (old.vocabulary, old.time_zone) == (new.vocabulary, new.time_zone)


def _law_is_same(sides: tuple[Side, Side], condition: tree.Tree) -> bool:
    """Return whether the laws of both sides make no difference to a condition."""
    reads_charges = any(
        isinstance(part, (tree.Quantifier, tree.Total)) and part.over.path == CHARGES
        for part in tree.nodes(condition)
    )
    return not (reads_charges and differing_sections(sides))


def _written(segment: Segment, name: str) -> Any:
    """Return everything that a decision's own rules say."""
    in_force = segment.decisions[name]
    ranks = [
        (outcome, [written_rule(segment, rule) for rule in rules])
        for outcome, rules in in_force.ranks
    ]
    return ranks, in_force.otherwise.outcome, in_force.decision.collect, in_force.decision.outcomes


def conditions_of(side: Side, names: Iterable[str]) -> list[tree.Tree]:
    """Return the conditions of a side's rules on some decisions."""
    decisions = side.space.segment.decisions
    return [rule.condition for name in names if name in decisions for rule in decisions[name].rules]


@frozen
class Readings:
    """What both sides read of a field of a charge under one section, by the choice that is given.

    A choice in `left_out` contradicts a law that states its own, so the field is left out. One that
    isn't in `words` leaves the field unknown on a side.
    """

    choices: tuple[tuple[Any, tuple[Any, Any]], ...]
    left_out: frozenset[Any]


class SideFormulas(Formulas):
    """The formulas of one side."""

    def __init__(self, both: BothSides, number: int, conditions: Iterable[tree.Tree]) -> None:
        side = both.sides[number]
        super().__init__(side.space, conditions, both.lengths)
        self.both, self.side, self.number = both, side, number
        self._effective: dict[str, Term] = {}
        self._cited: dict[tuple[str, int], tuple[z3.BoolRef, tuple[Section, ...]]] = {}
        self._among: dict[tuple[str, int], list[tuple[int, bool | None]]] = {}
        self._alike: dict[str, list[tuple[dict[Any, tuple[Any, Any]], list[int]]]] = {}
        self._records: dict[str, list[tuple[int, z3.BoolRef]]] = {}
        if number == 1:
            first = both.old
            self.always, self._clear = first.always, first._clear
            self.unknowns, self.facts, self.sizes = first.unknowns, first.facts, first.sizes
            self.citations, self.happened = first.citations, first.happened
            self._words, self._made = first._words, first._made

    def unknown(self, node: tree.Tree, bound: Bound) -> Term:
        """Return what the side reads of a fact or a field: what is given, or what the law says."""
        assert isinstance(node, (tree.FactOf, tree.FieldOf))
        path = self.path_of(node, bound)
        fact_of_side = self.facts.get(path)
        if fact_of_side is not None and _type(fact_of_side) != _type(node.fact):
            raise CannotEncode(f"`{node.fact.path}`, which the two sides describe otherwise")
        raw = super().unknown(node, bound)
        record, _, name = path.rpartition(".")
        if not (record.startswith(f"{CHARGES}[") and name in READ and self.both.looks_at_codes):
            return raw
        if path not in self._effective:
            self._effective[path] = self._read_by_law(record, node.fact, raw)
        return self._effective[path]

    def _read_by_law(self, record: str, fact: Fact, raw: Term) -> Term:
        self.code_of(record)
        code_path, term = f"{record}.{_CODE}", raw
        for readings, numbers in self._sections_read_alike(fact, code_path):
            cites = any_of([self.cites(code_path, number) for number in numbers])
            if len(readings) < len(_words(fact)):
                self.always.append(implies(cites, self.among(raw, readings)))
            own = {choice: read[self.number] for choice, read in readings.items()}
            if len(set(own.values())) == 1:
                term = z3.If(cites, self.value(next(iter(own.values()))), term)
                continue
            for choice, read in own.items():
                if choice != read:
                    term = z3.If(z3.And(cites, raw == self.value(choice)), self.value(read), term)
        return term

    def _sections_read_alike(
        self, fact: Fact, code_path: str
    ) -> list[tuple[dict[Any, tuple[Any, Any]], list[int]]]:
        """Return what is read of a field, with the sections of which it is read, by number."""
        if fact.name not in self._alike:  # it is the same for each record
            alike: dict[tuple[Any, ...], list[int]] = {}
            for number, citation in enumerate(self.citations[code_path]):
                if citation is not None and citation.section is not None:
                    choices = self.both.readings(fact, citation).choices
                    alike.setdefault(choices, []).append(number)
            self._alike[fact.name] = [
                (dict(choices), numbers) for choices, numbers in alike.items()
            ]
        return self._alike[fact.name]

    def code_of(self, record: str) -> Term:
        """Return the unknown of a charge's section."""
        place = int(record.removeprefix(f"{CHARGES}[").removesuffix("]"))
        fact = self.segment.pack.vocabulary.facts[CHARGES].fields[_CODE]
        return super().unknown(tree.FieldOf("c", fact), {"c": (CHARGES, place)})

    def _citations(self, fact: Fact) -> tuple[Any, ...]:
        if fact.path not in self.both.candidates:
            every = self._all_citations(fact)
            if fact.path == f"{CHARGES}.{_CODE}":
                # One section for all that both sides read alike.
                every = tuple(
                    {self.both.meaning(citation): citation for citation in reversed(every)}.values()
                )
            self.both.candidates[fact.path] = every
        return self.both.candidates[fact.path]

    def _all_citations(self, fact: Fact) -> tuple[Any, ...]:
        # A code that no condition reads may be unknown, and its charge is as it is given.
        candidates: dict[str | None, Any] = {} if self.both.reads_codes else {None: None}
        if self.both.reads_codes:
            points = self.both.points()
            for side in self.both.sides:
                for citation in TriedValues(side.space.segment, points, {}).of(fact):
                    candidates.setdefault(citation.given, citation)
            for citation in super()._citations(fact):
                if citation is not None:
                    candidates.setdefault(citation.given, citation)
        if fact.path == f"{CHARGES}.{_CODE}":
            for citation in self.both.differing:
                candidates.setdefault(citation.given, citation)
        return tuple(candidates.values())

    def cited(self, item: tree.Tree, sections: tuple[Section, ...], bound: Bound) -> z3.BoolRef:
        """Return the formula for a citation of one of some sections, as the side's law reads it.

        A case whose citation can't be placed isn't complete.
        """
        citation, path = self.unknown(item, bound), self.path_of(item, bound)
        # INVARIANT: an entry keeps the sections alive, so their id names them.
        key = (path, id(sections))
        if key not in self._cited:
            cases = []
            for number, answer in self._sections_among(sections, path):
                if answer is None:
                    self.always.append(citation != number)
                else:
                    cases.append(self.cites(path, number))
            self._cited[key] = any_of(cases), sections
        return self._cited[key][0]

    def _sections_among(
        self, sections: tuple[Section, ...], path: str
    ) -> list[tuple[int, bool | None]]:
        """Return the candidates that are, or may be, one of some sections, by their number."""
        field = without_places(path)  # each record has the same candidates
        key = (field, id(sections))
        if key not in self._among:
            has, read = section_set(sections).has, self._as_charged
            if not field.startswith(f"{CHARGES}."):
                read = _as_given
            answers = (
                (number, has(read(candidate)))
                for number, candidate in enumerate(self.citations[path])
            )
            self._among[key] = [entry for entry in answers if entry[1] is not False]
        return self._among[key]

    def _as_charged(self, candidate: Any) -> Any:
        return self.side.filled(candidate).get(_CODE, candidate)

    def records(self, over: Fact) -> list[tuple[int, z3.BoolRef]]:
        """Return the places of a list's records, each with whether the rules read one there."""
        if over.path not in self._records:
            self._records[over.path] = self._new_records(over)
        return self._records[over.path]

    def _new_records(self, over: Fact) -> list[tuple[int, z3.BoolRef]]:
        records = super().records(over)
        if over.path != CHARGES or not self.both.looks_at_codes:
            return records
        voids = {place: self._is_void(place) for place, _ in records}
        if not any(voids.values()):
            return records
        is_void = {
            place: z3.Or(void) if void else z3.BoolVal(False) for place, void in voids.items()
        }
        one_counts = z3.Or(
            [z3.And(is_there, z3.Not(is_void[place])) for place, is_there in records]
        )
        return [
            (place, z3.And(is_there, z3.Not(z3.And(is_void[place], one_counts))))
            for place, is_there in records
        ]

    def _is_void(self, place: int) -> list[z3.BoolRef]:
        record = f"{CHARGES}[{place}]"
        self.code_of(record)
        return [
            self.cites(f"{record}.{_CODE}", number)
            for number, citation in enumerate(self.citations[f"{record}.{_CODE}"])
            if citation is not None and citation.section is not None and self.side.is_void(citation)
        ]

    def local(self, moment: Term) -> tuple[Term, Term]:
        """Return the local day and time of a moment. In a timely case its zone is the pack's."""
        is_new = ("local", moment.get_id(), self.segment.pack.time_zone) not in self._made
        day, clock_time = super().local(moment)
        if is_new:
            zone = ZoneInfo(self.segment.pack.time_zone)
            noon = datetime.combine(self.segment.day, time(12), zone)
            ahead = noon.utcoffset() or timedelta()
            local = z3.ToReal(day - EPOCH) * A_DAY + clock_time
            self.both.timely += [
                moment + int(ahead.total_seconds()) == local,
                moment >= int(noon.timestamp()),
                moment <= int((noon + _A_WEEK).timestamp()),
            ]
        return day, clock_time

    def outcome(self, name: str) -> Term:
        """Return the answer of another decision, which its decider gives."""
        outcomes = self.both.outcomes
        if name not in outcomes:
            declared = [side.program.pack.decisions.get(name) for side in self.both.sides]
            outcomes_of_sides = [
                set(decision.outcomes) for decision in declared if decision is not None
            ]
            if any(decision is not None and decision.collect for decision in declared):
                raise CannotEncode(f"`{name}`, which has several outcomes at once")
            choices = tuple(
                choice
                for choice in self.segment.decisions[name].decision.outcomes
                if all(choice in choices for choices in outcomes_of_sides)
            )
            path = f"{_DECISION}{name}"
            answer = outcomes[name] = z3.Int(path)
            self.unknowns[path] = answer
            self.facts[path] = Fact(path, "choice", "", "", "", "", choices=choices)
            self.always.append(self.among(answer, choices))
        return outcomes[name]

    def status(self, name: str) -> Term:
        """Return a clock's status. A clock that is the same on both sides has the same one."""
        clock = self.segment.clocks.get(name)
        if clock is None:
            return self.value("not_started")
        key = repr((written_clock(self.segment, clock), self.segment.pack.time_zone))
        statuses = self.both.statuses
        if key not in statuses:
            status = statuses[key] = z3.FreshInt(f"clocks.{name}")
            self.always.append(status == self._status_of(clock))
        return statuses[key]


def _as_given(candidate: Any) -> Any:
    return candidate


def _law(side: Side) -> tuple[Any, Any, Any]:
    """Return what a side's law of charges is made from."""
    program = side.program
    return (
        program.pack.offenses,
        program.as_of if program.pack.offenses is not None else None,
        side.space.segment.parameters.get(HOMICIDE_SECTIONS),
    )


def _meaning(side: Side, citation: GivenCitation) -> Any:
    """Return what a side's law says of a section."""
    stated = side.program.law.stated({_CODE: citation}, side.program.as_of)
    choices = {
        name: {statement.value for statement in statements} for name, statements in stated.items()
    }
    filled = side.filled(citation, **{VIOLENT: False})
    return choices, side.is_void(citation), {name: filled.get(name) for name in (*READ, _CODE)}


def _words(fact: Fact) -> tuple[Any, ...]:
    return (False, True) if fact.type == "bool" else tuple(fact.word_tree.finest)


def _type(fact: Fact) -> Any:
    """Return what two facts must have in common to be one."""
    choices = tuple(fact.word_tree.finest) if fact.type == "choice" else ()
    return fact.type, choices, fact.low, fact.high
