"""What follows from the journal: the gateway, the outbox, and what was opened by whom. Pure: events in, nothing out.

Replay verifies everything again that came from outside, so that a journal which somebody edited is no way around the gateway's
checks. Sealed texts that were destroyed are replaced by their digests, which is all that those checks need.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.agency.gateway import Gateway
from exchange.consent.account import read_account
from exchange.consent.disclosure import Judges
from exchange.errors import LogError
from exchange.log import generation
from exchange.log.leaves import Leaf, parse_leaf, sha256_hex
from exchange.log.receipts import Receipt, parse_receipt, rebuild_leaf
from exchange.membership.signatures import read_signed_directory
from exchange.protocol.inbox import Inbox, Item, parse_item
from exchange.records.bundle import Bundle, parse_bundle
from exchange.records.delivery import DeliveredText, OpenedPart, read_content
from exchange.records.manifest import Entry
from exchange.records.record import hash_statement
from exchange.records.sealing import Sealed
from exchange.standards import base64
from exchange.standards.keys import PrivateKey
from exchange.standards.sd_jwt import RandomBytes
from offramp.agency.folder.journal import Event
from rules.frozen import frozen

QUEUED, SENT, WITNESSED = "queued", "sent", "witnessed"
REFUSED, REPLACED = "refused", "replaced"


@frozen
class DestroyedText(Sealed):
    """A sealed text of which only the digest is left."""

    was: str

    def entry(self) -> Entry:
        return Entry(self.part, self.to, self.purpose, self.basis, self.was)

    @property
    def has_size_class(self) -> bool:
        return True


class OutgoingRecord:
    """A record that this agency composed: how far it has come, and why it waits."""

    def __init__(self, event: Event, bundle: Bundle) -> None:
        self.bundle = bundle
        self.time = event.time
        self.kind: str = event.body["kind"]
        self.case: str | None = event.body["case"]
        self.parts: list[dict[str, Any]] = event.body["parts"]
        self.form: dict[str, Any] | None = event.body.get("form")
        self.receipt: Receipt | None = None
        self.refused: Mapping[str, Any] | None = None
        self.replaced_by: str | None = None
        self.witnessed = False

    @property
    def jti(self) -> str:
        return self.bundle.id

    @property
    def waits(self) -> bool:
        """Whether the hub is still to be sent this: it has no receipt, and nobody said no."""
        return self.receipt is None and self.refused is None and self.replaced_by is None

    @property
    def state(self) -> str:
        if self.replaced_by is not None:
            return REPLACED
        if self.refused is not None:
            return REFUSED
        if self.receipt is None:
            return QUEUED
        return WITNESSED if self.witnessed else SENT

    def leaf(self, agency: str) -> Leaf | None:
        """The leaf that the receipt speaks of."""
        if self.receipt is None:
            return None
        return rebuild_leaf(
            self.receipt, jti=self.jti, issuer=agency, statement=hash_statement(self.bundle.record)
        )


class WorkingSet:
    """One agency's gateway with what its program keeps beside it. `learn` takes one event of the journal."""

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
        # What was sent and isn't proved: by its index in the log, the leaf's entry and the record.
        self.awaiting: dict[int, tuple[bytes, OutgoingRecord]] = {}
        self.approved: set[str] = set()
        # Where a received record lies in the journal, for what must be destroyed.
        self.opened: list[Event] = []
        self.destroyed: set[tuple[str, str, str]] = set()
        # What this agency noted of its cases for itself: facts, and what its people determined and may tell nobody.
        self.noted: list[Event] = []
        # The quarters whose take-up was published.
        self.published: list[Event] = []

    def learn(self, event: Event) -> None:
        """Everything that follows from one event that is read back. Raises as the gateway did when it happened."""
        replay = getattr(self, f"_replay_{event.kind}", None)
        if replay is not None:
            replay(event.body, event.time)
        self.note(event)

    def note(self, event: Event) -> None:
        """What follows from an event beside the gateway, which has it already."""
        note = getattr(self, f"_note_{event.kind}", None)
        if note is not None:
            note(event)

    # What the gateway must be told again

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
        bundle = bundle_from(body["bundle"])
        self.gateway.resume(bundle, now=time, form=body.get("form"))
        self.gateway.contents[bundle.id] = body.get("contents", {})

    def _replay_receipt(self, body: dict[str, Any], time: int) -> None:
        self.gateway.sent(body["jti"], parse_receipt(body["receipt"]))

    def _replay_inbox(self, body: dict[str, Any], time: int) -> None:
        items = tuple(item_from(each) for each in body["items"])
        self.gateway.take(Inbox(items, body["line"].encode()), time)

    def _replay_proved(self, body: dict[str, Any], time: int) -> None:
        for each in body["leaves"]:
            path = tuple(base64.decode_url(one) for one in each["path"])
            self.gateway.prove(parse_leaf(each["leaf"]), path, body["checkpoint"].encode())

    def _replay_account(self, body: dict[str, Any], time: int) -> None:
        self.gateway.learn_account(read_account(body["account"].encode()))

    def _replay_broken(self, body: dict[str, Any], time: int) -> None:
        self.gateway.broken = LogError(body["code"], body["message"], fix=body["fix"])

    def _replay_opened(self, body: dict[str, Any], time: int) -> None:
        received = self.gateway.received.get((body["issuer"], body["jti"]))
        if received is None or received.record is None or "disclosure" not in body:
            return
        label = received.record.labels[body["part"]]
        entry = next(one for one in received.record.entries if one.part == body["part"])
        content = read_content(body["disclosure"], label, received.record)
        received.opened[body["part"]] = OpenedPart(label, content, body["disclosure"], entry)

    # What is kept beside it

    def _note_composed(self, event: Event) -> None:
        bundle = bundle_from(event.body["bundle"])
        held, _ = self.gateway.sent_as(bundle.id)
        out = OutgoingRecord(event, held or bundle)
        self.outbox[out.jti] = out

    def _note_receipt(self, event: Event) -> None:
        out = self.outbox[event.body["jti"]]
        out.receipt, out.refused = parse_receipt(event.body["receipt"]), None
        leaf = out.leaf(self.agency)
        assert leaf is not None, "it has a receipt"
        if self.proved.get(leaf.index) == leaf.entry:
            out.witnessed = True
        else:
            self.awaiting[leaf.index] = leaf.entry, out

    def _note_refused(self, event: Event) -> None:
        self.outbox[event.body["jti"]].refused = event.body

    def _note_retry(self, event: Event) -> None:
        self.outbox[event.body["jti"]].refused = None

    def _note_replaced(self, event: Event) -> None:
        self.outbox[event.body["jti"]].replaced_by = event.body["by"]

    def _note_proved(self, event: Event) -> None:
        for each in event.body["leaves"]:
            leaf = parse_leaf(each["leaf"])
            self.proved[leaf.index] = leaf.entry
            entry, out = self.awaiting.get(leaf.index, (b"", None))
            if out is not None and entry == leaf.entry:
                out.witnessed = True
                del self.awaiting[leaf.index]

    def _note_approved(self, event: Event) -> None:
        self.approved.add(event.body["sha256"])

    def _note_noted(self, event: Event) -> None:
        self.noted.append(event)

    def _note_published(self, event: Event) -> None:
        self.published.append(event)

    def _note_opened(self, event: Event) -> None:
        self.opened.append(event)

    def _note_destroyed(self, event: Event) -> None:
        self.destroyed.add((event.body["issuer"], event.body["jti"], event.body["part"]))

    @property
    def records(self) -> int:
        """How many were composed here or came here: most of what a replay takes."""
        return len(self.outbox) + len(self.gateway.received)

    # What is still to be done

    def closed_parts(self, case: str, but: tuple[str, ...] = ()) -> list[tuple[str, str]]:
        """Return record and part of everything in a case that is still unopened.

        `but` leaves out records of these kinds.
        """
        return [
            (jti, part)
            for (issuer, jti), received in self.gateway.received.items()
            if received.record is not None
            and received.record.case == case
            and received.record.kind not in but
            for part in received.record.labels
            if part not in received.opened and (issuer, jti, part) not in self.destroyed
        ]

    def to_send(self) -> list[OutgoingRecord]:
        """What waits for the hub, in the order in which it was composed: a consent goes before what rests on it."""
        return [out for out in self.outbox.values() if out.waits]

    def unproved(self) -> list[Leaf]:
        """The leaves held here that no witnessed checkpoint has been shown to hold."""
        gateway = self.gateway
        held = [*gateway.members]
        for one in gateway.received.values():
            held += [leaf for leaf in (one.item.recorded, one.item.leaf) if leaf is not None]
        held += [
            leaf for out in self.outbox.values() if (leaf := out.leaf(self.agency)) is not None
        ]
        lacking = {leaf.index: leaf for leaf in held if self.proved.get(leaf.index) != leaf.entry}
        return [lacking[index] for index in sorted(lacking)]


# Texts that were destroyed


def bundle_from(value: dict[str, Any]) -> Bundle:
    """A bundle as the journal keeps it: some of its texts may be gone."""
    was = [each.get("was") for each in value["sealed"]]
    if not any(was):
        return parse_bundle(value)
    whole = parse_bundle({**value, "sealed": [_with_text(each) for each in value["sealed"]]})
    sealed = tuple(_left(each, digest) for each, digest in zip(whole.sealed, was, strict=True))
    return Bundle(whole.record, whole.labels, sealed, whole.pads)


def item_from(value: dict[str, Any]) -> Item:
    """An item of an inbox as the journal keeps it: some of its texts may be gone."""
    given = value.get("delivery")
    was = [each.get("was") for each in given["sealed"]] if given else []
    if given is None or not any(was):
        return parse_item(value)
    item = parse_item(
        {**value, "delivery": {**given, "sealed": [_with_text(each) for each in given["sealed"]]}}
    )
    assert item.delivery is not None, "it was given"
    # `delivery_of` keeps the order in which the texts stand.
    handed = tuple(
        DeliveredText(_left(each.sealed, digest), each.path)
        for each, digest in zip(item.delivery.texts, was, strict=True)
    )
    delivered = type(item.delivery)(item.delivery.record, item.delivery.labels, handed)
    return Item(item.number, item.issuer, item.leaf, item.recorded, delivered)


def without(sealed: dict[str, Any]) -> dict[str, Any]:
    """A sealed entry in JSON without its text: its digest stands for it."""
    if "was" in sealed:
        return sealed
    was = sha256_hex(base64.decode_url(sealed["ct"]))
    return {name: each for name, each in sealed.items() if name != "ct"} | {"was": was}


def _with_text(each: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in each.items() if name != "was"} | (
        {"ct": ""} if "was" in each else {}
    )


def _left(sealed: Sealed, was: str | None) -> Sealed:
    return (
        sealed
        if was is None
        else DestroyedText(sealed.part, sealed.to, sealed.purpose, sealed.basis, sealed.ct, was)
    )


def bundle_json(bundle: Bundle) -> dict[str, Any]:
    """A bundle as the journal keeps it."""
    return dict(json.loads(bundle.write()))
