"""Create an agency's folder, and open it."""

from __future__ import annotations

import os
import re
from contextlib import closing
from pathlib import Path

from exchange.errors import shorten
from exchange.models import AGENCY_ID
from offramp.agency.errors import AgencyError
from offramp.agency.folder.journal import Journal
from offramp.agency.folder.keys import Stretch
from offramp.agency.folder.office import JOURNAL, Office, init
from offramp.agency.folder.settings import Settings, read_settings
from offramp.agency.folder.staff import full_name_of, own_login
from offramp.agency.operations.sign_in import founding_event
from offramp.clock import Clock


def create_agency(
    folder: Path,
    agency: str,
    passphrase: bytes,
    *,
    demo: bool = False,
    passphrase_file: str | None = None,
    founder: str | None = None,
) -> Settings:
    """Create an agency's folder with its keys, and return its settings.

    `agency` is its id: lower-case letters, digits, dashes. `demo` allows a clock in a file.
    `passphrase_file` is only written into the settings. `founder` is the name of the first listed
    person, by default that of the account that runs this program. Raises `AgencyError` `bad-id`,
    `already-there`, `no-room`, `bad-name`, `hidden-character`.
    """
    check_agency_id(agency)
    now = Clock(None).now()
    founded = founding_event(founder or full_name_of(os.getuid()), own_login(), now)
    init(folder, agency, passphrase, demo=demo, passphrase_file=passphrase_file)
    with closing(Journal(folder / JOURNAL)) as journal, journal.together():
        journal.append("staff", now, founded)
    return read_settings(folder)


def check_agency_id(agency: str) -> None:
    """Check that an agency's id has the exchange's form. Raises `AgencyError` `bad-id`."""
    if re.fullmatch(AGENCY_ID, agency) is None:
        raise AgencyError(
            "bad-id",
            f"`{shorten(agency)}` is no id of an agency",
            fix="use 2 to 31 lower-case letters, digits, and dashes, with a letter first",
        )


def open_office(
    folder: Path, passphrase: bytes | Stretch, *, clock_file: Path | None = None
) -> Office:
    """Open an agency's folder. Close it with `Office.close`, or use `contextlib.closing`.

    `clock_file` holds the one time that is now, for demonstrations. Raises `AgencyError`
    `not-an-agency`, `no-demo`, `no-key-file`, `bad-passphrase`, `open-to-others`, `damaged`;
    `RequestError` `bad-clock`.
    """
    if clock_file is not None and not read_settings(folder).demo:
        raise AgencyError(
            "no-demo",
            "a clock in a file is for demonstrations",
            fix="leave `--clock` out; a practice town has `demo = true` in `agency.toml`",
        )
    return Office(folder, passphrase, Clock(clock_file).now)
