"""Random ids of cases, records, parts, and grants."""

from __future__ import annotations

from exchange.standards.sd_jwt import RandomBytes

ID_BYTES, SHORT_ID_BYTES = 16, 8


def new_id(random_bytes: RandomBytes) -> str:
    """Draw the id of a case or record: 32 random hex digits."""
    return random_bytes(ID_BYTES).hex()


def new_short_id(random_bytes: RandomBytes) -> str:
    """Draw the id of a part, grant, or restriction: 16 random hex digits."""
    return random_bytes(SHORT_ID_BYTES).hex()
