"""The passphrase of an agency's keys: from a file, the service manager, or the person.

The first of these sources counts:

1. the file of `--passphrase-file`,
2. the credential `offramp-passphrase` of the service manager (systemd's `LoadCredential=`),
3. the file that `passphrase_file` in `agency.toml` names,
4. a question at the terminal.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable
from pathlib import Path

from offramp.agency.errors import AgencyError
from offramp.agency.folder.keys import check_passphrase, read_passphrase
from offramp.terminal import print_error

CREDENTIAL = "offramp-passphrase"


def find_passphrase(
    file: str | None, setting: str | None = None, *, as_json: bool = False, new: bool = False
) -> bytes:
    """Return the passphrase of the keys.

    `file` is that of the option and `setting` that of `agency.toml`. A command that prints JSON
    asks nothing. A `new` passphrase is asked for twice. Raises `AgencyError` `no-passphrase`,
    `open-to-others`.
    """
    if file is not None:
        return read_passphrase(Path(file))
    if (credential := _credential()) is not None:
        # The service manager gives it to this service alone, on terms that it keeps itself.
        return read_passphrase(credential, is_private=True)
    if setting is not None:
        return read_passphrase(Path(setting))
    if as_json or not (sys.stdin and sys.stdin.isatty()):
        raise AgencyError(
            "no-passphrase",
            "the keys need a passphrase, and there is no terminal to ask at",
            fix="give one with `--passphrase-file`",
        )
    return _ask_passphrase(new=new)


def _credential() -> Path | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    path = Path(folder) / CREDENTIAL
    return path if folder.startswith("/") and path.exists() else None


def _ask_passphrase(*, new: bool, ask: Callable[[str], str] = getpass.getpass) -> bytes:
    """Ask for the passphrase without showing it."""
    try:
        typed = ask("Passphrase of the keys: ")
        if new and ask("The same passphrase again: ") != typed:
            raise AgencyError(
                "no-passphrase", "the two passphrases are different", fix="type the same one twice"
            )
    except EOFError:
        print_error()
        typed = ""
    return check_passphrase(typed.encode(), "the terminal")
