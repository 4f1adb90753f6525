"""The hub as a pure state machine: it takes records, commits them in one order, and hands out.

The hub has no decryption key. It knows a part's label and recipients. From these and from the
log before, the pack's `disclosure` decides at the commit and again at each hand-out. The order of
the log is the only order: a consent counts for what follows it, a revocation takes effect at its
index, and two records of one batch follow one another.

INVARIANT: a hand-out is in the log before its bytes leave, and a part that may no longer pass is
destroyed.

INVARIANT: an answer tells an outsider nothing about a person or case. Each refusal that depends
on one is the same `not-passed`.

Sockets and clocks are elsewhere. A server keeps a `Hub` behind a single writer.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.consent.account import Account, AccountedRecord, Proved
from exchange.consent.admission import admits
from exchange.consent.disclosure import Judges, Verdict
from exchange.consent.effects import EVERYTHING, Effect, effects_of
from exchange.consent.reduction import queries_of, relies, represents
from exchange.consent.state import DECISIVE, Committed, Passage, State, committed_record
from exchange.errors import ExchangeError, NotPassed, RecordError, StoreError
from exchange.hub.quota import Quota
from exchange.hub.store import HANDED, WAITING, WITHDRAWN, InboxEntry, SealedText, Store
from exchange.log import generation
from exchange.log.leaves import (
    NONCE_BYTES,
    ConflictBody,
    DirectoryBody,
    HandoutBody,
    HandoutPart,
    KeyBody,
    Leaf,
    LeafBody,
    WithdrawalBody,
    commit_number,
    derive_number_nonce,
    sha256_hex,
    write_record_body,
)
from exchange.log.receipts import Receipt
from exchange.log.signed_lines import AccountLine, InboxLine, LastNumber, sign_line
from exchange.log.tree import Log
from exchange.membership.history import History, Membership
from exchange.membership.signatures import SignedPayload, read_signed_directory
from exchange.protocol.inbox import LARGEST_ANSWER, MOST_ITEMS, Inbox, Item
from exchange.records.bundle import Bundle, check_bundle, check_verified_bundle
from exchange.records.delivery import make_delivery
from exchange.records.kinds import report_kinds
from exchange.records.record import Record, VerifiedRecord, hash_statement
from exchange.standards import i_json, notes
from exchange.standards.notes import Note
from exchange.standards.sd_jwt import RandomBytes
from rules.frozen import frozen

# Prefix of the store's names for the generations of the log after the first, by leaf index.
GENERATION = "generation "
# The most cases that stay in memory. Others are read again.
MOST_CASES = 4096


@frozen
class Acceptance:
    """The receipt of a record in the log. `is_repeat` is true if the log already had it."""

    receipt: Receipt
    is_repeat: bool


@frozen
class Rejection:
    """A refused bundle. `is_conflict` is true if its issuer used the id for another record."""

    error: ExchangeError
    is_conflict: bool = False


class Hub:
    """One program's hub over a store.

    `judge` returns the judge of a pack's digest, and `random_bytes` draws the nonces of leaves.
    Every call is one transaction, and several calls can share one (`together`).
    """

    def __init__(
        self,
        key: Ed25519PrivateKey,
        name: str,
        judge: Judges,
        random_bytes: RandomBytes,
        store: Store | None = None,
    ) -> None:
        self.name = name
        self.store = store or Store()
        self._key = key
        self._judge = judge
        self._random = random_bytes
        # The secret that hides numbers comes from the hub's key. So after a restore, the hub can
        # tell its own leaves from invented ones.
        self._secret = hmac.digest(key.private_bytes_raw(), b"offramp/1/numbers", "sha256")
        # INVARIANT: only this hub writes the store, so cached cases stay current.
        self._states: OrderedDict[str | None, State] = OrderedDict()
        self._quota = Quota(self.store)
        self._read()

    def _read(self) -> None:
        """Read the log, its generations, and the directory from the store."""
        self.log = Log(self.store)
        self.generations = [
            (int(name.rpartition(" ")[2]), self._generation(name))
            for name in self.store.value_names(GENERATION)
        ]
        self.history = history_of(self.store)

    def _generation(self, name: str) -> SignedPayload:
        return generation.read_signed(i_json.read(self.store.value(name) or b""))

    def _add_generation(self, index: int, signed: SignedPayload) -> None:
        self.store.set_value(f"{GENERATION}{index:016d}", generation.write(signed))
        self.generations.append((index, signed))

    @contextmanager
    def together(self) -> Iterator[None]:
        """Run the block as one transaction. After a `StoreError`, none of it has happened."""
        size, time = self.log.size, self.log.time
        versions = self.history.size, len(self.generations)
        try:
            with self.store.commit():
                yield
        except BaseException:
            self.log.tree.shrink(size)
            self.log.time = time
            self._states.clear()
            self._quota.forget()
            if (self.history.size, len(self.generations)) != versions:
                self._read()
            raise

    def state(self, case: str | None) -> State:
        """Return a case as the log has it."""
        state = self._states.get(case)
        if state is not None:
            self._states.move_to_end(case)
            return state
        records = self.store.in_case(case)
        state = State(
            tuple(
                committed_record(record, receipt.index, receipt.time) for record, receipt in records
            )
        )
        self._states[case] = state
        if len(self._states) > MOST_CASES:
            self._states.popitem(last=False)
        return state

    def _append(self, body: LeafBody) -> Leaf:
        return self.log.append(body, self._random)

    # Membership

    def change_directory(self, signed: SignedPayload, now: int) -> Leaf:
        """Log the next version of the directory. Raises as `History.check`."""
        version = self.history.check(signed)
        with self.together():
            body = DirectoryBody(
                version=version.version, sha256=version.sha256, time=self.log.stamp(now)
            )
            leaf = self._append(body)
            self.store.add_version(leaf.index, signed.write())
            self.history.add(leaf.index, signed)
            # Roles and packs may have changed, so waiting parts are judged again.
            for case in self.store.cases_waiting():
                self._sweep(case, leaf.body.time)
        return leaf

    def open_key(self, announced: str, now: int) -> Leaf:
        """Log an agency's new sealing key. Raises as `History.check_sealing`."""
        agency, _ = self.history.check_sealing(announced)
        with self.together():
            body = KeyBody(
                agency=agency.id, sha256=sha256_hex(announced.encode()), time=self.log.stamp(now)
            )
            leaf = self._append(body)
            self.store.add_announced(leaf.index, announced)
            self.history.add_sealing(leaf.index, announced)
        return leaf

    # Records

    def submit(self, bundles: Sequence[Bundle], now: int) -> tuple[Acceptance | Rejection, ...]:
        """Commit bundles at one time and in the order given, each in full or not at all."""
        with self.together():
            time = self.log.stamp(now)
            stored = self._stored_ids(bundles)
            # Nothing in a batch changes the directory. So all signatures are checked first, then
            # all forms, and then all cases. In turn it would take longer: each signature fills the
            # processor's caches with tables of its own.
            membership = self.history.membership_at(self.log.size)
            verified = [_verify(bundle, membership, stored) for bundle in bundles]
            checked = [
                _check(bundle, signed, membership)
                for bundle, signed in zip(bundles, verified, strict=True)
            ]
            permits: set[_PassageForm] = set()
            return tuple(
                self._submit(bundle, record, stored, permits, time)
                for bundle, record in zip(bundles, checked, strict=True)
            )

    def _stored_ids(self, bundles: Sequence[Bundle]) -> set[tuple[str, str]]:
        """Return the ids that bundles claim and the store has."""
        claims = []
        for bundle in bundles:
            # A bundle without a readable claim is refused by its check.
            with suppress(ExchangeError):
                claims.append(bundle.claims)
        return self.store.stored_ids(claims)

    def _submit(
        self,
        bundle: Bundle,
        checked: Record | ExchangeError | None,
        stored_ids: set[tuple[str, str]],
        permits: set[_PassageForm],
        time: int,
    ) -> Acceptance | Rejection:
        index = self.log.size
        try:
            is_stored = bundle.claims in stored_ids
            stored = self.store.record(*bundle.claims) if is_stored else None
            # A repeat gets its receipt even after its keys have retired. Otherwise its issuer
            # would send it as a new record.
            if stored is not None and hash_statement(bundle.record) == stored[0].sha256:
                return Acceptance(stored[1], is_repeat=True)
            if isinstance(checked, ExchangeError):
                raise checked
            record = checked or check_bundle(bundle, self.history.membership_at(index))
            if stored is not None:
                return self._conflict(record, time)
            self._quota.check(record.kind, record.issuer, record.case, time)
            committed = committed_record(record, index, time)
            self._check_admitted(committed, permits)
        except StoreError:
            raise
        except ExchangeError as error:
            return Rejection(error)
        stored_ids.add((record.issuer, record.jti))
        if record.kind in DECISIVE or committed.has_statement:
            # What a case permits may have changed.
            permits.clear()
        return Acceptance(self._commit(record, committed), is_repeat=False)

    def _commit(self, record: Record, committed: Committed) -> Receipt:
        number = self.store.last_number(record.issuer, record.case) + 1
        blind = self._random(NONCE_BYTES)
        nonce = self._number_nonce(self.log.size, blind, record)
        body = write_record_body(
            id=record.jti,
            issuer=record.issuer,
            sha256=record.sha256,
            time=committed.time,
            number=commit_number(nonce, number),
        )
        leaf = self.log.append_written(body, committed.time, blind)
        receipt = Receipt(leaf.index, committed.time, number, leaf.nonce, nonce)
        before = self.state(record.case)
        self.store.add_record(record, receipt)
        self._quota.add(record.kind, record.issuer, record.case, committed.time)
        self._states[record.case] = before.with_(committed)
        for agency in sorted({passage.to for passage in committed.passages}):
            self.store.add_item(agency, record.issuer, record.jti)
        # A record that ends a permission takes effect at its index, not at the next request.
        if record.kind in DECISIVE:
            self._sweep(record.case, committed.time, effects_of(committed, before), but=committed)
        return receipt

    def _number_nonce(self, index: int, blind: bytes, record: Record) -> bytes:
        """Return the nonce that hides a record's number in its leaf, as `derive_number_nonce`."""
        return derive_number_nonce(
            self._secret,
            index,
            blind,
            jti=record.jti,
            issuer=record.issuer,
            statement=record.sha256,
        )

    def _conflict(self, record: Record, time: int) -> Rejection:
        """Log a second record under one id, which is evidence against its issuer."""
        self._append(
            ConflictBody(id=record.jti, issuer=record.issuer, sha256=record.sha256, time=time)
        )
        error = RecordError(
            "id-taken",
            f"`{record.issuer}` sent another record with the id `{record.jti}`",
            fix="build it under a new id",
        )
        return Rejection(error, is_conflict=True)

    def _check_admitted(self, committed: Committed, permits: set[_PassageForm]) -> None:
        """Check a record against its case and `disclosure`. Raises `NotPassed`, never why.

        `permits` collects the passages that may pass at this time and in the cases' present state.
        """
        state, current = self.state(committed.case), self.history.at(committed.index)
        if not admits(state, committed, current):
            raise not_passed()
        if committed.kind in report_kinds():
            # A report of an outside disclosure goes on record whatever the rules say, above all
            # if the disclosure wasn't allowed.
            return
        forms = [_form_of(committed, passage) for passage in committed.passages]
        if permits.issuperset(forms):
            return
        judge = self._judge(current.pack)
        for passage in committed.passages:
            verdict = judge.passage(
                committed,
                passage,
                state,
                current,
                current.zone,
                index=committed.index,
                time=committed.time,
            )
            if not verdict.permit:
                raise not_passed()
        permits.update(form for form in forms if form is not None)

    def _verdict(self, committed: Committed, passage: Passage, index: int, time: int) -> Verdict:
        current = self.history.at(index)
        state = self.state(committed.case)
        return self._judge(current.pack).passage(
            committed, passage, state, current, current.zone, index=index, time=time
        )

    def _committed(self, issuer: str, jti: str, case: str | None) -> Committed:
        return next(record for record in self.state(case).of_id(jti) if record.issuer == issuer)

    # Hand-out

    def inbox(self, agency: str, now: int, after: int = 0, at_most: int = MOST_ITEMS) -> Inbox:
        """Return an agency's items after its first `after`, at most so many.

        Waiting parts are handed out or withdrawn now.
        """
        with self.together():
            time = self.log.stamp(now)
            entries = self.store.inbox(agency, after, at_most)
            items: list[Item] = []
            size = 0
            for entry in entries:
                items.append(self._item(entry, time))
                size += self.store.weight(entry.issuer, entry.jti, agency)
                if size > LARGEST_ANSWER:
                    break
            may_be_more = len(items) < len(entries) or len(entries) == at_most
            total = self.store.items(agency)
            count = entries[len(items) - 1].position if may_be_more and items else total
            line = InboxLine(
                agency=agency,
                items=count,
                total=total,
                size=self.log.size,
                time=time,
                directory=self.history.newest.version,
                generation=1 + len(self.generations),
            )
        return Inbox(tuple(items), sign_line(line, self._key, self.name))

    def _item(self, entry: InboxEntry, time: int) -> Item:
        stored = self.store.record(entry.issuer, entry.jti)
        if stored is None:
            return Item(entry.number, entry.issuer, self._leaf_left(entry))
        committed = self._committed(entry.issuer, entry.jti, stored[0].case)
        if self._settle(committed, entry, time):
            stored = self.store.record(entry.issuer, entry.jti)
            assert stored is not None, "the record is still there"
        record, receipt = stored
        texts = self.store.texts(entry.issuer, entry.jti, entry.agency)
        handed = [text for text in texts if text.state == HANDED]
        # The recipient learns of the hand-out if there is one, and else of the withdrawal.
        leaf_index = (handed or texts)[0].leaf
        assert leaf_index is not None, "the waiting texts were settled"
        item = Item(entry.number, entry.issuer, self.store.leaf(leaf_index))
        parts = frozenset(text.entry.part for text in handed)
        if not parts:
            return item
        item = replace(item, recorded=self.store.leaf(receipt.index))
        # A repeated pull needs `disclosure` again, and no new leaf.
        is_destroyed = any(text.ct is None for text in handed)
        if is_destroyed or self._permitted(committed, entry.agency, parts, time) != parts:
            return replace(item, record=record.jws)
        return replace(item, delivery=make_delivery(record, entry.agency, parts))

    def _leaf_left(self, entry: InboxEntry) -> Leaf:
        """Return the leaf of a hand-out or withdrawal after a restore lost its record."""
        for leaf in self.store.leaves():
            if not leaf.lost and isinstance(body := leaf.body, HandoutBody | WithdrawalBody):
                if (body.to, body.issuer, body.record) == (entry.agency, entry.issuer, entry.jti):
                    return leaf
        raise StoreError(
            "damaged", f"item `{entry.position}` is of no record", fix="run `offramp hub fsck DIR`"
        )

    def _settle(self, committed: Committed, entry: InboxEntry, time: int) -> bool:
        """Hand out the waiting parts that may pass, and withdraw the others.

        Returns False if no part is waiting.
        """
        texts = self.store.texts(entry.issuer, entry.jti, entry.agency)
        waiting = {text.entry.part: text for text in texts if text.state == WAITING}
        if not waiting:
            return False
        permitted = self._permitted(committed, entry.agency, frozenset(waiting), time)
        denied = [text for part, text in waiting.items() if part not in permitted]
        self._withdraw(committed, entry, denied, time)
        if not permitted:
            return True
        parts = tuple(
            HandoutPart(
                part=passage.part,
                purpose=passage.purpose,
                basis=passage.basis,
                relies=self._relies(committed, passage),
            )
            for passage in committed.passages
            if passage.to == entry.agency and passage.part in permitted
        )
        body = HandoutBody(
            record=committed.jti,
            issuer=committed.issuer,
            to=entry.agency,
            parts=parts,
            number=entry.number,
            time=time,
            pack=self.history.at(self.log.size).pack,
        )
        leaf = self._append(body)
        for part in sorted(permitted):
            self.store.settle_text(waiting[part], committed.case, HANDED, leaf.index)
        return True

    def _permitted(
        self, committed: Committed, agency: str, parts: frozenset[str], time: int
    ) -> frozenset[str]:
        return frozenset(
            passage.part
            for passage in committed.passages
            if passage.to == agency
            and passage.part in parts
            and self._verdict(committed, passage, self.log.size, time).permit
        )

    def _relies(self, committed: Committed, passage: Passage) -> tuple[str, ...]:
        """Return the ids of the records that a passage's basis rests on."""
        index, state = self.log.size, self.state(committed.case)
        queries = queries_of(committed, passage, index=index, time=self.log.time)
        return relies(queries, state, self.history.at(index).zone)

    def _withdraw(
        self, committed: Committed, entry: InboxEntry, texts: Sequence[SealedText], time: int
    ) -> None:
        """Destroy texts that may no longer pass. Their entries stay, as the manifest has them."""
        if not texts:
            return
        body = WithdrawalBody(
            record=committed.jti,
            issuer=committed.issuer,
            to=entry.agency,
            parts=tuple(sorted(text.entry.part for text in texts)),
            number=entry.number,
            time=time,
        )
        leaf = self._append(body)
        for text in texts:
            self.store.settle_text(text, committed.case, WITHDRAWN, leaf.index)

    def _sweep(
        self,
        case: str | None,
        time: int,
        effects: Sequence[Effect] = (EVERYTHING,),
        but: Committed | None = None,
    ) -> None:
        """Withdraw the waiting texts of a case that may no longer pass, except those of `but`.

        Only those are judged that one of the effects covers.
        """
        waiting: dict[tuple[str, str, str], dict[str, SealedText]] = {}
        for effect in effects:
            for text in self.store.waiting_in(case, effect):
                texts = waiting.setdefault((text.issuer, text.jti, text.agency), {})
                texts[text.entry.part] = text
        for (issuer, jti, agency), texts in waiting.items():
            if but is not None and (issuer, jti) == (but.issuer, but.jti):
                continue
            committed = self._committed(issuer, jti, case)
            permitted = self._permitted(committed, agency, frozenset(texts), time)
            denied = [text for part, text in texts.items() if part not in permitted]
            if denied:
                self._withdraw(committed, self.store.item(agency, issuer, jti), denied, time)

    # The log

    def checkpoint(self, now: int) -> bytes:
        """Return the newest tree's checkpoint, signed afresh with the hub's time."""
        return self.checkpoint_of(self.log.checkpoint(self.name).text, now)

    def checkpoint_of(self, text: str, now: int) -> bytes:
        """Sign the text of one of this log's own checkpoints afresh."""
        size = notes.read_checkpoint(text).size
        assert text == notes.Checkpoint(self.name, size, self.log.tree.root(size)).text, (
            "the hub signs its own tree only"
        )
        return Note(text, (notes.cosign(text, self._key, self.name, self.log.stamp(now)),)).encode()

    # Accounts

    def account(self, case: str, agency: str, checkpoint: bytes, now: int) -> Account:
        """Return a case's account as of a witnessed checkpoint.

        Only the person's counsel and the case managers that collected a consent get it. Raises
        `NotPassed` for any other agency, and for a case that does not exist.
        """
        state = self.state(case)
        if not self._may_have_account(state, agency):
            raise not_passed()
        size = notes.read_checkpoint(notes.read_note(checkpoint).text).size
        # The log has grown since its witnesses saw it. The line counts what is in their tree,
        # because nobody could check any other count.
        generations = [(index, signed) for index, signed in self.generations if index < size]
        torn = [
            stretch
            for _, signed in generations
            for stretch in generation.read_terms(signed.payload).torn
        ]
        covered = [
            record
            for record in state.records
            if record.index < size and not generation.covers(torn, record.index)
        ]
        records = tuple(self._accounted(record, size) for record in covered)
        line = self._account_line(case, records, covered, size, 1 + len(generations), now)
        return Account(
            case,
            sign_line(line, self._key, self.name),
            checkpoint,
            records,
            tuple((self._proved(self.store.leaf(at), size), signed) for at, signed in generations),
        )

    def _may_have_account(self, state: State, agency: str) -> bool:
        if represents(state, agency, past_exit=True):
            return True
        # Other providers may collect a consent too, and may not know of the arrest in the case.
        has_collected = any(record.issuer == agency for record in state.kind("consent"))
        return has_collected and self.history.newest.role(agency) == "case_management"

    def _account_line(
        self,
        case: str,
        records: Sequence[AccountedRecord],
        covered: Sequence[Committed],
        size: int,
        generations: int,
        now: int,
    ) -> AccountLine:
        last = {
            committed.issuer: accounted.number
            for committed, accounted in zip(covered, records, strict=True)
        }
        return AccountLine(
            case=case,
            size=size,
            time=self.log.stamp(now),
            last=tuple(
                LastNumber(issuer=issuer, last=number) for issuer, number in sorted(last.items())
            ),
            passed=sum(len(accounted.passed) for accounted in records),
            generation=generations,
        )

    def _accounted(self, committed: Committed, size: int) -> AccountedRecord:
        stored = self.store.record(committed.issuer, committed.jti)
        assert stored is not None, "the store has every record of the log"
        record, receipt = stored
        texts = self.store.texts(committed.issuer, committed.jti)
        passed = sorted({text.leaf for text in texts if text.leaf is not None and text.leaf < size})
        return AccountedRecord(
            record.jws,
            tuple(record.disclosures.values()),
            record.entries,
            record.pads,
            self._proved(self.store.leaf(receipt.index), size),
            receipt.number,
            receipt.number_nonce,
            tuple(self._proved(self.store.leaf(index), size) for index in passed),
        )

    def _proved(self, leaf: Leaf, size: int) -> Proved:
        return Proved(leaf, self.log.tree.inclusion(leaf.index, size))


# What `disclosure` reads of a passage and its record.
_PassageForm = tuple[str | tuple[str, ...] | None, ...]


def _form_of(committed: Committed, passage: Passage) -> _PassageForm | None:
    """Return what `disclosure` reads of a passage, besides the case's records and the time.

    None for a record with a statement, which is judged by itself.
    """
    if committed.has_statement:
        return None
    label = committed.labels[passage.part]
    return (
        committed.case,
        committed.issuer,
        committed.kind,
        passage.to,
        passage.purpose,
        passage.basis,
        label.category,
        label.sensitivity,
        label.use,
        label.notice,
        label.keep_until,
    )


def _verify(
    bundle: Bundle, membership: Membership, stored: Container[tuple[str, str]]
) -> VerifiedRecord | ExchangeError | None:
    """Return the verified record or its refusal, and None if its id is in the store."""
    try:
        return None if bundle.claims in stored else bundle.signed.verify(membership)
    except ExchangeError as error:
        return error


def _check(
    bundle: Bundle, verified: VerifiedRecord | ExchangeError | None, membership: Membership
) -> Record | ExchangeError | None:
    """Return the checked record or its refusal, and None for one that `_verify` left out."""
    if not isinstance(verified, VerifiedRecord):
        return verified
    try:
        return check_verified_bundle(bundle, verified, membership)
    except ExchangeError as error:
        return error


def history_of(store: Store) -> History:
    """Return the directory's versions and keys from a store."""
    history, announced = History(), store.announced()
    for index, signed in store.versions():
        while announced and announced[0][0] < index:
            history.add_sealing(*announced.pop(0))
        history.add(index, read_signed_directory(signed))
    for key_index, key in announced:
        history.add_sealing(key_index, key)
    return history


def not_passed() -> NotPassed:
    """Return the one answer to every refusal that depends on a person or case."""
    return NotPassed(
        "not-passed", "this doesn't pass", fix="ask a person at the agency that has the case"
    )
