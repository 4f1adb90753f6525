"""Confirm what decides: a named person signs the draft with a passkey, or gives password and code.

The draft's digest is what is confirmed. A passkey signs it as the challenge, so the journal keeps
evidence that anybody can check with the passkey's public key. A password leaves none: the
confirmation says so. See docs/decisions/0127-what-decides-is-confirmed.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Literal

from exchange.evidence.confirmations import (
    ConfirmedDraft,
    ShownAssertion,
    ShownConfirmation,
    is_signed,
)
from exchange.evidence.confirmations import draft_digest as draft_digest
from offramp.agency.errors import AgencyError
from offramp.agency.folder.accounts import Account
from offramp.agency.folder.journal import Event
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
    `time` is in seconds since 1970. `draft` is what was confirmed, empty where it isn't kept, as of
    a consent form. `is_whole` is False where the digest isn't that of the draft.
    """

    confirmation: Confirmation
    case: str
    record: str | None
    time: int
    is_proved: bool
    draft: Mapping[str, Any] = field(default_factory=dict)
    is_whole: bool = True

    @property
    def decision(self) -> str | None:
        """The decision that was confirmed, None if the journal doesn't state it."""
        return self.draft.get("decision")

    @property
    def is_sound(self) -> bool:
        """True if nothing speaks against it: a password leaves nothing that could be checked."""
        return self.is_whole and (self.is_proved or self.confirmation.method != "passkey")

    @property
    def words(self) -> str:
        """The confirmation in a few words."""
        if not self.is_whole:
            return "the confirmation is of another decision"
        if self.confirmation.method == "passkey":
            return "confirmed with a passkey" if self.is_proved else "the passkey doesn't fit"
        if self.confirmation.method == "demo":
            return "confirmed in a practice town"
        return "confirmed without passkey"


def determination_digest(
    case: str, decision: str, outcome: str, reason: str, recipient: str | None = None
) -> str:
    """Return the digest of a person's decision before it is recorded."""
    return draft_digest(determination_draft(case, decision, outcome, reason, recipient))


def determination_draft(
    case: str, decision: str, outcome: str, reason: str, recipient: str | None = None
) -> dict[str, str | None]:
    """Return a person's decision as it is confirmed."""
    return {
        "act": "determine",
        "case": case,
        "decision": decision,
        "outcome": outcome,
        "reason": reason,
        "recipient": recipient,
    }


def telling_digest(case: str, decision: str, outcome: str) -> str:
    """Return the digest of telling a decision that was made before and kept here."""
    return draft_digest({"act": "tell", "case": case, "decision": decision, "outcome": outcome})


def hand_back_digest(case: str, form: str) -> str:
    """Return the digest with which a staff member takes a form back from the person in a case."""
    return draft_digest({"act": "take a form back", "case": case, "form": form})


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
    draft: Mapping[str, Any] | None = None,
) -> None:
    """Keep a confirmation beside what it confirms, within the same transaction.

    `expected` is the digest of what would be recorded. `draft` is kept with it, unless it has what
    must not be kept twice.

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
        **({"draft": dict(draft)} if draft is not None else {}),
        "digest": confirmation.digest,
        "method": confirmation.method,
        "evidence": dict(confirmation.evidence),
    }
    office.append(working_set, EVENT, body)


@needs(CASE)
def list_confirmations(office: Office, case: str) -> tuple[KeptConfirmation, ...]:
    """List the confirmations of a case, each checked again. Raises `AgencyError` `no-such-case`."""
    return tuple(
        kept_confirmation(event)
        for event in office.journal.of_kind(EVENT)
        if event.body["case"] == case
    )


def confirmed_by(office: Office, case: str, decision: str) -> str | None:
    """Return the person of this office who confirmed a decision last, None if that isn't kept.

    Raises `AgencyError` `no-such-case`.
    """
    people = [
        kept.confirmation.by
        for kept in list_confirmations(office, case)
        if kept.decision == decision
    ]
    return people[-1] if people else None


def kept_confirmation(event: Event) -> KeptConfirmation:
    """Return a confirmation of the journal, checked again."""
    body = event.body
    confirmation = Confirmation(body["by"], body["digest"], body["method"], body["evidence"])
    draft = body.get("draft", {})
    return KeptConfirmation(
        confirmation,
        body["case"],
        body["record"],
        event.time,
        is_evidence(confirmation),
        draft,
        not draft or draft_digest(draft) == confirmation.digest,
    )


def is_evidence(confirmation: Confirmation) -> bool:
    """Report whether a passkey signed the digest of a confirmation.

    The signature is checked with the kept public key, and without what the console believes.
    """
    shown = shown_assertion(confirmation)
    return shown is not None and is_signed(shown, confirmation.digest)


def shown_assertion(confirmation: Confirmation) -> ShownAssertion | None:
    """Return a passkey's answer without the identifier of the device.

    None if there is none, or if the evidence isn't one.
    """
    evidence = confirmation.evidence
    if confirmation.method != "passkey":
        return None
    try:
        response = evidence["credential"]["response"]
        return ShownAssertion(
            client=response["clientDataJSON"],
            authenticator=response["authenticatorData"],
            signature=response["signature"],
            key=evidence["key"],
            host=evidence["host"],
            origin=evidence["origin"],
        )
    except (KeyError, TypeError, ValueError):
        return None


def shown_confirmations(
    office: Office, case: str, decisions: Sequence[Mapping[str, Any]]
) -> tuple[ShownConfirmation, ...]:
    """Return the confirmations of decisions that a record of this agency states, to export them.

    Nothing is checked again here: who reads the file does.
    """
    stated = {(decision["decision"], decision["outcome"]) for decision in decisions}
    return tuple(
        ShownConfirmation(
            by=kept.confirmation.by,
            method=kept.confirmation.method,
            draft=ConfirmedDraft(**kept.draft),
            assertion=shown_assertion(kept.confirmation),
        )
        for kept in (kept_confirmation(event) for event in office.journal.of_kind(EVENT))
        if kept.case == case and (kept.draft.get("decision"), kept.draft.get("outcome")) in stated
    )


def _not_confirmed(why: str, fix: str) -> AgencyError:
    return AgencyError("not-confirmed", f"nothing was recorded: {why}", fix=fix)
