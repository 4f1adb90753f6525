"""`offramp verify`: verify an exhibit, a decision, an account, or a receipt, offline.

INVARIANT: this module imports no gateway and no hub. A court needs neither.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Any

from exchange.consent.account_rows import Row
from exchange.errors import ExchangeError
from exchange.evidence.documents import (
    LARGEST,
    DecisionExhibit,
    Evidence,
    ProvedAccount,
    ProvedReceipt,
    read_any,
)
from exchange.evidence.findings import AccountFindings, DecisionFindings
from exchange.evidence.verify import (
    verify_decision,
    verify_exhibit,
    verify_proved_account,
    verify_receipt,
)
from offramp.evidence.report import DocumentFindings, describe
from offramp.terminal import print_json, print_text
from rules.errors import Refusal, RequestError
from rules.input.printing import printable


def verify(options: argparse.Namespace) -> int:
    """Run the command. Returns 0 for proved and 1 for not what the file claims to be.

    Raises `Refusal` for a file that can't be read.
    """
    root = parse_fingerprint(options.root)
    evidence = read_any(read_file(options.file))
    try:
        findings = verify_evidence(evidence, root)
    except ExchangeError as error:
        print_refusal(error, as_json=options.json)
        return 1
    if options.json:
        print_json(
            {
                "verified": root is not None,
                "holds_together": True,
                "found": _json(findings),
            },
            ascii_only=True,
        )
    else:
        for line in describe(findings, root is not None):
            # Somebody else wrote the record, and it must not move the cursor or hide a line.
            print_text(printable(line))
    return 0


def verify_evidence(evidence: Evidence, root: str | None) -> DocumentFindings:
    """Verify a document of any type.

    `root` is the founders' fingerprint, 64 hex digits. Raises `ExchangeError` for a document that
    isn't what it claims to be.
    """
    if isinstance(evidence, ProvedReceipt):
        return verify_receipt(evidence, root)
    if isinstance(evidence, ProvedAccount):
        return verify_proved_account(evidence, root)
    if isinstance(evidence, DecisionExhibit):
        return verify_decision(evidence, root)
    return verify_exhibit(evidence, root)


def parse_fingerprint(text: str | None) -> str | None:
    """Return a fingerprint without its groups and in lower case.

    Raises `RequestError` `usage`.
    """
    if text is None:
        return None
    plain = "".join(letter for letter in text if letter not in " -:").lower()
    if len(plain) != 64 or not set(plain) <= set("0123456789abcdef"):
        raise RequestError(
            "usage",
            "`--root` is no fingerprint of 64 hex digits",
            fix="ask a founding agency for it",
        )
    return plain


def read_file(name: str) -> bytes:
    """Return the bytes of a file, or of standard input for `-`. Raises `RequestError` `no-file`."""
    try:
        if name == "-":
            return sys.stdin.buffer.read(LARGEST + 1)
        with Path(name).open("rb") as file:
            return file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "it can't be read").lower()
        raise RequestError(
            "no-file", f"`{printable(name)}` can't be read: {reason}", fix="check the path"
        ) from None


def print_refusal(error: Refusal, *, as_json: bool) -> None:
    """Print that a file isn't what it claims to be, and why."""
    if as_json:
        print_json(
            {"verified": False, "holds_together": False, "error": error.as_json()}, ascii_only=True
        )
        return
    print_text("NOT VERIFIED. Don't rely on anything in this file.")
    print_text(f"  what is wrong: {printable(error.message)} [{error.code}]")
    print_text(f"  what to do: {printable(error.fix)}")


# Field names with a different JSON key.
_KEYS: dict[type, dict[str, str]] = {
    DecisionFindings: {"record": "told"},
    Row: {"status": "what", "is_oral": "told_aloud"},
}


def _json(value: Any) -> Any:
    """Return findings as JSON, without the log's bytes."""
    if isinstance(value, AccountFindings):
        statement = value.statement
        return {
            "ground": _json(value.ground),
            "case": statement.case,
            "at": statement.at,
            "last": dict(statement.last),
            "rows": [_json(row) for row in statement.rows],
        }
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        keys = _KEYS.get(type(value), {})
        return {
            keys.get(field.name, field.name): _json(getattr(value, field.name))
            for field in dataclasses.fields(value)
        }
    if isinstance(value, tuple | list):
        return [_json(item) for item in value]
    return value
