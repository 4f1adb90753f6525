"""Signed lines: the hub's statements of the length of an inbox and the state of an account."""

from __future__ import annotations

from typing import Annotated, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field

from exchange.errors import ContentError, LogError, TextError, shorten
from exchange.models import AgencyId, Handle, WireModel, validate
from exchange.standards import i_json, notes
from exchange.standards.notes import Note, NoteKey

_Count = Annotated[int, Field(ge=0, le=2**53 - 1)]


class InboxLine(WireModel):
    """How many items an agency's inbox has had up to this answer's last, how large the tree was when the hub said so, and which
    directory held. `total` is how many there were in all: a long inbox comes in several answers.

    The directory's version and the log's generation are here so that a hub which hides a new one, and the retirement or the
    loss in it, must sign a lie.
    """

    agency: AgencyId
    items: _Count
    total: _Count
    size: _Count
    time: _Count
    directory: _Count
    generation: _Count = 1


class LastNumber(WireModel):
    issuer: AgencyId
    last: Annotated[int, Field(ge=1)]


class AccountLine(WireModel):
    """Each issuer's last number in a case, how many leaves passed its records on, and how large the tree is that holds them.

    An account itself is unsigned: because the line counts both, whoever carries it can take nothing out unnoticed.
    """

    case: Handle
    size: _Count
    time: _Count
    last: Annotated[tuple[LastNumber, ...], Field(strict=False, max_length=64)]
    passed: _Count
    generation: _Count = 1


L = TypeVar("L", InboxLine, AccountLine)

_HEADS: dict[type[WireModel], str] = {
    InboxLine: "offramp/inbox-line/v1",
    AccountLine: "offramp/account-line/v1",
}


def sign_line(line: InboxLine | AccountLine, key: Ed25519PrivateKey, name: str) -> bytes:
    """A line as a note that the hub signed. Its first words say what it is, so that it can pass for no checkpoint."""
    text = f"{_HEADS[type(line)]}\n{i_json.write(line.model_dump(mode='json')).decode()}\n"
    return Note(text, (notes.sign_note(text, key, name),)).encode()


def read_inbox_line(data: bytes, log: NoteKey, agency: str) -> InboxLine:
    """The line for one agency. Raises `NoteError`, `LogError` `wrong-line`."""
    line = _read_line(InboxLine, data, log)
    if line.agency != agency:
        raise LogError("wrong-line", f"this line is for `{line.agency}`", fix="ask for your own")
    return line


def read_account_line(data: bytes, log: NoteKey, case: str) -> AccountLine:
    """The line of one case. Raises `NoteError`, `LogError` `wrong-line`."""
    line = _read_line(AccountLine, data, log)
    if line.case != case:
        raise LogError("wrong-line", "this line is of another case", fix="ask for the right one")
    return line


_NEVER_BACK = ("items", "size", "time", "directory", "generation")


def check_line_order(old: InboxLine | None, new: InboxLine) -> None:
    """Holds if a line isn't older than the last one held. Raises `LogError` `older-line`."""
    if old is not None and any(getattr(new, each) < getattr(old, each) for each in _NEVER_BACK):
        raise LogError(
            "older-line", f"the hub's answer is older than one of tree size `{old.size}`", fix=_KEEP
        )


def _read_line(model: type[L], data: bytes, log: NoteKey) -> L:
    note = notes.read_note(data)
    # The key that cosigns checkpoints signs lines too; a plain signature is another kind, under another id.
    plain = notes.make_note_key(log.name, notes.NOTE, log.public)
    notes.verify_note(note, (plain,))
    head, _, rest = note.text.partition("\n")
    if head != _HEADS[model]:
        raise LogError(
            "wrong-line", f"`{shorten(head)}` isn't the line that was asked for", fix=_KEEP
        )
    try:
        return validate(model, i_json.read_object(rest.encode("utf-8")), "the line")
    except (TextError, ContentError) as error:
        raise LogError(
            "wrong-line", f"the hub's line can't be read: {error.message}", fix=_KEEP
        ) from None


_KEEP = "keep what was answered as evidence, and tell the other agencies"
