"""What a hub answers an agency that pulls, and its gateway takes apart."""

from __future__ import annotations

from exchange.log import Leaf
from exchange.record import Delivery
from rules.frozen import frozen


@frozen
class Item:
    """One thing in an agency's inbox: its number from this issuer and the leaf that says what became of it, opened.

    A delivery comes with the record's own leaf. Without one, it was withdrawn, or handed out before and may no longer be.
    """

    number: int
    issuer: str
    leaf: Leaf
    recorded: Leaf | None = None
    delivery: Delivery | None = None


@frozen
class Inbox:
    """An answer to a pull: the items after the cursor, and the hub's signed line, as bytes."""

    items: tuple[Item, ...]
    line: bytes
