"""Open and create a hub's folder: `hub.toml`, `hub.db`, and `keys/`, private to the operator."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Annotated, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field

from exchange.consent.disclosure import Judge, Judges, judges_of
from exchange.errors import ExchangeError
from exchange.hub.hub import Hub
from exchange.hub.store import Store
from exchange.membership.directory import read_directory
from exchange.membership.signatures import read_signed_directory
from exchange.models import WireModel, validate
from exchange.standards.notes import COSIGNATURE, derive_note_key
from offramp.adoption import PackFiles, collect_pack, read_pack_files
from offramp.hub.membership import PACK, Founding
from rules.errors import FactsError, Refusal, RequestError
from rules.input.toml_text import read_toml
from rules.packs.digest import digest
from rules.packs.pack import Pack
from rules.shelf import read_pack

# The store's name for the digest of the pack with which the hub was founded.
_FOUNDING = "founding"


class Settings(WireModel):
    """The settings in `hub.toml`. Without a certificate the hub is served on loopback only."""

    name: Annotated[str, Field(pattern=r"^[^\s+\x00-\x20\x7f]{1,200}$")]
    program: Annotated[str, Field(min_length=1, max_length=100)]
    zone: str
    pack: str
    port: Annotated[int, Field(ge=1, le=65535)] = 8440
    # The port of health and counts, on loopback only. Default: the port after `port`.
    health_port: Annotated[int, Field(ge=0, le=65535)] | None = None
    host: str = "127.0.0.1"
    # The most connections from one address. A proxy has one address for all agencies.
    connections: Annotated[int, Field(ge=16, le=1900)] = 256
    certificate: str | None = None
    key: str | None = None
    demo: bool = False


class Folder:
    """An opened hub folder. Raises `RequestError` `not-a-hub`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            settings = read_toml(path / "hub.toml", "`hub.toml`")
            self.settings = validate(Settings, settings, "`hub.toml`")
            self.secret = (path / "keys" / "invite").read_bytes()
            self._log = (path / "keys" / "log").read_bytes()
        except OSError as error:
            raise RequestError(
                "not-a-hub",
                f"`{path}` is no hub's folder: {error}",
                fix="run `offramp hub init DIR`",
            ) from None
        except (ExchangeError, FactsError) as error:
            raise RequestError(
                "not-a-hub", f"`{path}` is no hub's folder: {error.message}", fix=error.fix
            ) from None

    @property
    def database(self) -> Path:
        """The path of the SQLite database."""
        return self.path / "hub.db"

    @property
    def key(self) -> Ed25519PrivateKey:
        """The key that signs the log."""
        return Ed25519PrivateKey.from_private_bytes(self._log)

    def founding(self, store: Store) -> Founding:
        """Return the first version of the directory, without its agencies.

        Raises as `founding_pack`.
        """
        settings = self.settings
        pack = self.founding_pack(store)
        log = derive_note_key(self.key, settings.name, COSIGNATURE).vkey
        return Founding(
            settings.program, settings.zone, {"id": pack.id, "digest": digest(pack)}, log
        )

    def open(self) -> Hub:
        """Open the hub over its database. Raises `StoreError`; as `founding_pack`."""
        store = Store(self.database)
        try:
            self.founding_pack(store)
        except BaseException:
            store.close()
            raise
        return Hub(self.key, self.settings.name, self.judges(store), secrets.token_bytes, store)

    def founding_pack(self, store: Store) -> Pack:
        """Return the pack with which the hub was founded, and keep its text.

        Once there is a directory, it is the copy that the hub keeps: the operator may edit or move
        the folder. Before, it is the pack that `hub.toml` names, or the copy where that can't be
        read. Raises `PackError`, `RequestError` `unknown-pack`, `pack-changed`.
        """
        founding_digest = self._founding_digest(store)
        copy = _kept_pack(store, founding_digest) if founding_digest is not None else None
        if copy is not None and store.versions():
            return copy
        try:
            files = collect_pack(self.settings.pack)
            # The whole pack is proved here, once: a copy is not proved again.
            pack = read_pack(self.settings.pack)
        except Refusal:
            if copy is None:
                raise
            return copy
        if store.versions() and digest(pack) != founding_digest:
            raise RequestError(
                "pack-changed",
                f"`{self.settings.pack}` is no longer the pack of the directory's first version, "
                "and the hub has no copy of that",
                fix="put the earlier files back and start once, then change them",
            )
        self._keep_founding(store, files, digest(pack))
        return pack

    def _keep_founding(self, store: Store, files: PackFiles, pack_digest: str) -> None:
        # A later release may ship another pack under this id. Keep the text that judged cases.
        if _kept_pack(store, pack_digest) is None:
            store.set_value(f"{PACK} {pack_digest}", files.write())
        if store.value(_FOUNDING) != pack_digest.encode():
            store.set_value(_FOUNDING, pack_digest.encode())

    def _founding_digest(self, store: Store) -> str | None:
        """Return the digest of the founding pack, None for a hub that was never opened."""
        for _, signed in store.versions()[:1]:
            return read_directory(read_signed_directory(signed).payload).pack
        kept = store.value(_FOUNDING)
        return kept.decode() if kept is not None else None

    def draft_note(self, hub: Hub) -> str | None:
        """Return what to tell the operator where `hub.toml` names another pack than is in force.

        None if it is the same.
        """
        name = self.settings.pack
        history = hub.history
        in_force = history.newest.pack if history.size else self._founding_digest(hub.store)
        try:
            read = digest(collect_pack(name).pack())
        except Refusal as refusal:
            return (
                f"the pack `{name}` of hub.toml can't be read ({refusal.message}), so the hub "
                "uses its own copy"
            )
        if read == in_force:
            return None
        return (
            f"the pack `{name}` of hub.toml differs from the pack in force, of which the hub uses "
            f"its own copy; an agency proposes the change with `offramp agency adopt DIR {name}`"
        )

    def judges(self, store: Store) -> Judges:
        """Return the judge of each pack that this hub keeps, by digest. Raises as `read_pack`."""
        judges: dict[str, Judge] = {}

        def judge(pack_digest: str) -> Judge:
            if pack_digest not in judges:
                pack = _kept_pack(store, pack_digest)
                if pack is None:
                    return judges_of(())(pack_digest)
                judges[pack_digest] = Judge(pack)
            return judges[pack_digest]

        return judge


def _kept_pack(store: Store, pack_digest: str) -> Pack | None:
    """Return the pack of a digest that the hub keeps, or None."""
    text = store.value(f"{PACK} {pack_digest}")
    return read_pack_files(text).pack() if text is not None else None


def create(
    path: Path,
    *,
    pack: str,
    name: str,
    program: str | None,
    zone: str | None,
    port: int,
    demo: bool,
) -> Folder:
    """Create a hub's folder. Raises `RequestError` `folder-taken`, `unknown-pack`; `PackError`."""
    read = read_pack(pack)
    if path.exists() and any(path.iterdir()):
        raise RequestError("folder-taken", f"`{path}` isn't empty", fix="name a new folder")
    old = os.umask(0o077)
    try:
        (path / "keys").mkdir(parents=True)
        settings: dict[str, Any] = {
            "name": name,
            "program": program or read.title,
            "zone": zone or read.time_zone,
            "pack": str(Path(pack).resolve()) if Path(pack).is_dir() else pack,
            "port": port,
            "demo": demo,
        }
        validate(Settings, settings, "what was given")
        # JSON strings, numbers, and booleans are valid TOML too.
        lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
        (path / "hub.toml").write_text(lines, encoding="utf-8")
        (path / "keys" / "log").write_bytes(Ed25519PrivateKey.generate().private_bytes_raw())
        (path / "keys" / "invite").write_bytes(secrets.token_bytes(32))
    finally:
        os.umask(old)
    return Folder(path)
