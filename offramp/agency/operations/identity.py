"""The agency's own sign-in (OpenID Connect): its settings, and the people whom it knows.

The provider says only who somebody is there. Who works here, and with which roles, stays in the
agency's list: an admin enters each person's id of the provider. Nobody is listed by signing in. See
docs/decisions/0143-the-agencys-own-sign-in.md.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from exchange.errors import shorten
from offramp.agency.errors import AgencyError
from offramp.agency.folder.accounts import Account, Provider
from offramp.agency.folder.office import Office
from offramp.agency.operations.access import ADMIN, GATEWAY, PEOPLE, needs
from rules.frozen import frozen

# The method that says "more than one factor" (RFC 8176).
DEFAULT_AMR = ("mfa",)
LONGEST_ADDRESS, LONGEST_ID = 512, 255
_HERE = ("localhost", "127.0.0.1", "::1")


@frozen
class ProviderState:
    """The settings of the agency's own sign-in, and the ids of people there by their names.

    It has no secret. A sign-in counts if its methods have one of `amr`, or its class is one of
    `acr`.
    """

    issuer: str
    client: str
    has_secret: bool
    amr: tuple[str, ...]
    acr: tuple[str, ...]
    subjects: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency oidc`."""
        return {
            "issuer": self.issuer,
            "client": self.client,
            "has_secret": self.has_secret,
            "amr": list(self.amr),
            "acr": list(self.acr),
            "people": dict(self.subjects),
        }


@needs(ADMIN, look="act")
def set_provider(
    office: Office,
    issuer: str,
    client: str,
    *,
    secret: str | None = None,
    amr: Sequence[str] = (),
    acr: Sequence[str] = (),
) -> ProviderState:
    """Let people sign in at the console with the agency's own sign-in.

    `issuer` is the provider's address, and `client` the id under which it knows this console. A
    sign-in must have one of the methods `amr`, or be of one of the classes `acr`. Without both, the
    method is `mfa`. With another issuer, the ids of people at the earlier one are forgotten. Raises
    `AgencyError` `bad-provider`.
    """
    if not is_safe_address(issuer):
        raise _bad_provider(
            f"`{shorten(issuer)}` is no address of a provider",
            "use its address with `https://`, as its `.well-known/openid-configuration` states it",
        )
    for text in (client, *amr, *acr, *([secret] if secret is not None else [])):
        if not _is_plain(text):
            raise _bad_provider(
                "a client's id, its secret, or a factor is empty, too long, or has a space",
                "copy it from the provider's page again",
            )
    methods = tuple(amr) if amr or acr else DEFAULT_AMR
    provider = Provider(issuer, client, secret, methods, tuple(acr))
    with office.transaction():
        before = office.accounts.provider()
        if before is not None and before.issuer != issuer:
            _forget_subjects(office)
        office.accounts.put_provider(provider)
        return _state(office, provider)


@needs(ADMIN, look="act")
def drop_provider(office: Office) -> None:
    """End signing in with the agency's own sign-in, and forget the ids of people there."""
    with office.transaction():
        _forget_subjects(office)
        office.accounts.put_provider(None)


@needs(ADMIN, look="list")
def describe_provider(office: Office) -> ProviderState | None:
    """Return the settings of the agency's own sign-in. None without one."""
    provider = office.accounts.provider()
    return _state(office, provider) if provider is not None else None


@needs(PEOPLE, look="act")
def set_subject(office: Office, actor: str, name: str, subject: str | None) -> None:
    """Note the id of a listed person at the agency's own sign-in. None removes it.

    Raises `AgencyError` `unlisted-person`, `person-ended`, `no-provider`, `bad-subject`,
    `subject-taken`.
    """
    with office.transaction() as working_set:
        person = working_set.staff.named(name)
        accounts = office.accounts.read()
        if subject is not None:
            if office.accounts.provider() is None:
                raise AgencyError(
                    "no-provider",
                    "this agency's own sign-in isn't set up",
                    fix="name it first with `offramp agency oidc DIR --issuer URL --client ID`",
                )
            if not _is_plain(subject):
                raise AgencyError(
                    "bad-subject",
                    f"`{shorten(subject)}` is no id of a person",
                    fix="copy the person's `sub` from the provider, without spaces",
                )
            owners = [account.person for account in accounts.values() if account.subject == subject]
            if any(owner != person.name for owner in owners):
                raise AgencyError(
                    "subject-taken",
                    f"this id is `{owners[0]}`'s",
                    fix="remove it there first, or copy the right one",
                )
        account = accounts.get(person.name, Account(person.name))
        office.accounts.put(replace(account, subject=subject))


@needs(GATEWAY)
def sign_in_provider(office: Office) -> Provider | None:
    """Return the agency's own sign-in with its secret. None without one."""
    return office.accounts.provider()


@needs(GATEWAY)
def person_of_subject(office: Office, issuer: str, subject: str) -> str | None:
    """Return the listed person of an id at the agency's own sign-in. None for everybody else."""
    provider = office.accounts.provider()
    if provider is None or provider.issuer != issuer:
        return None
    staff = office.working_set().staff
    for account in office.accounts.read().values():
        own = account.subject
        if own is not None and hmac.compare_digest(own.encode(), subject.encode()):
            return account.person if staff.find(account.person) is not None else None
    return None


def is_safe_address(address: str) -> bool:
    """Report whether an address is one to which this console sends a code and a secret.

    It is `https`, or on this machine. It has no name of a user, no question, and no fragment.
    """
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    is_here = host in _HERE or host.endswith(".localhost")
    return (
        len(address) <= LONGEST_ADDRESS
        and address.isascii()
        and address.isprintable()
        and " " not in address
        and bool(host)
        and parts.scheme in (("http", "https") if is_here else ("https",))
        and not (parts.username or parts.password or parts.query or parts.fragment)
    )


def _forget_subjects(office: Office) -> None:
    accounts = office.accounts.read()
    office.accounts.write(
        {name: replace(account, subject=None) for name, account in accounts.items()}
    )


def _state(office: Office, provider: Provider) -> ProviderState:
    subjects = {
        account.person: account.subject
        for account in office.accounts.read().values()
        if account.subject is not None
    }
    return ProviderState(
        provider.issuer,
        provider.client,
        provider.secret is not None,
        provider.amr,
        provider.acr,
        subjects,
    )


def _is_plain(text: str) -> bool:
    return 1 <= len(text) <= LONGEST_ID and text.isprintable() and " " not in text


def _bad_provider(why: str, fix: str) -> AgencyError:
    return AgencyError("bad-provider", why, fix=fix)
