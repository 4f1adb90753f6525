"""The Unix socket at which an agency's command server listens."""

from __future__ import annotations

import os
import socket
from pathlib import Path

# Its name in the agency's folder, unless the setting `socket` names another path.
NAME = "commands.socket"
# Only Linux states which account is on the other side of a socket of packets.
IS_POSSIBLE = hasattr(socket, "SO_PEERCRED") and hasattr(os, "memfd_create")


def socket_path(folder: Path, setting: str | None) -> Path:
    """Return the path of the socket: `setting`, or its place in the agency's folder."""
    return Path(setting) if setting is not None else folder / NAME
