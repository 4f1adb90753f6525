"""A snapshot of the working set, so that the next command needn't replay the whole journal.

It is sealed for this agency's own signing key. It is no second truth: it counts only where this
very code made it from a journal whose event of that number is still the same. Anything else is
replayed, and no fault of the file is an error. It is overwritten before anything is destroyed.
See docs/decisions/0039-sealed-snapshot.md.
"""

from __future__ import annotations

import io
import os
import pickle
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from exchange.standards.keys import PrivateKey, PublicKey, read_public_key
from offramp.agency.errors import AgencyError
from offramp.agency.folder.case_memory import CaseMemory
from offramp.agency.folder.code_version import code_version
from offramp.agency.folder.keys import overwritten
from offramp.agency.folder.working_set import WorkingSet

# The records replayed before a snapshot is worth writing.
EVERY = 20
NONCE_BYTES = 12
KEY_BYTES = 32
# The attributes given anew each time: keys and functions.
_GIVEN = {"signing", "sealing", "_witness", "_judge", "_random", "_salts"}


class Snapshot:
    """One agency's snapshot file.

    `salt` is in the journal, and is renewed at each destruction, so that no older copy opens.
    """

    def __init__(self, path: Path, signing: PrivateKey, salt: bytes) -> None:
        self.path = path
        self._draft = path.with_name(f".{path.name}.new")
        secret = signing.scalar.private_numbers().private_value.to_bytes(KEY_BYTES, "big")
        self._aead = AESGCM(HKDF(SHA256(), KEY_BYTES, salt, b"offramp/1/snapshot").derive(secret))

    def read_into(self, working_set: WorkingSet, digest_of: Callable[[int], bytes | None]) -> int:
        """Restore a fresh working set. Returns the number of events in it, 0 where nothing fits.

        `digest_of` gives the digest of the journal's event of a number, or None.
        """
        with suppress(
            OSError,
            InvalidTag,
            ValueError,
            pickle.UnpicklingError,
            EOFError,
            AttributeError,
            ImportError,
            KeyError,
        ):
            if not self.path.is_file():  # a pipe would be waited for
                return 0
            data = self.path.read_bytes()
            # INVARIANT: unpickled only after it opened with a key derived from this agency's own.
            at, digest, kept, gateway = pickle.loads(
                self._aead.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], _made_by())
            )
            if digest_of(at) == digest:
                vars(working_set.gateway).update(gateway)
                vars(working_set).update(kept)
                working_set.memory = CaseMemory(working_set.cases)
                return int(at)
        return 0

    def write(self, working_set: WorkingSet, at: int, digest: bytes) -> None:
        """Write the working set that replay made of the journal up to `at`. Ignores a full disk."""
        kept = {
            name: value
            for name, value in vars(working_set).items()
            if name not in ("gateway", "memory", "inbox_rows")
        }
        gateway = {
            name: value for name, value in vars(working_set.gateway).items() if name not in _GIVEN
        }
        into = io.BytesIO()
        _Pickler(into, protocol=5).dump((at, digest, kept, gateway))
        nonce = secrets.token_bytes(NONCE_BYTES)
        try:
            # Not synced: a torn file doesn't open. Only the holder of the journal's lock writes it.
            handle = os.open(
                self._draft,
                os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC,
                0o600,
            )
            with os.fdopen(handle, "wb") as file:
                file.write(nonce)
                file.write(self._aead.encrypt(nonce, into.getbuffer(), _made_by()))
            self._draft.replace(self.path)
        except OSError:
            with suppress(OSError):  # a torn file takes room that the journal needs
                self._draft.unlink()

    def forget(self) -> None:
        """Overwrite and delete the file, so that no destroyed text stays in it.

        Raises `AgencyError` `no-room`.
        """
        for path in (self._draft, self.path):
            try:
                overwritten(path)
            except OSError as error:
                message = f"`{path}` can't be overwritten: {error.strerror}"
                raise AgencyError("no-room", message, fix="delete it, then try again") from None


class _Pickler(pickle.Pickler):
    """A pickler that writes public keys as JWKs, and refuses private keys."""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, PublicKey):
            return read_public_key, (obj.as_jwk(), obj.use)
        if isinstance(obj, (PrivateKey, Ed25519PrivateKey)):
            raise pickle.PicklingError("a private key is never kept here")
        return NotImplemented  # Python asks the other side then


def _made_by() -> bytes:
    """Return a digest of the code whose objects these are: another version replays."""
    return b"offramp/1/snapshot\0" + code_version()
