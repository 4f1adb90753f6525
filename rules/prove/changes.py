"""What a comparison of two sides finds: changed answers, the regions of cases, and examples."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rules.errors import Refusal
from rules.frozen import frozen
from rules.language import tree
from rules.prove.list_bounds import ListBounds


@frozen
class Example:
    """A small case of a change, the rules that gave the answers, and the answer after it."""

    facts: Mapping[str, Any]
    before: tuple[str, ...]
    after: tuple[str, ...]
    outcome: str | list[str] | None


@frozen
class Part:
    """A part of a rule that changed, on one side (0 or 1), and whether it is true.

    `is_its_own` is True if the other side reads the same words otherwise.
    """

    node: tree.Tree
    side: int
    is_true: bool
    is_its_own: bool = False


@frozen
class UnchangedRule:
    """A rule that both sides have, and whether it applies.

    `id` is its id on the new side. `side` is set (0 or 1) where the laws of the two sides make it
    apply to different cases.
    """

    id: str
    applies: bool
    side: int | None = None


@frozen
class Region:
    """Cases that a change happens in: those for which all parts and unchanged rules are so.

    `rules` has unchanged rules by name. With `and_no_other_bar` none of `other_bars` applies: each
    is a side and the id of its rule.
    """

    parts: tuple[Part, ...]
    rules: tuple[UnchangedRule, ...]
    and_no_other_bar: bool
    other_bars: tuple[tuple[int, str], ...] = ()
    example: Example | None = None


@frozen
class Pair:
    """A change from one outcome to another that can occur. `left_out` counts more regions.

    `is_complete` is False if regions may be missing even from that count. For a decision with
    several outcomes at once, `outcome` is the one that comes or goes.
    """

    before: str
    after: str
    regions: tuple[Region, ...]
    left_out: int
    is_complete: bool
    outcome: str | None = None

    @property
    def example(self) -> Example:
        """The smallest case found of the change."""
        example = self.regions[0].example
        assert example is not None
        return example


@frozen
class Edge:
    """A case exactly at a new number, or just beyond it, with the answer of the new side.

    `compared` is what a rule of the new side compares with the number `limit`, and `value` what the
    case has.
    """

    compared: tree.Tree
    limit: Decimal
    value: Decimal
    example: Example

    @property
    def is_exact(self) -> bool:
        """True if the case is at the number itself."""
        return self.value == self.limit


@frozen
class ChangedAnswers:
    """What a change does to a decision.

    `never` has the changes that no case makes. They are proved if the bound is complete and there
    is no `why`, which says what is left open. `is_same` means that both sides have the same rules.
    `edges` has the two sides of each number that the new side compares with. `with_unknowns` has
    changes that were met where a fact isn't known, also to no answer. `open_with_unknowns` has
    those that were neither met nor ruled out, None if nobody looked for them all. `is_out_of_time`
    is True if the solver ended for its time.
    """

    name: str
    bounds: ListBounds
    pairs: tuple[Pair, ...]
    never: tuple[tuple[str, str], ...]
    is_same: bool
    why: str | None
    seconds: float
    with_unknowns: tuple[tuple[str, str], ...] = ()
    edges: tuple[Edge, ...] = ()
    open_with_unknowns: tuple[tuple[str, str], ...] | None = None
    is_out_of_time: bool = False

    @property
    def is_proved(self) -> bool:
        """True if no pair is missing."""
        return self.why is None and self.bounds.is_complete


class SolverError(Refusal):
    """The solver and the rules disagree on a case."""
