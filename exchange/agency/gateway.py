"""An agency's gateway as a pure state machine: what it sends, takes, believes and opens. It trusts no hub.

Everything that a hub answers is held against what the agency can check by itself: who signed, that the text is the issuer's,
that its leaves are in a log which the defender witnesses, that no number is missing and no answer is older than the last. And
it asks the pack's `disclosure` again, on the slice of the case that it may see: before it seals, and before it opens.

Nothing is opened on the hub's word alone for longer than `GRACE`; a log that doesn't grow out of what was seen before is
refused at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.consent.accounting import Account, Statement, verify_account
from exchange.consent.disclosure import Judges, Verdict, day_of
from exchange.consent.reduction import Committed, Passage, State, admits, asks, known_of, relies
from exchange.errors import ContentError, ExchangeError, LogError, RecordError
from exchange.log import generation
from exchange.log.checkpoints import Witness, check_included, check_time
from exchange.log.generation import GenerationTerms
from exchange.log.leaves import (
    DirectoryBody,
    HandoutBody,
    KeyBody,
    Leaf,
    RecordBody,
    WithdrawalBody,
    sha256_hex,
)
from exchange.log.receipts import Receipt, rebuild_leaf
from exchange.log.signed_lines import InboxLine, check_line_order, read_inbox_line
from exchange.membership.history import History
from exchange.membership.signatures import SignedPayload
from exchange.models import agency_of
from exchange.protocol.inbox import Inbox, Item
from exchange.records.building import Part, build_with_disclosures
from exchange.records.bundle import Bundle, check_bundle
from exchange.records.categories import SignedForm
from exchange.records.content_checks import check_form
from exchange.records.delivery import OpenedPart, check_delivery, open_part
from exchange.records.kinds import report_kinds
from exchange.records.label import Label
from exchange.records.record import TYP, Record, hash_statement
from exchange.records.statements import CONSENTED, About, Grant
from exchange.standards import i_json
from exchange.standards import jws as jws_
from exchange.standards.keys import PrivateKey
from exchange.standards.notes import Signature, WitnessedCheckpoint, open_checkpoint
from exchange.standards.sd_jwt import RandomBytes
from rules.frozen import frozen
from rules.packs.pack import Pack

GRACE = 24 * 3600
# Who is asked for a part back says within a week whether it was deleted.
RECALL_ANSWERED_IN = 7 * 24 * 3600

# Checkpoints whose times are kept; of what is older than all of them, only the end is known.
MOST_SEEN = 4096

# The last day that there is: of a part of which it is only asked whether it might pass.
FOREVER = "9999-12-31"

# A record that isn't committed yet stands after everything that is known.
UNCOMMITTED = 2**53 - 1


class Received:
    """A record that came: its leaves, when it came, and what was opened of it. `fault` says why nothing of it may be."""

    def __init__(
        self,
        item: Item,
        record: Record | None,
        committed: Committed | None,
        got: int,
        fault: str | None,
    ) -> None:
        self.item = item
        self.record = record
        self.committed = committed
        self.got = got
        self.fault = fault
        self.opened: dict[str, OpenedPart] = {}


@frozen
class Reading:
    """A part that somebody opened: its content, what binds whoever reads it, and whether the log still lacks its witnesses."""

    opened: OpenedPart
    obligations: tuple[str, ...]
    unwitnessed: bool
    by: str
    second: str | None = None


@frozen
class Owed:
    """A recall that this agency hasn't answered: by whom and under which id, of which part, and until when it must be."""

    issuer: str
    recall: str
    record: str
    part: str
    until: int


class Gateway:
    """One agency's side of the exchange. `judge` gives the judge of a pack's digest, if the agency knows that pack."""

    def __init__(
        self,
        agency: str,
        signing: PrivateKey,
        witness: Ed25519PrivateKey,
        judge: Judges,
        random_bytes: RandomBytes,
        salts: RandomBytes | None = None,
    ) -> None:
        self.agency = agency
        self.history = History()
        self.signing = signing
        self.sealing: dict[str, PrivateKey] = {}
        self.received: dict[tuple[str, str], Received] = {}
        self.gone: list[Item] = []
        self.faults: list[Received] = []
        # A log that went back or split is believed no more: nothing is taken, sent or opened on it until people have looked.
        self.broken: LogError | None = None
        # The leaves of directories and keys: what they fix is true from their index on, so they are proved like all others.
        self.members: list[Leaf] = []
        # With what they fix, in the log's order: whoever is shown something here knows the directory by nothing else.
        self.learned: list[tuple[Leaf, SignedPayload | str]] = []
        # How the log went on after each restore of the hub that cost it something.
        self.generations: list[tuple[Leaf, SignedPayload]] = []
        self.cursor = 0
        # Each item that came, in order: number, issuer and record. A restored hub goes on from there.
        self.items: list[tuple[int, str, str]] = []
        self.line: InboxLine | None = None
        self.line_note = b""
        self._line_got = 0
        # The tree's size at the last answer that held all there was.
        self._complete = 0
        self.watch: Witness | None = None
        self._witness = witness
        self._judge = judge
        self._random = random_bytes
        self._salts = salts
        self._states: dict[str | None, State] = defaultdict(State)
        self._numbers: dict[str, int] = defaultdict(int)
        self._sent: dict[str, tuple[Bundle, Receipt | None]] = {}
        self._composed: dict[str, Committed] = {}
        self._proved: dict[int, bytes] = {}
        # Size and hub's time of each checkpoint that had its witnesses: between two of them lies a leaf's time.
        self._seen: list[WitnessedCheckpoint] = []
        # The last checkpoint whose signatures were checked, by which version of the directory.
        self._opened: tuple[bytes, int, WitnessedCheckpoint] | None = None
        # The signed forms behind the consents that this agency collected. They go to nobody but counsel.
        self.forms: dict[str, SignedForm] = {}
        # What opens the contents of its own records to others, by record and part.
        self.contents: dict[str, Mapping[str, str]] = {}

    # What the agency knows

    @property
    def pack(self) -> Pack:
        """The pack in force, as far as this gateway knows. Raises `DirectoryError` `no-directory`; as its judges do."""
        return self._judge(self.history.newest.pack).pack

    def state(self, case: str | None) -> State:
        """The case as this agency may see it: what it sent and what it got."""
        return self._states[case]

    def learn_directory(self, leaf: Leaf, signed: SignedPayload) -> None:
        """The next version of the directory, with its leaf. Raises `LogError` `wrong-leaf`; as `History.add`."""
        body = leaf.body
        if not isinstance(body, DirectoryBody) or body.sha256 != sha256_hex(signed.payload):
            raise _wrong_leaf("a version of the directory")
        self.history.add(leaf.index, signed)
        self.members.append(leaf)
        self.learned.append((leaf, signed))
        if self.watch is None:
            newest = self.history.newest
            self.watch = Witness(newest.log)

    def learn_key(self, leaf: Leaf, announced: str) -> None:
        """A key to seal to, with its leaf. Raises `LogError` `wrong-leaf`; as `History.add_sealing`."""
        if not isinstance(leaf.body, KeyBody) or leaf.body.sha256 != sha256_hex(announced.encode()):
            raise _wrong_leaf("a key")
        self.history.add_sealing(leaf.index, announced)
        self.members.append(leaf)
        self.learned.append((leaf, announced))

    # After a restore of the hub

    def learn_generation(self, leaf: Leaf, signed: SignedPayload) -> GenerationTerms:
        """The log's next generation, with its leaf: with it, a log that had only gone back is believed again.

        Raises as `generation.check` and `check_terms`; what it drops of this agency's stays a fault of the log's.
        """
        in_force = self.history.at(leaf.index)
        terms = generation.check(leaf, signed, in_force, (before for _, before in self.generations))
        try:
            self.check_terms(terms)
        except LogError as error:
            self.broken = error
            raise
        self.generations.append((leaf, signed))
        self.members.append(leaf)
        if self.broken is not None and self.broken.code == "rolled-back":
            self.broken = None
        return terms

    def check_terms(self, terms: GenerationTerms) -> None:
        """Holds if a statement of the next generation drops nothing that is held here.

        Raises `LogError`: `generation-drops`, `split-view`.
        """
        last = self.watch.last if self.watch is not None else None
        reached = max(last.size if last else 0, self.line.size if self.line else 0)
        if reached > terms.ends.size:
            raise _drops(
                f"the log had `{reached}` leaves here, and is to go on after `{terms.ends.size}`"
            )
        if last is not None and last.size == terms.seen.size and last.root.hex() != terms.seen.root:
            raise LogError(
                "split-view", f"another tree of `{last.size}` leaves was seen here", fix=_EVIDENCE
            )
        for leaf in self.leaves():
            if leaf.index >= terms.restored.size and (
                leaf.index >= terms.ends.size or generation.covers(terms.lost, leaf.index)
            ):
                raise _drops(f"leaf `{leaf.index}` is held here, and is to be lost")

    def leaves(self) -> Iterator[Leaf]:
        """Every leaf that is held here, opened; some of them twice."""
        yield from self.members
        for item in (
            *(received.item for received in (*self.received.values(), *self.faults)),
            *self.gone,
        ):
            yield from (leaf for leaf in (item.recorded, item.leaf) if leaf is not None)
        for jti, (bundle, receipt) in self._sent.items():
            if receipt is not None:
                yield rebuild_leaf(
                    receipt, jti=jti, issuer=self.agency, statement=hash_statement(bundle.record)
                )

    def sent_from(self, index: int) -> Iterator[Bundle]:
        """What was composed here and stands in the log at or after an index, or nobody here knows where."""
        return (
            bundle
            for bundle, receipt in self._sent.values()
            if receipt is None or receipt.index >= index
        )

    # Sending

    def compose(
        self,
        kind: str,
        parts: Iterable[Part],
        *,
        case: str | None,
        now: int,
        jti: str | None = None,
        form: Mapping[str, Any] | None = None,
    ) -> Bundle:
        """A record, if on what this agency knows every part may pass. Keys are the recipients' newest.

        A consent wants the signed form behind it (`content.SignedForm`), which stays here in `forms`. Raises `RecordError`:
        `not-permitted`, naming the rules that deny, `not-admitted` (it doesn't fit the consents of the case); `ContentError`
        `wrong-form`; `DirectoryError` `no-key`; as `record.build` and `check`.
        """
        self._whole()
        standing = self.history.standing(UNCOMMITTED)
        bundle, contents = build_with_disclosures(
            self.signing,
            kind,
            parts,
            standing=standing,
            case=case,
            iat=now,
            random_bytes=self._random,
            jti=jti,
            salts=self._salts,
        )
        time = self.hub_time(now)
        committed = known_of(check_bundle(bundle, standing), UNCOMMITTED, time)
        if not admits(self._states[case], committed, standing.directory):
            raise RecordError(
                "not-admitted",
                f"this `{kind}` doesn't fit what is known here of the case",
                fix="name consents of this case and all whom they bind; counsel takes the account first",
            )
        signed = self._form(committed, form, time)
        if kind not in report_kinds():
            for passage in committed.passages:
                self._check_permitted(committed, passage, time)
        if signed is not None:
            self.forms[committed.jti] = signed
        self._composed[committed.jti] = committed
        self._sent[committed.jti] = bundle, None
        self.contents[committed.jti] = contents
        return bundle

    def would_tell(
        self, kind: str, part: Part, to: str, way: tuple[str, str], *, case: str, now: int
    ) -> Verdict:
        """What `disclosure` says of such a part to another agency, for this purpose and on this basis, on what is known here.

        Asked before a record is composed, so that each part goes to those who may have it. What a label says plays no part.
        """
        roles = self.history.newest
        label = Label(
            "",
            part.category,
            part.sensitivity,
            part.use,
            part.notice,
            part.keep_until,
            None,
            content_digest="",
        )
        passage = Passage("", to, *way)
        asked = Committed(
            UNCOMMITTED,
            0,
            "",
            self.agency,
            roles.role(self.agency),
            kind,
            case,
            {"": label},
            (passage,),
        )
        return self._verdict(asked, passage, UNCOMMITTED, self.hub_time(now))

    def may_tell(
        self,
        kind: str,
        part: Part,
        to: str,
        ways: Iterable[tuple[str, str]],
        *,
        case: str,
        now: int,
    ) -> tuple[str, str] | None:
        """The first of these purposes and bases for which this agency may tell another one such a part."""
        permits = (
            way for way in ways if self.would_tell(kind, part, to, way, case=case, now=now).permit
        )
        return next(permits, None)

    def may_be_told(self, by: str, category: str, *, case: str, now: int) -> bool:
        """Whether another agency may tell this one such a thing of a case, for any purpose, on what is known here."""
        roles = self.history.newest
        label = Label(
            "", (category,), "plain", "no_adverse_action", "own-1", FOREVER, None, content_digest=""
        )
        for purpose in sorted(CONSENTED):
            passage = Passage("", self.agency, purpose, "consent")
            asked = Committed(
                UNCOMMITTED, 0, "", by, roles.role(by), "answer", case, {"": label}, (passage,)
            )
            if self._verdict(asked, passage, UNCOMMITTED, self.hub_time(now)).permit:
                return True
        return False

    def resume(self, bundle: Bundle, *, now: int, form: Mapping[str, Any] | None = None) -> None:
        """A record that this gateway composed before, from where it was kept: nothing of it is asked again.

        `now` is when it was composed; the directory must stand as it did then. Raises as `check`.
        """
        time = self.hub_time(now)
        committed = known_of(
            check_bundle(bundle, self.history.standing(UNCOMMITTED)), UNCOMMITTED, time
        )
        if (signed := self._form(committed, form, time)) is not None:
            self.forms[committed.jti] = signed
        self._composed[committed.jti] = committed
        self._sent[committed.jti] = bundle, None

    def _form(
        self, committed: Committed, form: Mapping[str, Any] | None, time: int
    ) -> SignedForm | None:
        """The form behind a consent, held to what each of its grants attests."""
        grants = [said for _, said in committed.says() if isinstance(said, Grant)]
        if not grants:
            return None
        if form is None:
            raise ContentError(
                "wrong-form",
                "there is no signed form behind this consent",
                fix="give the form with it",
            )
        today = day_of(time, self.history.newest.zone).isoformat()
        signed = [
            check_form(form, attested=each.form, signer=each.signer, asked=today) for each in grants
        ]
        return signed[0]

    def _check_permitted(self, committed: Committed, passage: Passage, time: int) -> None:
        verdict = self._verdict(committed, passage, UNCOMMITTED, time)
        if not verdict.permit:
            kinds = ", ".join(committed.labels[passage.part].category)
            raise RecordError(
                "not-permitted",
                f"`{self.agency}` may not tell `{passage.to}` this (`{kinds}`): {', '.join(verdict.reasons)}",
                fix="leave the part out, or ask for consent",
            )

    def sent(self, jti: str, receipt: Receipt) -> None:
        """The hub's receipt of a record sent: it belongs to the case from its index on."""
        if jti not in self._sent:
            raise RecordError(
                "not-held", f"no record `{jti}` was composed here", fix="compose it first"
            )
        bundle, before = self._sent[jti]
        if before is not None:
            return
        self._sent[jti] = bundle, receipt
        self._remember(replace(self._composed.pop(jti), index=receipt.index, time=receipt.time))

    def learn_account(self, account: Account) -> Statement:
        """A case's account, verified; what it holds of consents counts here from now on.

        So counsel, whom no grant names, can end or narrow what the person has consented to. Raises as `verify_account`.
        """
        self._whole()
        statement = verify_account(account, self.history, self._judge)
        known = {(record.issuer, record.jti) for record in self._states[account.case].records}
        for committed in statement.consents:
            if (committed.issuer, committed.jti) not in known:
                self._remember(committed)
        return statement

    def owed(self) -> tuple[Owed, ...]:
        """The recalls that came and weren't answered, the oldest first."""
        found = []
        for state in self._states.values():
            answered = {
                said.about[0]
                for one in state.kind("recall_answer")
                if one.issuer == self.agency
                for said in _about(one)
            }
            for recall in state.kind("recall"):
                if recall.issuer != self.agency and recall.jti not in answered:
                    for said in _about(recall):
                        found.append(
                            Owed(
                                recall.issuer,
                                recall.jti,
                                *said.about,
                                recall.time + RECALL_ANSWERED_IN,
                            )
                        )
        return tuple(sorted(found, key=lambda one: one.until))

    def sent_as(self, jti: str) -> tuple[Bundle | None, Receipt | None]:
        """What was composed here under this id, and the hub's receipt; None for what there isn't."""
        return self._sent.get(jti, (None, None))

    def _remember(self, committed: Committed) -> None:
        self._states[committed.case] = self._states[committed.case].with_(committed)

    def _verdict(self, committed: Committed, passage: Passage, index: int, time: int) -> Verdict:
        current = self.history.at(index)
        state = self._states[committed.case]
        return self._judge(current.pack).passage(
            committed, passage, state, current, current.zone, index=index, time=time
        )

    # Taking

    def take(self, answer: Inbox, now: int) -> tuple[Received, ...]:
        """What a pull after `cursor` answered. Nothing is taken unless the whole answer holds.

        A delivery that isn't what it should be is kept as evidence and taints, never opens. Raises `LogError` `older-line`,
        `directory-behind`, `generation-behind`, `gap`, `not-an-inbox`; `NoteError` where the hub didn't sign the line.
        """
        self._whole()
        line = read_inbox_line(answer.line, self.history.newest.log, self.agency)
        check_line_order(self.line, line)
        if line.directory != self.history.newest.version:
            raise LogError(
                "directory-behind",
                f"the hub works by version `{line.directory}` of the directory, and `{self.history.newest.version}` is here",
                fix="ask the hub and the other agencies for the newest",
            )
        if line.generation != 1 + len(self.generations):
            raise LogError(
                "generation-behind",
                f"the hub's log is in generation `{line.generation}`, and `{1 + len(self.generations)}` is known here",
                fix="ask the hub what the threshold signed",
            )
        if self.cursor + len(answer.items) != line.items:
            raise LogError(
                "gap",
                f"the hub counts `{line.items}` items and gave `{self.cursor + len(answer.items)}`",
                fix=_EVIDENCE,
            )
        numbers = dict(self._numbers)
        for item in answer.items:
            expected = numbers.get(item.issuer, 0) + 1
            if item.number != expected:
                raise LogError(
                    "gap",
                    f"from `{item.issuer}` came number `{item.number}`, and `{expected}` was next",
                    fix=_EVIDENCE,
                )
            numbers[item.issuer] = expected
            if item.delivery is None:
                self._check_gone(item, line.size)
            else:
                _claimed(item.delivery.record)
        self._numbers.update(numbers)
        seen = self._complete
        if self.line is None or line.time > self.line.time:
            self._line_got = now
        self.line, self.cursor, self.line_note = line, line.items, answer.line
        self.items += [(item.number, item.issuer, _record_of(item)) for item in answer.items]
        if line.items == line.total:
            self._complete = line.size
        return tuple(
            received
            for item in answer.items
            if (received := self._take(item, now, seen)) is not None
        )

    def _check_gone(self, item: Item, size: int) -> None:
        """What is said to be withdrawn, or handed out before, must be so in the log, under this number."""
        body = item.leaf.body
        if (
            not isinstance(body, WithdrawalBody | HandoutBody)
            or (body.to, body.issuer, body.number) != (self.agency, item.issuer, item.number)
            or item.leaf.index >= size
        ):
            raise _wrong_leaf("what was withdrawn")
        if isinstance(body, HandoutBody) and (body.issuer, body.record) not in self.received:
            self._missed(item, body)

    def _missed(self, item: Item, body: HandoutBody) -> Committed | None:
        """What the log says that this agency was handed, and it wasn't: a change to consent blocks the case that it is about.

        So a hub can't keep a no from an agency and show a leaf instead. Raises as `_checked`.
        """
        if item.record is None or item.recorded is None:
            raise LogError("gap", "what was handed out isn't here, nor what it was", fix=_EVIDENCE)
        recorded = item.recorded.body
        said = (body.record, body.issuer, hash_statement(item.record))
        if (
            not isinstance(recorded, RecordBody)
            or (recorded.id, recorded.issuer, recorded.sha256) != said
        ):
            raise _wrong_leaf("the record")
        unverified = jws_.read(item.record, typ=TYP)
        _, key = self.history.standing(item.recorded.index).signer(unverified.kid)
        unverified.payload(key)
        kind, case, jti = _claimed(item.record)
        if kind not in ("consent", "consent_change") or case is None:
            return None
        return Committed(
            item.recorded.index, 0, jti, item.issuer, None, kind, case, {}, (), sound=False
        )

    def _take(self, item: Item, now: int, seen: int) -> Received | None:
        if item.delivery is None or item.recorded is None:
            self.gone.append(item)
            body = item.leaf.body
            if isinstance(body, HandoutBody) and (body.issuer, body.record) not in self.received:
                if (missed := self._missed(item, body)) is not None:
                    self._remember(missed)
            return None
        try:
            record, committed = self._checked(item, seen)
        except ExchangeError as error:
            received = Received(item, None, _tainted(item), now, str(error))
            self.faults.append(received)
        else:
            received = Received(item, record, committed, now, None)
            self.received[record.issuer, record.jti] = received
        if received.committed is not None:
            self._remember(received.committed)
        return received

    def _checked(self, item: Item, seen: int = 0) -> tuple[Record, Committed]:
        """A delivery that is what its leaves say, signed, whole and this agency's own.

        `seen` is the tree's size at the answer before: what is new now was committed after it, or it would have come then. So
        nothing is dated back to when a key was still in force.
        """
        assert item.delivery is not None and item.recorded is not None, "a delivery has its leaf"
        standing = self.history.standing(item.recorded.index)
        record = check_delivery(item.delivery, standing)
        body, handed = item.recorded.body, item.leaf.body
        said = (record.jti, record.issuer, record.sha256)
        if not isinstance(body, RecordBody) or (body.id, body.issuer, body.sha256) != said:
            raise _wrong_leaf("the record")
        if record.issuer != item.issuer or (record.issuer, record.jti) in self.received:
            raise _wrong_leaf("a new record")
        mine = {(entry.part, entry.purpose, entry.basis) for entry in record.entries}
        if (
            not isinstance(handed, HandoutBody)
            or (handed.record, handed.issuer, handed.to) != (record.jti, record.issuer, self.agency)
            or {(part.part, part.purpose, part.basis) for part in handed.parts} != mine
            or not seen <= item.recorded.index < item.leaf.index < self._size()
            or body.time > handed.time
            or handed.number != item.number
            or handed.pack != self.history.at(item.leaf.index).pack
        ):
            raise _wrong_leaf("the hand-out")
        for entry in record.entries:
            if agency_of(entry.to) != self.agency:
                raise RecordError(
                    "not-mine",
                    f"this is sealed to `{entry.to}`",
                    fix="keep it closed, and tell its issuer",
                )
        return record, known_of(record, item.recorded.index, body.time)

    def _size(self) -> int:
        return self.line.size if self.line else 0

    def hub_time(self, now: int) -> int:
        """The time by the hub's clock: that of its newest line, and what has passed here since. So no wrong clock decides."""
        return now if self.line is None else self.line.time + max(0, now - self._line_got)

    # The log

    def cosign(self, note: bytes, consistency: tuple[bytes, ...], now: int) -> Signature:
        """This agency's cosignature of a checkpoint that grew out of every one it saw. Raises as `Watch.cosign`."""
        mine = self.history.newest.agencies.get(self.agency)
        if mine is None:
            raise LogError(
                "not-a-witness", f"`{self.agency}` isn't in the directory", fix="ask the others why"
            )
        name = mine.witness.name
        try:
            return self.watching.cosign(note, consistency, self._witness, name, now)
        except LogError as error:
            if error.code in ("rolled-back", "split-view"):
                self.broken = error
            raise

    def prove(self, leaf: Leaf, path: tuple[bytes, ...], checkpoint: bytes) -> None:
        """That a leaf is in the log under a checkpoint which the quorum cosigned, at a time that its witnesses bear out.

        Raises `NoteError` as `open_checkpoint` and `no-quorum`; `LogError` `not-in-log`, `back-dated`.
        """
        witnessed = self._witnessed_by_quorum(checkpoint)
        check_included(leaf, path, witnessed.checkpoint)
        before = [one for one in self._seen if one.checkpoint.size <= leaf.index]
        check_time(leaf, before[-1] if before else None, witnessed)
        self._proved[leaf.index] = leaf.entry
        # Of checkpoints over one tree the latest says most; an older tree says nothing new.
        earlier = [one for one in self._seen if one.checkpoint.size < witnessed.checkpoint.size]
        if len(earlier) == len(self._seen) or witnessed.signed_at > self._seen[-1].signed_at:
            self._seen = [*earlier, witnessed][-MOST_SEEN:]

    def _witnessed_by_quorum(self, checkpoint: bytes) -> WitnessedCheckpoint:
        """A checkpoint with its witnesses. Many leaves are proved under one, whose signatures are checked once."""
        newest = self.history.newest
        if self._opened is None or self._opened[:2] != (checkpoint, newest.version):
            witnessed = open_checkpoint(checkpoint, newest.log, newest.witnesses())
            newest.check_quorum(witnessed)
            self._opened = checkpoint, newest.version, witnessed
        return self._opened[2]

    def _whole(self) -> None:
        if self.broken is not None:
            raise self.broken

    @property
    def watching(self) -> Witness:
        """What this agency remembers of the log. Raises `LogError` `no-directory`."""
        if self.watch is None:
            raise LogError(
                "no-directory",
                "no directory says whose log this is",
                fix="learn the directory first",
            )
        return self.watch

    # Opening

    def open(
        self, issuer: str, jti: str, part: str, *, by: str, now: int, second: str | None = None
    ) -> Reading:
        """One part, opened for a named person; where the rules ask for a second person, for both.

        Raises `RecordError`: `not-held`, `not-permitted` (by now or by the hand-out, `disclosure` denies it), `second-person`,
        as `open_part`;
        `LogError`: `stale-line` (the newest answer of the hub is too old to trust), `unwitnessed`; `SealError`.
        """
        self._whole()
        received = self.received.get((issuer, jti))
        if received is None or received.record is None or received.committed is None:
            raise RecordError("not-held", "no such record is held here", fix="pull the inbox")
        passage = next((one for one in received.committed.passages if one.part == part), None)
        if passage is None:
            raise RecordError("not-held", f"`{part}` isn't held here", fix="pull the inbox")
        unwitnessed = self._unwitnessed(received, received.committed, passage, now)
        verdict = self._may_open(received, received.committed, passage, self.hub_time(now))
        if "second_person" in verdict.obligations and (
            second is None or second.casefold() == by.casefold()
        ):
            raise RecordError(
                "second-person",
                f"`{part}` passed in an emergency and opens for two people",
                fix="name a second person",
            )
        opened = open_part(received.record, part, self.sealing)
        received.opened[part] = opened
        return Reading(opened, verdict.obligations, unwitnessed, by, second)

    def _unwitnessed(
        self, received: Received, committed: Committed, passage: Passage, now: int
    ) -> bool:
        """Whether a leaf that this rests on still lacks its witnesses, within the grace; after it, nothing opens."""
        line, item = self.line, received.item
        if line is None or line.size <= item.leaf.index or now - self._line_got > GRACE:
            raise LogError(
                "stale-line",
                "the hub's newest answer is too old to open anything on",
                fix="pull the inbox",
            )
        # What this rests on is worked out here: the hub's own list may leave out what was never witnessed.
        asked = asks(committed, passage, index=item.leaf.index, time=item.leaf.body.time)
        relied = relies(asked, self._states[committed.case], self.history.at(item.leaf.index).zone)
        behind = [
            one.item
            for one in self.received.values()
            if one.record is not None and one.record.jti in relied
        ]
        leaves = [item.leaf, *(one.recorded for one in (item, *behind) if one.recorded is not None)]
        leaves += [leaf for leaf in self.members if leaf.index < item.leaf.index]
        lacking = [leaf for leaf in leaves if self._proved.get(leaf.index) != leaf.entry]
        if lacking and now - received.got > GRACE:
            raise LogError(
                "unwitnessed",
                f"the leaf `{lacking[0].index}` has no witnesses after a day",
                fix="ask the witnesses to cosign",
            )
        return bool(lacking)

    def _may_open(
        self, received: Received, committed: Committed, passage: Passage, time: int
    ) -> Verdict:
        """By the hand-out's index and time, and again by everything that is known now."""
        leaf = received.item.leaf
        verdict = self._verdict(committed, passage, leaf.index, leaf.body.time)
        for verdict_now in (
            verdict,
            self._verdict(committed, passage, UNCOMMITTED, max(time, leaf.body.time)),
        ):
            if not verdict_now.permit:
                raise RecordError(
                    "not-permitted",
                    f"`{received.item.issuer}` may not tell `{self.agency}` this: {', '.join(verdict_now.reasons)}",
                    fix="leave it closed, and answer its recall",
                )
        return verdict


def acknowledgement(received: Received, reading: Reading, *, keep_until: str) -> Part:
    """What tells the issuer that a part was opened, and that its reader knows what binds."""
    record = received.record
    assert record is not None, "what was opened was checked"
    obligations = {"obligations": list(reading.obligations)} if reading.obligations else {}
    return Part(
        category=("operation",),
        content={"operation": obligations},
        to={record.issuer: ("exchange_operation", "operation")},
        keep_until=keep_until,
        use="no_adverse_action",
        says={"about": [record.jti, reading.opened.label.id]},
    )


def _about(record: Committed) -> Iterable[About]:
    return (said for _, said in record.says() if isinstance(said, About))


def _claimed(jws: str) -> tuple[str, str | None, str]:
    """Kind, case and id that a record claims, nothing of it verified.

    Raises `LogError` `not-an-inbox`: a hub checks all that before it takes a record, and what can't be read might be a no.
    """
    try:
        payload = i_json.read_object(jws_.read(jws, typ=TYP).unverified_payload)
        kind, case, jti = (payload.get(name) for name in ("kind", "case", "jti"))
        if isinstance(kind, str) and isinstance(case, str | None) and isinstance(jti, str):
            return kind, case, jti
    except ExchangeError:
        pass
    raise LogError(
        "not-an-inbox", "this is no answer of a hub: a record in it can't be read", fix=_EVIDENCE
    )


def _tainted(item: Item) -> Committed | None:
    """What a faulty delivery leaves behind: a consent or change that can't be believed, and blocks whatever it might concern.

    Of any other kind, nothing.
    """
    assert item.delivery is not None and item.recorded is not None, "a delivery has its leaf"
    kind, case, jti = _claimed(item.delivery.record)
    if kind not in ("consent", "consent_change") or case is None:
        return None
    return Committed(
        item.recorded.index, 0, jti, item.issuer, None, kind, case, {}, (), sound=False
    )


def _record_of(item: Item) -> str:
    """The record that an item is about; nothing where its leaf says so little."""
    body = item.leaf.body
    return body.record if isinstance(body, HandoutBody | WithdrawalBody) else ""


def _drops(what: str) -> LogError:
    return LogError(
        "generation-drops",
        what,
        fix="sign nothing, keep it as evidence, and tell the other agencies",
    )


_EVIDENCE = "keep what was answered as evidence, and tell the other agencies"


def _wrong_leaf(what: str) -> LogError:
    return LogError("wrong-leaf", f"the opened leaf isn't the one of {what}", fix=_EVIDENCE)
