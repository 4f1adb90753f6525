"""Values of the journal that only the agency itself reads, sealed under a key of its own.

The key is in `keys/AGENCY.accounts.json`, under the passphrase, and the cipher is AES-256-GCM. So a
backup and a move take them along, and the database alone shows nothing of them.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from exchange.standards import base64, i_json
from offramp.agency.errors import AgencyError
from offramp.agency.folder.journal import Journal
from offramp.agency.folder.keys import NONCE_BYTES, Keys

_BOUND = "offramp/1/"


class SealedValues:
    """The sealed values in an agency's journal. `keys` has the key that seals them."""

    def __init__(self, journal: Journal, keys: Keys, agency: str) -> None:
        self.journal = journal
        self._keys = keys
        self._kid = f"{agency}.accounts"
        self._secret: bytes | None = None

    def read(self, name: str) -> Mapping[str, Any] | None:
        """Return a value. Raises `AgencyError` `damaged`."""
        stored = self.journal.get(name)
        if stored is None:
            return None
        nonce, sealed = base64.decode_url(stored["nonce"]), base64.decode_url(stored["sealed"])
        try:
            text = AESGCM(self._key()).decrypt(nonce, sealed, f"{_BOUND}{name}".encode())
        except InvalidTag:
            raise AgencyError(
                "damaged",
                "the console's accounts don't open",
                fix="restore a backup into a new folder with `offramp agency restore FOLDER FILE`",
            ) from None
        return i_json.read_object(text)

    def write(self, name: str, value: Mapping[str, Any]) -> None:
        """Replace a value, within a transaction of the journal."""
        nonce = self._keys.random(NONCE_BYTES)
        bound = f"{_BOUND}{name}".encode()
        sealed = AESGCM(self._key()).encrypt(nonce, i_json.write(value), bound)
        texts = {"nonce": base64.encode_url(nonce), "sealed": base64.encode_url(sealed)}
        self.journal.put(name, dict(texts))

    def mac(self, text: bytes) -> bytes:
        """Return a code of a text that nobody else can make."""
        return hmac.digest(self._key(), text, "sha256")

    def _key(self) -> bytes:
        """Return the key that seals. It is made at the first use."""
        if self._secret is None:
            is_there = self._kid in self._keys.ids()
            if not is_there and self.journal.get("accounts") is not None:
                raise AgencyError(
                    "no-key-file",
                    f"the key `{self._kid}` of the console's accounts isn't there",
                    fix="restore it from the backup",
                )
            make_or_read = self._keys.accounts if is_there else self._keys.make_accounts
            self._secret = make_or_read(self._kid)
        return self._secret
