"""A record's manifest: a small RFC 6962 tree that fixes, inside the issuer's signature, each sealed text and who it is for.

Entries and random pads stand in order of leaf hash, 8, 32 or 128 in all, so that neither number nor place says anything. The
hub gets all entries and pads and rebuilds the root; a recipient gets its own entries, each with its path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from exchange.errors import TreeError, shorten
from exchange.standards.merkle import Tree, leaf_hash, node_hash, verify_inclusion
from rules.frozen import frozen

SIZES = (8, 32, 128)
PAD_BYTES = 32

# What divides the fields of an entry, and of a seal's `info`, can't stand inside one: no line feed, no NUL, no blank.
FIELD = re.compile(r"[!-~]{1,128}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@frozen
class Entry:
    """One sealed text: the part's id, the recipient's key id, purpose and basis, and the SHA-256 of the text, 64 hex digits."""

    part: str
    to: str
    purpose: str
    basis: str
    sha256: str

    def line(self) -> bytes:
        """The entry as the tree holds it: its five fields with line feeds between. Raises `TreeError` `manifest-field`."""
        for field in (self.part, self.to, self.purpose, self.basis):
            if not FIELD.fullmatch(field):
                raise TreeError(
                    "manifest-field",
                    f"`{shorten(field)}` can't stand in a manifest",
                    fix="use an id's letters",
                )
        if not _DIGEST.fullmatch(self.sha256):
            raise TreeError(
                "manifest-field",
                f"`{shorten(self.sha256)}` is no SHA-256",
                fix="write 64 lower-case hex digits",
            )
        return "\n".join((self.part, self.to, self.purpose, self.basis, self.sha256)).encode(
            "ascii"
        )

    def leaf(self) -> bytes:
        """The entry's leaf hash."""
        return leaf_hash(self.line())


@frozen
class Path:
    """Where an entry stands in its manifest: index from 0, the tree's size, and the siblings, lowest first."""

    index: int
    size: int
    proof: tuple[bytes, ...]


@frozen
class Manifest:
    """The whole tree, as the issuer builds it and the hub rebuilds it."""

    entries: tuple[Entry, ...]
    pads: tuple[bytes, ...]
    leaves: tuple[bytes, ...]
    root: bytes

    def path(self, entry: Entry) -> Path:
        """What its recipient needs to find the entry under the root. Raises `TreeError` `not-in-manifest`."""
        leaf = entry.leaf()
        if leaf not in self.leaves:
            raise TreeError(
                "not-in-manifest",
                f"the manifest has no such entry for `{shorten(entry.to)}`",
                fix=_AGAIN,
            )
        index = self.leaves.index(leaf)
        return Path(index, len(self.leaves), Tree(self.leaves).inclusion(index))


def build_manifest(entries: Iterable[Entry], random_bytes: Callable[[int], bytes]) -> Manifest:
    """The manifest of these entries, filled with random pads to the next of 8, 32 and 128. Raises as `rebuilt` does."""
    listed = tuple(entries)
    size = next((size for size in SIZES if len(listed) <= size), None)
    if size is None:
        raise _manifest_size(len(listed))
    return rebuild_manifest(listed, [random_bytes(PAD_BYTES) for _ in range(size - len(listed))])


def rebuild_manifest(entries: Iterable[Entry], pads: Sequence[bytes]) -> Manifest:
    """The manifest of these entries and pads, in whatever order they come.

    Raises `TreeError` `manifest-size` (not 8, 32 or 128 in all, or a smaller size would do), `manifest-field`,
    `manifest-pad` (a pad not of 32 bytes) or `manifest-twice`.
    """
    listed = tuple(entries)
    size = len(listed) + len(pads)
    if size != next((size for size in SIZES if len(listed) <= size), None):
        raise _manifest_size(size)
    if any(len(pad) != PAD_BYTES for pad in pads):
        # INVARIANT: an entry is longer than a pad, so that no pad hides an entry from whoever checks.
        raise TreeError("manifest-pad", "a pad of the manifest doesn't have 32 bytes", fix=_AGAIN)
    leaves = tuple(sorted([*(entry.leaf() for entry in listed), *(leaf_hash(pad) for pad in pads)]))
    if len(set(leaves)) != size:
        raise TreeError(
            "manifest-twice", "an entry or a pad stands in the manifest twice", fix=_AGAIN
        )
    return Manifest(listed, tuple(pads), leaves, _root(leaves))


def _root(leaves: tuple[bytes, ...]) -> bytes:
    """The root over leaf hashes whose number is a power of two: each pair's, level by level."""
    while len(leaves) > 1:
        leaves = tuple(map(node_hash, leaves[::2], leaves[1::2]))
    return leaves[0]


def verify_entry(entry: Entry, path: Path, root: bytes) -> None:
    """Holds if the entry is in the manifest with this root. Raises `TreeError` as `verify_inclusion`, and `manifest-size`."""
    if path.size not in SIZES:
        raise _manifest_size(path.size)
    verify_inclusion(entry.leaf(), path.index, path.size, path.proof, root)


_AGAIN = "build the record again"


def _manifest_size(size: int) -> TreeError:
    return TreeError(
        "manifest-size",
        f"a manifest of `{size}` isn't filled to 8, 32 or 128",
        fix="send all pads, or fewer entries",
    )
