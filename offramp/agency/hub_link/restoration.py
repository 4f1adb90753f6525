"""After a restore of the hub: send what it may lack, and sign how its log goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from exchange.agency.pieces import pieces
from exchange.log.generation import read_terms
from exchange.log.generation import sign as sign_terms
from exchange.log.leaves import sha256_hex
from exchange.standards import base64
from offramp.agency.errors import AgencyError
from offramp.agency.hub_link.link import HubLink


def send_missing(link: HubLink) -> dict[str, Any] | None:
    """Send a closed hub everything stored here that it may lack.

    Returns the hub's state, None where it is open again.
    """
    state = link.client.generation()
    if state["closed"] and link.office.agency not in state.get("heard", ()):
        gateway, size = link.office.working_set().gateway, int(state["size"])
        entries = link.office.journal.seen(size)
        for piece in pieces(gateway, size=size, items=int(state["items"]), entries=entries):
            link.client.hold(piece)
        state = link.client.generation()
    return state if state["closed"] else None


def sign_generation(
    link: HubLink, state: Mapping[str, Any], digest: str, without: Sequence[str]
) -> str:
    """Sign how the log goes on, if it drops nothing that is stored here.

    `without` are the agencies that the signers give up waiting for. Returns `begun` where this
    signature completes the threshold, else `signed`. Raises `AgencyError` `nothing-to-sign`,
    `another-draft`, `not-heard`; as `Gateway.check_terms`.
    """
    if "draft" not in state:
        why = (state.get("lacks") or {}).get("message") or "nothing was lost"
        raise AgencyError(
            "nothing-to-sign",
            f"the hub has nothing to sign: {why}",
            fix="look at `offramp agency status`",
        )
    payload = base64.decode_url(str(state["draft"]))
    if sha256_hex(payload) != digest:
        raise AgencyError(
            "another-draft",
            f"the draft has the digest `{sha256_hex(payload)}`",
            fix="compare it with the others again",
        )
    terms = read_terms(payload)
    if unheard := sorted(set(terms.absent) - set(without)):
        raise AgencyError(
            "not-heard",
            f"the hub hasn't heard `{unheard[0]}`, and what only that agency holds would be lost",
            fix="wait for it, or name it with `--without`",
        )
    link.office.working_set().gateway.check_terms(terms)
    begun = link.client.sign_generation(digest, sign_terms(payload, link.office.signing))
    return "begun" if begun else "signed"
