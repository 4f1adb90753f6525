"""An agency's gateway as a pure state machine: it composes, takes, and opens records.

A gateway trusts no hub. It checks each answer against what the agency can verify by itself: the
signatures, the issuer's own text, leaves in a log that the defender witnesses, numbers without a
gap, and an answer that isn't older than the last. It asks the pack's `disclosure` again, on the
part of the case that it may see, before it seals and before it opens.

INVARIANT: nothing opens on the hub's word alone for longer than `GRACE`. A log that doesn't grow
out of what was seen before is refused at once.

`exchange.agency.log_view` follows the log, and `exchange.agency.deliveries` checks inbox items.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.agency.deliveries import (
    Received,
    check_delivered,
    check_undelivered,
    faulty_change,
    missed_change,
    read_claims,
    record_id,
)
from exchange.agency.log_view import EVIDENCE, LogView, wrong_leaf
from exchange.agency.own_records import OwnNumbers, UnknownRecord, acknowledged_unsent
from exchange.agency.reading import Reading
from exchange.agency.recalls import PendingRecall, pending_recalls
from exchange.consent.account import Account
from exchange.consent.accounting import AccountStatement, verify_account
from exchange.consent.admission import admits
from exchange.consent.disclosure import OTHERWISE, UNDETERMINED, Judges, Verdict, day_of
from exchange.consent.reduction import (
    ENDED,
    is_restricted,
    midnight,
    next_change,
    queries_of,
    relies,
    status_of_grant,
)
from exchange.consent.state import (
    DECISIVE,
    Committed,
    LoggedGrant,
    Passage,
    State,
    committed_record,
)
from exchange.errors import ContentError, ExchangeError, LogError, RecordError
from exchange.log.checkpoints import Witness
from exchange.log.generation import GenerationTerms
from exchange.log.leaves import HandoutBody, Leaf
from exchange.log.receipts import Receipt, rebuild_leaf
from exchange.log.signed_lines import InboxLine, check_line_order, read_inbox_line
from exchange.membership.signatures import SignedPayload
from exchange.protocol.inbox import Inbox, Item
from exchange.records.building import Part, build_with_disclosures
from exchange.records.bundle import Bundle, check_bundle
from exchange.records.categories import SignedForm
from exchange.records.content_checks import check_form, check_recipient
from exchange.records.declared_facts import check_declared
from exchange.records.delivery import open_part
from exchange.records.kinds import find_kind, report_kinds
from exchange.records.label import Label
from exchange.records.record import Record, hash_statement
from exchange.records.statements import CONSENTED, Grant, read_statement
from exchange.standards.keys import PrivateKey
from exchange.standards.notes import Signature
from exchange.standards.sd_jwt import RandomBytes
from rules.packs.pack import Pack

# How long a part may open without witnesses, and how old the hub's last answer may be.
GRACE = 24 * 3600
# The calendar's last day, for a part whose deletion date doesn't matter to the question.
FOREVER = "9999-12-31"

# The index of a record that isn't committed yet: after everything that is known.
UNCOMMITTED = 2**53 - 1
# The index of a composed record whose receipt is still missing: after all that is committed.
PENDING = UNCOMMITTED - 1

# The purposes for which the yes to an offer lets agencies tell something.
_OF_AN_OFFER = ("offer_and_hand_off", "screening", "admission")


class Gateway:
    """One agency's side of the exchange.

    `judge` returns the judge of a pack's digest. `random_bytes` draws keys and ids, and `salts`
    the salts of disclosures.
    """

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
        self.signing = signing
        self.sealing: dict[str, PrivateKey] = {}
        self.log_view = LogView(agency)
        self.history = self.log_view.history
        self.members = self.log_view.members
        self.learned = self.log_view.learned
        self.generations = self.log_view.generations
        self.received: dict[tuple[str, str], Received] = {}
        # Items that were withdrawn, or handed out before and may no longer pass.
        self.undelivered: list[Item] = []
        self.faults: list[Received] = []
        self.cursor = 0
        # The number, issuer, and record of each item, in order. A restored hub needs them.
        self.items: list[tuple[int, str, str]] = []
        self.line: InboxLine | None = None
        self.line_note = b""
        self._line_received_at = 0
        # The tree's size at the last answer that left nothing for a later one.
        self._complete_size = 0
        self._witness = witness
        self._judge = judge
        self._random = random_bytes
        self._salts = salts
        self._states: dict[str | None, State] = defaultdict(State)
        self._numbers: dict[str, int] = defaultdict(int)
        self._sent: dict[str, tuple[Bundle, Receipt | None]] = {}
        self._composed: dict[str, Committed] = {}
        # The composed consents and changes to consent that have no receipt yet, by case and id.
        self._pending: dict[str | None, dict[str, Committed]] = defaultdict(dict)
        # The ids of those changes among them that the hub refused.
        self._refused_changes: set[str] = set()
        self._own_numbers = OwnNumbers()
        # The cases of the own records that only an account listed, by id.
        self._accounted: dict[str, str | None] = {}
        # The signed forms behind the consents that this agency collected. Only counsel gets them.
        self.forms: dict[str, SignedForm] = {}
        # The disclosures that open the contents of its own records, by record and part.
        self.contents: dict[str, Mapping[str, str]] = {}

    # Knowledge

    @property
    def pack(self) -> Pack:
        """The pack in force, as far as this gateway knows.

        Raises `DirectoryError` `no-directory`; as its judges do.
        """
        return self._judge(self.history.newest.pack).pack

    def state(self, case: str | None) -> State:
        """Return the records of a case that this agency sent and received."""
        return self._states[case]

    def state_with_pending(self, case: str | None) -> State:
        """Return a case with this agency's own consents and changes that have no receipt yet."""
        return self._with_pending(case, "consent", "consent_change")

    def _with_pending(self, case: str | None, *kinds: str) -> State:
        state = self._states[case]
        pending = [
            record for record in self._pending.get(case, {}).values() if record.kind in kinds
        ]
        return State((*state.records, *pending)) if pending else state

    def _without_refused(self, state: State) -> State:
        """Return a state without the changes that the hub refused."""
        if not self._refused_changes:
            return state
        refused = self._refused_changes
        return State(
            tuple(
                record
                for record in state.records
                if record.issuer != self.agency or record.jti not in refused
            )
        )

    def unended_grants(self, case: str) -> tuple[LoggedGrant, ...]:
        """Return the grants of a case that are live now or may become so later.

        A grant of a consent that has no receipt yet is one of them, with the index `PENDING`. An
        end that the hub refused ends nothing: the hub may have refused it because its consent
        wasn't there yet.

        INVARIANT: only a time that the hub signed counts as past, so a wrong clock of this
        machine leaves no live grant out.
        """
        state = self._without_refused(self.state_with_pending(case))
        past = self.line.time if self.line is not None else 0
        zone = self.history.newest.zone
        return tuple(
            logged for logged in state.grants if status_of_grant(state, logged, past, zone) != ENDED
        )

    def open_grants(self, case: str) -> tuple[tuple[LoggedGrant, tuple[str, ...]], ...]:
        """Return the unended grants of a case with the categories that each still allows.

        A category that was narrowed away, or that a restriction covers, isn't among them. A grant
        that allows none is left out.
        """
        state = self._without_refused(self.state_with_pending(case))
        allowed = []
        for logged in self.unended_grants(case):
            narrowed = {
                category
                for narrowing in state.changes_to(logged.grant, "narrow")
                for category in narrowing.change.categories or ()
            }
            categories = tuple(
                category
                for category in logged.grant.categories
                if category not in narrowed and not is_restricted(state, *logged.pair, category)
            )
            if categories:
                allowed.append((logged, categories))
        return tuple(allowed)

    def next_change(self, case: str, time: int) -> int | None:
        """Return the first time after `time` at which what may pass in a case may change.

        None if nothing changes without a record. Times are by the hub's clock.
        """
        newest = self.history.newest
        zone = newest.zone
        changes = [next_change(self.state_with_pending(case), time, zone)]
        # The first of these days may be today, which has begun.
        days = self._judge(newest.pack).change_days
        changes += [
            midnight(day, zone) for day in days[bisect_left(days, day_of(time, zone)) :][:2]
        ]
        return min((change for change in changes if change and change > time), default=None)

    def hub_time(self, now: int) -> int:
        """Return the time by the hub's clock: its newest line's, plus the time since.

        So no wrong clock of this agency decides.
        """
        if self.line is None:
            return now
        return self.line.time + max(0, now - self._line_received_at)

    def leaves(self) -> Iterator[Leaf]:
        """Yield every leaf that this agency has open. Some appear twice."""
        yield from self.members
        received = (received.item for received in (*self.received.values(), *self.faults))
        for item in (*received, *self.undelivered):
            yield from (leaf for leaf in (item.recorded, item.leaf) if leaf is not None)
        for jti, (bundle, receipt) in self._sent.items():
            if receipt is not None:
                yield rebuild_leaf(
                    receipt, jti=jti, issuer=self.agency, statement=hash_statement(bundle.record)
                )

    def sent_from(self, index: int) -> Iterator[Bundle]:
        """Return the bundles this agency sent with a log index of at least `index`, or none yet."""
        return (
            bundle
            for bundle, receipt in self._sent.values()
            if receipt is None or receipt.index >= index
        )

    def sent_as(self, jti: str) -> tuple[Bundle | None, Receipt | None]:
        """Return the bundle composed under an id and the hub's receipt, each None if missing."""
        return self._sent.get(jti, (None, None))

    def unknown_own_records(self, queued: Mapping[str | None, int]) -> tuple[UnknownRecord, ...]:
        """Return the records that carry this agency's name and were not sent from here.

        `queued` counts the records of each case that wait for a receipt.
        """
        known = {*self._sent, *self._accounted, *(jti for _, _, jti in self.items)}
        return (
            *self._own_numbers.unknown(queued),
            *(UnknownRecord(case, jti=jti) for jti, case in self._accounted.items()),
            *acknowledged_unsent(self.agency, self._states.values(), known),
        )

    def pending_recalls(self, case: str | None = None) -> tuple[PendingRecall, ...]:
        """Return the received recalls that have no answer, the earliest deadline first.

        With `case`, only those of the case.
        """
        states = self._states.values() if case is None else (self.state(case),)
        return pending_recalls(self.agency, states)

    # The log

    @property
    def broken(self) -> LogError | None:
        """The refusal of a log that went back or split, or None."""
        return self.log_view.broken

    @broken.setter
    def broken(self, error: LogError | None) -> None:
        """Set the refusal that a restart read back from the journal."""
        self.log_view.broken = error

    @property
    def watch(self) -> Witness | None:
        """The watch on the log, or None before the first directory."""
        return self.log_view.watch

    @property
    def watching(self) -> Witness:
        """The watch on the log. Raises `LogError` `no-directory`."""
        return self.log_view.watching

    def learn_directory(self, leaf: Leaf, signed: SignedPayload) -> None:
        """Add the next directory version. Raises as `LogView.learn_directory`."""
        self.log_view.learn_directory(leaf, signed)

    def learn_key(self, leaf: Leaf, announced: str) -> None:
        """Add a sealing key. Raises as `LogView.learn_key`."""
        self.log_view.learn_key(leaf, announced)

    def learn_generation(self, leaf: Leaf, signed: SignedPayload) -> GenerationTerms:
        """Add the log's next generation.

        Raises as `generation.check` and `check_terms`. If it drops a leaf that this agency
        holds, the log is broken for good.
        """
        terms = self.log_view.read_generation(leaf, signed)
        try:
            self.check_terms(terms)
        except LogError as error:
            self.log_view.broken = error
            raise
        self.log_view.add_generation(leaf, signed)
        return terms

    def check_terms(self, terms: GenerationTerms) -> None:
        """Check that a generation drops nothing that this agency holds.

        Raises `LogError`: `generation-drops`, `split-view`.
        """
        self.log_view.check_terms(terms, self._size(), self.leaves())

    def cosign(self, note: bytes, consistency: tuple[bytes, ...], now: int) -> Signature:
        """Cosign a checkpoint that grew out of every one seen. Raises as `Witness.cosign`."""
        return self.log_view.cosign(note, consistency, self._witness, now)

    def prove(self, leaf: Leaf, path: tuple[bytes, ...], checkpoint: bytes) -> None:
        """Prove that a leaf is in the log. Raises as `LogView.prove`."""
        self.log_view.prove(leaf, path, checkpoint)

    def _size(self) -> int:
        return self.line.size if self.line else 0

    # Asking

    def judge_part(
        self, kind: str, part: Part, recipient: str, way: tuple[str, str], *, case: str, now: int
    ) -> Verdict:
        """Judge a part before it is composed, on what this agency knows.

        `way` is the purpose and the basis. Raises `ContentError` `wrong-shape` for a statement that
        the kind's labels can't make.
        """
        label = _label_of(kind, part)
        passage = Passage("", recipient, *way)
        time = self.hub_time(now)
        return self._judge_hypothetical(self.agency, kind, label, passage, case, UNCOMMITTED, time)

    def reasons_despite_consent(
        self, kind: str, part: Part, recipient: str, way: tuple[str, str], *, case: str, now: int
    ) -> frozenset[str]:
        """Return the rules that would deny a part also on any consent of the person.

        The arguments are those of `judge_part`.
        """
        time, current = self.hub_time(now), self.history.at(UNCOMMITTED)
        passage, role = Passage("", recipient, *way), current.role(self.agency)
        labels = {"": _label_of(kind, part)}
        record = Committed(UNCOMMITTED, time, "", self.agency, role, kind, case, labels, (passage,))
        state = self._with_pending(case, "consent_change")
        return self._judge(current.pack).reasons_despite_consent(
            record, passage, state, current, current.zone, index=UNCOMMITTED, time=time
        )

    def first_permitted(
        self,
        kind: str,
        part: Part,
        recipient: str,
        ways: Iterable[tuple[str, str]],
        *,
        case: str,
        now: int,
    ) -> tuple[str, str] | None:
        """Return the first purpose and basis for which a part may go to a recipient, or None."""
        for way in ways:
            if self.judge_part(kind, part, recipient, way, case=case, now=now).permit:
                return way
        return None

    def may_receive(
        self, sender: str, category: str, *, case: str, now: int, throughout: int = 0
    ) -> bool:
        """Return whether a sender may disclose a category to this agency, for any purpose.

        With `throughout`, in seconds, only if it might during all of that time before `now`.
        """
        time = self.hub_time(now)
        return all(
            any(
                self._may_share(sender, category, purpose, case, index=index, time=moment)
                for purpose in sorted(CONSENTED)
            )
            for index, moment in self._moments_since(case, time, time - throughout)
        )

    def may_tell_on_offer(
        self, sender: str, recipient: str, category: str, *, case: str, now: int
    ) -> bool:
        """Return whether the accepted offer lets one agency tell another a category now."""
        label, time = _label_of_any(category), self.hub_time(now)
        passages = (Passage("", recipient, purpose, "offer_at_scene") for purpose in _OF_AN_OFFER)
        return any(
            self._judge_hypothetical(
                sender, "correction", label, passage, case, UNCOMMITTED, time
            ).permit
            for passage in passages
        )

    def _moments_since(self, case: str, time: int, since: int) -> Iterator[tuple[int, int]]:
        """Yield the log index and the time at which a permission is to be judged.

        It is `time`, and if `since` is earlier, also `since` and just before each record that came
        after it. Nothing else begins a permission that had ended.
        """
        yield UNCOMMITTED, time
        if since >= time:
            return
        later = [record for record in self.state(case).records if record.time > since]
        yield min((record.index for record in later), default=UNCOMMITTED), since
        yield from ((record.index, record.time) for record in later if record.kind in DECISIVE)

    def _may_share(
        self, sender: str, category: str, purpose: str, case: str, *, index: int, time: int
    ) -> bool:
        """Return whether a record that does not exist might pass at an index and a time."""
        label = _label_of_any(category)
        passage = Passage("", self.agency, purpose, "consent")
        return self._judge_hypothetical(sender, "answer", label, passage, case, index, time).permit

    def _judge_hypothetical(
        self,
        sender: str,
        kind: str,
        label: Label,
        passage: Passage,
        case: str,
        index: int,
        time: int,
    ) -> Verdict:
        """Judge a passage of a record that does not exist, at an index and a time."""
        role = self.history.at(index).role(sender)
        record = Committed(index, time, "", sender, role, kind, case, {"": label}, (passage,))
        return self._verdict(record, passage, index, time)

    def _verdict(
        self,
        committed: Committed,
        passage: Passage,
        index: int,
        time: int,
        *,
        past_recalled_exits: bool = False,
    ) -> Verdict:
        current = self.history.at(index)
        # INVARIANT: a change to consent counts here as soon as it is composed, so a revocation
        # closes this agency's own gate before the network is tried. A queued consent permits
        # nothing yet. Only a change to its own grants may name it.
        is_change = committed.kind == "consent_change"
        kinds = ("consent", "consent_change") if is_change else ("consent_change",)
        state = self._with_pending(committed.case, *kinds)
        if past_recalled_exits:
            state = state.without_recalled_exits
        return self._judge(current.pack).passage(
            committed, passage, state, current, current.zone, index=index, time=time
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
        """Compose a record, if every part may pass on what this agency knows.

        Parts are sealed to the recipients' newest keys. A consent needs the signed form behind
        it (42 CFR 2.31, `content.SignedForm`), which stays here in `forms`.

        Raises `RecordError`: `not-permitted`, which names the rules that deny, `not-admitted`
        (the record doesn't fit the consents of the case); `ContentError` `wrong-form`;
        `DirectoryError` `no-key`; as `check_declared`, `record.build`, and `check`.
        """
        self.log_view.check_unbroken()
        membership = self.history.membership_at(UNCOMMITTED)
        parts = tuple(parts)
        bundle, contents = build_with_disclosures(
            self.signing,
            kind,
            parts,
            membership=membership,
            case=case,
            iat=now,
            random_bytes=self._random,
            jti=jti,
            salts=self._salts,
        )
        for part in parts:
            check_declared(part.content, self.pack.vocabulary, by_issuer=True)
        time = self.hub_time(now)
        committed = committed_record(check_bundle(bundle, membership), UNCOMMITTED, time)
        state = self.state_with_pending(case) if kind == "consent_change" else self._states[case]
        if not admits(state, committed, membership.directory):
            raise RecordError(
                "not-admitted",
                f"this `{kind}` doesn't fit what is known here of the case",
                fix="name consents of this case and every agency that they bind; counsel takes the "
                "account first",
            )
        signed_form = self._check_form(committed, form, time)
        if kind not in report_kinds():
            for passage in committed.passages:
                self._check_permitted(committed, passage, time)
        self._keep_composed(bundle, committed, signed_form)
        self.contents[committed.jti] = contents
        return bundle

    def resume(
        self,
        bundle: Bundle,
        *,
        now: int,
        form: Mapping[str, Any] | None = None,
        is_form_destroyed: bool = False,
    ) -> None:
        """Add a record that this gateway composed before, without asking the rules again.

        `now` is when it was composed. The directory must be as it was then. With
        `is_form_destroyed`, the signed form behind a consent was destroyed when its time was up.
        Raises as `check`.
        """
        time = self.hub_time(now)
        committed = committed_record(
            check_bundle(bundle, self.history.membership_at(UNCOMMITTED)), UNCOMMITTED, time
        )
        signed_form = None if is_form_destroyed else self._check_form(committed, form, time)
        self._keep_composed(bundle, committed, signed_form)

    def sent(self, jti: str, receipt: Receipt) -> None:
        """Add the hub's receipt of a sent record, which belongs to its case from that index on.

        Raises `RecordError` `not-held`.
        """
        if jti not in self._sent:
            raise RecordError(
                "not-held", f"no record `{jti}` was composed here", fix="compose it first"
            )
        bundle, earlier = self._sent[jti]
        if earlier is not None:
            return
        self._sent[jti] = bundle, receipt
        self._pending[self._composed[jti].case].pop(jti, None)
        self._refused_changes.discard(jti)
        self._own_numbers.add(self._composed[jti].case, receipt.number)
        self._remember(replace(self._composed.pop(jti), index=receipt.index, time=receipt.time))

    def read_account(self, account: Account) -> AccountStatement:
        """Verify a case's account, and keep nothing of it. Raises as `verify_account`."""
        self.log_view.check_unbroken()
        return verify_account(account, self.history, self._judge)

    def learn_account(self, account: Account) -> AccountStatement:
        """Verify a case's account, and add its consents to this agency's view of the case.

        So counsel, named in no grant, can end or narrow the person's consents. An agency's own
        records that are missing here, as after a restored backup, are added too, without their
        contents. Raises as `verify_account`.
        """
        statement = self.read_account(account)
        existing = {(record.issuer, record.jti) for record in self._states[account.case].records}
        for committed in statement.records:
            is_own = committed.issuer == self.agency and committed.jti not in self._sent
            if is_own:
                self._accounted[committed.jti] = committed.case
            is_consent = committed.kind in ("consent", "consent_change")
            if (is_own or is_consent) and (committed.issuer, committed.jti) not in existing:
                self._remember(committed)
        return statement

    def _keep_composed(
        self, bundle: Bundle, committed: Committed, signed_form: SignedForm | None
    ) -> None:
        if signed_form is not None:
            self.forms[committed.jti] = signed_form
        self._composed[committed.jti] = committed
        self.expect_receipt(committed.jti)
        self._sent[committed.jti] = bundle, None

    def expect_receipt(self, jti: str) -> None:
        """Expect the hub to commit a composed record, so that a revocation covers its grants."""
        committed = self._composed.get(jti)
        self._refused_changes.discard(jti)
        if committed is not None and committed.kind in ("consent", "consent_change"):
            self._pending[committed.case][jti] = replace(committed, index=PENDING)

    def expect_no_receipt(self, jti: str) -> None:
        """Expect no commit of a record that the hub refused, or that a new record replaces.

        A refused change still closes this agency's own gate, and ends no grant for others.
        """
        committed = self._composed.get(jti)
        if committed is not None and committed.kind == "consent":
            self._pending[committed.case].pop(jti, None)
        elif committed is not None and committed.kind == "consent_change":
            self._refused_changes.add(jti)

    def _check_form(
        self, committed: Committed, form: Mapping[str, Any] | None, time: int
    ) -> SignedForm | None:
        """Check the signed form behind a consent against what each of its grants attests."""
        grants = [grant for _, grant in committed.says() if isinstance(grant, Grant)]
        if not grants:
            return None
        if form is None:
            raise ContentError(
                "wrong-form",
                "there is no signed form behind this consent",
                fix="give the form with it",
            )
        today = day_of(time, self.history.newest.zone).isoformat()
        forms = [
            check_form(form, attested=grant.form, signer=grant.signer, today=today)
            for grant in grants
        ]
        return forms[0]

    def _check_permitted(self, committed: Committed, passage: Passage, time: int) -> None:
        verdict = self._verdict(committed, passage, UNCOMMITTED, time)
        if not verdict.permit:
            categories = ", ".join(committed.labels[passage.part].category)
            raise RecordError(
                "not-permitted",
                f"`{self.agency}` may not tell `{passage.to}` this (`{categories}`): "
                f"{_in_words(verdict.reasons)}",
                fix=self._way_out(committed, passage, verdict, time),
            )

    def _way_out(self, committed: Committed, passage: Passage, verdict: Verdict, time: int) -> str:
        """Return what to do about a part that may not pass: another way, or a consent."""
        for purpose in sorted(CONSENTED) if passage.basis == "consent" else ():
            other = replace(passage, purpose=purpose)
            if self._verdict(committed, other, UNCOMMITTED, time).permit:
                return (
                    f"the person's consent covers it for `{purpose}`: give that purpose if it is "
                    "why you tell it, or leave the part out"
                )
        if verdict.reasons == (OTHERWISE,):
            return (
                "leave the part out, or ask the person for a consent that covers it for "
                f"`{passage.purpose}`"
            )
        return (
            "leave the part out: the pack has the rule in words, and if it asks for a consent, ask "
            "the person"
        )

    def _remember(self, committed: Committed) -> None:
        self._states[committed.case] = self._states[committed.case].with_(committed)

    # Taking

    def take(self, answer: Inbox, now: int) -> tuple[Received, ...]:
        """Take the answer to a pull after `cursor`: all of it, or nothing.

        A faulty delivery is kept as evidence and never opens. Raises `LogError` `older-line`,
        `directory-behind`, `generation-behind`, `gap`, `not-an-inbox`; `NoteError` for a line
        that the hub didn't sign.
        """
        self.log_view.check_unbroken()
        line = read_inbox_line(answer.line, self.history.newest.log, self.agency)
        self._check_line(line, len(answer.items))
        numbers = self._check_items(answer.items, line)
        self._numbers.update(numbers)
        complete_size = self._complete_size
        if self.line is None or line.time > self.line.time:
            self._line_received_at = now
        self.line, self.cursor, self.line_note = line, line.items, answer.line
        self.items += [(item.number, item.issuer, record_id(item)) for item in answer.items]
        if line.items == line.total:
            self._complete_size = line.size
        results = (self._take_item(item, now, complete_size) for item in answer.items)
        return tuple(received for received in results if received is not None)

    def _check_line(self, line: InboxLine, items: int) -> None:
        """Check that the hub's line is current, and counts the items of its answer."""
        check_line_order(self.line, line)
        version, generations = self.history.newest.version, 1 + len(self.generations)
        if line.directory != version:
            raise LogError(
                "directory-behind",
                f"the hub works by version `{line.directory}` of the directory, "
                f"and `{version}` is here",
                fix="ask the hub and the other agencies for the newest",
            )
        if line.generation != generations:
            raise LogError(
                "generation-behind",
                f"the hub's log is in generation `{line.generation}`, "
                f"and `{generations}` is known here",
                fix="ask the hub what the threshold signed",
            )
        if self.cursor + items != line.items:
            raise LogError(
                "gap",
                f"the hub counts `{line.items}` items and gave `{self.cursor + items}`",
                fix=EVIDENCE,
            )

    def _check_items(self, items: Iterable[Item], line: InboxLine) -> dict[str, int]:
        """Check each item's number and leaf, and return the last number of each issuer."""
        numbers = dict(self._numbers)
        for item in items:
            expected = numbers.get(item.issuer, 0) + 1
            if item.number != expected:
                raise LogError(
                    "gap",
                    f"from `{item.issuer}` came number `{item.number}`, and `{expected}` was next",
                    fix=EVIDENCE,
                )
            numbers[item.issuer] = expected
            if item.delivery is not None:
                read_claims(item.delivery.record)
            else:
                check_undelivered(item, self.agency, line.size)
                self._missed(item)
        return numbers

    def _missed(self, item: Item) -> Committed | None:
        """Return the block that a record leaves which was handed out and never arrived here."""
        body = item.leaf.body
        if isinstance(body, HandoutBody) and (body.issuer, body.record) not in self.received:
            return missed_change(item, body, self.history)
        return None

    def _take_item(self, item: Item, now: int, seen: int) -> Received | None:
        if item.delivery is None or item.recorded is None:
            self.undelivered.append(item)
            if (missed := self._missed(item)) is not None:
                self._remember(missed)
            return None
        try:
            record, committed = self._checked(item, seen)
        except ExchangeError as error:
            received = Received(item, None, faulty_change(item), now, str(error))
            self.faults.append(received)
        else:
            received = Received(item, record, committed, now, None)
            self.received[record.issuer, record.jti] = received
        if received.committed is not None:
            self._remember(received.committed)
        return received

    def _checked(self, item: Item, seen: int = 0) -> tuple[Record, Committed]:
        """Check a delivery as `check_delivered`, and that it is new."""
        record, committed = check_delivered(
            item, self.agency, self.history, seen=seen, size=self._size()
        )
        if (record.issuer, record.jti) in self.received:
            raise wrong_leaf("a new record")
        return record, committed

    # Opening

    def open(
        self, issuer: str, jti: str, part: str, *, by: str, now: int, second: str | None = None
    ) -> Reading:
        """Open a part for a named person, or for two if the rules require a second person.

        Raises `RecordError`: `not-held`, `not-permitted` (`disclosure` denies it as of now or as
        of the hand-out), `second-person`, as `open_part`; `LogError`: `stale-line` (the hub's
        newest answer is too old to trust), `unwitnessed`; `SealError`.
        """
        self.log_view.check_unbroken()
        received = self.received.get((issuer, jti))
        if received is None or received.record is None or received.committed is None:
            raise RecordError("not-held", "no such record is held here", fix="pull the inbox")
        committed = received.committed
        passage = next((passage for passage in committed.passages if passage.part == part), None)
        if passage is None:
            raise RecordError("not-held", f"`{part}` isn't held here", fix="pull the inbox")
        unwitnessed = self._check_witnessed(received, committed, passage, now)
        verdict = self._may_open(received, committed, passage, self.hub_time(now))
        if "second_person" in verdict.obligations and (
            second is None or second.casefold() == by.casefold()
        ):
            raise RecordError(
                "second-person",
                f"`{part}` passed in an emergency and opens for two people",
                fix="name a second person",
            )
        opened = open_part(received.record, part, self.sealing)
        check_recipient(self.history.newest.role(self.agency), opened.content)
        pack = self._judge(self.history.at(received.item.leaf.index).pack).pack
        check_declared(opened.content, pack.vocabulary, by_issuer=False)
        received.opened[part] = opened
        return Reading(opened, verdict.obligations, unwitnessed, by, second, received.record.case)

    def may_open(self, issuer: str, jti: str, part: str, now: int) -> bool:
        """Report whether the rules let a part be opened now, whoever opens it.

        True for a part whose record isn't proved to be in the log yet.
        """
        received = self.received.get((issuer, jti))
        committed = received.committed if received is not None else None
        passages = committed.passages if committed is not None else ()
        passage = next((passage for passage in passages if passage.part == part), None)
        if received is None or committed is None or passage is None:
            return True
        try:
            self._may_open(received, committed, passage, self.hub_time(now))
        except RecordError:
            return False
        return True

    def _check_witnessed(
        self, received: Received, committed: Committed, passage: Passage, now: int
    ) -> bool:
        """Return whether a leaf behind this part still lacks its witnesses, within the grace.

        Raises `LogError` `stale-line`, `unwitnessed` after the grace.
        """
        line, item = self.line, received.item
        if line is None or line.size <= item.leaf.index or now - self._line_received_at > GRACE:
            raise LogError(
                "stale-line",
                "the hub's newest answer is too old to open anything on",
                fix="pull the inbox",
            )
        lacking = [
            leaf
            for leaf in self._leaves_behind(item, committed, passage)
            if not self.log_view.is_proved(leaf)
        ]
        if lacking and now - received.received_at > GRACE:
            raise LogError(
                "unwitnessed",
                f"the leaf `{lacking[0].index}` has no witnesses after a day",
                fix="ask the witnesses to cosign",
            )
        return bool(lacking)

    def _leaves_behind(self, item: Item, committed: Committed, passage: Passage) -> Iterator[Leaf]:
        """Yield the leaves that a part depends on: its own, its consents', and the directory's.

        The gateway works out by itself which records it relies on. The hub's own list could leave
        out a record that was never witnessed.
        """
        handout = item.leaf
        queries = queries_of(committed, passage, index=handout.index, time=handout.body.time)
        zone = self.history.at(handout.index).zone
        relied = relies(queries, self._states[committed.case], zone)
        behind = [
            received.item
            for received in self.received.values()
            if received.record is not None and received.record.jti in relied
        ]
        yield handout
        for source in (item, *behind):
            if source.recorded is not None:
                yield source.recorded
        yield from (leaf for leaf in self.members if leaf.index < handout.index)

    def _may_open(
        self, received: Received, committed: Committed, passage: Passage, time: int
    ) -> Verdict:
        """Return the verdict as of the hand-out, if `disclosure` permits then and also now.

        A recalled exit closes nothing that was handed out before it (decision record 0113).
        """
        leaf = received.item.leaf
        as_of_handout = self._verdict(committed, passage, leaf.index, leaf.body.time)
        now = max(time, leaf.body.time)
        as_of_now = self._verdict(committed, passage, UNCOMMITTED, now)
        if not as_of_now.permit:
            as_of_now = self._verdict(
                committed, passage, UNCOMMITTED, now, past_recalled_exits=True
            )
        for verdict in (as_of_handout, as_of_now):
            if not verdict.permit:
                raise RecordError(
                    "not-permitted",
                    f"`{received.item.issuer}` may not tell `{self.agency}` this: "
                    f"{_in_words(verdict.reasons)}",
                    fix="leave it closed: its issuer may send it again when the rules permit it",
                )
        return as_of_handout


_REASONS = {
    OTHERWISE: "no rule and no consent of the person permits it",
    UNDETERMINED: "the rules can't tell if it may pass",
}


def _in_words(reasons: Iterable[str]) -> str:
    """Return why something may not pass: the rules that deny it, or that nothing permits it."""
    return ", ".join(_REASONS.get(reason, f"the rule `{reason}`") for reason in reasons)


def _label_of_any(category: str) -> Label:
    """Return the label of a part that does not exist."""
    return Label(
        "", (category,), "plain", "no_adverse_action", "own-1", FOREVER, None, content_digest=""
    )


def _label_of(kind: str, part: Part) -> Label:
    """Return the label of a part before it is composed."""
    says = find_kind(kind).says
    return Label(
        "",
        part.category,
        part.sensitivity,
        part.use,
        part.notice,
        part.keep_until,
        read_statement(says, dict(part.says)) if says and part.says is not None else None,
        content_digest="",
    )
