"""`offramp hub …`: parse the words, call one operation, print its result."""

from __future__ import annotations

import argparse
import gc
import signal
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from exchange.records.kinds import kinds
from offramp.clock import Clock
from offramp.hub import operations
from offramp.hub.collector import collect_seldom
from offramp.hub.folder import Folder
from offramp.restored import lines
from offramp.terminal import print_error, print_json, print_text
from rules.author.spoken_dates import spoken_moment
from rules.errors import RequestError


def main(options: argparse.Namespace) -> int:
    """Run one of the hub's commands, and return its exit code."""
    try:
        return COMMANDS[options.hub_command](options)
    except KeyboardInterrupt:
        print_error()
        return 0


def init(options: argparse.Namespace) -> int:
    """Create a hub's folder."""
    folder = operations.create_hub(
        Path(options.dir),
        pack=options.pack,
        name=options.name,
        program=options.program,
        zone=options.zone,
        port=options.port,
        demo=options.demo,
    )
    settings = folder.settings
    print_text(f"{folder.path} is the folder of the hub `{settings.name}` for {settings.program}.")
    print_text(
        f"Next: offramp hub invite {options.dir} AGENCY --role ROLE --name NAME, "
        "once for each founder;"
    )
    print_text(f"then: offramp hub serve {options.dir}")
    return 0


def invite(options: argparse.Namespace) -> int:
    """Print the code with which an agency joins, list invitations, or withdraw one.

    Only the code is on standard output, so that a script can read it.
    """
    folder = operations.open_folder(Path(options.dir))
    now = _clock(folder, options).now()
    if options.list:
        return _print_invitations(folder, options, operations.list_invitations(folder, now=now))
    if options.agency is None:
        raise RequestError(
            "bad-invitation",
            "no agency is named",
            fix="name its new id, such as `police`, with `--role` and `--name`, or add `--list`",
        )
    if options.withdraw:
        withdrawn = operations.withdraw_invitation(folder, options.agency)
        if options.json:
            print_json(withdrawn.as_json() | {"withdrawn": True})
        else:
            print_text(f"the invitation of `{withdrawn.agency}` is withdrawn: its code is void")
        return 0
    if options.role is None or options.name is None:
        raise RequestError(
            "bad-invitation",
            f"`{options.agency}` needs a role and a name",
            fix="give `--role ROLE` and `--name NAME`, with one of the roles "
            f"{', '.join(kinds()['answer'].issuers)}",
        )
    invitation = operations.invite_agency(
        folder, options.agency, options.role, options.name, now=now
    )
    if options.json:
        print_json(invitation.as_json())
        return 0
    print_text(invitation.code, flush=True)
    print_error(
        f"read it to `{invitation.agency}` by telephone; it is valid until "
        f"{_local_time(folder, invitation.until)}; to withdraw it: "
        f"offramp hub invite {options.dir} {invitation.agency} --withdraw"
    )
    return 0


def _print_invitations(
    folder: Folder,
    options: argparse.Namespace,
    invitations: Sequence[operations.Invitation],
) -> int:
    if options.json:
        print_json([invitation.as_json() for invitation in invitations])
        return 0
    for invitation in invitations:
        role = invitation.role.replace("_", " ")
        named = f"{invitation.agency} ({invitation.name}, {role})"
        until = _local_time(folder, invitation.until)
        details = {
            "open": f"{invitation.code}  for {named}, until {until}",
            "used": f"by {named}, {_local_time(folder, invitation.used_at or 0)}",
            "expired": f"for {named}, {until}",
            "withdrawn": f"for {named}",
        }
        print_text(f"{invitation.state:<10} {details[invitation.state]}")
    if not any(invitation.state == "open" for invitation in invitations):
        print_text("no invitation is open")
    return 0


def _local_time(folder: Folder, at: int) -> str:
    return spoken_moment(at, ZoneInfo(folder.settings.zone))


LOOPBACK = ("127.0.0.1", "::1")


def serve(options: argparse.Namespace) -> int:
    """Serve the hub until a signal. Raises `RequestError` `no-certificate`, `not-a-hub`."""
    import uvicorn

    from offramp.hub.api.app import create_app
    from offramp.hub.api.monitoring import ADDRESS, Monitor
    from offramp.hub.patience import create_server, protocol_over
    from offramp.hub.service import Service

    folder = Folder(Path(options.dir))
    settings = folder.settings
    if settings.host not in LOOPBACK and not settings.certificate:
        raise RequestError(
            "no-certificate",
            "without a certificate the hub is served on loopback only",
            fix="name one in hub.toml",
        )
    gc.enable()  # a server lives long, unlike other commands
    # What a crash leaves behind would hold whatever was in memory.
    _no_cores()
    service = Service(folder, _clock(folder, options))
    app = create_app(service)
    port = options.port or settings.port
    named = options.health_port if options.health_port is not None else settings.health_port
    monitor = Monitor(service, port + 1 if named is None else named)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=port,
        http=protocol_over(service.connections),
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.key,
        log_level="warning",
        access_log=False,
        date_header=False,
        server_header=False,
        limit_concurrency=2000,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )
    note = folder.draft_note(service.hub)
    if note is not None:
        print_text(f"note: {note}")
    print_text(f"the hub `{settings.name}` listens on {settings.host}:{port}")
    print_text(f"its health is at http://{ADDRESS}:{monitor.port}/health", flush=True)
    # Uvicorn stops at these and then sends them on: a stop that was asked for is no failure.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: None)
    monitor.start()
    collect_seldom()

    def stop() -> None:
        monitor.stop()
        service.writer.wake()

    try:
        create_server(config, stop).run()
    finally:
        monitor.stop()  # also where the server couldn't begin
        monitor.wait()
    return 0


def _no_cores() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _clock(folder: Folder, options: argparse.Namespace) -> Clock:
    return operations.clock_of(folder, Path(options.clock) if options.clock else None)


def backup(options: argparse.Namespace) -> int:
    """Copy the database to one file, while the hub runs or not."""
    folder, target = operations.open_folder(Path(options.dir)), Path(options.file)
    size = operations.back_up(folder, target, force=options.force)
    keys = folder.path / "keys"
    print_text(f"{target}: {size} bytes. The keys in {keys} aren't in it: keep them apart.")
    return 0


def restore(options: argparse.Namespace) -> int:
    """Put a backup in the database's place."""
    folder = operations.open_folder(Path(options.dir))
    operations.restore(folder, Path(options.file))
    print_text(
        f"{folder.database} is that of {options.file}. Serve it: it hands out nothing until every "
        "agency's gateway has been heard."
    )
    print_text(f"Then: offramp hub generation {options.dir}")
    return 0


def generation(options: argparse.Namespace) -> int:
    """Print what a restored hub waits for, and set aside the agencies of `--without`."""
    folder = operations.open_folder(Path(options.dir))
    if options.without:
        operations.set_aside(folder, (agency for agency in options.without if agency != "-"))
    state = operations.report_generation(folder, now=_clock(folder, options).now())
    if options.json:
        print_json(state, ascii_only=True)
    else:
        print_text("\n".join(lines(state)))
    return 0


def fsck(options: argparse.Namespace) -> int:
    """Check every byte of a stopped hub's database. Exit code 1 where one is wrong."""
    path = Path(options.dir)
    database = path / "hub.db" if path.is_dir() else path
    if not database.is_file():
        raise RequestError("no-file", f"there is no `{database}`", fix="name a hub's folder")
    faults = operations.find_faults(database)
    for fault in faults:
        print_text(f"wrong: {fault}")
    if not faults:
        print_text(f"{database}: every byte is as it was written.")
    return 1 if faults else 0


COMMANDS = {
    "init": init,
    "serve": serve,
    "invite": invite,
    "backup": backup,
    "restore": restore,
    "generation": generation,
    "fsck": fsck,
}
