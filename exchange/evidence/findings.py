"""Findings: the statements that a verified document proves, and no more than that.

`offramp verify --json` prints these classes by their field names, so a field's name is part of
the contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exchange.consent.accounting import AccountStatement
from exchange.evidence.confirmations import Confirmed
from exchange.records.label import Label
from rules.frozen import frozen, frozen_by_name


@frozen
class Ground:
    """The log that a document belongs to.

    It names the program, the founders' fingerprint (64 hex digits), the newest directory version
    that is shown, the number of leaves, and the witnesses that cosigned that tree.
    """

    program: str
    founders: str
    version: int
    size: int
    witnesses: tuple[str, ...]


@frozen
class Signer:
    """A signing agency: its id, name, role, and key, as in force at the record's log index."""

    agency: str
    name: str
    role: str
    kid: str


@frozen
class Logged:
    """A log index, its time, and the hub's times on the witnessed checkpoints around it.

    Times are in seconds since 1970. `after` is None if no earlier checkpoint is shown.
    """

    index: int
    time: int
    after: int | None
    by: int


@frozen_by_name
class ReliedOn:
    """A record that a hand-out relies on: its id, kind, signer, and place in the log."""

    jti: str
    kind: str
    signer: Signer
    logged: Logged


@frozen_by_name
class ShownPart:
    """A part that is shown: its label, its content, and its recipient with purpose and basis.

    `sensitivity` is the stricter of the label's and the one that follows from the sender's
    status under 42 CFR Part 2.
    """

    id: str
    category: tuple[str, ...]
    sensitivity: str
    use: str
    notice: str
    keep_until: str
    content: Any
    to: str
    purpose: str
    basis: str
    relies: tuple[str, ...]


@frozen_by_name
class Findings:
    """The proof in an exhibit.

    `closed` counts digests that stay closed. Each is a withheld part or a decoy, and nobody can
    tell which.
    """

    ground: Ground
    jti: str
    kind: str
    case: str | None
    signer: Signer
    logged: Logged
    handed: Logged
    to: str
    pack: str
    parts: tuple[ShownPart, ...]
    relied: tuple[ReliedOn, ...]
    closed: int


@frozen_by_name
class ReceiptFindings:
    """The proof in a receipt: this agency's record is in the log at this index."""

    ground: Ground
    jti: str
    kind: str
    case: str | None
    signer: Signer
    logged: Logged
    number: int


@frozen_by_name
class ProvedRecord:
    """A proved record: its signer, its place in the log, its labels, and the contents shown."""

    jti: str
    kind: str
    case: str | None
    signer: Signer
    logged: Logged
    labels: Mapping[str, Label]
    contents: Mapping[str, Any]


@frozen
class DecisionFindings:
    """The proof in a decision's exhibit: its record, and the records that it rests on.

    `decided` are the decisions of named persons that it states, with their `confirmations`.
    """

    ground: Ground
    record: ProvedRecord
    sources: tuple[ProvedRecord, ...]
    decided: tuple[Mapping[str, Any], ...] = ()
    confirmations: tuple[Confirmed, ...] = ()


@frozen
class AccountFindings:
    """The proof in an account, and the log that it belongs to."""

    ground: Ground
    statement: AccountStatement
