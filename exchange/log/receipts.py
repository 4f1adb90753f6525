"""Receipts: the hub's answer to a submission, and the leaf that follows from one."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from exchange.log.leaves import Leaf, RecordBody, commit_number, write_body
from exchange.models import WireModel, validate
from rules.frozen import frozen

_Nonce = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
_Count = Annotated[int, Field(ge=0, le=2**53 - 1)]


@frozen
class Receipt:
    """The hub's answer to a submission.

    It has the index and time of the commit, the record's number, and the nonces of both. It is not
    signed and promises nothing: only the proof under the next checkpoint counts.
    """

    index: int
    time: int
    number: int
    nonce: bytes
    number_nonce: bytes

    def json(self) -> dict[str, Any]:
        """Return the receipt as JSON, as `parse_receipt` reads it."""
        return {
            "index": self.index,
            "time": self.time,
            "number": self.number,
            "nonce": self.nonce.hex(),
            "number_nonce": self.number_nonce.hex(),
        }


class _ReceiptShape(WireModel):
    index: _Count
    time: _Count
    number: Annotated[int, Field(ge=1, le=2**53 - 1)]
    nonce: _Nonce
    number_nonce: _Nonce


def parse_receipt(value: Any) -> Receipt:
    """Parse a receipt from a JSON value. Raises `ContentError`."""
    shape = validate(_ReceiptShape, value, "the receipt")
    return Receipt(
        shape.index,
        shape.time,
        shape.number,
        bytes.fromhex(shape.nonce),
        bytes.fromhex(shape.number_nonce),
    )


def rebuild_leaf(receipt: Receipt, *, jti: str, issuer: str, statement: str) -> Leaf:
    """Rebuild the record's leaf from a receipt and the record. The hub needn't send the body."""
    number = commit_number(receipt.number_nonce, receipt.number)
    body = RecordBody(id=jti, issuer=issuer, sha256=statement, time=receipt.time, number=number)
    return Leaf(receipt.index, receipt.nonce, write_body(body))
