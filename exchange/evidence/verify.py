"""Verify a document offline: an exhibit, a decision, a receipt, or an account.

An exhibit can't prove what it doesn't contain: that a person revoked a consent, or that a later
directory retired a key. Against that, there is only the hub's own entry for the hand-out, and
the witnesses of the log. `exchange.evidence.findings` states no more than was checked here.

INVARIANT: this module imports no gateway and no hub. A court needs neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from exchange.consent.account import Proved
from exchange.consent.accounting import verify_account, witnessed_by
from exchange.consent.disclosure import Judges
from exchange.consent.reduction import (
    ENDED,
    INVALID,
    LIVE,
    NONE,
    NOT_YET,
    Query,
    direction,
    emergency_report,
    grant_status,
    is_restricted,
    queries_of,
    relies,
    sensitivity,
    valid_basis,
)
from exchange.consent.state import Committed, State, committed_record
from exchange.errors import LogError
from exchange.evidence.confirmations import check_confirmations, decisions_in
from exchange.evidence.documents import (
    DecisionExhibit,
    Exhibit,
    Member,
    ProvedAccount,
    ProvedReceipt,
    ShownRecord,
)
from exchange.evidence.findings import (
    AccountFindings,
    DecisionFindings,
    Findings,
    Ground,
    Logged,
    ProvedRecord,
    ReceiptFindings,
    ReliedOn,
    ShownPart,
    Signer,
)
from exchange.log.checkpoints import check_included, check_time
from exchange.log.leaves import (
    DirectoryBody,
    HandoutBody,
    HandoutPart,
    KeyBody,
    Leaf,
    RecordBody,
    sha256_hex,
)
from exchange.log.receipts import rebuild_leaf
from exchange.membership.directory import Directory
from exchange.membership.history import History
from exchange.membership.signatures import SignedPayload
from exchange.models import agency_of
from exchange.records.presentation import VerifiedPresentation, verify_presentation
from exchange.records.record import Record
from exchange.standards import sd_jwt
from exchange.standards.notes import WitnessedCheckpoint
from rules.frozen import frozen


@frozen
class _Opened:
    """A record as the document shows it, opened, and as the reduction reads it."""

    document: ShownRecord
    opened: VerifiedPresentation
    committed: Committed

    @property
    def record(self) -> Record:
        return self.opened.record

    @property
    def leaf(self) -> Leaf:
        return self.document.recorded.leaf


def verify_exhibit(exhibit: Exhibit, root: str | None = None) -> Findings:
    """Verify an exhibit and return the statements that it proves.

    `root` is the founders' fingerprint, 64 hex digits, from a source other than the exhibit.

    Raises `LogError`: `wrong-root`, `wrong-leaf`, `not-in-log`, `back-dated`,
    `wrong-checkpoints`, `wrong-pack`, `consent-after` (a record that it relies on is later),
    `relied-missing`, `consent-invalid`, `consent-not-live`, `not-covered`, `restricted`,
    `not-handed` (a part is shown that wasn't handed out, or not in this way); `NoteError` as
    `open_checkpoint` and `no-quorum`; `DirectoryError` as `History.add`; `RecordError` and
    others as `record.verify`.
    """
    history = _history(exhibit.members, root)
    documents = (exhibit.record, *exhibit.relied)
    proved = [*(document.recorded for document in documents), exhibit.handout]
    checkpoints = _check_grounds(exhibit.checkpoints, exhibit.members, proved, history)
    main, *relied = (_open(document, history) for document in documents)
    handout = handout_of(exhibit.handout.leaf, main.record)
    current = history.at(exhibit.handout.leaf.index)
    if handout.pack != current.pack:
        raise LogError(
            "wrong-pack",
            f"the hand-out was by the pack `{handout.pack[:19]}…`, which isn't in force",
            fix=_KEEP,
        )
    _check_relied(main, relied, exhibit.handout.leaf)
    state = State()
    for opened in (main, *relied):
        state = state.with_(opened.committed)
    parts = tuple(
        _verify_part(part, main, exhibit.handout.leaf, handout, state, current)
        for part in main.opened.contents
    )
    if not parts:
        raise LogError(
            "not-handed",
            "the exhibit shows no part of its record",
            fix="show the part that it is about",
        )
    return Findings(
        ground=_ground(history, checkpoints[-1]),
        jti=main.record.jti,
        kind=main.record.kind,
        case=main.record.case,
        signer=_signer(main.record, main.leaf.index, history),
        logged=_logged(main.leaf, checkpoints),
        handed=_logged(exhibit.handout.leaf, checkpoints),
        to=handout.to,
        pack=handout.pack,
        parts=parts,
        relied=tuple(
            ReliedOn(
                jti=opened.record.jti,
                kind=opened.record.kind,
                signer=_signer(opened.record, opened.leaf.index, history),
                logged=_logged(opened.leaf, checkpoints),
            )
            for opened in relied
        ),
        closed=main.opened.closed,
    )


def verify_decision(exhibit: DecisionExhibit, root: str | None = None) -> DecisionFindings:
    """Verify the exhibit of a decision and return the records that it proves.

    Raises as `verify_exhibit` for records and their leaves, and `LogError` `not-covered` for a
    record of another case, `consent-after` for a source that is later than the decision,
    `wrong-confirmation` for a confirmation of something else, or that a passkey didn't sign.
    """
    history = _history(exhibit.members, root)
    documents = (exhibit.record, *exhibit.sources)
    checkpoints = _check_grounds(
        exhibit.checkpoints,
        exhibit.members,
        [document.recorded for document in documents],
        history,
    )
    decision, *sources = (
        _proved_record(_open(document, history), history, checkpoints) for document in documents
    )
    decided = decisions_in(decision.kind, decision.contents.values())
    if not (decision.kind == "decision" or decided) or not decision.contents:
        raise LogError(
            "not-handed",
            f"the record `{decision.jti}` shows no decision",
            fix="show the part that holds its outcome",
        )
    for source in sources:
        if source.case != decision.case:
            raise LogError(
                "not-covered", f"the record `{source.jti}` isn't one of this case", fix=_NOT_PROVED
            )
        if source.logged.index >= decision.logged.index:
            raise LogError(
                "consent-after",
                f"the record `{source.jti}` is later than the decision that cites it",
                fix=_NOT_PROVED,
            )
    confirmations = check_confirmations(exhibit.confirmations, decision.case, decided)
    ground = _ground(history, checkpoints[-1])
    return DecisionFindings(ground, decision, tuple(sources), decided, confirmations)


def verify_receipt(receipt: ProvedReceipt, root: str | None = None) -> ReceiptFindings:
    """Verify a receipt and return the statement that it proves.

    Raises as `verify_exhibit` for a record and its leaf.
    """
    history = _history(receipt.members, root)
    record = verify_presentation(
        sd_jwt.join(receipt.record, ()), history.membership_at(receipt.receipt.index)
    ).record
    leaf = rebuild_leaf(
        receipt.receipt, jti=record.jti, issuer=record.issuer, statement=record.sha256
    )
    checkpoints = _check_grounds(
        receipt.checkpoints, receipt.members, [Proved(leaf, receipt.path)], history
    )
    return ReceiptFindings(
        ground=_ground(history, checkpoints[-1]),
        jti=record.jti,
        kind=record.kind,
        case=record.case,
        signer=_signer(record, leaf.index, history),
        logged=_logged(leaf, checkpoints),
        number=receipt.receipt.number,
    )


def verify_proved_account(
    proved: ProvedAccount, root: str | None = None, judges: Judges | None = None
) -> AccountFindings:
    """Verify an account by the directory that comes with it.

    Raises as `verify_account`, and as `verify_exhibit` for the directory.
    """
    history = _history(proved.members, root)
    checkpoints = _check_grounds((proved.account.checkpoint,), proved.members, [], history)
    return AccountFindings(
        _ground(history, checkpoints[-1]), verify_account(proved.account, history, judges)
    )


# The grounds: directory, checkpoints, and leaves


def _history(members: Sequence[Member], root: str | None) -> History:
    """Replay the directory's versions and keys, each checked by the one before and its leaf."""
    history, last = History(), -1
    for member in members:
        leaf = member.proved.leaf
        if leaf.index <= last:
            raise _wrong_leaf(leaf, "is out of order")
        last = leaf.index
        if isinstance(member.document, str):
            _add_key(history, leaf, member.document)
        else:
            _add_version(history, leaf, member.document)
    if root is not None and history.founders != root:
        raise LogError(
            "wrong-root",
            f"the founders' fingerprint is `{history.founders}`",
            fix="trust nothing in it: it is of other founders",
        )
    return history


def _add_key(history: History, leaf: Leaf, announced: str) -> None:
    body = leaf.body
    if not isinstance(body, KeyBody) or body.sha256 != sha256_hex(announced.encode()):
        raise _wrong_leaf(leaf, "isn't that of the key")
    agency, _ = history.check_sealing(announced)
    if agency.id != body.agency:
        raise _wrong_leaf(leaf, "isn't that of the key")
    history.add_sealing(leaf.index, announced)


def _add_version(history: History, leaf: Leaf, signed: SignedPayload) -> None:
    body = leaf.body
    if not isinstance(body, DirectoryBody) or body.sha256 != sha256_hex(signed.payload):
        raise _wrong_leaf(leaf, "isn't that of the directory")
    if history.add(leaf.index, signed).version != body.version:
        raise _wrong_leaf(leaf, "isn't that of the directory")


def _check_grounds(
    notes: Sequence[bytes], members: Sequence[Member], proved: Sequence[Proved], history: History
) -> tuple[WitnessedCheckpoint, ...]:
    """Return the checkpoints, if each was witnessed and the last contains every leaf.

    Each leaf's time must lie between the hub's times on the checkpoints around it.
    """
    checkpoints = tuple(witnessed_by(note, history) for note in notes)
    for earlier, later in pairwise(checkpoints):
        grows = earlier.checkpoint.size < later.checkpoint.size
        if not grows or earlier.signed_at > later.signed_at:
            raise LogError("wrong-checkpoints", "the checkpoints are out of order", fix=_KEEP)
    leaves = sorted(
        [*(member.proved for member in members), *proved], key=lambda proof: proof.leaf.index
    )
    index, time = -1, 0
    for proof in leaves:
        leaf = proof.leaf
        if leaf.index == index:
            raise _wrong_leaf(leaf, "is here twice")
        check_included(leaf, proof.path, checkpoints[-1].checkpoint)
        check_time(leaf, *_around(leaf, checkpoints))
        if leaf.body.time < time:
            raise LogError(
                "back-dated",
                f"the time of leaf `{leaf.index}` is before that of leaf `{index}`",
                fix=_KEEP,
            )
        index, time = leaf.index, leaf.body.time
    return checkpoints


def _around(
    leaf: Leaf, checkpoints: Sequence[WitnessedCheckpoint]
) -> tuple[WitnessedCheckpoint | None, WitnessedCheckpoint]:
    """Return the last checkpoint before a leaf, if there is one, and the first that covers it."""
    before = [witnessed for witnessed in checkpoints if witnessed.checkpoint.size <= leaf.index]
    over = [witnessed for witnessed in checkpoints if witnessed.checkpoint.size > leaf.index]
    return (before[-1] if before else None), (over[0] if over else checkpoints[-1])


# Records


def _open(document: ShownRecord, history: History) -> _Opened:
    """Verify a record against its leaf, with entries sealed to keys that were then in force."""
    leaf = document.recorded.leaf
    membership = history.membership_at(leaf.index)
    opened = verify_presentation(document.presentation, membership, document.entries)
    record, body = opened.record, leaf.body
    if not isinstance(body, RecordBody) or (body.id, body.issuer, body.sha256) != (
        record.jti,
        record.issuer,
        record.sha256,
    ):
        raise _wrong_leaf(leaf, f"isn't that of the record `{record.jti}`")
    entries = tuple(entry for entry, _ in document.entries)
    for entry in entries:
        membership.recipient(entry.to)
    committed = committed_record(replace(record, entries=entries), leaf.index, body.time)
    return _Opened(document, opened, committed)


def _proved_record(
    opened: _Opened, history: History, checkpoints: Sequence[WitnessedCheckpoint]
) -> ProvedRecord:
    record = opened.record
    return ProvedRecord(
        jti=record.jti,
        kind=record.kind,
        case=record.case,
        signer=_signer(record, opened.leaf.index, history),
        logged=_logged(opened.leaf, checkpoints),
        labels=record.labels,
        contents=opened.opened.contents,
    )


def handout_of(leaf: Leaf, record: Record) -> HandoutBody:
    """Return the body of a record's hand-out. Raises `LogError` `wrong-leaf` for any other leaf."""
    body = leaf.body
    if not isinstance(body, HandoutBody) or (body.record, body.issuer) != (
        record.jti,
        record.issuer,
    ):
        raise _wrong_leaf(leaf, f"isn't a hand-out of the record `{record.jti}`")
    return body


def _check_relied(main: _Opened, relied: Iterable[_Opened], handout: Leaf) -> None:
    """Check that each record relied on is of this case, is here once, and precedes the hand-out."""
    seen = {main.record.jti}
    if main.leaf.index >= handout.index:
        raise _wrong_leaf(handout, "is before its record")
    for opened in relied:
        record = opened.record
        if record.case != main.record.case or record.jti in seen:
            raise LogError(
                "not-covered",
                f"the record `{record.jti}` isn't one of this case, or is here twice",
                fix=_NOT_PROVED,
            )
        seen.add(record.jti)
        if opened.leaf.index >= handout.index:
            raise LogError(
                "consent-after",
                f"the record `{record.jti}` is at leaf `{opened.leaf.index}`, "
                f"after the hand-out at `{handout.index}`",
                fix=_NOT_PROVED,
            )


# Parts


def _verify_part(
    part: str,
    main: _Opened,
    leaf: Leaf,
    handout: HandoutBody,
    state: State,
    current: Directory,
) -> ShownPart:
    """Return one part, if its hand-out matches its entry and the records here support its basis."""
    handed = next((candidate for candidate in handout.parts if candidate.part == part), None)
    passage = next(
        (
            candidate
            for candidate in main.committed.passages
            if (candidate.part, candidate.to) == (part, handout.to)
        ),
        None,
    )
    if (
        handed is None
        or passage is None
        or (passage.purpose, passage.basis) != (handed.purpose, handed.basis)
    ):
        raise LogError(
            "not-handed",
            f"the part `{part}` wasn't handed to `{handout.to}` like this",
            fix=_NOT_PROVED,
        )
    _check_relies_present(handed, state)
    queries = queries_of(main.committed, passage, index=leaf.index, time=handout.time)
    for query in queries:
        _check_covered(query, state, current)
    if not set(relies(queries, state, current.zone)) <= set(handed.relies):
        raise LogError(
            "relied-missing",
            f"the hand-out of `{part}` rests on another record in the log",
            fix=_NOT_PROVED,
        )
    label = main.record.labels[part]
    return ShownPart(
        id=part,
        category=label.category,
        sensitivity=_strictest(label.sensitivity, queries, current),
        use=label.use,
        notice=label.notice,
        keep_until=label.keep_until,
        content=main.opened.contents[part],
        to=handout.to,
        purpose=handed.purpose,
        basis=handed.basis,
        relies=handed.relies,
    )


def _strictest(labeled: str, queries: Iterable[Query], current: Directory) -> str:
    """Return the label's sensitivity, or `part2` if the sender's status makes it so.

    A sender that isn't known to be outside 42 CFR Part 2 counts as inside it.
    """
    levels = [
        sensitivity(labeled, direction(query)[0], query.category, current) for query in queries
    ]
    return "part2" if "part2" in levels else labeled


def _check_relies_present(handed: HandoutPart, state: State) -> None:
    for jti in handed.relies:
        if not any(record.jti == jti for record in state.records):
            raise LogError(
                "relied-missing",
                f"the hand-out of `{handed.part}` rests on `{jti}`, which isn't here",
                fix=_NOT_PROVED,
            )


def _check_covered(query: Query, state: State, current: Directory) -> None:
    """Check the basis at the hand-out's index and time, on the records here. Doubt fails it."""
    before, (sender, recipient) = state.before(query.index), direction(query)
    about = f"`{query.category}` from `{sender}` to `{recipient}` for `{query.purpose}`"
    if is_restricted(before, sender, recipient, query.category):
        raise LogError("restricted", f"the person said no to {about}", fix=_NOT_PROVED)
    if emergency_report(before, query) is not None:
        return
    if query.claimed == "consent":
        status, _, _ = grant_status(before, query, current.zone)
        if status == INVALID:
            raise LogError(
                "consent-invalid", f"the consent to {about} isn't valid", fix=_NOT_PROVED
            )
        if status in (ENDED, NOT_YET):
            when = "had ended" if status == ENDED else "hadn't begun"
            raise LogError(
                "consent-not-live",
                f"the consent to {about} {when} at the hand-out",
                fix=_NOT_PROVED,
            )
        if status == LIVE:
            return
    elif query.claimed != NONE and valid_basis(before, query, current, NONE) == query.claimed:
        return
    raise LogError("not-covered", f"nothing here lets {about} pass", fix=_NOT_PROVED)


# Findings


def _signer(record: Record, index: int, history: History) -> Signer:
    agency = history.at(index).agencies[record.issuer]
    return Signer(agency.id, agency.name, agency.role, record.kid)


def _logged(leaf: Leaf, checkpoints: Sequence[WitnessedCheckpoint]) -> Logged:
    before, over = _around(leaf, checkpoints)
    return Logged(leaf.index, leaf.body.time, before.signed_at if before else None, over.signed_at)


def _ground(history: History, over: WitnessedCheckpoint) -> Ground:
    newest = history.newest
    witnesses = tuple(sorted(agency_of(name) for name in over.cosigned_at))
    return Ground(
        newest.document.program, history.founders, newest.version, over.checkpoint.size, witnesses
    )


_KEEP = "keep the file as evidence, and ask its sender for another"
_NOT_PROVED = "ask its sender what it rests on: this doesn't prove it"


def _wrong_leaf(leaf: Leaf, why: str) -> LogError:
    return LogError("wrong-leaf", f"the leaf `{leaf.index}` {why}", fix=_KEEP)
