"""How the log gets its witnesses: one checkpoint at a time stands open, until the quorum has cosigned it.

It is signed when the tree is just so large, which is the time that bounds its leaves; for each witness that asks it is signed
again, so that both see whether their clocks agree. A checkpoint that nobody completes gives way to the next after ten seconds.
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

STANDS = 10
WITNESSED = "witnessed"


class Witnessing:
    """The checkpoint that is open, and the cosignatures that it has."""

    def __init__(self) -> None:
        self._note = b""
        self._text = ""
        self._at = 0
        self._signatures: dict[str, Signature] = {}

    def poll(self, hub: Hub, now: int) -> bytes:
        """The open checkpoint, signed afresh."""
        size = read_checkpoint(self._text).size if self._text else -1
        if size != hub.log.size and (
            size < 0 or not self._signatures or self._complete(hub) or now - self._at >= STANDS
        ):
            self._note = hub.checkpoint(now)
            self._text, self._at, self._signatures = read_note(self._note).text, now, {}
        return hub.checkpoint_of(self._text, now)

    def cosigned(self, hub: Hub, note: bytes, by: NoteKey) -> bool:
        """A witness's cosignature of the open checkpoint; True if the quorum has signed with it.

        One of an earlier checkpoint is too late, and dropped. Raises `NoteError`.
        """
        read = read_note(note)
        notes.verify_note(
            Note(read.text, tuple(one for one in read.signatures if one.name == by.name)), (by,)
        )
        if read.text != self._text:
            return False
        self._signatures[by.name] = next(
            one for one in read.signatures if (one.name, one.id) == (by.name, by.id)
        )
        if not self._complete(hub):
            return False
        hub.store.set_value(WITNESSED, with_cosignatures(self._note, self._signatures.values()))
        return True

    def _complete(self, hub: Hub) -> bool:
        newest = hub.history.newest
        note = with_cosignatures(self._note, self._signatures.values())
        try:
            newest.check_quorum(open_checkpoint(note, newest.log, newest.witnesses()))
        except ExchangeError:
            return False
        return True
