"""The process of a command server: `offramp agency serve` starts it, and no person does.

Standard input has the passphrase in its first line, and ends with the gateway that writes it. The
arguments are the agency's folder, the path of the socket, and a demonstration's clock or nothing.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

from offramp.agency.folder.keys import stretching
from offramp.agency.folder.office import KEYS
from offramp.agency.folder.sharing import let_others_pass
from offramp.command_server.server import Server, limit_server
from offramp.command_server.session import Service
from offramp.command_server.warming import warm_up
from offramp.terminal import print_error
from rules.errors import Refusal

_LONGEST_PASSPHRASE = 64 * 1024


def main() -> int:
    """Serve until standard input ends."""
    folder, path, clock = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] or None
    limit_server()
    passphrase = _read_passphrase(0)
    if passphrase is None:
        return 2
    unlocked = stretching(passphrase)
    warm_up(folder / KEYS, unlocked)
    try:
        if path.parent == folder:
            let_others_pass(folder)
        server = Server(path, Service(folder, unlocked, clock), 0)
    except Refusal as refusal:
        print_error(f"offramp: {refusal}")
        return 2
    gc.collect()
    gc.freeze()  # so that a collection in a command's process copies no page of the server
    server.run()
    return 0


def _read_passphrase(file: int) -> bytes | None:
    """Read the line of hexadecimal digits with the passphrase. None if the gateway is gone."""
    line = b""
    while not line.endswith(b"\n") and len(line) < _LONGEST_PASSPHRASE:
        part = os.read(file, 1)
        if not part:
            return None
        line += part
    return bytes.fromhex(line.decode("ascii").strip())


if __name__ == "__main__":
    raise SystemExit(main())
