"""Random ids: of cases and records, of parts and grants."""

from __future__ import annotations

from exchange.standards.sd_jwt import RandomBytes

ID_BYTES, SHORT_ID_BYTES = 16, 8


def new_id(random_bytes: RandomBytes) -> str:
    """A new handle of a case or id of a record: 32 hex digits that say nothing."""
    return random_bytes(ID_BYTES).hex()


def new_short_id(random_bytes: RandomBytes) -> str:
    """A new id of a part or grant: 16 hex digits."""
    return random_bytes(SHORT_ID_BYTES).hex()
