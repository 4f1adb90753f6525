"""The second person's signature over a report of an emergency."""

from __future__ import annotations

from exchange.errors import ExchangeError, RecordError
from exchange.membership.history import Membership
from exchange.membership.signatures import attach, detach
from exchange.models import agency_of
from exchange.records import statements
from exchange.records.label import Label
from exchange.standards import i_json, jws
from exchange.standards.keys import PrivateKey

COUNTERSIGNATURE_TYP = "offramp-countersignature+jws"


def countersign(
    second: PrivateKey, *, jti: str, part: str, told: str, category: str, on: str
) -> str:
    """A second person's signature over an emergency's report, with another key of the same agency: a detached JWS.

    Stands in the label as `countersigned` (42 CFR 2.51 asks no second person; the exchange does, for what no consent covers).
    """
    payload = _countersigned(agency_of(second.public.kid), jti, part, told, category, on)
    return detach(jws.sign(payload, second, typ=COUNTERSIGNATURE_TYP))


def _countersigned(agency: str, jti: str, part: str, told: str, category: str, on: str) -> bytes:
    return i_json.write([agency, jti, part, told, category, on])


def check_countersignature(label: Label, jti: str, first: str, membership: Membership) -> None:
    """Where a label claims a second person, the second person must have signed. Without the claim there is no override."""
    said = label.statement
    if not isinstance(said, statements.Emergency) or said.countersigned is None:
        return
    agency = agency_of(first)
    try:
        text = attach(
            said.countersigned,
            _countersigned(agency, jti, label.id, said.told, said.category, said.on),
        )
        unverified = jws.read(text, typ=COUNTERSIGNATURE_TYP)
        second, key = membership.signer(unverified.kid)
        unverified.payload(key)
        holds = second.id == agency and key.kid != first
    except ExchangeError:
        holds = False
    if not holds:
        raise RecordError(
            "bad-countersignature",
            f"no second person of `{agency}` signed `{label.id}`",
            fix="have a second key sign it",
        )
