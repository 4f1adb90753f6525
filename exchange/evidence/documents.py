"""Documents that prove themselves offline: an exhibit, a decision, a receipt, and an account.

Each document carries its own grounds: each record's place in the log, checkpoints that the
witnesses cosigned, and every version of the directory, which names the keys. A verifier trusts
none of it. It needs one value from elsewhere, the fingerprint of the directory's first version,
which the founders can read over the phone.

This module writes and reads the documents. `exchange.evidence.verify` checks them, and
`exchange.agency.exhibits` builds them from what a gateway holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from exchange.consent.account import (
    Account,
    AccountShape,
    EntryShape,
    Proved,
    ProvedShape,
    proved_json,
    proved_of,
    read_account,
)
from exchange.errors import ExchangeError, LogError, shorten
from exchange.evidence.confirmations import ShownConfirmation
from exchange.log.receipts import Receipt, parse_receipt
from exchange.membership.signatures import SignedPayload, read_signed_directory
from exchange.models import NonEmptyTuple, WireModel, validate
from exchange.records.delivery import read_path, write_path
from exchange.records.manifest import Entry, Path
from exchange.standards import i_json
from rules.frozen import frozen

# The largest file that is read, in bytes.
LARGEST = 16 * 1024 * 1024


@frozen
class Member:
    """A version of the directory, or an announced sealing key, with its leaf proved."""

    proved: Proved
    document: SignedPayload | str


@frozen
class ShownRecord:
    """A record as far as it is shown, with its leaf proved.

    `presentation` is an SD-JWT (RFC 9901). `entries` are those of the manifest that are shown,
    each with its path under the manifest's root.
    """

    presentation: str
    entries: tuple[tuple[Entry, Path], ...]
    recorded: Proved


@frozen
class Exhibit:
    """A record, its hand-out, and the records that the hand-out relies on.

    Every path leads to the last of `checkpoints`, which grow in size. The checkpoints on both
    sides of a leaf bound its time, so one of them should come before the hand-out.
    """

    record: ShownRecord
    handout: Proved
    relied: tuple[ShownRecord, ...]
    checkpoints: tuple[bytes, ...]
    members: tuple[Member, ...]

    def write(self) -> bytes:
        """Return the exhibit as JSON, in the form that `read_exhibit` reads."""
        return i_json.write(
            {
                "type": "exhibit",
                "shown": _shown_record_json(self.record),
                "handed": proved_json(self.handout),
                "relied": [_shown_record_json(record) for record in self.relied],
                **_grounds_json(self.checkpoints, self.members),
            }
        )


@frozen
class DecisionExhibit:
    """The record of a decision, with the records behind it that the exhibitor can show.

    It proves nothing about hand-outs. It shows the answer, and the signed statements on which
    the answer rests. A named person's decision may have `confirmations`.
    """

    record: ShownRecord
    sources: tuple[ShownRecord, ...]
    checkpoints: tuple[bytes, ...]
    members: tuple[Member, ...]
    confirmations: tuple[ShownConfirmation, ...] = ()

    def write(self) -> bytes:
        """Return the exhibit as JSON, in the form that `read_decision` reads."""
        return i_json.write(
            {
                "type": "decision",
                "shown": _shown_record_json(self.record),
                "sources": [_shown_record_json(source) for source in self.sources],
                **(
                    {"confirmations": [each.model_dump() for each in self.confirmations]}
                    if self.confirmations
                    else {}
                ),
                **_grounds_json(self.checkpoints, self.members),
            }
        )


@frozen
class ProvedReceipt:
    """A record with the hub's receipt for it, and the proof that the log contains it."""

    record: str
    receipt: Receipt
    path: tuple[bytes, ...]
    checkpoints: tuple[bytes, ...]
    members: tuple[Member, ...]

    def write(self) -> bytes:
        """Return the receipt as JSON, in the form that `read_receipt` reads."""
        return i_json.write(
            {
                "type": "receipt",
                "record": self.record,
                "receipt": self.receipt.json(),
                "path": [sibling.hex() for sibling in self.path],
                **_grounds_json(self.checkpoints, self.members),
            }
        )


@frozen
class ProvedAccount:
    """An account with the versions of the directory, proved under the account's checkpoint."""

    account: Account
    members: tuple[Member, ...]

    def write(self) -> bytes:
        """Return the account as JSON, in the form that `read_proved_account` reads."""
        account = i_json.read_object(self.account.write())
        return i_json.write(
            {**account, "members": [_member_json(member) for member in self.members]}
        )


Evidence = Exhibit | DecisionExhibit | ProvedReceipt | ProvedAccount


# Reading


class _EntryShape(EntryShape):
    path: Annotated[str, Field(max_length=512)]


class _ShownRecordShape(WireModel):
    presentation: Annotated[str, Field(max_length=4 * 1024 * 1024)]
    entries: Annotated[tuple[_EntryShape, ...], Field(strict=False, max_length=128)]
    recorded: ProvedShape


class _MemberShape(WireModel):
    proved: ProvedShape
    directory: dict[str, Any] | None = None
    key: Annotated[str, Field(max_length=4096)] | None = None


_Members = Annotated[tuple[_MemberShape, ...], Field(strict=False, min_length=1, max_length=4096)]


class _GroundsShape(WireModel):
    checkpoints: Annotated[
        tuple[Annotated[str, Field(max_length=65536)], ...],
        Field(strict=False, min_length=1, max_length=16),
    ]
    members: _Members


class _ExhibitShape(_GroundsShape):
    type: Literal["exhibit"]
    record: Annotated[_ShownRecordShape, Field(alias="shown")]
    handed: ProvedShape
    relied: Annotated[tuple[_ShownRecordShape, ...], Field(strict=False, max_length=64)]


class _DecisionShape(_GroundsShape):
    type: Literal["decision"]
    record: Annotated[_ShownRecordShape, Field(alias="shown")]
    sources: Annotated[tuple[_ShownRecordShape, ...], Field(strict=False, max_length=256)]
    confirmations: Annotated[tuple[ShownConfirmation, ...], Field(strict=False, max_length=16)] = ()


class _ReceiptShape(_GroundsShape):
    type: Literal["receipt"]
    record: Annotated[str, Field(max_length=1024 * 1024)]
    receipt: dict[str, Any]
    path: NonEmptyTuple[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]]


class _MembersShape(WireModel):
    members: _Members


class _AccountingShape(AccountShape, _MembersShape):
    pass


def read_exhibit(data: bytes) -> Exhibit:
    """Parse an exhibit and verify nothing of it. Raises `LogError` `not-an-exhibit`."""
    value = _read_object(data)
    try:
        shape = validate(_ExhibitShape, value, "the exhibit")
        return Exhibit(
            _shown_record_of(shape.record),
            proved_of(shape.handed),
            tuple(_shown_record_of(record) for record in shape.relied),
            _notes(shape.checkpoints),
            _members(shape.members),
        )
    except ExchangeError as error:
        raise _unreadable(error) from None


def read_decision(data: bytes) -> DecisionExhibit:
    """Parse the exhibit of a decision and verify nothing of it.

    Raises `LogError` `not-an-exhibit`.
    """
    value = _read_object(data)
    try:
        shape = validate(_DecisionShape, value, "the exhibit")
        return DecisionExhibit(
            _shown_record_of(shape.record),
            tuple(_shown_record_of(source) for source in shape.sources),
            _notes(shape.checkpoints),
            _members(shape.members),
            shape.confirmations,
        )
    except ExchangeError as error:
        raise _unreadable(error) from None


def read_receipt(data: bytes) -> ProvedReceipt:
    """Parse a receipt with its proof and verify nothing of it.

    Raises `LogError` `not-an-exhibit`.
    """
    value = _read_object(data)
    try:
        shape = validate(_ReceiptShape, value, "the receipt")
        return ProvedReceipt(
            shape.record,
            parse_receipt(shape.receipt),
            tuple(bytes.fromhex(sibling) for sibling in shape.path),
            _notes(shape.checkpoints),
            _members(shape.members),
        )
    except ExchangeError as error:
        raise _unreadable(error) from None


def read_proved_account(data: bytes) -> ProvedAccount:
    """Parse an account with its directory and verify nothing of it.

    Raises `LogError` `not-an-exhibit`, `not-an-account`.
    """
    value = _read_object(data)
    try:
        shape = validate(_MembersShape, {"members": value.pop("members", None)}, "the account")
        members = _members(shape.members)
    except ExchangeError as error:
        raise _unreadable(error) from None
    return ProvedAccount(read_account(i_json.write(value)), members)


# The reader of each `type`.
READERS: Mapping[str, Callable[[bytes], Evidence]] = {
    "exhibit": read_exhibit,
    "decision": read_decision,
    "receipt": read_receipt,
    "accounting": read_proved_account,
}


def evidence_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a document: `exhibit`, `decision-exhibit`, `receipt`, `accounting`.

    An account also has the `members` of its directory.
    """
    models: dict[str, type[WireModel]] = {
        "exhibit": _ExhibitShape,
        "decision-exhibit": _DecisionShape,
        "receipt": _ReceiptShape,
        "accounting": _AccountingShape,
    }
    model = models[name]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **model.model_json_schema(),
        "title": f"Evidence: {name}",
    }


def read_any(data: bytes) -> Evidence:
    """Parse the kind of document that its `type` names.

    Raises `LogError` `not-an-exhibit`, `not-an-account`.
    """
    kind = _read_object(data).get("type")
    reader = READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise LogError(
            "not-an-exhibit", f"`{shorten(kind)}` is no type of file to verify", fix=_WHICH
        )
    return reader(data)


def _read_object(data: bytes) -> dict[str, Any]:
    if len(data) > LARGEST:
        raise LogError("not-an-exhibit", f"a file of `{len(data)}` bytes isn't read", fix=_WHICH)
    try:
        return i_json.read_object(data)
    except ExchangeError as error:
        raise _unreadable(error) from None


def _notes(texts: Iterable[str]) -> tuple[bytes, ...]:
    return tuple(text.encode("utf-8", "surrogatepass") for text in texts)


def _shown_record_of(shape: _ShownRecordShape) -> ShownRecord:
    entries = tuple(
        (
            Entry(entry.part, entry.to, entry.purpose, entry.basis, entry.sha256),
            read_path(entry.path),
        )
        for entry in shape.entries
    )
    return ShownRecord(shape.presentation, entries, proved_of(shape.recorded))


def _members(shapes: Iterable[_MemberShape]) -> tuple[Member, ...]:
    return tuple(_member_of(shape) for shape in shapes)


def _member_of(shape: _MemberShape) -> Member:
    if (shape.directory is None) == (shape.key is None):
        raise LogError(
            "not-an-exhibit", "a member is a directory or a key, one of them", fix=_WHICH
        )
    document = (
        shape.key
        if shape.directory is None
        else read_signed_directory(i_json.write(shape.directory))
    )
    assert document is not None, "the check above left exactly one of them"
    return Member(proved_of(shape.proved), document)


# Writing


def _shown_record_json(record: ShownRecord) -> dict[str, Any]:
    return {
        "presentation": record.presentation,
        "entries": [
            {
                "part": entry.part,
                "to": entry.to,
                "purpose": entry.purpose,
                "basis": entry.basis,
                "sha256": entry.sha256,
                "path": write_path(path),
            }
            for entry, path in record.entries
        ],
        "recorded": proved_json(record.recorded),
    }


def _member_json(member: Member) -> dict[str, Any]:
    document = member.document
    if isinstance(document, str):
        return {"proved": proved_json(member.proved), "key": document}
    return {
        "proved": proved_json(member.proved),
        "directory": i_json.read_object(document.write()),
    }


def _grounds_json(checkpoints: Iterable[bytes], members: Iterable[Member]) -> dict[str, Any]:
    return {
        "checkpoints": [note.decode("utf-8") for note in checkpoints],
        "members": [_member_json(member) for member in members],
    }


_WHICH = "give a file of type exhibit, decision, accounting or receipt"


def _unreadable(error: ExchangeError) -> LogError:
    return LogError("not-an-exhibit", f"this can't be read: {error.message}", fix=_WHICH)
