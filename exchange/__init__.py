"""The exchange: signed records between agencies, a hub that can't read them, and a witnessed log.

An agency signs a record and seals each part to its recipients. The hub enforces the person's
consent on the labels of the parts. Agencies witness the hub's log, so nothing can be dropped or
back-dated unseen.

    >>> import exchange
    >>> exchange.new_id(lambda count: bytes(count))
    '00000000000000000000000000000000'

Build, check, open, and present a record:

    bundle = exchange.build_bundle(signing_key, "status", [part], membership=membership,
                                   case=case, iat=seconds, random_bytes=os.urandom)
    record = exchange.check_bundle(bundle, membership)                     # the hub
    delivery = exchange.make_delivery(record, "prosecutor", [part_id])     # the hub
    received = exchange.check_delivery(delivery, membership)               # the recipient
    opened = exchange.open_part(received, part_id, own_keys)               # the recipient
    text = exchange.present(received, [opened])                            # the recipient
    exchange.verify_presentation(text, membership)                         # an outsider

A `membership` is the directory and the open sealing keys at an index of the log
(`History.membership_at`). `examples/seal_a_record.py` is a whole program.

The packages, from the bottom up:

- `exchange.standards`: a module for each public standard that the exchange uses.
- `exchange.membership`: the directory of agencies and their keys.
- `exchange.records`: labels, contents, sealing, and the signed record.
- `exchange.log`: leaves, checkpoints, receipts, and the generations of a restored log.
- `exchange.consent`: decisions on disclosure, and the account of disclosures.
- `exchange.protocol`: signed requests, inbox answers, and the pieces for a restore.
- `exchange.evidence`: exhibits for a court, and their verification.
- `exchange.agency` and `exchange.hub`: the two state machines.

The package reads no clock and no socket. Time is an argument. A function that builds something
takes `random_bytes`, a function from a count to that many random bytes. Two draws stay inside the
`cryptography` package: the nonce of an ECDSA signature and the ephemeral key of a seal. Only the
hub's store uses a disk.

Every refusal is an `ExchangeError` with a stable code. A name is imported when it is first used.
"""

from __future__ import annotations

# As in `rules`: type checkers take the name for true, and `typing` itself is slow to load.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from exchange.agency.gateway import Gateway
    from exchange.consent.account import read_account
    from exchange.consent.accounting import verify_account
    from exchange.consent.disclosure import Judge, Verdict
    from exchange.errors import ExchangeError
    from exchange.evidence.documents import read_exhibit, read_receipt
    from exchange.evidence.verify import verify_exhibit, verify_receipt
    from exchange.hub.hub import Hub
    from exchange.membership.directory import Directory, read_directory, write_document
    from exchange.membership.history import History, Membership, announce_key
    from exchange.membership.signatures import SignedPayload, sign_directory
    from exchange.records.building import Part, build_bundle
    from exchange.records.bundle import Bundle, check_bundle, read_bundle
    from exchange.records.delivery import (
        Delivery,
        OpenedPart,
        check_delivery,
        make_delivery,
        open_part,
    )
    from exchange.records.ids import new_id
    from exchange.records.presentation import present, verify_presentation
    from exchange.records.record import Record
    from exchange.standards.keys import PrivateKey, PublicKey, from_scalar
    from exchange.standards.notes import COSIGNATURE, derive_note_key

__all__ = [
    "COSIGNATURE",
    "Bundle",
    "Delivery",
    "Directory",
    "ExchangeError",
    "Gateway",
    "History",
    "Hub",
    "Judge",
    "Membership",
    "OpenedPart",
    "Part",
    "PrivateKey",
    "PublicKey",
    "Record",
    "SignedPayload",
    "Verdict",
    "announce_key",
    "build_bundle",
    "check_bundle",
    "check_delivery",
    "derive_note_key",
    "from_scalar",
    "make_delivery",
    "new_id",
    "open_part",
    "present",
    "read_account",
    "read_bundle",
    "read_directory",
    "read_exhibit",
    "read_receipt",
    "sign_directory",
    "verify_account",
    "verify_exhibit",
    "verify_presentation",
    "verify_receipt",
    "write_document",
]

_MODULES = {
    "Gateway": "exchange.agency.gateway",
    "read_account": "exchange.consent.account",
    "verify_account": "exchange.consent.accounting",
    "Judge": "exchange.consent.disclosure",
    "Verdict": "exchange.consent.disclosure",
    "ExchangeError": "exchange.errors",
    "read_exhibit": "exchange.evidence.documents",
    "read_receipt": "exchange.evidence.documents",
    "verify_exhibit": "exchange.evidence.verify",
    "verify_receipt": "exchange.evidence.verify",
    "Hub": "exchange.hub.hub",
    "Directory": "exchange.membership.directory",
    "read_directory": "exchange.membership.directory",
    "write_document": "exchange.membership.directory",
    "History": "exchange.membership.history",
    "Membership": "exchange.membership.history",
    "announce_key": "exchange.membership.history",
    "SignedPayload": "exchange.membership.signatures",
    "sign_directory": "exchange.membership.signatures",
    "Part": "exchange.records.building",
    "build_bundle": "exchange.records.building",
    "Bundle": "exchange.records.bundle",
    "check_bundle": "exchange.records.bundle",
    "read_bundle": "exchange.records.bundle",
    "Delivery": "exchange.records.delivery",
    "OpenedPart": "exchange.records.delivery",
    "check_delivery": "exchange.records.delivery",
    "make_delivery": "exchange.records.delivery",
    "open_part": "exchange.records.delivery",
    "new_id": "exchange.records.ids",
    "present": "exchange.records.presentation",
    "verify_presentation": "exchange.records.presentation",
    "Record": "exchange.records.record",
    "PrivateKey": "exchange.standards.keys",
    "PublicKey": "exchange.standards.keys",
    "from_scalar": "exchange.standards.keys",
    "COSIGNATURE": "exchange.standards.notes",
    "derive_note_key": "exchange.standards.notes",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used. `import exchange` alone loads nothing heavy."""
    if name not in _MODULES:
        raise AttributeError(f"module `exchange` has no attribute `{name}`")
    from importlib import import_module

    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, also those that are not imported yet."""
    return sorted({*globals(), *__all__})
