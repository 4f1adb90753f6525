"""The operating system's account of the person who runs a command.

It is this process's account, or at a command server that of the process on the other side of the
connection, as the kernel states it. Nothing that a person can type changes it.
"""

from __future__ import annotations

import os

# The account to which Linux maps every account that has no number here. It may be anybody.
NOBODY = 65534

_served: list[int] = []


def serve_account(account: int) -> None:
    """State for whom this process works, for the rest of its life."""
    _served[:] = [account]


def is_served() -> bool:
    """Report whether this process is a command server's, and works for another process."""
    return bool(_served)


def person_account() -> int:
    """Return the id of the account of the person who runs this command."""
    return _served[0] if _served else os.getuid()
