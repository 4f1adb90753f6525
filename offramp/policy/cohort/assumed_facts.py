"""Facts that the author assumes, from a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from offramp.policy.cohort.answers import Side
from offramp.policy.cohort.assumption import Assumption
from rules.errors import FactsError, Place
from rules.input.printing import printable
from rules.input.vocabulary import nested


def flat_facts(facts: Any) -> Assumption:
    """Return facts by path, whether they are written nested or by path.

    A field of a list's records is written by its path, `encounter.charges.authority`.
    """
    if not isinstance(facts, dict):
        raise FactsError(
            "wrong-shape",
            "the assumption is not an object",
            fix='write `{"judgment.amenable": true}`',
        )
    flat: Assumption = {}
    for key, value in facts.items():
        if isinstance(value, dict):
            flat |= {f"{key}.{path}": inner for path, inner in flat_facts(value).items()}
        elif value is not None:
            flat[str(key)] = value
    return flat


def refuse_bad_facts(sides: Sequence[Side], assumed: Assumption) -> None:
    """Raise `FactsError` for a fact that no program knows, or a value that it can't have."""
    for side in sides:
        program = side.program
        facts = program.pack.vocabulary.facts
        alone: dict[str, Any] = {}
        records: dict[str, dict[str, Any]] = {}
        for path, value in assumed.items():
            if not side.knows(path) and any(other.knows(path) for other in sides):
                continue
            of_list, _, field = path.rpartition(".")
            if of_list in facts and facts[of_list].type == "list":
                records.setdefault(of_list, {})[field] = value
            else:
                alone[path] = value
        _refuse_lists(alone)
        with _naming_the_assumption():
            program.read(nested({**alone, **{path: [record] for path, record in records.items()}}))


@contextmanager
def _naming_the_assumption() -> Iterator[None]:
    """Say that a fact is at fault as it is assumed, and not as a row has it."""
    try:
        yield
    except FactsError as error:
        error.message = f"what is assumed (`--assume`): {error.message.replace('[0].', '.', 1)}"
        error.at = Place(path=error.at.path and error.at.path.replace("[0].", ".", 1))
        raise


def _refuse_lists(alone: Assumption) -> None:
    for path, value in alone.items():
        if isinstance(value, list) and value:
            raise FactsError(
                "wrong-shape",
                f"`{printable(path)}` is a list of records, and rows have different ones",
                at=Place(path=path),
                fix="assume an empty list, or a field by its path",
            )
