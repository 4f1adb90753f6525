"""Corrections and recalls: which statements of a case count, and what changed later. Pure.

- A correction takes the place of the part that its issuer corrects with it, and of no other part.
  What it doesn't restate stands as it was, and a null withdraws a value. A correction of a
  correction changes the same part.
- A recalled part is ignored, and so is every correction of it, whenever it was sent. A recalled
  correction no longer counts, but a value that it contradicted stays unknown.
- A correction that isn't readable here makes unknown what it may have changed: the facts of its
  categories in the part that it corrects, until its issuer states them in a newer part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from offramp.agency.cases.case_entry import CaseEntry, same_value
from rules.frozen import frozen
from rules.input.vocabulary import Vocabulary

CORRECTED, RECALLED, UNOPENED = "corrected", "recalled", "unopened"
# A newer statement without a word that the earlier one was wrong.
RESTATED = "restated"
# The kind of a record that corrects, and of a note by which an agency corrects itself.
CORRECTION = "correction"
# The categories of a part that states the outcome of a decision.
_OUTCOMES = frozenset(("screening_outcome", "decision_outcome"))

_Key = tuple[str, str | None, str | None]


@frozen
class FactChange:
    """A statement that its agency corrected or recalled, or that a newer one changes.

    `how` is `corrected`, `recalled`, `unopened` for a correction that isn't readable here, or
    `restated`. `by` changed it. `path` is the fact, or `decisions.<name>`. A recall has None: it
    concerns every fact of the part's `categories`. `stated_at` and `changed_at` are positions in
    the log. `record` and `part` name what was changed, None for a note.
    """

    how: str
    by: str
    record: str | None
    part: str | None
    path: str | None
    before: Any
    stated_at: float
    changed_at: float
    categories: tuple[str, ...] = ()


@frozen
class InForce:
    """The statements that count, in their order, what was changed, and the unopened corrections.

    `unopened` is by the path of the fact that is unknown because of one. `places` are the positions
    at which parts count, by their key: a correction counts in the place of the part that it
    corrects.
    """

    entries: tuple[CaseEntry, ...]
    changes: tuple[FactChange, ...]
    unopened: Mapping[str, CaseEntry]
    places: Mapping[tuple[str, str | None, str | None], float]


def apply_corrections(
    entries: Iterable[CaseEntry],
    recalled: Mapping[tuple[str, str], float],
    vocabulary: Vocabulary,
) -> InForce:
    """Return the statements that count.

    `recalled` has the position of the recall by record and part.
    """
    ordered = sorted(entries, key=lambda entry: entry.position)
    place: dict[_Key, float] = {}
    remaining: list[CaseEntry] = []
    changes: list[FactChange] = []
    unopened: dict[str, CaseEntry] = {}
    for chain in _chains(ordered):
        applied = _Chain(chain, recalled, vocabulary)
        remaining += applied.remaining
        changes += applied.changes
        unopened |= applied.unopened
        place |= {entry.key: chain[0].position for entry in chain}
    remaining += [
        entry
        for entry in ordered
        if entry.record is None or (entry.is_label and not _is_recalled(entry, recalled))
    ]
    # A correction takes the place of its part. A note and a label's facts stay in their own.
    remaining.sort(
        key=lambda entry: (
            entry.position if entry.is_label else place.get(entry.key, entry.position),
            entry.position,
            not entry.is_label,
        )
    )
    hidden = {
        path: correction
        for path, correction in unopened.items()
        if not _is_stated_after(remaining, correction, path, place)
    }
    return InForce(tuple(remaining), (*changes, *_changed_by_notes(ordered)), hidden, place)


def _is_stated_after(
    remaining: Iterable[CaseEntry],
    correction: CaseEntry,
    path: str,
    place: Mapping[_Key, float],
) -> bool:
    """Return True if an agency states a fact in a newer part than the one that it corrected."""
    return any(
        entry.by == correction.by
        and not entry.is_label
        and path in entry.facts
        and place.get(entry.key, entry.position) > place[correction.key]
        for entry in remaining
        if entry.record is not None
    )


def _chains(ordered: Sequence[CaseEntry]) -> list[list[CaseEntry]]:
    """Return each part with its corrections, and the corrections of those, in order."""
    chains: dict[_Key, list[CaseEntry]] = {}
    root: dict[_Key, _Key] = {}
    for entry in ordered:
        if entry.record is None or entry.is_label:
            continue
        corrected: _Key | None = (entry.by, *entry.corrects) if entry.corrects else None
        # A correction of a part that isn't here stands for itself.
        start = root.get(corrected, entry.key) if corrected is not None else entry.key
        root[entry.key] = start
        chains.setdefault(start, []).append(entry)
    return list(chains.values())


def _is_recalled(entry: CaseEntry, recalled: Mapping[tuple[str, str], float]) -> bool:
    return (entry.record, entry.part) in recalled


class _Chain:
    """A part and its corrections, with what remains of each."""

    def __init__(
        self,
        chain: Sequence[CaseEntry],
        recalled: Mapping[tuple[str, str], float],
        vocabulary: Vocabulary,
    ) -> None:
        self._chain = chain
        self._recalled = recalled
        self._vocabulary = vocabulary
        self._dead = self._find_dead()
        self.remaining: list[CaseEntry] = []
        self.changes: list[FactChange] = []
        self.unopened: dict[str, CaseEntry] = {}
        for index, entry in enumerate(chain):
            if entry.key in self._dead:
                self.changes += self._recall_of(entry)
            else:
                self.remaining.append(self._rest_of(entry, chain[index + 1 :]))

    def _find_dead(self) -> frozenset[_Key]:
        """Return the recalled parts, and every correction of one."""
        dead: set[_Key] = set()
        for entry in self._chain:
            corrected = (entry.by, *entry.corrects) if entry.corrects else None
            if _is_recalled(entry, self._recalled) or corrected in dead:
                dead.add(entry.key)
        return frozenset(dead)

    def _recall_of(self, entry: CaseEntry) -> Iterator[FactChange]:
        at = self._recalled.get((str(entry.record), str(entry.part)))
        if at is not None and entry.was_opened:
            yield FactChange(
                RECALLED,
                entry.by,
                entry.record,
                entry.part,
                None,
                None,
                entry.position,
                at,
                entry.categories,
            )

    def _rest_of(self, entry: CaseEntry, later: Sequence[CaseEntry]) -> CaseEntry:
        """Return what its corrections leave of a statement, and note what they change."""
        facts = {
            path: value
            for path, value in entry.facts.items()
            if not self._is_changed(entry, path, value, self._category(path), later)
        }
        outcomes = {
            name: outcome
            for name, outcome in entry.outcomes.items()
            if not self._is_changed(entry, f"decisions.{name}", outcome, None, later)
        }
        determined = entry.determined
        if determined is not None and any(
            correction.determined is not None or _hides(correction, None) for correction in later
        ):
            determined = None
        return replace(entry, facts=facts, outcomes=outcomes, determined=determined)

    def _is_changed(
        self,
        entry: CaseEntry,
        path: str,
        value: Any,
        category: str | None,
        later: Sequence[CaseEntry],
    ) -> bool:
        """Return True if a later correction restates a value, or may have changed it.

        A correction of something else restates the value. What changes it after that changes this
        statement too: a decision may rest on this one, and never have seen the restatement.
        """
        is_restated = False
        for correction in later:
            if _hides(correction, category):
                self._note(UNOPENED, entry, path, value, correction)
                if correction.key not in self._dead:
                    self.unopened[path] = correction
                return True
            restated = _values_of(correction)
            if path not in restated:
                continue
            if not same_value(restated[path], value):
                self._note(CORRECTED, entry, path, value, correction)
                return True
            is_restated |= correction.key not in self._dead
        return is_restated

    def _note(
        self, how: str, entry: CaseEntry, path: str, value: Any, correction: CaseEntry
    ) -> None:
        self.changes.append(
            FactChange(
                how,
                entry.by,
                entry.record,
                entry.part,
                path,
                value,
                entry.position,
                correction.position,
            )
        )

    def _category(self, path: str) -> str | None:
        fact = self._vocabulary.facts.get(path)
        return fact.category if fact is not None else None


def _hides(correction: CaseEntry, category: str | None) -> bool:
    """Return True if a correction can't be read here and may concern a category of information.

    Without a category, it is an outcome's.
    """
    if correction.has_content:
        return False
    categories = frozenset(correction.categories)
    return category in categories if category is not None else bool(categories & _OUTCOMES)


def _values_of(entry: CaseEntry) -> dict[str, Any]:
    outcomes = {f"decisions.{name}": outcome for name, outcome in entry.outcomes.items()}
    return {**entry.facts, **outcomes}


def _changed_by_notes(ordered: Sequence[CaseEntry]) -> Iterator[FactChange]:
    """Yield what an agency changed of its own statements by a note that corrects them."""
    newest: dict[tuple[str, str], tuple[Any, CaseEntry]] = {}
    for entry in ordered:
        for path, value in entry.facts.items():
            before, source = newest.get((entry.by, path), (None, None))
            is_correction = entry.kind == CORRECTION and entry.record is None
            if is_correction and source is not None and not same_value(before, value):
                yield FactChange(
                    CORRECTED,
                    entry.by,
                    source.record,
                    source.part,
                    path,
                    before,
                    source.position,
                    entry.position,
                )
            newest[entry.by, path] = value, entry
