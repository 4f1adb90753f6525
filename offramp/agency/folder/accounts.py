"""The console accounts of an agency's people, sealed in the journal's database.

One sealed value of the journal has all accounts. So the database alone shows neither who has an
account nor a secret of one. No account has a password: only its Argon2id hash. See
docs/decisions/0126-accounts-of-the-console.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from offramp.agency.folder.sealed_values import SealedValues
from rules.frozen import frozen

_NAME = "accounts"
_LOCAL_ID_BYTES = 10


@frozen
class Passkey:
    """A passkey of a person: its id and public key in Base64url, its counter, and its name.

    `since` is in seconds since 1970.
    """

    id: str
    key: str
    counter: int
    label: str
    since: int

    def as_json(self) -> dict[str, Any]:
        """Return the form that is sealed."""
        return {
            "id": self.id,
            "key": self.key,
            "counter": self.counter,
            "label": self.label,
            "since": self.since,
        }


@frozen
class Provider:
    """The agency's own sign-in: an OpenID provider, and this console as its client.

    `issuer` is its address, exactly as it states it. `secret` is None for a client without one. A
    sign-in counts if its methods (`amr`) have one of `amr`, or its class (`acr`) is one of `acr`.
    """

    issuer: str
    client: str
    secret: str | None
    amr: tuple[str, ...]
    acr: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the form that is sealed."""
        return {
            "issuer": self.issuer,
            "client": self.client,
            "secret": self.secret,
            "amr": list(self.amr),
            "acr": list(self.acr),
        }


@frozen
class Account:
    """How a listed person signs in at the console.

    `password` is an Argon2id hash, `secret` that of the one-time codes (RFC 6238) in Base32, and
    `step` the last used code's. `invitation` is the hash of a code that is valid until
    `invited_until`, and `invited_by` who issued it. `subject` is the person's id at the agency's
    own sign-in. Without a password, a passkey, or a subject, nobody can sign in.
    """

    person: str
    password: str | None = None
    secret: str | None = None
    step: int = 0
    invitation: str | None = None
    invited_until: int = 0
    invited_by: str | None = None
    passkeys: tuple[Passkey, ...] = ()
    subject: str | None = None

    @property
    def is_ready(self) -> bool:
        """True if the person can sign in with a password."""
        return self.password is not None and self.secret is not None

    def signs_in(self, *, has_provider: bool) -> bool:
        """Report whether the person can sign in in any way.

        `has_provider` tells whether the agency has its own sign-in.
        """
        return self.is_ready or bool(self.passkeys) or (has_provider and self.subject is not None)

    def as_json(self) -> dict[str, Any]:
        """Return the form that is sealed."""
        return {
            "person": self.person,
            "password": self.password,
            "secret": self.secret,
            "step": self.step,
            "invitation": self.invitation,
            "invited_until": self.invited_until,
            "invited_by": self.invited_by,
            "passkeys": [passkey.as_json() for passkey in self.passkeys],
            "subject": self.subject,
        }


class Accounts:
    """The accounts in an agency's journal, sealed."""

    def __init__(self, values: SealedValues) -> None:
        self._values = values
        self._local_ids: dict[str, str] = {}

    def read(self) -> dict[str, Account]:
        """Return every account by the person's name. Raises `AgencyError` `damaged`."""
        return {account["person"]: _account(account) for account in self._open()["accounts"]}

    def ready(self) -> frozenset[str]:
        """Return the names of all who can sign in. Raises `AgencyError` `damaged`."""
        has_provider = self.provider() is not None
        return frozenset(
            name
            for name, account in self.read().items()
            if account.signs_in(has_provider=has_provider)
        )

    def write(self, accounts: Mapping[str, Account]) -> None:
        """Replace all accounts, within a transaction of the journal."""
        self._seal(
            {**self._open(), "accounts": [account.as_json() for account in accounts.values()]}
        )

    def provider(self) -> Provider | None:
        """Return the agency's own sign-in. None without one. Raises `AgencyError` `damaged`."""
        stored = self._open().get("provider")
        if stored is None:
            return None
        amr, acr = tuple(stored["amr"]), tuple(stored["acr"])
        return Provider(stored["issuer"], stored["client"], stored["secret"], amr, acr)

    def put_provider(self, provider: Provider | None) -> None:
        """Replace the agency's own sign-in, within a transaction of the journal."""
        stored = provider.as_json() if provider is not None else None
        self._seal({**self._open(), "provider": stored})

    def _open(self) -> Mapping[str, Any]:
        """Return what is sealed. Raises `AgencyError` `damaged`."""
        return self._values.read(_NAME) or {"accounts": []}

    def _seal(self, contents: Mapping[str, Any]) -> None:
        self._values.write(_NAME, contents)

    def put(self, account: Account) -> None:
        """Replace the account of a person, within a transaction of the journal."""
        self.write({**self.read(), account.person: account})

    def drop(self, person: str) -> None:
        """Forget the account of a person who has ended, within a transaction of the journal."""
        accounts = self.read()
        if accounts.pop(person, None) is not None:
            self.write(accounts)

    def use(self, person: str, step: int) -> bool:
        """Note that a one-time code was used. False if it, or a later one, was used before."""
        with self._values.journal.together():
            account = self.read().get(person)
            if account is None or step <= account.step:
                return False
            self.put(replace(account, step=step))
            return True

    def local_id(self, case: str) -> str:
        """Return the id of a case in addresses of the console: no other agency knows it."""
        local = self._local_ids.get(case)
        if local is None:
            link = self._values.mac(b"case\0" + case.encode())
            local = self._local_ids[case] = link[:_LOCAL_ID_BYTES].hex()
        return local


def _account(stored: Mapping[str, Any]) -> Account:
    return Account(
        stored["person"],
        stored["password"],
        stored["secret"],
        stored["step"],
        stored["invitation"],
        stored["invited_until"],
        stored["invited_by"],
        tuple(Passkey(**passkey) for passkey in stored["passkeys"]),
        stored.get("subject"),
    )
