"""The account of a case: everything that went through the exchange about one person, with the proof that nothing is missing.

For each issuer it holds every record of the case from its first number to its last, with labels and the digests of all texts,
and for each text whether it was handed out, withdrawn or still waits, each with its leaf opened and proved. The hub signs how
many records each issuer has, so an account that leaves one out contradicts the hub's own line; and a receipt or an opened leaf
that isn't in it convicts the hub of a false one.

It covers what went through the exchange. What was said aloud is in it only where somebody recorded that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field

from exchange import _rfc4648, _rfc7493, log
from exchange._c2sp import open_checkpoint
from exchange.directory import History
from exchange.errors import ExchangeError, LogError
from exchange.log import Leaf, Receipt, check_included, commit_number, leaf_of, receipt_leaf
from exchange.manifest import Entry
from exchange.record import Record, check_entries
from exchange.says import Report
from exchange.shape import Handle, Listed, Shape, ShortId, Word, held
from rules.frozen import frozen

HANDED, WITHDRAWN, PENDING = "handed out", "withdrawn", "waiting"


@frozen
class Proved:
    """A leaf, opened, with its path in the tree of the account's checkpoint."""

    leaf: Leaf
    path: tuple[bytes, ...]


@frozen
class Accounted:
    """One record in an account: what the issuer signed, its number with the nonce that hides it, and its leaves."""

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
    """A case's account as the hub gives it. `line` and `checkpoint` are signed notes."""

    case: str
    line: bytes
    checkpoint: bytes
    records: tuple[Accounted, ...]

    def write(self) -> bytes:
        """As JSON, as `read_account` reads it."""
        return _rfc7493.write(
            {
                "type": "accounting",
                "case": self.case,
                "line": self.line.decode("utf-8"),
                "checkpoint": self.checkpoint.decode("utf-8"),
                "records": [_accounted_json(each) for each in self.records],
            }
        )


@frozen
class Row:
    """One kind of information on its way to one agency: what a person wants to know of it.

    `at` is when that happened, in seconds since 1970; `relies` the records that made it lawful. `told_aloud` rows come from
    somebody's report, and no text passed.
    """

    issuer: str
    kind: str
    to: str
    category: str
    purpose: str
    basis: str
    what: str
    at: int
    relies: tuple[str, ...] = ()
    told_aloud: bool = False


@frozen
class Statement:
    """A verified account: its rows in order of time, the size of the tree it covers, each issuer's number of records."""

    case: str
    size: int
    last: dict[str, int]
    rows: tuple[Row, ...]
    leaves: frozenset[int]

    def check_receipt(self, receipt: Receipt, *, jti: str, issuer: str, statement: str) -> None:
        """Holds unless the receipt is of a record that this account should hold and doesn't: the hub lied.

        Raises `LogError` `left-out`.
        """
        leaf = receipt_leaf(receipt, jti=jti, issuer=issuer, statement=statement)
        if leaf.index < self.size and leaf.index not in self.leaves:
            raise LogError("left-out", f"the record of leaf `{leaf.index}` isn't in the account", mend=_CONVICTS)

    def check_leaf(self, leaf: Leaf) -> None:
        """The same for a hand-out or withdrawal in this case whose leaf somebody holds opened. Raises `LogError` `left-out`."""
        if leaf.index < self.size and leaf.index not in self.leaves:
            raise LogError("left-out", f"what leaf `{leaf.index}` says isn't in the account", mend=_CONVICTS)


def verify_account(account: Account, history: History) -> Statement:
    """What an account says, if it proves itself complete.

    Raises `LogError`: `wrong-line`, `not-in-log`, `wrong-leaf`, `number-missing` (an issuer's numbers don't run from 1 to the
    hub's own count), `wrong-number`, `passed-twice`; `NoteError` as `open_checkpoint` and `no-quorum`; and as
    `record.check_entries` where a record isn't what its issuer signed.
    """
    newest = history.newest
    line = log.read_account_line(account.line, newest.log, account.case)
    witnessed = open_checkpoint(account.checkpoint, newest.log, newest.witnesses())
    newest.check_quorum(witnessed)
    if witnessed.checkpoint.size < line.size:
        raise LogError("wrong-line", "the account's line is of a larger tree than its checkpoint", mend=_AGAIN)
    numbers: dict[str, set[int]] = defaultdict(set)
    rows: list[Row] = []
    leaves: set[int] = set()
    for each in account.records:
        for proved in (each.recorded, *each.passed):
            check_included(proved.leaf, proved.path, witnessed.checkpoint)
            if proved.leaf.index >= line.size or proved.leaf.index in leaves:
                raise _wrong_leaf(proved.leaf)
            leaves.add(proved.leaf.index)
        record, body = _checked(each, account.case, history)
        if each.number in numbers[record.issuer]:
            raise _wrong_number(record.issuer, each.number)
        numbers[record.issuer].add(each.number)
        rows += _rows(record, body, each)
    last = {one.issuer: one.last for one in line.last}
    for issuer in {*last, *numbers}:
        missing = set(range(1, last.get(issuer, 0) + 1)) ^ numbers[issuer]
        if missing:
            raise LogError(
                "number-missing",
                f"of `{issuer}` the hub counts `{last.get(issuer, 0)}` records, and number `{min(missing)}` doesn't fit",
                mend=_CONVICTS,
            )
    ordered = tuple(sorted(rows, key=lambda row: (row.at, row.issuer, row.to, row.category)))
    return Statement(account.case, line.size, last, ordered, frozenset(leaves))


def _checked(each: Accounted, case: str, history: History) -> tuple[Record, log.Recorded]:
    leaf = each.recorded.leaf
    body = leaf.body
    record = check_entries(each.jws, each.labels, each.entries, each.pads, history.standing(leaf.index))
    if (
        not isinstance(body, log.Recorded)
        or (body.id, body.issuer, body.sha256) != (record.jti, record.issuer, record.sha256)
        or record.case != case
    ):
        raise _wrong_leaf(leaf)
    if commit_number(each.number_nonce, each.number) != body.number:
        raise _wrong_number(record.issuer, each.number)
    return record, body


def _rows(record: Record, body: log.Recorded, each: Accounted) -> Iterable[Row]:
    """What became of each text; and what a report tells of."""
    became: dict[tuple[str, str], tuple[str, int, tuple[str, ...]]] = {}
    for proved in each.passed:
        said = proved.leaf.body
        if not isinstance(said, log.HandedOut | log.Withdrawn) or (said.record, said.issuer) != (record.jti, record.issuer):
            raise _wrong_leaf(proved.leaf)
        handed = isinstance(said, log.HandedOut)
        for one in said.parts:
            part, relies = (one, ()) if isinstance(one, str) else (one.part, one.relies)
            if (part, said.to) in became:
                raise LogError("passed-twice", f"the part `{part}` was passed to `{said.to}` twice", mend=_CONVICTS)
            became[part, said.to] = (HANDED if handed else WITHDRAWN, said.time, relies)
    known = {(entry.part, entry.to.partition(".")[0]) for entry in record.entries}
    strange = set(became) - known
    if strange:
        part, to = min(strange)
        raise LogError("passed-twice", f"the part `{part}` was never sealed to `{to}`", mend=_CONVICTS)
    for entry in record.entries:
        to = entry.to.partition(".")[0]
        what, at, relies = became.get((entry.part, to), (PENDING, body.time, ()))
        for category in record.labels[entry.part].category:
            yield Row(record.issuer, record.kind, to, category, entry.purpose, entry.basis, what, at, relies)
    for label in record.labels.values():
        if isinstance(label.says, Report):
            told = label.says
            yield Row(record.issuer, record.kind, told.told, told.category, "", "", "told", body.time, told_aloud=True)


# Reading


class _EntryShape(Shape):
    part: ShortId
    to: Annotated[str, Field(max_length=64)]
    purpose: Word
    basis: Word
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _ProvedShape(Shape):
    leaf: dict[str, Any]
    path: Annotated[tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")], ...], Field(strict=False, max_length=64)]


class _AccountedShape(Shape):
    record: str
    labels: Listed[str]
    entries: Annotated[tuple[_EntryShape, ...], Field(strict=False, max_length=128)]
    pads: Annotated[tuple[str, ...], Field(strict=False, max_length=128)]
    recorded: _ProvedShape
    number: Annotated[int, Field(ge=1, le=2**53 - 1)]
    number_nonce: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    passed: Annotated[tuple[_ProvedShape, ...], Field(strict=False, max_length=4096)]


class _AccountShape(Shape):
    type: Literal["accounting"]
    case: Handle
    line: Annotated[str, Field(max_length=65536)]
    checkpoint: Annotated[str, Field(max_length=65536)]
    records: Annotated[tuple[_AccountedShape, ...], Field(strict=False, max_length=65536)]


def read_account(data: bytes) -> Account:
    """An account taken apart, nothing of it verified. Raises `TextError`, `ContentError`, `LogError` `not-an-account`."""
    try:
        shape = held(_AccountShape, _rfc7493.read_object(data), "the account")
        records = tuple(
            Accounted(
                each.record,
                each.labels,
                tuple(Entry(one.part, one.to, one.purpose, one.basis, one.sha256) for one in each.entries),
                tuple(_rfc4648.decode_url(pad) for pad in each.pads),
                _proved_of(each.recorded),
                each.number,
                bytes.fromhex(each.number_nonce),
                tuple(_proved_of(one) for one in each.passed),
            )
            for each in shape.records
        )
        return Account(shape.case, shape.line.encode(), shape.checkpoint.encode(), records)
    except ExchangeError as error:
        raise LogError("not-an-account", f"this is no account: {error.message}", mend=_AGAIN) from None


def _proved_of(shape: _ProvedShape) -> Proved:
    return Proved(leaf_of(shape.leaf), tuple(bytes.fromhex(each) for each in shape.path))


def _accounted_json(each: Accounted) -> dict[str, Any]:
    return {
        "record": each.jws,
        "labels": list(each.labels),
        "entries": [
            {"part": one.part, "to": one.to, "purpose": one.purpose, "basis": one.basis, "sha256": one.sha256}
            for one in each.entries
        ],
        "pads": [_rfc4648.encode_url(pad) for pad in each.pads],
        "recorded": _proved_json(each.recorded),
        "number": each.number,
        "number_nonce": each.number_nonce.hex(),
        "passed": [_proved_json(one) for one in each.passed],
    }


def _proved_json(proved: Proved) -> dict[str, Any]:
    return {"leaf": proved.leaf.json(), "path": [one.hex() for one in proved.path]}


_AGAIN = "ask the hub for it again"
_CONVICTS = "keep the account: with the hub's signature on it, it is evidence against the hub"


def _wrong_leaf(leaf: Leaf) -> LogError:
    return LogError("wrong-leaf", f"the leaf `{leaf.index}` isn't one of this record", mend=_CONVICTS)


def _wrong_number(issuer: str, number: int) -> LogError:
    return LogError("wrong-number", f"`{number}` isn't this record's number of `{issuer}`", mend=_CONVICTS)
