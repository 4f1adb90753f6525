"""A decision as a record: a part for each set of categories of its grounds. Pure.

So each agency receives the reasons that it may have. The same function makes the parts of a record
and, in `replay`, the parts that they must equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from exchange.records.kinds import kinds
from offramp.agency.cases.case import Answer
from offramp.agency.cases.fact_kinds import OUTCOME, SCREENING, kind_of, plain_path
from rules.decide.never_travels import read_what_never_travels
from rules.input.vocabulary import Vocabulary

Contents = Mapping[tuple[str, ...], dict[str, Any]]


def contents(answer: Answer) -> Contents:
    """Return each part's content, by the part's categories in order.

    Leaves out every category that a decision record may not contain. Of a decision that read a fact
    that never travels, only the outcome is told.
    """
    parts = _Parts(answer)
    parts.add_outcomes()
    if not parts.terms.reads_criminal_history and not read_what_never_travels(answer.ruling):
        parts.add_reasons()
        parts.add_needs()
        parts.add_sources()
        parts.add_gaps()
    allowed = frozenset(kinds()["decision"].categories)
    return {
        tuple(sorted(categories)): content
        for categories, content in parts.by_categories.items()
        if categories <= allowed
    }


class _Parts:
    """The parts of one answer's record while they are filled, by their categories."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.vocabulary = answer.case.vocabulary
        self.terms = self.vocabulary.decisions[answer.decision]
        self.default = SCREENING if self.terms.reads_criminal_history else OUTCOME
        self.by_categories: dict[frozenset[str], dict[str, Any]] = {}
        program = answer.ruling.program
        self._base = {
            "decision": answer.decision,
            "status": answer.status,
            "pack": program.pack.id,
            "digest": program.digest,
            "now": answer.now,
            **({"as_of": answer.ruling.as_of.isoformat()} if answer.ruling.as_of else {}),
        }

    def part(self, *categories: str) -> dict[str, Any]:
        """Return the content of the part of these categories."""
        return self.by_categories.setdefault(frozenset(categories), dict(self._base))

    def part_of_fact(self, category: str) -> dict[str, Any]:
        """Return the part for a fact. Facts about operation are in the outcome's part."""
        return self.part(category if category != "operation" else self.default)

    def add_outcomes(self) -> None:
        """Add each outcome to the part of its category, or an empty part without an outcome."""
        outcome = self.answer.outcome
        outcomes = outcome if isinstance(outcome, list) else [outcome] if outcome else []
        if not outcomes:
            collected = self.terms.outcomes[:1] if self.terms.collect else ()
            categories = [self.terms.categories[name] for name in collected]
            self.part(*(categories or [self.default]))
        for name in outcomes:
            content = self.part(self.terms.categories.get(name, self.default))
            content["outcome"] = [*content.get("outcome", ()), name] if self.terms.collect else name

    def add_reasons(self) -> None:
        """Add each reason to the part of every category that its rule reads."""
        for reason in self.answer.reasons:
            step = self.terms.categories.get(reason["outcome"])
            cited = _categories(self.answer.reads_of(reason), self.vocabulary)
            categories = [*cited, *([step] if step else [])]
            # A reason without a rule cites nothing: it says what the outcome says.
            content = self.part(*(categories or [self.default]))
            content.setdefault("reasons", []).append(
                {"rule": reason["rule"], "outcome": reason["outcome"]}
            )

    def add_needs(self) -> None:
        """Add each missing fact to the part of its category."""
        for need in self.answer.needed:
            category = _category(str(need["fact"]), self.vocabulary)
            if category is not None:
                needed = self.part_of_fact(category).setdefault("needed", [])
                entry = {"fact": plain_path(str(need["fact"])), "ask": need["ask"]}
                if entry not in needed:
                    needed.append(entry)

    def add_sources(self) -> None:
        """Add the record and part of each logged source to the part of its category."""
        for path, source in self.answer.cited:
            category = _category(path, self.vocabulary)
            if category is not None and source.entry.is_logged:
                rests_on = self.part(category).setdefault("rests_on", [])
                reference = {"record": source.entry.record, "part": source.entry.part}
                if reference not in rests_on:
                    rests_on.append(reference)

    def add_gaps(self) -> None:
        """Add the facts that are in no record, and the events of which silence means nothing."""
        for member, paths in (
            ("unshown", self.answer.unshown),
            ("untold", sorted(self.answer.silent & self.answer.reads)),
        ):
            for path in paths:
                if (category := _category(path, self.vocabulary)) is not None:
                    self.part_of_fact(category).setdefault(member, []).append(path)


def content_of(categories: tuple[str, ...], decision: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part's content, with the rules' answer under the first of its categories."""
    return {
        category: {"decision": dict(decision)} if category == categories[0] else {}
        for category in categories
    }


def decision_in(content: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the rules' answer in a content, None where there is none."""
    return next(
        (members["decision"] for members in content.values() if members.get("decision")), None
    )


def _category(path: str, vocabulary: Vocabulary) -> str | None:
    """Return the category of a fact or an outcome.

    None for a fact or a field that never travels, or that isn't in the pack's vocabulary.
    """
    if path in ("now", "as_of"):
        return "operation"
    field = vocabulary.fact_at(plain_path(path))
    if field is not None and field.category in vocabulary.never_travels:
        return None
    kind = kind_of(path, vocabulary)
    return None if kind in vocabulary.never_travels else kind


def _categories(paths: Iterable[str], vocabulary: Vocabulary) -> list[str]:
    return [
        category
        for path in paths
        if (category := _category(path, vocabulary)) is not None and category != "operation"
    ]
