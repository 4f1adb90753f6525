"""`offramp agency console`: serve the pages of an agency's people, in a process of their own."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from offramp.agency.commands.command import AgencyCommand, Output, passphrase_of
from offramp.agency.errors import AgencyError
from offramp.agency.folder.settings import Settings, read_settings

DEFAULT_PORT = 8091


def console_words(
    folder: Path,
    settings: Settings,
    *,
    port: int,
    clock: Path | None = None,
    demo_sign_in: bool = False,
) -> list[str]:
    """Return the command of a console's process. Its standard input gets the passphrase."""
    options: dict[str, Any] = {
        "folder": str(folder.absolute()),
        "name": settings.id,
        "port": port,
        "origin": settings.console_origin,
        "person_origin": settings.person_origin,
        "idle": settings.console_idle,
        "clock": str(clock.absolute()) if clock is not None else None,
        "demo_sign_in": demo_sign_in,
    }
    return [sys.executable, "-m", "offramp.console.agency", json.dumps(options)]


def _console(options: argparse.Namespace) -> Output:
    folder = Path(options.dir)
    settings = read_settings(folder)
    if options.demo_sign_in and not settings.demo:
        raise AgencyError(
            "no-demo",
            "signing in without a password is for demonstrations",
            fix="leave `--demo-sign-in` out; a practice town has `demo = true` in `agency.toml`",
        )
    port = settings.console_port or DEFAULT_PORT if options.port is None else options.port
    clock = Path(options.clock) if options.clock else None
    words = console_words(
        folder, settings, port=port, clock=clock, demo_sign_in=options.demo_sign_in
    )
    passphrase = passphrase_of(options)
    with subprocess.Popen(words, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None, "it is a pipe"
        with suppress(BrokenPipeError):
            process.stdin.write(passphrase.hex().encode() + b"\n")
            process.stdin.flush()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: process.stdin and process.stdin.close())
        code = process.wait()
    return Output({"stopped": True}, ["stopped"] if code == 0 else [], 0 if code == 0 else 2)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port",
        type=int,
        help=f"the port on this machine (`console_port` of `agency.toml`, or {DEFAULT_PORT}; "
        "0 takes a free one)",
    )
    parser.add_argument(
        "--demo-sign-in",
        action="store_true",
        help="let a visitor act for anybody, in a practice town only",
    )


COMMANDS = (
    AgencyCommand(
        "console",
        "serve the pages of your agency's people",
        run_without_office=_console,
        options=_options,
        owner_only="it serves everybody else",
    ),
)
