"""Verify a case's account: everything that went through the exchange, with nothing left out.

The hub signs how many records each issuer has, so an account that omits one contradicts the hub's
own line. A record that is in the log and not in the account, shown with its proof, proves that
the hub misbehaved. A receipt alone proves nothing, because nobody signed it.

An account covers what went through the exchange. An oral disclosure is in it only if an agency
recorded it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from exchange.consent.account import Account, AccountedRecord, Proved
from exchange.consent.account_rows import (
    PROVES_MISCONDUCT,
    Row,
    oral_rows,
    passed_body,
    text_rows,
    with_later_events,
    wrong_leaf,
)
from exchange.consent.disclosure import Judges
from exchange.consent.state import Committed, State, committed_record
from exchange.errors import LogError
from exchange.log import generation
from exchange.log.checkpoints import check_included
from exchange.log.leaves import HandoutBody, Leaf, RecordBody, WithdrawalBody, commit_number
from exchange.log.signed_lines import AccountLine, read_account_line
from exchange.membership.history import History
from exchange.membership.signatures import SignedPayload
from exchange.records.bundle import check_entries
from exchange.records.kinds import report_kinds
from exchange.records.presentation import verify_presentation
from exchange.records.record import Record
from exchange.standards import sd_jwt
from exchange.standards.notes import (
    WitnessedCheckpoint,
    open_checkpoint,
    read_checkpoint,
    read_note,
)
from rules.frozen import frozen


@frozen
class RecordEvidence:
    """An agency's own proof of a record: the signed text, its leaf, and its hand-outs.

    All leaves are proved under one checkpoint. An issuer rebuilds the leaf from its receipt, and a
    recipient has it from the delivery.
    """

    jws: str
    recorded: Proved
    checkpoint: bytes
    passed: tuple[Proved, ...] = ()


@frozen
class AccountStatement:
    """A verified account.

    `rows` are in order of time, `size` is the tree that the account covers, and `last` is each
    issuer's number of records. `at` is the hub's time on that tree, which its witnesses cosigned,
    and the account says nothing about later events. `entries` are the log entries by index.
    `consents` are the records of consents and changes, `records` all records in the log's order.

    `missing` are the log indices that were lost in full or in part when the hub was restored.
    Their records may have been of this case or of another.
    """

    case: str
    size: int
    at: int
    last: dict[str, int]
    rows: tuple[Row, ...]
    entries: Mapping[int, bytes]
    consents: tuple[Committed, ...] = ()
    missing: tuple[int, ...] = ()
    records: tuple[Committed, ...] = ()

    def check_evidence(self, evidence: RecordEvidence, history: History) -> None:
        """Check that the account has each leaf of an agency's evidence.

        Raises `LogError` `left-out`, `split-view` (the log has another leaf at that index). Both
        prove that the hub lied. Evidence that doesn't prove itself accuses nobody: as
        `open_checkpoint` and `verify_presentation`, `NoteError` `no-quorum`, `LogError`
        `not-in-log`, `wrong-leaf`.
        """
        recorded = evidence.recorded.leaf
        leaves = (evidence.recorded, *evidence.passed)
        witnessed = witnessed_by(evidence.checkpoint, history)
        text = sd_jwt.join(evidence.jws, ())
        record = verify_presentation(text, history.membership_at(recorded.index)).record
        _check_recorded(recorded, record, self.case)
        for proved in leaves:
            check_included(proved.leaf, proved.path, witnessed.checkpoint)
        for proved in evidence.passed:
            passed_body(proved.leaf, record)
        if recorded.index in self.missing:
            # The account says that it can't show this record, and the threshold signed that.
            return
        for proved in leaves:
            self._check_has(proved.leaf)

    def _check_has(self, leaf: Leaf) -> None:
        if leaf.index >= self.size or leaf.index in self.missing:
            return
        entry = self.entries.get(leaf.index)
        if entry is None:
            raise LogError(
                "left-out",
                f"the leaf `{leaf.index}` of this record isn't in the account",
                fix=PROVES_MISCONDUCT,
            )
        if entry != leaf.entry:
            raise LogError(
                "split-view", f"the log has two leaves `{leaf.index}`", fix=PROVES_MISCONDUCT
            )


@frozen
class _CheckedRecord:
    """A record of an account, checked against its leaf."""

    accounted: AccountedRecord
    record: Record
    body: RecordBody

    @property
    def index(self) -> int:
        return self.accounted.recorded.leaf.index


def verify_account(
    account: Account, history: History, judges: Judges | None = None
) -> AccountStatement:
    """Verify that an account is complete, and return its statement.

    With `judges`, `disclosure` is asked about each reported oral disclosure.

    Raises `LogError`: `wrong-line`, `wrong-generation`, `not-in-log`, `wrong-leaf`, `back-dated`,
    `number-missing` (an issuer's numbers don't run from 1 to the hub's own count, except for lost
    leaves), `leaf-missing` (the hand-outs and withdrawals aren't as many as the hub counts),
    `wrong-number`, `record-twice`, `passed-twice`, `left-out` (a hand-out relies on a record that
    isn't in the account); `NoteError` as `open_checkpoint` and `no-quorum`; as
    `record.check_entries` for a record that its issuer didn't sign like this.
    """
    line = read_account_line(account.line, history.newest.log, account.case)
    witnessed = witnessed_by(account.checkpoint, history)
    last = _last_numbers(line, witnessed)
    missing = _missing_indices(account, line.generation, witnessed, history)
    leaves = _check_leaves(account, witnessed)
    checked = sorted(
        (_check_record(record, account.case, history) for record in account.records),
        key=lambda record: record.index,
    )
    _check_numbers(checked, last, missing)
    state = State(
        tuple(committed_record(entry.record, entry.index, entry.body.time) for entry in checked)
    )
    rows = tuple(_rows(checked, state, history, judges))
    _check_passed(checked, missing)
    _check_count(account, line)
    return AccountStatement(
        account.case,
        line.size,
        witnessed.signed_at,
        last,
        tuple(sorted(rows, key=lambda row: (row.at, row.issuer, row.to, row.category))),
        {leaf.index: leaf.entry for leaf in leaves},
        state.kind("consent", "consent_change"),
        missing,
        state.records,
    )


def witnessed_by(checkpoint: bytes, history: History) -> WitnessedCheckpoint:
    """Return a checkpoint with its quorum, by the directory in force at its size.

    A witness may have another key by now. Raises `NoteError` as `open_checkpoint` and
    `no-quorum`; `DirectoryError` `no-directory`.
    """
    size = read_checkpoint(read_note(checkpoint).text).size
    in_force = history.at(size)
    witnessed = open_checkpoint(checkpoint, in_force.log, in_force.witnesses())
    in_force.check_quorum(witnessed)
    return witnessed


def _last_numbers(line: AccountLine, witnessed: WitnessedCheckpoint) -> dict[str, int]:
    """Return each issuer's last number by the hub's line, which must be of the same tree."""
    # An older line under a fresh checkpoint would hide later records.
    if witnessed.checkpoint.size != line.size:
        raise LogError(
            "wrong-line", "the account's line is of another tree than its checkpoint", fix=_AGAIN
        )
    last = {counted.issuer: counted.last for counted in line.last}
    if len(last) < len(line.last):
        raise LogError("wrong-line", "the account's line counts an issuer twice", fix=_AGAIN)
    return last


def _missing_indices(
    account: Account, generations: int, witnessed: WitnessedCheckpoint, history: History
) -> tuple[int, ...]:
    """Return the log indices lost with each restore so far, as the threshold signed them."""
    if generations != 1 + len(account.generations):
        raise generation.wrong_generation(
            f"the hub counts `{generations}`, and `{1 + len(account.generations)}` are here"
        )
    indices: set[int] = set()
    earlier: list[SignedPayload] = []
    for proved, signed in account.generations:
        check_included(proved.leaf, proved.path, witnessed.checkpoint)
        in_force = history.at(proved.leaf.index)
        indices |= set(generation.check(proved.leaf, signed, in_force, earlier).missing)
        earlier.append(signed)
    return tuple(sorted(indices))


def _check_leaves(account: Account, witnessed: WitnessedCheckpoint) -> list[Leaf]:
    """Return the account's leaves in the log's order.

    Each must be there once, be in the tree, and have a time that does not go back.
    """
    leaves: list[Leaf] = []
    for record in account.records:
        for proved in (record.recorded, *record.passed):
            check_included(proved.leaf, proved.path, witnessed.checkpoint)
            leaves.append(proved.leaf)
    leaves.sort(key=lambda leaf: leaf.index)
    index, time = -1, 0
    for leaf in leaves:
        if leaf.index == index:
            raise wrong_leaf(leaf)
        if not time <= leaf.body.time <= witnessed.signed_at:
            raise LogError(
                "back-dated",
                f"the time of leaf `{leaf.index}` isn't one that its witnesses saw",
                fix=PROVES_MISCONDUCT,
            )
        index, time = leaf.index, leaf.body.time
    return leaves


def _check_record(accounted: AccountedRecord, case: str, history: History) -> _CheckedRecord:
    leaf = accounted.recorded.leaf
    record = check_entries(
        accounted.jws,
        accounted.labels,
        accounted.entries,
        accounted.pads,
        history.membership_at(leaf.index),
    )
    body = _check_recorded(leaf, record, case)
    if commit_number(accounted.number_nonce, accounted.number) != body.number:
        raise _wrong_number(record.issuer, accounted.number)
    return _CheckedRecord(accounted, record, body)


def _check_recorded(leaf: Leaf, record: Record, case: str) -> RecordBody:
    """Return the leaf's body, if it is that of this record of this case."""
    body = leaf.body
    claims = (record.jti, record.issuer, record.sha256)
    if (
        not isinstance(body, RecordBody)
        or (body.id, body.issuer, body.sha256) != claims
        or record.case != case
    ):
        raise wrong_leaf(leaf)
    return body


def _check_numbers(
    checked: Sequence[_CheckedRecord], last: Mapping[str, int], missing: Sequence[int]
) -> None:
    """Check that each issuer's numbers run 1, 2, … in the log's order, up to the hub's count.

    A record with two numbers would hide one that is left out, so each record may appear once.
    Numbers may be left out only if as many log indices are missing between the records around
    them.
    """
    seen: set[tuple[str, str]] = set()
    counted: dict[str, int] = defaultdict(int)
    reached: dict[str, int] = defaultdict(int)
    for entry in checked:
        record, number = entry.record, entry.accounted.number
        if (record.issuer, record.jti) in seen:
            raise LogError(
                "record-twice",
                f"the record `{record.jti}` is in the account twice",
                fix=PROVES_MISCONDUCT,
            )
        seen.add((record.issuer, record.jti))
        left_out = number - counted[record.issuer] - 1
        lost = bisect_left(missing, entry.index) - bisect_left(missing, reached[record.issuer])
        if not 0 <= left_out <= lost:
            raise _missing_number(record.issuer, last, counted[record.issuer] + 1)
        counted[record.issuer], reached[record.issuer] = number, entry.index
    for issuer in sorted({*last, *counted}):
        if counted[issuer] != last.get(issuer, 0):
            raise _missing_number(issuer, last, min(counted[issuer], last.get(issuer, 0)) + 1)


def _rows(
    checked: Iterable[_CheckedRecord], state: State, history: History, judges: Judges | None
) -> Iterator[Row]:
    for entry in checked:
        for row in text_rows(entry.record, entry.body, entry.accounted, history):
            yield with_later_events(row, state)
    for committed in state.kind(*report_kinds()):
        yield from oral_rows(committed, state, history, judges)


def _check_passed(checked: Sequence[_CheckedRecord], missing: Sequence[int]) -> None:
    """Check the recipients' numbers, and that the account has the records behind each hand-out.

    A recipient's numbers run over all cases, so here they can only be seen to grow as the records
    do. A record behind a hand-out must precede it. It may be missing only if a log index before
    the hand-out is.
    """
    indices: dict[str, int] = {}
    before: dict[tuple[str, str], tuple[int, str]] = defaultdict(lambda: (0, ""))
    for entry in checked:
        # The first record of an id counts. Another issuer can use the id again later, and must not
        # make the first record look late.
        indices.setdefault(entry.record.jti, entry.index)
    for entry in checked:
        record = entry.record
        for proved in entry.accounted.passed:
            body = passed_body(proved.leaf, record)
            number, jti = before[record.issuer, body.to]
            is_wrong = body.number != number if jti == record.jti else body.number <= number
            if is_wrong:
                raise _wrong_number(record.issuer, body.number)
            before[record.issuer, body.to] = body.number, record.jti
            _check_relied(proved.leaf, body, indices, missing)


def _check_relied(
    leaf: Leaf,
    body: HandoutBody | WithdrawalBody,
    indices: Mapping[str, int],
    missing: Sequence[int],
) -> None:
    if not isinstance(body, HandoutBody):
        return
    for jti in sorted({jti for part in body.parts for jti in part.relies}):
        if jti not in indices and missing and missing[0] < leaf.index:
            continue
        if not indices.get(jti, leaf.index) < leaf.index:
            raise LogError(
                "left-out",
                f"leaf `{leaf.index}` relies on `{jti}`, which isn't in the account",
                fix=PROVES_MISCONDUCT,
            )


def _check_count(account: Account, line: AccountLine) -> None:
    passed = sum(len(record.passed) for record in account.records)
    if passed != line.passed:
        raise LogError(
            "leaf-missing",
            f"the hub counts `{line.passed}` hand-outs and withdrawals, and `{passed}` are here",
            fix=_INCOMPLETE,
        )


_AGAIN = "ask the hub for it again"
# Only the line and the checkpoint are signed, so the hub or the carrier may have left it out.
_INCOMPLETE = "ask the hub for it again, and if it stays so, keep both as evidence"


def _missing_number(issuer: str, last: Mapping[str, int], number: int) -> LogError:
    counted = last.get(issuer, 0)
    return LogError(
        "number-missing",
        f"of `{issuer}` the hub counts `{counted}` records, and number `{number}` doesn't fit",
        fix=_INCOMPLETE,
    )


def _wrong_number(issuer: str, number: int) -> LogError:
    return LogError(
        "wrong-number", f"`{number}` isn't this record's number of `{issuer}`", fix=_INCOMPLETE
    )
