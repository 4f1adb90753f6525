"""The working set: the state that follows from the journal. Pure: events in, no output.

Replay verifies everything again that arrived from outside, so that an edited journal is no way
around the gateway's checks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.agency.gateway import Gateway
from exchange.agency.own_records import UnknownRecord
from exchange.consent.account import read_account
from exchange.consent.disclosure import Judges
from exchange.errors import LogError
from exchange.log import generation
from exchange.log.leaves import Leaf, parse_leaf
from exchange.log.receipts import parse_receipt
from exchange.membership.signatures import read_signed_directory
from exchange.protocol.inbox import Inbox
from exchange.records.delivery import OpenedPart, read_content
from exchange.standards import base64
from exchange.standards.keys import PrivateKey
from exchange.standards.sd_jwt import RandomBytes
from offramp.agency.folder.case_index import CaseIndex
from offramp.agency.folder.case_memory import CaseMemory
from offramp.agency.folder.destruction import empty_note
from offramp.agency.folder.journal import Event
from offramp.agency.folder.outgoing import OutgoingRecord
from offramp.agency.folder.retention_state import RetentionState
from offramp.agency.folder.staff import Staff
from offramp.agency.folder.stored_records import read_bundle, read_item, record_of_item

# The events that change nothing of what an agency knows of a case. `key`, `proved`, and `broken`
# decide what may open, and none of them what is known.
_CHANGES_NO_CASE = frozenset({"key", "broken", "confirmed"})


class WorkingSet:
    """One agency's gateway, and what its program tracks beside it.

    `outbox` has the composed records by id. `proved` has the entry of each witnessed leaf by index,
    `awaiting` the entry and record of each sent leaf that isn't. `approved` are the digests of
    drafts that people compared. `opened`, `noted`, and `published` are the journal's events of
    those kinds, `statements` those of signed texts, and `mistakes` those of mistakes that people
    named. `destroyed` has issuer, record, and part of each destroyed text, `given_back` of each
    that was deleted because its issuer asked it back, and `read_parts` of each that a person here
    opened. `kept_on_ground` has the ground of each that was kept instead. `staff` are the agency's
    people. `retention` has legal holds, and what ended a case's parts before their time. `cases`
    has the same records by case. `memory`
    has what was worked out of them, and is never read as a source.
    """

    def __init__(
        self,
        agency: str,
        signing: PrivateKey,
        witness: Ed25519PrivateKey,
        sealing: Mapping[str, PrivateKey],
        judges: Judges,
        random_bytes: RandomBytes,
        salts: RandomBytes | None = None,
    ) -> None:
        self.agency = agency
        self.gateway = Gateway(agency, signing, witness, judges, random_bytes, salts)
        self.gateway.sealing.update(sealing)
        self.outbox: dict[str, OutgoingRecord] = {}
        self.proved: dict[int, bytes] = {}
        self.awaiting: dict[int, tuple[bytes, OutgoingRecord]] = {}
        self.approved: set[str] = set()
        self.opened: list[Event] = []
        # Whether the gateway opened a part by itself, by issuer, record, and part.
        self.opened_automatically: dict[tuple[str, str, str], bool] = {}
        self.destroyed: set[tuple[str, str, str]] = set()
        self.given_back: set[tuple[str, str, str]] = set()
        self.kept_on_ground: dict[tuple[str, str, str], str] = {}
        self.noted: list[Event] = []
        self.published: list[Event] = []
        self.mistakes: list[Event] = []
        self.read_parts: set[tuple[str, str, str]] = set()
        self.cases = CaseIndex()
        self.memory = CaseMemory(self.cases)
        # The inbox's rows as they were worked out, each with what it rests on.
        self.inbox_rows: dict[tuple[str, str], tuple[tuple[int, int, int], Any]] = {}
        self.statements: list[Event] = []
        self._statements_of: dict[str, list[Event]] = {}
        self.staff = Staff()
        self.retention = RetentionState()

    def statements_of(self, handle: str) -> Sequence[Event]:
        """Return the signed texts of a case, in the order of the journal."""
        return self._statements_of.get(handle, ())

    def learn(self, event: Event) -> None:
        """Replay one event of the journal. Raises as the gateway did when it happened."""
        replay = getattr(self, f"_replay_{event.kind}", None)
        if replay is not None:
            replay(event.body, event.time)
        self.note(event)

    def note(self, event: Event) -> None:
        """Take an event that the gateway has already, in everything beside it."""
        note = getattr(self, f"_note_{event.kind.replace('-', '_')}", None)
        if note is not None:
            note(event)
        elif event.kind not in _CHANGES_NO_CASE:
            self.cases.touch_all(event)

    # The gateway's part of a replay

    def _replay_directory(self, body: dict[str, Any], time: int) -> None:
        self.gateway.learn_directory(
            parse_leaf(body["leaf"]), read_signed_directory(body["signed"].encode())
        )

    def _replay_key(self, body: dict[str, Any], time: int) -> None:
        self.gateway.learn_key(parse_leaf(body["leaf"]), body["announced"])

    def _replay_generation(self, body: dict[str, Any], time: int) -> None:
        self.gateway.learn_generation(
            parse_leaf(body["leaf"]), generation.read_signed(body["generation"])
        )

    def _replay_composed(self, body: dict[str, Any], time: int) -> None:
        bundle = read_bundle(body["bundle"])
        form = body.get("form")
        self.gateway.resume(bundle, now=time, form=form, is_form_destroyed="form_was" in body)
        self.gateway.contents[bundle.id] = body.get("contents", {})

    def _replay_receipt(self, body: dict[str, Any], time: int) -> None:
        self.gateway.sent(body["jti"], parse_receipt(body["receipt"]))

    def _replay_inbox(self, body: dict[str, Any], time: int) -> None:
        items = tuple(read_item(item) for item in body["items"])
        try:
            self.gateway.take(Inbox(items, body["line"].encode()), time)
        except LogError as error:
            # Not every answer without items becomes an event (`Office.take`). So this process may
            # know a newer line than the event that another process has just written.
            if items or error.code != "older-line":
                raise

    def _replay_proved(self, body: dict[str, Any], time: int) -> None:
        for proof in body["leaves"]:
            path = tuple(base64.decode_url(node) for node in proof["path"])
            self.gateway.prove(parse_leaf(proof["leaf"]), path, body["checkpoint"].encode())

    def _replay_account(self, body: dict[str, Any], time: int) -> None:
        self.gateway.learn_account(read_account(body["account"].encode()))

    def _replay_broken(self, body: dict[str, Any], time: int) -> None:
        self.gateway.broken = LogError(body["code"], body["message"], fix=body["fix"])

    def _replay_opened(self, body: dict[str, Any], time: int) -> None:
        received = self.gateway.received.get((body["issuer"], body["jti"]))
        if received is None or received.record is None or "disclosure" not in body:
            return
        label = received.record.labels[body["part"]]
        entry = next(entry for entry in received.record.entries if entry.part == body["part"])
        content = read_content(body["disclosure"], label, received.record)
        received.opened[body["part"]] = OpenedPart(label, content, body["disclosure"], entry)

    # Everything beside the gateway

    def _note_directory(self, event: Event) -> None:
        self.cases.touch_all(event)
        self.staff.zone = self.gateway.history.newest.zone

    def _note_composed(self, event: Event) -> None:
        bundle = read_bundle(event.body["bundle"])
        resumed, _ = self.gateway.sent_as(bundle.id)
        outgoing = OutgoingRecord(event, resumed or bundle)
        self.outbox[outgoing.jti] = outgoing
        self.cases.add_sent(event, outgoing)

    def _note_inbox(self, event: Event) -> None:
        keys = ((item["issuer"], record_of_item(item)) for item in event.body["items"])
        self.cases.add_received(event, (self.gateway.received.get(key) for key in keys))

    def _note_receipt(self, event: Event) -> None:
        outgoing = self.outbox[event.body["jti"]]
        outgoing.receipt, outgoing.refused = parse_receipt(event.body["receipt"]), None
        self.cases.touch(event, outgoing.case)
        leaf = outgoing.leaf(self.agency)
        assert leaf is not None, "it has a receipt"
        if self.proved.get(leaf.index) == leaf.entry:
            outgoing.witnessed = True
        else:
            self.awaiting[leaf.index] = leaf.entry, outgoing

    def _note_refused(self, event: Event) -> None:
        outgoing = self._touched(event)
        outgoing.refused = event.body
        self.gateway.expect_no_receipt(event.body["jti"])

    def _note_retry(self, event: Event) -> None:
        self._touched(event).refused = None
        self.gateway.expect_receipt(event.body["jti"])

    def _note_replaced(self, event: Event) -> None:
        replaced = self._touched(event)
        replaced.replaced_by = event.body["by"]
        self.outbox[event.body["by"]].at = replaced.at
        self.gateway.expect_no_receipt(event.body["jti"])

    def _touched(self, event: Event) -> OutgoingRecord:
        """Return the composed record that an event changes, and mark its case as changed."""
        outgoing = self.outbox[event.body["jti"]]
        self.cases.touch(event, outgoing.case)
        return outgoing

    def _note_proved(self, event: Event) -> None:
        for proof in event.body["leaves"]:
            leaf = parse_leaf(proof["leaf"])
            self.proved[leaf.index] = leaf.entry
            entry, outgoing = self.awaiting.get(leaf.index, (b"", None))
            if outgoing is not None and entry == leaf.entry:
                outgoing.witnessed = True
                del self.awaiting[leaf.index]

    def _note_approved(self, event: Event) -> None:
        self.approved.add(event.body["sha256"])

    def _note_noted(self, event: Event) -> None:
        self.noted.append(event)
        self.cases.add_note(event)

    def _note_people(self, event: Event) -> None:
        self.cases.add_link(event)

    def _note_published(self, event: Event) -> None:
        self.published.append(event)

    def _note_mistake(self, event: Event) -> None:
        self.cases.touch(event, event.body["case"])
        self.mistakes.append(event)

    def _note_statement(self, event: Event) -> None:
        self.cases.touch(event, event.body["case"])
        self.statements.append(event)
        self._statements_of.setdefault(event.body["case"], []).append(event)

    def _note_staff(self, event: Event) -> None:
        self.staff.learn(event.at, event.time, event.body)

    def _note_retention(self, event: Event) -> None:
        self.cases.touch(event, event.body["case"])
        self.retention.learn(event.at, event.time, event.body)

    def _note_opened(self, event: Event) -> None:
        self.opened.append(event)
        key = (event.body["issuer"], event.body["jti"], event.body["part"])
        self.read_parts.add(key)
        if "automatic" in event.body:  # a person may open it later
            is_automatic = self.opened_automatically.get(key, True) and event.body["automatic"]
            self.opened_automatically[key] = is_automatic
        received = self.gateway.received.get((event.body["issuer"], event.body["jti"]))
        if received is not None and received.committed is not None:
            self.cases.touch(event, received.committed.case)

    def _note_destroyed(self, event: Event) -> None:
        self.cases.touch_all(event)
        self.destroyed.add((event.body["issuer"], event.body["jti"], event.body["part"]))

    def _note_recall_answered(self, event: Event) -> None:
        self.cases.touch(event, event.body["case"])
        keys = [(issuer, jti, part) for issuer, jti, part in event.body["parts"]]
        if (ground := event.body["kept"]) is None:
            self.given_back.update(keys)
        else:
            self.kept_on_ground.update(dict.fromkeys(keys, ground))

    def drop_contents(self, parts: Iterable[tuple[str, str, str]], notes: Iterable[Event]) -> None:
        """Drop the contents of destroyed parts and notes, as a replay of the journal would.

        INVARIANT: the memory of cases is not cleared, so the working set is thrown away after the
        transaction that destroyed them.
        """
        for issuer, jti, part in parts:
            if issuer != self.agency:
                self.gateway.received[issuer, jti].opened.pop(part, None)
            else:
                outgoing = self.outbox[jti]
                outgoing.parts = [
                    {**stored, "content": {}} if part_id == part else stored
                    for part_id, stored in zip(outgoing.part_ids(), outgoing.parts, strict=True)
                ]
        for note in notes:
            emptied = empty_note(note.body)
            note.body.clear()
            note.body.update(emptied)

    @property
    def records(self) -> int:
        """The number of records composed or received: most of what a replay takes."""
        return len(self.outbox) + len(self.gateway.received)

    # Open work

    def closed_parts(self, case: str, but: tuple[str, ...] = ()) -> list[tuple[str, str]]:
        """Return record and part of everything in a case that is still unopened.

        `but` leaves out records of these kinds.
        """
        return [
            (jti, part)
            for (issuer, jti), received in self.cases.records(case).received.items()
            if received.record is not None and received.record.kind not in but
            for part in received.record.labels
            if part not in received.opened and (issuer, jti, part) not in self.destroyed
        ]

    def to_send(self) -> list[OutgoingRecord]:
        """Return the queued records in the order of their composition.

        INVARIANT: a consent is sent before the records that rest on it.
        """
        return [outgoing for outgoing in self.outbox.values() if outgoing.waits]

    def unknown_own_records(self) -> tuple[UnknownRecord, ...]:
        """Return the records that carry this agency's name and were not sent from this folder."""
        queued = Counter(outgoing.case for outgoing in self.to_send())
        return self.gateway.unknown_own_records(queued)

    def unproved(self) -> list[Leaf]:
        """Return the leaves stored here that no witnessed checkpoint was shown to contain."""
        gateway = self.gateway
        leaves = [*gateway.members]
        for received in gateway.received.values():
            item = received.item
            leaves += [leaf for leaf in (item.recorded, item.leaf) if leaf is not None]
        for outgoing in self.outbox.values():
            leaf = outgoing.leaf(self.agency)
            if leaf is not None:
                leaves.append(leaf)
        unproved = {
            leaf.index: leaf for leaf in leaves if self.proved.get(leaf.index) != leaf.entry
        }
        return [unproved[index] for index in sorted(unproved)]
