"""`offramp console`: serve the policy pages on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path

from offramp.change_command import read_cohort
from offramp.clock import day_of_asking
from offramp.console.listener import HOST, listen
from offramp.policy import operations
from offramp.terminal import print_text
from rules.errors import RequestError


def console(options: argparse.Namespace) -> int:
    """Serve until the process is told to stop. Raises `RequestError` `no-console`, `port-taken`."""
    try:
        import uvicorn

        from offramp.console.app import make_app
    except ImportError:
        raise RequestError(
            "no-console",
            "the packages that serve pages aren't installed",
            fix="in Offramp's checkout: pip install -c constraints.txt '.[console]'",
        ) from None
    today = day_of_asking(options.today)
    packs: dict[str, str | Path] = {name: name for name in operations.list_packs()}
    for folder in options.packs:
        (status,) = operations.list_programs(today, [folder])
        packs[status.pack.id] = folder
    drafts = _drafts(options.drafts)
    cohort = read_cohort(options)
    listener = listen(options.port)
    app = make_app(packs, today, drafts, cohort)
    print_text(f"Offramp console: http://{HOST}:{listener.getsockname()[1]}/", flush=True)
    # No access log, and no exception's text: it may quote a case.
    config = uvicorn.Config(app, log_level="critical", access_log=False, server_header=False)
    uvicorn.Server(config).run(sockets=[listener])
    return 0


def _drafts(name: str | None) -> dict[str, Path]:
    """Return the drafts in a folder by name.

    A draft is a folder with a pack, or a folder with one such folder in it: packs with one id are
    in folders with one name, and there may be several drafts of a pack.
    """
    if name is None:
        return {}
    if not Path(name).is_dir():
        raise RequestError("usage", "`--drafts` names no folder", fix="name a folder of drafts")
    drafts = {}
    for folder in (path for path in Path(name).iterdir() if path.is_dir()):
        packs = [path for path in (folder, *folder.iterdir()) if (path / "pack.yaml").is_file()]
        if packs and (packs[0] == folder or len(packs) == 1):
            drafts[folder.name] = packs[0]
    return drafts
