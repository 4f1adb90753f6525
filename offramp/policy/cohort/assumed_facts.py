"""Facts that the author assumes, from a file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import rules
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


def refuse_bad_facts(programs: Iterable[rules.Program], assumed: Assumption) -> None:
    """Raise `FactsError` for a fact that a program doesn't know, or a value that it can't have."""
    for program in programs:
        facts = program.pack.vocabulary.facts
        alone: dict[str, Any] = {}
        records: dict[str, dict[str, Any]] = {}
        for path, value in assumed.items():
            of_list, _, field = path.rpartition(".")
            if of_list in facts and facts[of_list].type == "list":
                records.setdefault(of_list, {})[field] = value
            else:
                alone[path] = value
        _refuse_lists(alone)
        program.read(nested({**alone, **{path: [record] for path, record in records.items()}}))


def _refuse_lists(alone: Assumption) -> None:
    for path, value in alone.items():
        if isinstance(value, list) and value:
            raise FactsError(
                "wrong-shape",
                f"`{printable(path)}` is a list of records, and rows have different ones",
                at=Place(path=path),
                fix="assume an empty list, or a field by its path",
            )
