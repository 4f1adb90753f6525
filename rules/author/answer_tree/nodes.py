"""The parts of a tree: questions with their options, answers, and paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rules.frozen import frozen


@frozen
class Leaf:
    """An answer: the outcome, or those that stay possible, and the rules that give it.

    `rules` are the rules that give the outcome, `otherwise` for the default answer. `unknown` are
    the statements that nobody could tell and on which the answer depends. With `is_unfinished`,
    more questions may follow once they are known.
    """

    outcome: str | None
    possible: tuple[str, ...]
    rules: tuple[str, ...]
    unknown: tuple[int, ...] = ()
    is_unfinished: bool = False


@frozen
class Option:
    """An answer to a question: the thing's states that it leaves, and what follows.

    `value` is the fact's value, or the statement's. None is "not known".
    """

    values: tuple[Any, ...]
    states: frozenset[int]
    then: Node


@frozen
class Branch:
    """A question about a thing: on a fact as a whole, or on one statement."""

    thing: int
    statement: int | None
    options: tuple[Option, ...]


Node = Leaf | Branch


@frozen
class Path:
    """The options taken from the root to a leaf, and known facts that they state."""

    options: tuple[tuple[Branch, Option], ...]
    leaf: Leaf
    known: Mapping[str, Any]
