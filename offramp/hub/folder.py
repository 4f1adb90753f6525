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
from exchange.models import WireModel, validate
from exchange.standards.notes import COSIGNATURE, derive_note_key
from offramp.adoption import collect_pack, read_pack_files
from offramp.hub.membership import PACK, Founding
from rules.errors import FactsError, RequestError
from rules.input.toml_text import read_toml
from rules.packs.digest import digest
from rules.shelf import read_pack


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
                "not-a-hub", f"`{path}` is no hub's folder: {error}", fix="run `offramp hub init`"
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

    @property
    def program(self) -> Founding:
        """The first version of the directory, without its agencies."""
        settings = self.settings
        pack = read_pack(settings.pack)
        log = derive_note_key(self.key, settings.name, COSIGNATURE).vkey
        return Founding(
            settings.program, settings.zone, {"id": pack.id, "digest": digest(pack)}, log
        )

    def open(self) -> Hub:
        """Open the hub over its database. Raises `StoreError`, `RequestError`, `PackError`."""
        store = Store(self.database)
        own = read_pack(self.settings.pack)
        # A later release may ship another pack under this id. Keep the text that judged cases.
        if store.value(f"{PACK} {digest(own)}") is None:
            store.set_value(f"{PACK} {digest(own)}", collect_pack(self.settings.pack).write())
        return Hub(self.key, self.settings.name, self.judges(store), secrets.token_bytes, store)

    def judges(self, store: Store) -> Judges:
        """Return the judge of each pack that this hub keeps, by digest. Raises as `read_pack`."""
        own = read_pack(self.settings.pack)
        judges = {digest(own): Judge(own)}

        def judge(pack_digest: str) -> Judge:
            if pack_digest not in judges:
                text = store.value(f"{PACK} {pack_digest}")
                if text is None:
                    return judges_of(())(pack_digest)
                judges[pack_digest] = Judge(read_pack_files(text).pack())
            return judges[pack_digest]

        return judge


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
