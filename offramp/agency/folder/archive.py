"""An agency's whole folder as one encrypted file: settings, keys, journal, packs, and notice.

The file begins with a line of JSON in the clear: the agency, the purpose, the time, and how the
passphrase is stretched (scrypt, RFC 7914). The rest is a tar file in chunks, each under AES-256-GCM
with a nonce that counts the chunks and marks the last one. So a file that was cut, reordered, or
changed doesn't open. See docs/decisions/0041-one-encrypted-backup.md.
"""

from __future__ import annotations

import io
import os
import re
import secrets
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Annotated, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from pydantic import Field

from exchange.errors import ExchangeError
from exchange.models import AgencyId, WireModel, validate
from exchange.standards import base64, i_json
from offramp.agency.errors import AgencyError
from offramp.agency.folder.keys import KEY_BYTES, SALT_BYTES, Stretch, write_private

CHUNK, TAG_BYTES, PREFIX_BYTES = 64 * 1024, 16, 7
LONGEST_HEADER = 1024
# The files that an archive may contain, as paths in the agency's folder.
MEMBER = re.compile(
    r"agency\.(toml|db)|keys/[a-z][a-z0-9.-]{1,63}\.json|packs/[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
    r"|[A-Za-z0-9][A-Za-z0-9 ._-]{0,127}"
)

Purpose = Literal["backup", "move"]


class Header(WireModel):
    """The first line of an archive, in the clear. `time` is in seconds since 1970."""

    format: Literal["offramp/1/agency"] = "offramp/1/agency"
    agency: AgencyId
    purpose: Purpose
    time: int
    n: Literal[32768] = 32768
    r: Literal[8] = 8
    p: Literal[1] = 1
    salt: Annotated[str, Field(max_length=32)]
    prefix: Annotated[str, Field(max_length=16)]

    def key(self, stretch: Stretch) -> AESGCM:
        """Return the cipher of this archive."""
        stretched = stretch(base64.decode_url(self.salt))
        return AESGCM(HKDFExpand(SHA256(), KEY_BYTES, b"offramp/1/agency").derive(stretched))


def write_archive(
    path: Path, header: Mapping[str, object], files: Mapping[str, bytes], stretch: Stretch
) -> None:
    """Write files to an archive: whole and on the disk, or not at all.

    An archive at the path is replaced. `header` has `agency`, `purpose`, and `time`. Raises
    `AgencyError` `no-room`.
    """
    salt, prefix = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(PREFIX_BYTES)
    members = {**header, "salt": base64.encode_url(salt), "prefix": base64.encode_url(prefix)}
    complete = Header.model_validate(members)
    line = i_json.write(complete.model_dump()) + b"\n"
    packed = _pack(files)
    cipher = complete.key(stretch)
    chunks = [packed[start : start + CHUNK] for start in range(0, len(packed), CHUNK)]
    sealed = (
        cipher.encrypt(_nonce(prefix, number, number == len(chunks) - 1), chunk, line)
        for number, chunk in enumerate(chunks)
    )
    write_private(path, b"".join((line, *sealed)))


def read_header(path: Path) -> Header:
    """Read an archive's first line. Raises `AgencyError` `not-a-backup`."""
    try:
        with path.open("rb") as file:
            return _header(file)[0]
    except OSError as error:
        raise _no_backup(path, str(error.strerror)) from None


def read_archive(path: Path, stretch: Stretch) -> dict[str, bytes]:
    """Return the files in an archive, by their paths in the folder.

    Raises `AgencyError` `not-a-backup`, `wrong-passphrase`, `damaged`.
    """
    try:
        with path.open("rb") as file:
            header, line = _header(file)
            packed = b"".join(_open_chunks(file, header, line, stretch, path))
    except OSError as error:
        raise _no_backup(path, str(error.strerror)) from None
    files = {}
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:") as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content is None or MEMBER.fullmatch(member.name) is None:
                raise _no_backup(path, "it contains a file that no agency has")
            files[member.name] = content.read()
    return files


def unpack(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files into a new folder, for its owner alone. Raises `AgencyError` `no-room`."""
    try:
        for private in (folder, folder / "keys", folder / "packs"):
            private.mkdir(mode=0o700)
    except OSError as error:
        raise AgencyError(
            "no-room",
            f"`{folder}` can't be made: {error.strerror}",
            fix="make room, then try again",
        ) from None
    for name, content in files.items():
        write_private(folder / name, content)


def _pack(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in files.items():
            assert MEMBER.fullmatch(name), name
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o600
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _header(file: IO[bytes]) -> tuple[Header, bytes]:
    line = file.readline(LONGEST_HEADER)
    try:
        return validate(Header, i_json.read_object(line.rstrip(b"\n")), "the first line"), line
    except ExchangeError as error:
        raise _no_backup(Path(str(file.name)), error.message) from None


def _open_chunks(
    file: IO[bytes], header: Header, line: bytes, stretch: Stretch, path: Path
) -> Iterator[bytes]:
    cipher, prefix = header.key(stretch), base64.decode_url(header.prefix)
    left = os.fstat(file.fileno()).st_size - len(line)
    number = 0
    while left > 0 or number == 0:
        sealed = file.read(CHUNK + TAG_BYTES)
        left -= len(sealed)
        try:
            yield cipher.decrypt(_nonce(prefix, number, left <= 0), sealed, line)
        except (InvalidTag, ValueError):
            if number == 0:
                raise AgencyError(
                    "wrong-passphrase",
                    f"`{path}` doesn't open with this passphrase, or it is damaged",
                    fix="give the passphrase of the agency's keys, or take another backup",
                ) from None
            raise AgencyError(
                "damaged", f"`{path}` isn't what was written", fix="take another backup"
            ) from None
        number += 1


def _nonce(prefix: bytes, number: int, is_last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([is_last])


def _no_backup(path: Path, why: str) -> AgencyError:
    return AgencyError(
        "not-a-backup",
        f"`{path}` is no backup of an agency: {why}",
        fix="name a file that `offramp agency backup` or `offramp agency move` wrote",
    )
