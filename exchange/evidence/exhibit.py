"""What is shown to somebody outside: a court, counsel, an auditor. It proves itself, offline, to whoever knows the founders.

An exhibit is one record with the parts that its holder chose to show, and whatever these rest on: the place of the record and
of its hand-out in the log, the consents behind the hand-out with theirs, checkpoints that the witnesses cosigned, and every
version of the directory that says whose keys all these are. Nothing is taken from the one who shows it; the one thing to be
known from elsewhere is the fingerprint of the directory's first version, which its founders can say aloud.

What it can't prove is what it doesn't hold: that a person took a consent back, that a later directory retired a key. Against
that stands only that the hub logged the hand-out, and who witnesses the log. `Findings` says no more than was checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import Field

from exchange.agency.gateway import Gateway, Received
from exchange.consent.accounting import (
    Account,
    EntryShape,
    Proved,
    ProvedShape,
    Statement,
    proved_json,
    proved_of,
    read_account,
    verify_account,
    witnessed_by,
)
from exchange.consent.disclosure import Judges
from exchange.consent.reduction import (
    ENDED,
    INVALID,
    LIVE,
    NONE,
    NOT_YET,
    Ask,
    Committed,
    State,
    asks,
    basis,
    between,
    emergency,
    granted,
    known_of,
    relies,
    restricted,
    sensitivity,
)
from exchange.errors import ExchangeError, LogError, shown
from exchange.log import log
from exchange.log.log import (
    HandedOut,
    HandedPart,
    Leaf,
    Receipt,
    check_included,
    check_time,
    receipt_leaf,
    receipt_of,
)
from exchange.membership.directory import Directory, History, Signed, read_signed
from exchange.models import Listed, Shape, agency_of, held
from exchange.records.label import Label
from exchange.records.manifest import Entry, Path, rebuilt
from exchange.records.record import Record, Shown, check, path_text, presentation, read_path, verify
from exchange.records.statements import About, Answer, Change, Emergency, Grant
from exchange.standards import i_json, sd_jwt
from exchange.standards.notes import Witnessed, read_checkpoint, read_note
from rules.frozen import frozen, frozen_by_name

LARGEST = 16 * 1024 * 1024


# What it holds


@frozen
class Member:
    """A version of the directory, or an announced key to seal to, with its leaf proved."""

    proved: Proved
    said: Signed | str


@frozen
class Borne:
    """A record as far as it is shown, those entries of its manifest that are, and its leaf proved."""

    presentation: str
    entries: tuple[tuple[Entry, Path], ...]
    recorded: Proved


@frozen
class Exhibit:
    """One record, its hand-out, what that rests on. Every path leads to the last of `checkpoints`, which grow in size.

    A leaf's time is held to the checkpoints on both sides of it; so there should be one before the hand-out.
    """

    shown: Borne
    handed: Proved
    relied: tuple[Borne, ...]
    checkpoints: tuple[bytes, ...]
    members: tuple[Member, ...]

    def write(self) -> bytes:
        """As JSON, as `read_exhibit` reads it."""
        return i_json.write(
            {
                "type": "exhibit",
                "shown": _borne_json(self.shown),
                "handed": proved_json(self.handed),
                "relied": [_borne_json(each) for each in self.relied],
                **_ground_json(self.checkpoints, self.members),
            }
        )


@frozen
class ProvedReceipt:
    """A record with the hub's receipt for it, and the proof that the log holds it."""

    record: str
    receipt: Receipt
    path: tuple[bytes, ...]
    checkpoints: tuple[bytes, ...]
    members: tuple[Member, ...]

    def write(self) -> bytes:
        """As JSON, as `read_receipt` reads it."""
        return i_json.write(
            {
                "type": "receipt",
                "record": self.record,
                "receipt": self.receipt.json(),
                "path": [one.hex() for one in self.path],
                **_ground_json(self.checkpoints, self.members),
            }
        )


@frozen
class ProvedAccount:
    """An account with the versions of the directory, proved under the account's own checkpoint."""

    account: Account
    members: tuple[Member, ...]

    def write(self) -> bytes:
        """As JSON, as `read_proved_account` reads it."""
        account = i_json.read_object(self.account.write())
        return i_json.write({**account, "members": [_member_json(each) for each in self.members]})


@frozen
class DecisionExhibit:
    """A record of a decision, own or received, with those records behind it whose parts are held and opened here.

    It says nothing of hand-outs: not that anybody was told, but what was answered, and on which words of whom.
    """

    shown: Borne
    sources: tuple[Borne, ...]
    checkpoints: tuple[bytes, ...]
    members: tuple[Member, ...]

    def write(self) -> bytes:
        """As JSON, as `read_decision` reads it."""
        return i_json.write(
            {
                "type": "decision",
                "shown": _borne_json(self.shown),
                "sources": [_borne_json(each) for each in self.sources],
                **_ground_json(self.checkpoints, self.members),
            }
        )


# What was found


@frozen
class Ground:
    """Whose log it is: the program, the founders' fingerprint, the newest version of the directory that is shown, how many
    leaves the log had, and who cosigned that.
    """

    program: str
    founders: str
    version: int
    size: int
    witnesses: tuple[str, ...]


@frozen
class Signer:
    """Who signed: agency, its name and role, and the key, all as in force at the record's place in the log."""

    agency: str
    name: str
    role: str
    kid: str


@frozen
class Logged:
    """A place in the log, its time, and the hub's times on the witnessed checkpoints before and over it.

    Seconds since 1970. `after` is None where the exhibit shows no checkpoint from before.
    """

    index: int
    time: int
    after: int | None
    by: int


@frozen_by_name
class ReliedOn:
    """A record that a hand-out rests on: its id, kind, who signed it, and where it is in the log."""

    jti: str
    kind: str
    signer: Signer
    logged: Logged


@frozen_by_name
class ShownPart:
    """A part that is shown: its label's words, its content, and to whom it was handed out, what for and on what basis.

    `sensitivity` is the stricter of the label's and what the sender's standing under Part 2 makes it.
    """

    id: str
    category: tuple[str, ...]
    sensitivity: str
    use: str
    notice: str
    keep_until: str
    content: Any
    to: str
    purpose: str
    basis: str
    relies: tuple[str, ...]


@frozen_by_name
class Findings:
    """What an exhibit proves. `closed` digests hide withheld parts or decoys; nobody can tell which."""

    ground: Ground
    jti: str
    kind: str
    case: str | None
    signer: Signer
    logged: Logged
    handed: Logged
    to: str
    pack: str
    parts: tuple[ShownPart, ...]
    relied: tuple[ReliedOn, ...]
    closed: int


@frozen_by_name
class ReceiptFindings:
    """What a receipt proves: that this agency's record stands at this place in the log."""

    ground: Ground
    jti: str
    kind: str
    case: str | None
    signer: Signer
    logged: Logged
    number: int


@frozen_by_name
class Told:
    """A record that is proved: who said it, where it stands in the log, and its labels with those contents that are shown."""

    jti: str
    kind: str
    case: str | None
    signer: Signer
    logged: Logged
    labels: Mapping[str, Label]
    contents: Mapping[str, Any]


@frozen
class DecisionFindings:
    """What the exhibit of a decision proves: the record, and those that it rests on as far as they are shown."""

    ground: Ground
    told: Told
    sources: tuple[Told, ...]


@frozen
class AccountFindings:
    """What an account proves, and on what ground."""

    ground: Ground
    statement: Statement


# Verifying


def verify_exhibit(exhibit: Exhibit, root: str | None = None) -> Findings:
    """What an exhibit proves. `root` is the founders' fingerprint, 64 hex digits, from a source of one's own.

    Raises `LogError`: `wrong-root`, `wrong-leaf`, `not-in-log`, `back-dated`, `wrong-checkpoints`, `wrong-pack`,
    `consent-after` (what it rests on came later), `relied-missing`, `consent-invalid`, `consent-not-live`, `not-covered`,
    `restricted`, `not-handed` (a part is shown that wasn't handed out, or not so); `NoteError` as `open_checkpoint` and
    `no-quorum`; `DirectoryError` as `History.add`; `RecordError` and others as `record.verify`.
    """
    history = _history(exhibit.members, root)
    borne = (exhibit.shown, *exhibit.relied)
    proved = [*(each.recorded for each in borne), exhibit.handed]
    checkpoints = _grounded(exhibit.checkpoints, exhibit.members, proved, history)
    known = [(each, *_verified(each, history)) for each in borne]
    (_, main, committed), *others = known
    handed = _handed(exhibit.handed.leaf, main.record)
    current = history.at(exhibit.handed.leaf.index)
    if handed.pack != current.pack:
        raise LogError(
            "wrong-pack",
            f"the hand-out was by the pack `{handed.pack[:19]}…`, which isn't in force",
            fix=_KEEP,
        )
    _check_others(
        main.record, exhibit, [(each, shown_.record) for each, shown_, _ in others], handed
    )
    state = State()
    for _, _, one in known:
        state = state.with_(one)
    parts = tuple(
        _part(part, exhibit.shown, main, committed, handed, exhibit.handed.leaf, state, current)
        for part in main.contents
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
        signer=_signer(main.record, committed.index, history),
        logged=_logged(exhibit.shown.recorded.leaf, checkpoints),
        handed=_logged(exhibit.handed.leaf, checkpoints),
        to=handed.to,
        pack=handed.pack,
        parts=parts,
        relied=tuple(
            ReliedOn(
                jti=one.record.jti,
                kind=one.record.kind,
                signer=_signer(one.record, each.recorded.leaf.index, history),
                logged=_logged(each.recorded.leaf, checkpoints),
            )
            for each, one, _ in others
        ),
        closed=main.closed,
    )


def verify_decision(exhibit: DecisionExhibit, root: str | None = None) -> DecisionFindings:
    """What the exhibit of a decision proves. Raises as `verify_exhibit` does for records and their leaves, and `LogError`
    `not-covered` for a record of another case, `consent-after` for one that came later than what rests on it.
    """
    history = _history(exhibit.members, root)
    borne = (exhibit.shown, *exhibit.sources)
    checkpoints = _grounded(
        exhibit.checkpoints, exhibit.members, [each.recorded for each in borne], history
    )
    told, *sources = (_told(each, history, checkpoints) for each in borne)
    if told.kind != "decision" or not told.contents:
        raise LogError(
            "not-handed",
            f"the record `{told.jti}` shows no decision",
            fix="show the part that holds its outcome",
        )
    for one in sources:
        if one.case != told.case:
            raise LogError(
                "not-covered", f"the record `{one.jti}` isn't one of this case", fix=_NOT_PROVED
            )
        if one.logged.index >= told.logged.index:
            raise LogError(
                "consent-after",
                f"`{one.jti}` came after what is said to rest on it",
                fix=_NOT_PROVED,
            )
    return DecisionFindings(_ground(history, checkpoints[-1]), told, tuple(sources))


def _told(borne: Borne, history: History, checkpoints: Sequence[Witnessed]) -> Told:
    shown_, committed = _verified(borne, history)
    record = shown_.record
    return Told(
        jti=record.jti,
        kind=record.kind,
        case=record.case,
        signer=_signer(record, committed.index, history),
        logged=_logged(borne.recorded.leaf, checkpoints),
        labels=record.labels,
        contents=shown_.contents,
    )


def verify_receipt(receipt: ProvedReceipt, root: str | None = None) -> ReceiptFindings:
    """What a receipt proves. Raises as `verify_exhibit` does for a record and its leaf."""
    history = _history(receipt.members, root)
    record = verify(sd_jwt.join(receipt.record, ()), history.standing(receipt.receipt.index)).record
    leaf = receipt_leaf(
        receipt.receipt, jti=record.jti, issuer=record.issuer, statement=record.sha256
    )
    checkpoints = _grounded(
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
    """What an account proves, by the directory that comes with it. Raises as `verify_account`, and as `verify_exhibit` does for
    the directory.
    """
    history = _history(proved.members, root)
    checkpoints = _grounded((proved.account.checkpoint,), proved.members, [], history)
    return AccountFindings(
        _ground(history, checkpoints[-1]), verify_account(proved.account, history, judges)
    )


def _history(members: Sequence[Member], root: str | None) -> History:
    """The directory's versions and the keys, each by the one before, as their leaves say."""
    history, last = History(), -1
    for member in members:
        leaf, said = member.proved.leaf, member.said
        if leaf.index <= last:
            raise _wrong_leaf(leaf, "stands out of order")
        last = leaf.index
        body = leaf.body
        if isinstance(said, str):
            if not isinstance(body, log.KeyOpened) or body.sha256 != log.digest(said.encode()):
                raise _wrong_leaf(leaf, "isn't that of the key")
            agency, _ = history.check_sealing(said)
            if agency.id != body.agency:
                raise _wrong_leaf(leaf, "isn't that of the key")
            history.add_sealing(leaf.index, said)
        else:
            if not isinstance(body, log.DirectoryChanged) or body.sha256 != log.digest(
                said.payload
            ):
                raise _wrong_leaf(leaf, "isn't that of the directory")
            if history.add(leaf.index, said).version != body.version:
                raise _wrong_leaf(leaf, "isn't that of the directory")
    if root is not None and history.founders != root:
        raise LogError(
            "wrong-root",
            f"the founders' fingerprint is `{history.founders}`",
            fix="trust nothing in it: it is of other founders",
        )
    return history


def _grounded(
    notes: Sequence[bytes], members: Sequence[Member], proved: Sequence[Proved], history: History
) -> tuple[Witnessed, ...]:
    """The checkpoints, if all were witnessed and the last holds every leaf, each at a time that they bear out."""
    checkpoints = tuple(witnessed_by(note, history) for note in notes)
    for one, other in pairwise(checkpoints):
        if one.checkpoint.size >= other.checkpoint.size or one.signed_at > other.signed_at:
            raise LogError(
                "wrong-checkpoints", "the checkpoints don't stand in their order", fix=_KEEP
            )
    every = sorted(
        [*(member.proved for member in members), *proved], key=lambda each: each.leaf.index
    )
    index, time = -1, 0
    for each in every:
        leaf = each.leaf
        if leaf.index == index:
            raise _wrong_leaf(leaf, "stands here twice")
        check_included(leaf, each.path, checkpoints[-1].checkpoint)
        before, over = _around(leaf, checkpoints)
        check_time(leaf, before, over)
        if leaf.body.time < time:
            raise LogError(
                "back-dated",
                f"the time of leaf `{leaf.index}` is before that of leaf `{index}`",
                fix=_KEEP,
            )
        index, time = leaf.index, leaf.body.time
    return checkpoints


def _around(leaf: Leaf, checkpoints: Sequence[Witnessed]) -> tuple[Witnessed | None, Witnessed]:
    before = [one for one in checkpoints if one.checkpoint.size <= leaf.index]
    over = [one for one in checkpoints if one.checkpoint.size > leaf.index]
    return (before[-1] if before else None), (over[0] if over else checkpoints[-1])


def _verified(borne: Borne, history: History) -> tuple[Shown, Committed]:
    """A record that is what its leaf says, with its entries meant for keys that were open then."""
    leaf = borne.recorded.leaf
    standing = history.standing(leaf.index)
    shown_ = verify(borne.presentation, standing, borne.entries)
    record, body = shown_.record, leaf.body
    if not isinstance(body, log.Recorded) or (body.id, body.issuer, body.sha256) != (
        record.jti,
        record.issuer,
        record.sha256,
    ):
        raise _wrong_leaf(leaf, f"isn't that of the record `{record.jti}`")
    entries = tuple(entry for entry, _ in borne.entries)
    for entry in entries:
        standing.recipient(entry.to)
    return shown_, known_of(replace(record, entries=entries), leaf.index, body.time)


def _handed(leaf: Leaf, record: Record) -> HandedOut:
    body = leaf.body
    if not isinstance(body, HandedOut) or (body.record, body.issuer) != (record.jti, record.issuer):
        raise _wrong_leaf(leaf, f"isn't a hand-out of the record `{record.jti}`")
    return body


def _check_others(
    main: Record, exhibit: Exhibit, others: Iterable[tuple[Borne, Record]], handed: HandedOut
) -> None:
    """What the hand-out rests on is of the same case, each once, and stood in the log before it."""
    index, seen = exhibit.handed.leaf.index, {main.jti}
    if exhibit.shown.recorded.leaf.index >= index:
        raise _wrong_leaf(exhibit.handed.leaf, "stands before its record")
    for borne, record in others:
        if record.case != main.case or record.jti in seen:
            raise LogError(
                "not-covered",
                f"the record `{record.jti}` isn't one of this case, or is here twice",
                fix=_NOT_PROVED,
            )
        seen.add(record.jti)
        if borne.recorded.leaf.index >= index:
            raise LogError(
                "consent-after",
                f"`{record.jti}` came at leaf `{borne.recorded.leaf.index}`, after the hand-out at `{index}`",
                fix=_NOT_PROVED,
            )


def _part(
    part: str,
    borne: Borne,
    main: Shown,
    committed: Committed,
    handed: HandedOut,
    leaf: Leaf,
    state: State,
    current: Directory,
) -> ShownPart:
    """One part, if it was handed out as its issuer meant it, on a basis that what is here bears out."""
    logged = next((one for one in handed.parts if one.part == part), None)
    passage = next(
        (one for one in committed.passages if (one.part, one.to) == (part, handed.to)), None
    )
    if (
        logged is None
        or passage is None
        or (passage.purpose, passage.basis) != (logged.purpose, logged.basis)
    ):
        raise LogError(
            "not-handed",
            f"the part `{part}` wasn't handed to `{handed.to}` like this",
            fix=_NOT_PROVED,
        )
    _check_logged(part, logged, state)
    asked = asks(committed, passage, index=leaf.index, time=handed.time)
    for ask in asked:
        _check_covered(ask, state, current)
    if not set(relies(asked, state, current.zone)) <= set(logged.relies):
        raise LogError(
            "relied-missing",
            f"the hand-out of `{part}` rests on another record in the log",
            fix=_NOT_PROVED,
        )
    label = main.record.labels[part]
    return ShownPart(
        id=part,
        category=label.category,
        sensitivity=_strictest(label.sensitivity, asked, current),
        use=label.use,
        notice=label.notice,
        keep_until=label.keep_until,
        content=main.contents[part],
        to=handed.to,
        purpose=logged.purpose,
        basis=logged.basis,
        relies=logged.relies,
    )


def _strictest(labeled: str, asked: Iterable[Ask], current: Directory) -> str:
    """The label's sensitivity, or Part 2 where the sender makes it so: what isn't known to lie outside lies inside."""
    found = [sensitivity(labeled, between(ask)[0], ask.category, current) for ask in asked]
    return "part2" if "part2" in found else labeled


def _check_logged(part: str, logged: HandedPart, state: State) -> None:
    for jti in logged.relies:
        if not any(one.jti == jti for one in state.records):
            raise LogError(
                "relied-missing",
                f"the hand-out of `{part}` rests on `{jti}`, which isn't here",
                fix=_NOT_PROVED,
            )


def _check_covered(ask: Ask, state: State, current: Directory) -> None:
    """The basis holds at the hand-out's place and time, on the records that are here. Whatever is unclear doesn't."""
    then, (sender, recipient) = state.before(ask.index), between(ask)
    about = f"`{ask.category}` from `{sender}` to `{recipient}` for `{ask.purpose}`"
    if restricted(then, sender, recipient, ask.category):
        raise LogError("restricted", f"the person said no to {about}", fix=_NOT_PROVED)
    if emergency(then, ask) is not None:
        return
    if ask.claimed == "consent":
        status, _, _ = granted(then, ask, current.zone)
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
    elif ask.claimed != NONE and basis(then, ask, current, NONE) == ask.claimed:
        return
    raise LogError("not-covered", f"nothing here lets {about} pass", fix=_NOT_PROVED)


def _signer(record: Record, index: int, history: History) -> Signer:
    agency = history.at(index).agencies[record.issuer]
    return Signer(agency.id, agency.name, agency.role, record.kid)


def _logged(leaf: Leaf, checkpoints: Sequence[Witnessed]) -> Logged:
    before, over = _around(leaf, checkpoints)
    return Logged(leaf.index, leaf.body.time, before.signed_at if before else None, over.signed_at)


def _ground(history: History, over: Witnessed) -> Ground:
    newest = history.newest
    witnesses = tuple(sorted(agency_of(name) for name in over.cosigned_at))
    return Ground(
        newest.document.program, history.founders, newest.version, over.checkpoint.size, witnesses
    )


# Building


def exhibit_of(
    gateway: Gateway,
    issuer: str,
    jti: str,
    parts: Iterable[str],
    *,
    checkpoints: Sequence[bytes],
    path: Callable[[Leaf], tuple[bytes, ...]],
) -> Exhibit:
    """An exhibit of opened parts of a record that came to this agency.

    `checkpoints` are witnessed, in order of size, the last over the hand-out; `path` gives a leaf's path under that last. It
    isn't verified yet: do so before it is shown. Raises `LogError` `not-handed` (a part that isn't held opened),
    `relied-missing`.
    """
    received = gateway.received.get((issuer, jti))
    chosen = sorted(set(parts))
    if (
        received is None
        or received.record is None
        or not chosen
        or not received.opened.keys() >= set(chosen)
    ):
        raise LogError("not-handed", "no such part is held here and opened", fix="open it first")
    handed = received.item.leaf
    body = _handed(handed, received.record)
    text = presentation(received.record, [received.opened[part] for part in chosen])
    then = gateway.state(received.record.case).before(handed.index)
    labels = [received.record.labels[part] for part in chosen]
    # A change goes to whom its grant names, so the grant is shown too, though a hand-out of terms names nothing behind it.
    changed = [
        one.jti for one in then.grants if any(_changes(label, one.grant) for label in labels)
    ]
    logged = [one for part in body.parts if part.part in chosen for one in part.relies]
    named = [one for one in dict.fromkeys((*logged, *changed)) if one != jti]
    relied = tuple(_relied(gateway, one, received, chosen, path) for one in named)
    size = read_checkpoint(read_note(checkpoints[-1]).text).size
    members = tuple(
        Member(Proved(leaf, path(leaf)), said)
        for leaf, said in gateway.learned
        if leaf.index < size
    )
    return Exhibit(
        Borne(
            text, _paths(received, chosen), Proved(_own_leaf(received), path(_own_leaf(received)))
        ),
        Proved(handed, path(handed)),
        relied,
        tuple(checkpoints),
        members,
    )


def decision_exhibit_of(
    gateway: Gateway,
    jti: str,
    rests_on: Iterable[tuple[str, str]],
    *,
    checkpoints: Sequence[bytes],
    path: Callable[[Leaf], tuple[bytes, ...]],
) -> DecisionExhibit:
    """An exhibit of a decision, own or received, with what is held here of the parts (record, id) that it rests on.

    Checkpoints and path as for `exhibit_of`. Raises `LogError` `not-handed` where nothing of the decision is held opened.
    """
    wanted: dict[str, set[str]] = {}
    for record, part in rests_on:
        wanted.setdefault(record, set()).add(part)
    shown_ = _held_here(gateway, jti, None, path)
    if shown_ is None:
        raise LogError("not-handed", "no such part is held here and opened", fix="open it first")
    sources = [_held_here(gateway, record, parts, path) for record, parts in sorted(wanted.items())]
    size = read_checkpoint(read_note(checkpoints[-1]).text).size
    members = tuple(
        Member(Proved(leaf, path(leaf)), said)
        for leaf, said in gateway.learned
        if leaf.index < size
    )
    return DecisionExhibit(
        shown_, tuple(one for one in sources if one is not None), tuple(checkpoints), members
    )


def _held_here(
    gateway: Gateway,
    jti: str,
    parts: Iterable[str] | None,
    path: Callable[[Leaf], tuple[bytes, ...]],
) -> Borne | None:
    """A record that came or was sent, with these of its parts (or all), and of each its content, if that is readable here."""
    bundle, receipt = gateway.sent_as(jti)
    if bundle is not None and receipt is not None:
        record = check(bundle, gateway.history.standing(receipt.index))
        leaf = receipt_leaf(receipt, jti=jti, issuer=record.issuer, statement=record.sha256)
        contents = gateway.contents.get(jti, {})
    else:
        came = next(
            (
                one
                for (_, held_), one in gateway.received.items()
                if held_ == jti and one.record is not None
            ),
            None,
        )
        if came is None or came.record is None:
            return None
        record, leaf = came.record, _own_leaf(came)
        contents = {part: opened.disclosure for part, opened in came.opened.items()}
    chosen = [part for part in record.labels if parts is None or part in set(parts)]
    if parts is None:
        chosen = [part for part in chosen if part in contents]
    if not chosen:
        return None
    shown_ = [contents[part] for part in chosen if part in contents]
    text = sd_jwt.join(record.jws, [*(record.disclosures[part] for part in chosen), *shown_])
    return Borne(text, (), Proved(leaf, path(leaf)))


def _changes(label: Label, grant: Grant) -> bool:
    """Whether a label's statement changes this grant."""
    said = label.says
    return isinstance(said, Change) and (
        said.grant == grant.id or (grant.discloser, grant.recipient) in (said.pairs or ())
    )


def _own_leaf(received: Received) -> Leaf:
    assert received.item.recorded is not None, "what is held came with its leaf"
    return received.item.recorded


def _paths(received: Received, parts: Iterable[str]) -> tuple[tuple[Entry, Path], ...]:
    assert received.item.delivery is not None, "what is held was delivered"
    wanted = set(parts)
    return tuple(
        (each.sealed.entry(), each.path)
        for each in received.item.delivery.handed
        if each.sealed.part in wanted
    )


def _relied(
    gateway: Gateway,
    jti: str,
    of: Received,
    parts: Sequence[str],
    path: Callable[[Leaf], tuple[bytes, ...]],
) -> Borne:
    """A record that a hand-out rests on, as it came or was sent: those labels on which these parts rest, and no content."""
    assert of.record is not None and of.committed is not None, "what is held could be checked"
    for held_ in gateway.received.values():
        if held_.record is not None and (held_.record.jti, held_.record.case) == (
            jti,
            of.record.case,
        ):
            bearing = _bearing(held_.record, of, parts)
            return _borne(held_.record, bearing, _paths(held_, bearing), _own_leaf(held_), path)
    bundle, receipt = gateway.sent_as(jti)
    if bundle is None or receipt is None:
        raise LogError(
            "relied-missing",
            f"the hand-out rests on `{jti}`, which isn't held here",
            fix=_NOT_PROVED,
        )
    record = check(bundle, gateway.history.standing(receipt.index))
    bearing = _bearing(record, of, parts)
    manifest = rebuilt(record.entries, record.pads)
    entries = tuple(
        (entry, manifest.path(entry)) for entry in record.entries if entry.part in bearing
    )
    leaf = receipt_leaf(receipt, jti=jti, issuer=record.issuer, statement=record.sha256)
    return _borne(record, bearing, entries, leaf, path)


def _borne(
    record: Record,
    parts: Iterable[str],
    entries: tuple[tuple[Entry, Path], ...],
    leaf: Leaf,
    path: Callable[[Leaf], tuple[bytes, ...]],
) -> Borne:
    text = sd_jwt.join(record.jws, [record.disclosures[part] for part in sorted(parts)])
    return Borne(text, entries, Proved(leaf, path(leaf)))


def _bearing(record: Record, of: Received, parts: Sequence[str]) -> frozenset[str]:
    """Of a record that was relied on, the parts that bear these ones. What else it says is nobody's business outside."""
    assert of.record is not None, "what is held could be checked"
    labels = [of.record.labels[part] for part in parts]
    pair = {of.record.issuer, *(agency_of(entry.to) for entry in of.record.entries)}
    categories = {category for label in labels for category in label.category}
    about = {label.says.about for label in labels if isinstance(label.says, About)}

    def bears(label: Label) -> bool:
        if isinstance(label.says, Grant):
            if any(_changes(one, label.says) for one in labels):
                return True
            return {label.says.discloser, label.says.recipient} == pair and bool(
                categories & set(label.says.categories)
            )
        return isinstance(label.says, Answer | Emergency) or (record.jti, label.id) in about

    return frozenset(label.id for label in record.labels.values() if bears(label))


# Reading


class _EntryShape(EntryShape):
    path: Annotated[str, Field(max_length=512)]


class _BorneShape(Shape):
    presentation: Annotated[str, Field(max_length=4 * 1024 * 1024)]
    entries: Annotated[tuple[_EntryShape, ...], Field(strict=False, max_length=128)]
    recorded: ProvedShape


class _MemberShape(Shape):
    proved: ProvedShape
    directory: dict[str, Any] | None = None
    key: Annotated[str, Field(max_length=4096)] | None = None


_Members = Annotated[tuple[_MemberShape, ...], Field(strict=False, min_length=1, max_length=4096)]


class _GroundShape(Shape):
    checkpoints: Annotated[
        tuple[Annotated[str, Field(max_length=65536)], ...],
        Field(strict=False, min_length=1, max_length=16),
    ]
    members: _Members


class _ExhibitShape(_GroundShape):
    type: Literal["exhibit"]
    shown: _BorneShape
    handed: ProvedShape
    relied: Annotated[tuple[_BorneShape, ...], Field(strict=False, max_length=64)]


class _DecisionShape(_GroundShape):
    type: Literal["decision"]
    shown: _BorneShape
    sources: Annotated[tuple[_BorneShape, ...], Field(strict=False, max_length=256)]


class _ReceiptShape(_GroundShape):
    type: Literal["receipt"]
    record: Annotated[str, Field(max_length=1024 * 1024)]
    receipt: dict[str, Any]
    path: Listed[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]]


class _MembersShape(Shape):
    members: _Members


def read_exhibit(data: bytes) -> Exhibit:
    """An exhibit taken apart, nothing of it verified. Raises `LogError` `not-an-exhibit`."""
    value = _read(data)
    try:
        shape = held(_ExhibitShape, value, "the exhibit")
        return Exhibit(
            _borne_of(shape.shown),
            proved_of(shape.handed),
            tuple(_borne_of(each) for each in shape.relied),
            _notes(shape.checkpoints),
            _members(shape.members),
        )
    except ExchangeError as error:
        raise _unreadable(error) from None


def read_decision(data: bytes) -> DecisionExhibit:
    """The exhibit of a decision taken apart, nothing of it verified. Raises `LogError` `not-an-exhibit`."""
    value = _read(data)
    try:
        shape = held(_DecisionShape, value, "the exhibit")
        sources = tuple(_borne_of(each) for each in shape.sources)
        return DecisionExhibit(
            _borne_of(shape.shown), sources, _notes(shape.checkpoints), _members(shape.members)
        )
    except ExchangeError as error:
        raise _unreadable(error) from None


def read_receipt(data: bytes) -> ProvedReceipt:
    """A receipt with its proof, nothing verified. Raises `LogError` `not-an-exhibit`."""
    value = _read(data)
    try:
        shape = held(_ReceiptShape, value, "the receipt")
        path = tuple(bytes.fromhex(one) for one in shape.path)
        return ProvedReceipt(
            shape.record,
            receipt_of(shape.receipt),
            path,
            _notes(shape.checkpoints),
            _members(shape.members),
        )
    except ExchangeError as error:
        raise _unreadable(error) from None


def read_proved_account(data: bytes) -> ProvedAccount:
    """An account with its directory, nothing verified. Raises `LogError` `not-an-exhibit`, `not-an-account`."""
    value = _read(data)
    try:
        members = _members(
            held(_MembersShape, {"members": value.pop("members", None)}, "the account").members
        )
    except ExchangeError as error:
        raise _unreadable(error) from None
    return ProvedAccount(read_account(i_json.write(value)), members)


Evidence = Exhibit | DecisionExhibit | ProvedReceipt | ProvedAccount

READERS: Mapping[str, Callable[[bytes], Evidence]] = {
    "exhibit": read_exhibit,
    "decision": read_decision,
    "receipt": read_receipt,
    "accounting": read_proved_account,
}


def read_any(data: bytes) -> Evidence:
    """Whichever of these its `type` says. Raises `LogError` `not-an-exhibit`, `not-an-account`."""
    kind = _read(data).get("type")
    reader = READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise LogError(
            "not-an-exhibit", f"`{shown(kind)}` is no type of file to verify", fix=_WHICH
        )
    return reader(data)


def _read(data: bytes) -> dict[str, Any]:
    if len(data) > LARGEST:
        raise LogError("not-an-exhibit", f"a file of `{len(data)}` bytes isn't read", fix=_WHICH)
    try:
        return i_json.read_object(data)
    except ExchangeError as error:
        raise _unreadable(error) from None


def _notes(texts: Iterable[str]) -> tuple[bytes, ...]:
    return tuple(text.encode("utf-8", "surrogatepass") for text in texts)


def _borne_of(shape: _BorneShape) -> Borne:
    entries = tuple(
        (Entry(each.part, each.to, each.purpose, each.basis, each.sha256), read_path(each.path))
        for each in shape.entries
    )
    return Borne(shape.presentation, entries, proved_of(shape.recorded))


def _members(shapes: Iterable[_MemberShape]) -> tuple[Member, ...]:
    return tuple(_member_of(each) for each in shapes)


def _member_of(shape: _MemberShape) -> Member:
    if (shape.directory is None) == (shape.key is None):
        raise LogError(
            "not-an-exhibit", "a member is a directory or a key, one of them", fix=_WHICH
        )
    said = shape.key if shape.directory is None else read_signed(i_json.write(shape.directory))
    assert said is not None, "one of them is given"
    return Member(proved_of(shape.proved), said)


def _borne_json(borne: Borne) -> dict[str, Any]:
    return {
        "presentation": borne.presentation,
        "entries": [
            {
                "part": entry.part,
                "to": entry.to,
                "purpose": entry.purpose,
                "basis": entry.basis,
                "sha256": entry.sha256,
                "path": path_text(path),
            }
            for entry, path in borne.entries
        ],
        "recorded": proved_json(borne.recorded),
    }


def _member_json(member: Member) -> dict[str, Any]:
    said = member.said
    more = (
        {"key": said} if isinstance(said, str) else {"directory": i_json.read_object(said.write())}
    )
    return {"proved": proved_json(member.proved), **more}


def _ground_json(checkpoints: Iterable[bytes], members: Iterable[Member]) -> dict[str, Any]:
    return {
        "checkpoints": [each.decode("utf-8") for each in checkpoints],
        "members": [_member_json(each) for each in members],
    }


_KEEP = "keep the file as evidence, and ask its sender for another"
_NOT_PROVED = "ask its sender what it rests on: this doesn't prove it"
_WHICH = "give a file of type exhibit, decision, accounting or receipt"


def _unreadable(error: ExchangeError) -> LogError:
    return LogError("not-an-exhibit", f"this can't be read: {error.message}", fix=_WHICH)


def _wrong_leaf(leaf: Leaf, why: str) -> LogError:
    return LogError("wrong-leaf", f"the leaf `{leaf.index}` {why}", fix=_KEEP)
