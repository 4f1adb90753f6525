"""Answer of a hub to an agency's pull."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from exchange.errors import ExchangeError, LogError
from exchange.log.leaves import Leaf, parse_leaf
from exchange.models import AgencyId, WireModel, validate
from exchange.records.delivery import Delivery, parse_delivery
from exchange.standards import i_json
from rules.frozen import frozen

# The most items, and about the most bytes, in one answer. The rest comes with the next answer.
MOST_ITEMS = 1024
LARGEST_ANSWER = 8 * 1024 * 1024


@frozen
class Item:
    """An item in an agency's inbox: its number from this issuer, and the opened leaf about it.

    A delivery comes with the record's own leaf. An item without a delivery was withdrawn, or was
    handed out before and no longer may be. Then `record` is the signed record without any part, so
    that an agency that missed it knows at least its kind.
    """

    number: int
    issuer: str
    leaf: Leaf
    recorded: Leaf | None = None
    delivery: Delivery | None = None
    record: str | None = None

    def json(self) -> dict[str, Any]:
        """Return the item as JSON, as `parse_item` reads it."""
        return {
            "number": self.number,
            "issuer": self.issuer,
            "leaf": self.leaf.json(),
            **({"recorded": self.recorded.json()} if self.recorded else {}),
            **({"delivery": self.delivery.json()} if self.delivery else {}),
            **({"record": self.record} if self.record else {}),
        }


@frozen
class Inbox:
    """An answer to a pull: the items after the cursor, and the bytes of the hub's signed line."""

    items: tuple[Item, ...]
    line: bytes

    def write(self) -> bytes:
        """Return the answer as JSON, as `read_inbox` reads it."""
        return i_json.write(
            {"items": [item.json() for item in self.items], "line": self.line.decode("utf-8")}
        )


class _ItemShape(WireModel):
    number: Annotated[int, Field(ge=1, le=2**53 - 1)]
    issuer: AgencyId
    leaf: Any
    recorded: Any = None
    delivery: Any = None
    record: str | None = None


class _InboxShape(WireModel):
    items: Annotated[tuple[Any, ...], Field(strict=False, max_length=MOST_ITEMS)]
    line: Annotated[str, Field(max_length=65536)]


def read_inbox(data: bytes) -> Inbox:
    """Parse an answer without verifying it. Raises `LogError` `not-an-inbox`."""
    try:
        shape = validate(_InboxShape, i_json.read_object(data), "the inbox")
        return Inbox(
            tuple(parse_item(item) for item in shape.items),
            shape.line.encode("utf-8", "surrogatepass"),
        )
    except ExchangeError as error:
        raise LogError(
            "not-an-inbox",
            f"the answer isn't one of a hub: {error.message}",
            fix="ask the hub again",
        ) from None


def parse_item(value: Any) -> Item:
    """Parse an item from a JSON value. Raises `ContentError`, `TextError`, `TreeError`."""
    shape = validate(_ItemShape, value, "the item")
    recorded = parse_leaf(shape.recorded) if shape.recorded is not None else None
    return Item(
        shape.number,
        shape.issuer,
        parse_leaf(shape.leaf),
        recorded,
        parse_delivery(shape.delivery) if shape.delivery is not None else None,
        shape.record,
    )
