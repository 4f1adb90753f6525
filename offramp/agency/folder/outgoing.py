"""A record that this agency composed, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from exchange.log.leaves import Leaf
from exchange.log.receipts import Receipt, rebuild_leaf
from exchange.records.bundle import Bundle
from exchange.records.kinds import find_kind
from exchange.records.record import hash_statement
from exchange.records.statements import Statement, read_statement
from exchange.standards import sd_jwt
from offramp.agency.folder.journal import Event
from rules.frozen import frozen

QUEUED, SENT, WITNESSED = "queued", "sent", "witnessed"
REFUSED, REPLACED = "refused", "replaced"


@frozen
class OwnLabel:
    """What the label of an own part states. `keep_until` is the part's last day."""

    statement: Statement | None
    category: tuple[str, ...]
    keep_until: str


class OutgoingRecord:
    """A record that this agency composed: how far it is, and why it waits.

    `at` is the number of its event in the journal, or of the first that it replaces. `parts` are as
    the journal stores them. `refused` is the hub's refusal, `replaced_by` the id of the record that
    was built again from the same parts. `batch` is the first id of the records that the hub must
    commit together, None for a record by itself. `seen` is the size of the log that this agency had
    seen then.
    """

    def __init__(self, event: Event, bundle: Bundle) -> None:
        self.bundle = bundle
        self.at = event.at
        self.time = event.time
        self.kind: str = event.body["kind"]
        self.case: str | None = event.body["case"]
        self.parts: list[dict[str, Any]] = event.body["parts"]
        self.form: dict[str, Any] | None = event.body.get("form")
        self.batch: str | None = event.body.get("batch")
        self.seen: int | None = event.body.get("seen")
        self.receipt: Receipt | None = None
        self.refused: Mapping[str, Any] | None = None
        self.replaced_by: str | None = None
        self.witnessed = False

    @cached_property
    def jti(self) -> str:
        """The record's id."""
        return self.bundle.id

    @property
    def waits(self) -> bool:
        """True until the hub has taken or refused it, or another record replaces it."""
        return self.receipt is None and self.refused is None and self.replaced_by is None

    @property
    def state(self) -> str:
        """One of `queued`, `sent`, `witnessed`, `refused`, `replaced`."""
        if self.replaced_by is not None:
            return REPLACED
        if self.refused is not None:
            return REFUSED
        if self.receipt is None:
            return QUEUED
        return WITNESSED if self.witnessed else SENT

    # INVARIANT: labels are signed, and a destruction leaves them. Only `parts` lose their contents.
    @cached_property
    def labels(self) -> tuple[tuple[str, OwnLabel], ...]:
        """The id and the label of each part, in the order of `parts`, read once."""
        labels = []
        for text in self.bundle.labels:
            label = sd_jwt.read(text).value
            statement = (
                read_statement(str(find_kind(self.kind).says), label["says"])
                if "says" in label
                else None
            )
            own = OwnLabel(statement, tuple(label["category"]), str(label["keep_until"]))
            labels.append((str(label["id"]), own))
        return tuple(labels)

    def part_ids(self) -> list[str]:
        """Return the id of each part, in the order of `parts`."""
        return [str(sd_jwt.read(text).value["id"]) for text in self.bundle.labels]

    def leaf(self, agency: str) -> Leaf | None:
        """Return the leaf that the receipt names, None without a receipt."""
        if self.receipt is None:
            return None
        return rebuild_leaf(
            self.receipt, jti=self.jti, issuer=agency, statement=hash_statement(self.bundle.record)
        )
