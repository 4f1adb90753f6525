"""The manifest: the hub rebuilds the signed tree, and a path proves only its own entry."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.records.manifest import (
    PAD_BYTES,
    SIZES,
    Entry,
    Path,
    build_manifest,
    rebuild_manifest,
    verify_entry,
)
from exchange.standards.merkle import leaf_hash
from tests.support.chance import chance
from tests.support.refused import refused


def entry(number: int) -> Entry:
    return Entry(
        f"p{number}",
        f"agency-{number}.2026-11",
        "coordination",
        "consent",
        sha256(bytes([number])).hexdigest(),
    )


ENTRIES = [entry(number) for number in range(128)]
counts = st.integers(0, 128)


def test_an_entry_is_five_lines() -> None:
    assert (
        entry(1).line()
        == b"p1\nagency-1.2026-11\ncoordination\nconsent\n" + sha256(b"\x01").hexdigest().encode()
    )


@given(counts, st.randoms(use_true_random=False))
def test_the_hub_rebuilds_the_issuer_s_root_from_whatever_order(
    count: int, shuffled: Random
) -> None:
    manifest = build_manifest(ENTRIES[:count], chance())
    entries, pads = list(manifest.entries), list(manifest.pads)
    shuffled.shuffle(entries)
    shuffled.shuffle(pads)
    assert rebuild_manifest(entries, pads).root == manifest.root
    assert len(manifest.leaves) == next(size for size in SIZES if count <= size)
    assert list(manifest.leaves) == sorted(manifest.leaves)


@given(st.integers(1, 128), st.data())
def test_a_path_proves_its_entry_and_no_other(count: int, data: st.DataObject) -> None:
    manifest = build_manifest(ENTRIES[:count], chance())
    mine = data.draw(st.sampled_from(manifest.entries))
    path = manifest.path(mine)
    verify_entry(mine, path, manifest.root)
    name = data.draw(st.sampled_from(["part", "to", "purpose", "basis"]))
    for other in (replace(mine, **{name: "another"}), replace(mine, sha256="0" * 64)):
        with refused("proof-fails"):
            verify_entry(other, path, manifest.root)
        with refused("not-in-manifest"):
            manifest.path(other)


def test_a_field_can_t_reach_into_the_next() -> None:
    for field in ("a\nb", "a\0b", "a b", "", "é", "x" * 129):
        with refused("manifest-field"):
            replace(entry(1), to=field).line()
    for digest in ("", "0" * 63, "A" * 64, "0" * 63 + "\n"):
        with refused("manifest-field"):
            replace(entry(1), sha256=digest).line()


def test_more_than_128_are_refused() -> None:
    with refused("manifest-size"):
        build_manifest([*ENTRIES, replace(entry(1), part="more")], chance())


@pytest.mark.parametrize("pads", [0, 5, 7, 29, 30])
def test_another_number_of_pads_than_fills_the_size_is_refused(pads: int) -> None:
    with refused("manifest-size"):
        rebuild_manifest(ENTRIES[:2], [bytes([number]) * PAD_BYTES for number in range(pads)])


def test_an_entry_can_t_pass_as_a_pad() -> None:
    hidden, pads = entry(9).line(), [bytes([number]) * PAD_BYTES for number in range(6)]
    for pad in (hidden, leaf_hash(hidden)[:31], b""):
        with refused("manifest-pad"):
            rebuild_manifest([entry(1)], [*pads, pad])


def test_an_entry_twice_or_a_pad_twice_is_refused() -> None:
    with refused("manifest-twice"):
        build_manifest([entry(1), entry(1)], chance())
    with refused("manifest-twice"):
        rebuild_manifest([entry(1)], [bytes(PAD_BYTES)] * 7)


def test_a_tree_of_another_size_is_no_manifest() -> None:
    lone = entry(1)
    with refused("manifest-size"):
        verify_entry(lone, Path(0, 1, ()), lone.leaf())
