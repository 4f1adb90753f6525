"""A case's account as the hub sends it: its records, leaves, and signed line.

For each issuer, an account contains every record of the case from the first number to the last,
with labels and the digests of all texts. For each text, it says whether it was handed out,
withdrawn, or is still waiting, each with its leaf opened and proved. `exchange.consent.accounting`
verifies it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from exchange.errors import ExchangeError, LogError
from exchange.log import generation
from exchange.log.leaves import Leaf, parse_leaf
from exchange.membership.signatures import SignedPayload
from exchange.models import Handle, NonEmptyTuple, ShortId, Term, WireModel, validate
from exchange.records.manifest import Entry
from exchange.standards import base64, i_json
from rules.frozen import frozen


@frozen
class Proved:
    """An open leaf, with its path in the tree of a checkpoint (RFC 6962)."""

    leaf: Leaf
    path: tuple[bytes, ...]


@frozen
class AccountedRecord:
    """One record in an account.

    `number` is its number for issuer and case, `number_nonce` the nonce that hides the number in
    the leaf. `passed` are the leaves of its hand-outs and withdrawals.
    """

    jws: str
    labels: tuple[str, ...]
    entries: tuple[Entry, ...]
    pads: tuple[bytes, ...]
    recorded: Proved
    number: int
    number_nonce: bytes
    passed: tuple[Proved, ...]


@frozen
class Account:
    """A case's account as the hub sends it. `line` and `checkpoint` are signed notes.

    `generations` are the log's generations after the first, each with its leaf. They say what was
    lost when the hub was restored.
    """

    case: str
    line: bytes
    checkpoint: bytes
    records: tuple[AccountedRecord, ...]
    generations: tuple[tuple[Proved, SignedPayload], ...] = ()

    def write(self) -> bytes:
        """Return the account as JSON, in the form that `read_account` reads."""
        return i_json.write(
            {
                "type": "accounting",
                "case": self.case,
                "line": self.line.decode("utf-8"),
                "checkpoint": self.checkpoint.decode("utf-8"),
                "records": [_record_json(record) for record in self.records],
                "generations": [
                    {"proved": proved_json(proved), "signed": i_json.read(generation.write(signed))}
                    for proved, signed in self.generations
                ],
            }
        )


class EntryShape(WireModel):
    """An entry of a manifest in JSON."""

    part: ShortId
    to: Annotated[str, Field(max_length=64)]
    purpose: Term
    basis: Term
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ProvedShape(WireModel):
    """An open leaf and its path in JSON."""

    leaf: dict[str, Any]
    path: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")], ...],
        Field(strict=False, max_length=64),
    ]


class _RecordShape(WireModel):
    record: str
    labels: NonEmptyTuple[str]
    entries: Annotated[tuple[EntryShape, ...], Field(strict=False, max_length=128)]
    pads: Annotated[tuple[str, ...], Field(strict=False, max_length=128)]
    recorded: ProvedShape
    number: Annotated[int, Field(ge=1, le=2**53 - 1)]
    number_nonce: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    passed: Annotated[tuple[ProvedShape, ...], Field(strict=False, max_length=4096)]


class _GenerationShape(WireModel):
    proved: ProvedShape
    signed: dict[str, Any]


class AccountShape(WireModel):
    """An account in JSON."""

    type: Literal["accounting"]
    case: Handle
    line: Annotated[str, Field(max_length=65536)]
    checkpoint: Annotated[str, Field(max_length=65536)]
    records: Annotated[tuple[_RecordShape, ...], Field(strict=False, max_length=65536)]
    generations: Annotated[tuple[_GenerationShape, ...], Field(strict=False, max_length=64)] = ()


def read_account(data: bytes) -> Account:
    """Parse an account and verify nothing of it. Raises `LogError` `not-an-account`."""
    try:
        shape = validate(AccountShape, i_json.read_object(data), "the account")
        return Account(
            shape.case,
            shape.line.encode(),
            shape.checkpoint.encode(),
            tuple(_record_of(record) for record in shape.records),
            tuple(
                (proved_of(logged.proved), generation.read_signed(logged.signed))
                for logged in shape.generations
            ),
        )
    except ExchangeError as error:
        raise LogError(
            "not-an-account", f"this is no account: {error.message}", fix="ask the hub for it again"
        ) from None


def proved_of(shape: ProvedShape) -> Proved:
    """Return an open leaf with its path, and verify nothing of it. Raises `ContentError`."""
    return Proved(parse_leaf(shape.leaf), tuple(bytes.fromhex(sibling) for sibling in shape.path))


def proved_json(proved: Proved) -> dict[str, Any]:
    """Return an open leaf and its path as JSON, in the form that `proved_of` reads."""
    return {"leaf": proved.leaf.json(), "path": [sibling.hex() for sibling in proved.path]}


def _record_of(shape: _RecordShape) -> AccountedRecord:
    return AccountedRecord(
        shape.record,
        shape.labels,
        tuple(
            Entry(entry.part, entry.to, entry.purpose, entry.basis, entry.sha256)
            for entry in shape.entries
        ),
        tuple(base64.decode_url(pad) for pad in shape.pads),
        proved_of(shape.recorded),
        shape.number,
        bytes.fromhex(shape.number_nonce),
        tuple(proved_of(passed) for passed in shape.passed),
    )


def _record_json(record: AccountedRecord) -> dict[str, Any]:
    return {
        "record": record.jws,
        "labels": list(record.labels),
        "entries": [
            {
                "part": entry.part,
                "to": entry.to,
                "purpose": entry.purpose,
                "basis": entry.basis,
                "sha256": entry.sha256,
            }
            for entry in record.entries
        ],
        "pads": [base64.encode_url(pad) for pad in record.pads],
        "recorded": proved_json(record.recorded),
        "number": record.number,
        "number_nonce": record.number_nonce.hex(),
        "passed": [proved_json(proved) for proved in record.passed],
    }
