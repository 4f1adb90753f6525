"""`agency.toml`: who this agency is, where its hub is, and how long it keeps what it issues."""

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
    """What the file holds. `keep_days` is how long what this agency issues is kept, where a part doesn't say; `notice` the
    version of the redisclosure notice that is installed, of which `notice_file` has the official words; `automatic` names who
    answers for what the gateway opens, asks and answers in its cases by itself: without a name, it does nothing by itself.
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
    # In a demo alone: a word that stands in every content's salt, for whoever wants to see where contents end up.
    canary: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{4,12}$")] | None = None


def read_settings(folder: Path) -> Settings:
    """The settings in an agency's folder. Raises `AgencyError` `not-an-agency`, `ContentError` `wrong-shape`."""
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
    """The settings, whole and on the disk. Raises `AgencyError` `no-room`."""
    values = settings.model_dump(exclude_none=True)
    lines = [f"{name} = {_toml(value)}" for name, value in values.items()]
    write_private(folder / NAME, ("\n".join(lines) + "\n").encode())


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    # No member holds a line break or control letter but by mistake, and JSON's escapes are TOML's too.
    import json

    return json.dumps(str(value), ensure_ascii=False)
