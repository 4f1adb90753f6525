"""The Merkle tree: published proofs, and that a proof proves one leaf, index, size, and root."""

from __future__ import annotations

import base64
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.standards.merkle import (
    EMPTY_ROOT,
    Tree,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)
from tests.conftest import shared
from tests.support.refused import refused
from tests.support.vectors import vectors

FILE = "rfc6962-merkle-proofs.json"
VECTORS = vectors(FILE)
# Proofs about a range of leaves inside a tree: nothing here asks for them.
SKIPPED = {"subtreeinclusion": 204, "subtreeconsistency": 118}

# Its roots are the text "don't care 2", which is refused here before sizes are compared.
EXCEPTIONS = {"consistency/additional/sizes-are-equal-one-and-proof-is-empty"}

LEAVES = [leaf_hash(f"entry {number}".encode()) for number in range(131)]
TREE = Tree(LEAVES)
OTHER_HASH = sha256(b"something else").digest()
sizes = st.integers(1, len(LEAVES))


def plain_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1, word for word."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(plain_root(leaves[:split]), plain_root(leaves[split:]))


def hashes(texts: list[str] | None) -> list[bytes]:
    return [base64.b64decode(text) for text in texts or []]


def told(case: dict[str, Any]) -> str:
    return str(case["_path"]).removeprefix("testdata/").removesuffix(".json")


@pytest.mark.parametrize("case", VECTORS.get("inclusion", []), ids=told)
def test_published_inclusion_proof(case: dict[str, Any]) -> None:
    leaf, root = base64.b64decode(case["leafHash"]), base64.b64decode(case["root"])
    if case["wantErr"]:
        with refused():
            verify_inclusion(leaf, case["leafIdx"], case["treeSize"], hashes(case["proof"]), root)
    else:
        verify_inclusion(leaf, case["leafIdx"], case["treeSize"], hashes(case["proof"]), root)


@pytest.mark.parametrize("case", VECTORS.get("consistency", []), ids=told)
def test_published_consistency_proof(case: dict[str, Any]) -> None:
    roots = base64.b64decode(case["root1"]), base64.b64decode(case["root2"])
    if case["wantErr"] or told(case) in EXCEPTIONS:
        with refused():
            verify_consistency(case["size1"], case["size2"], hashes(case["proof"]), *roots)
    else:
        verify_consistency(case["size1"], case["size2"], hashes(case["proof"]), *roots)


def test_the_published_proofs_are_all_here_and_what_is_skipped_is_listed() -> None:
    shared(f"vectors/{FILE}")
    assert {kind: len(cases) for kind, cases in VECTORS.items() if isinstance(cases, list)} == {
        "inclusion": 98,
        "consistency": 98,
        **SKIPPED,
    }
    assert {told(case) for case in VECTORS["consistency"] if not case["wantErr"]} > EXCEPTIONS


def test_an_entry_and_a_node_never_hash_alike() -> None:
    left, right = LEAVES[:2]
    assert leaf_hash(left + right) != node_hash(left, right)


@pytest.mark.parametrize("size", range(len(LEAVES) + 1))
def test_the_root_of_every_size_is_the_plain_definition_s(size: int) -> None:
    assert TREE.root(size) == plain_root(LEAVES[:size]) == Tree(LEAVES[:size]).root()


@pytest.mark.parametrize("size", range(1, len(LEAVES) + 1))
def test_every_leaf_of_every_size_is_proved(size: int) -> None:
    for index in range(size):
        verify_inclusion(LEAVES[index], index, size, TREE.inclusion(index, size), TREE.root(size))


@pytest.mark.parametrize("second", range(1, len(LEAVES) + 1))
def test_every_size_is_proved_to_begin_every_later_one(second: int) -> None:
    for first in range(1, second + 1):
        verify_consistency(
            first, second, TREE.consistency(first, second), TREE.root(first), TREE.root(second)
        )


@given(st.data())
def test_a_proof_holds_for_no_other_leaf_index_size_or_root(data: st.DataObject) -> None:
    size = data.draw(sizes)
    index = data.draw(st.integers(0, size - 1))
    leaf, proof, root = LEAVES[index], TREE.inclusion(index, size), TREE.root(size)
    other_index = data.draw(st.integers(0, size + 1).filter(lambda other: other != index))
    # A proof fixes the size only through its shape: another size must change the shape or the root.
    other_size = data.draw(sizes.filter(lambda other: other != size))
    for arguments in (
        (OTHER_HASH, index, size, proof, root),
        (leaf, other_index, size, proof, root),
        (leaf, index, size, proof, OTHER_HASH),
        (leaf, index, other_size, proof, TREE.root(other_size)),
        (leaf, index, size, proof[:-1] if proof else (OTHER_HASH,), root),
        (leaf, index, size, (*proof, OTHER_HASH), root),
    ):
        with refused():
            verify_inclusion(*arguments)


@given(st.data())
def test_a_proof_with_one_flipped_bit_fails(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, len(LEAVES)))
    index, first = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size - 1))
    inclusion, consistency = TREE.inclusion(index, size), TREE.consistency(first, size)
    with refused("proof-fails"):
        verify_inclusion(LEAVES[index], index, size, flipped(data, inclusion), TREE.root(size))
    with refused("proof-fails"):
        verify_consistency(
            first, size, flipped(data, consistency), TREE.root(first), TREE.root(size)
        )


def flipped(data: st.DataObject, proof: tuple[bytes, ...]) -> list[bytes]:
    place, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
    changed = bytearray(proof[place])
    changed[bit >> 3] ^= 1 << (bit & 7)
    return [*proof[:place], bytes(changed), *proof[place + 1 :]]


@given(st.data())
def test_a_rewritten_log_is_never_consistent(data: st.DataObject) -> None:
    second = data.draw(st.integers(2, len(LEAVES)))
    first = data.draw(st.integers(1, second - 1))
    changed = data.draw(st.integers(0, first - 1))
    rewritten = Tree([*LEAVES[:changed], OTHER_HASH, *LEAVES[changed + 1 : second]])
    with refused("proof-fails"):
        verify_consistency(
            first, second, rewritten.consistency(first, second), TREE.root(first), rewritten.root()
        )


@given(st.data())
def test_a_consistency_proof_holds_for_no_other_sizes_or_roots(data: st.DataObject) -> None:
    second = data.draw(st.integers(2, len(LEAVES)))
    first = data.draw(st.integers(1, second - 1))
    proof, roots = TREE.consistency(first, second), (TREE.root(first), TREE.root(second))
    for arguments in (
        (first, second, proof, OTHER_HASH, roots[1]),
        (first, second, proof, roots[0], OTHER_HASH),
        (first, second, (*proof, OTHER_HASH), *roots),
        (first, second, proof[:-1], *roots),
        (second, first, proof, roots[1], roots[0]),
        (0, second, proof, EMPTY_ROOT, roots[1]),
        (first, first, proof, roots[0], roots[0]),
    ):
        with refused():
            verify_consistency(*arguments)


@given(st.lists(st.integers(0, 40), max_size=6))
def test_growing_in_any_steps_gives_the_same_tree(steps: list[int]) -> None:
    tree, taken = Tree(), 0
    for step in steps:
        more = LEAVES[taken : taken + step]
        assert tree.extend(more) == taken + len(more)
        taken += len(more)
    assert tree.root() == plain_root(LEAVES[:taken])


def test_growing_changes_no_earlier_root_or_proof() -> None:
    tree = Tree(LEAVES[:70])
    before = (
        [tree.root(size) for size in range(71)],
        [tree.inclusion(9, size) for size in range(10, 71)],
    )
    assert tree.append(LEAVES[70]) == 70
    assert (
        [tree.root(size) for size in range(71)],
        [tree.inclusion(9, size) for size in range(10, 71)],
    ) == before


def test_what_a_tree_has_not_got_is_refused() -> None:
    for call in (
        lambda: TREE.leaf(131),
        lambda: TREE.inclusion(5, 5),
        lambda: TREE.inclusion(-1),
        lambda: Tree().inclusion(0),
    ):
        with refused("no-such-leaf"):
            call()
    for ask in (
        lambda: TREE.root(132),
        lambda: TREE.root(-1),
        lambda: TREE.consistency(0),
        lambda: TREE.consistency(132),
    ):
        with refused("no-such-size"):
            ask()
    for wrong in (b"", b"short", OTHER_HASH + b"!"):
        with refused("hash-length"):
            Tree([wrong])


def test_an_empty_tree_has_a_root_and_proves_nothing() -> None:
    assert Tree().root() == EMPTY_ROOT == sha256(b"").digest()
    with refused("no-such-size"):
        verify_inclusion(OTHER_HASH, 0, 0, (), EMPTY_ROOT)
    with refused("no-such-size"):
        verify_consistency(0, 0, (), EMPTY_ROOT, EMPTY_ROOT)
