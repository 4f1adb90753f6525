"""The console accounts of an agency's people, sealed in the journal's database.

One value of the journal has all accounts, under AES-256-GCM and a key of its own
(`keys/AGENCY.accounts.json`, under the passphrase). So a backup and a move take them along, and the
database alone shows neither who has an account nor a secret of one. No account has a password:
only its Argon2id hash. See docs/decisions/0126-accounts-of-the-console.md.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from exchange.standards import base64, i_json
from offramp.agency.errors import AgencyError
from offramp.agency.folder.journal import Journal
from offramp.agency.folder.keys import NONCE_BYTES, Keys
from rules.frozen import frozen

_NAME = "accounts"
_BOUND = b"offramp/1/accounts"
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
class Account:
    """How a listed person signs in at the console.

    `password` is an Argon2id hash, `secret` that of the one-time codes (RFC 6238) in Base32, and
    `step` the last used code's. `invitation` is the hash of a code that is valid until
    `invited_until`, and `invited_by` who issued it. Without a password, nobody can sign in.
    """

    person: str
    password: str | None = None
    secret: str | None = None
    step: int = 0
    invitation: str | None = None
    invited_until: int = 0
    invited_by: str | None = None
    passkeys: tuple[Passkey, ...] = ()

    @property
    def is_ready(self) -> bool:
        """True if the person can sign in."""
        return self.password is not None and self.secret is not None

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
        }


class Accounts:
    """The accounts in an agency's journal. `keys` has the key that seals them."""

    def __init__(self, journal: Journal, keys: Keys, agency: str) -> None:
        self._journal = journal
        self._keys = keys
        self._kid = f"{agency}.accounts"
        self._secret: bytes | None = None
        self._local_ids: dict[str, str] = {}

    def read(self) -> dict[str, Account]:
        """Return every account by the person's name. Raises `AgencyError` `damaged`."""
        stored = self._journal.get(_NAME)
        if stored is None:
            return {}
        nonce, sealed = base64.decode_url(stored["nonce"]), base64.decode_url(stored["sealed"])
        try:
            text = AESGCM(self._key()).decrypt(nonce, sealed, _BOUND)
        except InvalidTag:
            raise AgencyError(
                "damaged",
                "the console's accounts don't open",
                fix="restore a backup into a new folder with `offramp agency restore`",
            ) from None
        accounts = i_json.read_object(text)["accounts"]
        return {account["person"]: _account(account) for account in accounts}

    def write(self, accounts: Mapping[str, Account]) -> None:
        """Replace all accounts, within a transaction of the journal."""
        text = i_json.write({"accounts": [account.as_json() for account in accounts.values()]})
        nonce = self._keys.random(NONCE_BYTES)
        sealed = AESGCM(self._key()).encrypt(nonce, text, _BOUND)
        texts = {"nonce": base64.encode_url(nonce), "sealed": base64.encode_url(sealed)}
        self._journal.put(_NAME, dict(texts))

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
        with self._journal.together():
            account = self.read().get(person)
            if account is None or step <= account.step:
                return False
            self.put(replace(account, step=step))
            return True

    def local_id(self, case: str) -> str:
        """Return the id of a case in addresses of the console: no other agency knows it."""
        local = self._local_ids.get(case)
        if local is None:
            link = hmac.digest(self._key(), b"case\0" + case.encode(), "sha256")
            local = self._local_ids[case] = link[:_LOCAL_ID_BYTES].hex()
        return local

    def _key(self) -> bytes:
        """Return the key that seals. It is made at the first use."""
        if self._secret is None:
            is_there = self._kid in self._keys.ids()
            if not is_there and self._journal.get(_NAME) is not None:
                raise AgencyError(
                    "no-key-file",
                    f"the key `{self._kid}` of the console's accounts isn't there",
                    fix="restore it from the backup",
                )
            make_or_read = self._keys.accounts if is_there else self._keys.make_accounts
            self._secret = make_or_read(self._kid)
        return self._secret


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
    )
