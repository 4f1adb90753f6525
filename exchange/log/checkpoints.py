"""Checks against checkpoints: inclusion of a leaf, its time, and the growth that a witness watches.

A leaf's time can't be trusted alone. It lies between the times at which the hub signed the last
witnessed checkpoint before the leaf and the first one that covers it. `check_time` verifies that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.errors import LogError, TreeError
from exchange.log.leaves import Leaf
from exchange.standards import merkle, notes
from exchange.standards.merkle import leaf_hash, verify_inclusion
from exchange.standards.notes import Checkpoint, Note, NoteKey, Signature, WitnessedCheckpoint

CLOCKS_APART = 5 * 60


def check_included(leaf: Leaf, path: Sequence[bytes], checkpoint: Checkpoint) -> None:
    """Holds if the leaf stands in the tree of the checkpoint. Raises `LogError` `not-in-log`."""
    try:
        verify_inclusion(leaf_hash(leaf.entry), leaf.index, checkpoint.size, path, checkpoint.root)
    except TreeError as error:
        raise LogError(
            "not-in-log", f"the leaf `{leaf.index}` isn't in the log: {error.message}", fix=_KEEP
        ) from None


def check_time(leaf: Leaf, before: WitnessedCheckpoint | None, over: WitnessedCheckpoint) -> None:
    """Holds if a leaf's time lies between the hub's times on the checkpoints around it.

    `before` is the last witnessed one that doesn't hold the leaf, None for the log's beginning; `over` the first that does.
    Raises `LogError` `back-dated`, `wrong-checkpoints`.
    """
    if (
        before is not None and before.checkpoint.size > leaf.index
    ) or over.checkpoint.size <= leaf.index:
        raise LogError(
            "wrong-checkpoints",
            f"the leaf `{leaf.index}` doesn't lie between these checkpoints",
            fix=_KEEP,
        )
    if not (before.signed_at if before else 0) <= leaf.body.time <= over.signed_at:
        raise LogError(
            "back-dated",
            f"the time of leaf `{leaf.index}` isn't one that its witnesses saw",
            fix=_KEEP,
        )


class Witness:
    """What a witness remembers of a log: the last checkpoint that grew out of all before it.

    A tree that is smaller, or that didn't grow out of the last, is refused at once and for good: the two signed checkpoints are
    the evidence.
    """

    def __init__(self, log: NoteKey) -> None:
        self.log = log
        self.last: Checkpoint | None = None
        # As the hub signed it: after a restore it is what shows how far the log had grown.
        self.note = b""

    def advance(self, note: bytes, consistency: Sequence[bytes]) -> WitnessedCheckpoint:
        """The hub's newest checkpoint, if it grew out of the last.

        Raises `NoteError`, `LogError` `rolled-back`, `split-view`.
        """
        witnessed = notes.open_checkpoint(note, self.log, ())
        new = witnessed.checkpoint
        # A tree without leaves is the beginning of every tree, and there is nothing to prove.
        if self.last is not None and self.last.size:
            if new.size < self.last.size:
                raise LogError(
                    "rolled-back",
                    f"the log had `{self.last.size}` leaves, and now has `{new.size}`",
                    fix=_KEEP,
                )
            try:
                merkle.verify_consistency(
                    self.last.size, new.size, consistency, self.last.root, new.root
                )
            except TreeError as error:
                raise LogError(
                    "split-view",
                    f"the log didn't grow out of what was seen before: {error.message}",
                    fix=_KEEP,
                ) from None
        self.last, self.note = new, note
        return witnessed

    def cosign(
        self, note: bytes, consistency: Sequence[bytes], key: Ed25519PrivateKey, name: str, now: int
    ) -> Signature:
        """A witness's cosignature of the newest checkpoint, if the hub's clock is this one's to five minutes.

        Raises as `advance`, and `LogError` `clocks-apart`: the tree is taken, and not cosigned.
        """
        witnessed = self.advance(note, consistency)
        if abs(witnessed.signed_at - now) > CLOCKS_APART:
            raise LogError(
                "clocks-apart",
                f"the hub's clock is `{witnessed.signed_at - now}` seconds from this one",
                fix="set this clock",
            )
        return notes.cosign(witnessed.checkpoint.text, key, name, now)


_KEEP = "keep what was answered as evidence, and tell the other agencies"


def with_cosignatures(note: bytes, cosignatures: Iterable[Signature]) -> bytes:
    """Add the witnesses' cosignatures to a checkpoint's note."""
    unsigned = notes.read_note(note)
    return Note(unsigned.text, (*unsigned.signatures, *cosignatures)).encode()
