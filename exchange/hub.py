"""The hub as a pure state machine: it takes records, commits them in one order, and hands out what may be handed out.

It holds no key that opens anything. What it knows of a part is its label and to whom it is sealed; on that, and on what stood
in the log before, the pack's `disclosure` decides, at the commit and again at each hand-out. The order of the log is the only
order: a consent counts for what stands after it, a revocation cuts at its index, and two things in one batch are one after the
other. A hand-out is in the log before its bytes leave, and what may no longer pass is destroyed.

What the hub answers says nothing about a person or case to whoever isn't part of it: whatever depends on one is the same
`not-passed`. Storage, sockets and clocks are elsewhere; a server keeps a `Hub` behind one writer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange import _c2sp, directory, log
from exchange._c2sp import Note, Signature
from exchange._rfc9901 import RandomBytes
from exchange.accounting import Account, Accounted, Proved
from exchange.consent import Committed, Passage, State, admits, asks, known_of, relies, represents
from exchange.directory import History
from exchange.disclosure import Judges, Verdict
from exchange.errors import ExchangeError, NotPassed, RecordError
from exchange.inbox import Inbox, Item
from exchange.kinds import reports
from exchange.log import Body, Leaf, Log, Receipt
from exchange.record import Bundle, Record, check, delivery, statement
from rules.frozen import frozen


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


class _Waiting:
    """What one record holds for one agency.

    Each of its parts waits, is handed out or withdrawn; never two of them, never back.
    """

    def __init__(self, committed: Committed, number: int, parts: frozenset[str]) -> None:
        self.committed = committed
        self.number = number
        self.waiting = parts
        self.handed: frozenset[str] = frozenset()
        self.leaves: list[Leaf] = []

    @property
    def leaf(self) -> Leaf:
        """What became of it, as its recipient may know: the hand-out if there is one."""
        return next((leaf for leaf in self.leaves if isinstance(leaf.body, log.HandedOut)), self.leaves[-1])


class Hub:
    """One program's hub. `judge` gives the judge of a pack's digest; `random_bytes` draws the nonces that blind the leaves."""

    def __init__(self, key: Ed25519PrivateKey, name: str, judge: Judges, random_bytes: RandomBytes) -> None:
        self.name = name
        self.history = History()
        self.log = Log()
        self._key = key
        self._judge = judge
        self._random = random_bytes
        self._records: dict[tuple[str, str], tuple[Record, Receipt]] = {}
        self._states: dict[str | None, State] = defaultdict(State)
        self._queues: dict[str, list[_Waiting]] = defaultdict(list)
        self._numbers: dict[tuple[str, str | None], int] = defaultdict(int)
        self._passed_on: dict[tuple[str, str], int] = defaultdict(int)
        self._open: dict[str | None, list[tuple[str, _Waiting]]] = defaultdict(list)

    def _append(self, body: Body) -> Leaf:
        return self.log.append(body, self._random)

    # Membership

    def change_directory(self, signed: directory.Signed, now: int) -> Leaf:
        """The next version of the directory, logged. Raises as `History.check`."""
        version = self.history.check(signed)
        body = log.DirectoryChanged(version=version.version, sha256=version.sha256, time=self.log.stamp(now))
        leaf = self._append(body)
        self.history.add(leaf.index, signed)
        # Roles and packs may have changed: what waits is asked about again.
        for case in tuple(self._open):
            self._sweep(case, leaf.body.time)
        return leaf

    def open_key(self, announced: str, now: int) -> Leaf:
        """An agency's new key to seal to, logged. Raises as `History.check_sealing`."""
        agency, _ = self.history.check_sealing(announced)
        body = log.KeyOpened(agency=agency.id, sha256=log.digest(announced.encode()), time=self.log.stamp(now))
        leaf = self._append(body)
        self.history.add_sealing(leaf.index, announced)
        return leaf

    # Records

    def submit(self, bundles: Sequence[Bundle], now: int) -> tuple[Taken | Refused, ...]:
        """Bundles in one commit: each is taken whole or refused, in the order given, all at one time."""
        time = self.log.stamp(now)
        return tuple(self._submit(bundle, time) for bundle in bundles)

    def _submit(self, bundle: Bundle, time: int) -> Taken | Refused:
        index = self.log.size
        try:
            known = self._records.get(bundle.claims)
            # Before anything else: a repeat gets its receipt even when its keys have long retired, or it would be sent anew.
            if known is not None and statement(bundle.record) == known[0].sha256:
                return Taken(known[1], again=True)
            standing = self.history.standing(index)
            record = check(bundle, standing)
            if known is not None:
                return self._conflict(record, time)
            committed = known_of(record, index, time)
            self._may_be_committed(committed)
        except ExchangeError as error:
            return Refused(error)
        return Taken(self._commit(record, committed), again=False)

    def _commit(self, record: Record, committed: Committed) -> Receipt:
        numbered = (record.issuer, record.case)
        number = self._numbers[numbered] = self._numbers[numbered] + 1
        nonce = self._random(log.NONCE_BYTES)
        body = log.Recorded(
            id=record.jti,
            issuer=record.issuer,
            sha256=record.sha256,
            time=committed.time,
            number=log.commit_number(nonce, number),
        )
        leaf = self._append(body)
        receipt = Receipt(leaf.index, committed.time, number, leaf.nonce, nonce)
        self._records[record.issuer, record.jti] = record, receipt
        self._states[record.case] = self._states[record.case].with_(committed)
        for agency in sorted({passage.to for passage in committed.passages}):
            on = self._passed_on[record.issuer, agency] = self._passed_on[record.issuer, agency] + 1
            mine = frozenset(passage.part for passage in committed.passages if passage.to == agency)
            waiting = _Waiting(committed, on, mine)
            self._queues[agency].append(waiting)
            self._open[record.case].append((agency, waiting))
        # Whatever this record cuts is cut at its index, and not when somebody next asks.
        self._sweep(record.case, committed.time, but=record.jti)
        return receipt

    def _conflict(self, record: Record, time: int) -> Refused:
        """Another statement under an id that its issuer used: evidence against the issuer, so it is logged."""
        self._append(log.Conflict(id=record.jti, issuer=record.issuer, sha256=record.sha256, time=time))
        error = RecordError(
            "id-taken", f"`{record.issuer}` sent another record with the id `{record.jti}`", mend="build it under a new id"
        )
        return Refused(error, conflict=True)

    def _may_be_committed(self, committed: Committed) -> None:
        """What the case so far, and `disclosure`, say of a record. Raises `NotPassed`, never why."""
        if not admits(self._states[committed.case], committed, self.history.at(committed.index)):
            raise not_passed()
        if committed.kind in reports():
            # What was told outside is on record whatever the rules say: the disclosure that wasn't allowed, least of all.
            return
        for passage in committed.passages:
            if not self._verdict(committed, passage, committed.index, committed.time).permit:
                raise not_passed()

    def _verdict(self, committed: Committed, passage: Passage, index: int, time: int) -> Verdict:
        current = self.history.at(index)
        state = self._states[committed.case]
        return self._judge(current.pack).passage(committed, passage, state, current, current.zone, index=index, time=time)

    # Hand-out

    def inbox(self, agency: str, now: int, after: int = 0) -> Inbox:
        """What an agency has after its first `after` items; what waits is handed out or withdrawn now."""
        time = self.log.stamp(now)
        queue = self._queues[agency]
        items = tuple(self._item(agency, waiting, time) for waiting in queue[after:])
        version = self.history.newest.version
        line = log.InboxLine(agency=agency, items=len(queue), size=self.log.size, time=time, directory=version)
        return Inbox(items, log.sign_line(line, self._key, self.name))

    def _item(self, agency: str, waiting: _Waiting, time: int) -> Item:
        self._settle(agency, waiting, time)
        committed, leaf = waiting.committed, waiting.leaf
        item = Item(waiting.number, committed.issuer, leaf)
        # Pulling again needs `disclosure` again, and no new leaf.
        if not waiting.handed or self._permitted(agency, waiting, waiting.handed, time) != waiting.handed:
            return item
        record, receipt = self._records[committed.issuer, committed.jti]
        return replace(item, recorded=self.log.leaves[receipt.index], delivery=delivery(record, agency, waiting.handed))

    def _settle(self, agency: str, waiting: _Waiting, time: int) -> None:
        """Hands out, in the log, what may pass now; what may not is gone."""
        if not waiting.waiting:
            return
        permitted = self._permitted(agency, waiting, waiting.waiting, time)
        self._withdraw(agency, waiting, waiting.waiting - permitted, time)
        if not permitted:
            return
        committed = waiting.committed
        parts = tuple(
            log.HandedPart(
                part=passage.part, purpose=passage.purpose, basis=passage.basis, relies=self._relies(committed, passage)
            )
            for passage in committed.passages
            if passage.to == agency and passage.part in permitted
        )
        body = log.HandedOut(
            record=committed.jti,
            issuer=committed.issuer,
            to=agency,
            parts=parts,
            number=waiting.number,
            time=time,
            pack=self.history.at(self.log.size).pack,
        )
        waiting.leaves.append(self._append(body))
        waiting.handed, waiting.waiting = permitted, frozenset()

    def _permitted(self, agency: str, waiting: _Waiting, parts: frozenset[str], time: int) -> frozenset[str]:
        return frozenset(
            passage.part
            for passage in waiting.committed.passages
            if passage.to == agency
            and passage.part in parts
            and self._verdict(waiting.committed, passage, self.log.size, time).permit
        )

    def _relies(self, committed: Committed, passage: Passage) -> tuple[str, ...]:
        """The records that a passage's basis rests on."""
        index, state = self.log.size, self._states[committed.case]
        return relies(asks(committed, passage, index=index, time=self.log.time), state, self.history.at(index).zone)

    def _withdraw(self, agency: str, waiting: _Waiting, parts: frozenset[str], time: int) -> None:
        """Destroys texts that may no longer pass. Their entries stay, since the manifest holds them."""
        if not parts:
            return
        committed = waiting.committed
        key = (committed.issuer, committed.jti)
        record, receipt = self._records[key]
        left = tuple(text for text in record.sealed if text.part not in parts or text.to.partition(".")[0] != agency)
        self._records[key] = replace(record, sealed=left), receipt
        body = log.Withdrawn(
            record=committed.jti,
            issuer=committed.issuer,
            to=agency,
            parts=tuple(sorted(parts)),
            number=waiting.number,
            time=time,
        )
        waiting.leaves.append(self._append(body))
        waiting.waiting -= parts

    def _sweep(self, case: str | None, time: int, but: str = "") -> None:
        """What waits in a case and may no longer pass is withdrawn at once."""
        self._open[case] = [(agency, waiting) for agency, waiting in self._open[case] if waiting.waiting]
        for agency, waiting in self._open[case]:
            if waiting.committed.jti != but:
                permitted = self._permitted(agency, waiting, waiting.waiting, time)
                self._withdraw(agency, waiting, waiting.waiting - permitted, time)

    # The log

    def checkpoint(self, now: int) -> bytes:
        """The newest tree, signed afresh with the hub's time."""
        text = self.log.checkpoint(self.name).text
        return Note(text, (_c2sp.cosign(text, self._key, self.name, self.log.stamp(now)),)).encoded()

    def account(self, case: str, agency: str, checkpoint: bytes, now: int) -> Account:
        """The account of a case as of a witnessed checkpoint, for the person's counsel or who took the consent.

        Raises `NotPassed` for anybody else, and for a case that there isn't.
        """
        state = self._states.get(case, State())
        collected = any(record.issuer == agency for record in state.kind("consent"))
        # Other providers may collect a consent, and may not know the arrest behind the case.
        if not (
            represents(state, agency, past_exit=True) or (collected and self.history.newest.role(agency) == "case_management")
        ):
            raise not_passed()
        size = _c2sp.read_checkpoint(_c2sp.read_note(checkpoint).text).size
        records = tuple(self._accounted(record, size) for record in state.records if record.index < size)
        # The log has grown since its witnesses saw it: the line counts what stood in their tree, or nobody could check it.
        counted = Counter(record.issuer for record in state.records if record.index < size)
        last = tuple(log.LastNumber(issuer=issuer, last=number) for issuer, number in sorted(counted.items()))
        passed = sum(len(each.passed) for each in records)
        line = log.AccountLine(case=case, size=size, time=self.log.stamp(now), last=last, passed=passed)
        return Account(case, log.sign_line(line, self._key, self.name), checkpoint, records)

    def _accounted(self, committed: Committed, size: int) -> Accounted:
        record, receipt = self._records[committed.issuer, committed.jti]
        leaves = [
            leaf
            for agency in sorted({passage.to for passage in committed.passages})
            for waiting in self._queues[agency]
            if waiting.committed is committed
            for leaf in waiting.leaves
            if leaf.index < size
        ]
        return Accounted(
            record.jws,
            tuple(record.disclosures.values()),
            record.entries,
            record.pads,
            self._proved(self.log.leaves[receipt.index], size),
            receipt.number,
            receipt.number_nonce,
            tuple(self._proved(leaf, size) for leaf in leaves),
        )

    def _proved(self, leaf: Leaf, size: int) -> Proved:
        return Proved(leaf, self.log.tree.inclusion(leaf.index, size))


def with_cosignatures(note: bytes, cosignatures: Iterable[Signature]) -> bytes:
    """A checkpoint with the cosignatures of its witnesses."""
    read = _c2sp.read_note(note)
    return Note(read.text, (*read.signatures, *cosignatures)).encoded()


def not_passed() -> NotPassed:
    """The one answer to whatever depends on a person or case."""
    return NotPassed("not-passed", "this doesn't pass", mend="ask a person at the agency that has the case")
