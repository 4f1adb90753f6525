"""Formulas over the completions of one case: what isn't known of it may be anything.

A completion learns facts that aren't known, a finer word for a coarse one, and a section for one
that isn't recognized. An event that isn't recorded did not happen, unless it is doubtful. What the
facts settle is settled before there is a formula, so times keep the pack's own time zone there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import z3

from rules.decide.ruling import Ruling
from rules.decide.same_law import law_changes
from rules.decide.search_space import SearchSpace
from rules.decide.tried_values import TriedValues, points_of
from rules.frozen import replace
from rules.input.citations import GivenCitation, System, another_section, reader_of
from rules.input.facts import Facts
from rules.input.vocabulary import Fact, Vocabulary
from rules.language import tree
from rules.packs.law import CHARGES
from rules.prove.formulas import Formulas
from rules.prove.grounding import Grounding, known_value
from rules.prove.list_bounds import ListBounds, list_bounds
from rules.prove.solutions import typed_value

DAY = "encounter.date"


class CaseFormulas(Formulas):
    """The formulas of a ruling that isn't decided.

    `facts` are the facts of the case as its rules read them. `bounds` are those of the lists that
    aren't known. With `most` they have no more records than that, and no proof comes of it. With
    `learns_all` the facts that count only if they are known may be learned too.
    """

    def __init__(
        self, ruling: Ruling, most: int | None = None, *, learns_all: bool = False
    ) -> None:
        assert ruling.segment is not None
        self.ruling = ruling
        self.facts_known: Facts = ruling.case.facts
        self.grounding = Grounding(ruling, learns_all=learns_all)
        conditions = [*self.grounding.conditions()]
        segment = ruling.segment.segment
        self.bounds: ListBounds = list_bounds(segment, conditions)
        lengths = self.bounds.lengths
        if most is not None:
            lengths = {path: min(most, length) for path, length in lengths.items()}
        self.is_cut = lengths != self.bounds.lengths
        super().__init__(SearchSpace(segment), conditions, lengths)
        self._outcome_of: dict[str, z3.ArithRef] = {}
        self.result = self._ranked(ruling.decision)
        self._settle_known()

    def _ranked(self, name: str) -> z3.ArithRef:
        """Return the outcome of a decision by what is left of its rules."""
        ranks, default = self.grounding.ranks[name]
        outcome = self.value(default)
        for ranked, conditions in reversed(ranks):
            applies = z3.Or([self.condition(condition) for condition in conditions])
            outcome = z3.If(applies, self.value(ranked), outcome)
        return outcome

    def applies(self, outcome: str) -> z3.BoolRef:
        """Return whether a rule gives an outcome, of a decision that collects."""
        ranks, _ = self.grounding.ranks[self.ruling.decision]
        return z3.Or(
            [
                self.condition(condition)
                for ranked, conditions in ranks
                if ranked == outcome
                for condition in conditions
            ]
        )

    def outcome(self, name: str) -> Any:
        """Return a decision's outcome: by its rules, or any if it is taken as given."""
        if name not in self._outcome_of:
            decided = z3.Int(f"decisions.{name}")
            possible = self.grounding.free.get(name)
            if possible is not None:
                self.always.append(self.among(decided, possible))
            else:
                self.always.append(decided == self._ranked(name))
            self._outcome_of[name] = decided
        return self._outcome_of[name]

    def _new_unknown(self, path: str, fact: Fact) -> Any:
        known_citation = known_value(self.facts_known.known, path)
        if fact.type != "citation" or known_citation is None or known_citation.section is None:
            return super()._new_unknown(path, fact)
        section = z3.Int(path)
        self.citations[path] = self._meant(fact, known_citation)
        self.always.append(z3.And(section >= 0, section < len(self.citations[path])))
        return section

    def _meant(self, fact: Fact, citation: GivenCitation) -> tuple[Any, ...]:
        """Return the sections that a given one may mean: itself, or one below it.

        One that isn't recognized may be another of the same law.
        """
        if citation.is_recognized and not self._is_open(citation):
            return (citation,)
        assert citation.section is not None
        systems = self.segment.pack.vocabulary.citations
        kind = _kind_of(systems[citation.section.system])
        others = [
            candidate
            for candidate in self._citations(fact)
            if candidate is not None and _kind_of(systems[candidate.section.system]) == kind
        ]
        if not citation.is_recognized:
            return (citation, *others)
        below = [
            section_below
            for section_below in others
            if citation.section.key in section_below.section.lineage
        ]
        return (citation, *below)

    def _citations(self, fact: Fact) -> tuple[Any, ...]:
        """Return the sections that what is left asks for, and one of each kind of law besides.

        The law states the authority of a section, and whether it is another state's.
        """
        vocabulary = self.segment.pack.vocabulary
        points = points_of(self._conditions, self.segment.parameters)
        return with_other_sections(TriedValues(self.segment, points, {}).of(fact), vocabulary)

    def _is_open(self, given: GivenCitation) -> bool:
        """Return whether a condition that is left asks for the citation."""
        return any(isinstance(part, tree.Cited) for part in self._parts())

    def _parts(self) -> Iterable[tree.Tree]:
        return (part for node in self.grounding.conditions() for part in tree.nodes(node))

    def _settle_known(self) -> None:
        """Fix what is known of each unknown, and leave out charges that are against the law."""
        for path in [path for path in self.unknowns if path.startswith(f"{CHARGES}[")]:
            record = path.rpartition(".")[0]
            if known_value(self.facts_known.known, f"{record}.code") is not None:
                fields = self._fact(CHARGES).fields
                self.unknown(tree.FactOf(replace(fields["code"], path=f"{record}.code")), {})
        known_facts = self.facts_known.known
        for path, unknown in self.unknowns.items():
            fact, value = self.facts[path], known_value(known_facts, path)
            if value is None or fact.type == "citation":
                continue
            if fact.type == "choice":
                self.always.append(self.among(unknown, fact.word_tree.finest_of(value)))
            else:
                self.always.append(unknown == self.value(value))
        for path, happened in self.happened.items():
            if path in known_facts:
                self.always.append(happened)
            elif path not in self.facts_known.doubtful:
                self.always.append(z3.Not(happened))
        program = self.ruling.program
        day = program.as_of or known_facts.get(DAY)
        days = [day] if day is not None else [self.segment.day, *law_changes(program)]
        if self.citations:
            self.agree_with_law_on(days)

    def completed(self, model: z3.ModelRef) -> Facts:
        """Return the facts of the case with those that a solution adds."""
        answers = {
            name: self._outcome_of[name] for name in self.grounding.free if name in self._outcome_of
        }
        return with_solution(self, model, self.facts_known, self.unknowns, answers)


def with_solution(
    formulas: Formulas,
    model: z3.ModelRef,
    facts: Facts,
    unknowns: Mapping[str, Any],
    answers: Mapping[str, Any],
) -> Facts:
    """Return the facts of a case with those that a solution of its formulas adds.

    `unknowns` are the terms of facts by path, and `answers` those of other decisions by name.
    """
    completed_facts: dict[str, Any] = dict(facts.known)
    for path, size in formulas.sizes.items():
        length = model.eval(size, model_completion=True).as_long()
        completed_facts[path] = tuple({} for _ in range(length))
    doubtful = dict(facts.doubtful)
    for path, unknown in unknowns.items():
        happened = formulas.happened.get(path)
        doubtful.pop(path, None)
        if happened is not None and not z3.is_true(model.eval(happened, model_completion=True)):
            continue
        value = typed_value(formulas, path, model.eval(unknown, model_completion=True))
        if value is not None:
            set_value(completed_facts, path, value)
    attested = dict(facts.attested)
    for name, answer in answers.items():
        number = model.eval(answer, model_completion=True).as_long()
        attested[name] = str(formulas.word(number))
    return Facts(completed_facts, attested, doubtful)


def with_other_sections(
    named_citations: Iterable[GivenCitation], vocabulary: Vocabulary
) -> tuple[Any, ...]:
    """Return citations, one more of each kind of law, and None for one of no system."""
    kinds = {
        _kind_of(declared_system): declared_system
        for declared_system in vocabulary.citations.values()
    }
    read = reader_of(vocabulary).read
    texts = [
        f"99 {system.name} 99999" if system.title_first else another_section(system)
        for system in kinds.values()
    ]
    sections = [(text, read(text)) for text in texts]
    others = (
        GivenCitation(text, section)
        for text, section in sections
        if section is not None and section.is_whole
    )
    return (*dict.fromkeys((*named_citations, *others)), None)


def _kind_of(system: System) -> tuple[str, str | None]:
    """Return what the law states of every section of a system: whose law it is."""
    return system.authority, system.state


def set_value(facts: dict[str, Any], path: str, value: Any) -> None:
    """Put a value in place of a fact, or of a field of a record that is there."""
    start, bracket, rest = path.partition("[")
    if not bracket:
        facts[path] = value
        return
    place, _, name = rest.partition("].")
    records = list(facts.get(start, ()))
    if int(place) < len(records):
        records[int(place)] = {**records[int(place)], name: value}
        facts[start] = tuple(records)


def without(facts: Facts, paths: Iterable[str]) -> Facts:
    """Return the facts without some of them."""
    remaining: dict[str, Any] = dict(facts.known)
    for path in paths:
        start, bracket, rest = path.partition("[")
        if not bracket:
            remaining.pop(path, None)
            continue
        place, _, name = rest.partition("].")
        records = [dict(record) for record in remaining[start]]
        records[int(place)].pop(name, None)
        remaining[start] = tuple(records)
    attested: Mapping[str, str] = {
        name: outcome
        for name, outcome in facts.attested.items()
        if f"decisions.{name}" not in paths
    }
    return Facts(remaining, attested, facts.doubtful)
