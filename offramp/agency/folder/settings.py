"""`agency.toml`: the agency's id, its hub, and how long it keeps the records that it issues."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from exchange.models import AgencyId, WireModel, validate
from offramp.agency.errors import AgencyError
from offramp.agency.folder import notices
from offramp.agency.folder.keys import write_private
from rules.errors import FactsError
from rules.input.toml_text import read_toml

NAME = "agency.toml"
# `agency init` once wrote this version, which no label may name.
_OLD_NOTICE = "offramp-1"


# An address of a console: a scheme, a name, and perhaps a port.
ORIGIN = r"^https://[a-z0-9]([a-z0-9.-]{0,200}[a-z0-9])?(:[0-9]{1,5})?$"
_Dollars = Annotated[int, Field(ge=1, le=10**12)]
_Source = Annotated[str, Field(min_length=1, max_length=200)]
# The figures of the report that are given together or not at all.
_TOGETHER = (
    ("places", "places_source"),
    (
        "budget_low",
        "budget_high",
        "budget_source",
        "person_year_low",
        "person_year_high",
        "person_year_source",
    ),
)


class Settings(WireModel):
    """The settings in the file.

    `keep_days` is how long this agency's records are kept, if a part doesn't state it. `notice` is
    the version of the redisclosure notice that labels name: one of `notices.OFFICIAL`, or a text
    that `notice_file` installs. `socket` is the path at which the command server listens, by
    default `commands.socket` in the folder. `automatic` is the name of the person for whom the
    gateway opens, asks, and answers by itself. Without it, the gateway does nothing by itself.
    With `console_port`, `serve` also serves the console there, on this machine. `console_origin` is
    its address behind a TLS proxy, such as `https://clinic.example`. After `console_idle` minutes
    without a request it locks. `person_origin` is a public address for the pages of participants
    alone, off by default. `backup_folder` is where its admin makes backups, best on another
    disk. `hub_folder` is the folder of the hub, where the agency's account runs that too: its admin
    then invites agencies.

    The others are for the report: the program's places, its yearly budget, and the yearly cost of a
    person, in dollars. No figure is given without its range and its source.
    """

    id: AgencyId
    hub: Annotated[str, Field(max_length=512)] | None = None
    pack: Annotated[str, Field(max_length=512)] | None = None
    keep_days: Annotated[int, Field(ge=1, le=3650)] = 365
    notice: Annotated[str, Field(pattern=r"^(official|own)-[0-9]{1,4}$")] = notices.DEFAULT
    notice_file: str | None = None
    passphrase_file: str | None = None
    socket: Annotated[str, Field(pattern=r"^/", max_length=512)] | None = None
    automatic: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    console_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    console_origin: Annotated[str, Field(pattern=ORIGIN, max_length=253)] | None = None
    console_idle: Annotated[int, Field(ge=1, le=15)] = 15
    person_origin: Annotated[str, Field(pattern=ORIGIN, max_length=253)] | None = None
    backup_folder: Annotated[str, Field(pattern=r"^/", max_length=512)] | None = None
    hub_folder: Annotated[str, Field(pattern=r"^/", max_length=512)] | None = None
    crypto: Literal["approved", "validated"] = "approved"
    demo: bool = False
    places: Annotated[int, Field(ge=1, le=100_000)] | None = None
    places_source: _Source | None = None
    budget_low: _Dollars | None = None
    budget_high: _Dollars | None = None
    budget_source: _Source | None = None
    person_year_low: _Dollars | None = None
    person_year_high: _Dollars | None = None
    person_year_source: _Source | None = None
    # For demonstrations: a text in the salt of every content, which shows where contents end up.
    canary: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{4,12}$")] | None = None

    @model_validator(mode="after")
    def _check_figures(self) -> Settings:
        for names in _TOGETHER:
            missing = [name for name in names if getattr(self, name) is None]
            if missing and len(missing) < len(names):
                raise ValueError(f"{missing[0]} is missing beside the others")
        for low, high in (
            (self.budget_low, self.budget_high),
            (self.person_year_low, self.person_year_high),
        ):
            if low is not None and high is not None and low > high:
                raise ValueError("the low figure is above the high one")
        return self

    @field_validator("notice", mode="before")
    @classmethod
    def _replace_old_notice(cls, notice: object) -> object:
        return notices.DEFAULT if notice == _OLD_NOTICE else notice


def read_settings(folder: Path) -> Settings:
    """Read an agency's settings.

    Raises `AgencyError` `not-an-agency`, `owner-only`; `ContentError`.
    """
    path = folder / NAME
    try:
        return validate(Settings, read_toml(path, f"`{NAME}`"), f"`{NAME}`")
    except PermissionError:
        raise AgencyError(
            "owner-only",
            f"`{folder}` belongs to another account, and no command server answers there",
            fix="have that account run `offramp agency serve`",
        ) from None
    except OSError:
        raise AgencyError(
            "not-an-agency", f"there is no `{path}`", fix=_missing_settings_fix(folder)
        ) from None
    except FactsError as error:
        raise AgencyError(
            "not-an-agency", f"the settings can't be read: {error.message}", fix=error.fix
        ) from None


def _missing_settings_fix(folder: Path) -> str:
    """Say what to do without settings. A folder with keys or a journal was an agency's."""
    if any((folder / "keys").glob("*.json")) or (folder / "agency.db").exists():
        return (
            "keep this folder, and restore a backup into a new one with "
            "`offramp agency restore FOLDER FILE`"
        )
    return "run `offramp agency init` first"


def write_settings(folder: Path, settings: Settings) -> None:
    """Write the settings to the disk, whole or not at all. Raises `AgencyError` `no-room`."""
    values = settings.model_dump(exclude_none=True)
    lines = [f"{name} = {_toml(value)}" for name, value in values.items()]
    write_private(folder / NAME, ("\n".join(lines) + "\n").encode())


def _toml(value: object) -> str:
    """Return a value as TOML. The escapes of a JSON string are TOML's too."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else json.dumps(str(value), ensure_ascii=False)


def installed_notice(folder: Path, settings: Settings, version: str) -> str | None:
    """Return the text of a redisclosure notice. None if its text isn't installed here.

    The text in `notice_file` is the version that the settings name.
    """
    if version == settings.notice and settings.notice_file is not None:
        try:
            return (folder / settings.notice_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return notices.OFFICIAL.get(version)
    return notices.OFFICIAL.get(version)
