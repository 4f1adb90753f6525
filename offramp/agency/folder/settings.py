"""`agency.toml`: the agency's id, its hub's address, and how long it keeps what it issues."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from exchange.models import AgencyId, WireModel, validate
from offramp.agency.errors import AgencyError
from offramp.agency.folder.keys import write_private

NAME = "agency.toml"


class Settings(WireModel):
    """The members of the file.

    `keep_days` is the retention of a part that doesn't state its own. `notice` is the version of
    the installed redisclosure notice, and `notice_file` has its official words. `automatic` names
    the person responsible for automatic acts. Without a name there are none.
    """

    id: AgencyId
    hub: Annotated[str, Field(max_length=512)] | None = None
    pack: Annotated[str, Field(max_length=512)] | None = None
    keep_days: Annotated[int, Field(ge=1, le=3650)] = 365
    notice: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,31}$")] = "offramp-1"
    notice_file: str | None = None
    passphrase_file: str | None = None
    automatic: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    crypto: Literal["approved", "validated"] = "approved"
    demo: bool = False
    # In a demo alone: a word in every content's salt, which shows where contents end up.
    canary: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{4,12}$")] | None = None


def read_settings(folder: Path) -> Settings:
    """Read an agency's settings.

    Raises `AgencyError` `not-an-agency`, `ContentError` `wrong-shape`.
    """
    path = folder / NAME
    try:
        return validate(Settings, tomllib.loads(path.read_text(encoding="utf-8")), f"`{NAME}`")
    except OSError:
        raise AgencyError(
            "not-an-agency", f"there is no `{path}`", fix="run `offramp agency init` first"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AgencyError(
            "not-an-agency", f"`{path}` can't be read: {error}", fix="write it as TOML"
        ) from None


def write_settings(folder: Path, settings: Settings) -> None:
    """Write the settings whole, on the disk. Raises `AgencyError` `no-room`."""
    values = settings.model_dump(exclude_none=True)
    lines = [f"{name} = {_toml(value)}" for name, value in values.items()]
    write_private(folder / NAME, ("\n".join(lines) + "\n").encode())


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    # A member has no line break or control letter, and JSON's escapes are TOML's too.
    import json

    return json.dumps(str(value), ensure_ascii=False)
