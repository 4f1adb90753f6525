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
    """Check that the leaf is in the checkpoint's tree. Raises `LogError` `not-in-log`."""
    try:
        verify_inclusion(leaf_hash(leaf.entry), leaf.index, checkpoint.size, path, checkpoint.root)
    except TreeError as error:
        raise LogError(
            "not-in-log", f"the leaf `{leaf.index}` isn't in the log: {error.message}", fix=_KEEP
        ) from None


def check_time(leaf: Leaf, before: WitnessedCheckpoint | None, over: WitnessedCheckpoint) -> None:
    """Check that a leaf's time is between the hub's times on the checkpoints around it.

    `before` is the last witnessed checkpoint without the leaf, None at the log's beginning. `over`
    is the first one with it. Raises `LogError` `back-dated`, `wrong-checkpoints`.
    """
    if (
        before is not None and before.checkpoint.size > leaf.index
    ) or over.checkpoint.size <= leaf.index:
        raise LogError(
            "wrong-checkpoints",
            f"the leaf `{leaf.index}` isn't between these checkpoints",
            fix=_KEEP,
        )
    if not (before.signed_at if before else 0) <= leaf.body.time <= over.signed_at:
        raise LogError(
            "back-dated",
            f"the time of leaf `{leaf.index}` is outside its checkpoints' times",
            fix=_KEEP,
        )


class Witness:
    """A witness's memory of a log: the last checkpoint, which grew out of all before it.

    A tree that is smaller, or that didn't grow out of the last, is refused at once and forever. The
    two signed checkpoints are the evidence.
    """

    def __init__(self, log: NoteKey) -> None:
        self.log = log
        self.last: Checkpoint | None = None
        # The note as the hub signed it. After a restore it proves how far the log had grown.
        self.note = b""

    def advance(self, note: bytes, consistency: Sequence[bytes]) -> WitnessedCheckpoint:
        """Accept the hub's newest checkpoint if it grew out of the last.

        Raises `NoteError`, and `LogError` `rolled-back`, `split-view`.
        """
        witnessed = notes.open_checkpoint(note, self.log, ())
        new = witnessed.checkpoint
        # An empty tree begins every tree, and there is nothing to prove.
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
                    f"the log didn't grow out of its last checkpoint: {error.message}",
                    fix=_KEEP,
                ) from None
        self.last, self.note = new, note
        return witnessed

    def cosign(
        self, note: bytes, consistency: Sequence[bytes], key: Ed25519PrivateKey, name: str, now: int
    ) -> Signature:
        """Cosign the newest checkpoint if the two clocks differ by at most five minutes.

        Raises as `advance`, and `LogError` `clocks-apart`: the tree is remembered and not cosigned.
        """
        witnessed = self.advance(note, consistency)
        if abs(witnessed.signed_at - now) > CLOCKS_APART:
            raise LogError(
                "clocks-apart",
                f"the hub's clock is `{witnessed.signed_at - now}` seconds from the clock here",
                fix="set the clock here",
            )
        return notes.cosign(witnessed.checkpoint.text, key, name, now)


_KEEP = "keep the answer as evidence, and tell the other agencies"


def with_cosignatures(note: bytes, cosignatures: Iterable[Signature]) -> bytes:
    """Add the witnesses' cosignatures to a checkpoint's note."""
    unsigned = notes.read_note(note)
    return Note(unsigned.text, (*unsigned.signatures, *cosignatures)).encode()
