"""The search by the tree walk: nothing compiled, nothing remembered from one step to the next.

The search of `rules.decide.search` must take the same steps and end with the same case.
"""

from __future__ import annotations

import re
from typing import Any

from rules.decide import explain
from rules.decide.search import Search, TooFar
from rules.decide.walk import possible, walk
from rules.language import tree

_STEP = re.compile(r"^(.*)\[(\d+)\]\.([^.]+)$")


class WalkedSearch(Search):
    """A search that walks the goal's tree, and every rule's that it reads, at each step."""

    def witness(self) -> dict[str, Any] | None:
        """Return facts on which the goal is true, or None. Raises `TooFar`."""
        return self._walked(self.goal)

    def _walked(self, goal: tree.Tree) -> dict[str, Any] | None:
        self._outcomes: dict[str, str | None] = {}
        self.budget -= 1
        if self.budget < 0:
            raise TooFar
        value = walk(goal, self.world)
        if value is True:
            return self.facts()
        leaf = self._open_leaf(goal) if value is None else None
        if leaf is None:
            return None
        for tried in self._domain(leaf):
            self._assign(leaf, tried)
            case = self._walked(goal)
            if case is not None:
                return case
            self._assign(leaf, None)
        return None

    def _open_leaf(self, goal: tree.Tree) -> explain.Leaf | None:
        for leaf in explain.open_leaves(goal, self.world, {}):
            if leaf.decision is None or self.attested is not None:
                if leaf.fact is None or not self._has_value(leaf.path):
                    return leaf
                continue
            for rule in self.segment.decisions[leaf.decision].rules:
                inner = self._open_leaf(rule.condition)
                if inner is not None:
                    return inner
        return None

    def _has_value(self, path: str) -> bool:
        step = _STEP.match(path)
        if step is None:
            return path in self.known
        return step[3] in self.known.get(step[1], ())[int(step[2])]

    def _domain(self, leaf: explain.Leaf) -> Any:
        """Return the values to try, worked out anew."""
        if leaf.fact is None:
            return super()._domain(leaf)
        if leaf.fact.type in ("choice", "citation"):
            return self.classes.one_of_each(leaf.fact, tuple(self.tried_values.of(leaf.fact)))
        return self.tried_values.of(leaf.fact)

    def outcome(self, name: str) -> str | None:
        """Return another decision's outcome, by the tree walk."""
        if self.attested is not None:
            return self.attested.get(name)
        if name not in self._outcomes:
            outcomes = possible(self.segment.decisions[name], self.world)
            self._outcomes[name] = outcomes[0] if len(outcomes) == 1 else None
        return self._outcomes[name]
