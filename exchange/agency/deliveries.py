"""Check each inbox item against the log's leaves. A hub's word alone is never enough.

A faulty delivery is kept as evidence and never opens. If it may have been a consent or a change
to one, it also blocks the case, because it may have been a revocation.
"""

from __future__ import annotations

from exchange.agency.log_view import EVIDENCE, wrong_leaf
from exchange.consent.state import Committed, committed_record
from exchange.errors import ExchangeError, LogError, RecordError
from exchange.log.leaves import HandoutBody, Leaf, RecordBody, WithdrawalBody
from exchange.membership.history import History
from exchange.models import agency_of
from exchange.protocol.inbox import Item
from exchange.records.delivery import OpenedPart, check_delivery
from exchange.records.record import TYP, Record, hash_statement
from exchange.standards import i_json, jws


class Received:
    """A received record: its leaves, when it arrived, and the parts that are open.

    `fault` says why the delivery can't be believed, and is None for a sound one.
    """

    def __init__(
        self,
        item: Item,
        record: Record | None,
        committed: Committed | None,
        received_at: int,
        fault: str | None,
    ) -> None:
        self.item = item
        self.record = record
        self.committed = committed
        self.received_at = received_at
        self.fault = fault
        self.opened: dict[str, OpenedPart] = {}


def check_delivered(
    item: Item, agency: str, history: History, *, seen: int, size: int
) -> tuple[Record, Committed]:
    """Check that a delivery is what its leaves say: signed, whole, and addressed to this agency.

    `seen` is the tree's size at the answer before, and `size` at this one. A record that is new
    now was committed in between, or it would have arrived before. So nobody can date a record
    back to a time when a key was still in force.

    Raises `LogError` `wrong-leaf`; `RecordError` `not-mine`; as `check_delivery`.
    """
    assert item.delivery is not None and item.recorded is not None, "a delivery has its leaf"
    record = check_delivery(item.delivery, history.membership_at(item.recorded.index))
    body = item.recorded.body
    claims = (record.jti, record.issuer, record.sha256)
    if not isinstance(body, RecordBody) or (body.id, body.issuer, body.sha256) != claims:
        raise wrong_leaf("the record")
    if record.issuer != item.issuer:
        raise wrong_leaf("a new record")
    _check_handout(item, item.recorded, record, agency, history)
    if not seen <= item.recorded.index < item.leaf.index < size:
        raise wrong_leaf("the hand-out")
    for entry in record.entries:
        if agency_of(entry.to) != agency:
            raise RecordError(
                "not-mine",
                f"this is sealed to `{entry.to}`",
                fix="keep it closed, and tell its issuer",
            )
    return record, committed_record(record, item.recorded.index, body.time)


def _check_handout(
    item: Item, recorded: Leaf, record: Record, agency: str, history: History
) -> None:
    """Check that the hand-out's leaf names this record, these parts, this agency, and its pack."""
    handout = item.leaf.body
    delivered = {(entry.part, entry.purpose, entry.basis) for entry in record.entries}
    if (
        not isinstance(handout, HandoutBody)
        or (handout.record, handout.issuer, handout.to) != (record.jti, record.issuer, agency)
        or {(part.part, part.purpose, part.basis) for part in handout.parts} != delivered
        or recorded.body.time > handout.time
        or handout.number != item.number
        or handout.pack != history.at(item.leaf.index).pack
    ):
        raise wrong_leaf("the hand-out")


def check_undelivered(item: Item, agency: str, size: int) -> None:
    """Check that an item without a delivery was withdrawn or handed out, under this number.

    Raises `LogError` `wrong-leaf`.
    """
    body = item.leaf.body
    if (
        not isinstance(body, WithdrawalBody | HandoutBody)
        or (body.to, body.issuer, body.number) != (agency, item.issuer, item.number)
        or item.leaf.index >= size
    ):
        raise wrong_leaf("what was withdrawn")


def missed_change(item: Item, body: HandoutBody, history: History) -> Committed | None:
    """Return the block that a hand-out leaves if this agency never received its record.

    A consent or a change to one blocks its case, so a hub can't keep a revocation from an agency
    and show a leaf instead. Raises `LogError` `gap`, `wrong-leaf`; as `jws` for a bad signature.
    """
    if item.record is None or item.recorded is None:
        raise LogError("gap", "what was handed out isn't here, nor what it was", fix=EVIDENCE)
    recorded = item.recorded.body
    claims = (body.record, body.issuer, hash_statement(item.record))
    if (
        not isinstance(recorded, RecordBody)
        or (recorded.id, recorded.issuer, recorded.sha256) != claims
    ):
        raise wrong_leaf("the record")
    unverified = jws.read(item.record, typ=TYP)
    _, key = history.membership_at(item.recorded.index).signer(unverified.kid)
    unverified.payload(key)
    return _blocking(item.record, item.recorded, item.issuer)


def faulty_change(item: Item) -> Committed | None:
    """Return the block that a faulty delivery leaves: a consent or change that can't be believed.

    A record of any other kind leaves none.
    """
    assert item.delivery is not None and item.recorded is not None, "a delivery has its leaf"
    return _blocking(item.delivery.record, item.recorded, item.issuer)


def _blocking(signed_text: str, recorded: Leaf, issuer: str) -> Committed | None:
    kind, case, jti = read_claims(signed_text)
    if kind not in ("consent", "consent_change") or case is None:
        return None
    return Committed(recorded.index, 0, jti, issuer, None, kind, case, {}, (), sound=False)


def read_claims(signed_text: str) -> tuple[str, str | None, str]:
    """Return the kind, case, and id that a record claims, and verify nothing of it.

    Raises `LogError` `not-an-inbox`. A hub checks all of that before it takes a record, and a
    record that can't be read may be a revocation.
    """
    try:
        payload = i_json.read_object(jws.read(signed_text, typ=TYP).unverified_payload)
        kind, case, jti = (payload.get(name) for name in ("kind", "case", "jti"))
        if isinstance(kind, str) and isinstance(case, str | None) and isinstance(jti, str):
            return kind, case, jti
    except ExchangeError:
        pass
    raise LogError(
        "not-an-inbox", "this is no answer of a hub: a record in it can't be read", fix=EVIDENCE
    )


def record_id(item: Item) -> str:
    """Return the id of an item's record, empty if its leaf doesn't name one."""
    body = item.leaf.body
    return body.record if isinstance(body, HandoutBody | WithdrawalBody) else ""
