"""The account of a case: everything that went through the exchange about one person, with the proof that nothing is missing.

For each issuer it holds every record of the case from its first number to its last, with labels and the digests of all texts,
and for each text whether it was handed out, withdrawn or still waits, each with its leaf opened and proved. The hub signs how
many records each issuer has, so an account that leaves one out contradicts the hub's own line; and a record that the log holds
and an account doesn't, shown with its proof, convicts the hub of a false one. A receipt alone does not: nobody signed it.

It covers what went through the exchange. What was said aloud is in it only where somebody recorded that.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from exchange.consent.disclosure import Judges
from exchange.consent.reduction import Committed, State, known_of
from exchange.errors import ExchangeError, LogError
from exchange.log import generation
from exchange.log.checkpoints import check_included
from exchange.log.leaves import (
    HandoutBody,
    HandoutPart,
    Leaf,
    RecordBody,
    WithdrawalBody,
    commit_number,
    parse_leaf,
)
from exchange.log.signed_lines import read_account_line
from exchange.membership.history import History
from exchange.membership.signatures import SignedPayload
from exchange.models import Handle, NonEmptyTuple, ShortId, Term, WireModel, agency_of, validate
from exchange.records.bundle import check_entries
from exchange.records.kinds import report_kinds
from exchange.records.manifest import Entry
from exchange.records.presentation import verify_presentation
from exchange.records.record import Record
from exchange.records.statements import About, Report
from exchange.standards import base64, i_json, sd_jwt
from exchange.standards.notes import (
    WitnessedCheckpoint,
    open_checkpoint,
    read_checkpoint,
    read_note,
)
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
    """A case's account as the hub gives it. `line` and `checkpoint` are signed notes.

    `generations` are the log's after the first, each with its leaf: they say what was lost when the hub was restored.
    """

    case: str
    line: bytes
    checkpoint: bytes
    records: tuple[Accounted, ...]
    generations: tuple[tuple[Proved, SignedPayload], ...] = ()

    def write(self) -> bytes:
        """As JSON, as `read_account` reads it."""
        return i_json.write(
            {
                "type": "accounting",
                "case": self.case,
                "line": self.line.decode("utf-8"),
                "checkpoint": self.checkpoint.decode("utf-8"),
                "records": [_accounted_json(each) for each in self.records],
                "generations": [
                    {"proved": proved_json(proved), "signed": i_json.read(generation.write(signed))}
                    for proved, signed in self.generations
                ],
            }
        )


@frozen
class Row:
    """One kind of information on its way to one agency: what a person wants to know of it.

    `at` is when that happened, in seconds since 1970; `relies` the records that made it lawful. `told_aloud` rows come from
    somebody's report, and no text passed; `denied` is what `disclosure` says against such a telling: nothing, the rules that
    deny it, or None where no judge was asked. `record` and `part` name the text; `opened`, `recalled` and `answered` are when
    its reader acknowledged it, its issuer asked for it back, and the reader answered that; None where that isn't on record.
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
    denied: tuple[str, ...] | None = None
    record: str = ""
    part: str = ""
    opened: int | None = None
    recalled: int | None = None
    answered: int | None = None


@frozen
class Evidence:
    """What an agency holds of a record: the signed text, its leaf, and what passed it on, proved under one checkpoint.

    An issuer has the leaf from its receipt, by `receipt_leaf`; a recipient has it, and its hand-out's, from the delivery.
    """

    jws: str
    recorded: Proved
    checkpoint: bytes
    passed: tuple[Proved, ...] = ()


@frozen
class Statement:
    """A verified account: its rows in order of time, the size of the tree it covers, each issuer's number of records.

    `at` is the hub's time on that tree, which its witnesses cosigned: the account says nothing of what came later. `consents`
    are the records of what the person agreed to and took back. `missing` are the places of the log of which nothing, or not
    all, was left after the hub was restored: what stood there may have been of this case, or of another.
    """

    case: str
    size: int
    at: int
    last: dict[str, int]
    rows: tuple[Row, ...]
    entries: Mapping[int, bytes]
    consents: tuple[Committed, ...] = ()
    missing: tuple[int, ...] = ()

    def check_evidence(self, evidence: Evidence, history: History) -> None:
        """Holds unless the log has something of this case that the account should have and hasn't: then the hub lied.

        Raises `LogError` `left-out`, `split-view` (the log has another leaf at an index of the account's). What doesn't prove
        itself convicts nobody: as `open_checkpoint` and `record.verify`, `NoteError` `no-quorum`, `LogError` `not-in-log`,
        `wrong-leaf`.
        """
        witnessed = witnessed_by(evidence.checkpoint, history)
        record = verify_presentation(
            sd_jwt.join(evidence.jws, ()), history.membership_at(evidence.recorded.leaf.index)
        ).record
        _check_recorded(evidence.recorded.leaf, record, self.case)
        for proved in (evidence.recorded, *evidence.passed):
            check_included(proved.leaf, proved.path, witnessed.checkpoint)
        for proved in evidence.passed:
            _passed_body(proved.leaf, record)
        if evidence.recorded.leaf.index in self.missing:
            # The account says that it can't show this record, and the threshold signed that.
            return
        for proved in (evidence.recorded, *evidence.passed):
            leaf = proved.leaf
            if (
                leaf.index < self.size
                and leaf.index not in self.missing
                and self.entries.get(leaf.index) != leaf.entry
            ):
                if leaf.index in self.entries:
                    raise LogError(
                        "split-view", f"the log has two leaves `{leaf.index}`", fix=_CONVICTS
                    )
                raise LogError(
                    "left-out", f"what leaf `{leaf.index}` says isn't in the account", fix=_CONVICTS
                )


def verify_account(account: Account, history: History, judges: Judges | None = None) -> Statement:
    """What an account says, if it proves itself complete. With `judges`, `disclosure` is asked about what was told aloud.

    Raises `LogError`: `wrong-line`, `wrong-generation`, `not-in-log`, `wrong-leaf`, `back-dated`, `number-missing` (an
    issuer's numbers don't run from 1 to the hub's own count, but for what the log has lost), `leaf-missing` (what passed them
    on isn't as many as it counts), `wrong-number`,
    `record-twice`, `passed-twice`, `left-out` (a hand-out relies on a record that isn't in it); `NoteError` as
    `open_checkpoint` and `no-quorum`; and as `record.check_entries` where a record isn't what its issuer signed.
    """
    line = read_account_line(account.line, history.newest.log, account.case)
    witnessed = witnessed_by(account.checkpoint, history)
    # An older line would hide what came after it under a fresh checkpoint.
    if witnessed.checkpoint.size != line.size:
        raise LogError(
            "wrong-line", "the account's line is of another tree than its checkpoint", fix=_AGAIN
        )
    last = {one.issuer: one.last for one in line.last}
    if len(last) < len(line.last):
        raise LogError("wrong-line", "the account's line counts an issuer twice", fix=_AGAIN)
    missing = _missing_places(account, line.generation, witnessed, history)
    leaves = _leaves(account, witnessed)
    checked = [(each, *_checked(each, account.case, history)) for each in account.records]
    checked.sort(key=lambda one: one[0].recorded.leaf.index)
    _check_numbers(
        [(record, each.number, each.recorded.leaf.index) for each, record, _ in checked],
        last,
        missing,
    )
    rows = [row for each, record, body in checked for row in _rows(record, body, each, history)]
    state = State(
        tuple(
            known_of(record, each.recorded.leaf.index, body.time) for each, record, body in checked
        )
    )
    rows = [_since(row, state) for row in rows]
    rows += [
        row
        for committed in state.kind(*report_kinds())
        for row in _aloud(committed, state, history, judges)
    ]
    _check_passed(checked, missing)
    passed = sum(len(each.passed) for each in account.records)
    if passed != line.passed:
        raise LogError(
            "leaf-missing",
            f"the hub counts `{line.passed}` hand-outs and withdrawals, and `{passed}` are here",
            fix=_INCOMPLETE,
        )
    ordered = tuple(sorted(rows, key=lambda row: (row.at, row.issuer, row.to, row.category)))
    entries = {leaf.index: leaf.entry for leaf in leaves}
    consents = state.kind("consent", "consent_change")
    return Statement(
        account.case, line.size, witnessed.signed_at, last, ordered, entries, consents, missing
    )


def witnessed_by(checkpoint: bytes, history: History) -> WitnessedCheckpoint:
    """The checkpoint, with its quorum by the directory in force at its end: a witness may have another key by now.

    Raises `NoteError` as `open_checkpoint` and `no-quorum`; `DirectoryError` `no-directory`.
    """
    size = read_checkpoint(read_note(checkpoint).text).size
    then = history.at(size)
    witnessed = open_checkpoint(checkpoint, then.log, then.witnesses())
    then.check_quorum(witnessed)
    return witnessed


def _missing_places(
    account: Account, generations: int, witnessed: WitnessedCheckpoint, history: History
) -> tuple[int, ...]:
    """What was lost with every restore so far, as the threshold signed it."""
    if generations != 1 + len(account.generations):
        raise generation.wrong_generation(
            f"the hub counts `{generations}`, and `{1 + len(account.generations)}` are here"
        )
    places: list[int] = []
    before: list[SignedPayload] = []
    for proved, signed in account.generations:
        check_included(proved.leaf, proved.path, witnessed.checkpoint)
        places += generation.check(
            proved.leaf, signed, history.at(proved.leaf.index), before
        ).missing
        before.append(signed)
    return tuple(sorted(set(places)))


def _leaves(account: Account, witnessed: WitnessedCheckpoint) -> list[Leaf]:
    """Every leaf of the account in the log's order: each once, in the tree, and at a time that doesn't go back."""
    leaves: list[Leaf] = []
    for each in account.records:
        for proved in (each.recorded, *each.passed):
            check_included(proved.leaf, proved.path, witnessed.checkpoint)
            leaves.append(proved.leaf)
    leaves.sort(key=lambda leaf: leaf.index)
    index, time = -1, 0
    for leaf in leaves:
        if leaf.index == index:
            raise _wrong_leaf(leaf)
        if not time <= leaf.body.time <= witnessed.signed_at:
            raise LogError(
                "back-dated",
                f"the time of leaf `{leaf.index}` isn't one that its witnesses saw",
                fix=_CONVICTS,
            )
        index, time = leaf.index, leaf.body.time
    return leaves


def _checked(each: Accounted, case: str, history: History) -> tuple[Record, RecordBody]:
    leaf = each.recorded.leaf
    record = check_entries(
        each.jws, each.labels, each.entries, each.pads, history.membership_at(leaf.index)
    )
    body = _check_recorded(leaf, record, case)
    if commit_number(each.number_nonce, each.number) != body.number:
        raise _wrong_number(record.issuer, each.number)
    return record, body


def _check_recorded(leaf: Leaf, record: Record, case: str) -> RecordBody:
    """The leaf as the one of this record of this case."""
    body = leaf.body
    said = (record.jti, record.issuer, record.sha256)
    if (
        not isinstance(body, RecordBody)
        or (body.id, body.issuer, body.sha256) != said
        or record.case != case
    ):
        raise _wrong_leaf(leaf)
    return body


def _check_numbers(
    numbered: list[tuple[Record, int, int]], last: Mapping[str, int], missing: Sequence[int]
) -> None:
    """Each record once, each issuer's numbers 1, 2, … in the log's order, up to the hub's own count.

    A record that stood under two numbers would take the place of one that isn't there. Numbers are left out only where as many
    places of the log are missing between the records around them.
    """
    seen: set[tuple[str, str]] = set()
    counted: dict[str, int] = defaultdict(int)
    reached: dict[str, int] = defaultdict(int)
    for record, number, index in numbered:
        if (record.issuer, record.jti) in seen:
            raise LogError(
                "record-twice",
                f"the record `{record.jti}` stands in the account twice",
                fix=_CONVICTS,
            )
        seen.add((record.issuer, record.jti))
        left_out = number - counted[record.issuer] - 1
        lost = bisect_left(missing, index) - bisect_left(missing, reached[record.issuer])
        if not 0 <= left_out <= lost:
            raise _missing(record.issuer, last, counted[record.issuer] + 1)
        counted[record.issuer], reached[record.issuer] = number, index
    for issuer in sorted({*last, *counted}):
        if counted[issuer] != last.get(issuer, 0):
            raise _missing(issuer, last, min(counted[issuer], last.get(issuer, 0)) + 1)


def _check_passed(
    checked: Iterable[tuple[Accounted, Record, RecordBody]], missing: Sequence[int]
) -> None:
    """What a hand-out rests on is in the account, and stood in the log before it; each record has its number for a recipient.

    It may be missing where a place of the log before the hand-out is.
    Those numbers run over all cases, so that here they can only be seen to grow as the records do.
    """
    indices: dict[str, int] = {}
    before: dict[tuple[str, str], tuple[int, str]] = defaultdict(lambda: (0, ""))
    for each, record, _ in checked:
        # The first of that id: another issuer can use it again, later, and must not make the first look late.
        indices.setdefault(record.jti, each.recorded.leaf.index)
    for each, record, _ in checked:
        for proved in each.passed:
            said = _passed_body(proved.leaf, record)
            number, of = before[record.issuer, said.to]
            if (said.number != number) if of == record.jti else (said.number <= number):
                raise _wrong_number(record.issuer, said.number)
            before[record.issuer, said.to] = said.number, record.jti
            for jti in sorted(
                {jti for part in said.parts for jti in part.relies}
                if isinstance(said, HandoutBody)
                else ()
            ):
                if jti not in indices and missing and missing[0] < proved.leaf.index:
                    continue
                if not indices.get(jti, proved.leaf.index) < proved.leaf.index:
                    raise LogError(
                        "left-out",
                        f"leaf `{proved.leaf.index}` relies on `{jti}`, which isn't in the account",
                        fix=_CONVICTS,
                    )


def _passed_body(leaf: Leaf, record: Record) -> HandoutBody | WithdrawalBody:
    """The leaf as one of a hand-out or withdrawal of this record."""
    said = leaf.body
    if not isinstance(said, HandoutBody | WithdrawalBody) or (said.record, said.issuer) != (
        record.jti,
        record.issuer,
    ):
        raise _wrong_leaf(leaf)
    return said


def _rows(record: Record, body: RecordBody, each: Accounted, history: History) -> Iterable[Row]:
    """What became of each text; and what a report tells of."""
    became: dict[tuple[str, str], tuple[str, int, tuple[str, ...]]] = {}
    known = {
        (entry.part, agency_of(entry.to)): (entry.purpose, entry.basis) for entry in record.entries
    }
    for proved in each.passed:
        said = _passed_body(proved.leaf, record)
        handed = isinstance(said, HandoutBody)
        if proved.leaf.index < each.recorded.leaf.index:
            raise _wrong_leaf(proved.leaf)
        if isinstance(said, HandoutBody) and said.pack != history.at(proved.leaf.index).pack:
            raise _wrong_leaf(proved.leaf)
        for one in said.parts:
            part, relies = (one, ()) if isinstance(one, str) else (one.part, one.relies)
            if (part, said.to) in became:
                raise LogError(
                    "passed-twice",
                    f"the part `{part}` was passed to `{said.to}` twice",
                    fix=_CONVICTS,
                )
            if (part, said.to) not in known:
                raise LogError(
                    "passed-twice",
                    f"the part `{part}` was never sealed to `{said.to}`",
                    fix=_CONVICTS,
                )
            # For what and on what basis is the issuer's to say: a hub that logs another has judged another thing.
            if isinstance(one, HandoutPart) and (one.purpose, one.basis) != known[part, said.to]:
                raise _wrong_leaf(proved.leaf)
            became[part, said.to] = (HANDED if handed else WITHDRAWN, said.time, relies)
    for entry in record.entries:
        to = agency_of(entry.to)
        what, at, relies = became.get((entry.part, to), (PENDING, body.time, ()))
        for category in record.labels[entry.part].category:
            row = Row(
                record.issuer,
                record.kind,
                to,
                category,
                entry.purpose,
                entry.basis,
                what,
                at,
                relies,
            )
            yield replace(row, record=record.jti, part=entry.part)


def _since(row: Row, state: State) -> Row:
    """With what was done about a text since it passed, as its reader and issuer signed it."""

    def when(kind: str, by: str, about: tuple[str, str]) -> tuple[int, str, str] | None:
        return next(
            (
                (one.time, one.jti, part)
                for one in state.kind(kind)
                for part, said in one.says()
                if isinstance(said, About) and said.about == about and one.issuer == by
            ),
            None,
        )

    opened = when("acknowledgement", row.to, (row.record, row.part))
    recalled = when("recall", row.issuer, (row.record, row.part))
    answered = when("recall_answer", row.to, recalled[1:]) if recalled else None
    times = [one[0] if one else None for one in (opened, recalled, answered)]
    return replace(row, opened=times[0], recalled=times[1], answered=times[2])


def _aloud(
    committed: Committed, state: State, history: History, judges: Judges | None
) -> Iterable[Row]:
    """What a report tells of, and what `disclosure` says to it."""
    for part, said in committed.says():
        if isinstance(said, Report):
            current = history.at(committed.index)
            denied = (
                judges(current.pack).reasons_against_report(
                    committed, part, said, state, current, current.zone
                )
                if judges
                else None
            )
            kind, at = committed.kind, committed.time
            yield Row(
                committed.issuer,
                kind,
                said.told,
                said.category,
                "",
                "",
                "told",
                at,
                told_aloud=True,
                denied=denied,
            )


# Reading


class EntryShape(WireModel):
    """An entry of a manifest, as JSON has it."""

    part: ShortId
    to: Annotated[str, Field(max_length=64)]
    purpose: Term
    basis: Term
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ProvedShape(WireModel):
    """An opened leaf and its path, as JSON has them."""

    leaf: dict[str, Any]
    path: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")], ...],
        Field(strict=False, max_length=64),
    ]


class _AccountedShape(WireModel):
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


class _AccountShape(WireModel):
    type: Literal["accounting"]
    case: Handle
    line: Annotated[str, Field(max_length=65536)]
    checkpoint: Annotated[str, Field(max_length=65536)]
    records: Annotated[tuple[_AccountedShape, ...], Field(strict=False, max_length=65536)]
    generations: Annotated[tuple[_GenerationShape, ...], Field(strict=False, max_length=64)] = ()


def read_account(data: bytes) -> Account:
    """An account taken apart, nothing of it verified. Raises `TextError`, `ContentError`, `LogError` `not-an-account`."""
    try:
        shape = validate(_AccountShape, i_json.read_object(data), "the account")
        records = tuple(
            Accounted(
                each.record,
                each.labels,
                tuple(
                    Entry(one.part, one.to, one.purpose, one.basis, one.sha256)
                    for one in each.entries
                ),
                tuple(base64.decode_url(pad) for pad in each.pads),
                proved_of(each.recorded),
                each.number,
                bytes.fromhex(each.number_nonce),
                tuple(proved_of(one) for one in each.passed),
            )
            for each in shape.records
        )
        generations = tuple(
            (proved_of(one.proved), generation.read_signed(one.signed)) for one in shape.generations
        )
        return Account(
            shape.case, shape.line.encode(), shape.checkpoint.encode(), records, generations
        )
    except ExchangeError as error:
        raise LogError(
            "not-an-account", f"this is no account: {error.message}", fix=_AGAIN
        ) from None


def proved_of(shape: ProvedShape) -> Proved:
    """An opened leaf with its path, nothing of it verified. Raises `ContentError`."""
    return Proved(parse_leaf(shape.leaf), tuple(bytes.fromhex(each) for each in shape.path))


def _accounted_json(each: Accounted) -> dict[str, Any]:
    return {
        "record": each.jws,
        "labels": list(each.labels),
        "entries": [
            {
                "part": one.part,
                "to": one.to,
                "purpose": one.purpose,
                "basis": one.basis,
                "sha256": one.sha256,
            }
            for one in each.entries
        ],
        "pads": [base64.encode_url(pad) for pad in each.pads],
        "recorded": proved_json(each.recorded),
        "number": each.number,
        "number_nonce": each.number_nonce.hex(),
        "passed": [proved_json(one) for one in each.passed],
    }


def proved_json(proved: Proved) -> dict[str, Any]:
    """As JSON, as `proved_of` reads it."""
    return {"leaf": proved.leaf.json(), "path": [one.hex() for one in proved.path]}


_AGAIN = "ask the hub for it again"
# It is signed by nobody but for its line and checkpoint: the hub may have left it out, or who carried it.
_INCOMPLETE = "ask the hub for it again, and if it stays so, keep both as evidence"
_CONVICTS = "keep the account: with the hub's signature on it, it is evidence against the hub"


def _wrong_leaf(leaf: Leaf) -> LogError:
    return LogError(
        "wrong-leaf", f"the leaf `{leaf.index}` isn't one of this record", fix=_CONVICTS
    )


def _missing(issuer: str, last: Mapping[str, int], number: int) -> LogError:
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
