"""The kind of information that a fact or a decision's outcome is."""

from __future__ import annotations

from rules.input.vocabulary import Vocabulary

OUTCOME, SCREENING = "decision_outcome", "screening_outcome"


def plain_path(path: str) -> str:
    """Return a path as records have it: without positions in a list."""
    return "".join(
        piece.partition("]")[2] if number else piece for number, piece in enumerate(path.split("["))
    )


def kind_of(path: str, vocabulary: Vocabulary) -> str | None:
    """Return the category of a fact, or of an outcome as `decisions.<name>`.

    A list has one category with all its fields. None for a path that the vocabulary lacks.
    """
    if path.startswith("decisions."):
        terms = vocabulary.decisions.get(path.partition(".")[2])
        return SCREENING if terms and terms.reads_criminal_history else OUTCOME
    plain = plain_path(path)
    if vocabulary.fact_at(plain) is None:
        return None
    return (vocabulary.facts.get(plain) or vocabulary.facts[plain.rpartition(".")[0]]).category
