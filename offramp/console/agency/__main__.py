"""The process of an agency's console: `offramp agency console` or `serve` starts it.

Standard input has the passphrase in its first line, as hexadecimal digits, and ends with the
process that writes it. The argument is a JSON object with the folder and the settings.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from offramp.console.listener import listen
from offramp.terminal import print_error, print_text
from rules.errors import Refusal, RequestError

_LONGEST_PASSPHRASE = 64 * 1024


def main() -> int:
    """Serve until standard input ends."""
    options: dict[str, Any] = json.loads(sys.argv[1])
    passphrase = _read_passphrase(0)
    if passphrase is None:
        return 2
    try:
        _serve(options, passphrase)
    except Refusal as refusal:
        print_error(f"offramp: {refusal}")
        return 2
    return 0


def _serve(options: dict[str, Any], passphrase: bytes) -> None:
    """Serve one agency. Raises `RequestError` `no-console`, `port-taken`; as `open_office`."""
    try:
        import argon2  # noqa: F401  # only to see that it is installed
        import authlib  # noqa: F401  # only to see that it is installed
        import babel  # noqa: F401  # only to see that it is installed
        import fastapi  # noqa: F401  # only to see that it is installed
        import jinja2  # noqa: F401  # only to see that it is installed
        import pyotp  # noqa: F401  # only to see that it is installed
        import segno  # noqa: F401  # only to see that it is installed
        import uvicorn
        import webauthn  # noqa: F401  # only to see that it is installed
    except ImportError:
        raise RequestError(
            "no-console",
            "the packages that serve pages aren't installed",
            fix="in Offramp's checkout: pip install -c constraints.txt '.[console]'",
        ) from None
    from offramp.agency import operations
    from offramp.console.agency.office_thread import OfficeThread
    from offramp.console.agency.server import make_agency_app

    listener = listen(options["port"])
    clock = Path(options["clock"]) if options["clock"] else None
    thread = OfficeThread(Path(options["folder"]), passphrase, clock)
    name, port = options["name"], listener.getsockname()[1]
    address = options["origin"] or f"http://{name}.localhost:{port}"
    host = address.partition("://")[2].partition(":")[0]
    try:
        app = make_agency_app(
            thread,
            time.monotonic,
            operations.Site(address, host),
            idle=60.0 * options["idle"],
            demo_sign_in=options["demo_sign_in"],
            person_origin=options["person_origin"],
        )
        folder = Path(options["folder"]).absolute()
        print_text(f"Console of {name}, with the folder {folder}: {address}/")
        sys.stdout.flush()
        # No access log, and no exception's text: it may quote a case.
        config = uvicorn.Config(
            app, log_level="critical", access_log=False, server_header=False, proxy_headers=False
        )
        server = uvicorn.Server(config)
        threading.Thread(target=_stop_with_input, args=(server,), daemon=True).start()
        gc.enable()
        server.run(sockets=[listener])
    finally:
        thread.close()


def _stop_with_input(server: Any) -> None:
    """Stop when the process that started this one ends."""
    while os.read(0, 1024):
        pass
    server.should_exit = True


def _read_passphrase(file: int) -> bytes | None:
    """Read the line of hexadecimal digits with the passphrase. None if nobody writes it."""
    line = b""
    while not line.endswith(b"\n") and len(line) < _LONGEST_PASSPHRASE:
        part = os.read(file, 1)
        if not part:
            return None
        line += part
    return bytes.fromhex(line.decode("ascii").strip())


if __name__ == "__main__":
    raise SystemExit(main())
