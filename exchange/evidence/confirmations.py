"""How a named person confirmed a decision: the draft, and a passkey's signature over its digest.

The signature is checked with the public key alone, so neither the agency's console nor a library of
its own is trusted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import Field

from exchange.errors import ExchangeError, LogError
from exchange.models import WireModel
from exchange.standards import base64, i_json
from exchange.standards.webauthn import Assertion, is_assertion_of
from rules.frozen import frozen

_DRAFT_LABEL = b"offramp/1/draft\0"
_NEW_CASE = "new"

Method = Literal["passkey", "password", "demo"]
_Text = Annotated[str, Field(max_length=8192)]
_Word = Annotated[str, Field(max_length=80)]


class ConfirmedDraft(WireModel):
    """A person's decision before it was recorded, as it was confirmed."""

    act: Literal["determine"]
    case: _Word
    decision: _Word
    outcome: _Word
    reason: _Word
    recipient: _Word | None


class ShownAssertion(WireModel):
    """A passkey's answer, without the identifier of the device. Texts are in base64url."""

    client: _Text
    authenticator: _Text
    signature: _Text
    key: _Text
    host: Annotated[str, Field(max_length=253)]
    origin: Annotated[str, Field(max_length=300)]


class ShownConfirmation(WireModel):
    """The confirmation of a decision by the person `by`.

    A password leaves nothing that others could check, so it has no `assertion`.
    """

    by: _Word
    method: Method
    draft: ConfirmedDraft
    assertion: ShownAssertion | None = None


@frozen
class Confirmed:
    """A confirmation that was checked. `is_signed` is True for a passkey's signature.

    A confirmation by password, or in a practice town, rests on the agency's word.
    """

    by: str
    method: Method
    is_signed: bool

    @property
    def words(self) -> str:
        """The confirmation in a few words."""
        if self.is_signed:
            return "confirmed with a passkey, whose signature over this decision was checked"
        return "confirmed without passkey" + (
            " in a practice town" if self.method == "demo" else ""
        )


def draft_digest(draft: Mapping[str, Any]) -> str:
    """Return the digest of a draft, in hexadecimal digits. A person confirms the digest."""
    return sha256(_DRAFT_LABEL + i_json.write(dict(draft))).hexdigest()


def is_signed(assertion: ShownAssertion, digest: str) -> bool:
    """Report whether a passkey signed a draft's digest."""
    try:
        decoded = Assertion(
            base64.decode_url(assertion.client),
            base64.decode_url(assertion.authenticator),
            base64.decode_url(assertion.signature),
            base64.decode_url(assertion.key),
            assertion.host,
            assertion.origin,
        )
    except ExchangeError:
        return False
    return is_assertion_of(decoded, bytes.fromhex(digest))


def decisions_in(kind: str, contents: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Return the decisions of named persons that a record's contents state."""
    stated = []
    for content in contents:
        for members in content.values():
            if members.get("determination"):
                stated.append(members["determination"])
            elif kind == "screening_outcome" and members.get("outcome"):
                stated.append({"decision": "screening", "outcome": members["outcome"]})
            elif kind == "screening_outcome" and members.get("record"):
                stated.append(members["record"])
    return tuple(stated)


def check_confirmations(
    confirmations: Iterable[ShownConfirmation],
    case: str | None,
    decisions: Iterable[Mapping[str, Any]],
) -> tuple[Confirmed, ...]:
    """Check that each confirmation is of a decision of this record, and signed if it says so.

    Raises `LogError` `wrong-confirmation`.
    """
    stated = tuple(decisions)
    return tuple(_check(confirmation, case, stated) for confirmation in confirmations)


def _check(
    confirmation: ShownConfirmation, case: str | None, decisions: tuple[Mapping[str, Any], ...]
) -> Confirmed:
    draft = confirmation.draft
    is_here = any(_is_of(confirmation, decision) for decision in decisions)
    if draft.case not in (case, _NEW_CASE) or not is_here:
        raise _wrong(f"what `{confirmation.by}` confirmed isn't what the record states")
    if confirmation.method != "passkey":
        return Confirmed(confirmation.by, confirmation.method, is_signed=False)
    digest = draft_digest(draft.model_dump())
    if confirmation.assertion is None or not is_signed(confirmation.assertion, digest):
        raise _wrong(f"the passkey of `{confirmation.by}` didn't sign this decision")
    return Confirmed(confirmation.by, confirmation.method, is_signed=True)


def _is_of(confirmation: ShownConfirmation, decision: Mapping[str, Any]) -> bool:
    """Report whether a confirmation is of a stated decision. A records check states no person."""
    draft = confirmation.draft
    if (draft.decision, draft.outcome) != (decision["decision"], decision["outcome"]):
        return False
    by, reason = decision.get("by"), decision.get("reason")
    return by in (None, confirmation.by) and reason in (None, draft.reason)


def _wrong(why: str) -> LogError:
    return LogError(
        "wrong-confirmation", why, fix="keep the file as evidence, and ask its sender for another"
    )
