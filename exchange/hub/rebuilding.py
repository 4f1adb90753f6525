"""Rebuild a restored hub's log, and have the threshold sign what was lost.

Each leaf that a member still has open returns to its old index, with its old number and time.
The hub hands out nothing until every agency has reported, or the threshold has signed which
agencies were absent and which leaves nobody could open (`exchange.log.generation`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256

from exchange.consent.state import DECISIVE, Committed, committed_record
from exchange.errors import DirectoryError, ExchangeError
from exchange.hub.gathering import Gathered, Gathering
from exchange.hub.hub import Hub
from exchange.hub.store import HANDED, WAITING, WITHDRAWN, SealedText
from exchange.log import generation
from exchange.log.checkpoints import CLOCKS_APART
from exchange.log.generation import GenerationTerms, TreeHead
from exchange.log.leaves import (
    DirectoryBody,
    GenerationBody,
    HandoutBody,
    KeyBody,
    Leaf,
    RecordBody,
    WithdrawalBody,
    commit_number,
)
from exchange.log.receipts import Receipt
from exchange.membership.directory import Directory
from exchange.membership.history import Membership
from exchange.membership.signatures import SignedPayload, check_threshold
from exchange.models import agency_of
from exchange.protocol.pieces import DeliveredShape, SentShape
from exchange.records.bundle import check_entries
from exchange.records.delivery import read_path
from exchange.records.manifest import Entry
from exchange.records.presentation import verify_presentation
from exchange.records.record import Record, hash_statement
from exchange.records.sealing import Sealed
from exchange.standards import base64, i_json, sd_jwt
from rules.frozen import frozen

# Name in the store of the draft's digest and signatures.
_TERMS = "terms"


@frozen
class Draft:
    """The statement to sign, and the directory that says which agencies must sign it."""

    payload: bytes
    terms: GenerationTerms
    in_force: Directory

    @property
    def digest(self) -> str:
        """SHA-256 of the payload, 64 hex digits."""
        return sha256(self.payload).hexdigest()


class Restoration:
    """The members' agreement on how a restored hub's log continues."""

    def __init__(self, hub: Hub, gathering: Gathering | None = None) -> None:
        self.hub = hub
        self.gathering = gathering or Gathering(hub)
        # The draft that follows from these reports and absences.
        self._drafted: tuple[frozenset[str], tuple[str, ...], Draft] | None = None

    def draft(self, now: int) -> Draft | None:
        """Return the statement for the threshold to sign, or None if nothing is lost.

        Raises as `Gathering.gather`.
        """
        reported, absent = self.gathering.reported(), self.gathering.missing_agencies()
        if self._drafted is not None and self._drafted[:2] == (reported, absent):
            return self._drafted[2]
        gathered = self.gathering.gather()
        if gathered.end == self.hub.log.size and not absent:
            return None
        draft = self._trial(gathered, absent, now)
        self._drafted = reported, absent, draft
        return draft

    def _trial(self, gathered: Gathered, absent: tuple[str, ...], now: int) -> Draft:
        """Rebuild the log, note how it ends and what it lacks, and roll everything back."""
        hub = self.hub
        restored = hub.log.checkpoint(hub.name)
        terms, in_force = None, None
        try:
            with hub.together():
                rebuilder = _Rebuilder(hub, gathered, now)
                rebuilder.run()
                in_force = hub.history.newest
                terms = GenerationTerms(
                    generation=len(hub.generations) + 2,
                    previous=generation.digest(hub.generations[-1][1]) if hub.generations else None,
                    log=hub.name,
                    checkpoint=gathered.note,
                    seen=gathered.seen,
                    restored=TreeHead(size=restored.size, root=restored.root.hex()),
                    ends=TreeHead(size=hub.log.size, root=hub.log.tree.root().hex()),
                    directory=in_force.sha256,
                    lost=generation.to_ranges(rebuilder.lost),
                    torn=generation.to_ranges(rebuilder.torn),
                    absent=absent,
                )
                raise _RollBack
        except _RollBack:
            pass
        assert terms is not None and in_force is not None, "the rebuild ran to its end"
        return Draft(i_json.write(terms.model_dump(mode="json")), terms, in_force)

    def reopen(self, now: int) -> bool:
        """Open the hub as it is, if every agency has reported and nothing is lost.

        Returns whether the hub opened. Raises as `draft`.
        """
        if self.draft(now) is not None:
            return False
        self._end()
        return True

    def signatures(self, draft: Draft) -> tuple[str, ...]:
        """Return the draft's signatures so far."""
        stored = i_json.read_object(self.hub.store.value(_TERMS) or b"{}")
        return tuple(stored["signatures"]) if stored.get("sha256") == draft.digest else ()

    def signers(self, draft: Draft) -> tuple[str, ...]:
        """Return the ids of the agencies that have signed the draft."""
        signatures = self.signatures(draft)
        return tuple(sorted(_signer(signature, draft) for signature in signatures))

    def sign(self, sha256: str, signature: str, now: int) -> bool:
        """Add a signature, and return whether it starts the log's next generation.

        Raises `DirectoryError` `another-draft`, `unknown-key`, `bad-signatures`; `LogError`
        `wrong-generation` for an absent signer or if nothing is lost; as `draft`.
        """
        draft = self.draft(now)
        if draft is None:
            raise generation.wrong_generation("nothing was lost")
        if draft.digest != sha256:
            raise _another_draft()
        signer = _signer(signature, draft)
        if signer in draft.terms.absent:
            raise generation.wrong_generation("an agency signed it that wasn't waited for")
        # Keep one signature of each agency: ES256 signatures of one text differ, and a statement
        # with too many signatures can't be read.
        others = [
            earlier for earlier in self.signatures(draft) if _signer(earlier, draft) != signer
        ]
        signed = SignedPayload(draft.payload, (*others, signature))
        self.hub.store.set_value(
            _TERMS, i_json.write({"sha256": sha256, "signatures": list(signed.signatures)})
        )
        try:
            check_threshold(signed, draft.in_force, generation.TYP)
        except DirectoryError as error:
            if error.code != "threshold":
                raise
            return False
        self._begin_generation(draft, signed, now)
        return True

    def _begin_generation(self, draft: Draft, signed: SignedPayload, now: int) -> None:
        hub, terms = self.hub, draft.terms
        with hub.together():
            rebuilder = _Rebuilder(hub, self.gathering.gather(), now)
            rebuilder.run()
            if hub.log.tree.root().hex() != terms.ends.root:
                # A leaf dated ahead of the hub's clock may have become credible since the draft.
                self._drafted = None
                raise _another_draft()
            time = hub.log.stamp(now)
            body = GenerationBody(
                number=terms.generation,
                size=terms.seen.size,
                root=terms.seen.root,
                sha256=generation.digest(signed),
                time=time,
            )
            hub._add_generation(hub._append(body).index, signed)
            rebuilder.withdraw(time)
            self._end()

    def _end(self) -> None:
        self.hub.store.delete_values(_TERMS)
        self.gathering.end()


def _signer(signature: str, draft: Draft) -> str:
    return generation.signer_of(signature, draft.payload, draft.in_force)


def _another_draft() -> DirectoryError:
    return DirectoryError(
        "another-draft",
        "the draft isn't the one that was signed",
        fix="look at it again, then sign",
    )


class _RollBack(Exception):
    """Raised to undo a trial rebuild."""


class _Rebuilder:
    """Repeats, leaf by leaf, what a hub did between the backup and its end.

    It calls the hub's own internal operations, because the hub decided all of this before.
    """

    def __init__(self, hub: Hub, gathered: Gathered, now: int) -> None:
        self.hub = hub
        self.gathered = gathered
        self.now = now
        # Indices of leaves that nobody has open, and of records of which only deliveries remain.
        self.lost: list[int] = []
        self.torn: list[int] = []
        # Parts (issuer, jti, recipient, part) that a change ended, perhaps in a lost leaf.
        self._ended: set[tuple[str, str, str, str]] = set()
        self._entered: set[tuple[str, str, str]] = set()

    def run(self) -> None:
        """Add every leaf up to the end. Must run within `Hub.together`."""
        hub = self.hub
        for agency, items in self.gathered.items.items():
            for item in items:
                hub.store.add_item(agency, item.issuer, item.record)
                self._entered.add((agency, item.issuer, item.record))
        for index in range(hub.log.size, self.gathered.end):
            leaf, _ = self.gathered.leaves.get(index, (None, None))
            if leaf is None or not self._restore_leaf(leaf):
                self._add_lost(index)

    def withdraw(self, time: int) -> None:
        """Withdraw, after the generation's leaf, each part that ended or has no text left."""
        for case in self.hub.store.cases_waiting():
            for committed, agency, texts in self._waiting(case):
                doomed = [
                    text
                    for text in texts
                    if text.ct is None
                    or (committed.issuer, committed.jti, agency, text.entry.part) in self._ended
                ]
                item = self.hub.store.item(agency, committed.issuer, committed.jti)
                self.hub._withdraw(committed, item, doomed, time)
            self.hub._sweep(case, time)

    def _add_lost(self, index: int) -> None:
        """Add a leaf that nobody has open. Its hash in the tree stays."""
        start = self.gathered.proven - len(self.gathered.entries)
        if index < self.gathered.proven:
            entry = self.gathered.entries[index - start]
        else:
            entry = sha256(f"offramp/1/lost\0{index}".encode()).digest()
        self.hub.log.restore_leaf(Leaf(index, entry, b""))
        self.lost.append(index)

    def _restore_leaf(self, leaf: Leaf) -> bool:
        """Add one leaf with its effects. Returns False if it isn't credible."""
        hub, body = self.hub, leaf.body
        # Beyond the tree, no member may set the log's clock ahead. The hub's own clock may have
        # been set back since.
        latest = max(self.now, self.gathered.latest) + CLOCKS_APART
        if body.time < hub.log.time:
            return False
        if leaf.index >= self.gathered.proven and body.time > latest:
            return False
        try:
            if isinstance(body, RecordBody):
                return self._restore_record(leaf, body)
            if not self._restore_member(leaf):
                return False
        except ExchangeError:
            return False
        hub.log.restore_leaf(leaf)
        if isinstance(body, HandoutBody | WithdrawalBody):
            self._settle_texts(leaf, body)
        if isinstance(body, DirectoryBody):
            for case in hub.store.cases_waiting():
                self._note_ended(case, body.time)
        return True

    def _restore_member(self, leaf: Leaf) -> bool:
        """Restore the document behind a leaf. Returns False for a leaf that needs one it lacks."""
        hub, body = self.hub, leaf.body
        document = self.gathered.documents.get(leaf.index)
        if isinstance(body, DirectoryBody) and isinstance(document, SignedPayload):
            hub.history.add(leaf.index, document)
            hub.store.add_version(leaf.index, document.write())
        elif isinstance(body, KeyBody) and isinstance(document, str):
            hub.history.add_sealing(leaf.index, document)
            hub.store.add_announced(leaf.index, document)
        elif isinstance(body, GenerationBody) and isinstance(document, SignedPayload):
            earlier = (signed for _, signed in hub.generations)
            generation.check(leaf, document, hub.history.newest, earlier)
            hub._add_generation(leaf.index, document)
        else:
            return isinstance(body, HandoutBody | WithdrawalBody)
        return True

    def _restore_record(self, leaf: Leaf, body: RecordBody) -> bool:
        hub, claims = self.hub, (body.issuer, body.id)
        record, is_torn = self._find_record(body, leaf.index)
        if record is None or hub.store.record(*claims) is not None:
            return False
        nonce = hub._number_nonce(leaf.index, leaf.nonce, record)
        first = hub.store.last_number(record.issuer, record.case) + 1
        # Lost records have used up numbers.
        candidates = range(first, first + 1 + len(self.lost))
        number = next(
            (
                candidate
                for candidate in candidates
                if commit_number(nonce, candidate) == body.number
            ),
            None,
        )
        if number is None:
            return False
        hub.log.restore_leaf(leaf)
        committed = committed_record(record, leaf.index, body.time)
        before = hub.state(record.case)
        hub.store.add_record(record, Receipt(leaf.index, body.time, number, leaf.nonce, nonce))
        hub._states[record.case] = before.with_(committed)
        for agency in sorted({passage.to for passage in committed.passages}):
            if (agency, *claims) not in self._entered:
                hub.store.add_item(agency, *claims)
        if is_torn:
            self.torn.append(leaf.index)
        if record.kind in DECISIVE:
            self._note_ended(record.case, body.time, but=committed)
        return True

    def _find_record(self, body: RecordBody, index: int) -> tuple[Record | None, bool]:
        """Return a record, and whether only its recipients' deliveries of it are left."""
        membership, claims = self.hub.history.membership_at(index), (body.issuer, body.id)
        sent = self.gathered.records.get(claims)
        if sent is not None and hash_statement(sent.record) == body.sha256:
            with suppress(ExchangeError):
                return _whole_record(sent, membership), False
        deliveries = (
            delivery
            for delivery in self.gathered.deliveries.get(claims, ())
            if hash_statement(delivery.record) == body.sha256
        )
        return _torn_record(deliveries, membership), True

    def _settle_texts(self, leaf: Leaf, body: HandoutBody | WithdrawalBody) -> None:
        """Repeat what a leaf says happened to texts, whatever the rules would decide now."""
        parts = {part if isinstance(part, str) else part.part for part in body.parts}
        state = HANDED if isinstance(body, HandoutBody) else WITHDRAWN
        stored = self.hub.store.record(body.issuer, body.record)
        for text in self.hub.store.texts(body.issuer, body.record, body.to):
            if stored is not None and text.entry.part in parts and text.state == WAITING:
                self.hub.store.settle_text(text, stored[0].case, state, leaf.index)

    def _note_ended(self, case: str | None, time: int, but: Committed | None = None) -> None:
        """Note the waiting parts of a case that may no longer pass at this index.

        The hub withdrew them here, whether or not a recipient ever learned of it.
        """
        for committed, agency, texts in self._waiting(case):
            if but is not None and (committed.issuer, committed.jti) == (but.issuer, but.jti):
                continue
            parts = frozenset(text.entry.part for text in texts)
            ended = parts - self.hub._permitted(committed, agency, parts, time)
            self._ended |= {(committed.issuer, committed.jti, agency, part) for part in ended}

    def _waiting(self, case: str | None) -> Iterator[tuple[Committed, str, list[SealedText]]]:
        """Yield the waiting texts of a case by record and recipient."""
        waiting: dict[tuple[str, str, str], list[SealedText]] = defaultdict(list)
        for text in self.hub.store.waiting_in(case):
            waiting[text.issuer, text.jti, text.agency].append(text)
        records = {(record.issuer, record.jti): record for record in self.hub.state(case).records}
        for (issuer, jti, agency), texts in waiting.items():
            yield records[issuer, jti], agency, texts


def _whole_record(sent: SentShape, membership: Membership) -> Record:
    """Return a record as its issuer sent it, some of its ciphertext perhaps gone.

    Raises as `record.check_entries`.
    """
    entries = tuple(
        Entry(sealed.part, sealed.to, sealed.purpose, sealed.basis, sealed.sha256)
        for sealed in sent.sealed
    )
    pads = tuple(base64.decode_url(pad) for pad in sent.pads)
    record = check_entries(sent.record, sent.labels, entries, pads, membership)
    texts = [
        Sealed(sealed.part, sealed.to, sealed.purpose, sealed.basis, base64.decode_url(sealed.ct))
        for sealed in sent.sealed
        if sealed.ct
    ]
    # A text that isn't the signed one is treated as lost.
    return replace(record, sealed=tuple(text for text in texts if text.entry() in entries))


def _torn_record(deliveries: Iterable[DeliveredShape], membership: Membership) -> Record | None:
    """Return a record as far as its recipients received it.

    A wrong delivery of one recipient takes nothing from the others' deliveries.
    """
    record: Record | None = None
    for delivery in deliveries:
        try:
            entries = [
                (
                    Entry(entry.part, entry.to, entry.purpose, entry.basis, entry.sha256),
                    read_path(entry.path),
                )
                for entry in delivery.entries
            ]
            text = sd_jwt.join(delivery.record, delivery.labels)
            delivered = verify_presentation(text, membership, entries).record
        except ExchangeError:
            continue
        delivered_entries = {entry for entry, _ in entries}
        if record is None:
            record = replace(
                delivered,
                entries=tuple(sorted(delivered_entries, key=_entry_order)),
                pads=(),
                sealed=(),
            )
        else:
            record = replace(
                record,
                labels={**record.labels, **delivered.labels},
                disclosures={**record.disclosures, **delivered.disclosures},
                entries=tuple(sorted({*record.entries, *delivered_entries}, key=_entry_order)),
            )
    return record


def _entry_order(entry: Entry) -> tuple[str, str]:
    return entry.part, agency_of(entry.to)
