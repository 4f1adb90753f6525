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
    """Sign a report of an emergency for a second person, with another key of the same agency.

    Returns a detached JWS for the label's `countersigned`. 42 CFR 2.51 requires no second person.
    The exchange does, for a disclosure that no consent covers.
    """
    payload = _countersigned(agency_of(second.public.kid), jti, part, told, category, on)
    return detach(jws.sign(payload, second, typ=COUNTERSIGNATURE_TYP))


def _countersigned(agency: str, jti: str, part: str, told: str, category: str, on: str) -> bytes:
    return i_json.write([agency, jti, part, told, category, on])


def check_countersignature(label: Label, jti: str, first_kid: str, membership: Membership) -> None:
    """Check the second person's signature if a label claims one. Without it there is no override.

    Raises `RecordError` `bad-countersignature`.
    """
    report = label.statement
    if not isinstance(report, statements.Emergency) or report.countersigned is None:
        return
    agency = agency_of(first_kid)
    try:
        text = attach(
            report.countersigned,
            _countersigned(agency, jti, label.id, report.told, report.category, report.on),
        )
        unverified = jws.read(text, typ=COUNTERSIGNATURE_TYP)
        second, key = membership.signer(unverified.kid)
        unverified.payload(key)
        is_valid = second.id == agency and key.kid != first_kid
    except ExchangeError:
        is_valid = False
    if not is_valid:
        raise RecordError(
            "bad-countersignature",
            f"no second person of `{agency}` signed `{label.id}`",
            fix="have a second key sign it",
        )
