"""Newer statements of a fact or an outcome that change what counted before, without a correction.

A later answer with another value takes the place of the earlier one, and nobody says that the
earlier one was wrong. A decision may rest on it all the same. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from offramp.agency.cases.case_entry import CaseEntry, FactSource, same_value
from offramp.agency.cases.corrections import CORRECTION, RESTATED, FactChange
from offramp.agency.cases.stated_facts import GOES_ON, StatedFacts, attested_outcomes
from rules.input.vocabulary import Vocabulary

_Places = Mapping[tuple[str, str | None, str | None], float]


def newer_statements(
    entries: Sequence[CaseEntry], places: _Places, vocabulary: Vocabulary
) -> tuple[FactChange, ...]:
    """Return what a newer statement changed of the facts and outcomes that counted, in order.

    `entries` are the statements that count, in order, and `places` where they count. Left out are
    facts about no person, whether the person is enrolled, the last review, and what follows from a
    label: they change as a case goes on.
    """
    stated = StatedFacts(vocabulary)
    changes: list[FactChange] = []
    for entry in entries:
        # `Case.changes` has what a note corrects.
        is_correction = entry.kind == CORRECTION and entry.record is None
        for path in entry.facts:
            before = stated.agreed(path)
            stated.add_value(entry, path, entry.facts[path])
            fact = vocabulary.facts.get(path)
            if before is None or is_correction or fact is None or fact.category == "operation":
                continue
            if entry.is_label or path in GOES_ON:
                continue
            after = stated.agreed(path)
            if after is None or not same_value(before.value, after.value):
                changes.append(_change(path, before, entry, places))
    changes += _changed_outcomes(entries, places, vocabulary)
    return tuple(change for change in changes if change.stated_at < change.changed_at)


def _changed_outcomes(
    entries: Sequence[CaseEntry], places: _Places, vocabulary: Vocabulary
) -> Iterator[FactChange]:
    with_outcome: list[CaseEntry] = []
    attested: Mapping[str, FactSource] = {}
    for entry in entries:
        if not entry.outcomes:
            continue
        with_outcome.append(entry)
        now = attested_outcomes(with_outcome, vocabulary)
        for decision in entry.outcomes:
            before, after = attested.get(decision), now.get(decision)
            if before is not None and (after is None or after.value != before.value):
                yield _change(f"decisions.{decision}", before, entry, places)
        attested = now


def _change(path: str, before: FactSource, entry: CaseEntry, places: _Places) -> FactChange:
    return FactChange(
        RESTATED,
        entry.by,
        before.entry.record,
        before.entry.part,
        path,
        before.value,
        places.get(before.entry.key, before.entry.position),
        places.get(entry.key, entry.position),
    )
