"""The hub as a pure state machine: it takes records, commits them in one order, and hands out what may be handed out.

It holds no key that opens anything. What it knows of a part is its label and to whom it is sealed; on that, and on what stood
in the log before, the pack's `disclosure` decides, at the commit and again at each hand-out. The order of the log is the only
order: a consent counts for what stands after it, a revocation cuts at its index, and two things in one batch are one after the
other. A hand-out is in the log before its bytes leave, and what may no longer pass is destroyed.

What the hub answers says nothing about a person or case to whoever isn't part of it: whatever depends on one is the same
`not-passed`. Sockets and clocks are elsewhere; a server keeps a `Hub` behind one writer.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.consent.accounting import Account, Accounted, Proved
from exchange.consent.disclosure import Judges, Verdict
from exchange.consent.reduction import (
    DECISIVE,
    Committed,
    Passage,
    State,
    admits,
    asks,
    known_of,
    relies,
    represents,
)
from exchange.errors import ExchangeError, NotPassed, RecordError, StoreError
from exchange.hub.store import HANDED, WAITING, WITHDRAWN, Entered, Store, Text
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
    RecordBody,
    WithdrawalBody,
    commit_number,
    derive_number_nonce,
    sha256_hex,
)
from exchange.log.receipts import Receipt
from exchange.log.signed_lines import AccountLine, InboxLine, LastNumber, sign_line
from exchange.log.tree import Log
from exchange.membership.history import History
from exchange.membership.signatures import SignedPayload, read_signed_directory
from exchange.protocol.inbox import LARGEST_ANSWER, MOST_ITEMS, Inbox, Item
from exchange.records.bundle import Bundle, check_bundle
from exchange.records.delivery import make_delivery
from exchange.records.kinds import report_kinds
from exchange.records.record import Record, hash_statement
from exchange.standards import i_json, notes
from exchange.standards.notes import Note
from exchange.standards.sd_jwt import RandomBytes
from rules.frozen import frozen

# What is known by these names: the generations of the log after the first, by the index of their leaf.
GENERATION = "generation "
# Cases whose records are kept at hand; of others they are read again.
MOST_CASES = 4096


@frozen
class Taken:
    """A record that the log holds; `again` if it held it before."""

    receipt: Receipt
    again: bool


@frozen
class Refused:
    """A bundle that wasn't taken; `conflict` if its id belongs to another record of this issuer."""

    error: ExchangeError
    conflict: bool = False


class Hub:
    """One program's hub over a store. `judge` gives the judge of a pack's digest; `random_bytes` draws the nonces of leaves.

    Every call is one transaction, and several can be one (`together`): all of it stands, or nothing does.
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
        # What hides numbers is made from the hub's key, so that what comes back after a restore can be told from an invention.
        self._secret = hmac.digest(key.private_bytes_raw(), b"offramp/1/numbers", "sha256")
        # What was read of cases, for as long as nothing but this hub writes.
        self._states: OrderedDict[str | None, State] = OrderedDict()
        self._depth = 0
        self._read()

    def _read(self) -> None:
        """Log and directory as they are kept."""
        self.log = Log(self.store)
        names = self.store.names(GENERATION)
        self.generations = [
            (int(name.rpartition(" ")[2]), self._generation(name)) for name in names
        ]
        self.history = history_of(self.store)

    def _generation(self, name: str) -> SignedPayload:
        return generation.read_signed(i_json.read(self.store.known(name) or b""))

    def _add_generation(self, at: int, signed: SignedPayload) -> None:
        """What the threshold signed of a leaf after a restore."""
        self.store.know(f"{GENERATION}{at:016d}", generation.write(signed))
        self.generations.append((at, signed))

    @contextmanager
    def together(self) -> Iterator[None]:
        """One transaction for all that is done within. Raises `StoreError`; then nothing of it has happened."""
        size, time, versions = (
            self.log.size,
            self.log.time,
            (self.history.size, len(self.generations)),
        )
        try:
            with self.store.commit():
                yield
        except BaseException:
            self.log.tree.shrink(size)
            self.log.time = time
            self._states.clear()
            if (self.history.size, len(self.generations)) != versions:
                self._read()
            raise

    def state(self, case: str | None) -> State:
        """A case as the log holds it."""
        found = self._states.get(case)
        if found is None:
            records = self.store.in_case(case)
            found = State(
                tuple(known_of(record, receipt.index, receipt.time) for record, receipt in records)
            )
            self._states[case] = found
            if len(self._states) > MOST_CASES:
                self._states.popitem(last=False)
        else:
            self._states.move_to_end(case)
        return found

    def _append(self, body: LeafBody) -> Leaf:
        return self.log.append(body, self._random)

    # Membership

    def change_directory(self, signed: SignedPayload, now: int) -> Leaf:
        """The next version of the directory, logged. Raises as `History.check`."""
        version = self.history.check(signed)
        with self.together():
            body = DirectoryBody(
                version=version.version, sha256=version.sha256, time=self.log.stamp(now)
            )
            leaf = self._append(body)
            self.store.add_version(leaf.index, signed.write())
            self.history.add(leaf.index, signed)
            # Roles and packs may have changed: what waits is asked about again.
            for case in self.store.cases_waiting():
                self._sweep(case, leaf.body.time)
        return leaf

    def open_key(self, announced: str, now: int) -> Leaf:
        """An agency's new key to seal to, logged. Raises as `History.check_sealing`."""
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

    def submit(self, bundles: Sequence[Bundle], now: int) -> tuple[Taken | Refused, ...]:
        """Bundles in one commit: each is taken whole or refused, in the order given, all at one time."""
        with self.together():
            time = self.log.stamp(now)
            return tuple(self._submit(bundle, time) for bundle in bundles)

    def _submit(self, bundle: Bundle, time: int) -> Taken | Refused:
        index = self.log.size
        try:
            known = self.store.record(*bundle.claims)
            # Before anything else: a repeat gets its receipt even when its keys have long retired, or it would be sent anew.
            if known is not None and hash_statement(bundle.record) == known[0].sha256:
                return Taken(known[1], again=True)
            standing = self.history.standing(index)
            record = check_bundle(bundle, standing)
            if known is not None:
                return self._conflict(record, time)
            committed = known_of(record, index, time)
            self._may_be_committed(committed)
        except StoreError:
            raise
        except ExchangeError as error:
            return Refused(error)
        return Taken(self._commit(record, committed), again=False)

    def _commit(self, record: Record, committed: Committed) -> Receipt:
        number = self.store.last_number(record.issuer, record.case) + 1
        blind = self._random(NONCE_BYTES)
        nonce = self._number_nonce(self.log.size, blind, record)
        body = RecordBody(
            id=record.jti,
            issuer=record.issuer,
            sha256=record.sha256,
            time=committed.time,
            number=commit_number(nonce, number),
        )
        leaf = self.log.append(body, lambda _: blind)
        receipt = Receipt(leaf.index, committed.time, number, leaf.nonce, nonce)
        before = self.state(record.case)
        self.store.add_record(record, receipt)
        self._states[record.case] = before.with_(committed)
        for agency in sorted({passage.to for passage in committed.passages}):
            self.store.add_item(agency, record.issuer, record.jti)
        # Whatever this record cuts is cut at its index, and not when somebody next asks.
        if record.kind in DECISIVE:
            self._sweep(record.case, committed.time, but=committed)
        return receipt

    def _number_nonce(self, index: int, blind: bytes, record: Record) -> bytes:
        """What hides a record's number in its leaf, as `log.number_nonce`."""
        return derive_number_nonce(
            self._secret,
            index,
            blind,
            jti=record.jti,
            issuer=record.issuer,
            statement=record.sha256,
        )

    def _conflict(self, record: Record, time: int) -> Refused:
        """Another statement under an id that its issuer used: evidence against the issuer, so it is logged."""
        self._append(
            ConflictBody(id=record.jti, issuer=record.issuer, sha256=record.sha256, time=time)
        )
        error = RecordError(
            "id-taken",
            f"`{record.issuer}` sent another record with the id `{record.jti}`",
            fix="build it under a new id",
        )
        return Refused(error, conflict=True)

    def _may_be_committed(self, committed: Committed) -> None:
        """What the case so far, and `disclosure`, say of a record. Raises `NotPassed`, never why."""
        if not admits(self.state(committed.case), committed, self.history.at(committed.index)):
            raise not_passed()
        if committed.kind in report_kinds():
            # What was told outside is on record whatever the rules say: the disclosure that wasn't allowed, least of all.
            return
        for passage in committed.passages:
            if not self._verdict(committed, passage, committed.index, committed.time).permit:
                raise not_passed()

    def _verdict(self, committed: Committed, passage: Passage, index: int, time: int) -> Verdict:
        current = self.history.at(index)
        state = self.state(committed.case)
        return self._judge(current.pack).passage(
            committed, passage, state, current, current.zone, index=index, time=time
        )

    def _committed(self, issuer: str, jti: str, case: str | None) -> Committed:
        return next(
            one for one in self.state(case).records if (one.issuer, one.jti) == (issuer, jti)
        )

    # Hand-out

    def inbox(self, agency: str, now: int, after: int = 0, at_most: int = MOST_ITEMS) -> Inbox:
        """What an agency has after its first `after` items, so many at most; what waits is handed out or withdrawn now."""
        with self.together():
            time = self.log.stamp(now)
            entered = self.store.inbox(agency, after, at_most)
            items: list[Item] = []
            size = 0
            for one in entered:
                items.append(self._item(one, time))
                size += self.store.weight(one.issuer, one.jti, agency)
                if size > LARGEST_ANSWER:
                    break
            left = len(items) < len(entered) or len(entered) == at_most
            total = self.store.items(agency)
            count = entered[len(items) - 1].position if left and items else total
            version = self.history.newest.version
            line = InboxLine(
                agency=agency,
                items=count,
                total=total,
                size=self.log.size,
                time=time,
                directory=version,
                generation=1 + len(self.generations),
            )
        return Inbox(tuple(items), sign_line(line, self._key, self.name))

    def _item(self, entered: Entered, time: int) -> Item:
        found = self.store.record(entered.issuer, entered.jti)
        if found is None:
            return Item(entered.number, entered.issuer, self._left_of(entered))
        record, receipt = found
        committed = self._committed(entered.issuer, entered.jti, record.case)
        if self._settle(committed, entered, time):
            found = self.store.record(entered.issuer, entered.jti)
            assert found is not None, "the record is still there"
            record, receipt = found
        texts = self.store.texts(entered.issuer, entered.jti, entered.agency)
        handed = [text for text in texts if text.state == HANDED]
        # What its recipient may know of it: the hand-out if there is one.
        says = (handed or texts)[0].leaf
        assert says is not None, "what waited was settled"
        item = Item(entered.number, entered.issuer, self.store.leaf(says))
        parts = frozenset(text.entry.part for text in handed)
        if not parts:
            return item
        item = replace(item, recorded=self.store.leaf(receipt.index))
        # Pulling again needs `disclosure` again, and no new leaf.
        gone = any(text.ct is None for text in handed)
        if gone or self._permitted(committed, entered.agency, parts, time) != parts:
            return replace(item, record=record.jws)
        return replace(item, delivery=make_delivery(record, entered.agency, parts))

    def _left_of(self, entered: Entered) -> Leaf:
        """Of a record that was lost with a restore, and had come to its recipient before: the leaf that told it so."""
        told = (HandoutBody, WithdrawalBody)
        for leaf in self.store.leaves():
            if not leaf.lost and isinstance(body := leaf.body, told):
                if (body.to, body.issuer, body.record) == (
                    entered.agency,
                    entered.issuer,
                    entered.jti,
                ):
                    return leaf
        raise StoreError(
            "damaged", f"item `{entered.position}` is of no record", fix="run `offramp fsck`"
        )

    def _settle(self, committed: Committed, entered: Entered, time: int) -> bool:
        """Hands out, in the log, what may pass now; what may not is gone. False where nothing waits."""
        texts = self.store.texts(entered.issuer, entered.jti, entered.agency)
        waiting = {text.entry.part: text for text in texts if text.state == WAITING}
        if not waiting:
            return False
        permitted = self._permitted(committed, entered.agency, frozenset(waiting), time)
        self._withdraw(
            committed,
            entered,
            [text for part, text in waiting.items() if part not in permitted],
            time,
        )
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
            if passage.to == entered.agency and passage.part in permitted
        )
        body = HandoutBody(
            record=committed.jti,
            issuer=committed.issuer,
            to=entered.agency,
            parts=parts,
            number=entered.number,
            time=time,
            pack=self.history.at(self.log.size).pack,
        )
        leaf = self._append(body)
        for part in sorted(permitted):
            self.store.becomes(waiting[part], committed.case, HANDED, leaf.index)
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
        """The records that a passage's basis rests on."""
        index, state = self.log.size, self.state(committed.case)
        return relies(
            asks(committed, passage, index=index, time=self.log.time),
            state,
            self.history.at(index).zone,
        )

    def _withdraw(
        self, committed: Committed, entered: Entered, texts: Sequence[Text], time: int
    ) -> None:
        """Destroys texts that may no longer pass. Their entries stay, since the manifest holds them."""
        if not texts:
            return
        body = WithdrawalBody(
            record=committed.jti,
            issuer=committed.issuer,
            to=entered.agency,
            parts=tuple(sorted(text.entry.part for text in texts)),
            number=entered.number,
            time=time,
        )
        leaf = self._append(body)
        for text in texts:
            self.store.becomes(text, committed.case, WITHDRAWN, leaf.index)

    def _sweep(self, case: str | None, time: int, but: Committed | None = None) -> None:
        """What waits in a case and may no longer pass is withdrawn at once."""
        waiting: dict[tuple[str, str, str], list[Text]] = {}
        for text in self.store.waiting_in(case):
            waiting.setdefault((text.issuer, text.jti, text.agency), []).append(text)
        for (issuer, jti, agency), texts in waiting.items():
            if but is not None and (issuer, jti) == (but.issuer, but.jti):
                continue
            committed = self._committed(issuer, jti, case)
            permitted = self._permitted(
                committed, agency, frozenset(text.entry.part for text in texts), time
            )
            gone = [text for text in texts if text.entry.part not in permitted]
            if gone:
                self._withdraw(committed, self.store.item(agency, issuer, jti), gone, time)

    # The log

    def checkpoint(self, now: int) -> bytes:
        """The newest tree, signed afresh with the hub's time."""
        return self.checkpoint_of(self.log.checkpoint(self.name).text, now)

    def checkpoint_of(self, text: str, now: int) -> bytes:
        """One of this log's own checkpoints, by its text, signed afresh. Any other text is a fault of the caller's."""
        size = notes.read_checkpoint(text).size
        assert text == notes.Checkpoint(self.name, size, self.log.tree.root(size)).text, (
            "the hub signs its own tree only"
        )
        return Note(text, (notes.cosign(text, self._key, self.name, self.log.stamp(now)),)).encode()

    def account(self, case: str, agency: str, checkpoint: bytes, now: int) -> Account:
        """The account of a case as of a witnessed checkpoint, for the person's counsel or who took the consent.

        Raises `NotPassed` for anybody else, and for a case that there isn't.
        """
        state = self.state(case)
        collected = any(record.issuer == agency for record in state.kind("consent"))
        # Other providers may collect a consent, and may not know the arrest behind the case.
        if not (
            represents(state, agency, past_exit=True)
            or (collected and self.history.newest.role(agency) == "case_management")
        ):
            raise not_passed()
        size = notes.read_checkpoint(notes.read_note(checkpoint).text).size
        # The log has grown since its witnesses saw it: the line counts what stood in their tree, or nobody could check it.
        after = [(at, signed) for at, signed in self.generations if at < size]
        torn = [one for _, signed in after for one in generation.read_terms(signed.payload).torn]
        covered = [
            one
            for one in state.records
            if one.index < size and not generation.covers(torn, one.index)
        ]
        records = tuple(self._accounted(record, size) for record in covered)
        counted = {
            record.issuer: each.number for record, each in zip(covered, records, strict=True)
        }
        last = tuple(
            LastNumber(issuer=issuer, last=number) for issuer, number in sorted(counted.items())
        )
        passed = sum(len(each.passed) for each in records)
        line = AccountLine(
            case=case,
            size=size,
            time=self.log.stamp(now),
            last=last,
            passed=passed,
            generation=1 + len(after),
        )
        generations = tuple(
            (self._proved(self.store.leaf(at), size), signed) for at, signed in after
        )
        return Account(
            case, sign_line(line, self._key, self.name), checkpoint, records, generations
        )

    def _accounted(self, committed: Committed, size: int) -> Accounted:
        found = self.store.record(committed.issuer, committed.jti)
        assert found is not None, "what the log holds is kept"
        record, receipt = found
        texts = self.store.texts(committed.issuer, committed.jti)
        passed = sorted({text.leaf for text in texts if text.leaf is not None and text.leaf < size})
        return Accounted(
            record.jws,
            tuple(record.disclosures.values()),
            record.entries,
            record.pads,
            self._proved(self.store.leaf(receipt.index), size),
            receipt.number,
            receipt.number_nonce,
            tuple(self._proved(self.store.leaf(at), size) for at in passed),
        )

    def _proved(self, leaf: Leaf, size: int) -> Proved:
        return Proved(leaf, self.log.tree.inclusion(leaf.index, size))


def history_of(store: Store) -> History:
    """The directory's versions and the keys as a store keeps them."""
    history, announced = History(), store.announced()
    for at, signed in store.versions():
        while announced and announced[0][0] < at:
            history.add_sealing(*announced.pop(0))
        history.add(at, read_signed_directory(signed))
    for each in announced:
        history.add_sealing(*each)
    return history


def not_passed() -> NotPassed:
    """The one answer to whatever depends on a person or case."""
    return NotPassed(
        "not-passed", "this doesn't pass", fix="ask a person at the agency that has the case"
    )
