"""What a case can be answered, and what of its rules is open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rules.decide.ruling import CHARGES, Ruling
from rules.frozen import frozen
from rules.packs.law import READ
from rules.packs.resolve import RuleInForce

Outcomes = tuple[str, ...]  # one for each side


@frozen
class Possible:
    """The answers of all sides that a case can have together.

    With `is_sharp`, each of them is the answer to some completion.
    """

    outcomes: frozenset[Outcomes]
    is_sharp: bool = True


@frozen
class OpenRules:
    """What is left of a decision: open rules by outcome, highest first, and what else follows."""

    ranks: tuple[tuple[str, tuple[RuleInForce, ...]], ...]
    otherwise: str

    @property
    def rules(self) -> Iterator[RuleInForce]:
        """All open rules."""
        return (rule for _, rules in self.ranks for rule in rules)


def words_left(
    ruling: Ruling, place: int, record: Mapping[str, Any]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the fields of a charge that aren't known, with the words that its law leaves.

    Where what was given contradicts the law, either may be right.
    """
    law = ruling.program.law
    day = law.as_of or ruling.case.facts.known.get("encounter.date")
    stated_field = ruling.case.original.known[CHARGES][place]
    for field, statements in law.stated(record, day).items():
        if field in READ and record.get(field) is None:
            values_left = {statement.value for statement in statements}
            if stated_field.get(field) is not None:
                values_left.add(stated_field[field])
            yield field, tuple(sorted(values_left))
