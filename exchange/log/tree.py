"""The log: a Merkle tree over leaves in one order that nobody can rewrite.

The log records what was shared, when, and on what basis. Time is stamped once for each commit and
never goes back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from exchange.log.leaves import NONCE_BYTES, Leaf, LeafBody, write_body
from exchange.standards.merkle import Tree, leaf_hash
from exchange.standards.notes import Checkpoint
from exchange.standards.sd_jwt import RandomBytes


class LeafStore(Protocol):
    """Where the leaves of a log are kept: a hub's store."""

    def leaf(self, at: int) -> Leaf: ...

    def leaves(self, start: int = 0, end: int | None = None) -> Iterator[Leaf]: ...

    def add_leaf(self, leaf: Leaf) -> None: ...


class Log:
    """The tree over leaves that are kept elsewhere, and the time of the last commit. The tree alone is in memory."""

    def __init__(self, store: LeafStore) -> None:
        self.store = store
        self.tree = Tree()
        self.time = 0
        for leaf in store.leaves():
            self.tree.append(leaf_hash(leaf.entry))
        if self.size:
            self.time = store.leaf(self.size - 1).body.time

    @property
    def size(self) -> int:
        return self.tree.size

    @property
    def leaves(self) -> list[Leaf]:
        """Every leaf, opened. Of a large log, too many: ask `store` for those you need."""
        return list(self.store.leaves())

    def stamp(self, now: int) -> int:
        """The time of a commit: now, or the last commit's where the clock went back."""
        self.time = max(self.time, now)
        return self.time

    def append(self, body: LeafBody, random_bytes: RandomBytes) -> Leaf:
        """One more leaf. INVARIANT: no leaf is older than the one before it."""
        assert body.time >= self.time, "a commit's time is stamped"
        return self._add(Leaf(self.size, random_bytes(NONCE_BYTES), write_body(body)))

    def restore_leaf(self, leaf: Leaf) -> None:
        """A leaf that stood at this very place before a restore, whatever is left of it."""
        assert leaf.index == self.size, "leaves come back in their order"
        if not leaf.lost:
            self.time = max(self.time, leaf.body.time)
        self._add(leaf)

    def _add(self, leaf: Leaf) -> Leaf:
        self.store.add_leaf(leaf)
        self.tree.append(leaf_hash(leaf.entry))
        return leaf

    def checkpoint(self, origin: str) -> Checkpoint:
        """What the tree is now."""
        return Checkpoint(origin, self.size, self.tree.root())
