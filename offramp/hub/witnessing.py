"""Collect the witnesses' cosignatures: one checkpoint is open at a time, until its quorum signs.

The hub signs a checkpoint when the tree has its size. That time bounds the leaves. It signs the
checkpoint again for each witness that polls, so that both can compare their clocks. After ten
seconds the next checkpoint replaces one that lacks its quorum.
"""

from __future__ import annotations

from exchange.errors import ExchangeError
from exchange.hub.hub import Hub
from exchange.log.checkpoints import with_cosignatures
from exchange.standards import notes
from exchange.standards.notes import (
    Note,
    NoteKey,
    Signature,
    open_checkpoint,
    read_checkpoint,
    read_note,
)

OPEN_SECONDS = 10
WITNESSED = "witnessed"


class Witnessing:
    """The open checkpoint and its cosignatures."""

    def __init__(self) -> None:
        self._note = b""
        self._text = ""
        self._opened_at = 0
        self._signatures: dict[str, Signature] = {}

    def poll(self, hub: Hub, now: int) -> bytes:
        """Return the open checkpoint as a note, signed afresh at `now` (seconds since 1970)."""
        size = read_checkpoint(self._text).size if self._text else None
        if size != hub.log.size and self._is_replaceable(hub, now):
            self._note = hub.checkpoint(now)
            self._text = read_note(self._note).text
            self._opened_at, self._signatures = now, {}
        return hub.checkpoint_of(self._text, now)

    def add_cosignature(self, hub: Hub, note: bytes, witness: NoteKey) -> bool:
        """Take a witness's cosignature of the open checkpoint. Return whether it has its quorum.

        A cosignature of an earlier checkpoint is too late and is dropped. Raises `NoteError`.
        """
        cosigned = read_note(note)
        signatures = tuple(
            signature for signature in cosigned.signatures if signature.name == witness.name
        )
        notes.verify_note(Note(cosigned.text, signatures), (witness,))
        if cosigned.text != self._text:
            return False
        self._signatures[witness.name] = next(
            signature for signature in signatures if signature.id == witness.id
        )
        if not self._has_quorum(hub):
            return False
        hub.store.set_value(WITNESSED, with_cosignatures(self._note, self._signatures.values()))
        return True

    def _is_replaceable(self, hub: Hub, now: int) -> bool:
        if not self._text or not self._signatures:
            return True
        return self._has_quorum(hub) or now - self._opened_at >= OPEN_SECONDS

    def _has_quorum(self, hub: Hub) -> bool:
        directory = hub.history.newest
        note = with_cosignatures(self._note, self._signatures.values())
        try:
            directory.check_quorum(open_checkpoint(note, directory.log, directory.witnesses()))
        except ExchangeError:
            return False
        return True
