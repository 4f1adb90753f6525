"""Confirm what decides: a named person signs the draft with a passkey, or gives password and code.

The draft's digest is what is confirmed. A passkey signs it as the challenge, so the journal keeps
evidence that anybody can check with the passkey's public key. A password leaves none: the
confirmation says so. See docs/decisions/0127-what-decides-is-confirmed.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field
from hashlib import sha256
from typing import Any, Literal

from exchange.standards import base64, i_json
from offramp.agency.errors import AgencyError
from offramp.agency.folder.accounts import Account
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.operations.access import CASE, OWN_ACCOUNT, needs
from offramp.agency.operations.accounts import demo_people, is_password, step_of_code
from offramp.agency.operations.passkeys import Site, confirm_with_passkey, request_of_passkeys
from rules.frozen import frozen

EVENT = "confirmed"


@frozen
class Confirmation:
    """A person's confirmation of a draft. `digest` is the draft's, in hexadecimal digits.

    `evidence` is the passkey's answer with its public key, empty for a password. The method `demo`
    is that of practice towns.
    """

    by: str
    digest: str
    method: Literal["passkey", "password", "demo"]
    evidence: Mapping[str, Any] = field(default_factory=dict)


@frozen
class KeptConfirmation:
    """A confirmation in the journal, with the case and the record that followed from it.

    `is_proved` is True where a passkey's signature over the digest was checked again just now.
    `time` is in seconds since 1970.
    """

    confirmation: Confirmation
    case: str
    record: str | None
    time: int
    is_proved: bool

    @property
    def words(self) -> str:
        """The confirmation in a few words."""
        if self.confirmation.method == "passkey":
            return "confirmed with a passkey" if self.is_proved else "the passkey doesn't fit"
        if self.confirmation.method == "demo":
            return "confirmed in a practice town"
        return "confirmed without passkey"


def determination_digest(
    case: str, decision: str, outcome: str, reason: str, recipient: str | None = None
) -> str:
    """Return the digest of a person's decision before it is recorded."""
    draft = {
        "act": "determine",
        "case": case,
        "decision": decision,
        "outcome": outcome,
        "reason": reason,
        "recipient": recipient,
    }
    return sha256(b"offramp/1/draft\0" + i_json.write(draft)).hexdigest()


@needs(OWN_ACCOUNT)
def confirmation_request(office: Office, actor: str, site: Site, digest: str) -> str | None:
    """Return the options with which a browser signs a draft, as JSON. None without a passkey."""
    passkeys = office.accounts.read().get(actor, Account(actor)).passkeys
    return request_of_passkeys(site, bytes.fromhex(digest), passkeys) if passkeys else None


@needs(OWN_ACCOUNT, look="act")
def confirm_by_password(
    office: Office, actor: str, digest: str, password: str, code: str, *, now: float
) -> Confirmation:
    """Confirm a draft with password and one-time code. `now` is the time of the code.

    Raises `AgencyError` `not-confirmed`.
    """
    account = office.accounts.read().get(actor)
    is_right = is_password(account, password)
    step = step_of_code(account.secret if account is not None else None, code, now)
    if not is_right or step is None or account is None or not office.accounts.use(actor, step):
        raise _not_confirmed("password and code don't fit together", "try again with a new code")
    return Confirmation(actor, digest, "password")


@needs(OWN_ACCOUNT, look="act")
def confirm_in_demo(office: Office, actor: str, digest: str) -> Confirmation:
    """Confirm a draft in a practice town, where nobody has a password.

    Raises `AgencyError` `no-demo` for a folder that isn't one.
    """
    demo_people(office)
    return Confirmation(actor, digest, "demo")


@needs(OWN_ACCOUNT, look="act")
def confirm_by_passkey(
    office: Office, actor: str, digest: str, credential: str, site: Site
) -> Confirmation:
    """Confirm a draft with a passkey of the person who acts, which signs the draft's digest.

    `credential` is the browser's answer as JSON. Raises `AgencyError` `not-confirmed`.
    """
    evidence = confirm_with_passkey(office, actor, bytes.fromhex(digest), credential, site)
    if evidence is None:
        raise _not_confirmed("this passkey isn't yours, or signed something else", "try again")
    return Confirmation(actor, digest, "passkey", evidence)


def keep_confirmation(
    office: Office,
    working_set: WorkingSet,
    confirmation: Confirmation,
    expected: str,
    case: str,
    record: str | None,
) -> None:
    """Keep a confirmation beside what it confirms, within the same transaction.

    Raises `AgencyError` `not-confirmed` where another draft, or another person, was confirmed.
    """
    is_own = office.acting is not None and office.acting.name == confirmation.by
    if confirmation.digest != expected or not is_own:
        raise _not_confirmed(
            "what was confirmed isn't what would be recorded", "read it again, then confirm it"
        )
    body = {
        "case": case,
        "record": record,
        "by": confirmation.by,
        "digest": confirmation.digest,
        "method": confirmation.method,
        "evidence": dict(confirmation.evidence),
    }
    office.append(working_set, EVENT, body)


@needs(CASE)
def list_confirmations(office: Office, case: str) -> tuple[KeptConfirmation, ...]:
    """List the confirmations of a case, each checked again. Raises `AgencyError` `no-such-case`."""
    kept = []
    for event in office.journal.of_kind(EVENT):
        body = event.body
        if body["case"] != case:
            continue
        confirmation = Confirmation(body["by"], body["digest"], body["method"], body["evidence"])
        is_proved = is_evidence(confirmation)
        kept.append(KeptConfirmation(confirmation, case, body["record"], event.time, is_proved))
    return tuple(kept)


def is_evidence(confirmation: Confirmation) -> bool:
    """Report whether a passkey signed the digest of a confirmation.

    It checks the signature of WebAuthn (section 7.2, steps 11 to 21) with the kept public key.
    """
    from offramp.agency.operations.passkeys import is_signed

    evidence = confirmation.evidence
    if confirmation.method != "passkey" or not evidence:
        return False
    client = json.loads(base64.decode_url(evidence["credential"]["response"]["clientDataJSON"]))
    if client.get("challenge") != base64.encode_url(bytes.fromhex(confirmation.digest)):
        return False
    return is_signed(evidence, bytes.fromhex(confirmation.digest))


def _not_confirmed(why: str, fix: str) -> AgencyError:
    return AgencyError("not-confirmed", f"nothing was recorded: {why}", fix=fix)
