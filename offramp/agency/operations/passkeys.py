"""Passkeys of the console (WebAuthn Level 3): add one, remove one, and sign in with one.

A passkey proves possession and the person's own unlock (user verification), so it is both factors.
`site` is where the console is reached: the address (`https://clinic.example`) and its host name.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from exchange.errors import ExchangeError, shorten
from exchange.standards import base64
from offramp.agency.errors import AgencyError
from offramp.agency.folder.accounts import Account, Passkey
from offramp.agency.folder.office import Office
from offramp.agency.operations.access import GATEWAY, OWN_ACCOUNT, needs
from rules.errors import RequestError
from rules.frozen import frozen

LONGEST_LABEL = 40
MOST_PASSKEYS = 10
LONGEST_CREDENTIAL = 16 * 1024


@frozen
class Site:
    """Where a console is reached: its origin, and the host name that passkeys are bound to."""

    origin: str
    host: str


@needs(OWN_ACCOUNT)
def list_passkeys(office: Office, actor: str) -> tuple[Passkey, ...]:
    """List the passkeys of the person who acts."""
    return office.accounts.read().get(actor, Account(actor)).passkeys


@needs(OWN_ACCOUNT)
def passkey_request(office: Office, actor: str, site: Site, challenge: bytes) -> str:
    """Return the options with which a browser makes a passkey, as JSON.

    Raises `RequestError` `no-console`.
    """
    webauthn, structs = _library()
    passkeys = office.accounts.read().get(actor, Account(actor)).passkeys
    options = webauthn.generate_registration_options(
        rp_id=site.host,
        rp_name="Offramp",
        user_name=actor,
        user_id=bytes.fromhex(office.accounts.local_id(f"person {actor}")),
        challenge=challenge,
        exclude_credentials=_descriptors(structs, passkeys),
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
    )
    text: str = webauthn.options_to_json(options)
    return text


@needs(OWN_ACCOUNT, look="act")
def add_passkey(
    office: Office, actor: str, label: str, credential: str, site: Site, challenge: bytes
) -> Passkey:
    """Add a passkey that a browser made for the person who acts.

    `credential` is the browser's answer as JSON. Raises `AgencyError` `bad-passkey`, `bad-name`,
    `passkeys-full`; `RequestError` `no-console`.
    """
    webauthn, _ = _library()
    label = label.strip()
    if not 1 <= len(label) <= LONGEST_LABEL or not label.isprintable():
        raise AgencyError(
            "bad-name",
            f"the name of a passkey has 1 to {LONGEST_LABEL} characters",
            fix="name the device, such as `work phone`",
        )
    try:
        made = webauthn.verify_registration_response(
            credential=_read(credential),
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except webauthn.helpers.exceptions.WebAuthnException:
        raise _bad_passkey() from None
    passkey = Passkey(
        base64.encode_url(made.credential_id),
        base64.encode_url(made.credential_public_key),
        made.sign_count,
        label,
        office.clock(),
    )
    with office.transaction():
        accounts = office.accounts.read()
        account = accounts.get(actor, Account(actor))
        if any(known.id == passkey.id for each in accounts.values() for known in each.passkeys):
            raise _bad_passkey()
        if len(account.passkeys) >= MOST_PASSKEYS:
            raise AgencyError(
                "passkeys-full",
                f"a person has at most {MOST_PASSKEYS} passkeys",
                fix="remove one first",
            )
        office.accounts.put(replace(account, passkeys=(*account.passkeys, passkey)))
    return passkey


@needs(OWN_ACCOUNT, look="act")
def remove_passkey(office: Office, actor: str, passkey: str) -> None:
    """Remove a passkey of the person who acts, as after a lost device.

    Raises `AgencyError` `no-such-passkey`.
    """
    with office.transaction():
        account = office.accounts.read().get(actor, Account(actor))
        left = tuple(known for known in account.passkeys if known.id != passkey)
        if left == account.passkeys:
            raise AgencyError(
                "no-such-passkey",
                f"there is no passkey `{shorten(passkey)}`",
                fix="look at the list again",
            )
        office.accounts.put(replace(account, passkeys=left))


# Sign in and confirm


def sign_in_request(site: Site, challenge: bytes) -> str:
    """Return the options with which a browser asks for any passkey of this console, as JSON.

    Raises `RequestError` `no-console`.
    """
    webauthn, structs = _library()
    options = webauthn.generate_authentication_options(
        rp_id=site.host,
        challenge=challenge,
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    text: str = webauthn.options_to_json(options)
    return text


@needs(GATEWAY)
def use_passkey(office: Office, credential: str, site: Site, challenge: bytes) -> str | None:
    """Return the name of the person whose passkey signed a challenge. None if nobody's did.

    The counter of a passkey never goes back: a copy of it is refused. Raises `RequestError`
    `no-console`.
    """
    webauthn, _ = _library()
    with office.transaction() as working_set:
        try:
            answer = _read(credential)
            found = _find(office, str(answer.get("id", "")))
            if found is None or working_set.staff.find(found[0].person) is None:
                return None
            account, passkey = found
            checked = webauthn.verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=site.host,
                expected_origin=site.origin,
                credential_public_key=base64.decode_url(passkey.key),
                credential_current_sign_count=passkey.counter,
                require_user_verification=True,
            )
        except (webauthn.helpers.exceptions.WebAuthnException, AgencyError):
            return None
        used = replace(passkey, counter=checked.new_sign_count)
        office.accounts.put(
            replace(
                account,
                passkeys=tuple(used if each == passkey else each for each in account.passkeys),
            )
        )
        return account.person


def request_of_passkeys(site: Site, challenge: bytes, passkeys: Sequence[Passkey]) -> str:
    """Return the options with which a browser signs a challenge with one of these passkeys.

    Raises `RequestError` `no-console`.
    """
    webauthn, structs = _library()
    options = webauthn.generate_authentication_options(
        rp_id=site.host,
        challenge=challenge,
        allow_credentials=_descriptors(structs, passkeys),
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    text: str = webauthn.options_to_json(options)
    return text


def confirm_with_passkey(
    office: Office, person: str, challenge: bytes, credential: str, site: Site
) -> dict[str, Any] | None:
    """Return the evidence that a person's passkey signed a challenge. None if none did."""
    try:
        answer = _read(credential)
    except AgencyError:
        return None
    found = _find(office, str(answer.get("id", "")))
    if found is None or found[0].person != person:
        return None
    evidence = {
        "credential": answer,
        "key": found[1].key,
        "host": site.host,
        "origin": site.origin,
    }
    return evidence if is_signed(evidence, challenge) else None


def is_signed(evidence: Mapping[str, Any], challenge: bytes) -> bool:
    """Report whether a passkey's answer is a signature over a challenge, by its public key."""
    webauthn, _ = _library()
    try:
        webauthn.verify_authentication_response(
            credential=dict(evidence["credential"]),
            expected_challenge=challenge,
            expected_rp_id=evidence["host"],
            expected_origin=evidence["origin"],
            credential_public_key=base64.decode_url(evidence["key"]),
            # The counter is checked at sign-ins. Evidence is checked again and again.
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except (webauthn.helpers.exceptions.WebAuthnException, ExchangeError):
        return False
    return True


def _find(office: Office, id_: str) -> tuple[Account, Passkey] | None:
    for account in office.accounts.read().values():
        for passkey in account.passkeys:
            if hmac.compare_digest(passkey.id.encode(), id_.encode()):
                return account, passkey
    return None


def _descriptors(structs: Any, passkeys: Sequence[Passkey]) -> list[Any]:
    return [
        structs.PublicKeyCredentialDescriptor(id=base64.decode_url(passkey.id))
        for passkey in passkeys
    ]


def _read(credential: str) -> dict[str, Any]:
    """Return a browser's answer. Raises `AgencyError` `bad-passkey`."""
    try:
        value = json.loads(credential) if len(credential) <= LONGEST_CREDENTIAL else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise _bad_passkey()
    return value


def _bad_passkey() -> AgencyError:
    return AgencyError(
        "bad-passkey", "this passkey doesn't fit", fix="try again, or use another device"
    )


def _library() -> tuple[Any, Any]:
    """Return `webauthn` and its structures. Raises `RequestError` `no-console`."""
    try:
        import webauthn
        import webauthn.helpers.exceptions
        import webauthn.helpers.structs
    except ImportError:
        raise RequestError(
            "no-console",
            "the packages that serve pages aren't installed",
            fix="in Offramp's checkout: pip install -c constraints.txt '.[console]'",
        ) from None
    return webauthn, webauthn.helpers.structs
