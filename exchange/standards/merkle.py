"""Merkle trees of RFC 6962 §2.1: hashes, a growing tree, and inclusion and consistency proofs.

Verification follows RFC 9162 §2.1.3.2 and §2.1.4.2. A leaf here is always a *leaf hash* of 32
bytes. Other modules define and blind the entries. Every hash from outside must have 32 bytes,
because an empty hash would equal another empty hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from exchange.errors import TreeError

HASH_BYTES = 32
LARGEST_SIZE = 2**63 - 1
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Return SHA-256(0x00 ‖ entry)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree that only grows, with roots and proofs for every size it has had.

    It keeps the root of every complete subtree: 64 bytes a leaf in all. Appending an entry costs
    two hashes on average, its own included. Roots and proofs cost at most log₂(size) hashes and
    never read all leaves. One writer at a time.
    """

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        # Level k contains, end to end, the roots of the complete subtrees of 2^k leaves.
        self._levels: list[bytearray] = [bytearray()]
        self.extend(leaves)

    @property
    def size(self) -> int:
        """The number of leaves."""
        return len(self._levels[0]) // HASH_BYTES

    def append(self, leaf: bytes) -> int:
        """Append a leaf hash and return its index. Raises `TreeError` `hash-length`."""
        _check_hashes(leaf)
        index = self.size
        self._levels[0] += leaf
        level, hash_, position = 0, leaf, index
        # INVARIANT: an odd position completes a pair. Its root goes one level up.
        while position & 1:
            hash_ = node_hash(self._at(level, position - 1), hash_)
            level, position = level + 1, position >> 1
            if level == len(self._levels):
                self._levels.append(bytearray())
            self._levels[level] += hash_
        return index

    def extend(self, leaves: Iterable[bytes]) -> int:
        """Append leaf hashes in order and return the new size.

        Leaves before a hash of a wrong length are kept. Raises `TreeError` `hash-length`.
        """
        for leaf in leaves:
            self.append(leaf)
        return self.size

    def shrink(self, size: int) -> None:
        """Remove the leaves after `size`, appended by a commit that failed.

        Raises `TreeError` `no-such-size`.
        """
        self._check_size(size)
        for level, roots in enumerate(self._levels):
            del roots[(size >> level) * HASH_BYTES :]

    def leaf(self, index: int) -> bytes:
        """Return the leaf hash at an index. Raises `TreeError` `no-such-leaf`."""
        _check_leaf_index(index, self.size)
        return self._at(0, index)

    def root(self, size: int | None = None) -> bytes:
        """Return the root at a size, the present one if None. Raises `TreeError` `no-such-size`."""
        whole = self.size if size is None else self._check_size(size)
        return self._span(0, whole) if whole else EMPTY_ROOT

    def inclusion(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """Return the inclusion proof of a leaf, lowest sibling first (RFC 6962 §2.1.1).

        Raises `TreeError` `no-such-size` or `no-such-leaf`.
        """
        whole = self.size if size is None else self._check_size(size)
        _check_leaf_index(index, whole)
        siblings: list[bytes] = []
        start, end = 0, whole
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                siblings.append(self._span(middle, end))
                end = middle
            else:
                siblings.append(self._span(start, middle))
                start = middle
        return tuple(reversed(siblings))

    def consistency(self, first: int, second: int | None = None) -> tuple[bytes, ...]:
        """Return the proof that the tree of size `first` begins that of `second` (RFC 6962 §2.1.2).

        The proof is empty if the sizes are equal. An empty tree begins every tree, which proves
        nothing, so 0 raises `TreeError` `no-such-size`.
        """
        whole = self.size if second is None else self._check_size(second)
        if not 1 <= first <= whole:
            raise _no_such_size(first)
        hashes: list[bytes] = []
        start, end, old_root_is_known = 0, whole, True
        while first != end:
            middle = start + _split(end - start)
            if first <= middle:
                hashes.append(self._span(middle, end))
                end = middle
            else:
                hashes.append(self._span(start, middle))
                start, old_root_is_known = middle, False
        if not old_root_is_known:
            hashes.append(self._span(start, end))
        return tuple(reversed(hashes))

    def _check_size(self, size: int) -> int:
        if not 0 <= size <= self.size:
            raise _no_such_size(size)
        return size

    def _at(self, level: int, position: int) -> bytes:
        return bytes(self._levels[level][position * HASH_BYTES : (position + 1) * HASH_BYTES])

    def _span(self, start: int, end: int) -> bytes:
        """Return the root over the leaves from `start` up to `end`.

        INVARIANT: `start` is a multiple of a power of two that is not below the width. The span
        divides into complete subtrees, widest first, one for each bit of its width. They are joined
        from the right.
        """
        hash_: bytes | None = None
        width = end - start
        while width:
            lowest = width & -width
            width -= lowest
            level = lowest.bit_length() - 1
            subtree = self._at(level, (start + width) >> level)
            hash_ = subtree if hash_ is None else node_hash(subtree, hash_)
        assert hash_ is not None, "a span has leaves"
        return hash_


class Frontier:
    """A tree as the hashes of its complete subtrees, widest first. It only yields the root."""

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """Start from the tree of `size` leaves.

        Raises `TreeError`: `hash-length`, `proof-length`.
        """
        _check_hashes(*hashes)
        if len(hashes) != size.bit_count():
            raise _proof_length()
        self.size = size
        self.hashes = list(hashes)

    def append(self, leaf: bytes) -> None:
        """Append a leaf hash. Raises `TreeError` `hash-length`."""
        _check_hashes(leaf)
        hash_, position = leaf, self.size
        while position & 1:
            hash_ = node_hash(self.hashes.pop(), hash_)
            position >>= 1
        self.hashes.append(hash_)
        self.size += 1

    def root(self) -> bytes:
        """Return the tree's root."""
        if not self.hashes:
            return EMPTY_ROOT
        hash_ = self.hashes[-1]
        for wider in reversed(self.hashes[:-1]):
            hash_ = node_hash(wider, hash_)
        return hash_


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Verify that a leaf hash is at `index` (from 0) in a tree of `size` leaves (RFC 9162
    §2.1.3.2).

    Raises `TreeError`: `hash-length`, `no-such-size`, `no-such-leaf`, `proof-length`,
    `proof-fails`.
    """
    _check_hashes(leaf, root, *proof)
    _check_sizes(size)
    _check_leaf_index(index, size)
    position, last, hash_ = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise _proof_length()
        if position & 1 or position == last:
            hash_ = node_hash(sibling, hash_)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            hash_ = node_hash(hash_, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise _proof_length()
    if hash_ != root:
        raise TreeError(
            "proof-fails",
            f"leaf `{index}` is not in the tree of size `{size}` with this root",
            fix=_ASK,
        )


def verify_consistency(
    first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes
) -> None:
    """Verify that the tree of size `first` begins that of size `second` (RFC 9162 §2.1.4.2).

    Raises `TreeError`: `hash-length`, `no-such-size` (0 too: it proves nothing), `tree-shrank`,
    `proof-length`, `proof-fails`.
    """
    _check_hashes(first_root, second_root, *proof)
    _check_sizes(first, second)
    if second < first:
        raise TreeError(
            "tree-shrank",
            f"the tree had `{first}` leaves and now has `{second}`",
            fix="keep both checkpoints as evidence",
        )
    if first == second:
        if proof:
            raise _proof_length()
        _check_roots(first, second, first_root, second_root)
        return
    position, last = first - 1, second - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    # If the old tree is complete, its root is the first hash and isn't repeated in the proof.
    path = list(proof) if position else [first_root, *proof]
    if not proof:
        raise _proof_length()
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise _proof_length()
        if position & 1 or position == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise _proof_length()
    _check_roots(first, second, old, first_root)
    _check_roots(first, second, new, second_root)


_ASK = "ask for the proof again; if it fails again, keep both answers as evidence"


def _split(width: int) -> int:
    """Return the largest power of two below a width of at least 2 (RFC 6962 §2.1)."""
    return 1 << (width - 1).bit_length() - 1


def _check_hashes(*hashes: bytes) -> None:
    for hash_ in hashes:
        if len(hash_) != HASH_BYTES:
            raise TreeError(
                "hash-length", f"a hash has `{len(hash_)}` bytes and must have 32", fix=_ASK
            )


def _check_sizes(*sizes: int) -> None:
    for size in sizes:
        if not 1 <= size <= LARGEST_SIZE:
            raise _no_such_size(size)


def _check_leaf_index(index: int, size: int) -> None:
    if not 0 <= index < size:
        raise TreeError(
            "no-such-leaf",
            f"there is no leaf `{index}` in a tree of size `{size}`",
            fix="name an index from 0 up to the size",
        )


def _no_such_size(size: int) -> TreeError:
    return TreeError(
        "no-such-size",
        f"there is no tree of size `{size}` to prove anything about",
        fix="name a size that the log has had",
    )


def _proof_length() -> TreeError:
    return TreeError(
        "proof-length", "the proof has too few or too many hashes for these sizes", fix=_ASK
    )


def _check_roots(first: int, second: int, actual: bytes, expected: bytes) -> None:
    if actual != expected:
        raise TreeError(
            "proof-fails",
            f"the tree of size `{first}` is not the beginning of this tree of size `{second}`",
            fix=_ASK,
        )
