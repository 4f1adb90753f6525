"""Signed lines: the hub's statements about the length of an inbox and the state of an account."""

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
    """The hub's statement about an agency's inbox.

    `items` is the number of items up to the last one in this answer. `total` is the number of all
    items: a long inbox takes several answers. `size` is that of the tree, and `directory` the
    version in force.

    INVARIANT: the line has the directory's version and the log's generation. So a hub that hides a
    new one, and the retirement or loss in it, must sign a false statement.
    """

    agency: AgencyId
    items: _Count
    total: _Count
    size: _Count
    time: _Count
    directory: _Count
    generation: _Count = 1


class LastNumber(WireModel):
    """An issuer's last number in a case."""

    issuer: AgencyId
    last: Annotated[int, Field(ge=1)]


class AccountLine(WireModel):
    """The hub's statement about the account of a case.

    `last` is each issuer's last number. `passed` is the number of leaves that handed its records
    out. `size` is that of the tree. An account itself is unsigned. Because the line counts both,
    nobody can remove anything from the account unnoticed.
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
    """Sign a line as a note of the hub.

    The first line of its text names its kind, so that it can't pass for a checkpoint.
    """
    text = f"{_HEADS[type(line)]}\n{i_json.write(line.model_dump(mode='json')).decode()}\n"
    return Note(text, (notes.sign_note(text, key, name),)).encode()


def read_inbox_line(data: bytes, log: NoteKey, agency: str) -> InboxLine:
    """Read the line for one agency. Raises `NoteError`, `LogError` `wrong-line`."""
    line = _read_line(InboxLine, data, log)
    if line.agency != agency:
        raise LogError(
            "wrong-line", f"the line is for `{line.agency}`", fix="ask for your own line"
        )
    return line


def read_account_line(data: bytes, log: NoteKey, case: str) -> AccountLine:
    """Read the line of one case. Raises `NoteError`, `LogError` `wrong-line`."""
    line = _read_line(AccountLine, data, log)
    if line.case != case:
        raise LogError("wrong-line", "the line is of another case", fix="ask for this case's line")
    return line


_GROWING = ("items", "size", "time", "directory", "generation")


def check_line_order(last: InboxLine | None, line: InboxLine) -> None:
    """Check that a line isn't older than the last one. Raises `LogError` `older-line`."""
    if last is not None and any(getattr(line, name) < getattr(last, name) for name in _GROWING):
        raise LogError(
            "older-line",
            f"the hub's answer is older than one of tree size `{last.size}`",
            fix=_KEEP,
        )


def _read_line(model: type[L], data: bytes, log: NoteKey) -> L:
    note = notes.read_note(data)
    # The key that cosigns checkpoints signs lines too. A plain signature has another kind and id.
    plain = notes.make_note_key(log.name, notes.NOTE, log.public)
    notes.verify_note(note, (plain,))
    kind, _, rest = note.text.partition("\n")
    if kind != _HEADS[model]:
        raise LogError(
            "wrong-line", f"`{shorten(kind)}` isn't the requested kind of line", fix=_KEEP
        )
    try:
        return validate(model, i_json.read_object(rest.encode("utf-8")), "the line")
    except (TextError, ContentError) as error:
        raise LogError(
            "wrong-line", f"the hub's line can't be read: {error.message}", fix=_KEEP
        ) from None


_KEEP = "keep the answer as evidence, and tell the other agencies"
