"""An agency's private keys: one file each, encrypted under a passphrase, private to their owner.

Each file states its encryption: scrypt (RFC 7914) derives the key, AES-256-GCM encrypts, and the
key's id and use are authenticated, so that one file can't replace another. A destroyed key is
overwritten first. Copies that a disk keeps beneath are for the disk to encrypt.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import Field

from exchange.errors import ExchangeError
from exchange.models import WireModel, validate
from exchange.standards import base64, i_json
from exchange.standards.keys import PrivateKey, from_scalar, read_private_key
from offramp.agency.errors import AgencyError

# RFC 7914's cost for interactive use in 2017, doubled: a tenth of a second and 32 MiB a guess.
COST, BLOCK, LANES = 2**15, 8, 1
SALT_BYTES, NONCE_BYTES, KEY_BYTES = 16, 12, 32
SHORTEST_PASSPHRASE = 12
# Bytes of a file that may be a passphrase, and how many such files `doctor` tries.
LONGEST_PASSPHRASE, MOST_TRIES = 1024, 8

# Makes the key of a salt from a passphrase.
Stretch = Callable[[bytes], bytes]

Use = Literal["sig", "enc", "witness", "looks", "accounts"]


class _KeyFile(WireModel):
    kid: Annotated[str, Field(max_length=64)]
    use: Use
    n: Literal[32768]
    r: Literal[8]
    p: Literal[1]
    salt: str
    nonce: str
    ct: str


def read_passphrase(path: Path, *, is_private: bool = False) -> bytes:
    """Read the passphrase in a file, without the line's end.

    `is_private` states that something else keeps others from the file. Raises `AgencyError`
    `no-passphrase`, `open-to-others`.
    """
    try:
        if not is_private:
            check_private(path)
        text = path.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise _no_passphrase(f"`{path}` can't be read: {error.strerror}") from None
    return check_passphrase(text, f"`{path}`")


def check_passphrase(text: bytes, source: str) -> bytes:
    """Return a passphrase of allowed length. Raises `AgencyError` `no-passphrase`."""
    if len(text) < SHORTEST_PASSPHRASE:
        raise _no_passphrase(
            f"the one from {source} is shorter than {SHORTEST_PASSPHRASE} characters"
        )
    return text


def stretching(passphrase: bytes) -> Stretch:
    """Return the function that makes a key of a salt, by scrypt. Each key is made once.

    Who has it opens every key file of the passphrase. The keys of a folder share one salt.
    """
    return cache(
        lambda salt: Scrypt(salt=salt, length=KEY_BYTES, n=COST, r=BLOCK, p=LANES).derive(
            passphrase
        )
    )


def check_private(path: Path) -> None:
    """Check that only its owner may use a file or folder.

    Raises `AgencyError` `open-to-others`, `OSError`.
    """
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise AgencyError(
            "open-to-others",
            f"others than its owner may use `{path}`",
            fix="take their permissions away",
        )


class Keys:
    """The keys in one folder, under one passphrase or what `stretching` made of it."""

    def __init__(
        self,
        folder: Path,
        passphrase: bytes | Stretch,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.folder = folder
        self._random = random_bytes
        self._stretched = stretching(passphrase) if isinstance(passphrase, bytes) else passphrase

    def random(self, size: int) -> bytes:
        """Return random bytes from the keys' own source."""
        return self._random(size)

    def stretch(self, salt: bytes) -> bytes:
        """Return the key that the passphrase makes with a salt, to encrypt a backup under."""
        return self._stretched(salt)

    def ids(self) -> list[str]:
        """Return the ids of the keys in the folder, none without a folder."""
        # Every transaction asks for them, and a glob takes five times as long.
        try:
            with os.scandir(self.folder) as entries:
                names = [entry.name for entry in entries]
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(name.removesuffix(".json") for name in names if name.endswith(".json"))

    def signing(self, kid: str) -> PrivateKey:
        """Return the key that signs records and requests. Raises `AgencyError` as `_read`."""
        return read_private_key(i_json.read_object(self._read(kid, "sig")), "sig")

    def sealing(self, kid: str) -> PrivateKey:
        """Return a month's key, which opens seals. Raises `AgencyError` as `_read`."""
        return read_private_key(i_json.read_object(self._read(kid, "enc")), "enc")

    def witness(self, kid: str) -> Ed25519PrivateKey:
        """Return the key that cosigns the log. Raises `AgencyError` as `_read`."""
        return Ed25519PrivateKey.from_private_bytes(self._read(kid, "witness"))

    def check_all(self) -> None:
        """Check that each key in the folder opens, for the use that its file names.

        Raises `AgencyError` `open-to-others`, `wrong-passphrase`.
        """
        for kid in self.ids():
            self._read(kid, self._file(kid).use)

    def passphrases_beside(self) -> tuple[Path, ...]:
        """Return the small files beside the keys whose content opens a key.

        INVARIANT: each try costs as much as any guess, so at most `MOST_TRIES` files are tried.
        """
        ids = self.ids()
        if not ids:
            return ()
        files = [
            path
            for folder in (self.folder, self.folder.parent)
            for path in sorted(folder.iterdir())
            if path.suffix != ".json" and not path.is_symlink() and path.is_file()
        ]
        small = [path for path in files if path.stat().st_size <= LONGEST_PASSPHRASE]
        return tuple(path for path in small[:MOST_TRIES] if self._opens(ids[0], path))

    def _opens(self, kid: str, path: Path) -> bool:
        """Report whether the content of a file is the passphrase of a key."""
        file = self._file(kid)
        salt, nonce, ct = (base64.decode_url(text) for text in (file.salt, file.nonce, file.ct))
        try:
            key = stretching(read_passphrase(path, is_private=True))(salt)
            AESGCM(key).decrypt(nonce, ct, _bound(kid, file.use))
        except (AgencyError, InvalidTag):
            return False
        return True

    def make_signing(self, kid: str) -> PrivateKey:
        """Make a key to sign with, on the disk before it is returned."""
        key = from_scalar(ec.generate_private_key(ec.SECP256R1()), kid, "sig")
        self._write(kid, "sig", i_json.write(dict(key.as_jwk())))
        return key

    def make_sealing(self, kid: str) -> PrivateKey:
        """Make a month's key, on the disk before it is announced."""
        key = from_scalar(ec.generate_private_key(ec.SECP256R1()), kid, "enc")
        self._write(kid, "enc", i_json.write(dict(key.as_jwk())))
        return key

    def make_witness(self, kid: str) -> Ed25519PrivateKey:
        """Make a key to cosign the log with."""
        key = Ed25519PrivateKey.generate()
        self._write(kid, "witness", key.private_bytes_raw())
        return key

    def looks(self, kid: str) -> bytes:
        """Return the key that chains the journal of looks. Raises `AgencyError` as `_read`."""
        return self._read(kid, "looks")

    def make_looks(self, kid: str) -> bytes:
        """Make a key to chain the journal of looks with."""
        secret = self._random(KEY_BYTES)
        self._write(kid, "looks", secret)
        return secret

    def accounts(self, kid: str) -> bytes:
        """Return the key that seals the console's accounts. Raises `AgencyError` as `_read`."""
        return self._read(kid, "accounts")

    def make_accounts(self, kid: str) -> bytes:
        """Make a key to seal the console's accounts with."""
        secret = self._random(KEY_BYTES)
        self._write(kid, "accounts", secret)
        return secret

    def destroy(self, kid: str) -> None:
        """Overwrite and delete a key. Does nothing where it is missing."""
        overwritten(self._path(kid))

    def _path(self, kid: str) -> Path:
        return self.folder / f"{kid}.json"

    def _salt(self) -> bytes:
        for kid in self.ids():
            return base64.decode_url(self._file(kid).salt)
        return self._random(SALT_BYTES)

    def _file(self, kid: str) -> _KeyFile:
        path = self._path(kid)
        try:
            check_private(self.folder)
            check_private(path)
            return validate(
                _KeyFile, i_json.read_object(path.read_bytes()), f"the key file of `{kid}`"
            )
        except FileNotFoundError:
            raise AgencyError(
                "no-key-file", f"`{path}` isn't there", fix="restore it from the backup"
            ) from None

    def _read(self, kid: str, use: Use) -> bytes:
        """Return a key file's content.

        Raises `AgencyError` `no-key-file`, `open-to-others`, `wrong-passphrase`.
        """
        file = self._file(kid)
        try:
            salt, nonce, ct = (base64.decode_url(text) for text in (file.salt, file.nonce, file.ct))
            return AESGCM(self._stretched(salt)).decrypt(nonce, ct, _bound(kid, use))
        except (InvalidTag, ExchangeError, ValueError):
            raise AgencyError(
                "wrong-passphrase",
                f"the key `{kid}` doesn't open with this passphrase",
                fix="give the one it was made with",
            ) from None

    def _write(self, kid: str, use: Use, secret: bytes) -> None:
        salt, nonce = self._salt(), self._random(NONCE_BYTES)
        ct = AESGCM(self._stretched(salt)).encrypt(nonce, secret, _bound(kid, use))
        texts = {
            name: base64.encode_url(data)
            for name, data in (("salt", salt), ("nonce", nonce), ("ct", ct))
        }
        value = {"kid": kid, "use": use, "n": COST, "r": BLOCK, "p": LANES, **texts}
        # INVARIANT: no key is ever overwritten. A lost key can't be made again.
        if self._path(kid).exists():
            raise AgencyError(
                "already-there",
                f"`{self._path(kid)}` is there already, and a key is never overwritten",
                fix="keep it, and restore a backup with `offramp agency restore FOLDER FILE` if "
                "need be",
            )
        write_private(self._path(kid), i_json.write(value))


def overwritten(path: Path) -> None:
    """The file is overwritten and gone. Nothing happens where it is gone already."""
    try:
        with path.open("r+b") as file:
            file.write(bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
    except FileNotFoundError:
        return
    _sync(path.parent)


def write_private(path: Path, data: bytes) -> None:
    """Write a file for its owner alone: whole and on the disk, or not at all.

    Raises `AgencyError` `no-room`.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(path)
        _sync(path.parent)
    except OSError as error:
        raise AgencyError(
            "no-room",
            f"`{path}` can't be written: {error.strerror}",
            fix="make room, then try again",
        ) from None


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _bound(kid: str, use: Use) -> bytes:
    return f"offramp/1/key\0{kid}\0{use}".encode()


def _no_passphrase(why: str) -> AgencyError:
    return AgencyError(
        "no-passphrase",
        f"the keys need a passphrase, and {why}",
        fix="give one with `--passphrase-file`",
    )
