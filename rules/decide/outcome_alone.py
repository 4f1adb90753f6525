"""Find the outcome alone of usual facts that are complete: read, apply the law, and decide at once.

`Program.outcome` needs no facts by path and no reasons. So one function is made for a decision and
a stretch of days. Its types require what the rules of these days read, and its records are structs.
It returns None for anything else, and then `complete` or `ruling` decides.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from rules.decide.compile_complete import NotCompiled, compile_outcome
from rules.decide.ruling import NOT_PART
from rules.input.citations import GivenCitation, reader_of
from rules.input.facts import LONGEST_LIST
from rules.input.typed_facts import Needs, Places, make_reader_of_needs
from rules.input.values import iso_day, read_citation
from rules.language import tree
from rules.packs.law import CHARGES, READ
from rules.packs.resolve import DecisionInForce, Segment

if TYPE_CHECKING:
    from rules.decide.compiled_pack import CompiledPack
    from rules.input.vocabulary import Fact

# The outcome of a value of a JSON text by the rules of its day, which is given as a text too.
# None for anything unusual.
OutcomeOf = Callable[[Any, str | None], str | None]
GROUP, KEY = "encounter", "date"
DAY, MOMENT, CODE = f"{GROUP}.{KEY}", "encounter.at", f"{CHARGES}.code"
_MOST_REMEMBERED = 4096  # days, and charges


class OutcomeAlone:
    """One decision of a program. `find` returns the outcome of usual complete facts, or None."""

    def __init__(self, program: CompiledPack, name: str) -> None:
        self.program = program
        self.name = name
        self.find: Callable[[Any], str | None] = _none
        self._by_segment: dict[int, OutcomeOf] = {}
        self._by_day: dict[str, OutcomeOf] = {}
        self._boundaries = program.pack.boundaries()
        declared = program.pack.decisions[name]
        if declared.collect or program.differently_dated(name):
            return
        if program.as_of is not None:
            outcome_of = self._segment(program.as_of)
            self.find = lambda given: outcome_of(given, None)
        elif declared.governed_by == DAY:
            self.find = self._finder()

    def _finder(self) -> Callable[[Any], str | None]:
        by_day, of_day = self._by_day, self._of_day

        def find(given: Any) -> str | None:
            """Return the outcome by the rules of the day that the facts name."""
            try:
                day = given[GROUP][KEY]
                return (by_day.get(day) or of_day(day))(given, day)
            except Exception:  # an odd class may raise anything
                return None

        return find

    def _of_day(self, written: Any) -> OutcomeOf:
        """Return the function of a day as it is written."""
        day = iso_day(written) if written.__class__ is str else None
        program = self.program.pack.program
        since, until = program.since, program.until
        if day is None or (since and day < since) or (until and day >= until):
            return _none
        if len(self._by_day) == _MOST_REMEMBERED:
            self._by_day.clear()
        outcome_of = self._by_day[written] = self._segment(day)
        return outcome_of

    def _segment(self, day: date) -> OutcomeOf:
        """Return the function of the stretch of days with a day, which is made once."""
        index = bisect_right(self._boundaries, day)
        outcome_of = self._by_segment.get(index)
        if outcome_of is None:
            try:
                needed = _Needed(self.program, self.name, self.program.segment(day).segment)
                vocabulary = self.program.pack.vocabulary
                outcome_of = make_reader_of_needs(vocabulary, LONGEST_LIST, needed.needs())
            except NotCompiled:
                outcome_of = _none
            self._by_segment[index] = outcome_of
        return outcome_of


class _Needed:
    """What one decision needs of a case by the rules of a stretch of days."""

    def __init__(self, program: CompiledPack, name: str, segment: Segment) -> None:
        self.program = program
        self.name = name
        self.segment = segment
        self.facts = set(_facts_read(segment.decisions[name]))
        reached = [name]
        for decision in reached:  # it grows
            rules = segment.decisions[decision]
            # A decision that is not attested reads these too, and looks only at the others.
            self.facts |= {path for path, fact in _facts_read(rules).items() if fact.of}
            inner = [read for read in _decisions_read(rules) if read in segment.decisions]
            reached += [read for read in inner if read not in reached]
        self.charges = _ChargeReader(program, frozenset(self.facts))

    def needs(self) -> Needs:
        """Return the needs, whose case is put to `outcome_of`."""
        is_dated = self.program.as_of is None
        return Needs(
            known=self.facts | ({DAY} if is_dated else set()),
            unknown={MOMENT},
            as_text={CODE} | ({DAY} if is_dated and DAY not in self.facts else set()),
            outcomes={
                name: declared.outcomes
                for name, declared in self.program.pack.decisions.items()
                if name != self.name  # an attested outcome of the decision itself is unusual
            },
            of_record=self._of_record,
            names={"Remembered": self.charges.remembered.get, "Read": self.charges.read},
            use=lambda places: self._outcome_of(self.name, places, {}),
        )

    def _of_record(self, path: str, places: Mapping[str, str]) -> list[str]:
        """Return the lines that read a charge's section and apply the law."""
        if path != CHARGES:
            return []
        stated = ", ".join(f"record.{places[name]}" for name in ("code", *READ))
        store = f"record.{places['code']} = " if CODE in self.facts else ""
        return [f"charge = day, {stated}", f"{store}Remembered(charge) or Read(charge)"]

    def _outcome_of(
        self, name: str, places: Places, made: dict[str, Callable[[Any], str]]
    ) -> Callable[[Any], str]:
        """Compile a decision and those that it reads, each once."""

        def inner(other: str) -> Callable[[Any], str] | str:
            if other not in self.program.pack.decisions:
                return NOT_PART
            return self._outcome_of(other, places, made)

        if name not in made:
            rules = self.segment.decisions[name]
            if rules.decision.collect:
                raise NotCompiled
            known = self.facts if name == self.name else ()
            zone = self.segment.pack.time_zone
            made[name] = compile_outcome(rules, self.segment.parameters, zone, places, known, inner)
        return made[name]


class _ChargeReader:
    """Reads the section of a charge that the law leaves alone, in all that the rules read of it."""

    def __init__(self, program: CompiledPack, facts: frozenset[str]) -> None:
        self.law = program.law
        self.as_of = program.as_of
        self.changeable = tuple(name for name in READ if f"{CHARGES}.{name}" in facts)
        self.vocabulary = program.pack.vocabulary
        self.remembered: dict[tuple[Any, ...], GivenCitation] = {}

    def read(self, charge: tuple[Any, ...]) -> GivenCitation:
        """Read a charge: the day and the code as they are written, and the values of `READ`.

        Raises `FactsError` for a code that is none, and `ValueError` for another charge.
        """
        written_day, code, *stated = charge
        day = self.as_of or iso_day(written_day)
        field = self.vocabulary.facts[CHARGES].fields["code"]
        citation = read_citation(reader_of(self.vocabulary), field, CODE, code)
        if day is None or citation.section is None:
            raise ValueError
        is_recognized, changed, void = self.law.changes_of(citation.section, day, tuple(stated))
        if not is_recognized or void or any(name in self.changeable for name, _ in changed):
            raise ValueError
        if len(self.remembered) == _MOST_REMEMBERED:
            self.remembered.clear()
        self.remembered[charge] = citation
        return citation


def _facts_read(rules: DecisionInForce) -> dict[str, Fact]:
    return {
        path: fact for rule in rules.rules for path, fact in tree.facts_read(rule.condition).items()
    }


def _decisions_read(rules: DecisionInForce) -> list[str]:
    parts = [part for rule in rules.rules for part in tree.nodes(rule.condition)]
    return [part.decision for part in parts if isinstance(part, tree.OutcomeOf)]


def _none(*_: Any) -> str | None:
    return None
