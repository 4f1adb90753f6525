"""Let other accounts pass through an agency's folder to a socket in it, and read nothing there."""

from __future__ import annotations

import stat
from pathlib import Path

from offramp.agency.errors import AgencyError

# Others may pass through the folder to a path that they know. They can't list it.
PASSABLE = 0o711


def let_others_pass(folder: Path) -> None:
    """Let others pass through a folder, after taking every permission on its content from them.

    Raises `AgencyError` `no-room`.
    """
    try:
        for path in folder.iterdir():
            mode = path.lstat().st_mode
            if not (stat.S_ISLNK(mode) or stat.S_ISSOCK(mode)) and mode & 0o077:
                path.chmod(stat.S_IMODE(mode) & ~0o077)
        folder.chmod(PASSABLE)
    except OSError as error:
        raise AgencyError(
            "no-room",
            f"the permissions in `{folder}` can't be set: {error.strerror}",
            fix="run `offramp agency serve` as the account that owns the folder",
        ) from None
