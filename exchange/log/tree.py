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
    """Storage for the leaves of a log: a hub's store."""

    def leaf(self, at: int) -> Leaf:
        """Return the leaf at an index."""
        ...

    def leaves(self, start: int = 0, end: int | None = None) -> Iterator[Leaf]:
        """Yield the leaves from `start` up to `end`, by default to the last."""
        ...

    def add_leaf(self, leaf: Leaf) -> None:
        """Store a leaf."""
        ...


class Log:
    """A Merkle tree over stored leaves, and the time of the last commit. Only the tree is in
    memory.
    """

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
        """The number of leaves."""
        return self.tree.size

    @property
    def leaves(self) -> list[Leaf]:
        """Every leaf, opened. For a large log, read only the needed leaves from `store`."""
        return list(self.store.leaves())

    def stamp(self, now: int) -> int:
        """Return the time of a commit: now, or that of the last commit if the clock went back."""
        self.time = max(self.time, now)
        return self.time

    def append(self, body: LeafBody, random_bytes: RandomBytes) -> Leaf:
        """Append a leaf with a new nonce and store it.

        INVARIANT: no leaf is older than the one before it.
        """
        return self.append_written(write_body(body), body.time, random_bytes(NONCE_BYTES))

    def append_written(self, stored: bytes, time: int, nonce: bytes) -> Leaf:
        """Append a leaf of a written body, which states this time, as `append` does."""
        assert time >= self.time, "stamp the commit's time first"
        return self._add(Leaf(self.size, nonce, stored))

    def restore_leaf(self, leaf: Leaf) -> None:
        """Append a leaf that was at this index before a restore, or what is left of it."""
        assert leaf.index == self.size, "restore leaves in order"
        if not leaf.lost:
            self.time = max(self.time, leaf.body.time)
        self._add(leaf)

    def _add(self, leaf: Leaf) -> Leaf:
        self.store.add_leaf(leaf)
        self.tree.append(leaf_hash(leaf.entry))
        return leaf

    def checkpoint(self, origin: str) -> Checkpoint:
        """Return the present state of the tree."""
        return Checkpoint(origin, self.size, self.tree.root())
