"""Manifest of a record: a small RFC 6962 tree that fixes each sealed text and its recipient.

The issuer signs its root. Entries and random pads are in the order of their leaf hashes, 8, 32, or
128 in all, so that neither number nor position reveals anything. The hub receives all entries and
pads and rebuilds the root. A recipient receives its own entries, each with its path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from operator import add
from typing import TYPE_CHECKING

from exchange.errors import TreeError, shorten
from exchange.standards.merkle import Tree, leaf_hash, verify_inclusion
from rules.frozen import frozen

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

SIZES = (8, 32, 128)
PAD_BYTES = 32

# The separators of an entry and of a seal's `info` can't occur in a field: no line feed, NUL, or
# blank.
FIELD = re.compile(r"[!-~]{1,128}")
_LINE = re.compile(rf"(?:{FIELD.pattern}\n){{4}}[0-9a-f]{{64}}")


@frozen
class Entry:
    """An entry for one sealed text.

    It has the part's id, the recipient's key id, the purpose, the basis, and the SHA-256 of the
    sealed text in 64 hex digits.
    """

    part: str
    to: str
    purpose: str
    basis: str
    sha256: str

    def line(self) -> bytes:
        """Return the entry as the tree hashes it: five fields with line feeds between them.

        Raises `TreeError` `manifest-field`.
        """
        line = f"{self.part}\n{self.to}\n{self.purpose}\n{self.basis}\n{self.sha256}"
        if _LINE.fullmatch(line):
            return line.encode("ascii")
        for field in (self.part, self.to, self.purpose, self.basis):
            if not FIELD.fullmatch(field):
                raise TreeError(
                    "manifest-field",
                    f"`{shorten(field)}` can't be a field of a manifest",
                    fix="use an id's letters",
                )
        raise TreeError(
            "manifest-field",
            f"`{shorten(self.sha256)}` is not a SHA-256",
            fix="write 64 lower-case hex digits",
        )

    def leaf(self) -> bytes:
        """Return the entry's leaf hash."""
        return leaf_hash(self.line())


@frozen
class Path:
    """A path of an entry in its manifest: index from 0, tree size, and siblings, lowest first."""

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
        """Return the path that proves an entry to its recipient. Raises `TreeError`
        `not-in-manifest`.
        """
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
    """Build the manifest of these entries, with random pads up to 8, 32, or 128 in all.

    Raises as `rebuild_manifest` does.
    """
    listed = tuple(entries)
    size = next((size for size in SIZES if len(listed) <= size), None)
    if size is None:
        raise _manifest_size(len(listed))
    return rebuild_manifest(listed, [random_bytes(PAD_BYTES) for _ in range(size - len(listed))])


def rebuild_manifest(entries: Iterable[Entry], pads: Sequence[bytes]) -> Manifest:
    """Rebuild a manifest from its entries and pads, in any order.

    Raises `TreeError`: `manifest-size` (not 8, 32, or 128 in all, or a smaller size suffices),
    `manifest-field`, `manifest-pad` (a pad not of 32 bytes), `manifest-twice`.
    """
    listed = tuple(entries)
    size = len(listed) + len(pads)
    if size != next((size for size in SIZES if len(listed) <= size), None):
        raise _manifest_size(size)
    if set(map(len, pads)) - {PAD_BYTES}:
        # INVARIANT: an entry is longer than a pad, so that no pad can hide an entry from the check.
        raise TreeError("manifest-pad", "a pad of the manifest doesn't have 32 bytes", fix=_AGAIN)
    lines = [*(entry.line() for entry in listed), *pads]
    leaves = tuple(sorted(_digests(_LEAF, lines)))
    if len(set(leaves)) != size:
        raise TreeError("manifest-twice", "an entry or a pad is in the manifest twice", fix=_AGAIN)
    return Manifest(listed, tuple(pads), leaves, _root(leaves))


# Started as `leaf_hash` and `node_hash` start. Most of a record's hashing is here, and a copy costs
# half as much as a new hash.
_LEAF, _NODE = sha256(b"\x00"), sha256(b"\x01")


def _digests(started: Hash, texts: Iterable[bytes]) -> list[bytes]:
    """Return the digest of each text after what was hashed before."""
    digests = []
    for text in texts:
        hash_ = started.copy()
        hash_.update(text)
        digests.append(hash_.digest())
    return digests


def _root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes, with a power of two as their number."""
    level = leaves
    while len(level) > 1:
        level = _digests(_NODE, map(add, level[::2], level[1::2]))
    return level[0]


def verify_entry(entry: Entry, path: Path, root: bytes) -> None:
    """Verify that an entry is in the manifest with this root.

    Raises `TreeError` as `verify_inclusion` does, and `manifest-size`.
    """
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
