"""The values that agencies state: of each fact the newest of each agency, and outcomes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from offramp.agency.cases.case_entry import CaseEntry, FactSource
from offramp.agency.cases.finer_values import agreed_source
from rules.input.vocabulary import Fact, Vocabulary

ENROLLED, REVIEWED = "person.enrolled", "case.last_review_at"
# What every agency states as the case goes on, so that an earlier value was true then.
GOES_ON = (ENROLLED, REVIEWED)
# The roles with the last word on a decision, the highest first. On any other decision, the role
# that decides it.
LAST_WORD: Mapping[str, tuple[str, ...]] = {
    "eligibility": ("prosecutor", "program"),
    "admission": ("prosecutor", "program"),
}
# The kinds of record that begin or end participation. What other agencies stated before one of
# them was true then, and doesn't contradict it.
_CHANGES_ENROLLMENT = ("determination", "ejection", "exit", "reinstatement")


class StatedFacts:
    """Each agency's newest value of every fact, after the statements that were added in order."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._sources: dict[str, dict[str, FactSource]] = {}

    def add(self, entry: CaseEntry) -> None:
        """Add all facts of a statement."""
        for path, value in entry.facts.items():
            self.add_value(entry, path, value)

    def add_value(self, entry: CaseEntry, path: str, value: Any) -> None:
        """Add the value of one fact. None withdraws the agency's earlier value."""
        fact = self._vocabulary.facts.get(path)
        if fact is None or (fact.kind == "judgment" and entry.role != fact.known_by):
            return
        by_agency = self._sources.setdefault(path, {})
        # A review is one of all partners: the newest one counts, whoever recorded it.
        if path == REVIEWED or (path == ENROLLED and entry.kind in _CHANGES_ENROLLMENT):
            by_agency.clear()
        by_agency.pop(entry.by, None)
        plain = None if value is None else _without_ids(value, fact, entry.role)
        by_agency[entry.by] = FactSource(plain, entry)

    @property
    def paths(self) -> list[str]:
        """The facts that an agency stated, sorted."""
        return sorted(self._sources)

    def of(self, path: str) -> tuple[FactSource, ...]:
        """Return each agency's newest source of a fact. A withdrawn value is None."""
        return tuple(self._sources.get(path, {}).values())

    def with_value(self, path: str) -> tuple[FactSource, ...]:
        """Return each agency's newest source of a fact, without withdrawn values."""
        return tuple(source for source in self.of(path) if source.value is not None)

    def agreed(self, path: str) -> FactSource | None:
        """Return the newest source of a fact on which all agree that state it, or None."""
        return agreed_source(self.with_value(path))


def attested_outcomes(
    entries: Iterable[CaseEntry], vocabulary: Vocabulary
) -> Mapping[str, FactSource]:
    """Return the outcome of each decision that the role with the last word on it states.

    A decision is missing if two agencies of the same rank state different outcomes.
    """
    highest: dict[str, tuple[int, dict[str, FactSource]]] = {}
    for entry in entries:
        for decision, outcome in entry.outcomes.items():
            rank = rank_of(decision, entry.role, vocabulary)
            best_rank, by_agency = highest.get(decision, (rank, {}))
            if rank < best_rank:
                best_rank, by_agency = rank, {}
            if rank == best_rank:
                by_agency.pop(entry.by, None)
                by_agency = {**by_agency, entry.by: FactSource(outcome, entry)}
                highest[decision] = best_rank, by_agency
    return {
        decision: list(by_agency.values())[-1]
        for decision, (_, by_agency) in sorted(highest.items())
        if len({source.value for source in by_agency.values()}) == 1
    }


def rank_of(decision: str, role: str | None, vocabulary: Vocabulary) -> int:
    """Return a role's place among the roles with a word on a decision. 0 has the last word."""
    terms = vocabulary.decisions.get(decision)
    roles = LAST_WORD.get(decision) or ((terms.decided_by,) if terms else ())
    return roles.index(role) if role in roles else len(roles)


def _without_ids(value: Any, fact: Fact, role: str | None) -> Any:
    """Return a value as the rules read it.

    The rules don't read the ids of a list's entries. A judgment in an entry counts only from the
    role whose judgment it is.
    """
    if fact.type != "list" or not isinstance(value, list | tuple):
        return value
    foreign = {
        field.name
        for field in fact.fields.values()
        if field.kind == "judgment" and role != fact.known_by
    }
    return [
        {name: member for name, member in entry.items() if name != "id" and name not in foreign}
        for entry in value
    ]
